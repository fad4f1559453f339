"""
The leaflet: one page for a notice board that says how to reach the site.

    mark, institution                    )  )  )
    what this is for
    +--------------------------------------+
    | QR code   the address, to be typed   |
    |           the address, in one line   |
    |           six words of it            |
    +--------------------------------------+
    1 Tor Browser        3 the address
    2 Safest             4 seven words
    what not to do
    programme, institution

Everything a reader must distinguish is black on white, so that any printer will do;
the colours are those of the site.  The typeface is Bitstream Vera, which reportlab
brings and which may be embedded, so that the page looks alike everywhere.

The page says of Bisik only what docs/threat-model.md says.  What it says of Tor:

    Where Tor Browser for Android is       https://support.torproject.org/mobile-tor/
    F-Droid and its Guardian Project       https://support.torproject.org/tormobile/tormobile-7/
    GetTor: what to write, and the bot     https://support.torproject.org/censorship/connecting-from-china/
    The security levels and the shield     https://tb-manual.torproject.org/security-settings/
    Bridges                                https://tb-manual.torproject.org/bridges/
    That such sites are blocked in Indonesia
                                           https://ooni.org/post/2022-state-of-internet-censorship-indonesia/

This module reads no clock and writes no file: the same leaflet is the same bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path

import reportlab
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.lib.colors import Color, HexColor, black, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from casework.profile import LocalProfile, Profile
from ops.address_words import address_words
from ops.errors import OpsError
from tor.address import SUFFIX, OnionAddress

PAGE_WIDTH, PAGE_HEIGHT = A4  # points
SIDE = 13 * mm
TOP = 11 * mm
BOTTOM = 9 * mm
WIDTH = PAGE_WIDTH - 2 * SIDE

QR_SIDE = 68 * mm  # with its white border of four modules
# Reads even when about a quarter of it is stained or torn.
QR_LEVEL = "Q"

# Four at a time is what people keep in mind from the paper to the keyboard.
GROUP_LETTERS = 4
GROUPS_IN_ROW = 4
GROUP_SPACE = 0.7  # of the width of a letter

GREEN = HexColor("#12493b")
MARK = HexColor("#b8770f")
TINT = HexColor("#e7ebdd")
LINE = HexColor("#d8cfbb")
SOFT = HexColor("#3f4944")

REGULAR = "BisikVera"
BOLD = "BisikVeraBold"
_FONT_FILES = {REGULAR: "Vera.ttf", BOLD: "VeraBd.ttf"}

# Points, before a long name makes them smaller.
HEADLINE, TITLE, LEAD, BODY, LABEL, SMALL = 25, 12.5, 11.5, 10.7, 9.5, 8.5

# How much smaller the text may become for a long name, before it is refused.
_SCALES = tuple(percent / 100 for percent in range(100, 74, -2))
_LEAST_GAP, _MOST_GAP = 4.5 * mm, 9 * mm


class NoSuchLetter(OpsError):
    """The typeface of the leaflet has the letters of European languages only."""


class NamesTooLong(OpsError):
    """With names as long as the profile's, the leaflet does not fit on one page."""


@dataclass(frozen=True)
class Step:
    """One of the things to do."""

    title: str
    text: str


@dataclass(frozen=True)
class Wording:
    """
    What the leaflet says in one language.

    Attributes:
        lead: With {organisation}.

        steps: The last one with {within}.
    """

    title: str
    headline: str
    lead: str
    address: str
    typing: str
    whole: str
    words: str
    steps: tuple[Step, Step, Step, Step]
    do_not: str
    warnings: tuple[str, ...]
    emergency: str
    working_day: str
    working_days: str

    def within(self, days: int) -> str:
        """Return a number of working days in words."""
        return (self.working_day if days == 1 else self.working_days).format(days=days)


