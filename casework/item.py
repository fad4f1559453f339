"""
Items: what a reporter sends, as the plaintext of one sealed message.

    item.json                    of which case it is, of what kind, in what order
    report.json | message.txt | read.json | nothing         as `MEMBERS` says
    files/001-Foto bukti.pdf     as many as the kind allows
    zeros                        up to `crypto.padding.item_size`

The sequence number of an item says how many items of its case had been accepted
when it was sealed.  `missing_before` turns these numbers into the least number
of items that must have gone missing; docs/spec/item.md has the proof.

Specified in docs/spec/item.md.  This module does no I/O: bytes go to a sink and
come from a stream, and nothing but one file is ever held in memory whole.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

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
from casework.members import content_of, translated
from casework.report import FIELD_CHARACTERS, REPORT_BYTES, MalformedReport, Report
from casework.strict import Count, Day, Identity, Model, StrictModel
from casework.text import clean_text
from crypto.container import (
    ContainerLimits,
    ContainerReader,
    ContainerWriter,
    Entry,
    Readable,
)
from crypto.padding import item_size

__all__ = [
    "ATTACHMENT_BYTES",
    "CASE_BYTES",
    "FileSent",
    "ItemFile",
    "ItemHeader",
    "ItemKind",
    "ItemReader",
    "ItemWriter",
    "MalformedItem",
    "ReadMarks",
    "missing_before",
    "read_item",
    "sanitise_file_name",
]

# What a reporter may send; a profile may change both.
ATTACHMENT_BYTES = 5 * 1024 * 1024
CASE_BYTES = 200 * 1024 * 1024

MESSAGE_CHARACTERS = FIELD_CHARACTERS
MESSAGE_BYTES = 4 * MESSAGE_CHARACTERS  # UTF-8 takes four bytes at most.
HEADER_BYTES = 16 * 1024
READ_MARKS_BYTES = 64 * 1024
MOST_DESKS = 256

# What the desk reads at most: room for any profile, and an end for any attack.
ITEM_LIMITS = ContainerLimits(
    entries=2 + MOST_FILES,
    entry_bytes=64 * 1024 * 1024,
    total_bytes=1024 * 1024 * 1024,
)

_HEADER_NAME = "item.json"
_REPORT_NAME = "report.json"
_MESSAGE_NAME = "message.txt"
_READ_MARKS_NAME = "read.json"


class MalformedItem(CaseworkError):
    """The item is not one that this software wrote, or it was damaged."""


class ItemKind(StrEnum):
    """What an item is for."""

    REPORT = "report"
    MESSAGE = "message"
    ATTACHMENTS = "attachments"
    CONTACT = "contact"
    WITHDRAWAL = "withdrawal"
    READ_RECEIPT = "read-receipt"
    PROGRESS = "progress"  # A question about progress.


@dataclass(frozen=True)
class Members:
    """Which members an item of some kind must have, may have, and how many files."""

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    fewest_files: int = 0
    most_files: int = 0


MEMBERS: Mapping[ItemKind, Members] = {
    ItemKind.REPORT: Members(frozenset({_REPORT_NAME}), most_files=MOST_FILES),
    ItemKind.MESSAGE: Members(frozenset({_MESSAGE_NAME}), most_files=MOST_FILES),
    ItemKind.ATTACHMENTS: Members(
        optional=frozenset({_MESSAGE_NAME}), fewest_files=1, most_files=MOST_FILES
    ),
    # A file would end up with everybody who may see files.
    ItemKind.CONTACT: Members(frozenset({_MESSAGE_NAME})),
    ItemKind.WITHDRAWAL: Members(optional=frozenset({_MESSAGE_NAME})),
    ItemKind.READ_RECEIPT: Members(frozenset({_READ_MARKS_NAME})),
    ItemKind.PROGRESS: Members(optional=frozenset({_MESSAGE_NAME})),
}


class ItemHeader(StrictModel):
    """
    What every item says about itself (item.json).

    Attributes:
        case_id: Names the case to the officers, and to nobody else.

        mailbox_key: Lets the desk name the slots in which it answers.

        reply_public_key: To this key the desk seals its answers.

        day: The day it was sent, never the hour.

        sequence: How many items of this case had been accepted before.

        language: In which language the reporter reads.
    """

    version: Literal[1] = 1
    kind: ItemKind
    case_id: Annotated[Identity, Field(repr=False)]
    mailbox_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", repr=False)]
    reply_public_key: Annotated[str, Field(pattern=r"^[0-9a-f]{2432}$", repr=False)]
    day: Day
    sequence: Count
    language: Literal["id", "en"]


class ReadMarks(StrictModel):
    """
    How far a reporter has read (read.json).

    Attributes:
        read: By desk, the number of its first answer that was not read yet.
    """

    version: Literal[1] = 1
    read: Annotated[dict[Identity, Count], Field(min_length=1, max_length=MOST_DESKS)]


class ItemWriter:
    """
    Write one item into a sink: first its text, then its files, then `finish`.

    What contradicts the item's kind raises `ValueError`, because only a mistake
    of the program can ask for it; the bytes written so far are then useless.
    """

    def __init__(self, sink: Callable[[bytes], object], *, header: ItemHeader) -> None:
        self._kind = header.kind
        self._container = ContainerWriter(sink, day=header.day)
        self._written: set[str] = set()
        self._files = 0
        self._container.add(_HEADER_NAME, strict.render(header))

    def add_report(self, report: Report) -> None:
        """Add the 5W + 2H answers."""
        self._add(_REPORT_NAME, report.to_json())

    def add_message(self, text: str) -> None:
        """
        Add a text of the reporter, cleaned already (`casework.text.clean_text`).

        Raises:
            ValueError: If it is empty, unclean or longer than
                `MESSAGE_CHARACTERS`.
        """
        if not _is_message(text):
            raise ValueError(
                f"a message must be clean and have 1 to {MESSAGE_CHARACTERS} characters"
            )
        self._add(_MESSAGE_NAME, text.encode())

    def add_read_marks(self, marks: ReadMarks) -> None:
        """Add how far the reporter has read."""
        self._add(_READ_MARKS_NAME, strict.render(marks))

    def add_file(self, untrusted_name: str, content: bytes) -> FileSent:
        """Add a file with its bytes untouched, under a sanitised name."""
        if self._files == MEMBERS[self._kind].most_files:
            raise ValueError(f"an item of kind {self._kind} has no more files")
        self._files += 1
        name = sanitise_file_name(untrusted_name, self._files)
        self._container.add(name, content)
        return FileSent(name=shown_name(name), size_bytes=len(content))

    def finish(self) -> int:
        """
        End the item and pad it.

        Returns:
            The size of the plaintext, one of the few that the world may see.
        """
        members = MEMBERS[self._kind]
        if members.required - self._written or self._files < members.fewest_files:
            raise ValueError(f"an item of kind {self._kind} needs more than that")
        return self._container.finish(pad_to=item_size)

    def _add(self, name: str, content: bytes) -> None:
        members = MEMBERS[self._kind]
        if name not in members.required | members.optional or self._files:
            raise ValueError(f"an item of kind {self._kind} has no {name} there")
        self._written.add(name)
        self._container.add(name, content)


class ItemFile:
    """One file of an item that is being read; valid until the next one."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self.name = shown_name(entry.untrusted_name)
        self.size_bytes = entry.size_bytes

    def chunks(self) -> Iterator[bytes]:
        """Yield the content in pieces of at most 256 KiB; raises `MalformedItem`."""
        return translated(self._entry.chunks(), _broken)


