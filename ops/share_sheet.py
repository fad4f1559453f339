"""
The sheet of one share: a page of A4 that somebody keeps for ten years.

    which share of which key, how many are needed
    11 rows of 3 words
    what it is, what to do with it (Indonesian, English)
    the public key, as a QR code and as text

The public key is on every sheet, so that paper alone brings the key back when every
disk is lost.  Black on white, so that any printer will do; the typefaces and colours
are those of the leaflet.  This module reads no clock and writes no file.
"""

from dataclasses import dataclass
from datetime import date
from io import BytesIO

from reportlab.graphics import renderPDF
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import black
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from crypto.fingerprint import Fingerprint
from ops.leaflet import BOLD, GREEN, LINE, REGULAR, SOFT, register_fonts
from ops.shares import Words

PAGE_WIDTH, PAGE_HEIGHT = A4  # points
SIDE = 20 * mm
WIDTH = PAGE_WIDTH - 2 * SIDE
WORDS_IN_ROW = 3
ROW = 9 * mm
QR_SIDE = 52 * mm

_ID = (
    "<b>Lembar ini adalah bagian dari kunci organisasi Bisik.</b> Bagian mana pun "
    "sebanyak {needed} dari {count}, bersama-sama, menjadi kunci yang dapat "
    "mengesahkan siapa pun sebagai petugas; kurang dari itu tidak berarti apa-apa. "
    "Simpan di amplop bersegel, terkunci, jauh dari bagian lain. Jangan difoto, "
    "disalin, atau diketik ke komputer mana pun, kecuali pada upacara pemulihan: "
    "<b>bisik organisation join</b>, di komputer tanpa jaringan. Empat huruf pertama "
    "tiap kata sudah cukup."
)
_EN = (
    "<b>This sheet is a share of the organisation's key of Bisik.</b> Any {needed} of "
    "{count} together are the key that can make anybody an officer; fewer tell "
    "nothing. Keep it in a sealed envelope, locked, far from the others. Do not "
    "photograph or copy it, nor type it into any computer but at the ceremony of "
    "recovery: <b>bisik organisation join</b>, on a machine without a network. The "
    "first four letters of each word are enough."
)


@dataclass(frozen=True)
class Sheet:
    """What is printed on one sheet."""

    fingerprint: Fingerprint
    public_key: str
    number: int
    count: int
    needed: int
    made: date
    words: Words

    def __repr__(self) -> str:
        return f"Sheet({self.number} of {self.count})"


def draw_sheet(sheet: Sheet) -> bytes:
    """Draw a sheet; a PDF of one page."""
    register_fonts()
    file = BytesIO()
    canvas = Canvas(
        file, pagesize=A4, invariant=True, initialFontName=REGULAR, lang="id"
    )
    canvas.setTitle(f"Bisik: {sheet.number}/{sheet.count}")
    top = _head(canvas, sheet, PAGE_HEIGHT - 20 * mm)
    top = _draw_words(canvas, sheet.words, top - 6 * mm)
    for text in (_ID, _EN):
        top = _paragraph(
            canvas, text.format(needed=sheet.needed, count=sheet.count), top - 4 * mm, 9
        )
    _draw_public_key(canvas, sheet.public_key, top - 6 * mm)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


def _head(canvas: Canvas, sheet: Sheet, top: float) -> float:
    canvas.setFillColor(GREEN)
    canvas.setFont(BOLD, 18)
    canvas.drawString(SIDE, top, f"Bagian {sheet.number} dari {sheet.count}")
    canvas.setFont(REGULAR, 11)
    canvas.drawRightString(
        PAGE_WIDTH - SIDE,
        top,
        f"Share {sheet.number} of {sheet.count}, {sheet.needed} are needed"
        f" · {sheet.made}",
    )
    canvas.setFillColor(black)
    canvas.setFont(BOLD, 11)
    groups = [sheet.fingerprint[at : at + 4] for at in range(0, 40, 4)]
    canvas.drawString(SIDE, top - 9 * mm, " ".join(groups))
    canvas.setStrokeColor(LINE)
    canvas.line(SIDE, top - 12 * mm, PAGE_WIDTH - SIDE, top - 12 * mm)
    return float(top - 14 * mm)


def _draw_words(canvas: Canvas, words: Words, top: float) -> float:
    column = WIDTH / WORDS_IN_ROW
    for index, word in enumerate(words):
        row, place = divmod(index, WORDS_IN_ROW)
        left, base = SIDE + place * column, top - row * ROW
        canvas.setFillColor(SOFT)
        canvas.setFont(REGULAR, 9)
        canvas.drawRightString(left + 8 * mm, base, f"{index + 1}")
        canvas.setFillColor(black)
        canvas.setFont(BOLD, 14)
        canvas.drawString(left + 11 * mm, base, word)
    return float(top - (len(words) - 1) // WORDS_IN_ROW * ROW - 2 * mm)


def _paragraph(canvas: Canvas, text: str, top: float, size: float) -> float:
    style = ParagraphStyle(
        "text", fontName=REGULAR, fontSize=size, leading=size * 1.35, textColor=black
    )
    paragraph = Paragraph(text, style)
    _width, height = paragraph.wrap(WIDTH, PAGE_HEIGHT)
    paragraph.drawOn(canvas, SIDE, top - height)
    return float(top - height)


def _draw_public_key(canvas: Canvas, armored: str, top: float) -> None:
    code = QrCodeWidget(armored, barLevel="L", barWidth=QR_SIDE, barHeight=QR_SIDE)
    drawing = Drawing(QR_SIDE, QR_SIDE)
    drawing.add(code)
    renderPDF.draw(drawing, canvas, PAGE_WIDTH - SIDE - QR_SIDE, top - QR_SIDE)
    canvas.setFillColor(SOFT)
    lines = canvas.beginText(SIDE, top - 5 * mm)
    lines.setFont(REGULAR, 6.2, leading=8)
    for line in armored.strip().splitlines():
        lines.textLine(line)
    canvas.drawText(lines)
