"""Drawing a case file: hostile text is text, and the same text is the same bytes."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfbase import pdfmetrics
from support.case_files import pages_of, text_of, unpacked

from journalist_app.workstation import casefile_pdf
from journalist_app.workstation.casefile_pdf import (
    BODY,
    HEADING,
    MOST_CHARACTERS,
    REGULAR,
    WIDTH,
    Frame,
    Stretch,
    draw,
    shown,
    wrapped,
)
from journalist_app.workstation.errors import TooMuchText, TypefaceMissing

FRAME = Frame(
    classification="RAHASIA",
    title="Berkas kasus 7KD-4Q9Z-XB35",
    right="seluruhnya",
    page="Halaman {page} dari {pages}",
    foot="Untuk: Auditor",
    language="id",
)


def test_the_same_text_is_the_same_bytes() -> None:
    """
    There is no time, no author and no number by chance in the PDF.
    """
    first = draw(FRAME, [Stretch("Isi.")]).pdf
    # Another document in between leaves nothing behind.
    draw(FRAME, [Stretch("Rahasia orang lain é ß ж.")])

    assert first == draw(FRAME, [Stretch("Isi.")]).pdf
    assert re.findall(rb"/Author \(\)|/Producer \(\)|/Creator \(\)", first)
    assert b"D:20000101000000" in first


def test_every_page_says_what_it_is(tmp_path: Path) -> None:
    """
    Classification, case, recipient, and which page of how many.
    """
    drawn = draw(FRAME, [Stretch("kata " * 3_000)])
    pages = pages_of(drawn.pdf, tmp_path)

    assert drawn.pages == len(pages) > 2
    for number, page in enumerate(pages, start=1):
        for said in (
            "RAHASIA",
            "7KD-4Q9Z-XB35",
            "Untuk: Auditor",
            f"Halaman {number} dari {len(pages)}",
        ):
            assert said in page


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("<b>tebal</b> &amp; <img src='x'/>", "<b>tebal</b> &amp; <img src='x'/>"),
        ("nama\u202efdp.exe", "nama⟨202E⟩fdp.exe"),
        ("a\x00b\x1b[31m", "a⟨0000⟩b⟨001B⟩[31m"),
        ("漢", "⟨6F22⟩"),
        ("😀", "⟨1F600⟩"),
        ("Жүйе, ğüçlü, ελληνικά", "Жүйе, ğüçlü, ελληνικά"),
        ("{page} %s \\n (", "{page} %s \\n ("),
    ],
)
def test_text_is_drawn_as_it_is(text: str, visible: str, tmp_path: Path) -> None:
    """
    Markup is text; what cannot be seen, or has no letter, is a number.
    """
    assert visible in text_of(draw(FRAME, [Stretch(text)]).pdf, tmp_path)


def test_letters_are_embedded(tmp_path: Path) -> None:
    """
    The file needs no font of the machine that shows it.
    """
    content = draw(FRAME, [Stretch("Isi.")]).pdf

    assert b"Helvetica" not in content
    assert b"/FontFile2" in content


@pytest.mark.parametrize("text", ["x" * 500_000, "a " * 250_000, "\n" * 20_000])
def test_an_endless_line_is_quick(text: str) -> None:
    """
    Half a million letters without a break, or with nothing but breaks.
    """
    begun = time.monotonic()
    drawn = draw(FRAME, [Stretch(text)])

    assert drawn.pages > 100
    assert time.monotonic() - begun < 10


def test_there_is_a_limit_to_the_text() -> None:
    """
    Five million letters are refused before anything is drawn.
    """
    with pytest.raises(TooMuchText):
        draw(FRAME, [Stretch("x" * (MOST_CHARACTERS + 1))])


@settings(max_examples=60)
@given(st.text(max_size=300), st.floats(20, WIDTH))
def test_no_line_is_wider_than_the_page(text: str, width: float) -> None:
    """
    And no letter but spaces and line ends is lost by wrapping.
    """
    seen = shown(text)
    lines = list(wrapped(seen, REGULAR, 10, width))

    assert re.sub(r"\s", "", seen) == re.sub(r"\s", "", "".join(lines))
    for line in lines:
        wide = pdfmetrics.stringWidth(line.rstrip(), REGULAR, 10)
        assert wide <= width + 0.01 or len(line) == 1


def test_lines_break_at_words() -> None:
    """
    A word that fits on a line of its own is not cut.
    """
    lines = list(wrapped("bantuan beras berkurang", REGULAR, 10, 60))

    assert ["bantuan", "beras", "berkurang"] == lines


def test_a_heading_stays_with_its_text(tmp_path: Path) -> None:
    """
    No page ends with a heading.
    """
    for lines in range(40, 60):
        stretches = [*[Stretch("baris", BODY)] * lines]
        stretches += [Stretch("Judul", HEADING), Stretch("isinya")]
        for page in pages_of(draw(FRAME, stretches).pdf, tmp_path):
            assert ("Judul" in page) == ("isinya" in page)


def test_a_missing_typeface_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    The package is named.
    """
    monkeypatch.setattr(casefile_pdf, "FONT_FOLDER", tmp_path)
    monkeypatch.setattr(casefile_pdf, "_FONT_FILES", {"BisikUji": "DejaVuSans.ttf"})

    with pytest.raises(TypefaceMissing, match="fonts-dejavu-core"):
        draw(FRAME, [Stretch("Isi.")])


def test_streams_are_really_looked_into() -> None:
    """
    The helper that searches for secrets finds what is there.
    """
    content = draw(FRAME, [Stretch("Isi.")]).pdf

    assert b"Isi." not in content
    assert b"Isi." in unpacked(content)
