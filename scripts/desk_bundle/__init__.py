"""
The bundle that installs a desk on a machine without a network (docs/adr/0020).

    requirements/desk.txt --pip, digests--> wheels ---+
    the modules that ops.desk_cli needs --------------+--> bisik-desk_*.deb
                                                      |        |
    Debian's archive --apt, for an empty machine------+--> debian/*.deb
                                                               |
                         Packages, SHA256SUMS, install, README-+--> a folder to carry

The .deb is the same, bit by bit, wherever, whenever and by whomever it is built from
one commit.  The Debian packages beside it are the newest of the day.
"""
