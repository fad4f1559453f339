"""
Statistics: what a quarter's reports came to, without showing anybody.

    cases received in the quarter          one count, and breakdowns of it
      |  what had happened to each         completeness, deadline, stage, answered,
      |  by the last day of the quarter    forwarded, retaliation, withdrawn, reopened
      +--> median and 90th percentile of days, where enough cases are behind it

Every breakdown is of the same reports, received in the quarter and seen as they were on
its last day.  So a figure does not change when it is made again later, and two quarters
have no report in common: what is hidden in one cannot be found by taking one table
from another.  Nothing is added up over quarters.

The indicators are those of ISO 37002:2021, 9.1.2, as far as they exist here: every
report is anonymous, and whom a case was forwarded to is free text and not counted.

Specified in docs/spec/statistics.md.  This module does no I/O.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Self

from casework.case_state import CaseState
from casework.deadlines import BeyondCalendar, Calendar, working_days_between
from casework.errors import CaseworkError
from casework.journal import (
    Assessed,
    ClosingConfirmed,
    ClosingProposed,
    Labelled,
    Replied,
    StepTaken,
)
from casework.reply import CaseStatus
from casework.report import SEVEN_QUESTIONS
from casework.suppression import SMALLEST_SHOWN, hidden, is_small
from casework.workflow import CLOSED, UNVERIFIED

# As many cases as a count needs must lie on each side of a percentile: it is the
# number of days of one case.
FEWEST_FOR_MEDIAN = 2 * SMALLEST_SHOWN
FEWEST_FOR_NINETIETH = 10 * SMALLEST_SHOWN

_QUARTER = re.compile(r"([0-9]{4})-Q([1-4])")


class UnknownQuarter(CaseworkError):
    """A quarter is written as 2027-Q1, with a year from 1900 to 2999."""


class QuarterNotOver(CaseworkError):
    """The quarter is not over, and its figures would change from day to day."""


@dataclass(frozen=True, order=True)
class Quarter:
    """Three months of a calendar year."""

    year: int
    number: int

    @classmethod
    def parse(cls, untrusted_text: str) -> Self:
        """
        Read a quarter such as "2027-Q1".

        Raises:
            UnknownQuarter: If it is none.
        """
        match = _QUARTER.fullmatch(untrusted_text)
        if match is None or not 1900 <= int(match[1]) <= 2999:
            raise UnknownQuarter(UnknownQuarter.__doc__)
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        """Return the quarter that a day is in."""
        return cls(day.year, (day.month + 2) // 3)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.next.first - timedelta(days=1)

    @property
    def next(self) -> "Quarter":
        """The quarter after it."""
        whole, rest = divmod(self.number, 4)
        return Quarter(self.year + whole, rest + 1)

    @property
    def previous(self) -> "Quarter":
        """The quarter before it."""
        return Quarter.of(self.first - timedelta(days=1))

    def __str__(self) -> str:
        return f"{self.year}-Q{self.number}"


class What(StrEnum):
    """What can happen to a case that is counted."""

    REPORT = "report"  # The value: how many of the seven questions it answers.
    WITHDRAWAL = "withdrawal"
    STEP = "step"  # The value: the status after it.
    REPLY = "reply"
    RETALIATION = "retaliation"  # The value: the verdict.
    LABEL = "label"
    UNLABEL = "unlabel"


@dataclass(frozen=True)
class Milestone:
    """
    One thing that happened to a case on some day.

    Written as one line, "2027-03-05 step review": casebooks keep it like this.
    """

    day: date
    what: What
    value: str = ""

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read what `str` has written."""
        day, what, value = line.split(" ", 2)
        return cls(date.fromisoformat(day), What(what), value)

    def __str__(self) -> str:
        return f"{self.day.isoformat()} {self.what} {self.value}"


@dataclass(frozen=True)
class CaseFacts:
    """
    A case as far as it is counted.

    Attributes:
        verification_due: As it was promised; None where no calendar reached.

        milestones: Those of one kind in the order in which they count.
    """

    received: date
    verification_due: date | None
    milestones: tuple[Milestone, ...]


@dataclass(frozen=True)
class Cell:
    """A count; None where it is hidden."""

    key: str
    count: int | None


