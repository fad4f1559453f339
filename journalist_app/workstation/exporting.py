"""
Exporting: everything new on the desk becomes one signed outbox.

    slots waiting  --+
    items to report -+--> manifest --sign--> casebook --> file on a stick

The outbox is fixed in the casebook before its file is written.  A stick can be
lost: `write_again` makes the very same outbox once more, byte for byte, and the
server applies it once, however often it comes.

The slots are in the order of their names, which are random: whoever carries the
outbox does not learn which of them belong together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, insert, select, update

from casework import strict
from casework.outbox import (
    MANIFEST_BYTES,
    MOST_HOLDS,
    MOST_SLOTS,
    AnnouncedSlot,
    Hold,
    MalformedOutbox,
    OutboxManifest,
    write_outbox,
)
from journalist_app.workstation import casebook
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import (
    NotEnrolledYet,
    NothingToExport,
    UnknownOutbox,
)

Sink = Callable[[bytes], object]


@dataclass(frozen=True)
class Export:
    """What an outbox holds, and whether another one is needed for the rest."""

    number: int
    slots: int
    holds: int
    more: bool


def prepare_outbox(desk: Desk, *, today: date) -> Export:
    """
    Put everything new into the next outbox, and sign it.

    When this returns, the outbox exists, and `write_again` writes it.

    Raises:
        NotEnrolledYet: If no bundle was imported yet.

        NothingToExport: If there is nothing new.

        CannotSign: If the officer's key has expired, for instance.
    """
    with desk.casebook.transaction() as connection:
        row = connection.execute(select(casebook.casebook)).one()
        if row.installation is None:
            raise NotEnrolledYet(NotEnrolledYet.__doc__)
        slots, more_slots = _new_slots(connection)
        holds, more_holds = _new_holds(connection)
        if not slots and not holds:
            raise NothingToExport(NothingToExport.__doc__)
        number = row.last_outbox + 1
        manifest = OutboxManifest(
            installation=row.installation.hex(),
            desk_id=desk.record.desk_id,
            number=number,
            day=today,
            slots=tuple(AnnouncedSlot.of(slot, sealed) for slot, sealed in slots),
            holds=tuple(
                Hold(number=item, sha256=sha256.hex()) for item, sha256 in holds
            ),
        )
        content = strict.render(manifest)
        signature = desk.keys.sign_detached(content, signer=desk.fingerprint, day=today)
        _note(connection, manifest, content, signature)
    return Export(number, len(slots), len(holds), more_slots or more_holds)


def write_again(desk: Desk, number: int, sink: Sink) -> Export:
    """
    Write outbox *number*, the same bytes as ever.

    Raises:
        UnknownOutbox: If there is none of this number.
    """
    with desk.casebook.transaction() as connection:
        row = connection.execute(
            select(casebook.outbox).where(casebook.outbox.c.number == number)
        ).first()
        if row is None:
            raise UnknownOutbox(UnknownOutbox.__doc__)
        slots = connection.execute(
            select(casebook.slot.c.slot, casebook.slot.c.sealed).where(
                casebook.slot.c.outbox_number == number
            )
        )
        sealed = {row.slot: row.sealed for row in slots}
    manifest = strict.parse(
        OutboxManifest,
        row.manifest,
        limit_bytes=MANIFEST_BYTES,
        malformed=MalformedOutbox,
    )
    write_outbox(
        sink,
        manifest,
        (sealed[bytes.fromhex(announced.slot)] for announced in manifest.slots),
        sign=lambda _content: bytes(row.signature),
    )
    return Export(number, len(manifest.slots), len(manifest.holds), more=False)


def _new_slots(connection: Connection) -> tuple[list[tuple[bytes, bytes]], bool]:
    """Return the slots of whole replies, as many as fit, by name."""
    waiting = connection.execute(
        select(casebook.reply.c.reply_id, casebook.reply.c.slots)
        .where(
            casebook.reply.c.reply_id.in_(
                select(casebook.slot.c.reply_id).where(
                    casebook.slot.c.outbox_number.is_(None)
                )
            )
        )
        .order_by(casebook.reply.c.reply_id)
    ).all()
    chosen: list[int] = []
    room = MOST_SLOTS
    for reply_id, count in waiting:
        if count > room:
            break
        chosen.append(reply_id)
        room -= count
    slots = connection.execute(
        select(casebook.slot.c.slot, casebook.slot.c.sealed)
        .where(casebook.slot.c.reply_id.in_(chosen))
        .order_by(casebook.slot.c.slot)
    )
    return [(slot, sealed) for slot, sealed in slots], len(chosen) < len(waiting)


def _new_holds(connection: Connection) -> tuple[list[tuple[int, bytes]], bool]:
    table = casebook.item
    items = connection.execute(
        select(table.c.number, table.c.sha256)
        .where(table.c.reported_in.is_(None))
        .order_by(table.c.number)
        .limit(MOST_HOLDS + 1)
    )
    holds = [(number, sha256) for number, sha256 in items]
    return holds[:MOST_HOLDS], len(holds) > MOST_HOLDS


def _note(
    connection: Connection, manifest: OutboxManifest, content: bytes, signature: bytes
) -> None:
    number = manifest.number
    connection.execute(
        insert(casebook.outbox),
        {"number": number, "manifest": content, "signature": signature},
    )
    connection.execute(update(casebook.casebook).values(last_outbox=number))
    for announced in manifest.slots:
        connection.execute(
            update(casebook.slot)
            .where(casebook.slot.c.slot == bytes.fromhex(announced.slot))
            .values(outbox_number=number)
        )
    for hold in manifest.holds:
        connection.execute(
            update(casebook.item)
            .where(casebook.item.c.number == hold.number)
            .values(reported_in=number)
        )
