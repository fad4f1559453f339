"""
Inspection: what a file says about whoever made it.

    bytes --magic--> picture   Pillow      position, device, author, software, time
                     PDF       pypdf       author, software, time
                     ZIP       zipfile     Office and OpenDocument: author, company ...
                     OLE       olefile     old Office: the same

The kind of a file is told by its content, never by its name.  What cannot be read
says nothing, and is marked as not looked into.  This module only reads bytes; since
they may attack whatever reads them, it runs in a process of its own
(`source_app.inspector`, `journalist_app.workstation.viewing`).
"""

import io
import warnings
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import olefile
from defusedxml import ElementTree
from PIL import ExifTags, Image
from pypdf import PdfReader

from casework.text import clean_line
from casework.traces import (
    MOST_TRACES,
    NOT_LOOKED,
    VALUE_CHARACTERS,
    Inspection,
    Trace,
    TraceKind,
)

MEMBER_BYTES = 1024 * 1024  # Of a ZIP; the members looked at are far smaller.

_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"RIFF")
_PDF = b"%PDF-"
_PDF_WITHIN_BYTES = 1024  # Readers accept rubbish before it.
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


_Found = Iterator[tuple[TraceKind, object]]


def inspect(content: bytes) -> Inspection:
    """Look inside a file; never raises, whatever it holds."""
    reader = _reader(content)
    if reader is None:
        return NOT_LOOKED
    try:
        with warnings.catch_warnings():
            # Parsers warn of what they find, and quote it.
            warnings.simplefilter("ignore")
            found = list(reader(content))
    except Exception:  # noqa: BLE001 - Parsers raise what they like on hostile bytes.
        return NOT_LOOKED
    traces = dict.fromkeys(
        Trace(kind, value) for kind, raw in found if (value := _line(raw))
    )
    order = list(TraceKind)
    ordered = sorted(traces, key=lambda trace: order.index(trace.kind))
    return Inspection(tuple(ordered[:MOST_TRACES]), looked_inside=True)


def _reader(content: bytes) -> Callable[[bytes], _Found] | None:
    if content.startswith(_PICTURES):
        return _picture
    if _PDF in content[:_PDF_WITHIN_BYTES]:
        return _pdf
    if content.startswith(_ZIP):
        return _zip
    if content.startswith(_OLE):
        return _ole
    return None


def _picture(content: bytes) -> _Found:
    # Only the headers are read: no pixel is decoded.
    with Image.open(io.BytesIO(content)) as picture:
        exif = picture.getexif()
        comment = picture.info.get("comment") or picture.info.get("Author")
    positions = exif.get_ifd(ExifTags.IFD.GPSInfo)
    details = exif.get_ifd(ExifTags.IFD.Exif)
    latitude = _degrees(
        positions, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef
    )
    longitude = _degrees(
        positions, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef
    )
    if latitude is not None and longitude is not None:
        yield TraceKind.POSITION, f"{latitude:.5f}, {longitude:.5f}"
    maker, model = exif.get(ExifTags.Base.Make), exif.get(ExifTags.Base.Model)
    yield TraceKind.DEVICE, " ".join(str(part) for part in (maker, model) if part)
    yield TraceKind.DEVICE, details.get(ExifTags.Base.BodySerialNumber)
    yield TraceKind.AUTHOR, exif.get(ExifTags.Base.Artist)
    yield TraceKind.AUTHOR, exif.get(ExifTags.Base.Copyright)
    yield TraceKind.AUTHOR, details.get(ExifTags.Base.CameraOwnerName)
    yield TraceKind.AUTHOR, comment
    yield TraceKind.SOFTWARE, exif.get(ExifTags.Base.Software)
    taken = details.get(ExifTags.Base.DateTimeOriginal)
    yield TraceKind.TIME, taken or exif.get(ExifTags.Base.DateTime)


def _degrees(positions: dict[int, Any], value: int, side: int) -> float | None:
    if value not in positions:
        return None
    degrees, minutes, seconds = (float(part) for part in positions[value])
    sign = -1 if str(positions.get(side, "")).upper() in ("S", "W") else 1
    return sign * (degrees + minutes / 60 + seconds / 3600)


def _pdf(content: bytes) -> _Found:
    document = PdfReader(io.BytesIO(content), strict=False)
    said = document.metadata
    if said is None:
        return
    yield TraceKind.AUTHOR, said.author
    yield TraceKind.ORGANISATION, said.get("/Company")
    yield TraceKind.SOFTWARE, said.creator
    yield TraceKind.SOFTWARE, said.producer
    yield TraceKind.TIME, _time(lambda: said.creation_date, said.creation_date_raw)
    yield (
        TraceKind.TIME,
        _time(lambda: said.modification_date, said.modification_date_raw),
    )


def _time(read: Callable[[], datetime | None], raw: object) -> object:
    """Return a time as people read it; as the file has it, where it is none."""
    try:
        return read() or raw
    except ValueError:
        return raw


# The element's name without its namespace, and what it tells.
_XML_TELLS = {
    "creator": TraceKind.AUTHOR,
    "initial-creator": TraceKind.AUTHOR,
    "lastModifiedBy": TraceKind.AUTHOR,
    "Manager": TraceKind.AUTHOR,
    "Company": TraceKind.ORGANISATION,
    "Application": TraceKind.SOFTWARE,
    "generator": TraceKind.SOFTWARE,
    "created": TraceKind.TIME,
    "creation-date": TraceKind.TIME,
    "modified": TraceKind.TIME,
    "date": TraceKind.TIME,
}
_MEMBERS = ("docProps/core.xml", "docProps/app.xml", "meta.xml")
_MEMBERS_WITH_EDITS = ("word/comments.xml", "word/document.xml")


def _zip(content: bytes) -> _Found:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = set(archive.namelist())
        if not names & {*_MEMBERS, *_MEMBERS_WITH_EDITS}:
            raise ValueError("an archive that is no document")
        for name in _MEMBERS:
            if name in names:
                for element in _elements(archive, name):
                    kind = _XML_TELLS.get(_local_name(element.tag))
                    if kind is not None:
                        yield kind, element.text
        for name in _MEMBERS_WITH_EDITS:
            if name in names:
                for element in _elements(archive, name):
                    for attribute, value in element.attrib.items():
                        if _local_name(attribute) == "author":
                            yield TraceKind.EDITS, value


def _elements(archive: zipfile.ZipFile, name: str) -> Iterator[Any]:
    with archive.open(name) as member:
        # Whatever the directory says of its size: a bomb is not unpacked.
        content = member.read(MEMBER_BYTES + 1)
    if len(content) > MEMBER_BYTES:
        return iter(())
    elements: Iterator[Any] = ElementTree.fromstring(content).iter()
    return elements


def _local_name(name: str) -> str:
    return name.rpartition("}")[2]


def _ole(content: bytes) -> _Found:
    with olefile.OleFileIO(io.BytesIO(content)) as document:
        said = document.get_metadata()
    yield TraceKind.AUTHOR, said.author
    yield TraceKind.AUTHOR, said.last_saved_by
    yield TraceKind.AUTHOR, said.manager
    yield TraceKind.ORGANISATION, said.company
    yield TraceKind.SOFTWARE, said.creating_application
    yield TraceKind.TIME, said.create_time
    yield TraceKind.TIME, said.last_saved_time


def _line(raw: object) -> str:
    if raw is None:
        return ""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    line = clean_line(text)
    return clean_line(line[:VALUE_CHARACTERS])
