"""
Cases: what an officer sees of them, in a list and one by one.

A case is *unanswered* when its reporter sent something that asks for an answer
after this desk's last reply was written, *new* as long as something in it was
not shown yet, and *overdue* when the promised day has passed.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, Row, select, update

from casework import strict
from casework.errors import CaseworkError
from casework.item import READ_MARKS_BYTES, ItemKind, ReadMarks, missing_before
from casework.reply import LETTER_BYTES, CaseStatus, Letter
from casework.report import Report
from journalist_app.durable import refuse_existing, sync_directory
from journalist_app.workstation import casebook
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import (
    SavedFileDiffers,
    UnknownCase,
)
from journalist_app.workstation.items import Sink, open_item

# Cases that are not worked on any more; a list shows them only when asked.
CLOSED = frozenset({CaseStatus.CONCLUDED, CaseStatus.NOT_COMPETENT})
# What a reporter sends without waiting for an answer.
_ASKS_NOTHING = frozenset({ItemKind.READ_RECEIPT, ItemKind.WITHDRAWAL})


@dataclass(frozen=True)
class CaseSummary:
    """
    One line of the list of cases.

    Attributes:
        title: None as long as the report itself is not on this desk.

        due: The promised day; None if there is none, or beyond the calendar.

        new: How many items were not shown yet.

        missing: How many items of the case must be missing, at least.
    """

    name: str
    title: str | None = field(repr=False)
    received: date
    due: date | None
    status: CaseStatus
    registration_number: str | None = field(repr=False)
    new: int
    overdue: bool
    unanswered: bool
    withdrawn: bool
    missing: int

    @property
    def closed(self) -> bool:
        """Whether nobody works on it any more."""
        return self.status in CLOSED and not self.unanswered


@dataclass(frozen=True)
class AttachmentShown:
    """A file that lies in a sealed item."""

    name: str = field(repr=False)
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True)
class ItemShown:
    """One item of a case."""

    number: int
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
    """One reply of this desk."""

    letter: Letter = field(repr=False)
    files: tuple[tuple[str, int], ...] = field(repr=False)
    exported_in: int | None
    read: bool


@dataclass(frozen=True)
class CaseFile:
    """A case whole: what came in and what went out, in order."""

    summary: CaseSummary
    thread: tuple[ItemShown | ReplyShown, ...]


def list_cases(desk: Desk, *, today: date) -> tuple[CaseSummary, ...]:
    """Return all cases: those that are due first come first."""
    with desk.casebook.transaction() as connection:
        rows = connection.execute(select(casebook.case)).all()
        cases = [_summary(desk, connection, row, today) for row in rows]
    return tuple(
        sorted(cases, key=lambda case: (case.due or date.max, case.received, case.name))
    )


def show_case(desk: Desk, name: str, *, today: date) -> CaseFile:
    """
    Return a case and note that all of it was shown.

    Raises:
        UnknownCase: If there is none of this name.
    """
    with desk.casebook.transaction() as connection:
        row = find_case(connection, name)
        summary = _summary(desk, connection, row, today)
        thread = _thread(desk, connection, row)
        numbers = [entry.number for entry in thread if isinstance(entry, ItemShown)]
        connection.execute(
            update(casebook.case)
            .where(casebook.case.c.case_id == row.case_id)
            .values(seen_through=max(numbers, default=0))
        )
    return CaseFile(summary, thread)


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


def save_attachments(desk: Desk, name: str, directory: Path) -> tuple[Path, ...]:
    """
    Take the attachments of a case out of its sealed items.

    The files get the numbers of item and attachment in front of their names,
    mode 0600, and replace nothing.  All of one item are saved, or none.

    Raises:
        UnknownCase: If there is no case of this name.

        FileExistsError: If one of the files is there already.

        SavedFileDiffers: If a file is not the one that was recorded.

        CryptoError: If the sealed item cannot be opened any more.
    """
    with desk.casebook.transaction() as connection:
        row = find_case(connection, name)
        items = connection.execute(
            select(casebook.item.c.number, casebook.item.c.sha256)
            .where(casebook.item.c.case_id == row.case_id)
            .order_by(casebook.item.c.number)
        ).all()
        recorded = {
            number: _attachments(connection, number) for number, _sha256 in items
        }
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    saved: list[Path] = []
    for number, sha256 in items:
        if recorded[number]:
            saver = _Saver(directory, number)
            with saver:
                open_item(desk.keys, desk.sealed_item(sha256), receive=saver.receive)
                saver.keep(recorded[number])
            saved += saver.saved
    return tuple(saved)


class _Saver:
    """Write the files of one item; they get their names only at the very end."""

    def __init__(self, directory: Path, number: int) -> None:
        self._directory = directory
        self._number = number
        self._stack = ExitStack()
        self._partial: list[tuple[Path, Path, BinaryIO]] = []
        self._digests: list[Any] = []
        self.saved: tuple[Path, ...] = ()

    def __enter__(self) -> None:
        self._stack.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def receive(self, position: int, name: str) -> Sink:
        """Open the next file."""
        path = self._directory / f"{self._number:08}-{position:03}-{name}"
        refuse_existing(path)
        descriptor, partial = tempfile.mkstemp(prefix=".", dir=self._directory)
        self._stack.callback(Path(partial).unlink, missing_ok=True)
        file = self._stack.enter_context(os.fdopen(descriptor, "wb"))
        digest = hashlib.sha256()
        self._partial.append((path, Path(partial), file))
        self._digests.append(digest)

        def write(chunk: bytes) -> None:
            digest.update(chunk)
            file.write(chunk)

        return write

    def keep(self, recorded: tuple[AttachmentShown, ...]) -> None:
        """Give the files their names: the item is whole."""
        found = [digest.digest() for digest in self._digests]
        if found != [attachment.sha256 for attachment in recorded]:
            raise SavedFileDiffers(SavedFileDiffers.__doc__)
        for path, partial, file in self._partial:
            file.flush()
            os.fsync(file.fileno())
            refuse_existing(path)
            partial.rename(path)
        sync_directory(self._directory)
        self.saved = tuple(path for path, _partial, _file in self._partial)


def _summary(
    desk: Desk, connection: Connection, row: Row[Any], today: date
) -> CaseSummary:
    table = casebook.item
    items = connection.execute(
        select(table.c.number, table.c.kind, table.c.sequence)
        .where(table.c.case_id == row.case_id)
        .order_by(table.c.number)
    ).all()
    answered_through = max(
        connection.scalars(
            select(casebook.reply.c.after_number).where(
                casebook.reply.c.case_id == row.case_id
            )
        ),
        default=0,
    )
    status = CaseStatus(row.status)
    received = date.fromordinal(row.received_day)
    due = _day(row.due_day)
    if due is None and status is CaseStatus.RECEIVED:
        # The calendar may have been renewed since.
        due = desk.due_day(received)
    return CaseSummary(
        name=row.name,
        title=row.title,
        received=received,
        due=due,
        status=status,
        registration_number=row.registration_number,
        new=sum(item.number > row.seen_through for item in items),
        overdue=due is not None and today > due,
        unanswered=any(
            item.number > answered_through and ItemKind(item.kind) not in _ASKS_NOTHING
            for item in items
        ),
        withdrawn=any(item.kind == ItemKind.WITHDRAWAL for item in items),
        missing=missing_before(item.sequence for item in items),
    )


def _thread(
    desk: Desk, connection: Connection, row: Row[Any]
) -> tuple[ItemShown | ReplyShown, ...]:
    table = casebook.item
    items = connection.execute(
        select(table).where(table.c.case_id == row.case_id).order_by(table.c.number)
    ).all()
    read_through = max(
        (_read_marks(item.read_marks).get(desk.record.desk_id, 0) for item in items),
        default=0,
    )
    # A reply stands behind the newest item that was on the desk, whatever case
    # that item was of; the number in the middle keeps items before replies.
    entries: list[tuple[tuple[int, int, int], ItemShown | ReplyShown]] = []
    for item in items:
        shown = _item(connection, item, seen_through=row.seen_through)
        entries.append(((item.number, 0, 0), shown))
    for reply in connection.execute(
        select(casebook.reply).where(casebook.reply.c.case_id == row.case_id)
    ).all():
        shown_reply = ReplyShown(
            letter=_letter(reply.letter),
            files=tuple((name, size) for name, size in json.loads(reply.files)),
            exported_in=connection.scalar(
                select(casebook.slot.c.outbox_number).where(
                    casebook.slot.c.reply_id == reply.reply_id
                )
            ),
            read=reply.first_slot < read_through,
        )
        entries.append(((reply.after_number, 1, reply.reply_id), shown_reply))
    return tuple(entry for _place, entry in sorted(entries, key=lambda pair: pair[0]))


def _item(connection: Connection, item: Row[Any], *, seen_through: int) -> ItemShown:
    return ItemShown(
        number=item.number,
        kind=ItemKind(item.kind),
        day=date.fromordinal(item.sent_day),
        report=Report.parse(item.report) if item.report else None,
        message=item.message,
        attachments=_attachments(connection, item.number),
        other_keys=item.other_keys,
        new=item.number > seen_through,
    )


def _attachments(connection: Connection, number: int) -> tuple[AttachmentShown, ...]:
    table = casebook.attachment
    rows = connection.execute(
        select(table.c.name, table.c.size_bytes, table.c.sha256)
        .where(table.c.number == number)
        .order_by(table.c.position)
    )
    return tuple(AttachmentShown(*row) for row in rows)


def _letter(content: bytes) -> Letter:
    return strict.parse(
        Letter, content, limit_bytes=LETTER_BYTES, malformed=_unreadable
    )


def _read_marks(content: bytes | None) -> Mapping[str, int]:
    if content is None:
        return {}
    return strict.parse(
        ReadMarks, content, limit_bytes=READ_MARKS_BYTES, malformed=_unreadable
    ).read


def _unreadable(reason: str) -> CaseworkError:
    return CaseworkError(f"the casebook holds something malformed: {reason}")


def _day(ordinal: int | None) -> date | None:
    return None if ordinal is None else date.fromordinal(ordinal)
