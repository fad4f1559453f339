"""Containers: real tar opens ours, and ours opens nothing that tar could abuse."""

import base64
import hashlib
import io
import json
import os
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crypto.container import (
    NAME_BYTES,
    PIECE_BYTES,
    ContainerLimits,
    ContainerReader,
    ContainerWriter,
    MalformedContainer,
    UnusableName,
    check_name,
)

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "container.json").read_text()
)
LIMITS = ContainerLimits(**VECTORS["limits"])
ROOMY = ContainerLimits(entries=100, entry_bytes=1 << 20, total_bytes=1 << 24)
DAY = date(2027, 3, 5)
BLOCK_BYTES = 512

Members = dict[str, bytes]


class Dripping(io.BytesIO):
    """A stream that gives at most seven bytes at a time, as a pipe may."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Give less than was asked for."""
        return super().read(7 if size is None or size < 0 else min(size, 7))


class Endless:
    """A stream of zeros that counts what was taken from it."""

    def __init__(self, beginning: bytes) -> None:
        self._beginning = io.BytesIO(beginning)
        self.taken = 0

    def read(self, size: int, /) -> bytes:
        """Give everything that is asked for."""
        piece = self._beginning.read(size).ljust(size, b"\0")
        self.taken += len(piece)
        return piece


def unpacked(vector: dict[str, Any]) -> bytes:
    """Return the archive of a vector."""
    return zlib.decompress(base64.b64decode(vector["archive"]))


def written(members: Members, *, padded_to: int = 0) -> bytes:
    """Write a container."""
    stream = io.BytesIO()
    writer = ContainerWriter(stream.write, day=DAY)
    for name, content in members.items():
        writer.add(name, content)
    size = writer.finish((lambda _size: padded_to) if padded_to else None)
    assert size == writer.size_bytes == len(stream.getvalue())
    return stream.getvalue()


def read_whole(archive: bytes, limits: ContainerLimits = ROOMY) -> Members:
    """Read a container to its end."""
    reader = ContainerReader(io.BytesIO(archive), limits=limits)
    return {entry.untrusted_name: b"".join(entry.chunks()) for entry in reader}


def is_usable(name: str) -> bool:
    """Tell whether a member may have this name."""
    try:
        check_name(name)
    except UnusableName:
        return False
    return True


names = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
    st.lists(st.text("abc \u00e9\u4f60", min_size=1, max_size=5), max_size=3).map(
        "/".join
    ),
).filter(is_usable)
contents = st.one_of(
    st.binary(max_size=40),
    st.integers(0, 1500).map(lambda size: bytes([size % 256]) * size),
)
member_sets = st.dictionaries(names, contents, max_size=4)


@pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda v: v["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    """
    Written byte for byte like this, and read again.
    """
    members = {m["name"]: bytes.fromhex(m["hex"]) for m in vector["members"]}

    archive = written(members, padded_to=vector["padded_to"] or 0)

    assert unpacked(vector) == archive
    assert vector["size_bytes"] == len(archive)
    assert vector["sha256"] == hashlib.sha256(archive).hexdigest()
    assert members == read_whole(archive, LIMITS)


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda v: v["name"])
def test_refused(
    vector: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    One fault per archive, each named, and nothing appears on the disk.
    """
    monkeypatch.chdir(tmp_path)
    reader = ContainerReader(io.BytesIO(unpacked(vector)), limits=LIMITS)
    before: list[str] = []

    with pytest.raises(MalformedContainer, match=vector["error"]):
        for entry in reader:
            before.append(entry.untrusted_name)

    assert vector["members_before"] == before
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda v: v["name"])
def test_cut_off_anywhere(vector: dict[str, Any]) -> None:
    """
    No beginning of an archive that lacks a part of its two zero blocks is one.
    """
    archive = unpacked(vector)
    whole = len(archive.rstrip(b"\0"))
    # The end of the last member's content is where its zeros begin, at the latest.
    needed = sum(
        BLOCK_BYTES + len(m["hex"]) // 2 + -(len(m["hex"]) // 2) % BLOCK_BYTES
        for m in vector["members"]
    ) + (2 * BLOCK_BYTES)
    assert whole <= needed <= len(archive)

    for border in range(0, needed, BLOCK_BYTES):
        for end in {max(border - 1, 0), border, border + 1, needed - 1}:
            with pytest.raises(MalformedContainer, match="ends too early"):
                read_whole(archive[:end])
    assert read_whole(archive) == read_whole(archive[:needed])


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_real_tar_opens_it(tmp_path: Path, locale: str) -> None:
    """
    `tar x` brings back every file, with its name, content and day.
    """
    members = {
        "item.json": b"{}\n",
        "files/001-Rapor caf\u00e9 \u4f60\u597d \U0001f4f7.pdf": bytes(range(256)) * 9,
        "files/" + "\u00e9" * 47: b"",
        "files/-rf --checkpoint=1": b"no option",
    }
    archive = written(members, padded_to=65_536)

    subprocess.run(
        ["tar", "--extract", "--file=-", f"--directory={tmp_path}"],
        input=archive,
        env={"PATH": os.environ["PATH"], "LC_ALL": locale, "TZ": "Asia/Jakarta"},
        check=True,
        timeout=60,
    )

    opened = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {tmp_path / name for name in members} == opened
    for name, content in members.items():
        assert content == (tmp_path / name).read_bytes()
        seconds = (tmp_path / name).stat().st_mtime
        assert datetime(2027, 3, 5, tzinfo=UTC) == datetime.fromtimestamp(seconds, UTC)


def test_archive_says_nothing_about_its_maker() -> None:
    """
    No owner, no time of day, no rights for others.
    """
    with tarfile.open(fileobj=io.BytesIO(written({"a": b"x"}))) as archive:
        (member,) = archive.getmembers()

    assert (0, 0, "", "") == (member.uid, member.gid, member.uname, member.gname)
    assert (0o600, 0) == (member.mode, member.mtime % 86_400)


@given(member_sets, st.integers(0, 3000))
def test_read_as_written(members: Members, more: int) -> None:
    """
    Any members come back, however the stream drips and however long the zeros.
    """
    archive = written(members) + bytes(more)

    reader = ContainerReader(Dripping(archive), limits=ROOMY)

    assert members == {entry.untrusted_name: entry.read(1500) for entry in reader}


@given(member_sets, st.data())
def test_unread_members_are_passed_over(members: Members, data: st.DataObject) -> None:
    """
    Who leaves a member unread, or half read, finds the next one all the same.
    """
    seen = []

    for entry in ContainerReader(io.BytesIO(written(members)), limits=ROOMY):
        seen.append(entry.untrusted_name)
        if data.draw(st.booleans()):
            next(entry.chunks(), None)

    assert list(members) == seen


@given(st.binary(max_size=2048))
def test_junk_is_refused(junk: bytes) -> None:
    """
    Bytes of any kind are an empty archive or `MalformedContainer`.
    """
    try:
        members = read_whole(junk)
    except MalformedContainer:
        return
    assert {} == members
    assert b"" == junk.strip(b"\0")


@settings(max_examples=300)
@given(member_sets, st.data())
def test_mutated_archives_have_one_meaning(
    members: Members, data: st.DataObject
) -> None:
    """
    An archive changed anywhere, its checksums mended, is refused or means to
    another program exactly what it means to us.
    """
    assume(members)
    archive = bytearray(written(members))
    for _ in range(data.draw(st.integers(1, 3))):
        header = data.draw(st.sampled_from(_headers(members)))
        # Mostly the header, where everything is decided.
        at = data.draw(
            st.one_of(
                st.integers(header, header + BLOCK_BYTES - 1),
                st.integers(0, len(archive) - 1),
            )
        )
        archive[at] = data.draw(
            st.one_of(st.integers(0, 255), st.sampled_from(b"0125LKSxg7/.\\"))
        )
        block = archive[header : header + BLOCK_BYTES]
        total = sum(block) - sum(block[148:156]) + 8 * ord(" ")
        archive[header + 148 : header + 156] = b"%06o\0 " % total

    try:
        ours = read_whole(bytes(archive))
    except MalformedContainer:
        return
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as theirs:
        found = {m.name: theirs.extractfile(m) for m in theirs.getmembers()}
        assert ours == {
            name: file.read() if file else None for name, file in found.items()
        }