@dataclass(frozen=True)
class Breakdown:
    """Counts that add up to all reports received."""

    key: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Duration:
    """
    How long something took.

    Attributes:
        median_days: None where there are too few cases for it.

        ninetieth_days: Within which nine of ten were done; None for the same reason.
    """

    key: str
    median_days: int | None
    ninetieth_days: int | None


@dataclass(frozen=True)
class Figures:
    """
    All figures of a quarter.

    Attributes:
        through: The day through which they are made: the quarter's last, or an
            earlier one while it is not over.

        received: None if the number of reports is small: there is nothing else then.

        labels: Only those that many reports have, and that many or all have not.
    """

    quarter: Quarter
    through: date
    received: int | None
    breakdowns: tuple[Breakdown, ...] = ()
    durations: tuple[Duration, ...] = ()
    labels: tuple[Cell, ...] = ()

    @property
    def provisional(self) -> bool:
        """Whether the quarter is not over."""
        return self.through < self.quarter.last


def milestones_of(state: CaseState) -> list[Milestone]:
    """Return what the journal says of a case, as far as it counts and stands."""
    found = []
    proposed: dict[str, CaseStatus] = {}
    for entry in state.history:
        action, day = entry.event.action, entry.event.day
        if entry.digest in state.undone:
            continue
        if isinstance(action, ClosingProposed):
            proposed[entry.digest] = action.after
        elif isinstance(action, StepTaken):
            found.append(Milestone(day, What.STEP, action.after))
        elif isinstance(action, ClosingConfirmed):
            found.append(Milestone(day, What.STEP, proposed[action.proposal]))
        elif isinstance(action, Replied):
            found.append(Milestone(day, What.REPLY))
        elif isinstance(action, Labelled):
            what = What.LABEL if action.on else What.UNLABEL
            found.append(Milestone(day, what, action.label))
        elif isinstance(action, Assessed) and action.subject == "retaliation":
            found.append(Milestone(day, What.RETALIATION, action.verdict))
    return found


def figures_of(
    quarter: Quarter, cases: Iterable[CaseFacts], *, through: date, calendar: Calendar
) -> Figures:
    """
    Make the figures of a quarter.

    Args:
        quarter: Which.

        cases: Those that were received in it are counted, and no others.

        through: What happened later is left out, as is what happened behind the
            quarter's last day.

        calendar: Of working days.
    """
    through = min(through, quarter.last)
    seen = [
        _Seen.of(case, through)
        for case in cases
        if quarter.first <= case.received <= through
    ]
    if is_small(len(seen)):
        return Figures(quarter, through, None)
    return Figures(
        quarter,
        through,
        len(seen),
        tuple(
            _breakdown(key, keys, [place(case) for case in seen])
            for key, (keys, place) in _BREAKDOWNS.items()
        ),
        (
            _duration("verification", [_to_verified(one, calendar) for one in seen]),
            _duration("first-reply", [one.days_to(one.replied) for one in seen]),
            _duration("closing", [one.days_to(one.closed) for one in seen]),
        ),
        _labels(seen),
    )


@dataclass(frozen=True)
class _Seen:
    """A case on the day through which figures are made."""

    case: CaseFacts
    through: date
    status: CaseStatus
    answers: int | None
    verified: date | None
    closed: date | None
    replied: date | None
    forwarded: bool
    withdrawn: bool
    reopened: bool
    retaliation: str
    labels: frozenset[str]

    @classmethod
    def of(cls, facts: CaseFacts, through: date) -> "_Seen":
        labels: set[str] = set()
        steps: list[tuple[date, CaseStatus]] = []
        replied = answers = None
        withdrawn = False
        retaliation = "not-assessed"
        for one in facts.milestones:
            if one.day > through:
                continue
            match one.what:
                case What.STEP:
                    steps.append((one.day, CaseStatus(one.value)))
                case What.REPLY:
                    replied = min(one.day, replied or one.day)
                case What.REPORT:
                    answers = int(one.value)
                case What.WITHDRAWAL:
                    withdrawn = True
                case What.RETALIATION:
                    retaliation = one.value
                case What.LABEL:
                    labels.add(one.value)
                case What.UNLABEL:
                    labels.discard(one.value)
        status = steps[-1][1] if steps else CaseStatus.RECEIVED
        return cls(
            case=facts,
            through=through,
            status=status,
            answers=answers,
            verified=next(
                (day for day, after in steps if after not in UNVERIFIED), None
            ),
            closed=steps[-1][0] if status in CLOSED else None,
            replied=replied,
            forwarded=any(after is CaseStatus.FORWARDED for _, after in steps),
            withdrawn=withdrawn,
            reopened=any(after is CaseStatus.REOPENED for _, after in steps),
            retaliation=retaliation,
            labels=frozenset(labels),
        )

    def days_to(self, day: date | None) -> int | None:
        # Two desks' clocks may differ by a day; nothing is done before it comes.
        return None if day is None else max(0, (day - self.case.received).days)


