"""What only a server refuses, and the way out."""

from deaddrop import (
    AlreadyInstalled,
    DeadDropError,
    DeadDropUnavailable,
    MissingOutbox,
    NotInstalled,
    NotMigrated,
    OfficerExists,
    OutboxConflict,
    UnknownItem,
)
from journalist_app.courier.errors import CourierError
from ops.errors import (
    NoOrganisationKey,
    NoPrivateMemory,
    NoServer,
    Refusals,
    UnknownDeskName,
)

_KINDS = (CourierError, DeadDropError)
_HINTS = (
    (NoServer, "make one with: bisik init --directory DIRECTORY"),
    (NoOrganisationKey, "run: bisik organisation trust organisation.asc"),
    (NoPrivateMemory, 'name a tmpfs folder as "memory" in bisik.toml'),
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
    (DeadDropUnavailable, "see to the disk and the database, then try again"),
)
SERVER_REFUSALS = Refusals(_KINDS, _HINTS)
