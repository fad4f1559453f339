"""
What can go wrong in the dead drop.

    DeadDropError
      +- DeadDropUnavailable   the database: full, busy, unreachable, other
      +- NotMigrated           the tables are missing or of another version
      +- NotInstalled          the tables are there, the installation is not
      +- AlreadyInstalled      it is, and must never be made again
      +- StaleSlot             somebody else changed the slot first
      +- DamagedItem           the bytes are not those that were announced
      +- UnknownItem           there is no such item (any more)
      +- UnknownDesk           no active officer has this desk
      +- UnknownOfficer        no officer has this fingerprint
      +- OfficerExists         this officer is enrolled already
      +- OutboxConflict        an outbox contradicts what is stored
           +- MissingOutbox    ... because an earlier one has not come

The docstring of a class is the sentence that `str()` gives.  No error of this
package ever holds the name or the content of a row, or an error of the
database driver, whose text may quote rows.
"""

import inspect
from enum import StrEnum


class DeadDropError(Exception):
    """The dead drop could not do what it was asked; nothing was changed."""

    def __str__(self) -> str:
        """Return the message, or else the sentence of the class."""
        return super().__str__() or inspect.getdoc(type(self)) or type(self).__name__


class Reason(StrEnum):
    """Why the database cannot be used, for a programme to act on."""

    FULL = "full"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    ALONE = "alone"
    OTHER = "other"


class DeadDropUnavailable(DeadDropError):
    """The database cannot be used at the moment; nothing was changed."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class NotMigrated(DeadDropError):
    """The database does not have the tables of this version of the software."""


class NotInstalled(DeadDropError):
    """The database has no installation yet."""


class AlreadyInstalled(DeadDropError):
    """The installation exists; with a new one every reporter would lose their case."""


class StaleSlot(DeadDropError):
    """A mailbox slot changed since it was read; nothing was stored."""


class DamagedItem(DeadDropError):
    """The sealed item is not of the announced size and digest; nothing was stored."""


class UnknownItem(DeadDropError):
    """There is no such item at intake; it may have been collected and deleted."""


class UnknownDesk(DeadDropError):
    """No active officer has this desk."""


class UnknownOfficer(DeadDropError):
    """No officer with this fingerprint is enrolled."""


class OfficerExists(DeadDropError):
    """An officer with this fingerprint or desk is enrolled already."""


class OutboxConflict(DeadDropError):
    """The outbox contradicts what is stored; nothing of it was applied."""


class MissingOutbox(OutboxConflict):
    """An earlier outbox of this desk has not come; nothing was applied."""
