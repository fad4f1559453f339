"""
Taking in: the items of one bundle on their way into the casebook.

    for every item of the bundle, several at once
        copy    to incoming/, digest checked
        open    gpg --> parser --> store, under a key of its own
        file    in the bundle's order, those that are ready in ONE transaction

Items of reporters go to their cases, parcels of colleagues to the journal.  What is
sealed to other officers, and what cannot be opened, is held all the same.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection, insert, select, update

from casework.bundle import (
    BundleItem,
    BundleManifest,
    BundleReader,
    DamagedItem,
    MalformedBundle,
)
from casework.bundle import Verdict as Finding
from casework.errors import CaseworkError
from casework.parcel import Parcel
from crypto.admission import key_ids_in
from crypto.opening import CannotOpen
from crypto.packets import EnvelopeReader, IncompleteMessage
from journalist_app.durable import new_file
from journalist_app.workstation import casebook
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.filing import Arrival, file_arrivals
from journalist_app.workstation.import_report import Outcome, Progress, Verdict
from journalist_app.workstation.items import OpenedItem, open_sealed
from journalist_app.workstation.rotation import lost_because

# gpg is a process for each item: two of them at work while the next one waits.
OPENED_AT_ONCE = 3
ANOTHER_HAD_THE_NUMBER = "another item had this number before"
# How much may wait to be filed: a transaction costs as much for thirty as for one.
MOST_WAITING = 64
MOST_WAITING_BYTES = 64 * 1024 * 1024
# A recipient who is not named (RFC 9580, section 5.1.8).
_UNNAMED = "0" * 16

_FINDINGS = {
    Finding.DAMAGED: Verdict.DAMAGED,
    Finding.MISSING: Verdict.MISSING,
    Finding.DUPLICATE: Verdict.DUPLICATE,
    Finding.FOREIGN: Verdict.FOREIGN,
}


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


class TakingIn:
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
        """
        Take in what can be.

        Raises:
            CasebookUnreadable: If the casebook fails; what was filed stays.

        Returns:
            A verdict on every member, and why the bundle could not be read to its
            end, or nothing.
        """
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
