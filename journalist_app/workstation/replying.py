"""
Replying: from an officer's words to sealed slots that wait for export.

    letter + files --> container --HPKE, slots--> casebook, "waiting for export"
                   `-> event "replied" --> journal, for all desks of the case

A reply that names a status takes the case there in the same transaction: what the
desk says about a case is what it told the reporter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Row, func, insert, select, update

from casework.journal import Registered, Replied, SentFile, StepTaken
from casework.reply import (
    CaseStatus,
    Letter,
    ReplyKind,
    ReplyTooLarge,
    ReplyWriter,
)
from casework.report import FIELD_CHARACTERS
from casework.text import clean_line, clean_text
from casework.workflow import STEPS
from crypto.replies import MalformedPublicKey, seal_reply
from journalist_app.workstation import casebook
from journalist_app.workstation.cases import find_case, read_marks
from journalist_app.workstation.continuity import current_life
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.entries import append
from journalist_app.workstation.errors import UnusableReply
from journalist_app.workstation.moving import is_left_behind
from journalist_app.workstation.projecting import ASKS_NOTHING, journal_of

_BEGUN = CaseStatus.VERIFICATION
# What a restored desk may have used without knowing, and a reporter still looks beyond:
# fewer than `crypto.slots.STRETCH_SLOTS`.
SKIPPED_SLOTS = 512
# The reason of a step whose letter has no words of its own.
TOLD = "told to the reporter"
_NEED_TEXT = frozenset({ReplyKind.ANSWER, ReplyKind.QUESTION})


@dataclass(frozen=True)
class ReplyFile:
    """A file for a reporter: its name, and its bytes."""

    name: str = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Draft:
    """
    What an officer wants to say.

    Attributes:
        text: Needed for an answer and a question.

        status: Needed for kind "status".

        due: By when the next step is promised.

        files: On the disk.

        contents: Files that are in memory.
    """

    kind: ReplyKind
    text: str = field(default="", repr=False)
    status: CaseStatus | None = None
    registration_number: str | None = field(default=None, repr=False)
    due: date | None = None
    files: Sequence[Path] = ()
    contents: Sequence[ReplyFile] = ()


@dataclass(frozen=True)
class Written:
    """A reply that waits for export."""

    case_name: str
    slots: int


def write_reply(desk: Desk, name: str, draft: Draft, *, today: date) -> Written:
    """
    Seal a reply to the reporter of a case, and note it in the journal.

    It is sealed to the keys of the item that opened the case, never to those of
    a later one.

    Raises:
        UnknownCase: If there is no case of this name.

        UnusableReply: If the draft contradicts itself or is too large, or if only
            a brief of the case is here.

        ActionRefused: If the desk's officer is excluded from the case.

        OSError: If a file cannot be read.
    """
    with desk.casebook.transaction() as connection:
        case = find_case(connection, name)
        return seal_draft(desk, connection, case, draft, today=today)


def seal_draft(
    desk: Desk, connection: Connection, case: Row[Any], draft: Draft, *, today: date
) -> Written:
    """Do what `write_reply` does, within the caller's transaction."""
    if case.reply_public_key is None:
        raise UnusableReply("only a brief of the case is here: nobody can answer it")
    if is_left_behind(connection, case.case_id):
        raise UnusableReply(
            "the reporter comes to a server that was left: no answer arrives there"
        )
    letter = draft_letter(desk, connection, case, draft, today=today)
    _go_along(desk, connection, case, letter, today=today)
    content, files = _content(letter, draft)
    first_slot = next_slot(connection, case, desk.record.desk_id)
    try:
        sealed = seal_reply(
            content,
            public_key=case.reply_public_key,
            mailbox_key=case.mailbox_key,
            desk_id=desk.desk_id,
            first_number=first_slot,
        )
    except MalformedPublicKey:
        raise UnusableReply(
            "the reporter's reply key is not one: nothing can be sealed to it"
        ) from None
    entry = append(
        desk,
        connection,
        case.case_id,
        Replied(
            letter=letter,
            files=tuple(SentFile(name=name, size_bytes=size) for name, size in files),
            first_slot=first_slot,
            slots=len(sealed),
            answered=_asking(connection, case.case_id),
        ),
        today=today,
    )
    reply_id = connection.execute(
        insert(casebook.reply).returning(casebook.reply.c.reply_id),
        {"entry": bytes.fromhex(entry.digest), "slots": len(sealed)},
    ).scalar_one()
    connection.execute(
        insert(casebook.slot),
        [
            {"slot": one.slot, "sealed": one.sealed, "reply_id": reply_id}
            for one in sealed
        ],
    )
    connection.execute(
        update(casebook.case)
        .where(casebook.case.c.case_id == case.case_id)
        .values(slots_used=first_slot + len(sealed))
    )
    return Written(case.name, len(sealed))


