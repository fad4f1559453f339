"""
Replying: from an officer's words to sealed slots that wait for export.

    letter + files --> container --HPKE, slots--> casebook, "waiting for export"

The status, the registration number and the due day of a case change in the same
transaction: what the desk says about a case is what it told the reporter.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row, func, insert, select, update

from casework import strict
from casework.reply import (
    CaseStatus,
    Letter,
    ReplyKind,
    ReplyTooLarge,
    ReplyWriter,
)
from casework.report import FIELD_CHARACTERS
from casework.text import clean_line, clean_text
from crypto.replies import MalformedPublicKey, seal_reply
from journalist_app.workstation import casebook
from journalist_app.workstation.cases import find_case
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import UnusableReply

# While a case is here, the step that was promised is still to be done.
_BEFORE_VERIFIED = frozenset({CaseStatus.RECEIVED, CaseStatus.VERIFICATION})
_NEED_TEXT = frozenset({ReplyKind.ANSWER, ReplyKind.QUESTION})


@dataclass(frozen=True)
class Draft:
    """
    What an officer wants to say.

    Attributes:
        text: Needed for an answer and a question.

        status: Needed for kind "status".

        due: By when the next step is promised.
    """

    kind: ReplyKind
    text: str = field(default="", repr=False)
    status: CaseStatus | None = None
    registration_number: str | None = field(default=None, repr=False)
    due: date | None = None
    files: Sequence[Path] = ()


@dataclass(frozen=True)
class Written:
    """A reply that waits for export."""

    case_name: str
    slots: int


def write_reply(desk: Desk, name: str, draft: Draft, *, today: date) -> Written:
    """
    Seal a reply to the reporter of a case.

    It is sealed to the keys of the item that opened the case, never to those of
    a later one.

    Raises:
        UnknownCase: If there is no case of this name.

        UnusableReply: If the draft contradicts itself or is too large.

        OSError: If a file cannot be read.
    """
    with desk.casebook.transaction() as connection:
        case = find_case(connection, name)
        # Whatever waits goes into the next outbox; were it full, this reply would
        # only be shown without waiting for the hour.
        last_outbox = connection.scalar(select(casebook.casebook.c.last_outbox))
        letter = _letter(draft, case, today, outbox=(last_outbox or 0) + 1)
        content, files = _content(letter, draft.files)
        try:
            sealed = seal_reply(
                content,
                public_key=case.reply_public_key,
                mailbox_key=case.mailbox_key,
                desk_id=desk.desk_id,
                first_number=case.slots_used,
            )
        except MalformedPublicKey:
            raise UnusableReply(
                "the reporter's reply key is not one: nothing can be sealed to it"
            ) from None
        newest = connection.scalar(select(func.max(casebook.item.c.number)))
        reply_id = connection.execute(
            insert(casebook.reply).returning(casebook.reply.c.reply_id),
            {
                "case_id": case.case_id,
                "after_number": newest,
                "letter": strict.render(letter),
                "files": json.dumps(files).encode(),
                "first_slot": case.slots_used,
                "slots": len(sealed),
            },
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
            .values(slots_used=case.slots_used + len(sealed), **_changes(letter))
        )
    return Written(case.name, len(sealed))


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


def _content(
    letter: Letter, files: Sequence[Path]
) -> tuple[bytes, list[tuple[str, int]]]:
    pieces: list[bytes] = []
    try:
        writer = ReplyWriter(pieces.append, letter=letter)
        sent = [writer.add_file(path.name, path.read_bytes()) for path in files]
        writer.finish()
    except ReplyTooLarge as error:
        raise UnusableReply(str(error)) from None
    return b"".join(pieces), [(file.name, file.size_bytes) for file in sent]


def _changes(letter: Letter) -> dict[str, object]:
    changes: dict[str, object] = {}
    if letter.registration_number is not None:
        changes["registration_number"] = letter.registration_number
    if letter.status is not None:
        changes["status"] = letter.status.value
        if letter.status not in _BEFORE_VERIFIED:
            changes["due_day"] = None
    if letter.due_day is not None:
        changes["due_day"] = letter.due_day.toordinal()
    return changes
