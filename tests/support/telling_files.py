"""Files that say something about a made-up author, written by real writers."""

import io
import struct
import zipfile

from PIL import ExifTags, Image
from pypdf import PdfWriter

AUTHOR = "Penulis Uji"
COMPANY = "Lembaga Uji"

_CORE = f"""<?xml version="1.0"?>
<cp:coreProperties xmlns:cp="urn:cp" xmlns:dc="urn:dc" xmlns:dcterms="urn:t">
<dc:creator>{AUTHOR}</dc:creator><cp:lastModifiedBy>{AUTHOR} Dua</cp:lastModifiedBy>
<dcterms:created>2026-03-01T08:15:00Z</dcterms:created></cp:coreProperties>"""
_APP = f"""<Properties xmlns="urn:app"><Company>{COMPANY}</Company></Properties>"""
_COMMENTS = (
    '<w:comments xmlns:w="urn:w"><w:comment w:author="Pengulas Uji"/></w:comments>'
)
_META = f"""<m xmlns:dc="urn:dc" xmlns:meta="urn:meta">
<meta:initial-creator>{AUTHOR}</meta:initial-creator></m>"""


def jpeg_with_position() -> bytes:
    """Make a photograph that was taken at Monas, Jakarta."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Uji"
    exif[ExifTags.Base.Model] = "X1"
    positions = exif.get_ifd(ExifTags.IFD.GPSInfo)
    positions[ExifTags.GPS.GPSLatitudeRef] = "S"
    positions[ExifTags.GPS.GPSLatitude] = (6.0, 10.0, 30.0)
    positions[ExifTags.GPS.GPSLongitudeRef] = "E"
    positions[ExifTags.GPS.GPSLongitude] = (106.0, 49.0, 36.0)
    content = io.BytesIO()
    Image.new("RGB", (64, 48), "gray").save(content, "JPEG", exif=exif)
    return content.getvalue()


def plain_jpeg() -> bytes:
    """Make a picture that says nothing."""
    content = io.BytesIO()
    Image.new("RGB", (64, 48), "gray").save(content, "JPEG")
    return content.getvalue()


def pdf_with_author(**also: str) -> bytes:
    """Make a PDF of one empty page, which says what it is told to."""
    writer = PdfWriter()
    writer.add_blank_page(width=100, height=100)
    said = {f"/{name}": value for name, value in also.items()}
    writer.add_metadata({"/Author": AUTHOR, **said})
    content = io.BytesIO()
    writer.write(content)
    return content.getvalue()


def archive(**members: str) -> bytes:
    """Make a ZIP; in the names, two underscores stand for a slash, one for a dot."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in members.items():
            file.writestr(name.replace("__", "/").replace("_", "."), text)
    return content.getvalue()


def docx_with_author() -> bytes:
    """Make the parts of a Word document that say who wrote it."""
    return archive(
        docProps__core_xml=_CORE, docProps__app_xml=_APP, word__comments_xml=_COMMENTS
    )


def odt_with_author() -> bytes:
    """Make the part of an OpenDocument that says who wrote it."""
    return archive(meta_xml=_META)


def doc_with_author() -> bytes:
    """
    Make an old Office file with nothing but its summary.

    A compound file of version 3 ([MS-CFB]): header, one sector of the allocation
    table, one of the directory, and a stream of eight sectors, so that it need not
    be in the "mini" stream.
    """
    sector, free, end = 512, 0xFFFFFFFF, 0xFFFFFFFE
    stream_bytes = 8 * sector
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        0x3E, 3, 0xFFFE, 9, 6,  # Versions, little-endian, sectors of 512 and 64.
        0, 1, 1, 0, 4096,  # One sector of the table; the directory is in sector 1.
        end, 0, end, 0, 0,  # No mini stream; the table is in sector 0.
    ) + struct.pack("<I", free) * 108  # fmt: skip  # As [MS-CFB] 2.2 lists them.
    table = [0xFFFFFFFD, end, *range(3, 10), end]
    allocation = struct.pack("<128I", *table, *[free] * (128 - len(table)))
    directory = (
        _entry("Root Entry", 5, child=1, start=end, size=0)
        + _entry("\x05SummaryInformation", 2, child=free, start=2, size=stream_bytes)
    ).ljust(sector, b"\0")
    return header + allocation + directory + _summary().ljust(stream_bytes, b"\0")


def _entry(name: str, kind: int, *, child: int, start: int, size: int) -> bytes:
    free = 0xFFFFFFFF
    encoded = name.encode("utf-16-le") + b"\0\0"
    return (
        encoded.ljust(64, b"\0")
        + struct.pack("<HBB", len(encoded), kind, 1)
        + struct.pack("<III", free, free, child)
        + bytes(16 + 4 + 16)
        + struct.pack("<IQ", start, size)
    )


def _summary() -> bytes:
    # [MS-OLEPS]: one property set with one property, 4: the author.
    value = AUTHOR.encode("ascii") + b"\0"
    properties = (
        struct.pack("<II", 4, 16) + struct.pack("<II", 0x1E, len(value)) + value
    )
    section = struct.pack("<II", 8 + len(properties), 1) + properties
    identity = bytes.fromhex("e0859ff2f94f6810ab9108002b27b3d9")
    return (
        struct.pack("<HHI16sI", 0xFFFE, 0, 0, bytes(16), 1)
        + identity
        + (struct.pack("<I", 48) + section)
    )
