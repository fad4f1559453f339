"""
Cases: what an officer sees of them, in a queue and one by one.

A case is *unanswered* when its reporter sent something that asks for an answer
after the last reply, *new* as long as something in it was not shown yet, *overdue*
when a promised day has passed, and *waiting* when the reporter was asked for more.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    exists,
    func,
    select,
    update,
)

from casework import strict
from casework.errors import CaseworkError
from casework.exposure_check import NOT_CHECKED
from casework.folding import CaseState, Sent
from casework.item import READ_MARKS_BYTES, ItemKind, ReadMarks
from casework.reply import CaseStatus
from casework.report import Report
from journalist_app.durable import refuse_existing, sync_directory
from journalist_app.workstation import casebook
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import SavedFileDiffers, UnknownCase
from journalist_app.workstation.items import Sink, read_stored
from journalist_app.workstation.projecting import (
    ASKS_NOTHING,
    Clocks,
    Journal,
    clocks_of,
    journal_of,
    project,
)
from journalist_app.workstation.storing import Stored

PAGE_CASES = 50


class View(StrEnum):
    """Which cases of the queue are shown."""

    OPEN = "open"
    NEW = "new"
    TODAY = "today"
    OVERDUE = "overdue"
    UNANSWERED = "unanswered"
    WAITING = "waiting"
    HELD = "held"
    MINE = "mine"
    CLOSED = "closed"
    ALL = "all"


@dataclass(frozen=True)
class CaseSummary:
    """
    One line of the queue.

    Attributes:
        title: None as long as the report itself is not on this desk.

        due: The next day by which something is due; None if nothing is.

        new: How many items were not shown yet.

        missing: How many items of the case must be missing, at least.

        conflicts: How many events did not fit or are missing.

        proposed: Whether a closing waits for a second officer.

        brief: Whether only a brief of the case is here.

        held: How many items wait for the next decision about exposure before they
            reach a colleague.
    """

    case_id: bytes
    name: str
    title: str | None = field(repr=False)
    received: date
    due: date | None
    status: CaseStatus
    registration_number: str | None = field(repr=False)
    assigned: str | None
    new: int
    overdue: bool
    unanswered: bool
    waiting: bool
    withdrawn: bool
    missing: int
    conflicts: int
    proposed: bool
    excluded: bool
    brief: bool
    settled: bool
    labels: tuple[str, ...] = field(default=(), repr=False)
    held: int = 0

    @property
    def closed(self) -> bool:
        """Whether nobody works on it any more."""
        return self.settled and not self.unanswered


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


@dataclass(frozen=True)
class Queue:
    """One page of the queue, and how many cases each view has."""

    cases: tuple[CaseSummary, ...]
    counts: Mapping[View, int]
    view: View
    page: int
    pages: int
    labels: Mapping[str, int] = field(repr=False)


def show_queue(
    desk: Desk,
    *,
    today: date,
    view: View = View.OPEN,
    page: int = 1,
    label: str | None = None,
    page_cases: int = PAGE_CASES,
) -> Queue:
    """
    Return one page of the queue: cases that are due first come first.

    Args:
        desk: Of which.

        today: The day it is.

        view: Which cases.

        page: From 1; a page beyond the last one is the last one.

        label: Only cases that are marked with it.

        page_cases: How many there are on a page.
    """
    table = casebook.case
    with desk.casebook.transaction() as connection:
        counts = _counts(connection, desk, today)
        wanted = _wanted(view, desk, today)
        if label is not None:
            marked = select(casebook.label.c.case_id).where(
                casebook.label.c.label == label
            )
            wanted = and_(wanted, table.c.case_id.in_(marked))
            total = connection.scalar(
                select(func.count()).select_from(table).where(wanted)
            )
        else:
            total = counts[view]
        pages = max(1, -(-(total or 0) // page_cases))
        page = min(max(1, page), pages)
        rows = connection.execute(
            select(table)
            .where(wanted)
            .order_by(
                table.c.closed,
                table.c.due_day.is_(None),
                table.c.due_day,
                table.c.received_day,
                table.c.name,
            )
            .limit(page_cases)
            .offset((page - 1) * page_cases)
        ).all()
        labels = _labels(connection, [row.case_id for row in rows])
        held = _held(connection)
        return Queue(
            cases=tuple(
                replace(
                    _summary(row, today, labels.get(row.case_id, ())),
                    held=held.get(row.case_id, 0),
                )
                for row in rows
            ),
            counts=counts,
            view=view,
            page=page,
            pages=pages,
            labels=_label_counts(connection),
        )


def list_cases(desk: Desk, *, today: date) -> tuple[CaseSummary, ...]:
    """Return all cases: those that are due first come first."""
    queue = show_queue(desk, today=today, view=View.ALL, page_cases=1_000_000)
    return queue.cases


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
        labels = _labels(connection, [row.case_id])
        summary = _summary(row, today, labels.get(row.case_id, ()))
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


def summaries_of(
    connection: Connection, case_ids: Sequence[bytes], *, today: date
) -> tuple[CaseSummary, ...]:
    """Return the cases with these ids, in this order; those not here are left out."""
    rows = connection.execute(
        select(casebook.case).where(casebook.case.c.case_id.in_(case_ids))
    )
    labels = _labels(connection, case_ids)
    found = {
        row.case_id: _summary(row, today, labels.get(row.case_id, ())) for row in rows
    }
    return tuple(found[case_id] for case_id in case_ids if case_id in found)


def stored_content(connection: Connection, case_id: bytes, digest: bytes) -> Stored:
    """
    Return where an item of a case is stored.

    Raises:
        UnknownCase: If the case has no such item.
    """
    columns = casebook.content.c
    row = connection.execute(
        select(columns.stored_as, columns.stored_key, columns.size_bytes).where(
            columns.digest == digest, columns.case_id == case_id
        )
    ).first()
    if row is None:
        raise UnknownCase("the case has no such item")
    return Stored(row.stored_as, row.stored_key, digest, row.size_bytes)


def read_attachment(desk: Desk, name: str, digest: bytes, position: int) -> bytes:
    """
    Return the bytes of one attachment, which are known to be whole.

    Raises:
        UnknownCase: If there is no such case, item or attachment.

        SavedFileDiffers: If it is not the one that was recorded.
    """
    with desk.casebook.transaction() as connection:
        row = find_case(connection, name)
        stored = stored_content(connection, row.case_id, digest)
        recorded = _attachments(connection, digest)
    if not 1 <= position <= len(recorded):
        raise UnknownCase("the item has no such attachment")
    pieces: list[bytes] = []
    read_stored(
        desk.store,
        stored,
        receive=lambda number, _name: pieces.append if number == position else len,
    )
    content = b"".join(pieces)
    if hashlib.sha256(content).digest() != recorded[position - 1].sha256:
        raise SavedFileDiffers(SavedFileDiffers.__doc__)
    return content


def save_attachments(desk: Desk, name: str, directory: Path) -> tuple[Path, ...]:
    """
    Take the attachments of a case out of the store.

    The files get the numbers of item and attachment in front of their names,
    mode 0600, and replace nothing.  All of one item are saved, or none.

    Raises:
        UnknownCase: If there is no case of this name.

        FileExistsError: If one of the files is there already.

        SavedFileDiffers: If a file is not the one that was recorded.

        StoredItemDamaged: If the store's file is damaged.
    """
    columns = casebook.content.c
    with desk.casebook.transaction() as connection:
        row = find_case(connection, name)
        digests = connection.scalars(
            select(columns.digest)
            .where(columns.case_id == row.case_id)
            .order_by(columns.sequence, columns.digest)
        ).all()
        recorded = {digest: _attachments(connection, digest) for digest in digests}
        stored = {
            digest: stored_content(connection, row.case_id, digest)
            for digest in digests
        }
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    saved: list[Path] = []
    for number, digest in enumerate(digests, start=1):
        if recorded[digest]:
            saver = _Saver(directory, number)
            with saver:
                read_stored(desk.store, stored[digest], receive=saver.receive)
                saver.keep(recorded[digest])
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
        path = self._directory / f"{self._number:03}-{position:03}-{name}"
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


def _wanted(view: View, desk: Desk, today: date) -> ColumnElement[bool]:
    columns = casebook.case.c
    still_open = columns.closed.is_(False) | columns.unanswered
    now = today.toordinal()
    wanted: dict[View, ColumnElement[bool]] = {
        View.OPEN: still_open,
        View.NEW: columns.new_items > 0,
        View.TODAY: and_(still_open, columns.due_day == now),
        View.OVERDUE: and_(still_open, columns.due_day < now),
        View.UNANSWERED: columns.unanswered.is_(True),
        View.WAITING: and_(still_open, columns.waiting),
        View.HELD: columns.case_id.in_(
            select(casebook.held.c.case_id).where(_is_held())
        ),
        View.MINE: and_(still_open, columns.assigned == desk.record.desk_id),
        View.CLOSED: ~still_open,
        View.ALL: columns.case_id.is_not(None),
    }
    return wanted[view]


def _counts(connection: Connection, desk: Desk, today: date) -> dict[View, int]:
    row = connection.execute(
        select(
            *(
                func.count().filter(_wanted(view, desk, today)).label(view.name)
                for view in View
            )
        ).select_from(casebook.case)
    ).one()
    return {view: int(getattr(row, view.name)) for view in View}


def _labels(
    connection: Connection, case_ids: Sequence[bytes]
) -> dict[bytes, tuple[str, ...]]:
    table = casebook.label
    found: dict[bytes, tuple[str, ...]] = {}
    for row in connection.execute(
        select(table).where(table.c.case_id.in_(case_ids)).order_by(table.c.label)
    ):
        found[row.case_id] = (*found.get(row.case_id, ()), row.label)
    return found


def _is_held() -> ColumnElement[bool]:
    """Tell of a row of `held` whether its desk still lacks the item."""
    held, knows = casebook.held.c, casebook.knows.c
    return ~exists().where(
        knows.digest == held.digest,
        knows.desk_id == held.desk_id,
        knows.lost.is_(False),
    )


def _held(connection: Connection) -> dict[bytes, int]:
    """Count by case what waits for the next decision about exposure."""
    columns = casebook.held.c
    rows = connection.execute(
        select(columns.case_id, func.count(columns.digest.distinct()).label("items"))
        .where(_is_held())
        .group_by(columns.case_id)
    )
    return {row.case_id: row.items for row in rows}


def _label_counts(connection: Connection) -> dict[str, int]:
    table = casebook.label
    rows = connection.execute(
        select(table.c.label, func.count().label("cases"))
        .group_by(table.c.label)
        .order_by(table.c.label)
    )
    return {row.label: row.cases for row in rows}


def _summary(row: Row[Any], today: date, labels: tuple[str, ...]) -> CaseSummary:
    due = _day(row.due_day)
    return CaseSummary(
        case_id=row.case_id,
        name=row.name,
        title=row.title,
        received=date.fromordinal(row.received_day),
        due=due,
        status=CaseStatus(row.status),
        registration_number=row.registration_number,
        assigned=row.assigned,
        new=row.new_items,
        overdue=due is not None and today > due,
        unanswered=row.unanswered,
        waiting=row.waiting,
        withdrawn=row.withdrawn,
        missing=row.missing,
        conflicts=row.conflicts,
        proposed=row.proposed,
        excluded=row.excluded,
        brief=row.reply_public_key is None,
        settled=row.closed,
        labels=labels,
    )


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


def _attachments(connection: Connection, digest: bytes) -> tuple[AttachmentShown, ...]:
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


def _day(ordinal: int | None) -> date | None:
    return None if ordinal is None else date.fromordinal(ordinal)
