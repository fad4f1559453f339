"""
The workstation: an officer's desk, on a machine that never sees a network.

    bundle --import--> items/ (sealed) + casebook (SQLCipher) --reply--> outbox

Here, and only here, are reports opened.  The package imports nothing that needs
a server: bundles come in and outboxes go out as files.
"""
