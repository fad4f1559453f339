"""
Importing: from a bundle on a stick to items filed under their cases.

    for every item of the bundle, several at once
        copy    to incoming/, digest checked
        open    gpg --> parser --> store, under a key of its own
        file    in the bundle's order, those that are ready in ONE transaction

So an import can be interrupted anywhere, by a kill or a pulled stick, and leaves
whole items only; importing the same bundle again brings the rest and changes
nothing else.  Every item gets a verdict by name.

Items of reporters go to their cases, parcels of colleagues to the journal.  What is
sealed to other officers, and what cannot be opened, is held all the same: the sealed
bytes are safe on this desk, and opening what was meant for it is tried again at each
import.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, update

from casework.bundle import (
    BundleItem,
    BundleManifest,
    BundleReader,
    DamagedItem,
    MalformedBundle,
    read_bundle,
)
from casework.bundle import Verdict as Finding
from casework.errors import CaseworkError
from casework.parcel import Parcel
from casework.training import is_training
from crypto.admission import key_ids_in
from crypto.container import Readable
from crypto.opening import CannotOpen
from crypto.packets import EnvelopeReader, IncompleteMessage
from crypto.subkeys import EncryptionSubkey
from journalist_app.durable import new_file, remove_partial_files
from journalist_app.workstation import casebook
from journalist_app.workstation.colleagues import RosterChange, take_in_officers
from journalist_app.workstation.continuity import Standing, settle
from journalist_app.workstation.desk import INCOMING, ITEMS, STORE, Desk
from journalist_app.workstation.entries import retry_waiting
from journalist_app.workstation.errors import ForeignBundle
from journalist_app.workstation.filing import Arrival, file_arrivals
from journalist_app.workstation.items import OpenedItem, open_sealed
from journalist_app.workstation.projecting import project
from journalist_app.workstation.returning import awaited_names
from journalist_app.workstation.rotation import destroy_after_import, lost_because

# gpg is a process for each item: two of them at work while the next one is copied.
OPENED_AT_ONCE = 3
ANOTHER_HAD_THE_NUMBER = "another item had this number before"
# How much may wait to be filed: a transaction costs as much for thirty as for one.
MOST_WAITING = 64
MOST_WAITING_BYTES = 64 * 1024 * 1024
# A recipient who is not named (RFC 9580, section 5.1.8).
_UNNAMED = "0" * 16


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


def _quietly(_progress: Progress) -> None:
    """Take no notice of how far it has come."""


def import_bundle(
    desk: Desk,
    stream: Readable,
    *,
    today: date,
    tell: Callable[[Progress], object] = _quietly,
) -> ImportReport:
    """
    Import a bundle.

    Args:
        desk: Into which.

        stream: The bundle; it is read once, and never held in memory.

        today: The day it is.

        tell: Told after every item how far it has come.

    Raises:
        MalformedBundle: If its manifest cannot be read.

        ForeignBundle: If it is of another installation than the first one, or for
            training where the desk is not, or the other way round.

        CasebookUnreadable: If the casebook fails; what was filed stays.
    """
    _clean_up(desk)
    bundle = read_bundle(stream)
    _bind(desk, bundle.manifest)
    with desk.casebook.transaction() as connection:
        officers = take_in_officers(
            desk, connection, bundle.manifest.officers, today=today
        )
        standing = settle(
            connection,
            desk.record.desk_id,
            bundle.manifest.applied,
            entropy=desk.entropy,
        )
    opened_later = _retry(desk)
    outcomes, broken_off = _Import(desk, bundle, tell).run()
    with desk.casebook.transaction() as connection:
        report = ImportReport(
            outcomes=outcomes,
            opened_later=opened_later,
            broken_off=broken_off,
            not_fetched=_without(connection, _below(connection, bundle.manifest)),
            gone=_without(connection, bundle.manifest.gaps()),
            cases_with_gaps=cases_with_gaps(connection),
            unconfirmed=_unconfirmed(connection, outcomes, bundle.manifest, standing),
            officers=officers,
            unverified=connection.scalar(
                select(func.count()).select_from(casebook.waiting)
            )
            or 0,
            restored=standing.restored,
            withdrawn=standing.withdrawn,
            awaited=awaited_names(connection),
        )
    whole = report.complete and not report.not_fetched
    destroyed = destroy_after_import(desk, bundle.manifest, whole=whole, today=today)
    return replace(report, destroyed=destroyed)


def cases_with_gaps(connection: Connection) -> dict[str, int]:
    """Return by case name how many items must be missing, where any is."""
    table = casebook.case
    rows = connection.execute(
        select(table.c.name, table.c.missing).where(table.c.missing > 0)
    )
    return {row.name: row.missing for row in rows}


@dataclass(frozen=True)
class _Copied:
    """An item that was copied and is being opened."""

    item: "_Announced"
    key_ids: tuple[str, ...]
    opening: "Future[OpenedItem | Parcel] | None"


@dataclass(frozen=True)
class _Announced:
    number: int
    day: date
    size_bytes: int
    sha256: bytes = field(repr=False)

    @property
    def name(self) -> str:
        return f"item {self.number}"


class _Import:
    """One bundle on its way into the casebook."""

    def __init__(
        self, desk: Desk, bundle: BundleReader, tell: Callable[[Progress], object]
    ) -> None:
        self._desk = desk
        self._bundle = bundle
        self._tell = tell
        self._own_key_ids = frozenset(key_ids_in(desk.certificate()))
        self._taken: dict[int, Outcome] = {}
        self._held_before = _held_numbers(desk, bundle.manifest)
        self._done_bytes = 0
        self._of_bytes = sum(one.size_bytes for one in bundle.manifest.items)

    def run(self) -> tuple[tuple[Outcome, ...], str]:
        broken_off = ""
        waiting: deque[_Copied] = deque()
        with ThreadPoolExecutor(OPENED_AT_ONCE) as pool:
            try:
                try:
                    for item in self._bundle:
                        # The same bytes would be the same file in incoming/.
                        while _is_full(waiting) or _is_among(waiting, item):
                            self._file(_ready(waiting))
                        copied = self._copy(item, pool)
                        if copied is not None:
                            waiting.append(copied)
                except MalformedBundle as error:
                    broken_off = str(error)
                while waiting:
                    self._file(_ready(waiting))
            finally:
                for copied in waiting:
                    self._throw_away(copied)
        return tuple(self._outcomes()), broken_off

    def _copy(self, item: BundleItem, pool: ThreadPoolExecutor) -> _Copied | None:
        """Copy an item and start to open it; None when nothing is left to do."""
        announced = _Announced(
            item.number, item.day, item.size_bytes, bytes.fromhex(item.sha256)
        )
        if self._held(announced):
            return None
        incoming = self._desk.incoming(announced.sha256)
        envelope: EnvelopeReader | None = EnvelopeReader()
        key_ids: tuple[str, ...] = ()
        try:
            with incoming.open("wb") as file:
                for chunk in item.chunks():
                    file.write(chunk)
                    envelope = _fed(envelope, chunk)
            key_ids = _key_ids(envelope)
        except DamagedItem:
            incoming.unlink()
            return None
        except BaseException:
            incoming.unlink(missing_ok=True)
            raise
        opening = None
        if self._is_for_us(key_ids):
            opening = pool.submit(
                open_sealed, self._desk.keys, incoming, self._desk.store
            )
        return _Copied(announced, key_ids, opening)

    def _held(self, item: _Announced) -> bool:
        held = self._held_before.get(item.number, set())
        if item.sha256 not in held:
            return False
        if len(held) > 1:
            with self._desk.casebook.transaction() as connection:
                _stands(connection, item)
        self._note(item, Verdict.ALREADY_THERE)
        return True

    def _is_for_us(self, key_ids: tuple[str, ...]) -> bool:
        # What is no message at all has no recipients; gpg says what is wrong with it.
        return (
            not key_ids
            or _UNNAMED in key_ids
            or not self._own_key_ids.isdisjoint(key_ids)
        )

    def _file(self, batch: Sequence[_Copied]) -> None:
        """File items in one transaction; each is whole, or not there at all."""
        arrivals: dict[int, Arrival] = {}
        told: dict[int, tuple[Verdict, str]] = {}
        with self._desk.casebook.transaction() as connection:
            for copied in batch:
                arrived = self._arrived(connection, copied)
                if isinstance(arrived, Arrival):
                    arrivals[copied.item.number] = arrived
                else:
                    told[copied.item.number] = arrived
            notes = file_arrivals(self._desk, connection, list(arrivals.values()))
            for copied in batch:
                if copied.item.number in self._held_before:
                    _stands(connection, copied.item)
        for number, note in zip(arrivals, notes, strict=True):
            told[number] = Verdict.NEW, note
        for copied in batch:
            self._desk.incoming(copied.item.sha256).unlink(missing_ok=True)
            verdict, note = told[copied.item.number]
            if copied.item.number in self._held_before:
                note = ", ".join(filter(None, (note, ANOTHER_HAD_THE_NUMBER)))
                verdict = Verdict.OTHER if verdict is Verdict.NEW else verdict
            self._note(copied.item, verdict, note)

    def _arrived(
        self, connection: Connection, copied: _Copied
    ) -> Arrival | tuple[Verdict, str]:
        """Return what was opened; what was not is kept as it is, and told."""
        item = copied.item
        values: dict[str, object] = {
            "number": item.number,
            "sha256": item.sha256,
            "size_bytes": item.size_bytes,
            "arrived_day": item.day.toordinal(),
        }
        table = casebook.received
        if copied.opening is None:
            _keep_sealed(self._desk, item.sha256)
            connection.execute(insert(table), {**values, "what": "foreign"})
            return Verdict.FOR_OTHERS, ""
        try:
            return Arrival(values, copied.opening.result(), copied.key_ids)
        except (CannotOpen, CaseworkError) as error:
            reason = lost_because(self._desk, copied.key_ids) or str(error)
            _keep_sealed(self._desk, item.sha256)
            unopened = {**values, "what": "unopened", "reason": reason}
            connection.execute(insert(table), unopened)
            return Verdict.UNOPENED, reason

    def _throw_away(self, copied: _Copied) -> None:
        """Take back what was opened and not filed: the import is breaking off."""
        if copied.opening is not None and copied.opening.exception() is None:
            opened = copied.opening.result()
            if isinstance(opened, OpenedItem):
                self._desk.store.remove(opened.stored.name)
        self._desk.incoming(copied.item.sha256).unlink(missing_ok=True)

    def _note(self, item: _Announced, verdict: Verdict, note: str = "") -> None:
        self._taken[item.number] = Outcome(verdict, item.name, item.number, note)
        self._done_bytes += item.size_bytes
        self._tell(
            Progress(
                items=len(self._taken),
                of_items=len(self._bundle.manifest.items),
                size_bytes=self._done_bytes,
                of_bytes=self._of_bytes,
            )
        )

    def _outcomes(self) -> Iterator[Outcome]:
        for found in self._bundle.findings():
            if found.verdict in (Finding.DUPLICATE, Finding.FOREIGN):
                verdict = _FINDINGS[found.verdict]
                yield Outcome(verdict, found.name, found.number)
            elif found.number in self._taken:
                yield self._taken[found.number]
            else:
                # Never "ok": what is whole was taken.
                verdict = _FINDINGS.get(found.verdict, Verdict.DAMAGED)
                yield Outcome(verdict, found.name, found.number)


def _held_numbers(desk: Desk, manifest: BundleManifest) -> dict[int, set[bytes]]:
    """Return by number the digests of items that came in earlier bundles."""
    table = casebook.received
    with desk.casebook.transaction() as connection:
        rows = connection.execute(
            select(table.c.number, table.c.sha256).where(
                table.c.number.between(manifest.after + 1, manifest.through)
            )
        )
        held: dict[int, set[bytes]] = {}
        for row in rows:
            held.setdefault(row.number, set()).add(row.sha256)
        return held


def _stands(connection: Connection, item: _Announced) -> None:
    """Note which item the server has under a number: the desk signs for this one."""
    columns = casebook.received.c
    same, number = columns.sha256 == item.sha256, columns.number == item.number
    connection.execute(
        update(casebook.received).where(number, ~same).values(superseded=True)
    )
    connection.execute(
        update(casebook.received)
        .where(number, same, columns.superseded)
        .values(superseded=False, reported_in=None)
    )


def _is_full(waiting: Collection[_Copied]) -> bool:
    return (
        len(waiting) >= MOST_WAITING
        or sum(copied.item.size_bytes for copied in waiting) > MOST_WAITING_BYTES
    )


def _is_among(waiting: Collection[_Copied], item: BundleItem) -> bool:
    return any(copied.item.sha256.hex() == item.sha256 for copied in waiting)


def _ready(waiting: deque[_Copied]) -> list[_Copied]:
    """
    Take the first half, and those behind it that have been opened by now.

    The other half keeps gpg busy while these are filed.
    """
    batch = [waiting.popleft() for _ in range(-(-len(waiting) // 2))]
    wait([copied.opening for copied in batch if copied.opening is not None])
    while waiting and (waiting[0].opening is None or waiting[0].opening.done()):
        batch.append(waiting.popleft())
    return batch


def _keep_sealed(desk: Desk, sha256: bytes) -> None:
    """Move a message that was not opened to where it stays, durably."""
    incoming = desk.incoming(sha256)
    with (
        incoming.open("rb") as source,
        # An interrupted import may have left the very same file.
        new_file(desk.sealed_item(sha256), replace=True) as file,
    ):
        while piece := source.read(1024 * 1024):
            file.write(piece)
    incoming.unlink()


def _fed(envelope: EnvelopeReader | None, chunk: bytes) -> EnvelopeReader | None:
    """Follow the frames of a message; None as soon as it is none."""
    if envelope is None:
        return None
    try:
        envelope.feed(chunk)
    except IncompleteMessage:
        return None
    return envelope


def _key_ids(envelope: EnvelopeReader | None) -> tuple[str, ...]:
    if envelope is None:
        return ()
    try:
        return envelope.finish().recipient_key_ids
    except IncompleteMessage:
        return ()


def _clean_up(desk: Desk) -> None:
    """Remove what an interrupted import has left."""
    for folder in (ITEMS, STORE):
        remove_partial_files(desk.path / folder)
    for left in (desk.path / INCOMING).iterdir():
        left.unlink()
    with desk.casebook.transaction() as connection:
        known = set(connection.scalars(select(casebook.content.c.stored_as)))
    for name in desk.store.names() - known:
        desk.store.remove(name)


def _bind(desk: Desk, manifest: BundleManifest) -> None:
    """Make sure that all bundles of a desk are of one installation."""
    installation = bytes.fromhex(manifest.installation)
    if is_training(installation) != desk.record.training:
        raise ForeignBundle(
            "this desk is for training: it takes no real bundle"
            if desk.record.training
            else "the bundle is for training: a real desk does not take it"
        )
    table = casebook.casebook
    with desk.casebook.transaction() as connection:
        known = connection.scalar(select(table.c.installation))
        if known is None:
            connection.execute(update(table).values(installation=installation))
        elif known != installation:
            raise ForeignBundle(ForeignBundle.__doc__)


def _retry(desk: Desk) -> tuple[int, ...]:
    """Try once more to open and to verify what could not be."""
    table = casebook.received
    with desk.casebook.transaction() as connection:
        cases = retry_waiting(desk, connection)
        project(connection, cases, own=desk.record.desk_id)
        unopened = connection.execute(
            select(table).where(table.c.what == "unopened").order_by(table.c.number)
        ).all()
    opened_now = []
    for row in unopened:
        sealed = desk.sealed_item(row.sha256)
        try:
            opened = open_sealed(desk.keys, sealed, desk.store)
        except (CannotOpen, CaseworkError, OSError):
            continue
        envelope: EnvelopeReader | None = EnvelopeReader()
        with sealed.open("rb") as file:
            while piece := file.read(64 * 1024):
                envelope = _fed(envelope, piece)
        with desk.casebook.transaction() as connection:
            arrival = Arrival(row._asdict(), opened, _key_ids(envelope))
            file_arrivals(desk, connection, [arrival])
        sealed.unlink()
        opened_now.append(row.number)
    return tuple(opened_now)


def _below(connection: Connection, manifest: BundleManifest) -> tuple[range, ...]:
    """Return the span from the first item of this desk to the bundle."""
    # What came before a desk was enrolled is not missing there.
    numbers = casebook.received.c.number
    first = connection.scalar(select(func.min(numbers)).where(numbers > 0))
    return (range(first, manifest.after + 1),) if first else ()


def _without(connection: Connection, spans: tuple[range, ...]) -> tuple[range, ...]:
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


def _unconfirmed(
    connection: Connection,
    outcomes: tuple[Outcome, ...],
    manifest: BundleManifest,
    standing: Standing,
) -> tuple[int, ...]:
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
