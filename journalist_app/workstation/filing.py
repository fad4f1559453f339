"""
Filing: from what was opened to rows under their cases, many in a few statements.

    items   --> cases, contents, files, words ---+
    parcels --> journal                          +--> cases projected anew
                                                     (all in ONE transaction)

A statement costs as much for one row as for twenty, and there are a dozen for an item:
so everything that was opened by the same moment is filed together.  What an officer is
told about an item does not depend on what was filed together with it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from casework import strict
from casework.item import ItemHeader, ItemKind
from casework.parcel import Parcel
from casework.reply import CaseStatus
from journalist_app.workstation import casebook
from journalist_app.workstation.colleagues import desks_by_key, receiving_desks
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.entries import take_events
from journalist_app.workstation.items import OpenedItem
from journalist_app.workstation.names import free_name
from journalist_app.workstation.projecting import (
    index,
    names_like,
    project,
    words_of_content,
)


@dataclass(frozen=True)
class Arrival:
    """
    Something that came in a bundle and was opened.

    Attributes:
        received: Of the row of `received`: number, day and digest as announced.

        opened: An item or a parcel.

        key_ids: To whom it was sealed.
    """

    received: Mapping[str, object] = field(repr=False)
    opened: OpenedItem | Parcel
    key_ids: tuple[str, ...]


def file_arrivals(
    desk: Desk, connection: Connection, arrivals: Sequence[Arrival]
) -> list[str]:
    """
    File what was opened; return for each what the officer should know.

    Args:
        desk: Where.

        connection: Everything happens in its transaction.

        arrivals: In the order in which they came.
    """
    desks = desks_by_key(connection, (key for one in arrivals for key in one.key_ids))
    items = [one.opened for one in arrivals if isinstance(one.opened, OpenedItem)]
    receiving = {*receiving_desks(connection), desk.record.desk_id}
    filing = _Filing(desk, connection, items)
    projected: set[bytes] = set()
    notes: list[str] = []
    for arrival in arrivals:
        known_to = {desks[key] for key in arrival.key_ids if key in desks}
        known_to.add(desk.record.desk_id)
        if isinstance(arrival.opened, OpenedItem):
            # Anybody on the way can add a key to an item.  Whoever gets no reports
            # and was let in is known from the journal, which is signed.
            notes.append(filing.add(arrival.opened, known_to & receiving))
        else:
            events = arrival.opened.events
            taken = take_events(desk, connection, events, known_to=known_to)
            projected |= taken.cases
            notes.append(taken.note)
    _receive(connection, arrivals)
    projected |= filing.finish()
    project(connection, projected, own=desk.record.desk_id)
    return notes


def _receive(connection: Connection, arrivals: Sequence[Arrival]) -> None:
    """Write down what became of the numbers of the stream."""
    rows = [
        {
            **arrival.received,
            "reason": None,
            "what": "content" if isinstance(arrival.opened, OpenedItem) else "parcel",
            "digest": arrival.opened.stored.digest
            if isinstance(arrival.opened, OpenedItem)
            else None,
        }
        for arrival in arrivals
    ]
    if rows:
        # An item that could not be opened before has its row already.
        statement = insert_or(casebook.received)
        statement = statement.on_conflict_do_update(
            index_elements=["number", "sha256"],
            set_={column: statement.excluded[column] for column in rows[0]},
        )
        connection.execute(statement, rows)


class _Filing:
    """Items that are filed together: first all are looked at, then all are written."""

    def __init__(
        self, desk: Desk, connection: Connection, items: Sequence[OpenedItem]
    ) -> None:
        self._desk = desk
        self._connection = connection
        self._cases = _Cases(desk, connection, [one.header for one in items])
        table = casebook.content
        self._held = set(
            connection.scalars(
                select(table.c.digest).where(
                    table.c.digest.in_([one.stored.digest for one in items])
                )
            )
        )
        self._new: list[tuple[OpenedItem, str]] = []
        self._known: list[dict[str, object]] = []

    def add(self, opened: OpenedItem, known_to: Iterable[str]) -> str:
        """Take an item, known to some desks; return what there is to say about it."""
        digest = opened.stored.digest
        self._known += [
            {"digest": digest, "desk_id": desk_id} for desk_id in sorted(known_to)
        ]
        if digest in self._held:
            # It was sealed to us anew, or came twice.
            self._desk.store.remove(opened.stored.name)
            return "known already"
        self._held.add(digest)
        note = self._cases.belong(opened.header)
        self._new.append((opened, note))
        return note

    def finish(self) -> frozenset[bytes]:
        """Write all of it; return the cases that there is something new about."""
        self._cases.write()
        items = [opened for opened, _note in self._new]
        _insert(
            self._connection,
            casebook.content,
            [_content_row(opened, other_keys=bool(note)) for opened, note in self._new],
        )
        _insert(
            self._connection,
            casebook.attachment,
            [row for opened in items for row in _attachment_rows(opened)],
        )
        if self._known:
            statement = insert_or(casebook.knows)
            # A desk that had lost it has it again.
            statement = statement.on_conflict_do_update(
                index_elements=["digest", "desk_id"], set_={"lost": False}
            )
            self._connection.execute(statement, self._known)
        index(
            self._connection,
            [
                words_of_content(
                    bytes.fromhex(opened.header.case_id),
                    opened.stored.digest,
                    report=opened.report,
                    # Contact details are shown to whoever says why, and not found.
                    message=None
                    if opened.header.kind is ItemKind.CONTACT
                    else opened.message,
                    names=[attachment.name for attachment in opened.attachments],
                )
                for opened in items
            ],
        )
        return frozenset(bytes.fromhex(opened.header.case_id) for opened in items)


class _Cases:
    """The cases of some items: those that are there, and those that they open."""

    def __init__(
        self, desk: Desk, connection: Connection, headers: Iterable[ItemHeader]
    ) -> None:
        self._desk = desk
        self._connection = connection
        columns = casebook.case.c
        rows = connection.execute(
            select(
                columns.case_id,
                columns.name,
                columns.mailbox_key,
                columns.reply_public_key,
                columns.received_day,
            ).where(
                columns.case_id.in_({bytes.fromhex(one.case_id) for one in headers})
            )
        )
        self._cases: dict[bytes, dict[str, Any]] = {
            row.case_id: row._asdict() for row in rows
        }
        self._opened: list[dict[str, Any]] = []
        self._keyed: list[dict[str, Any]] = []
        self._moved: list[dict[str, Any]] = []

    def belong(self, header: ItemHeader) -> str:
        """Find or open the case of an item; return what is odd about the item."""
        case_id = bytes.fromhex(header.case_id)
        keys = bytes.fromhex(header.mailbox_key), bytes.fromhex(header.reply_public_key)
        known = self._cases.get(case_id)
        if known is None:
            self._cases[case_id] = self._open(case_id, keys, header)
            return ""
        if known["mailbox_key"] is None:
            # Only a brief was here: the keys come with the first item, as ever.
            self._give_keys(known, keys, header)
        elif (known["mailbox_key"], known["reply_public_key"]) != keys:
            return (
                f"it names other reply keys than case {known['name']} has, which are "
                "not used: it may be forged"
            )
        if header.day.toordinal() < known["received_day"]:
            # An item that followed the report was opened before it.
            known.update(self._received(header.day))
            self._moved.append({"changed": case_id, **self._received(header.day)})
        return ""

    def write(self) -> None:
        """Write the cases that were opened, and what has changed of others."""
        table = casebook.case
        _insert(self._connection, table, self._opened)
        for changes in (self._keyed, self._moved):
            if changes:
                changed = update(table).where(table.c.case_id == bindparam("changed"))
                self._connection.execute(changed, changes)

    def _open(
        self, case_id: bytes, keys: tuple[bytes, bytes], header: ItemHeader
    ) -> dict[str, Any]:
        mailbox_key, reply_public_key = keys
        opened: dict[str, Any] = {
            "case_id": case_id,
            "name": self._name(case_id),
            "mailbox_key": mailbox_key,
            "reply_public_key": reply_public_key,
            "language": header.language,
            "status": CaseStatus.RECEIVED.value,
            "last_day": header.day.toordinal(),
            **self._received(header.day),
        }
        self._opened.append(opened)
        return opened

    def _name(self, case_id: bytes) -> str:
        taken = {one["name"] for one in self._opened}
        return free_name(case_id, taken | names_like(self._connection, case_id))

    def _give_keys(
        self, known: dict[str, Any], keys: tuple[bytes, bytes], header: ItemHeader
    ) -> None:
        mailbox_key, reply_public_key = keys
        changes = {
            "mailbox_key": mailbox_key,
            "reply_public_key": reply_public_key,
            "language": header.language,
            **self._received(date.fromordinal(known["received_day"])),
        }
        known.update(changes)
        self._keyed.append({"changed": known["case_id"], **changes})

    def _received(self, day: date) -> dict[str, Any]:
        due = self._desk.due_day(day)
        return {
            "received_day": day.toordinal(),
            "verification_due_day": due.toordinal() if due else None,
        }


def _content_row(opened: OpenedItem, *, other_keys: bool) -> dict[str, object]:
    header, stored = opened.header, opened.stored
    marks = opened.read_marks
    return {
        "digest": stored.digest,
        "case_id": bytes.fromhex(header.case_id),
        "kind": header.kind.value,
        "sequence": header.sequence,
        "sent_day": header.day.toordinal(),
        "report": opened.report.to_json() if opened.report else None,
        "message": opened.message,
        "read_marks": strict.render(marks) if marks else None,
        "other_keys": other_keys,
        "stored_as": stored.name,
        "stored_key": stored.key,
        "size_bytes": stored.size_bytes,
    }


def _attachment_rows(opened: OpenedItem) -> list[dict[str, object]]:
    return [
        {
            "digest": opened.stored.digest,
            "position": position,
            "name": attachment.name,
            "size_bytes": attachment.size_bytes,
            "sha256": bytes.fromhex(attachment.sha256),
        }
        for position, attachment in enumerate(opened.attachments, start=1)
    ]


def _insert(connection: Connection, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)
