"""
Returning: what desks tell each other when one of them was restored from a backup.

    restored desk   "I have lost what came after item 1200"        event "restored"
    colleagues      what it had, sealed to it once more, and then  event "returned"

These events are about no case.  They go behind everything else that an outbox brings:
that all was sent is said when it was.
"""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection, select, update

from casework.journal import OFFICE, Restored, Returned
from journalist_app.workstation import casebook
from journalist_app.workstation.continuity import awaited
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.entries import append
from journalist_app.workstation.projecting import journal_of
from journalist_app.workstation.sharing import (
    Pending,
    knowing,
    pending,
    reachable_from,
)

_OFFICE = bytes.fromhex(OFFICE)


def write_notices(desk: Desk, connection: Connection, *, today: date) -> None:
    """Ask colleagues, once, for what this desk has lost; answer those who ask."""
    through = connection.scalar(select(casebook.continuity.c.asks_from))
    if through is not None:
        append(desk, connection, _OFFICE, Restored(through=through), today=today)
        connection.execute(update(casebook.continuity).values(asks_from=None))
    own = desk.record.desk_id
    events = [
        (entry.digest, entry.event) for entry in journal_of(connection, _OFFICE).entries
    ]
    answered = {
        event.action.restored
        for _, event in events
        if isinstance(event.action, Returned) and event.desk_id == own
    }
    for digest, event in events:
        asks = isinstance(event.action, Restored) and event.desk_id != own
        if asks and digest not in answered:
            append(desk, connection, _OFFICE, Returned(restored=digest), today=today)


def pending_notices(desk: Desk, connection: Connection) -> Iterator[Pending]:
    """Yield what this desk says of itself, which everybody may know."""
    own = desk.record.desk_id
    reachable = reachable_from(connection, own)
    columns = casebook.entry.c
    for digest in connection.scalars(
        select(columns.digest).where(columns.case_id == _OFFICE, columns.desk_id == own)
    ).all():
        if lacking := reachable - knowing(connection, digest):
            yield Pending(digest, is_entry=True, desk_ids=frozenset(lacking))


def count_pending(desk: Desk, connection: Connection) -> int:
    """Return how many things wait to be sent to other desks."""
    events = sum(1 for _ in pending(desk, connection))
    return events + sum(1 for _ in pending_notices(desk, connection))


def awaited_names(connection: Connection) -> tuple[str, ...]:
    """Return the officers who have not told yet what this desk has lost."""
    table = casebook.officer
    return tuple(
        connection.scalars(
            select(table.c.name)
            .where(table.c.desk_id.in_(awaited(connection)), table.c.active)
            .order_by(table.c.name)
        )
    )