INDONESIAN = Wording(
    title="Melapor dengan aman",
    headline="Anda tahu ada yang tidak benar. Bisikkan kepada kami.",
    lead=(
        "Siapa pun yang mengetahui korupsi atau pelanggaran lain di lingkungan "
        "{organisation} dapat melapor tanpa menyebut nama, lalu kembali membaca "
        "jawabannya."
    ),
    address="Alamat situs",
    typing=(
        "Ketik tanpa spasi. Hanya huruf kecil dan angka 2 sampai 7, "
        "lalu <b>.onion</b> di ujungnya."
    ),
    whole="Utuh, untuk dicocokkan:",
    words="Enam kata alamat ini, untuk dicocokkan dengan pengumuman resmi:",
    steps=(
        Step(
            "Di rumah, pasang Tor Browser",
            "Di ponsel Android (bukan iPhone) atau komputer <b>milik sendiri</b>: dari "
            "Google Play (pengembang: <b>The Tor Project</b>), F-Droid (repositori "
            "Guardian Project), atau torproject.org.<br/><b>Unduhan diblokir?</b> "
            "Surel ke gettor@torproject.org dengan subjek windows, macos, atau linux; "
            "atau bot Telegram @GetTor_Bot.<br/><b>Tor tidak "
            "tersambung?</b> Pilih jembatan (bridge) di setelan koneksinya.",
        ),
        Step(
            "Pilih tingkat Safest",
            "Tekan gambar perisai, Settings (Pengaturan), lalu <b>Safest</b> (Paling "
            "Aman).",
        ),
        Step(
            "Buka alamat di atas",
            "Ketik di Tor Browser, atau pindai kodenya <b>dari dalam Tor Browser</b>, "
            "bukan dengan aplikasi kamera. <b>Cocokkan setiap huruf</b>, juga dengan "
            "pengumuman resmi: selebaran bisa palsu.",
        ),
        Step(
            "Simpan tujuh kata, lalu kembali",
            "Situs memberi Anda tujuh kata rahasia: <b>tulis di kertas.</b> Hanya "
            "dengan itu Anda dapat membaca jawaban, dan tidak ada yang dapat "
            "memulihkannya. Petugas memverifikasi laporan dalam {within}.",
        ),
    ),
    do_not="Jangan",
    warnings=(
        "memakai komputer, ponsel, atau jaringan <b>kantor</b>, juga untuk mengunduh "
        "Tor Browser;",
        "memotret selebaran ini dengan ponsel kantor atau di depan kamera pengawas;",
        "menyimpan alamatnya sebagai bookmark;",
        "menulis <b>siapa Anda</b>: nama, NIP, jabatan, telepon;",
        "bercerita bahwa Anda melapor, juga kepada rekan yang Anda percaya;",
        "memberitahukan tujuh kata itu. <b>Petugas tidak pernah memintanya.</b>",
    ),
    emergency="Bukan layanan darurat.<br/>Dalam bahaya, utamakan keselamatan Anda.",
    working_day="{days} hari kerja",
    working_days="{days} hari kerja",
)

ENGLISH = Wording(
    title="Report safely",
    headline="You know that something is wrong. Whisper it to us.",
    lead=(
        "Anyone who knows of corruption or another violation within the {organisation} "
        "can report it without giving a name, and come back to read the answer."
    ),
    address="Address of the site",
    typing=(
        "Type it without spaces. Only small letters and the digits 2 to 7, "
        "then <b>.onion</b> at the end."
    ),
    whole="Whole, to compare:",
    words="This address in six words, to compare with an official announcement:",
    steps=(
        Step(
            "At home, get Tor Browser",
            "On an Android phone (not an iPhone) or a computer <b>of your own</b>: "
            "from Google Play (by <b>The Tor Project</b>), F-Droid (repository of the "
            "Guardian Project), or torproject.org.<br/><b>Download blocked?</b> "
            "E-mail gettor@torproject.org with the subject windows, macos or linux; or "
            "use the Telegram bot @GetTor_Bot.<br/><b>Tor does not "
            "connect?</b> Choose a bridge in its connection settings.",
        ),
        Step(
            "Choose the level Safest",
            "Press the picture of a shield, Settings, then <b>Safest</b>.",
        ),
        Step(
            "Open the address above",
            "Type it in Tor Browser, or scan the code <b>from within Tor Browser</b>, "
            "not with the camera app. <b>Compare every letter</b>, with the official "
            "announcement, too: a leaflet can be forged.",
        ),
        Step(
            "Keep seven words, and return",
            "The site gives you seven secret words: <b>write them on paper.</b> Only "
            "with them can you read the answer, and nobody can recover them. Officers "
            "verify a report within {within}.",
        ),
    ),
    do_not="Do not",
    warnings=(
        "use a computer, phone or network of the <b>office</b>, not even to download "
        "Tor Browser;",
        "photograph this leaflet with an office phone or in view of a security camera;",
        "keep the address as a bookmark;",
        "write <b>who you are</b>: name, staff number, position, telephone;",
        "tell anybody that you are reporting, not even a colleague you trust;",
        "give the seven words to anybody. <b>Officers never ask for them.</b>",
    ),
    emergency="Not an emergency service.<br/>In danger, put your own safety first.",
    working_day="{days} working day",
    working_days="{days} working days",
)

