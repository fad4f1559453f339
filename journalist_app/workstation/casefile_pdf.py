"""
Drawing a case file: text in, a PDF out, for the same text the same bytes.

    RAHASIA                                  Page 2 of 7
    Case file 7KD-4Q9Z-XB3Y                     redacted
    ----------------------------------------------------
    The matter
    What
    text, wrapped here and by nobody else ...
    ----------------------------------------------------
    For: ...

The text is the reporter's and may be hostile: it is drawn as it is, never read as
markup; what is invisible is written as its number, and so are letters that the
typeface has not; an endless line is cut at the width of the page.  All of it is one
pass over the characters, and there is a limit to their number.

The typeface is DejaVu, which is on the desk because the viewer needs it, too.  It is
embedded, so that the page can be read anywhere and in twenty years.  What it does not
do: writing from right to left is drawn in the order in which it is stored.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reportlab.lib.colors import Color, HexColor, black
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas

from journalist_app.workstation.errors import TooMuchText, TypefaceMissing
from journalist_app.workstation.viewing.viewer import visible

FONT_FOLDER = Path("/usr/share/fonts/truetype/dejavu")
REGULAR, BOLD, MONO = "BisikDejaVu", "BisikDejaVuBold", "BisikDejaVuMono"
_FONT_FILES = {
    REGULAR: "DejaVuSans.ttf",
    BOLD: "DejaVuSans-Bold.ttf",
    MONO: "DejaVuSansMono.ttf",
}

PAGE_WIDTH, PAGE_HEIGHT = A4  # points
SIDE = 20 * mm
TOP = 31 * mm
BOTTOM = 22 * mm
WIDTH = PAGE_WIDTH - 2 * SIDE
LEADING = 1.42  # of the size of the letters

# Some 700 pages: a case with more is nothing that anybody reads.
MOST_CHARACTERS = 2_000_000

# reportlab writes five digits where a PDF takes four (ISO 32000-1, 9.10.3): text with
# letters beyond the Basic Multilingual Plane could no longer be copied out.
_LAST_OF_BMP = 0xFFFF

_RULE = HexColor("#8a8f8c")
_SOFT = HexColor("#3f4944")
_CLASSIFIED = HexColor("#a11d21")


@dataclass(frozen=True)
class Style:
    """How a stretch of text looks; sizes in points."""

    font: str = REGULAR
    size: float = 10.0
    above: float = 0.0
    color: Color = black
    # Whether it stays on a page with what follows.
    keep: bool = False


HEADLINE = Style(BOLD, 19.0, keep=True)
HEADING = Style(BOLD, 13.5, above=17.0, keep=True)
LABEL = Style(BOLD, 9.0, above=8.0, color=_SOFT, keep=True)
BODY = Style(above=1.5)
SMALL = Style(size=9.0, above=4.0, color=_SOFT)
CODE = Style(MONO, 8.2, above=3.0)


@dataclass(frozen=True)
class Stretch:
    """Text of one style, with as many lines as it needs."""

    text: str = field(repr=False)
    style: Style = BODY


@dataclass(frozen=True)
class Frame:
    """
    What stands on every page.

    Attributes:
        page: With {page} and {pages}.

        language: Of the document, for programs that read it aloud.
    """

    classification: str
    title: str = field(repr=False)
    right: str
    page: str
    foot: str = field(repr=False)
    language: str


@dataclass(frozen=True)
class _Row:
    text: str
    style: Style
    above: float

    @property
    def height(self) -> float:
        return self.above + self.style.size * LEADING


@dataclass(frozen=True)
class Drawn:
    """A PDF, and how many pages it has."""

    pdf: bytes = field(repr=False)
    pages: int


def draw(frame: Frame, stretches: Sequence[Stretch]) -> Drawn:
    """
    Draw a document.

    Raises:
        TypefaceMissing: If the fonts are not on this machine.

        TooMuchText: If there is more than `MOST_CHARACTERS`.
    """
    if sum(len(stretch.text) for stretch in stretches) > MOST_CHARACTERS:
        raise TooMuchText(TooMuchText.__doc__)
    _register_fonts()
    rows = [row for stretch in stretches for row in _rows(stretch)]
    pages = list(_paginate(rows))
    target = io.BytesIO()
    canvas = Canvas(
        target,
        pagesize=A4,
        invariant=True,  # No time, and no number that differs from one making on.
        initialFontName=REGULAR,  # Helvetica is never embedded.
        lang=frame.language,
    )
    canvas.setTitle(shown(frame.title))
    for clear in (
        canvas.setAuthor,
        canvas.setCreator,
        canvas.setSubject,
        canvas.setProducer,
    ):
        clear("")
    for number, page in enumerate(pages, start=1):
        _draw_frame(canvas, frame, number, len(pages))
        _draw_rows(canvas, page)
        canvas.showPage()
    canvas.save()
    return Drawn(target.getvalue(), len(pages))


def shown(untrusted_text: str) -> str:
    """Return text in which everything can be seen: numbers stand for what cannot."""
    _register_fonts()
    glyphs = pdfmetrics.getFont(REGULAR).face.charToGlyph

    def seen(character: str) -> str:
        code = ord(character)
        if character == "\n":
            return character
        if code in glyphs and code <= _LAST_OF_BMP:
            return visible(character)
        return f"⟨{code:04X}⟩"

    text = untrusted_text.replace("\r\n", "\n").replace("\t", "    ")
    return "".join(map(seen, text))


def wrapped(text: str, font: str, size: float, width: float) -> Iterator[str]:
    """Break text into lines that are no wider than *width* points."""
    for line in text.split("\n"):
        yield from _broken(line, _Ruler(font, size), width)


class _Ruler:
    """Measures letters of one font and size; each kind of letter once."""

    def __init__(self, font: str, size: float) -> None:
        face = pdfmetrics.getFont(font).face
        self._widths = face.charWidths
        self._default = face.defaultWidth
        self._scale = size / 1000

    def width(self, character: str) -> float:
        """Return the width of a letter in points."""
        units = self._widths.get(ord(character), self._default)
        return float(units) * self._scale


def _broken(line: str, ruler: _Ruler, width: float) -> Iterator[str]:
    start = 0
    space = -1  # The last place at which the line can be broken.
    used = 0.0
    since_space = 0.0
    for place, character in enumerate(line):
        wide = ruler.width(character)
        if used + wide > width and place > start:
            if character == " ":
                yield line[start:place]
                start, space, used, since_space = place + 1, -1, 0.0, 0.0
                continue
            if space >= start:
                yield line[start:space]
                start, used = space + 1, since_space
            else:
                yield line[start:place]
                start, used = place, 0.0
            space = -1
        used += wide
        since_space += wide
        if character == " ":
            space, since_space = place, 0.0
    yield line[start:]


def _rows(stretch: Stretch) -> Iterator[_Row]:
    style = stretch.style
    lines = wrapped(shown(stretch.text), style.font, style.size, WIDTH)
    for number, line in enumerate(lines):
        yield _Row(line, style, style.above if number == 0 else 0.0)


def _paginate(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    room = PAGE_HEIGHT - TOP - BOTTOM
    page: list[_Row] = []
    left = room
    for place, row in enumerate(rows):
        needed = row.height
        ahead = place
        while rows[ahead].style.keep and ahead + 1 < len(rows):
            ahead += 1
            needed += rows[ahead].height
            if needed > room / 2:
                break  # Headings without an end need not stay together.
        if needed > left and page:
            yield page
            page, left = [], room
        page.append(row)
        left -= row.height
    yield page


def _draw_rows(canvas: Canvas, rows: Sequence[_Row]) -> None:
    y = PAGE_HEIGHT - TOP
    for place, row in enumerate(rows):
        y -= row.height if place else row.height - row.above
        canvas.setFont(row.style.font, row.style.size)
        canvas.setFillColor(row.style.color)
        canvas.drawString(SIDE, y + row.style.size * 0.3, row.text)


def _draw_frame(canvas: Canvas, frame: Frame, number: int, pages: int) -> None:
    right = PAGE_WIDTH - SIDE
    canvas.setFillColor(_CLASSIFIED)
    canvas.setFont(BOLD, 10.5)
    canvas.drawString(SIDE, PAGE_HEIGHT - 15 * mm, frame.classification)
    canvas.setFillColor(_SOFT)
    canvas.setFont(REGULAR, 8.5)
    page = frame.page.format(page=number, pages=pages)
    canvas.drawRightString(right, PAGE_HEIGHT - 15 * mm, page)
    canvas.drawString(SIDE, PAGE_HEIGHT - 20 * mm, _fitting(frame.title, WIDTH * 0.6))
    canvas.drawRightString(right, PAGE_HEIGHT - 20 * mm, frame.right)
    canvas.drawString(SIDE, 13 * mm, _fitting(frame.foot, WIDTH))
    canvas.setStrokeColor(_RULE)
    canvas.setLineWidth(0.6)
    canvas.line(SIDE, PAGE_HEIGHT - 23 * mm, right, PAGE_HEIGHT - 23 * mm)
    canvas.line(SIDE, 17 * mm, right, 17 * mm)


def _fitting(text: str, width: float) -> str:
    """Cut one line at a width; the whole of it stands on the first page."""
    return next(wrapped(shown(text), REGULAR, 8.5, width))


def _register_fonts() -> None:
    for name, file in _FONT_FILES.items():
        if name not in pdfmetrics.getRegisteredFontNames():
            try:
                pdfmetrics.registerFont(TTFont(name, str(FONT_FOLDER / file)))
            except (OSError, TTFError):
                raise TypefaceMissing(TypefaceMissing.__doc__) from None
