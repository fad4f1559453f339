"""
Viewing: files of strangers, seen as pictures that a throw-away sandbox has made.

    bytes --memory file--> bubblewrap: no network, no files, no keys, limits
                             poppler, LibreOffice, Pillow --raw pixels--> pipe
    pixels --checked--> PNG --> screen

A file can attack whatever opens it.  What opens it here can see nothing else and reach
nobody, and what comes out of there is only numbers for colours, whose count is checked.
"""
