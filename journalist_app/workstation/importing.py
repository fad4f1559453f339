"""
Importing: from a bundle on a stick to items filed under their cases.

    for every item of the bundle
        copy    to items/, digest checked, flushed to the disk
        open    in memory
        file    in ONE transaction of the casebook

So an import can be interrupted anywhere, by a kill or a pulled stick, and leaves
whole items only; importing the same bundle again brings the rest and changes
nothing else.  Every item gets a verdict by name.

What cannot be opened is held all the same: the sealed bytes are safe on this
desk, and opening them is tried again at each import.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, update

from casework import strict
from casework.bundle import (
    BundleItem,
    BundleManifest,
    BundleReader,
    DamagedItem,
    MalformedBundle,
    read_bundle,
)
from casework.bundle import Verdict as Finding
from casework.item import MalformedItem, missing_before
from crypto.container import Readable
from crypto.opening import CannotOpen
from journalist_app.durable import new_file, remove_partial_files
from journalist_app.workstation import casebook
from journalist_app.workstation.desk import ITEMS, Desk
from journalist_app.workstation.errors import ForeignBundle
from journalist_app.workstation.items import OpenedItem, open_item
from journalist_app.workstation.names import case_name


class Verdict(StrEnum):
    """What became of one member of a bundle."""

    NEW = "new"
    ALREADY_THERE = "already there"
    UNOPENED = "kept, but cannot be opened"
    OTHER = "refused: this desk holds another item under this number"
    DAMAGED = "damaged"
    MISSING = "announced, but not there"
    DUPLICATE = "there twice"
    FOREIGN = "not announced"


GOOD = frozenset({Verdict.NEW, Verdict.ALREADY_THERE, Verdict.UNOPENED})

_FINDINGS = {
    Finding.DAMAGED: Verdict.DAMAGED,
    Finding.MISSING: Verdict.MISSING,
    Finding.DUPLICATE: Verdict.DUPLICATE,
    Finding.FOREIGN: Verdict.FOREIGN,
}


@dataclass(frozen=True)
class Outcome:
    """A verdict, the member's number if it has one, and what there is to add."""

    verdict: Verdict
    name: str
    number: int | None
    note: str = ""


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
            bundle: it sent items again that they say are held.
    """

    outcomes: tuple[Outcome, ...]
    opened_later: tuple[int, ...]
    broken_off: str
    not_fetched: tuple[range, ...]
    gone: tuple[range, ...]
    cases_with_gaps: Mapping[str, int]
    unconfirmed: tuple[int, ...]

    @property
    def complete(self) -> bool:
        """Whether the bundle brought everything that it announced."""
        return not self.broken_off and all(
            outcome.verdict in GOOD for outcome in self.outcomes
        )


def import_bundle(desk: Desk, stream: Readable) -> ImportReport:
    """
    Import a bundle.

    Raises:
        MalformedBundle: If its manifest cannot be read.

        ForeignBundle: If it is of another installation than the first one.

        CasebookUnreadable: If the casebook fails; what was filed stays.
    """
    remove_partial_files(desk.path / ITEMS)
    bundle = read_bundle(stream)
    _bind(desk, bundle.manifest)
    opened_later = _retry(desk)
    outcomes, broken_off = _take_in(desk, bundle)
    with desk.casebook.transaction() as connection:
        return ImportReport(
            outcomes=outcomes,
            opened_later=opened_later,
            broken_off=broken_off,
            not_fetched=_without(connection, _below(connection, bundle.manifest)),
            gone=_without(connection, bundle.manifest.gaps()),
            cases_with_gaps=cases_with_gaps(connection),
            unconfirmed=_unconfirmed(connection, outcomes),
        )


def cases_with_gaps(connection: Connection) -> dict[str, int]:
    """Return by case name how many items must be missing, where any is."""
    sequences: dict[str, list[int]] = {}
    rows = connection.execute(
        select(casebook.case.c.name, casebook.item.c.sequence).join_from(
            casebook.item, casebook.case
        )
    )
    for name, sequence in rows:
        sequences.setdefault(name, []).append(sequence)
    missing = {name: missing_before(found) for name, found in sequences.items()}
    return {name: count for name, count in missing.items() if count}


def _bind(desk: Desk, manifest: BundleManifest) -> None:
    """Make sure that all bundles of a desk are of one installation."""
    installation = bytes.fromhex(manifest.installation)
    table = casebook.casebook
    with desk.casebook.transaction() as connection:
        known = connection.scalar(select(table.c.installation))
        if known is None:
            connection.execute(update(table).values(installation=installation))
        elif known != installation:
            raise ForeignBundle(ForeignBundle.__doc__)


def _take_in(desk: Desk, bundle: BundleReader) -> tuple[tuple[Outcome, ...], str]:
    taken: dict[int, Outcome] = {}
    broken_off = ""
    try:
        for item in bundle:
            outcome = _take(desk, item)
            if outcome is not None:
                taken[item.number] = outcome
    except MalformedBundle as error:
        broken_off = str(error)
    outcomes = []
    for found in bundle.findings():
        if found.verdict in (Finding.DUPLICATE, Finding.FOREIGN):
            verdict = _FINDINGS[found.verdict]
            outcomes.append(Outcome(verdict, found.name, found.number))
        elif found.number in taken:
            outcomes.append(taken[found.number])
        else:
            # Never "ok": what is whole was taken.
            verdict = _FINDINGS.get(found.verdict, Verdict.DAMAGED)
            outcomes.append(Outcome(verdict, found.name, found.number))
    return tuple(outcomes), broken_off


def _take(desk: Desk, item: BundleItem) -> Outcome | None:
    """Take one item in; None if it is damaged, which the bundle will tell."""
    name = f"item {item.number}"
    sha256 = bytes.fromhex(item.sha256)
    with desk.casebook.transaction() as connection:
        held = connection.scalar(
            select(casebook.item.c.sha256).where(casebook.item.c.number == item.number)
        )
    if held is not None and held != sha256:
        return Outcome(Verdict.OTHER, name, item.number)
    if held is not None:
        return Outcome(Verdict.ALREADY_THERE, name, item.number)
    sealed = desk.sealed_item(sha256)
    try:
        # An interrupted import may have left the very same file.
        with new_file(sealed, replace=True) as file:
            for chunk in item.chunks():
                file.write(chunk)
    except DamagedItem:
        return None
    opened, reason = _try_to_open(desk, sha256)
    values = {
        "number": item.number,
        "sha256": sha256,
        "size_bytes": item.size_bytes,
        "arrived_day": item.day.toordinal(),
        "unopened_because": reason or None,
    }
    with desk.casebook.transaction() as connection:
        if opened is None:
            connection.execute(insert(casebook.item), values)
            return Outcome(Verdict.UNOPENED, name, item.number, reason)
        note = _file(desk, connection, values, opened)
    return Outcome(Verdict.NEW, name, item.number, note)


def _retry(desk: Desk) -> tuple[int, ...]:
    """Try once more to open what could not be opened."""
    table = casebook.item
    with desk.casebook.transaction() as connection:
        unopened = connection.execute(
            select(table.c.number, table.c.sha256).where(table.c.case_id.is_(None))
        ).all()
    opened_now = []
    for number, sha256 in unopened:
        opened, _reason = _try_to_open(desk, sha256)
        if opened is None:
            continue
        with desk.casebook.transaction() as connection:
            _file(desk, connection, {"number": number}, opened, again=True)
        opened_now.append(number)
    return tuple(opened_now)


def _try_to_open(desk: Desk, sha256: bytes) -> tuple[OpenedItem | None, str]:
    try:
        return open_item(desk.keys, desk.sealed_item(sha256)), ""
    except (CannotOpen, MalformedItem) as error:
        return None, str(error)


def _file(
    desk: Desk,
    connection: Connection,
    values: Mapping[str, object],
    opened: OpenedItem,
    *,
    again: bool = False,
) -> str:
    """File an opened item under its case; return what the officer should know."""
    header = opened.header
    case_id = bytes.fromhex(header.case_id)
    note = _find_or_open_case(desk, connection, opened)
    filed = {
        **values,
        "unopened_because": None,
        "case_id": case_id,
        "kind": header.kind.value,
        "sequence": header.sequence,
        "sent_day": header.day.toordinal(),
        "report": opened.report.to_json() if opened.report else None,
        "message": opened.message,
        "read_marks": strict.render(opened.read_marks) if opened.read_marks else None,
        "other_keys": bool(note),
    }
    table = casebook.item
    if again:
        connection.execute(
            update(table).where(table.c.number == values["number"]).values(filed)
        )
    else:
        connection.execute(insert(table), filed)
    for position, attachment in enumerate(opened.attachments, start=1):
        connection.execute(
            insert(casebook.attachment),
            {
                "number": values["number"],
                "position": position,
                "name": attachment.name,
                "size_bytes": attachment.size_bytes,
                "sha256": bytes.fromhex(attachment.sha256),
            },
        )
    return note


def _find_or_open_case(desk: Desk, connection: Connection, opened: OpenedItem) -> str:
    header = opened.header
    table = casebook.case
    case_id = bytes.fromhex(header.case_id)
    mailbox_key = bytes.fromhex(header.mailbox_key)
    public_key = bytes.fromhex(header.reply_public_key)
    known = connection.execute(select(table).where(table.c.case_id == case_id)).first()
    if known is None:
        due = desk.due_day(header.day)
        connection.execute(
            insert(table),
            {
                "case_id": case_id,
                "name": case_name(case_id),
                "mailbox_key": mailbox_key,
                "reply_public_key": public_key,
                "language": header.language,
                "received_day": header.day.toordinal(),
                "title": opened.report.title if opened.report else None,
                "due_day": due.toordinal() if due else None,
            },
        )
        return ""
    if (known.mailbox_key, known.reply_public_key) != (mailbox_key, public_key):
        return (
            f"it names other reply keys than case {known.name} has, which are not "
            "used: it may be forged"
        )
    if opened.report and known.title is None:
        # An item that followed the report was opened before it.
        connection.execute(
            update(table)
            .where(table.c.case_id == case_id)
            .values(title=opened.report.title)
        )
    return ""


def _below(connection: Connection, manifest: BundleManifest) -> tuple[range, ...]:
    """Return the span from the first item of this desk to the bundle."""
    # What came before a desk was enrolled is not missing there.
    first = connection.scalar(select(func.min(casebook.item.c.number)))
    return (range(first, manifest.after + 1),) if first else ()


def _without(connection: Connection, spans: tuple[range, ...]) -> tuple[range, ...]:
    """Return what is left of *spans* when the numbers that are held are taken out."""
    left: list[range] = []
    for span in spans:
        start = span.start
        held = connection.scalars(
            select(casebook.item.c.number)
            .where(casebook.item.c.number.between(span.start, span.stop - 1))
            .order_by(casebook.item.c.number)
        )
        for number in (*held, span.stop):
            if number > start:
                left.append(range(start, number))
            start = number + 1
    return tuple(left)


def _unconfirmed(
    connection: Connection, outcomes: tuple[Outcome, ...]
) -> tuple[int, ...]:
    again = [
        outcome.number
        for outcome in outcomes
        if outcome.verdict is Verdict.ALREADY_THERE
    ]
    table = casebook.item
    reported: set[int] = set()
    for number in again:
        reported_in = connection.scalar(
            select(func.max(table.c.reported_in)).where(table.c.number == number)
        )
        if reported_in is not None:
            reported.add(reported_in)
    return tuple(sorted(reported))