WORDINGS = {"id": INDONESIAN, "en": ENGLISH}


@dataclass(frozen=True)
class _Block:
    """A part of the page, as wide as the text."""

    height: float  # points
    draw: Callable[[Canvas, float], None]  # given the height of its upper edge


def draw_leaflet(address: OnionAddress, profile: Profile, *, language: str) -> bytes:
    """
    Draw the leaflet of one institution.

    Args:
        address: Of the site.

        profile: Of the institution.

        language: One of `casework.profile.LANGUAGES`.

    Raises:
        NoSuchLetter: If a name has a letter that the typeface has not.

        NamesTooLong: If one page is not enough for them.

    Returns:
        A PDF of one page of A4; for the same leaflet the same bytes.
    """
    wording, local = WORDINGS[language], profile.in_language(language)
    register_fonts()
    _refuse_unknown_letters(
        local.organisation_name + local.organisation_short + local.programme_name
    )
    blocks, gap = _fitting(address, local, wording)
    file = BytesIO()
    canvas = Canvas(
        file,
        pagesize=A4,
        invariant=True,
        initialFontName=REGULAR,  # Helvetica is never embedded.
        lang=language,
    )
    canvas.setTitle(f"{wording.title}: {local.programme_name}")
    canvas.setAuthor(local.organisation_name)
    canvas.setCreator("Bisik")
    canvas.setSubject(f"http://{address}")
    _draw_rings(canvas)
    top = PAGE_HEIGHT - TOP
    for block in blocks:
        block.draw(canvas, top)
        top -= block.height + gap
    canvas.showPage()
    canvas.save()
    return file.getvalue()


def register_fonts() -> None:
    """Make the typefaces known to reportlab; may be called twice."""
    fonts = Path(reportlab.__file__).parent / "fonts"
    for name, file in _FONT_FILES.items():
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(fonts / file)))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD)


def _refuse_unknown_letters(names: str) -> None:
    known = pdfmetrics.getFont(REGULAR).face.charToGlyph
    unknown = sorted(letter for letter in set(names) if ord(letter) not in known)
    if unknown:
        raise NoSuchLetter(
            "the names in the profile have what the leaflet's typeface has not: "
            f"{', '.join(map(ascii, unknown))}"
        )


def _fitting(
    address: OnionAddress, profile: LocalProfile, wording: Wording
) -> tuple[list[_Block], float]:
    """Choose the largest text that fits on the page; return the gap between blocks."""
    for scale in _SCALES:
        blocks = _compose(address, profile, wording, scale)
        room = PAGE_HEIGHT - TOP - BOTTOM - sum(block.height for block in blocks)
        gap = room / (len(blocks) - 1)
        if gap >= _LEAST_GAP:
            return blocks, min(gap, _MOST_GAP)
    raise NamesTooLong(NamesTooLong.__doc__)


