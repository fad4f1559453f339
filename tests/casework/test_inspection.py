"""What a file says about whoever made it."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import telling_files

from casework.inspection import inspect
from casework.traces import NOT_LOOKED, Inspection, TraceKind

FILES = {
    "jpeg": telling_files.jpeg_with_position(),
    "pdf": telling_files.pdf_with_author(),
    "docx": telling_files.docx_with_author(),
    "odt": telling_files.odt_with_author(),
    "doc": telling_files.doc_with_author(),
}


def said(inspection: Inspection) -> dict[TraceKind, str]:
    """Return the first value of each kind."""
    assert inspection.looked_inside
    return {trace.kind: trace.value for trace in reversed(inspection.traces)}


def test_photograph_tells_where_it_was_taken() -> None:
    """
    Position and camera are named, the position first and in degrees.
    """
    inspection = inspect(FILES["jpeg"])

    assert TraceKind.POSITION is inspection.traces[0].kind
    assert "-6.17500, 106.82667" == said(inspection)[TraceKind.POSITION]
    assert "Uji X1" == said(inspection)[TraceKind.DEVICE]


@pytest.mark.parametrize("kind", ["pdf", "docx", "odt", "doc"])
def test_document_tells_its_author(kind: str) -> None:
    """
    PDF, Word, OpenDocument and old Word name their author.
    """
    assert telling_files.AUTHOR == said(inspect(FILES[kind]))[TraceKind.AUTHOR]


def test_word_document_tells_company_and_commentators() -> None:
    """
    The institution, and who has commented on a document, are named, too.
    """
    found = said(inspect(FILES["docx"]))

    assert telling_files.COMPANY == found[TraceKind.ORGANISATION]
    assert "Pengulas Uji" == found[TraceKind.EDITS]
    assert "2026-03-01T08:15:00Z" == found[TraceKind.TIME]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("D:20261126104016+07'00'", "2026-11-26 10:40:16+07:00"),
        ("D:20261126104016Z", "2026-11-26 10:40:16+00:00"),
        ("kemarin", "kemarin"),
    ],
)
def test_time_of_a_document_can_be_read(written: str, shown: str) -> None:
    """
    The date of a PDF is shown as people read dates, and as it is if it is none.
    """
    found = said(inspect(telling_files.pdf_with_author(CreationDate=written)))

    assert shown == found[TraceKind.TIME]


def test_picture_without_traces_says_nothing() -> None:
    """
    A file that says nothing is not accused of anything.
    """
    assert Inspection((), looked_inside=True) == inspect(telling_files.plain_jpeg())


@pytest.mark.parametrize(
    "content",
    [b"", b"teks biasa", b"PK\x03\x04 rusak", b"%PDF-1.7\nrusak", b"\xff\xd8\xff\xd9"],
)
def test_what_cannot_be_read_is_said_so(content: bytes) -> None:
    """
    An unknown or broken file is marked as not looked into.
    """
    assert NOT_LOOKED == inspect(content)


def test_archive_of_files_is_not_looked_into() -> None:
    """
    A ZIP that is no document may hold anything.
    """
    assert NOT_LOOKED == inspect(telling_files.archive(foto_jpg="x"))


def test_bomb_is_not_unpacked() -> None:
    """
    A member that unpacks to 100 MB is left alone, whatever its directory says.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("docProps/core.xml", b"<a>" + bytes(100 * 1024 * 1024))

    assert () == inspect(content.getvalue()).traces


def test_entities_are_not_expanded() -> None:
    """
    XML that doubles itself thirty times is refused.
    """
    lines = "".join(f'<!ENTITY a{n} "&a{n - 1};&a{n - 1};">' for n in range(1, 30))
    bomb = f'<!DOCTYPE x [<!ENTITY a0 "ha">{lines}]><creator>&a29;</creator>'

    assert NOT_LOOKED == inspect(telling_files.archive(docProps__core_xml=bomb))


@pytest.mark.parametrize("kind", FILES)
@given(st.data())
def test_damaged_files_raise_nothing(kind: str, data: st.DataObject) -> None:
    """
    Whatever bytes of a real file are changed or cut off, looking inside only fails.
    """
    content = bytearray(FILES[kind])
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(1, len(content))) :]

    for trace in inspect(bytes(content)).traces:
        assert 0 < len(trace.value) <= 100
        assert "\n" not in trace.value
