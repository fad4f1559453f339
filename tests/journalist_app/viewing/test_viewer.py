"""The viewer: what officers see of the files of strangers."""

import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.hostile_files import (
    archive,
    docx,
    endless_pdf,
    pdf,
    picture,
    png_bomb,
)

from casework.traces import NOT_LOOKED, TraceKind
from journalist_app.workstation.viewing import viewer
from journalist_app.workstation.viewing.errors import CannotShow
from journalist_app.workstation.viewing.kinds import Kind, recognise
from journalist_app.workstation.viewing.pixels import Pixels, read_pixels
from journalist_app.workstation.viewing.sandbox import Limits
from journalist_app.workstation.viewing.viewer import (
    cleaned_copy,
    harmless,
    parse_inspection,
    parse_members,
    view,
)


def test_a_pdf_becomes_pictures() -> None:
    """Every page is a PNG, and the author is named."""
    seen = view(pdf(pages=3), "Surat.pdf")
    assert (Kind.PDF, 3, "") == (seen.recognised.kind, len(seen.pages), seen.problem)
    assert not seen.more_pages
    with Image.open(io.BytesIO(seen.pages[0])) as page:
        assert ("PNG", 1600) == (page.format, max(page.size))
    assert (TraceKind.AUTHOR, "Sari Contoh") in [
        (trace.kind, trace.value) for trace in seen.inspection.traces
    ]


def test_a_long_pdf_is_shown_in_part() -> None:
    """The first pages are shown, and it is said that there are more."""
    seen = view(pdf(pages=6), "Surat.pdf", most_pages=4)
    assert (4, True) == (len(seen.pages), seen.more_pages)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
def test_pictures_become_pictures(format_: str) -> None:
    """Whatever the format, what is shown was made anew from pixels."""
    seen = view(picture(format_), f"foto.{format_.lower()}")
    assert (Kind.PICTURE, 1, "") == (
        seen.recognised.kind,
        len(seen.pages),
        seen.problem,
    )
    with Image.open(io.BytesIO(seen.pages[0])) as page:
        assert (300, 200) == page.size


@pytest.mark.slow
def test_an_office_document_becomes_pictures() -> None:
    """LibreOffice opens it in the sandbox, and only its pages come out."""
    seen = view(docx(), "Surat.docx")
    assert (Kind.OFFICE, ".docx", 1, "") == (
        seen.recognised.kind,
        seen.recognised.suffix,
        len(seen.pages),
        seen.problem,
    )


def test_a_text_shows_what_is_invisible_in_it() -> None:
    """Control characters and changes of direction are written as numbers."""
    seen = view("nama\u202efdp.exe\x07\tdan".encode(), "catatan.txt")
    assert "nama⟨202E⟩fdp.exe⟨0007⟩\tdan" == seen.text


def test_one_endless_line_is_quick() -> None:
    """Five megabytes without a break are cut into lines, and shown in part."""
    begun = time.monotonic()
    seen = view(b"x" * 5_000_000, "catatan.txt")
    assert seen.text is not None
    assert seen.text_cut
    assert max(map(len, seen.text.split("\n"))) <= viewer.LINE_CHARACTERS
    assert time.monotonic() - begun < 5


def test_an_archive_is_listed_and_not_unpacked() -> None:
    """Names are shown as they are, wherever they would lead to."""
    content = archive({"../../etc/passwd": b"root", "catatan\u202e.txt": b"x" * 10})
    seen = view(content, "berkas.zip")
    assert seen.members is not None
    assert [("../../etc/passwd", 4), ("catatan⟨202E⟩.txt", 10)] == [
        (member.name, member.size_bytes) for member in seen.members
    ]