def _compose(
    address: OnionAddress, profile: LocalProfile, wording: Wording, scale: float
) -> list[_Block]:
    within = wording.within(profile.deadline_working_days)
    first, second, third, fourth = wording.steps
    fourth = Step(fourth.title, fourth.text.format(within=within))
    organisation = f"<b>{escape(profile.organisation_name)}</b>"
    return [
        _header(profile, scale),
        _text(
            wording.headline, size=HEADLINE * scale, bold=True, color=GREEN, part=0.84
        ),
        _text(wording.lead.format(organisation=organisation), size=LEAD * scale),
        _card(address, wording, scale),
        _steps((first, second), (third, fourth), scale),
        _warnings(wording, scale),
        _footer(profile, wording, scale),
    ]


def _paragraph(
    markup: str, *, size: float, bold: bool = False, color: Color = black
) -> Paragraph:
    style = ParagraphStyle(
        "",
        fontName=BOLD if bold else REGULAR,
        fontSize=size,
        leading=size * (1.17 if bold else 1.3),
        textColor=color,
    )
    return Paragraph(markup, style)


def _height(paragraph: Paragraph, width: float) -> float:
    _, height = paragraph.wrap(width, PAGE_HEIGHT)
    return float(height)


def _draw(canvas: Canvas, paragraph: Paragraph, x: float, top: float) -> None:
    paragraph.drawOn(canvas, x, top - paragraph.height)


def _text(
    markup: str,
    *,
    size: float,
    bold: bool = False,
    color: Color = black,
    part: float = 1.0,
) -> _Block:
    paragraph = _paragraph(markup, size=size, bold=bold, color=color)
    return _Block(
        _height(paragraph, WIDTH * part),
        lambda canvas, top: _draw(canvas, paragraph, SIDE, top),
    )


def _header(profile: LocalProfile, scale: float) -> _Block:
    indent = 13 * mm
    name = escape(profile.organisation_short)
    paragraph = _paragraph(
        f'<font name="{BOLD}" size="{16 * scale}" color="{GREEN.hexval()}">Bisik</font>'
        f"&nbsp;&nbsp;{name}",
        size=LEAD * scale,
        color=SOFT,
    )
    height = max(9 * mm, _height(paragraph, WIDTH * 0.7 - indent))

    def draw(canvas: Canvas, top: float) -> None:
        _draw_mark(canvas, SIDE + 4.5 * mm, top - height / 2)
        _draw(canvas, paragraph, SIDE + indent, top - (height - paragraph.height) / 2)

    return _Block(height, draw)


def _draw_mark(canvas: Canvas, x: float, y: float) -> None:
    """Draw a whisper: a dot and the two rings it sends out."""
    canvas.saveState()
    canvas.setFillColor(MARK)
    canvas.setStrokeColor(MARK)
    canvas.circle(x, y, 1.3 * mm, stroke=0, fill=1)
    canvas.setLineWidth(1.3)
    canvas.circle(x, y, 2.7 * mm, stroke=1, fill=0)
    canvas.setLineWidth(0.8)
    canvas.circle(x, y, 4.1 * mm, stroke=1, fill=0)
    canvas.restoreState()


def _draw_rings(canvas: Canvas) -> None:
    """Let the whisper spread from the corner of the page."""
    canvas.saveState()
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(1)
    for number in range(1, 6):
        canvas.circle(PAGE_WIDTH, PAGE_HEIGHT, number * 9 * mm, stroke=1, fill=0)
    canvas.restoreState()


def _card(address: OnionAddress, wording: Wording, scale: float) -> _Block:
    pad = 4 * mm
    left = SIDE + QR_SIDE + 2 * mm
    typed = _typed(address, wording, left, SIDE + WIDTH - pad - left, scale)
    whole = _whole(address, wording, SIDE + pad, WIDTH - 2 * pad, scale)
    height = QR_SIDE + whole.height + pad

    def draw(canvas: Canvas, top: float) -> None:
        canvas.saveState()
        canvas.setFillColor(white)
        canvas.setStrokeColor(GREEN)
        canvas.setLineWidth(1.5)
        canvas.roundRect(SIDE, top - height, WIDTH, height, 2.5 * mm, stroke=1, fill=1)
        canvas.restoreState()
        _draw_code(canvas, address, SIDE, top - QR_SIDE)
        typed.draw(canvas, top - (QR_SIDE - typed.height) / 2)
        whole.draw(canvas, top - QR_SIDE)

    return _Block(height, draw)


