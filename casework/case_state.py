"""
Case states: what every desk says about a case, as its journal makes it.

Nothing here changes: `folding` makes one state after the other, event by event.
Specified in docs/spec/journal.md.  This module does no I/O.
"""

from dataclasses import dataclass, field
from datetime import date

from casework.journal import Briefed, Event, ExposureDecided, Replied
from casework.reply import CaseStatus


@dataclass(frozen=True)
class Entry:
    """An event whose signature was verified, and its digest."""

    digest: str
    event: Event = field(repr=False)


@dataclass(frozen=True)
class Conflict:
    """An event that did not fit where it stands, and why."""

    entry: Entry
    reason: str


@dataclass(frozen=True)
class Gap:
    """Events of a desk that are missing before one that is there."""

    desk_id: str
    numbers: range


@dataclass(frozen=True)
class Note:
    """A note, and whose."""

    digest: str
    desk_id: str
    day: date
    text: str = field(repr=False)


@dataclass(frozen=True)
class Proposal:
    """A closing that waits for a second officer."""

    digest: str
    desk_id: str
    day: date
    after: CaseStatus
    reason: str = field(repr=False)


@dataclass(frozen=True)
class Verdict:
    """How an officer judged something, and why."""

    desk_id: str
    day: date
    verdict: str
    reason: str = field(repr=False)


@dataclass(frozen=True)
class Sent:
    """A reply that a desk sealed to the reporter."""

    digest: str
    desk_id: str
    day: date
    action: Replied = field(repr=False)


@dataclass(frozen=True)
class ExposureDecision:
    """Whether the case may be shared, as far as the reporter's protection goes."""

    desk_id: str
    day: date
    action: ExposureDecided = field(repr=False)


@dataclass(frozen=True)
class CaseState:
    """
    What the journal says about a case.

    Attributes:
        due: The day that was promised to the reporter in the last reply that
            promised one; None if none did, or it was met.

        reopened_day: When the case was opened again last.

        feedback_day: When a letter first told the reporter what follows from the
            report, or, of a case that was opened again, from that; None if none has.

        admitted: By desk that an officer let in, in which form it gets the case.

        members: Desks that knew the case when somebody was let in; whoever received
            the report itself knows so without it.

        excluded: By desk, why.

        through_clock: The clock of the last event.
    """

    status: CaseStatus = CaseStatus.RECEIVED
    status_day: date | None = None
    registration_number: str | None = field(default=None, repr=False)
    due: date | None = None
    due_told: bool = False
    reopened_day: date | None = None
    feedback_day: date | None = None
    assigned: str | None = None
    admitted: dict[str, str] = field(default_factory=dict)
    members: frozenset[str] = frozenset()
    excluded: dict[str, str] = field(default_factory=dict, repr=False)
    proposal: Proposal | None = None
    labels: frozenset[str] = field(default=frozenset(), repr=False)
    links: dict[str, str] = field(default_factory=dict, repr=False)
    notes: tuple[Note, ...] = field(default=(), repr=False)
    replies: tuple[Sent, ...] = field(default=(), repr=False)
    verdicts: dict[str, Verdict] = field(default_factory=dict, repr=False)
    exposure: ExposureDecision | None = None
    redactions: dict[tuple[str, str], tuple[tuple[int, int], ...]] = field(
        default_factory=dict, repr=False
    )
    paraphrase: str = field(default="", repr=False)
    brief: Briefed | None = field(default=None, repr=False)
    contacts_opened: tuple[Entry, ...] = ()
    files_taken: tuple[Entry, ...] = ()
    exports: tuple[Entry, ...] = ()
    history: tuple[Entry, ...] = ()
    undone: frozenset[str] = frozenset()
    conflicts: tuple[Conflict, ...] = ()
    gaps: tuple[Gap, ...] = ()
    through_clock: int = 0


class DoesNotFit(Exception):
    """The event changes nothing where it stands."""
