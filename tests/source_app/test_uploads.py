"""Uploads arrive as a stream and never as a temporary file."""

import io
import tempfile
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.site import Site
from support.visitor import Upload, Visitor, multipart

from source_app.uploads import FieldPart, FilePart, MalformedUpload, read_parts

FIELDS = {"csrf_token": "t", "token": "0" * 32}


def read(body: bytes, content_type: str, *, file_bytes: int = 1000) -> list[object]:
    """Read a body to its end."""
    return list(
        read_parts(io.BytesIO(body), content_type=content_type, file_bytes=file_bytes)
    )


def test_parts_come_in_the_order_of_the_form() -> None:
    """
    Fields and files come out as they went in, bytes untouched.
    """
    content = b"\r\n--x\r\n\0\xff" * 50
    content_type, body = multipart(FIELDS, [Upload("a b.txt", content)])

    parts = read(body, content_type)

    expected: list[object] = [FieldPart(name, value) for name, value in FIELDS.items()]
    assert [*expected, FilePart("files", "a b.txt", content)] == parts


@pytest.mark.parametrize(("size", "kept"), [(0, True), (1000, True), (1001, False)])
def test_file_limit_is_exact(size: int, kept: bool) -> None:
    """
    A file of exactly the limit is kept; one byte more is not, and is named.
    """
    content_type, body = multipart({}, [Upload("a", bytes(size)), Upload("b", b"b")])

    first, second = read(body, content_type)

    assert FilePart("files", "a", bytes(size) if kept else None) == first
    assert FilePart("files", "b", b"b") == second


@given(st.data())
def test_cut_body_is_never_a_complete_form(data: st.DataObject) -> None:
    """
    A body that ends too early is refused, wherever it was cut.
    """
    content_type, body = multipart(FIELDS, [Upload("a", b"content" * 100)])
    end = data.draw(st.integers(0, len(body) - 5))

    with pytest.raises(MalformedUpload):
        read(body[:end], content_type)


@given(st.binary(max_size=3000), st.text(max_size=100))
def test_junk_is_refused(body: bytes, content_type: str) -> None:
    """
    Nothing but `MalformedUpload` comes of junk.
    """
    for kind in (content_type, "multipart/form-data; boundary=x"):
        try:
            read(body, kind)
        except MalformedUpload:
            continue


def test_too_many_parts_are_refused() -> None:
    """
    Ten thousand fields end the reading early.
    """
    content_type, body = multipart({f"f{n}": "x" for n in range(10_000)}, [])

    with pytest.raises(MalformedUpload):
        read(body, content_type)


def test_long_field_is_refused() -> None:
    """
    A field is no way to send a file past its limit.
    """
    content_type, body = multipart({"token": "x" * 70_000}, [])

    with pytest.raises(MalformedUpload):
        read(body, content_type)


def test_no_plaintext_file_is_made(
    site: Site, reporter: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A large upload makes no temporary file but the spool for ciphertext.
    """
    made: list[object] = []
    original = tempfile.TemporaryFile

    def watched(*arguments: object, **options: object) -> object:
        made.append(options.get("dir"))
        return original(*arguments, **options)  # type: ignore[call-overload]  # Passed through.

    monkeypatch.setattr(tempfile, "TemporaryFile", watched)
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", _refuse)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", _refuse)

    page = reporter.send_files(Upload("besar.bin", bytes(5 * 1024 * 1024)))

    assert 200 == page.status
    assert [site.directory / "spool"] == made


@pytest.mark.parametrize(
    "fields",
    [{}, {"csrf_token": "x"}, {"token": "0" * 32}],
)
def test_upload_without_its_hidden_fields_is_refused(
    site: Site, reporter: Visitor, fields: Mapping[str, str]
) -> None:
    """
    A file that comes before a valid token is not even looked at.
    """
    page = reporter.upload("/case/files", fields, [Upload("a", b"a")], follow=False)

    assert 400 == page.status
    assert 1 == len(site.sealed_items())


def test_file_is_refused_everywhere_else(site: Site, reporter: Visitor) -> None:
    """
    No other page takes a file, not even into memory.
    """
    form = reporter.get("/case/").hidden("/case/message")

    page = reporter.upload(
        "/case/message", form, [Upload("a", bytes(2_000_000))], follow=False
    )

    assert page.status in (413, 415)
    assert 1 == len(site.sealed_items())


def test_case_holds_no_more_than_its_limit(site: Site, reporter: Visitor) -> None:
    """
    What no longer fits is refused by name; what fits is kept.
    """
    tight = site.cases.profile.model_copy(update={"case_megabytes": 11})
    site.cases.profile = tight
    object.__setattr__(site.app.extensions["bisik"], "profile", tight)
    piece = bytes(5 * 1024 * 1024)

    page = reporter.send_files(*(Upload(f"{n}.bin", piece) for n in (1, 2, 3)))

    assert "3.bin" in page.text
    assert "tidak muat" in page.text
    names = [name for name, _ in site.opened_items()[1].files]
    assert ["1.bin", "2.bin"] == names


def _refuse(*arguments: object, **options: object) -> None:
    raise AssertionError("a temporary file was made")