def _draw_code(canvas: Canvas, address: OnionAddress, x: float, y: float) -> None:
    # With http:// a scanner knows it for an address; it costs no larger code.
    code = QrCodeWidget(
        f"http://{address}", barLevel=QR_LEVEL, barWidth=QR_SIDE, barHeight=QR_SIDE
    )
    # In one stroke, so that no hairlines are left between the rows.
    path = canvas.beginPath()
    for bar in code.draw().contents:
        if bar.fillColor is not None:
            path.rect(x + bar.x, y + bar.y, bar.width, bar.height)
    canvas.setFillColor(black)
    canvas.drawPath(path, stroke=0, fill=1)


def _typed(
    address: OnionAddress, wording: Wording, x: float, width: float, scale: float
) -> _Block:
    """Lay out the address in groups, for whoever types it."""
    row_height = 9 * mm
    label = _paragraph(wording.address, size=TITLE * scale, bold=True, color=GREEN)
    note = _paragraph(wording.typing, size=BODY * scale)
    cell = width / (GROUP_LETTERS * GROUPS_IN_ROW + (GROUPS_IN_ROW - 1) * GROUP_SPACE)
    rows = _rows_of_groups(address)
    above, below = _height(label, width) + 3 * mm, 2 * mm + _height(note, width)

    def draw(canvas: Canvas, top: float) -> None:
        _draw(canvas, label, x, top)
        y = top - above
        for row in rows:
            _draw_row(canvas, row, x, y - 0.72 * row_height, cell)
            y -= row_height
        _draw(canvas, note, x, y - 2 * mm)

    return _Block(above + len(rows) * row_height + below, draw)


def _whole(
    address: OnionAddress, wording: Wording, x: float, width: float, scale: float
) -> _Block:
    """Lay out the address as a browser shows it, for whoever compares."""
    label = _paragraph(wording.whole, size=LABEL * scale, color=SOFT)
    size = width / float(pdfmetrics.stringWidth(address, REGULAR, 1))
    line = _height(label, width) + 1.4 * size
    six = escape(" ".join(address_words(address)))
    words = _paragraph(f"{wording.words} <b>{six}</b>", size=LABEL * scale)
    height = line + 1.5 * mm + _height(words, width)

    def draw(canvas: Canvas, top: float) -> None:
        _draw(canvas, label, x, top)
        canvas.setFillColor(black)
        canvas.setFont(REGULAR, size)
        canvas.drawString(x, top - line + 0.25 * size, address)
        _draw(canvas, words, x, top - line - 1.5 * mm)

    return _Block(height, draw)


def _rows_of_groups(address: OnionAddress) -> list[list[str]]:
    letters = address.removesuffix(SUFFIX)
    groups = [
        letters[start : start + GROUP_LETTERS]
        for start in range(0, len(letters), GROUP_LETTERS)
    ]
    groups.append(SUFFIX)
    return [
        groups[start : start + GROUPS_IN_ROW]
        for start in range(0, len(groups), GROUPS_IN_ROW)
    ]


def _draw_row(
    canvas: Canvas, groups: list[str], x: float, y: float, cell: float
) -> None:
    """Draw groups of letters, every letter as wide as the next one."""
    size = cell / 0.8
    canvas.setFillColor(black)
    for group in groups:
        for letter in group:
            # As in a typeface for machines, m and w are made narrow.
            width = float(pdfmetrics.stringWidth(letter, BOLD, size))
            squeeze = min(1.0, 0.96 * cell / width)
            text = canvas.beginText(x + (cell - width * squeeze) / 2, y)
            text.setFont(BOLD, size)
            text.setHorizScale(100 * squeeze)
            text.textOut(letter)
            canvas.drawText(text)
            x += cell
        x += cell * GROUP_SPACE


