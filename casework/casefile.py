"""
Case files: what of a case leaves the officers' circle, so that anybody can check it.

    files/001.pdf    cleaned copies of the attachments that were chosen
    files/004.pdf
    case-file.pdf    the case, for reading
    officer.asc      the signer's public key, as the organisation certified it
    manifest.json    for whom, in which form, and size and digest of all the above
    manifest.sig     a detached OpenPGP signature of the very bytes of the manifest

The manifest comes last, because it has the digest of everything before it: whoever
writes holds one file in memory and never all of them.  Nothing is believed before the
signature was verified, and nothing is read for its meaning but the manifest.

Specified in docs/spec/case-file.md.  This module does no I/O and knows no OpenPGP: who
signs and who verifies is passed in.  It draws nothing and chooses nothing, either.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Generic, Literal, Self, TypeVar

from pydantic import Field, model_validator

from casework import strict
from casework.errors import CaseworkError
from casework.members import translated
from casework.reply import RegistrationNumber
from casework.strict import Count, Day, Digest, StrictModel
from casework.text import CleanLine
from crypto.container import (
    ContainerLimits,
    ContainerReader,
    ContainerWriter,
    Entry,
    Readable,
)

MOST_ATTACHMENTS = 999
MEMBER_BYTES = 256 * 1024 * 1024
CERTIFICATE_BYTES = 256 * 1024
MANIFEST_BYTES = 2 * 1024 * 1024
SIGNATURE_BYTES = 64 * 1024
RECIPIENT_CHARACTERS = 200

CASE_FILE_LIMITS = ContainerLimits(
    entries=4 + MOST_ATTACHMENTS,
    entry_bytes=MEMBER_BYTES,
    # A case has 200 MB; its pages as pictures may take several times that.
    total_bytes=4 * 1024 * 1024 * 1024,
)

DOCUMENT = "case-file.pdf"
CERTIFICATE = "officer.asc"
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"

# What stands for a passage that was blackened, however long it was: the width of a bar
# gives short names away.
BAR = "█████"

Form = Literal["full", "redacted", "paraphrase"]
Recipient = Annotated[
    str, Field(min_length=1, max_length=RECIPIENT_CHARACTERS), CleanLine
]
AttachmentNumber = Annotated[int, Field(ge=1, le=MOST_ATTACHMENTS)]
Signer = TypeVar("Signer")


class MalformedCaseFile(CaseworkError):
    """The file is not a case file, or it was damaged."""


class CaseFileAltered(CaseworkError):
    """Something in the case file is not what its officer signed."""


class CaseFileMember(StrictModel):
    """A member of the archive, and what it must be."""

    name: Annotated[
        str, Field(pattern=r"^(files/[0-9]{3}\.pdf|case-file\.pdf|officer\.asc)$")
    ]
    size_bytes: Annotated[int, Field(ge=0, le=MEMBER_BYTES)]
    sha256: Digest


class Original(StrictModel):
    """The file as the reporter sent it; it stays on the desk."""

    original_name: Annotated[str, Field(min_length=1, max_length=255, repr=False)]
    original_bytes: Count
    original_sha256: Digest


class CopiedAttachment(StrictModel):
    """
    An attachment of which a cleaned copy is in the case file.

    Attributes:
        number: Counts the attachments of the case from 1; names `files/NNN.pdf`.

        pages: How many of it are in the copy.

        complete: Whether these are all.

        original: In the full form only.  Who has the same file, or a record of the
            files that were on a computer, could tell by name, size or digest whose
            copy was sent.
    """

    number: AttachmentNumber
    pages: Annotated[int, Field(ge=1, le=strict.LARGEST_INTEGER)]
    complete: bool
    original: Annotated[Original | None, Field(exclude_if=strict.is_absent)] = None


class CaseFileHeading(StrictModel):
    """
    What a case file says about itself before anything is in it.

    Attributes:
        document: Tells its signature from those of other documents.

        case: The registration number, or the case's name before there is one.

        recipient: For whom it was made, as the officer wrote it.

        fingerprint: Of the officer's key, which signs.
    """

    document: Literal["bisik-case-file"] = "bisik-case-file"
    version: Literal[1] = 1
    case: Annotated[RegistrationNumber, Field(repr=False)]
    day: Day
    recipient: Annotated[Recipient, Field(repr=False)]
    form: Form
    language: Literal["id", "en"]
    fingerprint: Annotated[str, Field(pattern=r"^[0-9A-F]{40}$")]


class CaseFileManifest(CaseFileHeading):
    """
    What is in a case file (manifest.json).

    Attributes:
        members: All but the manifest and its signature, in the order of the archive.

        attachments: Those of which there are copies, numbers rise.
    """

    members: Annotated[
        tuple[CaseFileMember, ...], Field(max_length=2 + MOST_ATTACHMENTS)
    ]
    attachments: Annotated[
        tuple[CopiedAttachment, ...], Field(max_length=MOST_ATTACHMENTS)
    ]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        numbers = [one.number for one in self.attachments]
        if numbers != sorted(set(numbers)):
            raise ValueError("the numbers of the attachments do not rise")
        wanted = [*map(copy_name, numbers), DOCUMENT, CERTIFICATE]
        if [member.name for member in self.members] != wanted:
            raise ValueError("the members are not those of its attachments")
        named = [one.original is not None for one in self.attachments]
        if any(named) if self.form != "full" else not all(named):
            raise ValueError("originals are named in the full form, and only there")
        return self


@dataclass(frozen=True)
class Copy:
    """A cleaned copy, ready to be written."""

    attachment: CopiedAttachment
    pdf: bytes = field(repr=False)


@dataclass(frozen=True)
class CheckedCaseFile(Generic[Signer]):
    """A case file that is whole and just as it was signed."""

    manifest: CaseFileManifest
    signer: Signer


def copy_name(number: int) -> str:
    """Return the member name of the cleaned copy of attachment *number*."""
    return f"files/{number:03}.pdf"


def cover(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """
    Return *text* with a bar of one length in place of every passage of *spans*.

    Passages with nothing but white space between them get one bar, so that it does not
    tell how many words there were.
    """
    pieces: list[str] = []
    at = 0
    for begin, end in sorted(spans):
        begin, end = max(begin, at), min(end, len(text))
        if begin >= end:
            continue
        between = text[at:begin]
        if not (pieces and pieces[-1] == BAR and not between.strip()):
            pieces += [between, BAR]
        at = end
    return "".join([*pieces, text[at:]])


class CaseFileWriter:
    """
    Write one case file into a sink: `add_copy` for each copy, then `finish`.

    Args:
        sink: Takes the bytes as they come.

        heading: What the manifest begins with.
    """

    def __init__(
        self, sink: Callable[[bytes], object], heading: CaseFileHeading
    ) -> None:
        self._container = ContainerWriter(sink, day=heading.day)
        self._heading = heading
        self._members: list[CaseFileMember] = []
        self._attachments: list[CopiedAttachment] = []

    @property
    def attachments(self) -> tuple[CopiedAttachment, ...]:
        """What was added so far."""
        return tuple(self._attachments)

    @property
    def members(self) -> tuple[CaseFileMember, ...]:
        """What was written so far, with its digests."""
        return tuple(self._members)

    def add_copy(self, copy: Copy) -> None:
        """Add the cleaned copy of an attachment; numbers rise."""
        self._attachments.append(copy.attachment)
        self._add(copy_name(copy.attachment.number), copy.pdf)

    def finish(
        self, document: bytes, certificate: bytes, *, sign: Callable[[bytes], bytes]
    ) -> CaseFileManifest:
        """
        Add what is read, who signs, and the signed manifest.

        Args:
            document: The case, drawn as a PDF.

            certificate: The officer's public key, certified, armored.

            sign: Given the exact bytes of the manifest, gives a detached OpenPGP
                signature of them.

        Returns:
            What was signed.
        """
        self._add(DOCUMENT, document)
        self._add(CERTIFICATE, certificate)
        manifest = CaseFileManifest(
            **self._heading.model_dump(),
            members=self.members,
            attachments=self.attachments,
        )
        content = strict.render(manifest)
        self._container.add(MANIFEST, content)
        self._container.add(SIGNATURE, sign(content))
        self._container.finish()
        return manifest

    def _add(self, name: str, content: bytes) -> None:
        self._members.append(
            CaseFileMember(
                name=name,
                size_bytes=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )
        )
        self._container.add(name, content)


def check_case_file(
    stream: Readable,
    verify: Callable[[CaseFileManifest, bytes, bytes, bytes], Signer],
    *,
    limits: ContainerLimits = CASE_FILE_LIMITS,
) -> CheckedCaseFile[Signer]:
    """
    Read a case file to its end and make sure that all of it was signed as it is.

    Args:
        stream: The case file, not sealed.

        verify: Given the manifest, its exact bytes, the signature and the certificate
            from the archive, returns who signed.  The manifest says on which day to
            judge the key, and is believed for nothing else by then.  It must raise if
            the signature is not good; whatever it raises comes through.

        limits: How much is read at most.

    Raises:
        MalformedCaseFile: If it is not a case file.

        CaseFileAltered: Naming every member that is not what was signed, is missing or
            does not belong there.
    """
    kept: dict[str, bytes] = {}
    found: dict[str, tuple[int, str]] = {}
    entries: Iterator[Entry] = iter(ContainerReader(stream, limits=limits))
    for entry in translated(entries, MalformedCaseFile):
        _take(entry, kept, found)
    for name in (MANIFEST, SIGNATURE, CERTIFICATE):
        if name not in kept:
            raise MalformedCaseFile(f"there is no {name} in the file")
    content = kept[MANIFEST]
    manifest = strict.parse(
        CaseFileManifest,
        content,
        limit_bytes=MANIFEST_BYTES,
        malformed=MalformedCaseFile,
    )
    signer = verify(manifest, content, kept[SIGNATURE], kept[CERTIFICATE])
    if faults := list(_faults(manifest, found)):
        raise CaseFileAltered("; ".join(faults))
    return CheckedCaseFile(manifest, signer)


_KEPT_BYTES = {
    MANIFEST: MANIFEST_BYTES,
    SIGNATURE: SIGNATURE_BYTES,
    CERTIFICATE: CERTIFICATE_BYTES,
}


def _take(
    entry: Entry, kept: dict[str, bytes], found: dict[str, tuple[int, str]]
) -> None:
    """Note size and digest of a member, and keep the few that are read."""
    name = entry.untrusted_name
    limit_bytes = _KEPT_BYTES.get(name)
    if limit_bytes is not None and entry.size_bytes > limit_bytes:
        raise MalformedCaseFile(f"{name} is larger than it may be")
    digest = hashlib.sha256()
    pieces = []
    for piece in translated(entry.chunks(), MalformedCaseFile):
        digest.update(piece)
        if limit_bytes is not None:
            pieces.append(piece)
    if limit_bytes is not None:
        kept[name] = b"".join(pieces)
    found[name] = (entry.size_bytes, digest.hexdigest())


def _faults(
    manifest: CaseFileManifest, found: dict[str, tuple[int, str]]
) -> Iterator[str]:
    announced = {
        member.name: (member.size_bytes, member.sha256) for member in manifest.members
    }
    for name, expected in announced.items():
        if name not in found:
            yield f"{name} is missing"
        elif found[name] != expected:
            yield f"{name} is not what was signed"
    wanted = [*announced, MANIFEST, SIGNATURE]
    for name in found:
        if name not in wanted:
            yield f"{name!r} does not belong in the file"
    present = [name for name in wanted if name in found]
    if present != [name for name in found if name in wanted]:
        yield "the members are not in their order"
