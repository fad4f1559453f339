"""
Import reports: what became of every member of a bundle, and what is still missing.

The words for officers are the screens' and the commands'; here are the facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, func, select

from casework.bundle import BundleManifest
from crypto.subkeys import EncryptionSubkey
from journalist_app.workstation import casebook
from journalist_app.workstation.colleagues import RosterChange
from journalist_app.workstation.continuity import Standing


class Verdict(StrEnum):
    """What became of one member of a bundle."""

    NEW = "new"
    ALREADY_THERE = "already there"
    FOR_OTHERS = "kept, sealed to other officers"
    UNOPENED = "kept, but cannot be opened"
    OTHER = "new, under a number that another item had before"
    DAMAGED = "damaged"
    MISSING = "announced, but not there"
    DUPLICATE = "there twice"
    FOREIGN = "not announced"


GOOD = frozenset(
    {
        Verdict.NEW,
        Verdict.ALREADY_THERE,
        Verdict.FOR_OTHERS,
        Verdict.UNOPENED,
        Verdict.OTHER,
    }
)


@dataclass(frozen=True)
class Outcome:
    """A verdict, the member's number if it has one, and what there is to add."""

    verdict: Verdict
    name: str
    number: int | None
    note: str = ""


@dataclass(frozen=True)
class Progress:
    """How far an import has come."""

    items: int
    of_items: int
    size_bytes: int
    of_bytes: int


@dataclass(frozen=True)
class ImportReport:
    """
    Everything there is to say about an import.

    Attributes:
        outcomes: One for every item announced, and for whatever else was there.

        opened_later: Items of earlier imports that could be opened now.

        broken_off: Why the bundle could not be read to its end, or empty.

        not_fetched: Numbers below the bundle that this desk does not hold.

        gone: Numbers the server no longer had and that this desk never got.

        cases_with_gaps: By case name, how many items are missing at least.

        unconfirmed: Outboxes that the server had not applied when it made the
            bundle: it says so, or sent items again that they say are held.

        restored: Whether the desk was found to be a copy of itself, and begins anew
            behind all that the server has of it.

        withdrawn: Cases whose waiting answers have to be written again.

        awaited: Officers who have not told this desk yet what it has lost.

        officers: What the bundle's list of officers changed or could not change.

        unverified: How many events wait until their officer is known.

        destroyed: Subkeys of past months that were destroyed, because nothing that
            is sealed to them can come any more.
    """

    outcomes: tuple[Outcome, ...]
    opened_later: tuple[int, ...]
    broken_off: str
    not_fetched: tuple[range, ...]
    gone: tuple[range, ...]
    cases_with_gaps: Mapping[str, int]
    unconfirmed: tuple[int, ...]
    officers: tuple[RosterChange, ...]
    unverified: int
    destroyed: tuple[EncryptionSubkey, ...] = ()
    restored: bool = False
    withdrawn: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether the bundle brought everything that it announced."""
        return not self.broken_off and all(
            outcome.verdict in GOOD for outcome in self.outcomes
        )


def cases_with_gaps(connection: Connection) -> dict[str, int]:
    """Return by case name how many items must be missing, where any is."""
    table = casebook.case
    rows = connection.execute(
        select(table.c.name, table.c.missing).where(table.c.missing > 0)
    )
    return {row.name: row.missing for row in rows}


def numbers_below(
    connection: Connection, manifest: BundleManifest
) -> tuple[range, ...]:
    """Return the span from the first item of this desk to the bundle."""
    # What came before a desk was enrolled is not missing there.
    numbers = casebook.received.c.number
    first = connection.scalar(select(func.min(numbers)).where(numbers > 0))
    return (range(first, manifest.after + 1),) if first else ()


def not_held(connection: Connection, spans: tuple[range, ...]) -> tuple[range, ...]:
    """Return what is left of *spans* when the numbers that are held are taken out."""
    left: list[range] = []
    for span in spans:
        start = span.start
        held = connection.scalars(
            select(casebook.received.c.number)
            .where(casebook.received.c.number.between(span.start, span.stop - 1))
            .order_by(casebook.received.c.number)
        )
        for number in (*held, span.stop):
            if number > start:
                left.append(range(start, number))
            start = number + 1
    return tuple(left)


def unconfirmed_outboxes(
    connection: Connection,
    outcomes: tuple[Outcome, ...],
    manifest: BundleManifest,
    standing: Standing,
) -> tuple[int, ...]:
    """Return the outboxes that the server had not applied, by what the bundle tells."""
    if manifest.applied is not None:
        return standing.missing
    again = {
        outcome.number
        for outcome in outcomes
        if outcome.verdict is Verdict.ALREADY_THERE
    }
    table = casebook.received
    rows = connection.execute(
        select(table.c.number, table.c.reported_in).where(
            table.c.reported_in.is_not(None)
        )
    )
    reported = {row.reported_in for row in rows if row.number in again}
    return tuple(sorted(reported))
