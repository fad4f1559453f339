"""
Entries: events of the journal, written here or come from colleagues.

    officer acts --> event --sign--> casebook --> parcel --> other desks
    parcel --> signature of the event's own officer? --> casebook
                                      not yet known  --> waiting

An event is written behind all that this desk knows of the case, and signed at once.
One that comes from elsewhere is believed when the officer of its desk has signed it;
until that officer is known, it waits, and is tried again at each import.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as insert_or

from casework.case_state import Entry
from casework.folding import fold, in_order
from casework.journal import (
    FIRST,
    Action,
    Event,
    MalformedEvent,
    Restored,
    Returned,
    digest_of,
)
from casework.parcel import SignedEvent
from casework.strict import LARGEST_INTEGER
from crypto.openpgp import SignatureRefused
from journalist_app.workstation import casebook
from journalist_app.workstation.colleagues import check_signature
from journalist_app.workstation.continuity import (
    current_life,
    note_known,
    note_losses,
    stop_waiting,
)
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import ActionRefused, UnknownColleague
from journalist_app.workstation.projecting import journal_of, project


@dataclass(frozen=True)
class Taken:
    """
    What became of the events of a parcel.

    Attributes:
        cases: Those that there is something new about.
    """

    new: int
    known: int
    waiting: int
    refused: int
    cases: frozenset[bytes]

    @property
    def note(self) -> str:
        """Say it in a few words."""
        parts = [f"{self.new} new events"]
        if self.known:
            parts.append(f"{self.known} known already")
        if self.waiting:
            parts.append(f"{self.waiting} of officers not known yet")
        if self.refused:
            parts.append(f"{self.refused} refused")
        return ", ".join(parts)


def append(
    desk: Desk, connection: Connection, case_id: bytes, action: Action, *, today: date
) -> Entry:
    """
    Write an event behind all that this desk knows of a case, sign and apply it.

    Raises:
        RestoredDesk: If the desk does not know yet what it did before it was restored.

        ActionRefused: If it would not change the case but stand there as a conflict.

        CannotSign: If the officer's key has expired, for instance.
    """
    life = current_life(connection)
    journal = journal_of(connection, case_id)
    own = [
        entry
        for entry in in_order(journal.entries)
        if entry.event.desk_id == desk.record.desk_id
    ]
    newest = max(
        (entry for entry in own if entry.event.life == life),
        key=lambda entry: entry.event.number,
        default=None,
    )
    event = Event(
        desk_id=desk.record.desk_id,
        number=newest.event.number + 1 if newest else 1,
        life=life,
        previous=newest.digest if newest else FIRST,
        # A colleague may have counted to the end, and must stop nobody by that.
        clock=min(journal.state.through_clock + 1, LARGEST_INTEGER),
        # The clock of a computer may go back; the journal does not.
        day=max([today, *(entry.event.day for entry in own)]),
        case_id=case_id.hex(),
        action=action,
    )
    content = event.to_json()
    entry = Entry(digest_of(content), event)
    after = fold([*journal.entries, entry])
    for conflict in after.conflicts:
        if conflict.entry.digest == entry.digest:
            raise ActionRefused(conflict.reason)
    signature = desk.keys.sign_detached(content, signer=desk.fingerprint, day=event.day)
    _store(connection, entry, content, signature)
    note_known(connection, bytes.fromhex(entry.digest), [desk.record.desk_id])
    project(connection, [case_id], own=desk.record.desk_id)
    return entry


def take_events(
    desk: Desk,
    connection: Connection,
    events: Sequence[SignedEvent],
    *,
    known_to: Iterable[str],
) -> Taken:
    """
    Take in the events of a parcel.

    Args:
        desk: Which takes them in.

        connection: Everything happens in its transaction.

        events: As they were in the parcel.

        known_to: The desks that the parcel was sealed to.
    """
    new = known = waiting = refused = 0
    cases: set[bytes] = set()
    for signed in events:
        digest = digest_of(signed.untrusted_content)
        if _is_stored(connection, digest):
            known += 1
            note_known(connection, bytes.fromhex(digest), known_to)
            continue
        try:
            event = Event.parse(signed.untrusted_content)
        except MalformedEvent:
            refused += 1
            continue
        try:
            check_signature(
                desk, connection, event, signed.untrusted_content, signed.signature
            )
        except (UnknownColleague, SignatureRefused) as error:
            waiting += 1
            tried_with = _certificate_of(connection, event.desk_id)
            _let_wait(connection, digest, signed, str(error), tried_with)
        else:
            new += 1
            entry = Entry(digest, event)
            _store(connection, entry, signed.untrusted_content, signed.signature)
            note_known(connection, bytes.fromhex(digest), {*known_to, event.desk_id})
            if isinstance(event.action, Restored):
                note_losses(connection, event.desk_id, through=event.action.through)
            if isinstance(event.action, Returned):
                _note_returned(connection, desk, event.desk_id, event.action)
            cases.add(bytes.fromhex(event.case_id))
    return Taken(new, known, waiting, refused, frozenset(cases))


def retry_waiting(desk: Desk, connection: Connection) -> frozenset[bytes]:
    """
    Verify the events that wait, where the officer's key is another one than before.

    Returns:
        The cases that have news.
    """
    table = casebook.waiting
    rows = connection.execute(select(table)).all()
    cases: set[bytes] = set()
    for row in rows:
        desk_id = Event.parse(row.content).desk_id
        if _certificate_of(connection, desk_id) == row.tried_with:
            continue
        connection.execute(delete(table).where(table.c.digest == row.digest))
        taken = take_events(
            desk,
            connection,
            [SignedEvent(row.content, row.signature)],
            known_to=[desk.record.desk_id],
        )
        cases |= taken.cases
    return frozenset(cases)


def _note_returned(
    connection: Connection, desk: Desk, desk_id: str, action: Returned
) -> None:
    table = casebook.entry
    asked = connection.execute(
        select(table.c.desk_id, table.c.content).where(
            table.c.digest == bytes.fromhex(action.restored)
        )
    ).first()
    if asked is None or asked.desk_id != desk.record.desk_id:
        return
    # An answer to an earlier question does not answer the newest.
    life = connection.scalar(select(casebook.continuity.c.life))
    if Event.parse(asked.content).life == life:
        stop_waiting(connection, desk_id)


def _is_stored(connection: Connection, digest: str) -> bool:
    table = casebook.entry
    found = connection.scalar(
        select(table.c.digest).where(table.c.digest == bytes.fromhex(digest))
    )
    return found is not None


def _store(
    connection: Connection, entry: Entry, content: bytes, signature: bytes
) -> None:
    connection.execute(
        insert(casebook.entry),
        {
            "digest": bytes.fromhex(entry.digest),
            "case_id": bytes.fromhex(entry.event.case_id),
            "desk_id": entry.event.desk_id,
            "content": content,
            "signature": signature,
        },
    )


def _certificate_of(connection: Connection, desk_id: str) -> bytes | None:
    table = casebook.officer
    row = connection.execute(
        select(table.c.certificate, table.c.unfit_because).where(
            table.c.desk_id == desk_id
        )
    ).first()
    if row is None:
        return None
    # It may be the same one and have become good: the organisation is trusted now.
    unfit = (row.unfit_because or "").encode()
    return hashlib.sha256(row.certificate + b"\0" + unfit).digest()


def _let_wait(
    connection: Connection,
    digest: str,
    signed: SignedEvent,
    reason: str,
    tried_with: bytes | None,
) -> None:
    connection.execute(
        insert_or(casebook.waiting)
        .values(
            digest=bytes.fromhex(digest),
            content=signed.untrusted_content,
            signature=signed.signature,
            reason=reason,
            tried_with=tried_with,
        )
        .on_conflict_do_nothing()
    )
