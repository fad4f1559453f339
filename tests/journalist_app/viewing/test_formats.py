"""Formats: what people really send, opened by the real programs in the sandbox."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Literal

import pytest
from support.hostile_files import docx, flate_bomb, tar, tar_bomb

from journalist_app.workstation.viewing import viewer
from journalist_app.workstation.viewing.kinds import Kind
from journalist_app.workstation.viewing.sandbox import Limits
from journalist_app.workstation.viewing.viewer import view

LETTER = "Kepada tim, ini isi surat.\n"
TABLE = "desa,karung\nContoh,20\n"
SLIDES = (
    '<?xml version="1.0"?><office:document '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'office:mimetype="application/vnd.oasis.opendocument.presentation" '
    'office:version="1.3"><office:body><office:presentation>'
    '<draw:page draw:name="satu"/><draw:page draw:name="dua"/>'
    "</office:presentation></office:body></office:document>"
)
SOURCES = {"surat.txt": LETTER, "tabel.csv": TABLE, "paparan.fodp": SLIDES}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "suffix", "pages"),
    [
        ("surat.txt", ".odt", 1),
        ("surat.txt", ".rtf", 1),
        ("surat.txt", ".doc", 1),
        ("surat.txt", ".docx", 1),
        ("tabel.csv", ".xlsx", 1),
        ("tabel.csv", ".xls", 1),
        ("tabel.csv", ".ods", 1),
        ("paparan.fodp", ".pptx", 2),
        ("paparan.fodp", ".odp", 2),
    ],
)
def test_documents_of_offices_become_pictures(
    tmp_path: Path, source: str, suffix: str, pages: int
) -> None:
    """Whatever program and age a document is of, its pages are seen."""
    (tmp_path / source).write_text(SOURCES[source])
    soffice = shutil.which("soffice")
    assert soffice is not None
    subprocess.run(
        [
            *(soffice, f"-env:UserInstallation=file://{tmp_path}/profile"),
            *("--headless", "--norestore", "--convert-to", suffix[1:]),
            *("--outdir", tmp_path, tmp_path / source),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    made = (tmp_path / source).with_suffix(suffix)
    seen = view(made.read_bytes(), made.name)
    assert (Kind.OFFICE, suffix, False, pages, "") == (
        seen.recognised.kind,
        seen.recognised.suffix,
        seen.recognised.misnamed,
        len(seen.pages),
        seen.problem,
    )


@pytest.mark.parametrize("packed", ["", "gz", "bz2", "xz"])
def test_a_tar_is_listed_however_it_is_packed(
    packed: Literal["", "gz", "bz2", "xz"],
) -> None:
    """Python's own modules unpack it as a stream, in the sandbox."""
    content = tar({"bukti/a.txt": b"isi", "b": b""}, packed=packed)
    seen = view(content, "berkas.tar" + (f".{packed}" if packed else ""))
    assert seen.members is not None
    assert [("bukti/a.txt", 3), ("b", 0)] == [
        (member.name, member.size_bytes) for member in seen.members
    ]
    assert ("", False) == (seen.problem, seen.recognised.misnamed)


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"7z\xbc\xaf\x27\x1c" + bytes(20), "a.7z"), (b"Rar!\x1a\x07\1\0", "a.rar")],
)
def test_an_archive_that_nothing_here_reads_is_said_to_be_one(
    content: bytes, name: str
) -> None:
    """It is neither called damaged nor given to a program that gives up."""
    seen = view(content, name)
    assert "archives of this kind cannot be listed" == seen.problem
    assert (Kind.ARCHIVE, None) == (seen.recognised.kind, seen.members)


def test_a_packed_tar_that_becomes_enormous_is_named() -> None:
    """It is known by what its list says, without unpacking it."""
    content = tar_bomb(unpacked_bytes=4 << 30)
    assert len(content) < 5_000_000
    begun = time.monotonic()
    assert "bomb" == view(content, "a.tar.gz").problem
    assert time.monotonic() - begun < 10


def test_a_stream_of_a_pdf_that_becomes_enormous_has_an_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock ends it, in the middle of 400 MB of lines to be drawn."""
    monkeypatch.setattr(viewer, "PDF_LIMITS", Limits(seconds=2.0))
    content = flate_bomb(unpacked_bytes=400_000_000)
    assert len(content) < 2_000_000
    begun = time.monotonic()
    assert "it took too long" == view(content, "gambar.pdf").problem
    assert time.monotonic() - begun < 20


@pytest.mark.slow
def test_a_document_that_becomes_enormous_is_a_problem_and_no_more() -> None:
    """LibreOffice unpacks more than its limits let it, and only it is ended."""
    content = docx(paragraphs="<w:p><w:r><w:t>Halo</w:t></w:r></w:p>" * 10_000_000)
    assert len(content) < 2_000_000
    begun = time.monotonic()
    seen = view(content, "surat.docx")
    assert seen.problem
    assert () == seen.pages
    assert time.monotonic() - begun < viewer.OFFICE_LIMITS.seconds + 25
