"""
The mailbox: slots of one size under random names, real ones among dummies.

Every change of the mailbox runs through `MailboxChange`, so that

* the number of rows stays a multiple of 256,
* as many dummies change as real rows, and in the same manner,
* no row moves in the file:

    a new real row        takes the place of a dummy, and another dummy is
                          replaced by a new dummy
    a rewritten real row  keeps its name and gets a new expiry, and a dummy keeps
                          its name and gets new content and a new expiry

Somebody who compares two copies of the file therefore finds that names vanished
and names appeared, or that the content under a name changed, and in either case
half of them are dummies.  Why, and what the number of rows tells all the same, is in
docs/adr/0003; why rows must not move is in docs/adr/0004.
"""

import hmac
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from deaddrop import schema
from deaddrop.chance import Chance
from deaddrop.dummies import KnownDummies
from deaddrop.engine import Database
from deaddrop.errors import DeadDropUnavailable, StaleSlot

BLOCK = 256  # rows; the number of rows is always a multiple of it
KEPT_DAYS = 400  # at least, after a row was last written
FUZZ_DAYS = 180  # more, drawn for each row
MEAN_LIFE_DAYS = KEPT_DAYS + FUZZ_DAYS // 2

# SQLite and PostgreSQL take far more; this bounds the statement, not the request.
_NAMES_PER_QUERY = 500


@dataclass(frozen=True)
class SlotWrite:
    """What to write into a slot, and what must be there for it to be right."""

    slot: bytes = field(repr=False)
    """The name, 32 bytes."""

    sealed: bytes = field(repr=False)
    """The new content, 16,384 bytes."""

    expected: bytes | None = field(repr=False)
    """The content now, or None if the slot must be empty."""


class _Row(NamedTuple):
    """A row as it is going to be."""

    slot: bytes
    sealed: bytes


