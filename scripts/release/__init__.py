"""
A release: what installs a server, and what upgrades it (docs/adr/0025).

    requirements/server.txt --pip, digests--> libraries -+
    the modules that ops.server_cli needs ---------------+-> bisik-server-VERSION_*.deb
    deployment/: units, AppArmor profiles ---------------+       |
                                                                 |
    ansible/, requirements/deploy.txt, deploy, docs/ ------------+
    Debian's archive --apt, for an empty machine, if wanted------+-> a folder to carry
                                                                 |
                       Packages, README.txt, SHA256SUMS, .asc ---+

The .deb is the same, bit by bit, wherever, whenever and by whomever it is built from
one commit, and so is the folder, but for a signature and the packages of Debian.
"""
