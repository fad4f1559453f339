"""
Desks: how far each has collected, what each holds, and what each sends back.

An item is deleted only when every active desk has signed that it holds it; with no
active desk nothing is ever deleted.  What a desk has collected is only a
convenience for its next visit to the courier: a stick can be lost on the way.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, Exists, Select, delete, func, insert, select, update

from deaddrop import schema
from deaddrop.engine import Database
from deaddrop.errors import MissingOutbox, OutboxConflict, UnknownDesk
from deaddrop.intake import SealedItem, last_number, store_item
from deaddrop.mailbox import Mailbox, MailboxChange


@dataclass(frozen=True)
class AppliedOutbox:
    """What applying an outbox has done."""

    slots_written: int
    slots_already_there: int
    holds_noted: int
    items_deleted: int
    parcels_stored: int
    already_applied: bool
    """The same outbox was applied before, so that nothing was done now."""

    holds_unknown: int = 0
    """Items the desk holds that never arrived here: this server was restored."""


class Desks:
    """The desks of the officers, as far as the server needs to know them."""

    def __init__(self, database: Database, mailbox: Mailbox) -> None:
        self._database = database
        self._mailbox = mailbox

    def active(self) -> tuple[bytes, ...]:
        """Return the names of the desks that must hold an item."""
        with self._database.reading() as connection:
            return tuple(connection.scalars(_active_desks().order_by(_DESK_ID)))

    def assert_active(self, desk_id: bytes) -> None:
        """
        See to it that this desk is still that of an active officer.

        Raises:
            UnknownDesk: If it is not.
        """
        with self._database.reading() as connection:
            _check_active(connection, desk_id)

    def collected_through(self, desk_id: bytes) -> int:
        """Return the highest number that this desk has fetched, 0 for none."""
        with self._database.reading() as connection:
            return _collected_through(connection, desk_id) or 0

    def note_collected(self, desk_id: bytes, number: int) -> None:
        """
        Note that this desk has fetched all items up to *number*.

        A lower number than before changes nothing.

        Raises:
            UnknownDesk: If no active officer has this desk.
        """
        table = schema.desk_cursor
        with self._database.writing() as connection:
            _check_active(connection, desk_id)
            before = _collected_through(connection, desk_id)
            if before is None:
                connection.execute(
                    insert(table), {"desk_id": desk_id, "collected_through": number}
                )
            elif before < number:
                connection.execute(
                    update(table)
                    .where(table.c.desk_id == desk_id)
                    .values(collected_through=number)
                )

    def held_through(self, desk_id: bytes) -> int:
        """
        Return the number before the first item that this desk has not signed for.

        Collecting from here on misses nothing, even if a stick was lost.
        """
        held = select(schema.holding.c.number).where(
            schema.holding.c.desk_id == desk_id
        )
        first_missing = select(func.min(schema.intake.c.number)).where(
            schema.intake.c.number.not_in(held)
        )
        with self._database.reading() as connection:
            missing = connection.scalar(first_missing)
            return last_number(connection) if missing is None else int(missing) - 1

    def waited_for(self, *, arrived_through: date) -> frozenset[bytes]:
        """
        Return the active desks that have not signed for an item as old as that.

        Nothing is deleted before they have: a desk that is gone has to be retired.
        """
        lacking = (
            select(schema.intake.c.number)
            .where(
                schema.intake.c.day <= arrived_through.toordinal(), ~_held_by_the_desk()
            )
            .correlate(schema.officer)
        )
        with self._database.reading() as connection:
            return frozenset(
                connection.scalars(_active_desks().where(lacking.exists()))
            )

    def anything_to_fetch(self) -> bool:
        """Tell whether some active desk has neither fetched nor signed for an item."""
        cursor = schema.desk_cursor.c
        fetched = (
            select(cursor.desk_id)
            .where(
                cursor.desk_id == _DESK_ID,
                cursor.collected_through >= schema.intake.c.number,
            )
            .correlate(schema.intake, schema.officer)
        )
        new = (
            select(schema.intake.c.number)
            .where(~_held_by_the_desk(), ~fetched.exists())
            .correlate(schema.officer)
        )
        with self._database.reading() as connection:
            found = connection.scalars(_active_desks().where(new.exists()).limit(1))
            return found.first() is not None

    def withheld(self, *, through: date) -> frozenset[tuple[bytes, int]]:
        """
        Return the outboxes, by desk and number, that are released after *through*.

        It is the outbox that is withheld, and not its slots: nothing tells a slot
        that waits from any other.
        """
        columns = schema.outbox_applied.c
        with self._database.reading() as connection:
            later = connection.execute(
                select(columns.desk_id, columns.number).where(
                    columns.release_day > through.toordinal()
                )
            )
            return frozenset((desk_id, number) for desk_id, number in later)

    def delete_collected(self) -> int:
        """
        Delete the items that every active desk holds, and return how many.

        Whatever makes an item superfluous deletes it at once.  This is for a database
        that was repaired or restored, so that nothing stays for ever.
        """
        with self._database.writing() as connection:
            return delete_held_by_all(connection)

    def forget_releases(self, *, through: date) -> int:
        """Forget when outboxes that can be seen by now were released; say how many."""
        columns = schema.outbox_applied.c
        with self._database.writing() as connection:
            forgotten = connection.execute(
                update(schema.outbox_applied)
                .where(columns.release_day <= through.toordinal())
                .values(release_day=None)
            )
        return forgotten.rowcount

    def last_outboxes(self, desk_id: bytes, *, count: int) -> dict[int, bytes]:
        """
        Return the digests of a desk's last outboxes by number, *count* at most.

        Those before a gap are left out: what was applied there is not known.
        """
        columns = schema.outbox_applied.c
        with self._database.reading() as connection:
            rows = connection.execute(
                select(columns.number, columns.sha256)
                .where(columns.desk_id == desk_id)
                .order_by(columns.number.desc())
                .limit(count)
            ).all()
        found: dict[int, bytes] = {}
        for number, sha256 in rows:
            if found and number + 1 not in found:
                break
            found[number] = bytes(sha256)
        return found

    def apply_outbox(
        self,
        desk_id: bytes,
        number: int,
        manifest_sha256: bytes,
        slots: Iterable[tuple[bytes, bytes]],
        holds: Sequence[tuple[int, bytes]],
        day: date,
        release_day: date | None = None,
        parcels: Iterable[SealedItem] = (),
    ) -> AppliedOutbox:
        """
        Apply a desk's outbox, in one transaction or not at all.

        A desk's outboxes are applied in their order: so whoever knows the last one
        knows that nothing before it was lost on the way.

        The caller has verified the signature and every digest, and has bounded the
        number of slots: all of them are held in memory, because they must be stored
        in an order that has nothing to do with theirs, which keeps the parts of one
        reply together.

        Args:
            desk_id: The desk that signed it.

            number: The desk's own count of its outboxes.

            manifest_sha256: Tells an outbox from another with the same number.

            slots: Names and contents of reply slots.

            holds: Numbers and digests of the items that the desk holds.

            day: Today.

            release_day: The day on which its answers shall appear; at once by
                default.  The site asks for it with `withheld`.

            parcels: Messages sealed to other desks, which join the stream of items.
                They are taken one by one, after everything else.

        Raises:
            UnknownDesk: If no active officer has this desk.

            OutboxConflict: If another outbox had this number, or a slot holds other
                bytes.

            MissingOutbox: If an earlier outbox of the desk has not come.

            DamagedItem: If a parcel is not as announced.

            ValueError: If a slot is not of the right size.
        """
        incoming = list(slots)
        with self._mailbox.changing() as change:
            connection = change.connection
            _check_active(connection, desk_id)
            if _applied_before(connection, desk_id, number, manifest_sha256):
                return AppliedOutbox(0, 0, 0, 0, 0, already_applied=True)
            _check_order(connection, desk_id, number)
            new = _new_slots(change, incoming)
            change.add(new, day=day)
            noted, unknown = _note_holds(connection, desk_id, holds)
            connection.execute(
                insert(schema.outbox_applied),
                {
                    "desk_id": desk_id,
                    "number": number,
                    "sha256": manifest_sha256,
                    "release_day": release_day.toordinal() if release_day else None,
                },
            )
            deleted = delete_held_by_all(connection)
            stored = [store_item(connection, parcel, day=day) for parcel in parcels]
            return AppliedOutbox(
                slots_written=len(new),
                slots_already_there=len(incoming) - len(new),
                holds_noted=noted,
                items_deleted=deleted,
                parcels_stored=len(stored),
                already_applied=False,
                holds_unknown=unknown,
            )


_DESK_ID = schema.officer.c.desk_id


def delete_held_by_all(connection: Connection) -> int:
    """Delete the items that every active desk holds; return how many."""
    active = list(connection.scalars(_active_desks()))
    if not active:
        return 0
    # A desk holds an item at most once, so that counting is enough.
    held_by_all = (
        select(schema.holding.c.number)
        .where(schema.holding.c.desk_id.in_(active))
        .group_by(schema.holding.c.number)
        .having(func.count() == len(active))
    )
    # The pieces and the holdings go with the item (ON DELETE CASCADE).
    return connection.execute(
        delete(schema.intake).where(schema.intake.c.number.in_(held_by_all))
    ).rowcount


def _active_desks() -> Select[bytes]:
    return select(_DESK_ID).where(schema.officer.c.retired.is_(False))


def _held_by_the_desk() -> Exists:
    """Say of an item and a desk, in a query over both, that it holds it."""
    return (
        select(schema.holding.c.number)
        .where(
            schema.holding.c.desk_id == _DESK_ID,
            schema.holding.c.number == schema.intake.c.number,
        )
        .correlate(schema.intake, schema.officer)
        .exists()
    )


def _check_active(connection: Connection, desk_id: bytes) -> None:
    if connection.scalar(_active_desks().where(_DESK_ID == desk_id)) is None:
        raise UnknownDesk


def _collected_through(connection: Connection, desk_id: bytes) -> int | None:
    columns = schema.desk_cursor.c
    return connection.scalar(
        select(columns.collected_through).where(columns.desk_id == desk_id)
    )


def _applied_before(
    connection: Connection, desk_id: bytes, number: int, manifest_sha256: bytes
) -> bool:
    columns = schema.outbox_applied.c
    applied = connection.scalar(
        select(columns.sha256).where(
            columns.desk_id == desk_id, columns.number == number
        )
    )
    if applied is not None and applied != manifest_sha256:
        raise OutboxConflict("another outbox of this desk has the same number")
    return applied is not None


def _check_order(connection: Connection, desk_id: bytes, number: int) -> None:
    columns = schema.outbox_applied.c
    last = connection.scalar(
        select(func.max(columns.number)).where(columns.desk_id == desk_id)
    )
    expected = (last or 0) + 1
    if number > expected:
        raise MissingOutbox(
            f"outbox {expected} of this desk has not come: bring it before {number}"
        )


def _new_slots(
    change: MailboxChange, incoming: Sequence[tuple[bytes, bytes]]
) -> list[tuple[bytes, bytes]]:
    present = change.present([slot for slot, _ in incoming])
    new = []
    for slot, sealed in incoming:
        now = present.get(slot)
        if now is None:
            new.append((slot, sealed))
        elif now != sealed:
            raise OutboxConflict("a slot of the outbox holds another message already")
    return new


def _note_holds(
    connection: Connection, desk_id: bytes, holds: Sequence[tuple[int, bytes]]
) -> tuple[int, int]:
    """
    Note which items a desk holds; return how many, and how many are not known here.

    A server that was restored from a backup has forgotten items that desks hold, and
    gives their numbers again: what is held is told by its digest, and a statement
    about another item is none about the one that is here.
    """
    columns = schema.intake.c
    last = last_number(connection)
    held = set(
        connection.scalars(
            select(schema.holding.c.number).where(schema.holding.c.desk_id == desk_id)
        )
    )
    noted = unknown = 0
    for number, sha256 in holds:
        if number > last:
            unknown += 1
            continue
        stored = connection.scalar(
            select(columns.sha256).where(columns.number == number)
        )
        if stored is None or number in held:
            # Deleted after all desks held it, or signed for before.
            continue
        if stored != sha256:
            unknown += 1
            continue
        connection.execute(
            insert(schema.holding), {"number": number, "desk_id": desk_id}
        )
        held.add(number)
        noted += 1
    return noted, unknown
