"""
The dead drop: a blind store that keeps no list of reporters.

Specified in docs/spec/deaddrop.md.  Knows neither codenames nor plaintext.
"""

from deaddrop.chance import Entropy
from deaddrop.copying import MalformedCopy, NewerCopy, NotEmpty
from deaddrop.desks import AppliedOutbox
from deaddrop.dummies import KnownDummies
from deaddrop.errors import (
    AlreadyInstalled,
    DamagedItem,
    DeadDropError,
    DeadDropUnavailable,
    MissingOutbox,
    NotInstalled,
    NotMigrated,
    OfficerExists,
    OutboxConflict,
    Reason,
    StaleSlot,
    UnknownDesk,
    UnknownItem,
    UnknownOfficer,
)
from deaddrop.intake import IntakeEntry, SealedItem
from deaddrop.mailbox import SlotWrite
from deaddrop.migrating import Steps, migrate, this_versions_steps
from deaddrop.officers import Officer
from deaddrop.sessions import SessionRow
from deaddrop.store import DeadDrop, Installation, open_deaddrop
from deaddrop.tidy import Tidied

__all__ = [
    "AlreadyInstalled",
    "AppliedOutbox",
    "DamagedItem",
    "DeadDrop",
    "DeadDropError",
    "DeadDropUnavailable",
    "Entropy",
    "Installation",
    "IntakeEntry",
    "KnownDummies",
    "MalformedCopy",
    "MissingOutbox",
    "NewerCopy",
    "NotEmpty",
    "NotInstalled",
    "NotMigrated",
    "Officer",
    "OfficerExists",
    "OutboxConflict",
    "Reason",
    "SealedItem",
    "SessionRow",
    "SlotWrite",
    "StaleSlot",
    "Steps",
    "Tidied",
    "UnknownDesk",
    "UnknownItem",
    "UnknownOfficer",
    "migrate",
    "open_deaddrop",
    "this_versions_steps",
]
