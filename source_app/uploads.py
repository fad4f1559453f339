"""
Uploads: a multipart form read as a stream, never spooled to disk.

Werkzeug's own form parser writes every file over 500 kB to a temporary file, in
clear, before a view runs.  Here its sans-I/O decoder does the parsing and the
parts come out one by one, each held in memory up to the limit for one file.

multipart/form-data is RFC 7578.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import (
    Data,
    Epilogue,
    Field,
    File,
    MultipartDecoder,
    NeedData,
)

from crypto.container import Readable

READ_BYTES = 64 * 1024
FIELD_BYTES = 64 * 1024
MOST_PARTS = 1000
LONGEST_BOUNDARY = 200  # RFC 2046 allows 70 characters.


class MalformedUpload(Exception):
    """The form did not arrive as a browser would send it."""


@dataclass(frozen=True)
class FieldPart:
    """A form field that is no file."""

    name: str
    untrusted_text: str = field(repr=False)


@dataclass(frozen=True)
class FilePart:
    """
    A file of the form.

    Attributes:
        untrusted_name: As the browser sent it.

        content: The bytes, or None if there were more than the limit.
    """

    name: str
    untrusted_name: str = field(repr=False)
    content: bytes | None = field(repr=False)


def read_parts(
    stream: Readable, *, content_type: str, file_bytes: int
) -> Iterator[FieldPart | FilePart]:
    """
    Read a multipart form part by part, in the order of the form.

    Args:
        stream: The request's body.

        content_type: The request's `Content-Type`.

        file_bytes: Limit for one file.  A larger one is read to its end and
            thrown away, so that the files behind it are not lost.

    Raises:
        MalformedUpload: If the body is not a complete multipart form, has more
            than 1,000 parts, or a field of more than 64 KiB.
    """
    decoder = MultipartDecoder(_boundary(content_type))
    try:
        yield from _parts(decoder, stream, file_bytes)
    except (ValueError, UnicodeError, LookupError) as error:
        raise MalformedUpload(MalformedUpload.__doc__) from error


def _parts(
    decoder: MultipartDecoder, stream: Readable, file_bytes: int
) -> Iterator[FieldPart | FilePart]:
    part: Field | File | None = None
    content = bytearray()
    too_large = False
    seen = 0
    while True:
        event = decoder.next_event()
        if isinstance(event, NeedData):
            # An empty read tells the decoder that this was the end; it raises
            # ValueError if the form was not complete.
            decoder.receive_data(stream.read(READ_BYTES) or None)
        elif isinstance(event, Field | File):
            seen += 1
            if seen > MOST_PARTS:
                raise MalformedUpload(MalformedUpload.__doc__)
            part, content, too_large = event, bytearray(), False
        elif isinstance(event, Data):
            too_large = _collect(part, content, event.data, file_bytes, too_large)
            if not event.more_data:
                yield _finished(part, content, too_large)
                content = bytearray()
        elif isinstance(event, Epilogue):
            return


def _collect(
    part: Field | File | None,
    content: bytearray,
    piece: bytes | bytearray,
    file_bytes: int,
    too_large: bool,
) -> bool:
    if isinstance(part, File):
        if too_large or len(content) + len(piece) > file_bytes:
            content.clear()
            return True
    elif len(content) + len(piece) > FIELD_BYTES:
        raise MalformedUpload(MalformedUpload.__doc__)
    content += piece
    return False


def _finished(
    part: Field | File | None, content: bytearray, too_large: bool
) -> FieldPart | FilePart:
    if isinstance(part, File):
        return FilePart(
            part.name, part.filename or "", None if too_large else bytes(content)
        )
    if part is None:
        raise MalformedUpload(MalformedUpload.__doc__)
    # Browsers send fields in the page's encoding, which is always UTF-8 here.
    return FieldPart(part.name, content.decode("utf-8", "replace"))


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not 0 < len(boundary) <= LONGEST_BOUNDARY:
        raise MalformedUpload(MalformedUpload.__doc__)
    try:
        return boundary.encode("ascii")
    except UnicodeEncodeError:
        raise MalformedUpload(MalformedUpload.__doc__) from None