class MailboxChange:
    """
    The changes of the mailbox within one transaction.

    Made by `Mailbox.changing`.
    """

    def __init__(
        self, connection: Connection, known: KnownDummies, chance: Chance
    ) -> None:
        self.connection = connection
        self._known = known
        self._chance = chance
        self._borrowed: list[bytes] = []  # names taken from the known dummies
        self._dummies: list[bytes] = []  # dummies that will be there if all goes well

    @property
    def known_if_committed(self) -> Sequence[bytes]:
        """Names of the dummies that this change leaves behind."""
        return self._dummies

    @property
    def known_if_undone(self) -> Sequence[bytes]:
        """Names of the dummies that are still there if this change is undone."""
        return self._borrowed

    def present(self, slots: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return what is in *slots* now, and keep others from changing it."""
        return _fetch(self.connection, slots, lock=True)

    def write(self, writes: Sequence[SlotWrite], *, day: date) -> None:
        """
        Carry out *writes*, all of them or none.

        Raises:
            StaleSlot: If a slot does not hold what was expected.

            ValueError: If a size is wrong, or a slot occurs twice.
        """
        _check([(write.slot, write.sealed) for write in writes])
        present = self.present([write.slot for write in writes])
        new, rewritten = [], []
        for write in writes:
            now = present.get(write.slot)
            row = _Row(write.slot, write.sealed)
            if now is None and write.expected is None:
                new.append(row)
            elif (
                now is not None
                and write.expected is not None
                and hmac.compare_digest(now, write.expected)
            ):
                rewritten.append(row)
            else:
                raise StaleSlot
        self._place(new, rewritten, day=day)

    def add(self, rows: Sequence[tuple[bytes, bytes]], *, day: date) -> None:
        """Add *rows* of name and content, whose names must not be taken yet."""
        _check(rows)
        self._place([_Row(*row) for row in rows], [], day=day)

    def lay_block(self, *, day: date) -> None:
        """Add a block that consists of dummies only."""
        self._insert([self._new_dummy() for _ in range(BLOCK)], day=day)

    def expire(self, *, day: date) -> int:
        """
        Remove the rows past their day, and keep the number a multiple of 256.

        A few known dummies are replaced as well, each with the chance that its life
        would end on a given day, so that the dummies' ages spread over the years
        and a day without reporters does not look like one.

        Returns:
            How many rows had expired.
        """
        past = schema.mailbox.c.expires_day < day.toordinal()
        expired = self._chance.shuffled(
            self.connection.scalars(
                select(schema.mailbox.c.slot).where(past).with_for_update()
            )
        )
        # Whole blocks go; what is beyond them is replaced in place by dummies.
        removed = len(expired) - len(expired) % BLOCK
        if removed:
            self.connection.execute(
                delete(schema.mailbox).where(
                    schema.mailbox.c.slot == bindparam("old_slot")
                ),
                [{"old_slot": slot} for slot in expired[:removed]],
            )
        tired = sum(self._chance.below(MEAN_LIFE_DAYS) == 0 for _ in self._known.peek())
        replaced = expired[removed:] + self._borrow(tired, besides=set(expired))
        self._replace([(slot, self._new_dummy()) for slot in replaced], day=day)
        return len(expired)

    def _place(self, new: list[_Row], rewritten: list[_Row], *, day: date) -> None:
        wanted = 2 * len(new) + len(rewritten)
        if not wanted:
            return
        victims = self._borrow(wanted)
        kept, gone = victims[: len(rewritten)], victims[len(rewritten) :]
        missing = 2 * len(new) - len(gone)
        blocks = -(-missing // BLOCK)
        if len(victims) < wanted:
            # Even when only dummies to rewrite are lacking, so that the next change
            # has some.
            blocks = max(1, blocks)
        newcomers = new + [
            self._new_dummy() for _ in range(len(gone) + blocks * BLOCK - len(new))
        ]
        newcomers = self._chance.shuffled(newcomers)
        changes = [(row.slot, row) for row in rewritten]
        changes += [(slot, self._new_dummy(slot)) for slot in kept]
        changes += list(zip(gone, newcomers, strict=False))
        self._replace(changes, day=day)
        self._insert(newcomers[len(gone) :], day=day)

    def _borrow(self, count: int, *, besides: set[bytes] | None = None) -> list[bytes]:
        """Take up to *count* known dummies that are really there."""
        found: list[bytes] = []
        while len(found) < count:
            names = self._known.take(count - len(found))
            if not names:
                break
            self._borrowed += names
            there = set(_names(self.connection, names)) - (besides or set())
            found += [name for name in names if name in there]
        return found

    def _new_dummy(self, slot: bytes | None = None) -> _Row:
        if slot is None:
            slot = self._chance.bytes(schema.SLOT_NAME_BYTES)
        self._dummies.append(slot)
        return _Row(slot, self._chance.bytes(schema.SLOT_BYTES))

    def _replace(self, changes: list[tuple[bytes, _Row]], *, day: date) -> None:
        """Give rows other content, and other names, where they are."""
        if not changes:
            return
        self.connection.execute(
            update(schema.mailbox)
            .where(schema.mailbox.c.slot == bindparam("old_slot"))
            .values(
                slot=bindparam("new_slot"),
                sealed=bindparam("new_sealed"),
                expires_day=bindparam("new_expires_day"),
            ),
            [
                {
                    "old_slot": old_slot,
                    "new_slot": row.slot,
                    "new_sealed": row.sealed,
                    "new_expires_day": self._expires_day(day),
                }
                for old_slot, row in self._chance.shuffled(changes)
            ],
        )

    def _insert(self, rows: list[_Row], *, day: date) -> None:
        if not rows:
            return
        places = [self._chance.below(2**63) for _ in rows]
        self.connection.execute(
            insert(schema.mailbox),
            [
                {
                    "place": place,
                    "slot": row.slot,
                    "sealed": row.sealed,
                    "expires_day": self._expires_day(day),
                }
                # In the order of their places, as VACUUM will lay them some day.
                for place, row in sorted(zip(places, rows, strict=True))
            ],
        )

    def _expires_day(self, day: date) -> int:
        return day.toordinal() + KEPT_DAYS + self._chance.below(FUZZ_DAYS + 1)


class Mailbox:
    """The slots that reporters and desks leave messages in."""

    def __init__(self, database: Database, known: KnownDummies, chance: Chance) -> None:
        self._database = database
        self._known = known
        self._chance = chance

    def fetch(self, slots: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the content of those of *slots* that exist, by name."""
        with self._database.reading() as connection:
            return _fetch(connection, slots, lock=False)

    def write(self, writes: Sequence[SlotWrite], *, day: date) -> None:
        """
        Carry out *writes*, all of them or none; durable on return.

        Raises:
            StaleSlot: If a slot does not hold what was expected; nothing is stored.

            ValueError: If a size is wrong, or a slot occurs twice.
        """
        with self.changing() as change:
            change.write(writes, day=day)

    def rows(self) -> int:
        """Return how many rows there are, real ones and dummies."""
        with self._database.reading() as connection:
            return (
                connection.scalar(select(func.count()).select_from(schema.mailbox)) or 0
            )

    def knows_dummies(self) -> bool:
        """Tell whether the names of any dummies are known since the last start."""
        return bool(self._known.peek())

    def expire(self, day: date) -> int:
        """Remove the rows past their day; meant to run once a day."""
        with self.changing() as change:
            return change.expire(day=day)

    @contextmanager
    def changing(self) -> Iterator[MailboxChange]:
        """Run one transaction with known dummies at hand."""
        left_behind: Sequence[bytes] = ()
        try:
            with self._database.writing() as connection:
                change = MailboxChange(connection, self._known, self._chance)
                left_behind = change.known_if_undone
                yield change
            left_behind = change.known_if_committed
        finally:
            # What is committed is committed: that the names of its dummies could
            # not be noted costs a few dummies, and must not look like a failure.
            with suppress(DeadDropUnavailable):
                self._known.add(left_behind)


def _check(rows: Sequence[tuple[bytes, bytes]]) -> None:
    """Refuse rows that the constraints of the table would refuse."""
    for slot, sealed in rows:
        if len(slot) != schema.SLOT_NAME_BYTES:
            raise ValueError(f"a slot's name is {schema.SLOT_NAME_BYTES} bytes")
        if len(sealed) != schema.SLOT_BYTES:
            raise ValueError(f"a slot's content is {schema.SLOT_BYTES} bytes")
    if len({slot for slot, _ in rows}) != len(rows):
        raise ValueError("a slot occurs twice")


def _fetch(
    connection: Connection, slots: Sequence[bytes], *, lock: bool
) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for start in range(0, len(slots), _NAMES_PER_QUERY):
        wanted = slots[start : start + _NAMES_PER_QUERY]
        query = select(schema.mailbox.c.slot, schema.mailbox.c.sealed).where(
            schema.mailbox.c.slot.in_(wanted)
        )
        if lock:
            query = query.with_for_update()
        found.update((slot, sealed) for slot, sealed in connection.execute(query))
    return found


def _names(connection: Connection, slots: Sequence[bytes]) -> Iterator[bytes]:
    for start in range(0, len(slots), _NAMES_PER_QUERY):
        wanted = slots[start : start + _NAMES_PER_QUERY]
        yield from connection.scalars(
            select(schema.mailbox.c.slot)
            .where(schema.mailbox.c.slot.in_(wanted))
            .with_for_update()
        )
