"""
Exporting: everything new on the desk becomes one signed outbox.

    slots waiting   --+
    items to report --+--> manifest --sign--> casebook --> file on a stick
    events, items   --+
    for other desks, sealed to them: parcels in outgoing/

The outbox is fixed in the casebook before its file is written.  A stick can be
lost: `write_again` makes the very same outbox once more, byte for byte, and the
server applies it once, however often it comes.

The slots are in the order of their names, which are random: whoever carries the
outbox does not learn which of them belong together.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, insert, select, update

from casework import strict
from casework.outbox import (
    MANIFEST_BYTES,
    MOST_HOLDS,
    MOST_PARCELS,
    MOST_SLOTS,
    PARCELS_BYTES,
    AnnouncedParcel,
    AnnouncedSlot,
    Hold,
    MalformedOutbox,
    OutboxManifest,
    write_outbox,
)
from casework.parcel import SignedEvent, batches, write_parcel
from crypto.fingerprint import Fingerprint
from journalist_app.durable import new_file, remove_partial_files, sync_directory
from journalist_app.workstation import casebook
from journalist_app.workstation.continuity import check_settled, note_known
from journalist_app.workstation.desk import OUTGOING, Desk
from journalist_app.workstation.errors import (
    NotEnrolledYet,
    NothingToExport,
    UnknownOutbox,
)
from journalist_app.workstation.returning import pending_notices, write_notices
from journalist_app.workstation.rotation import renew
from journalist_app.workstation.sharing import Pending, pending, unsent_cases
from journalist_app.workstation.storing import Stored

Sink = Callable[[bytes], object]
PIECE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Export:
    """What an outbox holds, and whether another one is needed for the rest."""

    number: int
    slots: int
    holds: int
    parcels: int
    more: bool


@dataclass(frozen=True)
class _Parcel:
    """A sealed message to other desks, which lies in outgoing/."""

    sha256: bytes
    size_bytes: int
    brings: tuple[Pending, ...]


def prepare_outbox(desk: Desk, *, today: date) -> Export:
    """
    Put everything new into the next outbox, and sign it.

    The officer's keys are renewed first, if it is time (`rotation`).  When this
    returns, the outbox exists, and `write_again` writes it.

    Raises:
        NotEnrolledYet: If no bundle was imported yet.

        RestoredDesk: If the desk does not know yet which outboxes it has made.

        NothingToExport: If there is nothing new.

        CannotSign: If the officer's key has expired, for instance.
    """
    _clean_up(desk)
    renew(desk, today=today)
    with desk.casebook.transaction() as connection:
        row = connection.execute(select(casebook.casebook)).one()
        if row.installation is None:
            raise NotEnrolledYet(NotEnrolledYet.__doc__)
        check_settled(connection)
        write_notices(desk, connection, today=today)
        slots, more_slots = _new_slots(connection)
        holds, more_holds = _new_holds(connection)
        parcels, more_parcels = _new_parcels(desk, connection, today)
        certificate = _new_certificate(desk, row.certificate_sent)
        if not slots and not holds and not parcels and certificate is None:
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
            parcels=tuple(
                AnnouncedParcel(
                    size_bytes=parcel.size_bytes, sha256=parcel.sha256.hex()
                )
                for parcel in parcels
            ),
            certificate=None if certificate is None else certificate.decode("ascii"),
        )
        content = strict.render(manifest)
        signature = desk.keys.sign_detached(content, signer=desk.fingerprint, day=today)
        _note(connection, manifest, content, signature)
        _note_parcels(desk, connection, number, parcels)
    more = more_slots or more_holds or more_parcels
    return Export(number, len(slots), len(holds), len(parcels), more)


def write_again(desk: Desk, number: int, sink: Sink) -> Export:
    """
    Write outbox *number*, the same bytes as ever.

    Raises:
        UnknownOutbox: If there is none of this number, or its parcels were removed
            because the server has confirmed that it has them.
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
    paths = [desk.outgoing(bytes.fromhex(one.sha256)) for one in manifest.parcels]
    if not all(path.exists() for path in paths):
        raise UnknownOutbox("the parcels of this outbox are no longer kept")

    def open_parcel(index: int) -> Iterator[bytes]:
        with paths[index].open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece

    write_outbox(
        sink,
        manifest,
        (sealed[bytes.fromhex(announced.slot)] for announced in manifest.slots),
        sign=lambda _content: bytes(row.signature),
        open_parcel=open_parcel,
    )
    return Export(
        number,
        len(manifest.slots),
        len(manifest.holds),
        len(manifest.parcels),
        more=False,
    )


def _new_parcels(
    desk: Desk, connection: Connection, today: date
) -> tuple[list[_Parcel], bool]:
    """Seal what other desks still have to be sent; tell whether something is left."""
    keys = _fit_keys(desk, connection, today)
    parcels: list[_Parcel] = []
    room_bytes = PARCELS_BYTES
    for waiting in (pending(desk, connection), pending_notices(desk, connection)):
        for recipients, job in _addressed(desk, connection, waiting, keys, today):
            if len(parcels) == MOST_PARCELS:
                return parcels, True
            parcel = _seal(desk, recipients, job, today)
            if parcel.size_bytes > room_bytes:
                desk.outgoing(parcel.sha256).unlink()
                return parcels, True
            room_bytes -= parcel.size_bytes
            parcels.append(parcel)
    return parcels, False


