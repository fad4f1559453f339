"""
Files that reporters of ready-made cases send: good ones, and some that mean harm.

Made here and not kept as files, so that no scanner finds a bomb in the package, and
every one of them can be read before it is trusted.  The harm is real enough for the
sandbox to refuse it, and small enough to be kept anywhere.
"""

import io
import zipfile
from collections.abc import Callable, Mapping

from PIL import Image, ImageDraw
from reportlab.pdfgen.canvas import Canvas

MARK = "LATIHAN"

_TYPES = """<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels"
 ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/word/document.xml" ContentType="application/vnd.\
openxmlformats-officedocument.wordprocessingml.document.main+xml"/>
</Types>"""
_RELATIONS = """<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Target="word/document.xml"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/\
officeDocument"/>
</Relationships>"""
_DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">
<w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"""


def content_of(name: str) -> bytes:
    """
    Make the file of a ready-made case.

    Raises:
        KeyError: If there is none of this name.
    """
    return _FILES[name]()


def _picture(format_: str, text: str) -> bytes:
    picture = Image.new("RGB", (640, 420), "#d9d2c3")
    draw = ImageDraw.Draw(picture)
    for place in range(0, 640, 80):
        draw.rectangle((place + 8, 150, place + 70, 330), fill="#8a6d3b")
    draw.text((24, 24), f"{MARK}\n{text}", fill="#1b2823", font_size=28)
    # What a camera would leave behind, for the trainees to find.
    exif = picture.getexif()
    exif[0x010F], exif[0x0110] = "Kamera Contoh", f"{MARK}-1"
    target = io.BytesIO()
    picture.save(target, format_, exif=exif)
    return target.getvalue()


def _receipt(text: str) -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(420, 300), invariant=1)
    canvas.setAuthor("Pejabat Contoh")
    canvas.setFont("Helvetica", 16)
    for line, words in enumerate((MARK, text, "Rp400.000", "Contoh")):
        canvas.drawString(40, 240 - 36 * line, words)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def _letter(text: str) -> bytes:
    return _archive(
        {
            "[Content_Types].xml": _TYPES,
            "_rels/.rels": _RELATIONS,
            "word/document.xml": _DOCUMENT.format(text=f"{MARK}: {text}"),
        }
    )


def _bomb() -> bytes:
    # 60 MiB of zeros in some 60 kB: what real ones do with terabytes.
    return _archive({"bukti.txt": "0" * (60 * 1024 * 1024)})


def _page() -> bytes:
    return (
        f"<!doctype html><title>{MARK}</title>"
        "<script>fetch('http://127.0.0.1/')</script>"
        "<img src='http://198.51.100.1/latihan.png'>Buka saya"
    ).encode()


def _archive(members: Mapping[str, str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, text in members.items():
            # A ZIP has the time of day in it; these have none.
            file.writestr(
                zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED, compresslevel=9
            )
    return target.getvalue()


_FILES: Mapping[str, Callable[[], bytes]] = {
    "foto.jpg": lambda: _picture("JPEG", "Balai Desa Contoh"),
    "foto.png": lambda: _picture("PNG", "Toko Contoh"),
    "kuitansi.pdf": lambda: _receipt("Kuitansi"),
    "receipt.pdf": lambda: _receipt("Receipt"),
    "surat.docx": lambda: _letter("Surat tugas"),
    "bukti.zip": _bomb,
    "halaman.html": _page,
    # Neither is what its name says.
    "foto-palsu.jpg": lambda: b"MZ" + MARK.encode() + bytes(2000),
    "rekaman.docx": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000),
}
