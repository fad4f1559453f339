"""
The case page: from what is stored to what a reporter reads.

    state --+--> where the case stands
    answers-+--> new answers        (first on the page)
            +--> timeline           (what was sent and what was read, the newest first)

Nothing is decided here and nothing is changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from flask import url_for

from casework.files import FileSent
from casework.history import ReporterState, Sent
from casework.reply import CaseStatus
from source_app import texts
from source_app.answers import Answer

# While a case is here, the day that was promised at first still holds.
_BEFORE_VERIFIED = frozenset({None, CaseStatus.RECEIVED, CaseStatus.VERIFICATION})


@dataclass(frozen=True)
class ShownFile:
    """A file of an answer, as the page links to it."""

    name: str = field(repr=False)
    size_bytes: int
    url: str


@dataclass(frozen=True)
class ShownAnswer:
    """An answer, as the page shows it."""

    day: date
    kind: str
    status_label: str | None
    text: str = field(repr=False)
    registration_number: str | None = field(repr=False)
    due_day: date | None
    files: Sequence[ShownFile]
    unread: bool
    mark_url: str


@dataclass(frozen=True)
class ShownSent:
    """Something the reporter has sent, as the page shows it."""

    day: date
    kind_label: str
    title: str = field(repr=False)
    text: str = field(repr=False)
    files: Sequence[FileSent]
    due_day: date | None


@dataclass(frozen=True)
class TimelineEntry:
    """One step of the case: either an answer that was read, or something sent."""

    day: date
    answer: ShownAnswer | None = None
    sent: ShownSent | None = None


@dataclass(frozen=True)
class Standing:
    """
    Where the case stands, as far as the reporter was told.

    Attributes:
        due_day: By when the next step is promised, if there is a promise.
    """

    stage: str
    registration_number: str | None = field(repr=False)
    due_day: date | None


def show_answer(answer: Answer, state: ReporterState) -> ShownAnswer:
    """Prepare one answer for the page."""
    letter = answer.reply.letter
    return ShownAnswer(
        day=letter.day,
        kind=letter.kind.value,
        status_label=str(texts.STATUS_LABELS[letter.status]) if letter.status else None,
        text=letter.text,
        registration_number=letter.registration_number,
        due_day=letter.due_day,
        files=[
            ShownFile(
                name=file.name,
                size_bytes=len(file.content),
                url=url_for(
                    "case.answer_file",
                    desk_id=answer.desk_id,
                    number=answer.number,
                    index=index,
                ),
            )
            for index, file in enumerate(answer.reply.files)
        ],
        unread=answer.is_unread(state.read),
        mark_url=url_for(
            "case.mark_read", desk_id=answer.desk_id, number=answer.number
        ),
    )


def show_sent(sent: Sent) -> ShownSent:
    """Prepare one entry of the reporter's own history for the page."""
    return ShownSent(
        day=sent.day,
        kind_label=str(texts.SENT_LABELS[sent.kind]),
        title=sent.title,
        text=sent.text,
        files=sent.files,
        due_day=sent.due_day,
    )


def timeline(
    answers: Iterable[ShownAnswer], state: ReporterState
) -> list[TimelineEntry]:
    """Order what was sent and the answers that were read, the newest day first."""
    entries = [
        TimelineEntry(answer.day, answer=answer)
        for answer in answers
        if not answer.unread
    ]
    entries += [
        TimelineEntry(sent.day, sent=show_sent(sent)) for sent in reversed(state.sent)
    ]
    # Stable: what was sent on a day keeps its order, below the answers of that day.
    return sorted(entries, key=lambda entry: entry.day, reverse=True)


def standing(answers: Sequence[Answer], state: ReporterState) -> Standing:
    """
    Say where the case stands.

    Args:
        answers: The newest first.

        state: The reporter's own.
    """
    letters = [answer.reply.letter for answer in answers]
    status = next((letter.status for letter in letters if letter.status), None)
    number = next(
        (
            letter.registration_number
            for letter in letters
            if letter.registration_number
        ),
        None,
    )
    due = next((letter.due_day for letter in letters if letter.due_day), None)
    if due is None and status in _BEFORE_VERIFIED:
        due = next((sent.due_day for sent in state.sent if sent.due_day), None)
    if state.withdrawn:
        return Standing(str(texts.WITHDRAWN), number, None)
    label = texts.STATUS_LABELS[status or CaseStatus.RECEIVED]
    return Standing(str(label), number, due)