def _addressed(
    desk: Desk,
    connection: Connection,
    waiting: Iterable[Pending],
    keys: Mapping[str, Fingerprint],
    today: date,
) -> Iterator[tuple[list[Fingerprint], "_Job"]]:
    by_audience: dict[frozenset[str], list[Pending]] = {}
    for one in waiting:
        by_audience.setdefault(one.desk_ids, []).append(one)
    # Events first: a parcel of them is small, and says what the items belong to.
    for desk_ids, brought in sorted(
        by_audience.items(), key=lambda pair: sorted(pair[0])
    ):
        recipients = [keys[desk_id] for desk_id in sorted(desk_ids) if desk_id in keys]
        if len(recipients) == len(desk_ids):
            for job in _jobs(desk, connection, brought, today):
                yield recipients, job


@dataclass(frozen=True)
class _Job:
    """What goes into one parcel, and how its plaintext is written."""

    brings: tuple[Pending, ...]
    write: Callable[[Sink], object]


def _jobs(
    desk: Desk, connection: Connection, waiting: Sequence[Pending], today: date
) -> Iterator[_Job]:
    entries = {one.digest: one for one in waiting if one.is_entry}
    signed = {
        SignedEvent(row.content, row.signature): row.digest
        for row in connection.execute(
            select(
                casebook.entry.c.digest,
                casebook.entry.c.content,
                casebook.entry.c.signature,
            ).where(casebook.entry.c.digest.in_(list(entries)))
        )
    }
    for batch in batches(list(signed)):
        yield _Job(
            tuple(entries[signed[event]] for event in batch),
            _writing_events(batch, desk.record.desk_id, today),
        )
    for one in waiting:
        if not one.is_entry:
            row = connection.execute(
                select(casebook.content).where(casebook.content.c.digest == one.digest)
            ).one()
            stored = Stored(row.stored_as, row.stored_key, row.digest, row.size_bytes)
            yield _Job((one,), _writing_item(desk, stored))


def _writing_events(
    events: Sequence[SignedEvent], desk_id: str, day: date
) -> Callable[[Sink], object]:
    return lambda sink: write_parcel(sink, events, desk_id=desk_id, day=day)


def _writing_item(desk: Desk, stored: Stored) -> Callable[[Sink], object]:
    def write(sink: Sink) -> None:
        for piece in desk.store.read(stored):
            sink(piece)

    return write


def _seal(
    desk: Desk, recipients: Sequence[Fingerprint], job: _Job, today: date
) -> _Parcel:
    digest = hashlib.sha256()
    size_bytes = 0
    provisional = desk.path / OUTGOING / desk.entropy(16).hex()
    with new_file(provisional) as file:

        def keep(piece: bytes) -> None:
            nonlocal size_bytes
            digest.update(piece)
            size_bytes += len(piece)
            file.write(piece)

        with desk.colleagues.sealing(recipients, sink=keep, day=today) as sealing:
            job.write(sealing.write)
    provisional.rename(desk.outgoing(digest.digest()))
    sync_directory(desk.path / OUTGOING)
    return _Parcel(digest.digest(), size_bytes, job.brings)


def _fit_keys(
    desk: Desk, connection: Connection, today: date
) -> Mapping[str, Fingerprint]:
    """Return by desk the keys that something can be sealed to today."""
    table = casebook.officer
    rows = connection.execute(
        select(table.c.desk_id, table.c.fingerprint).where(
            table.c.active, table.c.desk_id != desk.record.desk_id
        )
    ).all()
    wanted = {row.desk_id: Fingerprint(row.fingerprint) for row in rows}
    usable = set(desk.colleagues.usable(wanted.values(), today=today).usable)
    return {desk_id: key for desk_id, key in wanted.items() if key in usable}


def _new_certificate(desk: Desk, sent: bytes | None) -> bytes | None:
    """Return the officer's own key if the server does not have it like this."""
    certificate = desk.certificate()
    return None if hashlib.sha256(certificate).digest() == sent else certificate


def _note_parcels(
    desk: Desk, connection: Connection, number: int, parcels: Sequence[_Parcel]
) -> None:
    for parcel in parcels:
        connection.execute(
            insert(casebook.parcel),
            {
                "sha256": parcel.sha256,
                "size_bytes": parcel.size_bytes,
                "outbox_number": number,
            },
        )
        for one in parcel.brings:
            note_known(connection, one.digest, one.desk_ids)
    still = {one.digest for one in pending(desk, connection)}
    if not still:
        connection.execute(
            update(casebook.case)
            .where(casebook.case.c.case_id.in_(list(unsent_cases(connection))))
            .values(unsent=False)
        )


def _clean_up(desk: Desk) -> None:
    """Remove parcels that were sealed for an outbox that never came to be."""
    # In its turn: another thread may be sealing parcels for its own outbox.
    with desk.casebook.transaction() as connection:
        remove_partial_files(desk.path / OUTGOING)
        known = {
            desk.outgoing(sha256)
            for sha256 in connection.scalars(select(casebook.parcel.c.sha256))
        }
        for path in (desk.path / OUTGOING).iterdir():
            if path not in known:
                path.unlink()


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
    table = casebook.received
    items = connection.execute(
        select(table.c.number, table.c.sha256)
        .where(table.c.reported_in.is_(None), table.c.superseded.is_(False))
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
    if manifest.certificate is not None:
        sent = hashlib.sha256(manifest.certificate.encode("ascii")).digest()
        connection.execute(update(casebook.casebook).values(certificate_sent=sent))
    for announced in manifest.slots:
        connection.execute(
            update(casebook.slot)
            .where(casebook.slot.c.slot == bytes.fromhex(announced.slot))
            .values(outbox_number=number)
        )
    for hold in manifest.holds:
        connection.execute(
            update(casebook.received)
            .where(
                casebook.received.c.number == hold.number,
                casebook.received.c.sha256 == bytes.fromhex(hold.sha256),
            )
            .values(reported_in=number)
        )
