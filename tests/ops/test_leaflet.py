import re
import subprocess
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from pypdf import PageObject, PdfReader
from pypdf.generic import ContentStream
from support.command import World

from casework.profile import LANGUAGES, LocalText, Profile, shipped_profile
from ops.address_words import address_words
from ops.leaflet import WORDINGS, NamesTooLong, NoSuchLetter, draw_leaflet
from tor.address import OnionAddress

# An example of rend-spec-v3, section 6.
ADDRESS = OnionAddress("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion")
OTHER_ADDRESS = "sp3k262uwy4r2k3ycr5awluarykdpag6a7y33jxop4cs2lu5uz5sseqd.onion"
VECTOR = "acar jeda peranti riset golf merambat"
MM = 72 / 25.4  # points

LONG = (
    "Badan Penyelenggara Perlindungan dan Pemberdayaan Sosial Masyarakat Adat, "
    "Daerah Tertinggal, dan Kepulauan Terluar Nusantara"
)

# Head, lead, and twice in the foot.
PLACES_OF_A_NAME = 4

in_every_language = pytest.mark.parametrize("language", LANGUAGES)


def profile(name: str | None = None) -> Profile:
    """Return the shipped profile; with *name*, everything in it is called that."""
    shipped = Profile.parse(shipped_profile())
    if name is None:
        return shipped
    text = LocalText(id=name, en=name)
    return shipped.model_copy(
        update={
            "organisation_name": text,
            "organisation_short": text,
            "programme_name": text,
        }
    )


def page_of(pdf: bytes) -> PageObject:
    """Read the page of a leaflet, which must be its only one."""
    pages = PdfReader(BytesIO(pdf)).pages
    assert 1 == len(pages)
    return pages[0]


def words_of(pdf: bytes) -> str:
    """Read the text of a leaflet, with one blank between words."""
    return " ".join(page_of(pdf).extract_text().split())


def without_markup(text: str) -> str:
    """Take the tags out of a wording."""
    return re.sub(r"<[^>]*>", "", text.replace("<br/>", " "))


def photograph(pdf: bytes, path: Path, *, dots_per_inch: int) -> Path:
    """Let another program draw a leaflet, in shades of grey."""
    (path / "leaflet.pdf").write_bytes(pdf)
    subprocess.run(
        ["pdftoppm", "-r", str(dots_per_inch), "-gray", "-singlefile", "-png"]
        + [str(path / "leaflet.pdf"), str(path / "leaflet")],
        check=True,
    )
    return path / "leaflet.png"


