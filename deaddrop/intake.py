"""
Intake: the stream of sealed items on their way to the officers.

An item is stored whole, together with the mailbox rows that change because of
it, or not at all:

    chunks --> pieces of at most 1 MiB --> one transaction --> number, durable

Numbers count up from 1 without a gap and are never used again.  An item is dated
by its day.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection, func, insert, select, update

from deaddrop import schema
from deaddrop.engine import Database
from deaddrop.errors import DamagedItem, NotInstalled, UnknownItem
from deaddrop.mailbox import Mailbox, SlotWrite


@dataclass(frozen=True)
class SealedItem:
    """A sealed item as its maker hands it in."""

    size_bytes: int
    """How many bytes *chunks* must give."""

    sha256: bytes
    """The digest those bytes must have."""

    chunks: Callable[[], Iterable[bytes]] = field(repr=False)
    """Opens the item for reading; chunks may be of any size."""


@dataclass(frozen=True)
class IntakeEntry:
    """A sealed item as the list of intake shows it."""

    number: int
    day: date
    size_bytes: int
    sha256: bytes


class Intake:
    """The sealed items that wait for the officers, in arrival order."""

    def __init__(self, database: Database, mailbox: Mailbox) -> None:
        self._database = database
        self._mailbox = mailbox

    def accept(
        self, item: SealedItem, *, day: date, writes: Sequence[SlotWrite]
    ) -> int:
        """
        Store *item* and carry out *writes*, in one transaction.

        When this returns, a power-cut cannot undo it; when it raises, nothing has
        changed.

        Args:
            item: The sealed item.

            day: The day of arrival.

            writes: Changes of mailbox slots that belong to the item, such as the
                reporter's own history.

        Raises:
            StaleSlot: If a slot does not hold what was expected.

            DamagedItem: If the bytes do not match the announced size and digest.

            DeadDropUnavailable: If the database cannot store it now.

        Returns:
            The item's number.
        """
        # Mailbox rows first, the item after: rows never move, and whatever pages
        # the item takes say nothing about them.
        with self._mailbox.changing() as change:
            change.write(writes, day=day)
            return store_item(change.connection, item, day=day)

    def entries(self, after: int = 0, *, most: int | None = None) -> list[IntakeEntry]:
        """
        Return the items whose number is above *after*, in order.

        Args:
            after: The number behind which to begin.

            most: How many, at most; None for all of them.
        """
        columns = schema.intake.c
        with self._database.reading() as connection:
            rows = connection.execute(
                select(columns.number, columns.day, columns.size_bytes, columns.sha256)
                .where(columns.number > after)
                .order_by(columns.number)
                .limit(most)
            )
            return [
                IntakeEntry(number, date.fromordinal(day), size_bytes, sha256)
                for number, day, size_bytes, sha256 in rows
            ]

    def waiting(self) -> int:
        """Return how many items are here."""
        with self._database.reading() as connection:
            return (
                connection.scalar(select(func.count()).select_from(schema.intake)) or 0
            )

    def oldest_day(self) -> date | None:
        """Return the day on which the oldest item that is here arrived."""
        with self._database.reading() as connection:
            day = connection.scalar(select(func.min(schema.intake.c.day)))
        return None if day is None else date.fromordinal(day)

    def read(self, number: int, *, start: int = 0) -> Iterator[bytes]:
        """
        Give the bytes of an item from *start* on, in pieces of at most 1 MiB.

        Every piece is read in a transaction of its own, because a reader who takes
        an hour over a slow circuit would keep the write-ahead log from being
        emptied for that hour.

        Raises:
            UnknownItem: If there is no such item, or it is deleted meanwhile.
        """
        size_bytes = self._size_bytes(number)
        # All pieces but the last one are of one size.
        part, skip = divmod(start, schema.PIECE_BYTES)
        done = part * schema.PIECE_BYTES
        while done < size_bytes:
            piece = self._piece(number, part)
            done += len(piece)
            yield piece[skip:]
            part, skip = part + 1, 0

    def _size_bytes(self, number: int) -> int:
        with self._database.reading() as connection:
            size_bytes = connection.scalar(
                select(schema.intake.c.size_bytes).where(
                    schema.intake.c.number == number
                )
            )
        if size_bytes is None:
            raise UnknownItem
        return int(size_bytes)

    def _piece(self, number: int, part: int) -> bytes:
        columns = schema.intake_chunk.c
        with self._database.reading() as connection:
            piece = connection.scalar(
                select(columns.piece).where(
                    columns.number == number, columns.part == part
                )
            )
        if piece is None:
            raise UnknownItem
        return bytes(piece)


def last_number(connection: Connection) -> int:
    """Return the highest number ever given to an item, 0 if none was."""
    last = connection.scalar(select(schema.intake_counter.c.last_number))
    if last is None:
        raise NotInstalled
    return int(last)


def store_item(connection: Connection, item: SealedItem, *, day: date) -> int:
    """
    Store an item within the caller's transaction, behind all others.

    Raises:
        DamagedItem: If the bytes do not match the announced size and digest.

    Returns:
        The item's number.
    """
    number = _next_number(connection)
    connection.execute(
        insert(schema.intake),
        {
            "number": number,
            "day": day.toordinal(),
            "sha256": item.sha256,
            "size_bytes": item.size_bytes,
        },
    )
    _store_pieces(connection, number, item)
    return number


def _next_number(connection: Connection) -> int:
    number = last_number(connection) + 1
    connection.execute(update(schema.intake_counter).values(last_number=number))
    return number


def _store_pieces(connection: Connection, number: int, item: SealedItem) -> None:
    digest = hashlib.sha256()
    received_bytes = 0
    for part, piece in enumerate(_pieces(item.chunks())):
        received_bytes += len(piece)
        if received_bytes > item.size_bytes:
            raise DamagedItem
        digest.update(piece)
        connection.execute(
            insert(schema.intake_chunk),
            {"number": number, "part": part, "piece": piece},
        )
    if received_bytes != item.size_bytes or digest.digest() != item.sha256:
        raise DamagedItem


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut chunks of any size into pieces of 1 MiB and a last one."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= schema.PIECE_BYTES:
            yield bytes(held[: schema.PIECE_BYTES])
            del held[: schema.PIECE_BYTES]
    if held:
        yield bytes(held)
