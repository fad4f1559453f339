"""
What the desk's bundle and the server's release are both made with (docs/adr/0020).

    release           the commit: its version and its moment
    own_code          the modules that a command comes to import
    wheels            the libraries of others, by digest
    deb               a Debian package, the same bit by bit wherever it is built
    debian_packages   what an empty Debian 12 would need beside it
    sums              the digests of a folder
"""