def test_a_zip_bomb_is_named() -> None:
    """An archive that becomes a thousand times larger is said to be one."""
    assert "bomb" == view(archive({"nol": bytes(80_000_000)}), "a.zip").problem


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (pdf()[:500], "terpotong.pdf"),
        (b"%PDF-1.7\n" + bytes(1000), "kosong.pdf"),
        (picture("PNG")[:60], "foto.png"),
        (png_bomb(), "bom.png"),
        (picture("JPEG")[:200] + bytes(500), "foto.jpg"),
        (b"II*\0" + bytes(100), "foto.tif"),
        (b"PK\x03\x04" + bytes(200), "a.zip"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(20), "a.7z"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_what_is_broken_or_hostile_is_a_problem_and_no_more(
    content: bytes, name: str
) -> None:
    """It says that it cannot be shown; nothing is raised and nothing hangs."""
    begun = time.monotonic()
    seen = view(content, name)
    assert seen.problem
    assert () == seen.pages
    assert time.monotonic() - begun < 35


def test_a_page_that_draws_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock ends it, and the officer is told."""
    monkeypatch.setattr(viewer, "PDF_LIMITS", Limits(seconds=2.0))
    seen = view(endless_pdf(), "gambar.pdf")
    assert "it took too long" == seen.problem


def test_a_huge_page_is_made_small() -> None:
    """A page of 200 metres has no more pixels than any other."""
    seen = view(pdf(size=(14_400, 14_400)), "denah.pdf")
    with Image.open(io.BytesIO(seen.pages[0])) as page:
        assert (1600, 1600) == page.size


@pytest.mark.parametrize(
    ("content", "name", "kind", "misnamed"),
    [
        (pdf(), "surat.pdf", Kind.PDF, False),
        (pdf(), "foto.jpg", Kind.PDF, True),
        (b"rubbish" + pdf(), "SURAT.PDF", Kind.PDF, False),
        (picture("JPEG"), "foto.jpeg", Kind.PICTURE, False),
        (b"<html>", "surat.pdf", Kind.TEXT, True),
        (b"<html>", "surat.html", Kind.TEXT, False),
        (b"MZ\x90\0\3", "foto.jpg", Kind.UNKNOWN, True),
        (b"MZ\x90\0\3", "FOTO.JPEG", Kind.UNKNOWN, True),
        (b"MZ\x90\0\3", "surat.docx", Kind.UNKNOWN, True),
        (b"MZ\x90\0\3", "catatan.txt", Kind.UNKNOWN, True),
        (b"MZ\x90\0\3", "program.exe", Kind.UNKNOWN, False),
        (b"MZ\x90\0\3", "program", Kind.UNKNOWN, False),
        ("harga é lama".encode("latin-1"), "catatan.txt", Kind.UNKNOWN, False),
        ("harga".encode("utf-16"), "tabel.csv", Kind.UNKNOWN, False),
        ("harga é lama".encode("latin-1"), "surat.pdf", Kind.UNKNOWN, True),
        (b"\0\0\0\x18ftypheic\0\0", "IMG_1.HEIC", Kind.UNKNOWN, False),
        (b"\0\0\0\x18ftypheic\0\0", "IMG_1.jpg", Kind.UNKNOWN, True),
        (b"\0\0\0\x18ftypisom\0\0", "film.mp4", Kind.MEDIA, False),
        (b"\xff\xfb\x90\0", "rekaman.mp3", Kind.MEDIA, False),
        (b"BZh91AY&SY", "arsip.tar.bz2", Kind.ARCHIVE, False),
        (b"\xfd7zXZ\0\0", "arsip.txz", Kind.ARCHIVE, False),
        (b"", "surat.pdf", Kind.EMPTY, False),
        (docx(), "surat.docx", Kind.OFFICE, False),
        (docx(), "surat.doc", Kind.OFFICE, True),
        (archive({"a": b"b"}), "a.docx", Kind.ARCHIVE, True),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(9), "a.xls", Kind.OFFICE, False),
        (b"ID3\4", "rekaman.mp3", Kind.MEDIA, False),
        ("catatan é".encode(), "catatan", Kind.TEXT, False),
    ],
)
def test_a_file_is_what_its_content_says(
    content: bytes, name: str, kind: Kind, misnamed: bool
) -> None:
    """Never what its name says; and a name that says otherwise is noticed."""
    found = recognise(content, name)
    assert (kind, misnamed) == (found.kind, found.misnamed)


@given(st.binary(max_size=600), st.text(max_size=20))
def test_any_bytes_are_something(content: bytes, name: str) -> None:
    """Recognising never fails."""
    recognise(content, name)


def test_a_cleaned_copy_is_the_same_each_time() -> None:
    """The same pages give the same bytes, without a date or an author."""
    pages = view(pdf(pages=2), "Surat.pdf").pages
    copy = cleaned_copy(pages)
    assert copy == cleaned_copy(pages)
    assert b"Sari" not in copy
    again = view(copy, "bersih.pdf")
    assert (2, []) == (
        len(again.pages),
        [trace for trace in again.inspection.traces if trace.kind is TraceKind.AUTHOR],
    )


PAGES = [Pixels(2, 1, b"abcdef"), Pixels(1, 2, b"ABCDEF")]
STREAM = b"P6\n2 1\n255\nabcdef" + b"P6\n1 2\n255\nABCDEF"


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40))
def test_pixels_are_read_in_pieces_of_any_size(sizes: list[int]) -> None:
    """However the stream is cut, the pages are the same."""
    pieces = []
    rest = STREAM
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    pieces = [piece for piece in [*pieces, rest] if piece]
    assert PAGES == list(read_pixels(pieces))


@pytest.mark.parametrize(
    "stream",
    [
        b"P5\n2 1\n255\nab",
        b"P6\n2 1\n65535\n" + bytes(12),
        b"P6\n0 1\n255\n",
        b"P6\n2 1\n255\nabcde",
        b"P6\n5000 1\n255\n" + bytes(15000),
        b"P6\n# x\n2 1\n255\nabcdef",
        STREAM + b"x",
        b"P6\n99999 99999\n255\n",
    ],
)
def test_what_are_no_pixels_is_refused(stream: bytes) -> None:
    """Another format, a lie about the size, something behind the last page."""
    with pytest.raises(CannotShow):
        list(read_pixels([stream]))


@given(st.binary(max_size=200))
def test_any_stream_is_read_or_refused(stream: bytes) -> None:
    """Nothing but `CannotShow` is raised."""
    try:
        list(read_pixels([stream]))
    except CannotShow:
        pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["traces", "looked_inside"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_answer_of_the_sandbox_is_read_or_refused(answer: object) -> None:
    """What a program that was taken over says harms nothing."""
    content = json.dumps(answer).encode()
    parse_inspection(content)
    try:
        parse_members(content)
    except CannotShow:
        pass


def test_an_odd_answer_counts_as_not_looked_into() -> None:
    """A kind that does not exist, or no JSON at all."""
    for answer in (b'{"traces": [["x", "y"]], "looked_inside": true}', b"\xff", b"[1]"):
        assert NOT_LOOKED == parse_inspection(answer)


@given(st.text(max_size=300))
def test_harmless_text_has_nothing_invisible(text: str) -> None:
    """No control character, and no mark that changes the direction of writing."""
    shown = harmless(text)
    assert not [one for one in shown if ord(one) < 0x20 and one not in "\n\t"]
    assert not set(shown) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )


def test_a_long_pdf_can_be_seen_to_its_end() -> None:
    """Some pages at a time, each of them once, until there are no more."""
    content = pdf(pages=5)
    first = view(content, "Surat.pdf", most_pages=2)
    second = view(content, "Surat.pdf", most_pages=2, first_page=3)
    last = view(content, "Surat.pdf", most_pages=2, first_page=5)
    parts = [(len(one.pages), one.more_pages) for one in (first, second, last)]
    assert [(2, True), (2, True), (1, False)] == parts
    pages = [*first.pages, *second.pages, *last.pages]
    assert list(view(content, "Surat.pdf").pages) == pages