def draft_letter(
    desk: Desk, connection: Connection, case: Row[Any], draft: Draft, *, today: date
) -> Letter:
    """
    Return the letter that a draft becomes: what the reporter is going to read.

    Raises:
        UnusableReply: If the draft contradicts itself.
    """
    # Whatever waits goes into the next outbox; were it full, this reply would
    # only be shown without waiting for the hour.
    last_outbox = connection.scalar(select(casebook.casebook.c.last_outbox))
    return _letter(draft, case, today, outbox=(last_outbox or 0) + 1)


def _go_along(
    desk: Desk, connection: Connection, case: Row[Any], letter: Letter, *, today: date
) -> None:
    """
    Let the case be where the letter says that it is.

    Raises:
        ActionRefused: If the workflow has no such step.
    """
    number = letter.registration_number
    state = journal_of(connection, case.case_id).state
    if number is not None and number != state.registration_number:
        append(desk, connection, case.case_id, Registered(number=number), today=today)
    if letter.status is not None and letter.status is not state.status:
        # Verification begins with the first thing that comes of it.
        if state.status is CaseStatus.RECEIVED and letter.status in STEPS[_BEGUN]:
            _step(desk, connection, case, state.status, _BEGUN, "", today)
            state = journal_of(connection, case.case_id).state
        reason = letter.text if letter.text else TOLD
        _step(desk, connection, case, state.status, letter.status, reason, today)


def _step(
    desk: Desk,
    connection: Connection,
    case: Row[Any],
    before: CaseStatus,
    after: CaseStatus,
    reason: str,
    today: date,
) -> None:
    action = StepTaken(before=before, after=after, reason=reason)
    append(desk, connection, case.case_id, action, today=today)


def next_slot(connection: Connection, case: Row[Any], desk_id: str) -> int:
    """
    Return the first slot of this desk that no reply has taken.

    A desk that was restored from a copy may have taken more than it knows of: it has
    heard of some from colleagues and from what the reporter has read, and before its
    first answer it leaves out as many as a reporter looks beyond.
    """
    replies = [
        entry.event
        for entry in journal_of(connection, case.case_id).entries
        # Those that stand in a conflict have taken their slots all the same.
        if entry.event.desk_id == desk_id and isinstance(entry.event.action, Replied)
    ]
    taken: list[int] = [case.slots_used]
    for event in replies:
        if isinstance(event.action, Replied):
            taken.append(event.action.first_slot + event.action.slots)
    life = current_life(connection)
    if life is None:
        # It knows by itself what it has taken, and need not believe an item.
        return max(taken)
    taken.append(_read_through(connection, case.case_id, desk_id))
    if life not in {event.life for event in replies}:
        return max(taken) + SKIPPED_SLOTS
    return max(taken)


def _read_through(connection: Connection, case_id: bytes, desk_id: str) -> int:
    columns = casebook.content.c
    marks = connection.scalars(
        select(columns.read_marks).where(
            columns.case_id == case_id,
            columns.read_marks.is_not(None),
            columns.other_keys.is_(False),
        )
    )
    return max((read_marks(content).get(desk_id, 0) for content in marks), default=0)


def _asking(connection: Connection, case_id: bytes) -> int:
    columns = casebook.content.c
    asking = select(func.count()).where(
        columns.case_id == case_id, columns.kind.not_in(sorted(ASKS_NOTHING))
    )
    return connection.scalar(asking) or 0


def _letter(draft: Draft, case: Row[Any], today: date, *, outbox: int) -> Letter:
    text = clean_text(draft.text)
    if not text and draft.kind in _NEED_TEXT:
        raise UnusableReply(f"a reply of kind {draft.kind} needs a text")
    if draft.status is None and draft.kind is ReplyKind.STATUS:
        raise UnusableReply("a reply of kind status needs a status")
    if len(text) > FIELD_CHARACTERS:
        raise UnusableReply(f"a text has at most {FIELD_CHARACTERS} characters")
    number = draft.registration_number
    try:
        return Letter(
            kind=draft.kind,
            day=today,
            language=case.language,
            text=text,
            status=draft.status,
            registration_number=None if number is None else clean_line(number),
            due_day=draft.due,
            outbox=outbox,
        )
    except ValidationError:
        # What else there is to be wrong; its own text would quote the field.
        raise UnusableReply(
            "a registration number is one line of 1 to 100 characters"
        ) from None


def _content(letter: Letter, draft: Draft) -> tuple[bytes, list[tuple[str, int]]]:
    pieces: list[bytes] = []
    try:
        writer = ReplyWriter(pieces.append, letter=letter)
        sent = [writer.add_file(path.name, path.read_bytes()) for path in draft.files]
        sent += [writer.add_file(one.name, one.content) for one in draft.contents]
        writer.finish()
    except ReplyTooLarge as error:
        raise UnusableReply(str(error)) from None
    return b"".join(pieces), [(file.name, file.size_bytes) for file in sent]