def scan(picture: Path) -> str:
    """Let another program read every code in a picture."""
    return subprocess.run(
        ["zbarimg", "--nodbus", "--quiet", "--raw", str(picture)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@dataclass(frozen=True)
class Box:
    """A rectangle on the page, in points from its lower left corner."""

    what: str
    left: float
    bottom: float
    right: float
    top: float

    def touches(self, other: "Box") -> bool:
        """Whether both have some ink in the same place."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )


def code_on(pdf: bytes) -> Box:
    """Find where the code is: nothing else on the page is made of rectangles."""
    page = page_of(pdf)
    contents = page.get_contents()
    assert isinstance(contents, ContentStream)
    bars: list[list[Any]] = [
        operands for operands, operator in contents.operations if operator == b"re"
    ]
    return Box(
        "code",
        left=min(float(bar[0]) for bar in bars),
        bottom=min(float(bar[1]) for bar in bars),
        right=max(float(bar[0] + bar[2]) for bar in bars),
        top=max(float(bar[1] + bar[3]) for bar in bars),
    )


def words_on(pdf: bytes, path: Path) -> list[Box]:
    """Let another program find where each word is, from top to base line."""
    (path / "words.pdf").write_bytes(pdf)
    found = subprocess.run(
        ["pdftotext", "-bbox", str(path / "words.pdf"), "-"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    height = float(page_of(pdf).mediabox.height)
    word = (
        r'<word xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">'
        r"(.*)</word>"
    )
    boxes = []
    for left, top, right, bottom, text in re.findall(word, found):
        # The box of a font is higher than its letters are.
        spare = 0.15 * (float(bottom) - float(top))
        boxes.append(
            Box(
                text,
                left=float(left),
                bottom=height - float(bottom) + spare,
                right=float(right),
                top=height - float(top) - spare,
            )
        )
    return boxes


@in_every_language
def test_a_leaflet_is_one_page_of_a4(language: str) -> None:
    """
    It is printed on one sheet of the usual paper.
    """
    size = page_of(draw_leaflet(ADDRESS, profile(), language=language)).mediabox

    assert (210, 297) == (round(size.width / MM), round(size.height / MM))


@in_every_language
def test_a_leaflet_says_all_of_it(language: str) -> None:
    """
    Institution, deadline and every sentence of the language are on the page.
    """
    institution = profile().in_language(language)
    wording = WORDINGS[language]

    words = words_of(draw_leaflet(ADDRESS, profile(), language=language))

    within = wording.within(institution.deadline_working_days)
    for text in (
        institution.organisation_name,
        institution.organisation_short,
        institution.programme_name,
        wording.headline,
        wording.lead.format(organisation=institution.organisation_name),
        wording.address,
        wording.typing,
        wording.whole,
        wording.words,
        wording.do_not,
        wording.emergency,
        *wording.warnings,
        *(step.title for step in wording.steps),
        *(step.text.format(within=within) for step in wording.steps),
    ):
        assert without_markup(text) in words


def test_languages_do_not_mix() -> None:
    """
    Nothing of one language is in the leaflet of the other.
    """
    words = {
        language: words_of(draw_leaflet(ADDRESS, profile(), language=language))
        for language in LANGUAGES
    }

    assert WORDINGS["en"].headline not in words["id"]
    assert WORDINGS["id"].headline not in words["en"]


def test_a_deadline_of_one_day_is_said_well() -> None:
    """
    It is one working day and not one working days.
    """
    hurried = profile().model_copy(update={"deadline_working_days": 1})

    words = words_of(draw_leaflet(ADDRESS, hurried, language="en"))

    assert "within 1 working day." in words


@in_every_language
def test_the_address_is_there_to_compare_and_to_type(language: str) -> None:
    """
    It is there twice: as a browser shows it, and in groups.
    """
    words = words_of(draw_leaflet(ADDRESS, profile(), language=language))

    assert 1 == words.split().count(ADDRESS)
    assert 2 == words.replace(" ", "").count(ADDRESS)


@in_every_language
@pytest.mark.parametrize(
    "dots_per_inch",
    [
        # About what a telephone's camera of 4000 dots across sees a metre away.
        pytest.param(72, id="from afar"),
        pytest.param(300, id="close by"),
    ],
)
def test_the_code_leads_to_the_address(
    tmp_path: Path, language: str, dots_per_inch: int
) -> None:
    """
    Scanned from a page without colours, the code opens the address and no other.
    """
    pdf = draw_leaflet(ADDRESS, profile(), language=language)

    picture = photograph(pdf, tmp_path, dots_per_inch=dots_per_inch)

    assert f"http://{ADDRESS}\n" == scan(picture)


def test_a_stained_code_can_be_scanned(tmp_path: Path) -> None:
    """
    A spot as wide as a third of the code does not spoil it.
    """
    pdf = draw_leaflet(ADDRESS, profile(), language="id")
    code = code_on(pdf)
    height = float(page_of(pdf).mediabox.height)
    picture = photograph(pdf, tmp_path, dots_per_inch=144)
    third = (code.right - code.left) / 3

    with Image.open(picture) as image:
        ImageDraw.Draw(image).rectangle(
            [
                2 * (code.left + third),
                2 * (height - code.top + third),
                2 * (code.right - third),
                2 * (height - code.bottom - third),
            ],
            fill=255,
        )
        image.save(tmp_path / "stained.png")

    assert f"http://{ADDRESS}\n" == scan(tmp_path / "stained.png")


def test_the_code_is_large() -> None:
    """
    It is square, and 45 mm wide at least.
    """
    code = code_on(draw_leaflet(ADDRESS, profile(), language="id"))

    assert code.right - code.left == pytest.approx(code.top - code.bottom)
    assert code.right - code.left >= 45 * MM


@in_every_language
@pytest.mark.parametrize("name", [None, "B", LONG], ids=["shipped", "short", "long"])
def test_nothing_lies_on_anything_else(
    tmp_path: Path, language: str, name: str | None
) -> None:
    """
    Words touch neither one another, nor the code, nor what printers cannot print.
    """
    pdf = draw_leaflet(ADDRESS, profile(name), language=language)
    boxes = [code_on(pdf), *words_on(pdf, tmp_path)]
    size = page_of(pdf).mediabox

    assert len(boxes) > 100
    assert [] == [
        (one.what, other.what)
        for number, one in enumerate(boxes)
        for other in boxes[:number]
        if one.touches(other)
    ]
    margin = 6 * MM
    for box in boxes:
        assert margin <= box.left < box.right <= float(size.width) - margin
        assert margin <= box.bottom < box.top <= float(size.height) - margin


@in_every_language
def test_a_long_name_is_there_whole(language: str) -> None:
    """
    An institution's name of 120 letters stays on the page, every word of it.
    """
    assert len(LONG) >= 120

    words = words_of(draw_leaflet(ADDRESS, profile(LONG), language=language))

    assert PLACES_OF_A_NAME == words.count(LONG)


def test_a_name_is_no_markup() -> None:
    """
    Signs that mean something in the text of a page are printed as they are.
    """
    name = "Dinas <b>Sosial & Pangan</b> {organisation} <br/>"

    words = words_of(draw_leaflet(ADDRESS, profile(name), language="id"))

    assert PLACES_OF_A_NAME == words.count(name)


def test_a_name_that_fits_on_no_page_is_refused() -> None:
    """
    Rather no leaflet than one with half of a name.
    """
    with pytest.raises(NamesTooLong):
        draw_leaflet(ADDRESS, profile(LONG * 20), language="id")


def test_a_letter_that_cannot_be_printed_is_refused() -> None:
    """
    Rather no leaflet than one with boxes in place of letters.
    """
    with pytest.raises(NoSuchLetter, match=r"'\\ua98f'"):
        draw_leaflet(ADDRESS, profile("Dinas \N{JAVANESE LETTER KA}"), language="id")


def test_every_typeface_is_in_the_file() -> None:
    """
    The page looks alike on every printer.
    """
    page: Any = page_of(draw_leaflet(ADDRESS, profile(), language="id"))
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]

    assert fonts
    for font in fonts:
        assert "/FontFile2" in font["/FontDescriptor"]


def test_the_same_leaflet_is_the_same_bytes() -> None:
    """
    Neither the time nor the machine is in the file.
    """
    first = draw_leaflet(ADDRESS, profile(), language="id")

    assert first == draw_leaflet(ADDRESS, profile(), language="id")
    assert first != draw_leaflet(OnionAddress(OTHER_ADDRESS), profile(), language="id")


def test_the_command_draws_for_its_server(world: World, tmp_path: Path) -> None:
    """
    Without further ado it is the leaflet of the server directory, in Indonesian.
    """
    written = (world.server / "profile.toml").read_text(encoding="utf-8")
    changed = written.replace("Kementerian Sosial", "Kementerian Contoh")
    (world.server / "profile.toml").write_text(changed, encoding="utf-8")
    output = tmp_path / "leaflet.pdf"

    said = world.done("leaflet", f"HTTP://{ADDRESS.upper()}/", "--output", output)

    assert str(output) in said
    expected = draw_leaflet(ADDRESS, Profile.parse(changed), language="id")
    assert expected == output.read_bytes()
    assert [output.name] == [path.name for path in tmp_path.glob("*leaflet*")]


def test_the_command_draws_for_another_profile(empty: World, tmp_path: Path) -> None:
    """
    With a profile it needs no server; English is an option.
    """
    file, output = tmp_path / "profile.toml", tmp_path / "leaflet.pdf"
    file.write_text(shipped_profile(), encoding="utf-8")

    empty.done(
        "leaflet", ADDRESS, "--profile", file, "--output", output, "--language", "en"
    )

    assert draw_leaflet(ADDRESS, profile(), language="en") == output.read_bytes()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("expyuzz4wqqyqhjn.onion", "version 2"),
        (ADDRESS.replace("pg6m", "pg6n"), "checksum"),
        (ADDRESS.replace("pg6m", "pg1m"), "and not '1'"),
        ("https://kemensos.go.id", "does not end in .onion"),
    ],
)
def test_a_wrong_address_is_refused(
    empty: World, tmp_path: Path, address: str, reason: str
) -> None:
    """
    The mistake is named, a way out is given, and no file is written.
    """
    file, output = tmp_path / "profile.toml", tmp_path / "leaflet.pdf"
    file.write_text(shipped_profile(), encoding="utf-8")
    before = sorted(tmp_path.iterdir())

    error = empty.refused("leaflet", address, "--profile", file, "--output", output)

    assert reason in error
    assert "bisik: hint: copy it from the file hostname" in error
    assert before == sorted(tmp_path.iterdir())


def test_a_file_is_replaced_by_force_only(empty: World, tmp_path: Path) -> None:
    """
    What is there stays there, until somebody says that it may go.
    """
    file, output = tmp_path / "profile.toml", tmp_path / "leaflet.pdf"
    file.write_text(shipped_profile(), encoding="utf-8")
    output.write_text("a thesis")
    command = ("leaflet", ADDRESS, "--profile", file, "--output", output)

    error = empty.refused(*command)

    assert "file exists" in error
    assert "--force" in error
    assert "a thesis" == output.read_text()
    empty.done(*command, "--force")
    assert draw_leaflet(ADDRESS, profile(), language="id") == output.read_bytes()


def test_without_any_profile(empty: World, tmp_path: Path) -> None:
    """
    It says where it looked, and that a profile can be named.
    """
    output = tmp_path / "leaflet.pdf"

    error = empty.refused("leaflet", ADDRESS, "--output", output)

    assert str(empty.server) in error
    assert "--profile" in error
    assert not output.exists()


def test_the_words_of_an_address() -> None:
    """
    A vector, so that leaflets that hang already stay right; and no two are alike.
    """
    words = address_words(ADDRESS)
    assert VECTOR == " ".join(words)
    assert not {*words} & {*address_words(OnionAddress(OTHER_ADDRESS))}


@in_every_language
def test_the_words_are_on_the_leaflet(language: str) -> None:
    """
    The same ones in every language.
    """
    assert VECTOR in words_of(draw_leaflet(ADDRESS, profile(), language=language))


def test_the_command_says_the_words(empty: World) -> None:
    """
    Of an address that somebody reads from a leaflet, without any server.
    """
    assert f"{VECTOR}\n" == empty.done("onion", "words", ADDRESS.upper())
    assert "checksum" in empty.refused(
        "onion", "words", ADDRESS.replace("pg6m", "pg6n")
    )