@dataclass(frozen=True)
class ItemReader:
    """
    An item whose text has been read and whose files are still to come.

    Nothing may be done with any of it before `files` has ended without an
    error: only then is the item known to be whole.
    """

    header: ItemHeader
    report: Report | None = field(repr=False)
    message: str | None = field(repr=False)
    read_marks: ReadMarks | None
    _files: Iterator[ItemFile] = field(repr=False)

    def files(self) -> Iterator[ItemFile]:
        """
        Yield the files in order, once.

        Raises:
            MalformedItem: On the first thing that is not as it must be.
        """
        return self._files


def read_item(stream: Readable, *, limits: ContainerLimits = ITEM_LIMITS) -> ItemReader:
    """
    Read an item's text, and prepare to read its files.

    Args:
        stream: The plaintext.  It may come from anybody who has the officers'
            public keys, so nothing in it is believed.

        limits: How much is read at most.

    Raises:
        MalformedItem: If it is not an item, or its members do not fit its kind.
    """
    entries = translated(iter(ContainerReader(stream, limits=limits)), _broken)
    return read_item_members(next(entries, None), entries)


def read_item_members(first: Entry | None, entries: Iterator[Entry]) -> ItemReader:
    """
    Read an item's text from the members of an archive: the first one and the rest.

    Raises:
        MalformedItem: As `read_item`.
    """
    header = _parse_member(ItemHeader, first, _HEADER_NAME, HEADER_BYTES)
    members = MEMBERS[header.kind]
    report = message = read_marks = None
    entry = next(entries, None)
    name = entry.untrusted_name if entry else ""
    if name in members.required | members.optional:
        if name == _REPORT_NAME:
            report = _parse_report(entry)
        elif name == _MESSAGE_NAME:
            message = _parse_message(entry)
        else:
            read_marks = _parse_member(ReadMarks, entry, name, READ_MARKS_BYTES)
        entry = next(entries, None)
    elif members.required:
        raise MalformedItem(f"an item of kind {header.kind} must say more")
    return ItemReader(
        header, report, message, read_marks, _read_files(entry, entries, members)
    )


