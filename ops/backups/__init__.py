"""
Backups of a server, sealed to its operator, and servers from backups.

    archive      what is in a backup, and in which order
    making       the owner copies the dead drop, root adds the addresses, gpg seals
    keeping      names, and how long one is kept
    restoring    a server directory and an onion folder, everything or nothing
    verifying    restored in memory, looked at, thrown away

Specified in docs/spec/backup.md; why it is so, in docs/adr/0028.
"""
