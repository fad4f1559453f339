"""What only a server refuses, and the way out."""

from casework.notice import LONGEST_CHARACTERS, MalformedNotice, UnusableNotice
from crypto.recipients import NoRecipient
from deaddrop import (
    AlreadyInstalled,
    DeadDropError,
    DeadDropUnavailable,
    MalformedCopy,
    MissingOutbox,
    NewerCopy,
    NotEmpty,
    NotInstalled,
    NotMigrated,
    OfficerExists,
    OutboxConflict,
    UnknownItem,
)
from journalist_app.courier.errors import CourierError
from ops.access import NotServed
from ops.activation import UnfitSocket
from ops.backups.archive import MalformedBackup, SealedBackup
from ops.backups.settings import MalformedBackupSettings
from ops.database_copy import Undecided
from ops.errors import (
    NoOrganisationKey,
    NoPrivateMemory,
    NoServer,
    Refusals,
    ScratchOnDisk,
    UnknownDeskName,
)
from ops.host import AlteredRelease
from ops.in_use import BeingUpgraded, StillInUse
from ops.notifying.errors import (
    MalformedMailSettings,
    MalformedRecipients,
    NoPassword,
    NotSent,
    RecipientExists,
    UnknownRecipient,
    UnusableRecipient,
)
from ops.onion_keys import (
    AddressesUnreadable,
    BehindFront,
    KeysThere,
    OtherAddress,
    TorRuns,
)
from ops.onion_place import WAY_OUT, UntrustedPlace
from ops.releases import UnknownRelease
from ops.upgrade import OneWayOnly, UpgradeFailed
from tor.address import MalformedOnionAddress
from tor.authorization import ClientExists, UnknownClient
from tor.errors import (
    MalformedClientKey,
    NetworkNotReady,
    TorError,
    TorMissing,
    TorNotRunning,
    TorUnreachable,
    UnsafeAuthorization,
)

_KINDS = (CourierError, DeadDropError, TorError)
_HINTS = (
    (
        UnusableNotice,
        f"plain text in both languages, {LONGEST_CHARACTERS} characters at most; "
        "see docs/spec/notice.md",
    ),
    (MalformedNotice, "run: bisik notice clear; then set it again"),
    (UnknownRecipient, "see who gets one with: bisik notify recipients list"),
    (RecipientExists, "remove it first: bisik notify recipients remove ADDRESS"),
    (UnusableRecipient, "see docs/spec/notifications.md"),
    (MalformedRecipients, "restore it, or remove it and add the recipients again"),
    (MalformedMailSettings, "see docs/spec/notifications.md, then run the playbook"),
    (NoPassword, "let systemd run it, with LoadCredential=mail-password:FILE"),
    (NotSent, "it may be run again; what was sent is not sent twice"),
    (SealedBackup, "open it: gpg --decrypt FILE | bisik backup verify -"),
    (MalformedBackup, "see what gpg said; then try an older backup"),
    (MalformedBackupSettings, "run the playbook again, which writes the file"),
    (MalformedCopy, "try an older backup"),
    (NewerCopy, "install the version of Bisik that made it, or a newer one"),
    (NotEmpty, "make a new, empty database, and name it with --database"),
    (NoRecipient, "bring the operator's renewed public key to this server"),
    (ScratchOnDisk, "name a folder in memory, or say --on-encrypted-disk"),
    (AddressesUnreadable, "run it as root, or leave them out: --without-addresses"),
    (KeysThere, "put tor's folder of this machine aside, then try again"),
    (UntrustedPlace, WAY_OUT),
    (BehindFront, "give the front another key: docs/spec/scale-out.md"),
    (OtherAddress, "see which one it is: bisik onion status"),
    (TorRuns, "stop tor, then try again"),
    (NoServer, "make one with: bisik init --directory DIRECTORY"),
    (NoOrganisationKey, "run: bisik organisation trust organisation.asc"),
    (NoPrivateMemory, 'name a tmpfs folder as "memory" in bisik.toml'),
    (UnfitSocket, "name the unit's ListenStream in bisik.toml: socket, courier_socket"),
    (UnknownDeskName, "see the names with: bisik officers list"),
    (AlreadyInstalled, "to add a machine to it: bisik init --join --database URL"),
    (NotInstalled, "run: bisik init"),
    (NotMigrated, "stop the site, make a backup, then run: bisik migrate"),
    (OfficerExists, "see who is enrolled with: bisik officers list --all"),
    (
        MissingOutbox,
        "on the desk: bisik desk export --again NUMBER; if the desk has no such "
        "outbox, import a new bundle there first",
    ),
    (OutboxConflict, "nothing was applied; keep the outbox, and ask the officer"),
    (UnknownItem, "an item was collected meanwhile; run the command again"),
    (BeingUpgraded, "wait until it has ended, then run the command again"),
    (Undecided, "as root: bisik release recover"),
    (StillInUse, "let whatever uses it end, then try again"),
    (UnknownRelease, "see what is installed with: bisik release show"),
    (AlteredRelease, "install the package once more, from a release you have verified"),
    (OneWayOnly, "upgrade to a release between them first, or: --one-way"),
    (UpgradeFailed, "mend what it names, then try again, or go on to a later release"),
    (TorMissing, "install the Debian package tor"),
    (TorNotRunning, "start tor, then see: bisik onion status"),
    (NetworkNotReady, "the machine may be too busy; try again"),
    (
        TorUnreachable,
        "see that this machine has the internet and the right time; without the "
        "internet: bisik run --onion",
    ),
    (MalformedOnionAddress, "copy it from the file hostname, which Tor wrote"),
    (NotServed, "set administrators = true there, then run: bisik onion torrc"),
    (MalformedClientKey, "let them send what access-key has shown them"),
    (ClientExists, "revoke it first, with revoke-access NAME"),
    (UnknownClient, "see the names with: bisik officers access, or administrators"),
    (UnsafeAuthorization, "stop tor at once, mend the folder, then: bisik doctor"),
    (DeadDropUnavailable, "see to the disk and the database, then try again"),
)
SERVER_REFUSALS = Refusals(_KINDS, _HINTS)