def missing_before(sequences: Iterable[int]) -> int:
    """
    Say how many items of one case are missing at least.

    An item with sequence s was sealed when s items had been accepted, and each
    of those has a smaller sequence.  So whoever holds everything holds at least
    s items with a sequence below s, for every s.  Two items may share a number,
    because a reporter can send from two tabs at once.

    Args:
        sequences: Of the items of one case that are there, in any order.

    Returns:
        0 if nothing shows that an item is missing.
    """
    missing = 0
    smaller = 0
    previous = None
    for position, sequence in enumerate(sorted(sequences)):
        if sequence != previous:
            smaller = position
            previous = sequence
        missing = max(missing, sequence - smaller)
    return missing


def _read_files(
    entry: Entry | None, entries: Iterator[Entry], members: Members
) -> Iterator[ItemFile]:
    number = 0
    while entry is not None:
        number += 1
        if number > members.most_files or not is_member_name(
            entry.untrusted_name, number
        ):
            raise MalformedItem("the item has a member that does not belong there")
        yield ItemFile(entry)
        entry = next(entries, None)
    if number < members.fewest_files:
        raise MalformedItem("the item has too few files for its kind")


def _parse_member(
    model: type[Model], entry: Entry | None, name: str, limit_bytes: int
) -> Model:
    content = content_of(entry, name, limit_bytes, MalformedItem)
    return strict.parse(
        model, content, limit_bytes=limit_bytes, malformed=MalformedItem
    )


def _parse_report(entry: Entry | None) -> Report:
    content = content_of(entry, _REPORT_NAME, REPORT_BYTES, MalformedItem)
    try:
        return Report.parse(content)
    except MalformedReport as error:
        raise MalformedItem(f"report.json: {error}") from None


def _parse_message(entry: Entry | None) -> str:
    content = content_of(entry, _MESSAGE_NAME, MESSAGE_BYTES, MalformedItem)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedItem("message.txt is not UTF-8") from None
    if not _is_message(text):
        raise MalformedItem("message.txt is empty, too long or not clean")
    return text


def _is_message(text: str) -> bool:
    return 0 < len(text) <= MESSAGE_CHARACTERS and clean_text(text) == text


def _broken(_reason: str) -> MalformedItem:
    # The reason may name a member, and an attachment's name can be a secret.
    return MalformedItem(MalformedItem.__doc__)
