"""
Continuity: whether a desk is still the one that it was, and what follows if it is not.

    backup --restored--> unsettled --bundle--> a new life, and colleagues are asked
    bundle: "I have applied outboxes that you never made" ----> the same

A desk counts its outboxes, its events and the slots of its answers.  A desk that was
restored from a copy of itself, or that works beside one, would give numbers again that
are taken.  So it takes no number before a bundle has told how far its outboxes have
come.  From then on it counts its events anew, under a name of their own (a *life*),
leaves out slots that it may have used, and asks its colleagues for what it has lost.
Among that may be that an officer was excluded from a case.  So nothing of a case goes
to anybody before everybody else who knows the case has answered.

A bundle is not signed, and this believes it.  One that lies makes a desk begin a new
life or number its outboxes wrongly, which the next true one mends; it cannot take away
anything but answers that were not exported yet, and those are named.

docs/adr/0021 says why it is done like this.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from casework.bundle import AppliedOutboxes
from casework.item import ItemKind
from casework.journal import OFFICE
from journalist_app.workstation import casebook
from journalist_app.workstation.errors import RestoredDesk
from journalist_app.workstation.projecting import journal_of

LIFE_BYTES = 8


@dataclass(frozen=True)
class Standing:
    """
    What a bundle told about the desk that it was made for.

    Attributes:
        restored: Whether the desk was found to be a copy, and has begun a new life.

        missing: Its outboxes that the server does not have.

        withdrawn: Cases whose waiting answers could not be sent any more: another copy
            of this desk may have used their slots.  They have to be written again.
    """

    restored: bool = False
    missing: tuple[int, ...] = ()
    withdrawn: tuple[str, ...] = ()


def current_life(connection: Connection) -> str | None:
    """
    Return under which name this desk counts its events.

    Raises:
        RestoredDesk: If it does not know yet what it did before it was restored.
    """
    check_settled(connection)
    return connection.scalar(select(casebook.continuity.c.life))


def check_settled(connection: Connection) -> None:
    """
    Make sure that the desk knows which numbers it has given.

    Raises:
        RestoredDesk: If it was restored, and no bundle has told since.
    """
    if connection.scalar(select(casebook.continuity.c.unsettled)):
        raise RestoredDesk(RestoredDesk.__doc__)


def note_restored(connection: Connection) -> None:
    """Note that the casebook comes from a backup."""
    connection.execute(update(casebook.continuity).values(unsettled=True))


def settle(
    connection: Connection,
    own: str,
    applied: AppliedOutboxes | None,
    *,
    entropy: Callable[[int], bytes],
) -> Standing:
    """
    Compare what the server has applied with what this desk has made.

    Args:
        connection: Everything happens in its transaction.

        own: The desk's id.

        applied: As a bundle says; None, or of another desk, changes nothing.

        entropy: Gives random bytes.
    """
    if applied is None or applied.desk_id != own:
        return Standing()
    state = connection.execute(select(casebook.continuity)).one()
    last = connection.scalar(select(casebook.casebook.c.last_outbox)) or 0
    numbers = casebook.outbox.c.number
    # Those below zero were for another server.
    made = set(connection.scalars(select(numbers).where(numbers > 0)))
    same, others = _compared(connection, applied, made, confirmed=state.confirmed)
    is_copy = bool(others) or applied.number > last
    missing: tuple[int, ...] = ()
    if is_copy:
        first_other = min(others, default=last + 1)
        _release(connection, own, {one for one in made if one >= first_other})
        _number_after(connection, applied.number)
    else:
        behind = {one for one in made if one > applied.number}
        missing = tuple(sorted(behind))
        if behind and applied.number + 1 not in behind:
            # Whatever stood between them is nowhere, so that they will never follow.
            _release(connection, own, behind)
            missing = ()
        _number_after(connection, max([applied.number, *missing]))
    withdrawn: tuple[str, ...] = ()
    if is_copy and not state.unsettled:
        withdrawn = withdraw_waiting(connection)
    if is_copy or state.unsettled:
        begin_life(connection, own, entropy(LIFE_BYTES).hex())
    confirmed = max([state.confirmed, *same]) if not others else min(others) - 1
    connection.execute(update(casebook.continuity).values(confirmed=confirmed))
    return Standing(is_copy or state.unsettled, missing, withdrawn)


def note_known(connection: Connection, digest: bytes, desk_ids: Iterable[str]) -> None:
    """Note that desks have a content or an event, or that it is on its way to them."""
    for desk_id in sorted(desk_ids):
        connection.execute(
            insert_or(casebook.knows)
            .values(digest=digest, desk_id=desk_id, lost=False)
            .on_conflict_do_update(
                index_elements=["digest", "desk_id"], set_={"lost": False}
            )
        )


def awaited(connection: Connection) -> frozenset[str]:
    """Return the desks that have not told yet what this one has lost."""
    return frozenset(connection.scalars(select(casebook.awaited.c.desk_id)))


def stop_waiting(connection: Connection, desk_id: str) -> None:
    """Note that a colleague has told, or is not waited for any more."""
    table = casebook.awaited
    connection.execute(delete(table).where(table.c.desk_id == desk_id))
    connection.execute(update(casebook.case).values(unsent=True))


def note_losses(connection: Connection, desk_id: str, *, through: int) -> None:
    """
    Note that a colleague's desk was restored, so that it is sent again what it had.

    Args:
        through: It still has what came in the stream up to this item.  Events are few
            and small: it is sent all of them.  So it is what was shared with it, whose
            place in the stream is known there alone.
    """
    knows, content, received = casebook.knows, casebook.content, casebook.received
    still_there = select(received.c.digest).where(
        # What came from a server before this one stands in no stream of today.
        received.c.number.between(1, through),
        received.c.digest.is_not(None),
    )
    shared = select(content.c.digest).where(
        content.c.case_id.in_(_admitted_to(connection, desk_id))
    )
    connection.execute(
        update(knows)
        .where(
            knows.c.desk_id == desk_id,
            knows.c.digest.not_in(still_there) | knows.c.digest.in_(shared),
            # The reporter's contact details are never sealed anew.
            knows.c.digest.not_in(
                select(content.c.digest).where(content.c.kind == ItemKind.CONTACT)
            ),
        )
        .values(lost=True)
    )
    connection.execute(update(casebook.case).values(unsent=True))


def _compared(
    connection: Connection, applied: AppliedOutboxes, made: set[int], *, confirmed: int
) -> tuple[set[int], set[int]]:
    """Return which of the outboxes that both have are the same, and which are not."""
    same: set[int] = set()
    others: set[int] = set()
    for number, sha256 in applied.digests().items():
        if number in made and number > confirmed:
            manifest = connection.scalar(
                select(casebook.outbox.c.manifest).where(
                    casebook.outbox.c.number == number
                )
            )
            is_same = hashlib.sha256(manifest or b"").hexdigest() == sha256
            (same if is_same else others).add(number)
    return same, others


def begin_life(connection: Connection, own: str, life: str) -> None:
    """
    Count events anew under another name, and ask colleagues for what is missing.

    Args:
        own: The desk's id.

        life: The name; `LIFE_BYTES` random bytes in hexadecimal digits.
    """
    numbers = casebook.received.c.number
    newest = connection.scalar(select(func.max(numbers)).where(numbers > 0))
    connection.execute(
        update(casebook.continuity).values(
            life=life, unsettled=False, asks_from=newest or 0
        )
    )
    colleagues = connection.scalars(
        select(casebook.officer.c.desk_id).where(
            casebook.officer.c.active, casebook.officer.c.desk_id != own
        )
    ).all()
    connection.execute(delete(casebook.awaited))
    for desk_id in colleagues:
        connection.execute(insert(casebook.awaited), {"desk_id": desk_id})


def _number_after(connection: Connection, number: int) -> None:
    connection.execute(update(casebook.casebook).values(last_outbox=number))


def _release(connection: Connection, own: str, numbers: set[int]) -> None:
    """Let what was in outboxes that never arrived wait for the next one."""
    if not numbers:
        return
    slot, received, parcel = casebook.slot, casebook.received, casebook.parcel
    connection.execute(
        update(slot).where(slot.c.outbox_number.in_(numbers)).values(outbox_number=None)
    )
    connection.execute(
        update(received)
        .where(received.c.reported_in.in_(numbers))
        .values(reported_in=None)
    )
    connection.execute(delete(parcel).where(parcel.c.outbox_number.in_(numbers)))
    connection.execute(
        delete(casebook.outbox).where(casebook.outbox.c.number.in_(numbers))
    )
    send_all_again(connection, own)


def send_all_again(connection: Connection, own: str) -> None:
    """
    Let everything that this desk may have sent to others wait for the next outbox.

    Which parcel brought what is not kept: everything of one's own is sent again, and
    whoever has it already says so.
    """
    entry, knows = casebook.entry, casebook.knows
    mine = select(entry.c.digest).where(entry.c.desk_id == own)
    connection.execute(
        delete(knows).where(knows.c.desk_id != own, knows.c.digest.in_(mine))
    )
    for desk_id in connection.scalars(
        select(casebook.officer.c.desk_id).where(casebook.officer.c.desk_id != own)
    ).all():
        shared = select(casebook.content.c.digest).where(
            casebook.content.c.case_id.in_(_admitted_to(connection, desk_id))
        )
        connection.execute(
            delete(knows).where(knows.c.desk_id == desk_id, knows.c.digest.in_(shared))
        )
    connection.execute(update(casebook.case).values(unsent=True))
    # A certificate that was in one of them goes once more.
    connection.execute(update(casebook.casebook).values(certificate_sent=None))


def _admitted_to(connection: Connection, desk_id: str) -> list[bytes]:
    """Return the cases that a desk was let into."""
    cases = connection.scalars(select(casebook.entry.c.case_id).distinct()).all()
    return [
        case_id
        for case_id in cases
        if case_id.hex() != OFFICE
        and desk_id in journal_of(connection, case_id).state.admitted
    ]


def withdraw_waiting(connection: Connection) -> tuple[str, ...]:
    """Take back the answers that wait; return the names of their cases."""
    slot, reply, entry = casebook.slot, casebook.reply, casebook.entry
    waiting = select(slot.c.reply_id).where(slot.c.outbox_number.is_(None)).distinct()
    names = connection.scalars(
        select(casebook.case.c.name)
        .join(entry, entry.c.case_id == casebook.case.c.case_id)
        .join(reply, reply.c.entry == entry.c.digest)
        .where(reply.c.reply_id.in_(waiting))
        .order_by(casebook.case.c.name)
    ).all()
    gone = list(connection.scalars(waiting))
    connection.execute(delete(slot).where(slot.c.reply_id.in_(gone)))
    # The row of the reply stays: it shows that nothing of it was sent.
    return tuple(names)