def _headers(members: Members) -> list[int]:
    places = [0]
    for content in members.values():
        places.append(places[-1] + BLOCK_BYTES * (1 + -(-len(content) // BLOCK_BYTES)))
    return places[:-1]


def test_never_reads_far_beyond_its_limit() -> None:
    """
    A stream without an end is left one byte behind the limit.
    """
    stream = Endless(written({"a": b"x"}))

    with pytest.raises(MalformedContainer, match="larger than it may be"):
        list(ContainerReader(stream, limits=LIMITS))

    assert LIMITS.total_bytes + 1 == stream.taken


def test_large_members_come_in_pieces() -> None:
    """
    No piece is larger than 256 KiB, however large the member.
    """
    content = bytes(3 * PIECE_BYTES + 1)
    sizes = []

    for entry in ContainerReader(io.BytesIO(written({"a": content})), limits=ROOMY):
        assert len(content) == entry.size_bytes
        sizes = [len(piece) for piece in entry.chunks()]

    assert [PIECE_BYTES] * 3 + [1] == sizes


def test_reading_whole_has_a_limit() -> None:
    """
    Who expects a small member is not handed a large one.
    """
    (entry, *_) = iter(
        ContainerReader(io.BytesIO(written({"a": bytes(11)})), limits=ROOMY)
    )

    with pytest.raises(MalformedContainer, match="larger than 10 bytes"):
        entry.read(10)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "./a",
        "a/../b",
        "a\\b",
        "a\0b",
        "a\nb",
        "a\u007fb",
        "a\u0085b",
        "a\u202eb",
        "a\u200bb",
        "a\udc80b",
        "a" * 101,
        "\u00e9" * 51,
    ],
    ids=repr,
)
def test_unusable_names(name: str) -> None:
    """
    The writer refuses what the reader would, and has written nothing yet.
    """
    sunk: list[bytes] = []
    writer = ContainerWriter(sunk.append, day=DAY)

    with pytest.raises(UnusableName):
        writer.add(name, b"x")

    assert ([], 0) == (sunk, writer.size_bytes)


@pytest.mark.parametrize(
    "name",
    ["a" * NAME_BYTES, "...", "-rf", "a b", "\u4f60/\u597d", "\U0001fae8", "\ue000"],
    ids=ascii,
)
def test_usable_names(name: str) -> None:
    """
    Letters that this version of Unicode does not know yet are no reason either.
    """
    assert {name: b"x"} == read_whole(written({name: b"x"}))


def test_name_used_before() -> None:
    """
    The writer refuses a name that is in the archive, and writes nothing.
    """
    sunk: list[bytes] = []
    writer = ContainerWriter(sunk.append, day=DAY)
    writer.add("a", b"x")
    size = writer.size_bytes

    with pytest.raises(UnusableName, match="already"):
        writer.add("a", b"y")

    assert size == writer.size_bytes == len(b"".join(sunk))


@pytest.mark.parametrize(
    ("chunks", "error"),
    [
        ((b"abc",), "shorter"),
        ((), "shorter"),
        ((b"abc", b"de"), "longer"),
        ((b"abcde",), "longer"),
    ],
)
def test_size_must_be_as_announced(chunks: tuple[bytes, ...], error: str) -> None:
    """
    Four bytes were announced; the member can be neither more nor less.
    """

    def pieces() -> Iterator[bytes]:
        yield from chunks

    writer = ContainerWriter(io.BytesIO().write, day=DAY)

    with pytest.raises(ValueError, match=error):
        writer.add_stream("a", 4, pieces())


def test_streamed_member() -> None:
    """
    A member in pieces is the same as the member whole.
    """
    stream = io.BytesIO()
    writer = ContainerWriter(stream.write, day=DAY)

    writer.add_stream("a", 5, iter((b"ab", b"", b"cde")))
    writer.finish()

    assert written({"a": b"abcde"}) == stream.getvalue()
