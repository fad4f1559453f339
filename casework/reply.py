"""
Replies: what a desk sends to one reporter.

    reply.json                       what kind of answer, its text, the case's state
    files/001-Surat penetapan.pdf    as many as fit

A reply says everything the reporter can know about the state of a case: status,
registration number and due day exist nowhere else on the server.  The content
is small enough to be held in memory; `crypto.replies` cuts it into slots.

Specified in docs/spec/reply.md.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from casework import strict
from casework.errors import CaseworkError
from casework.files import (
    MOST_FILES,
    FileSent,
    is_member_name,
    sanitise_file_name,
    shown_name,
)
from casework.report import FIELD_CHARACTERS
from casework.strict import Count, Day, StrictModel
from casework.text import CleanLine, CleanText
from crypto.container import (
    ContainerLimits,
    ContainerReader,
    ContainerWriter,
    MalformedContainer,
)
from crypto.slots import SLOT_BYTES

# The whole reply: 8 MiB take some 540 slots.
REPLY_BYTES = 8 * 1024 * 1024
LETTER_BYTES = 256 * 1024
REGISTRATION_NUMBER_CHARACTERS = 100

_LETTER_NAME = "reply.json"
_LIMITS = ContainerLimits(
    entries=1 + MOST_FILES,
    entry_bytes=REPLY_BYTES,
    # The last slot of a reply is filled up with zeros.
    total_bytes=REPLY_BYTES + SLOT_BYTES,
)

RegistrationNumber = Annotated[
    str, Field(min_length=1, max_length=REGISTRATION_NUMBER_CHARACTERS), CleanLine
]


class MalformedReply(CaseworkError):
    """The reply is not one that this software wrote, or it was damaged."""


class ReplyTooLarge(CaseworkError):
    """The reply and its files are larger than a reply may be."""


class ReplyKind(StrEnum):
    """What a reply is for."""

    ANSWER = "answer"
    QUESTION = "question"
    STATUS = "status"
    CONTACT_REQUEST = "contact-request"
    CLOSING = "closing"


class CaseStatus(StrEnum):
    """How far a case has come, in the words of the formats."""

    RECEIVED = "received"
    VERIFICATION = "verification"
    NEEDS_COMPLETION = "needs-completion"
    NOT_COMPETENT = "not-competent"
    REGISTERED = "registered"
    REVIEW = "review"
    EXAMINATION = "examination"
    FORWARDED = "forwarded"
    FOLLOWED_UP = "followed-up"
    CONCLUDED = "concluded"
    REOPENED = "reopened"


class Letter(StrictModel):
    """
    What a reply says (reply.json).

    Attributes:
        day: The day it was written.

        language: The language of *text*.

        text: May be empty when the status says it all.

        status: The new status of the case, if the reply tells one.

        registration_number: The number under which the case is registered.

        due_day: The day by which the next step is promised.

        outbox: The desk's outbox that carries it, so that the site knows when it
            may be shown; None in letters from before there was a release hour.
    """

    version: Literal[1] = 1
    kind: ReplyKind
    day: Day
    language: Literal["id", "en"]
    text: Annotated[str, Field(max_length=FIELD_CHARACTERS, repr=False), CleanText] = ""
    status: CaseStatus | None = None
    registration_number: Annotated[RegistrationNumber | None, Field(repr=False)] = None
    due_day: Day | None = None
    outbox: Annotated[Count | None, Field(exclude_if=strict.is_absent)] = None


class ReplyFile(NamedTuple):
    """A file of a reply: the name people see, and its bytes."""

    name: str
    content: bytes

    def __repr__(self) -> str:
        """Show the size alone: name and content are secrets."""
        return f"ReplyFile({len(self.content)} bytes)"


@dataclass(frozen=True)
class Reply:
    """A reply that was read whole."""

    letter: Letter
    files: tuple[ReplyFile, ...] = field(repr=False)


class ReplyWriter:
    """
    Write one reply into a sink: its letter, then files, then `finish`.

    A reply that grows beyond what `parse_reply` reads raises `ReplyTooLarge`;
    the bytes written so far are then useless.
    """

    def __init__(self, sink: Callable[[bytes], object], *, letter: Letter) -> None:
        self._sink = sink
        self._left = REPLY_BYTES
        self._container = ContainerWriter(self._write, day=letter.day)
        self._files = 0
        self._container.add(_LETTER_NAME, strict.render(letter))

    def add_file(self, untrusted_name: str, content: bytes) -> FileSent:
        """Add a file with its bytes untouched, under a sanitised name."""
        name = sanitise_file_name(untrusted_name, self._files + 1)
        self._files += 1
        self._container.add(name, content)
        return FileSent(name=shown_name(name), size_bytes=len(content))

    def finish(self) -> int:
        """End the reply and return its size; slots do the padding."""
        return self._container.finish()

    def _write(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left < 0:
            raise ReplyTooLarge(ReplyTooLarge.__doc__)
        self._sink(piece)


def parse_reply(content: bytes) -> Reply:
    """
    Read a reply.

    Raises:
        MalformedReply: If it is not exactly a reply.
    """
    letter = None
    files: list[ReplyFile] = []
    try:
        for entry in ContainerReader(io.BytesIO(content), limits=_LIMITS):
            if letter is None:
                if entry.untrusted_name != _LETTER_NAME:
                    raise MalformedReply("the reply does not begin with reply.json")
                letter = strict.parse(
                    Letter,
                    entry.read(LETTER_BYTES),
                    limit_bytes=LETTER_BYTES,
                    malformed=MalformedReply,
                )
                continue
            if not is_member_name(entry.untrusted_name, len(files) + 1):
                raise MalformedReply("the reply has a member that does not belong")
            name = shown_name(entry.untrusted_name)
            files.append(ReplyFile(name, entry.read(REPLY_BYTES)))
    except MalformedContainer:
        # The cause names members, and a file's name can be a secret.
        raise MalformedReply(MalformedReply.__doc__) from None
    if letter is None:
        raise MalformedReply("the reply is empty")
    return Reply(letter=letter, files=tuple(files))
