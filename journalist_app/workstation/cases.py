"""
Cases: one of them, as an officer sees it: what came in, what went out, and its files.

Many of them at once are `queueing`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from casework import strict
from casework.case_state import CaseState, Sent
from casework.errors import CaseworkError
from casework.exposure_check import NOT_CHECKED
from casework.item import READ_MARKS_BYTES, ItemKind, ReadMarks
from casework.report import Report
from journalist_app.workstation import casebook
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import UnknownCase
from journalist_app.workstation.projecting import (
    ASKS_NOTHING,
    Clocks,
    Journal,
    clocks_of,
    journal_of,
    project,
)
from journalist_app.workstation.queueing import CaseSummary, labels_of, summary_of


@dataclass(frozen=True)
class AttachmentShown:
    """A file that a reporter sent."""

    position: int
    name: str = field(repr=False)
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True)
class ItemShown:
    """One item of a case."""

    digest: bytes
    kind: ItemKind
    day: date
    report: Report | None = field(repr=False)
    message: str | None = field(repr=False)
    attachments: tuple[AttachmentShown, ...]
    other_keys: bool
    new: bool

    @property
    def confidential(self) -> bool:
        """Whether it says who the reporter is."""
        return self.kind is ItemKind.CONTACT


@dataclass(frozen=True)
class ReplyShown:
    """
    One reply to the reporter, of whichever desk.

    Attributes:
        withdrawn: It was never sent, because another copy of this desk may have used
            its slots.

        earlier: It is of this desk, from before it was restored.
    """

    sent: Sent
    exported_in: int | None
    own: bool
    read: bool
    withdrawn: bool = False
    earlier: bool = False


@dataclass(frozen=True)
class CaseFile:
    """
    A case whole: what came in and what went out in order, and what was done.

    Attributes:
        clocks: What is due when.
    """

    summary: CaseSummary
    clocks: Clocks
    journal: Journal = field(repr=False)
    thread: tuple[ItemShown | ReplyShown, ...] = field(repr=False)
    language: str

    @property
    def state(self) -> CaseState:
        """What the journal says."""
        return self.journal.state

    @property
    def to_check(self) -> frozenset[bytes]:
        """The items that the exposure check is about, by digest."""
        return frozenset(
            entry.digest
            for entry in self.thread
            if isinstance(entry, ItemShown) and entry.kind not in NOT_CHECKED
        )

    @property
    def report(self) -> ItemShown | None:
        """The report that opened the case, if it is here."""
        for entry in self.thread:
            if isinstance(entry, ItemShown) and entry.report:
                return entry
        return None


def show_case(
    desk: Desk, name: str, *, today: date, mark_shown: bool = True
) -> CaseFile:
    """
    Return a case and note that all of it was shown.

    Raises:
        UnknownCase: If there is none of this name.
    """
    with desk.casebook.transaction() as connection:
        row = find_case(connection, name)
        labels = labels_of(connection, [row.case_id])
        summary = summary_of(row, today, labels.get(row.case_id, ()))
        journal = journal_of(connection, row.case_id)
        thread = _thread(desk, connection, row, journal.state)
        if mark_shown and summary.new:
            connection.execute(
                update(casebook.content)
                .where(casebook.content.c.case_id == row.case_id)
                .values(shown=True)
            )
            project(connection, [row.case_id], own=desk.record.desk_id)
        return CaseFile(
            summary, clocks_of(row, journal.state), journal, thread, row.language
        )


def find_case(connection: Connection, name: str) -> Row[Any]:
    """
    Return the row of a case by its name.

    Raises:
        UnknownCase: If there is none, or two share the name.
    """
    rows = connection.execute(
        select(casebook.case).where(casebook.case.c.name == name.strip().lower())
    ).all()
    if len(rows) > 1:
        raise UnknownCase("two cases share this name; neither was chosen")
    if not rows:
        raise UnknownCase(UnknownCase.__doc__)
    return rows[0]


def _thread(
    desk: Desk, connection: Connection, row: Row[Any], state: CaseState
) -> tuple[ItemShown | ReplyShown, ...]:
    table = casebook.content
    items = connection.execute(
        select(table)
        .where(table.c.case_id == row.case_id)
        .order_by(table.c.sequence, table.c.digest)
    ).all()
    files = _files_of(connection, row.case_id)
    read_to: dict[str, int] = {}
    for item in items:
        for desk_id, number in read_marks(item.read_marks).items():
            read_to[desk_id] = max(number, read_to.get(desk_id, 0))
    # A reply stands behind the items that were answered by it.
    behind: dict[int, list[ReplyShown]] = {}
    for sent in state.replies:
        own = sent.desk_id == desk.record.desk_id
        slots = _slots_left(connection, sent)
        shown = ReplyShown(
            sent=sent,
            exported_in=_exported_in(connection, sent),
            own=own,
            withdrawn=own and slots == 0,
            earlier=own and slots is None,
            read=sent.action.first_slot < read_to.get(sent.desk_id, 0),
        )
        behind.setdefault(sent.action.answered, []).append(shown)
    thread: list[ItemShown | ReplyShown] = list(behind.pop(0, ()))
    asking = 0
    for item in items:
        thread.append(_item(item, files.get(item.digest, ())))
        if ItemKind(item.kind) not in ASKS_NOTHING:
            asking += 1
            thread += behind.pop(asking, ())
    for _answered, replies in sorted(behind.items()):
        thread += replies
    return tuple(thread)


def _exported_in(connection: Connection, sent: Sent) -> int | None:
    return connection.scalar(
        select(casebook.slot.c.outbox_number)
        .join(casebook.reply, casebook.reply.c.reply_id == casebook.slot.c.reply_id)
        .where(casebook.reply.c.entry == bytes.fromhex(sent.digest))
        .limit(1)
    )


def _slots_left(connection: Connection, sent: Sent) -> int | None:
    """Return how many slots of a reply are here; None if it was not sealed here."""
    reply, slot = casebook.reply, casebook.slot
    reply_id = connection.scalar(
        select(reply.c.reply_id).where(reply.c.entry == bytes.fromhex(sent.digest))
    )
    if reply_id is None:
        return None
    return connection.scalar(select(func.count()).where(slot.c.reply_id == reply_id))


def _item(item: Row[Any], attachments: tuple[AttachmentShown, ...]) -> ItemShown:
    return ItemShown(
        digest=item.digest,
        kind=ItemKind(item.kind),
        day=date.fromordinal(item.sent_day),
        report=Report.parse(item.report) if item.report else None,
        message=item.message,
        attachments=attachments,
        other_keys=item.other_keys,
        new=not item.shown,
    )


def attachments_of(
    connection: Connection, digest: bytes
) -> tuple[AttachmentShown, ...]:
    """Return the files of an item, in their order."""
    table = casebook.attachment
    rows = connection.execute(
        select(table.c.position, table.c.name, table.c.size_bytes, table.c.sha256)
        .where(table.c.digest == digest)
        .order_by(table.c.position)
    )
    return tuple(AttachmentShown(*row) for row in rows)


def _files_of(
    connection: Connection, case_id: bytes
) -> dict[bytes, tuple[AttachmentShown, ...]]:
    """Return the files of a case by the digest of their item, in one question."""
    table = casebook.attachment
    rows = connection.execute(
        select(table)
        .join(casebook.content, casebook.content.c.digest == table.c.digest)
        .where(casebook.content.c.case_id == case_id)
        .order_by(table.c.digest, table.c.position)
    )
    found: dict[bytes, list[AttachmentShown]] = {}
    for row in rows:
        shown = AttachmentShown(row.position, row.name, row.size_bytes, row.sha256)
        found.setdefault(row.digest, []).append(shown)
    return {digest: tuple(shown) for digest, shown in found.items()}


def read_marks(content: bytes | None) -> Mapping[str, int]:
    """Return by desk up to which of its slots a reporter has read."""
    if content is None:
        return {}
    return strict.parse(
        ReadMarks, content, limit_bytes=READ_MARKS_BYTES, malformed=_unreadable
    ).read


def _unreadable(reason: str) -> CaseworkError:
    return CaseworkError(f"the casebook holds something malformed: {reason}")
