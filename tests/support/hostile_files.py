"""Files as strangers send them: good ones, and some that were made to do harm."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from typing import Literal

from PIL import Image
from reportlab.pdfgen.canvas import Canvas

_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/'
    'content-types"><Default Extension="rels" ContentType="application/vnd.'
    'openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.'
    'document.main+xml"/></Types>'
)
_RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/'
    'package/2006/relationships"><Relationship Id="r1" Type="http://schemas.'
    'openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="word/document.xml"/></Relationships>'
)


def pdf(*, pages: int = 1, size: tuple[float, float] = (595, 842)) -> bytes:
    """Make a PDF by an author, with a line on each page."""
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=size)
    canvas.setAuthor("Sari Contoh")
    for number in range(1, pages + 1):
        canvas.drawString(72, size[1] / 2, f"Halaman {number}")
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def picture(format_: str, *, size: tuple[int, int] = (300, 200)) -> bytes:
    """Make a picture of one colour."""
    target = io.BytesIO()
    Image.new("RGB", size, "teal").save(target, format_)
    return target.getvalue()


def docx(*, paragraphs: str = "<w:p><w:r><w:t>Halo</w:t></w:r></w:p>") -> bytes:
    """Make the smallest Word document there is."""
    body = (
        '<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/'
        f'wordprocessingml/2006/main"><w:body>{paragraphs}</w:body></w:document>'
    )
    return archive(
        {
            "[Content_Types].xml": _TYPES.encode(),
            "_rels/.rels": _RELATIONS.encode(),
            "word/document.xml": body.encode(),
        }
    )


def archive(members: dict[str, bytes]) -> bytes:
    """Make a ZIP."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return target.getvalue()


def tar(
    members: dict[str, bytes], *, packed: Literal["", "gz", "bz2", "xz"] = ""
) -> bytes:
    """Make a tar, plain or packed."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as file:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    content = target.getvalue()
    if packed == "gz":
        return gzip.compress(content)
    if packed == "bz2":
        return bz2.compress(content)
    return lzma.compress(content) if packed == "xz" else content


def tar_bomb(*, unpacked_bytes: int) -> bytes:
    """Make a tar.gz of a few hundred kB that says it has one enormous member."""
    member = tarfile.TarInfo("nol")
    member.size = unpacked_bytes
    header = member.tobuf(tarfile.PAX_FORMAT)
    return gzip.compress(header) + gzip.compress(bytes(1 << 20)) * (
        unpacked_bytes >> 20
    )


def flate_bomb(*, unpacked_bytes: int) -> bytes:
    """Make a PDF whose one page has a small stream that becomes enormous."""
    packed = zlib.compress(b"0 0 m 9 9 l S\n" * (unpacked_bytes // 14), 9)
    return _pdf_of(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>",
            b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream"
            % (len(packed), packed),
        ]
    )


def png_bomb(side: int = 30_000) -> bytes:
    """Make a PNG of a few kB that says it has almost a thousand million pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * side), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


def endless_pdf() -> bytes:
    """Make a PDF whose one page draws the same thing for hours."""
    steps = b"q 1 0 0 1 0 0 cm 0 0 595 842 re f Q\n" * 1000
    forms = [b"/F0 Do\n" * 100]
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /XObject << /F0 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(forms[0]), forms[0]),
    ]
    # Every form draws the next one a hundred times: 100 ** 5 times in the end.
    for depth in range(5, 9):
        inner = b"/F Do\n" * 100
        objects.append(
            b"<< /Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources "
            b"<< /XObject << /F %d 0 R >> >> /Length %d >>\nstream\n%s\nendstream"
            % (depth + 1, len(inner), inner)
        )
    objects.append(
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 595 842] /Length %d >>\nstream\n"
        b"%s\nendstream" % (len(steps), steps)
    )
    return _pdf_of(objects)


def _pdf_of(objects: list[bytes]) -> bytes:
    content = b"%PDF-1.4\n"
    places = []
    for number, one in enumerate(objects, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    content += b"".join(b"%010d 00000 n \n" % place for place in places)
    return content + (
        b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, table)
    )