def _completeness(one: _Seen) -> str:
    if one.answers is None:
        return "not-here"
    if one.answers == len(SEVEN_QUESTIONS):
        return "complete"
    return "mostly" if one.answers >= 4 else "little"


def _deadline(one: _Seen) -> str:
    if one.case.verification_due is None:
        return "undated"
    decided = one.verified or one.through
    return "kept" if decided <= one.case.verification_due else "missed"


_STAGES = {
    CaseStatus.RECEIVED: "verification",
    CaseStatus.VERIFICATION: "verification",
    CaseStatus.NEEDS_COMPLETION: "waiting",
    CaseStatus.REGISTERED: "work",
    CaseStatus.REVIEW: "work",
    CaseStatus.EXAMINATION: "work",
    CaseStatus.REOPENED: "work",
    CaseStatus.FORWARDED: "forwarded",
    CaseStatus.FOLLOWED_UP: "followed-up",
    CaseStatus.CONCLUDED: "concluded",
    CaseStatus.NOT_COMPETENT: "not-competent",
}


def _yes_no(ask: Callable[[_Seen], bool]) -> Callable[[_Seen], str]:
    return lambda one: "yes" if ask(one) else "no"


# By key: the cells in their fixed order, and which of them a case is in.  No cell of
# one breakdown may be a sum of cells of another: each is protected by itself.
_BREAKDOWNS: dict[str, tuple[tuple[str, ...], Callable[[_Seen], str]]] = {
    "completeness": (("complete", "mostly", "little", "not-here"), _completeness),
    "deadline": (("kept", "missed", "undated"), _deadline),
    "stage": (
        tuple(dict.fromkeys(_STAGES.values())),
        lambda one: _STAGES[one.status],
    ),
    "answered": (("yes", "no"), _yes_no(lambda one: one.replied is not None)),
    "forwarded": (("yes", "no"), _yes_no(lambda one: one.forwarded)),
    "retaliation": (
        ("yes", "no", "unsure", "not-assessed"),
        lambda one: one.retaliation,
    ),
    "withdrawn": (("yes", "no"), _yes_no(lambda one: one.withdrawn)),
    "reopened": (("yes", "no"), _yes_no(lambda one: one.reopened)),
}


def _breakdown(key: str, keys: Sequence[str], places: Sequence[str]) -> Breakdown:
    counts = [places.count(one) for one in keys]
    unseen = hidden(counts)
    return Breakdown(
        key,
        tuple(
            Cell(name, None if position in unseen else count)
            for position, (name, count) in enumerate(zip(keys, counts, strict=True))
        ),
    )


def _labels(seen: Sequence[_Seen]) -> tuple[Cell, ...]:
    counts: dict[str, int] = {}
    for one in seen:
        for label in one.labels:
            counts[label] = counts.get(label, 0) + 1
    return tuple(
        Cell(label, count)
        for label, count in sorted(counts.items())
        if not hidden([count, len(seen) - count])
    )


def _to_verified(one: _Seen, calendar: Calendar) -> int | None:
    if one.verified is None:
        return None
    try:
        return working_days_between(one.case.received, one.verified, calendar)
    except BeyondCalendar:
        return None


def _duration(key: str, days: Sequence[int | None]) -> Duration:
    known = sorted(one for one in days if one is not None)
    if hidden([len(known), len(days) - len(known)]):
        # That there is a median would tell which of both is the small one.
        return Duration(key, None, None)
    return Duration(
        key,
        _percentile(known, 50) if len(known) >= FEWEST_FOR_MEDIAN else None,
        _percentile(known, 90) if len(known) >= FEWEST_FOR_NINETIETH else None,
    )


def _percentile(ascending: Sequence[int], percent: int) -> int:
    """Return the smallest value that this share does not exceed: the nearest rank."""
    return ascending[-(-len(ascending) * percent // 100) - 1]
