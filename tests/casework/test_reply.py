"""Replies: what a desk sends to one reporter."""

import hashlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.casework_samples import DAY, Vector, archive, named, vectors

from casework.reply import (
    REPLY_BYTES,
    CaseStatus,
    Letter,
    MalformedReply,
    Reply,
    ReplyKind,
    ReplyTooLarge,
    ReplyWriter,
    parse_reply,
)

LETTER = Letter(
    kind=ReplyKind.STATUS,
    day=DAY,
    language="id",
    text="Laporan Anda terdaftar.",
    status=CaseStatus.REGISTERED,
    registration_number="WBS/2027/0042",
)


def written(letter: Letter, *files: tuple[str, bytes]) -> bytes:
    """Write a reply."""
    stream = io.BytesIO()
    writer = ReplyWriter(stream.write, letter=letter)
    for name, content in files:
        writer.add_file(name, content)
    writer.finish()
    return stream.getvalue()


CONTENT = written(LETTER, ("Surat.pdf", b"%PDF"))


def test_good_vectors() -> None:
    """
    Every good reply of the vectors is read, and written again byte for byte.
    """
    for vector in vectors("reply.json")["good"]:
        reply = parse_reply(archive(vector["members"]))
        content = written(reply.letter, *reply.files)

        assert vector["size_bytes"] == len(content), vector["name"]
        assert vector["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("vector", vectors("reply.json")["bad"], ids=named)
def test_bad_vectors(vector: Vector) -> None:
    """
    Every bad reply of the vectors is refused.
    """
    content = archive(vector["members"])

    with pytest.raises(MalformedReply):
        parse_reply(content)


def test_files_come_back() -> None:
    """
    Files come back byte for byte, in order, under safe names.
    """
    files = (("a.bin", bytes(range(256))), ("a.bin", b""))

    assert files == parse_reply(written(LETTER, *files)).files
    assert "passwd" == parse_reply(written(LETTER, ("/etc/passwd", b""))).files[0].name


def test_zeros_may_follow() -> None:
    """
    The slots give a reply back with zeros behind it, the largest one, too.
    """
    room = REPLY_BYTES - len(written(LETTER, ("a", b"")))
    largest = written(LETTER, ("a", bytes(room)))

    assert REPLY_BYTES == len(largest)
    assert room == len(parse_reply(largest + bytes(16_000)).files[0].content)


def test_a_reply_that_could_not_be_read_is_not_written() -> None:
    """
    The limit of reading is met when writing, before the sink gets too much.
    """
    stream = io.BytesIO()
    writer = ReplyWriter(stream.write, letter=LETTER)

    with pytest.raises(ReplyTooLarge):
        writer.add_file("a", bytes(REPLY_BYTES))
    assert len(stream.getvalue()) <= REPLY_BYTES


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "a\x00"},
        {"text": "x" * 20_001},
        {"registration_number": ""},
        {"registration_number": "dua\nbaris"},
        {"status": "registered"},
        {"language": "fr"},
    ],
)
def test_the_record_refuses(changes: dict[str, object]) -> None:
    """
    A reply that could not be read by the reporter cannot be made here.
    """
    with pytest.raises(ValidationError):
        Letter.model_validate({**dict(LETTER), **changes})


def test_a_reply_does_not_show_itself() -> None:
    """
    Neither text, number nor files are in the `repr` of a reply.
    """
    reply = parse_reply(CONTENT)
    shown = repr(reply) + repr(reply.files)

    assert not {s for s in ("Laporan", "0042", "PDF", "Surat") if s in shown}


@given(st.integers(0, len(CONTENT) - 1025))
def test_every_cut_is_refused(end: int) -> None:
    """
    A reply that lost its end is no reply, and the error names no file.
    """
    with pytest.raises(MalformedReply) as refusal:
        parse_reply(CONTENT[:end])
    assert "Surat" not in str(refusal.value)


@settings(max_examples=200)
@given(st.integers(0, len(CONTENT) - 1), st.binary(min_size=1, max_size=4))
def test_any_change_is_read_or_refused(position: int, junk: bytes) -> None:
    """
    No change of a good reply makes the parser raise anything but its own error.
    """
    changed = CONTENT[:position] + junk + CONTENT[position + len(junk) :]
    try:
        assert isinstance(parse_reply(changed), Reply)
    except MalformedReply:
        pass


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """
    No bytes at all make it raise anything else, either.
    """
    try:
        parse_reply(content)
    except MalformedReply:
        pass