def _steps(left: tuple[Step, Step], right: tuple[Step, Step], scale: float) -> _Block:
    gutter, gap = 6 * mm, 3.5 * mm
    width = (WIDTH - gutter) / 2
    columns = [
        [_step(first + row, step, width, scale) for row, step in enumerate(column)]
        for first, column in ((1, left), (3, right))
    ]

    def draw(canvas: Canvas, top: float) -> None:
        for number, column in enumerate(columns):
            canvas.saveState()
            canvas.translate(number * (width + gutter), 0)
            y = top
            for block in column:
                block.draw(canvas, y)
                y -= block.height + gap
            canvas.restoreState()

    tallest = max(sum(block.height for block in column) for column in columns)
    return _Block(tallest + gap, draw)


def _step(number: int, step: Step, width: float, scale: float) -> _Block:
    indent = 11 * mm
    radius = 4 * mm
    title = _paragraph(step.title, size=TITLE * scale, bold=True, color=GREEN)
    text = _paragraph(step.text, size=BODY * scale)
    height = _height(title, width - indent) + 1.2 * mm + _height(text, width - indent)

    def draw(canvas: Canvas, top: float) -> None:
        canvas.saveState()
        canvas.setStrokeColor(GREEN)
        canvas.setLineWidth(1.5)
        canvas.circle(SIDE + radius, top - radius, radius, stroke=1, fill=0)
        canvas.setFillColor(GREEN)
        canvas.setFont(BOLD, 13)
        canvas.drawCentredString(SIDE + radius, top - radius - 4.7, str(number))
        canvas.restoreState()
        _draw(canvas, title, SIDE + indent, top)
        _draw(canvas, text, SIDE + indent, top - title.height - 1.2 * mm)

    return _Block(height, draw)


def _warnings(wording: Wording, scale: float) -> _Block:
    pad, gutter, indent, gap = 4 * mm, 5 * mm, 5 * mm, 1.2 * mm
    width = (WIDTH - 2 * pad - gutter) / 2
    title = _paragraph(wording.do_not, size=TITLE * scale, bold=True, color=GREEN)
    half = (len(wording.warnings) + 1) // 2
    columns = [
        [_paragraph(text, size=BODY * scale) for text in part]
        for part in (wording.warnings[:half], wording.warnings[half:])
    ]
    tallest = max(
        sum(_height(paragraph, width - indent) + gap for paragraph in column) - gap
        for column in columns
    )
    height = _height(title, width) + 2 * mm + tallest + 2 * pad

    def draw(canvas: Canvas, top: float) -> None:
        canvas.saveState()
        canvas.setFillColor(TINT)
        canvas.roundRect(SIDE, top - height, WIDTH, height, 2.5 * mm, stroke=0, fill=1)
        _draw(canvas, title, SIDE + pad, top - pad)
        for number, column in enumerate(columns):
            x = SIDE + pad + number * (width + gutter)
            y = top - pad - title.height - 2 * mm
            for paragraph in column:
                _draw_cross(canvas, x + 1.2 * mm, y - 7 * scale)
                _draw(canvas, paragraph, x + indent, y)
                y -= paragraph.height + gap
        canvas.restoreState()

    return _Block(height, draw)


def _draw_cross(canvas: Canvas, x: float, y: float) -> None:
    arm = 0.95 * mm
    canvas.saveState()
    canvas.setStrokeColor(MARK)
    canvas.setLineWidth(1.7)
    canvas.line(x - arm, y - arm, x + arm, y + arm)
    canvas.line(x - arm, y + arm, x + arm, y - arm)
    canvas.restoreState()


def _footer(profile: LocalProfile, wording: Wording, scale: float) -> _Block:
    names = f"{escape(profile.programme_name)}<br/>{escape(profile.organisation_name)}"
    left = _paragraph(names, size=SMALL * scale, color=SOFT)
    right = _paragraph(wording.emergency, size=SMALL * scale, color=SOFT)
    half = WIDTH / 2 - 4 * mm
    height = max(_height(left, half), _height(right, half))

    def draw(canvas: Canvas, top: float) -> None:
        _draw(canvas, left, SIDE, top)
        _draw(canvas, right, SIDE + WIDTH / 2 + 4 * mm, top)

    return _Block(height, draw)
