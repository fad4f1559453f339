"""
Moving: a desk leaves its server for another one that takes its place.

    old server     lost, or not to be trusted any more
    new server     empty, another installation: other numbers, another salt
    desk           keeps cases, journal and keys; counts its outboxes from 1 again

Only bundles of the new server are taken from then on, and those of the old one, or of a
thief who has its database, are refused like anybody else's.  What an officer decides
here is which installation it is; they have compared it with the operator, face to face.

The reporters of the old server cannot be answered any more: their codenames open
nothing on another one.  So their cases get a label, which colleagues see as well, and
answers that wait are withdrawn and named.  What may not have reached the other desks is
sent to them once more.

Numbers of the stream and of outboxes that were the old server's go below zero, where
no bundle counts.  docs/adr/0033 says why it is done like this.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Column, Connection, Table, delete, func, insert, select, update

from casework.journal import Labelled
from casework.training import is_training
from journalist_app.workstation import casebook
from journalist_app.workstation.continuity import (
    LIFE_BYTES,
    begin_life,
    send_all_again,
    withdraw_waiting,
)
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.entries import append
from journalist_app.workstation.errors import ActionRefused, CannotMove
from journalist_app.workstation.projecting import LEFT_BEHIND, project

# Colleagues send everything that came behind it: from here on, that is all.
NOTHING_IS_HERE: Final = 0


@dataclass(frozen=True)
class Standing:
    """
    What a desk would leave behind.

    Attributes:
        installation: The server that it belongs to.

        cases: How many cases can be answered until then.

        waiting: Names of cases whose answers may not have arrived.
    """

    installation: bytes
    cases: int
    waiting: tuple[str, ...]


def standing_of(desk: Desk) -> Standing:
    """
    Return what the desk would leave behind.

    Raises:
        CannotMove: If it belongs to no server yet, or is for training.
    """
    with desk.casebook.transaction() as connection:
        return _standing(desk, connection)


def move(
    desk: Desk, installation: bytes, *, ask_colleagues: bool, today: date
) -> Standing:
    """
    Let a desk belong to another server, in one transaction.

    Args:
        desk: Whose cases stay.

        installation: Of the new server, as it was compared with the operator.

        ask_colleagues: Whether the other desks shall send again all that this one may
            know: reports that they had fetched from the old server, and this one not.

        today: The day that is noted.

    Raises:
        CannotMove: If it belongs to no server yet or to this one already, or if one of
            both is for training; then nothing has changed.

    Returns:
        What was left behind.
    """
    with desk.casebook.transaction() as connection:
        left = _standing(desk, connection)
        if installation == left.installation:
            raise CannotMove("this desk belongs to that server already")
        if is_training(installation):
            raise CannotMove("that server is for training")
        _note_former(connection, left.installation, installation, today)
        withdraw_waiting(connection)
        _put_numbers_away(connection)
        if connection.scalar(select(casebook.continuity.c.unsettled)):
            # Restored from a backup, and the old server tells it nothing any more.
            life = desk.entropy(LIFE_BYTES).hex()
            begin_life(connection, desk.record.desk_id, life)
        _mark_cases(desk, connection, today)
        send_all_again(connection, desk.record.desk_id)
        connection.execute(
            update(casebook.casebook).values(
                installation=installation, last_outbox=0, certificate_sent=None
            )
        )
        connection.execute(update(casebook.continuity).values(confirmed=0))
        if ask_colleagues:
            connection.execute(
                update(casebook.continuity).values(asks_from=NOTHING_IS_HERE)
            )
    return left


def is_left_behind(connection: Connection, case_id: bytes) -> bool:
    """Tell whether the reporter of a case comes to a server that was left."""
    table = casebook.label
    return bool(
        connection.scalar(
            select(func.count())
            .select_from(table)
            .where(table.c.case_id == case_id, table.c.label == LEFT_BEHIND)
        )
    )


def _standing(desk: Desk, connection: Connection) -> Standing:
    installation = connection.scalar(select(casebook.casebook.c.installation))
    if installation is None:
        raise CannotMove("this desk belongs to no server yet: import a bundle")
    if desk.record.training:
        raise CannotMove("this desk is for training")
    return Standing(
        installation, len(_answerable(connection)), _unconfirmed_answers(connection)
    )


def _answerable(connection: Connection) -> Sequence[bytes]:
    table = casebook.label
    marked = select(table.c.case_id).where(table.c.label == LEFT_BEHIND)
    case_id = casebook.case.c.case_id
    return connection.scalars(select(case_id).where(case_id.not_in(marked))).all()


def _unconfirmed_answers(connection: Connection) -> tuple[str, ...]:
    """Name the cases with answers of which no bundle has told that they arrived."""
    slot, reply, entry = casebook.slot, casebook.reply, casebook.entry
    confirmed = connection.scalar(select(casebook.continuity.c.confirmed)) or 0
    unsure = select(slot.c.reply_id).where(
        slot.c.outbox_number.is_(None) | (slot.c.outbox_number > confirmed)
    )
    return tuple(
        connection.scalars(
            select(casebook.case.c.name)
            .join(entry, entry.c.case_id == casebook.case.c.case_id)
            .join(reply, reply.c.entry == entry.c.digest)
            .where(reply.c.reply_id.in_(unsure))
            .distinct()
            .order_by(casebook.case.c.name)
        )
    )


def _mark_cases(desk: Desk, connection: Connection, today: date) -> None:
    """Label all cases, so that whoever has them knows that no answer arrives."""
    action = Labelled(label=LEFT_BEHIND, on=True)
    marked = _answerable(connection)
    for case_id in marked:
        # An officer who was excluded from a case does nothing to it.
        with suppress(ActionRefused):
            append(desk, connection, case_id, action, today=today)
    project(connection, marked, own=desk.record.desk_id)


def _note_former(
    connection: Connection, left: bytes, coming: bytes, today: date
) -> None:
    table = casebook.former
    # A desk may have been there before.
    connection.execute(delete(table).where(table.c.installation.in_([left, coming])))
    connection.execute(
        insert(table), {"installation": left, "left_day": today.toordinal()}
    )


def _put_numbers_away(connection: Connection) -> None:
    """Move the numbers of the old server below zero, behind those of earlier ones."""
    # A slot refers to its outbox: both move, and only then must they agree.
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    outboxes, slots = casebook.outbox.c.number, casebook.slot.c.outbox_number
    connection.execute(delete(casebook.parcel))
    base = _lowest(connection, casebook.outbox, outboxes)
    connection.execute(
        update(casebook.slot).where(slots > 0).values(outbox_number=base - slots)
    )
    connection.execute(
        update(casebook.outbox).where(outboxes > 0).values(number=base - outboxes)
    )
    numbers = casebook.received.c.number
    base = _lowest(connection, casebook.received, numbers)
    connection.execute(
        update(casebook.received)
        .where(numbers > 0)
        # Signed for or not: the new server never had it.
        .values(number=base - numbers, superseded=True, reported_in=None)
    )


def _lowest(connection: Connection, table: Table, column: Column[int]) -> int:
    return min(0, connection.scalar(select(func.min(column)).select_from(table)) or 0)
