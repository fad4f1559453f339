"""What a backup may consist of: nothing but what is written, in its order, whole."""

import io
import tarfile
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.container import ContainerWriter, MalformedContainer
from ops.backups.archive import (
    SMALLEST_BYTES,
    About,
    BackupReader,
    BackupWriter,
    MalformedBackup,
    Manifest,
    SealedBackup,
    padded_size,
)

DAY = date(2026, 11, 25)
ABOUT = About(bisik="0.1.0", revision="0003", day=DAY)
FILES = {
    "server/bisik.toml": b"version = 1\n",
    "server/keyring/pubring.kbx": b"keys",
    "deaddrop/000001.sqlite": b"part one",
    "deaddrop/000002.sqlite": b"part two",
    "onion/reporters/hostname": b"address",
}


def written(files: dict[str, bytes] = FILES, *, padded: bool = False) -> bytes:
    """Write a backup."""
    pieces: list[bytes] = []
    writer = BackupWriter(pieces.append, ABOUT)
    for name, content in files.items():
        writer.add(name, content)
    writer.finish(padded=padded)
    return b"".join(pieces)


def read(content: bytes) -> dict[str, bytes]:
    """Read a backup to its end."""
    return dict(BackupReader(io.BytesIO(content)))


def test_what_was_written_is_read() -> None:
    """Names, contents and what it is of."""
    assert FILES == read(written())
    assert ABOUT == BackupReader(io.BytesIO(written())).about


def test_sizes_are_powers_of_two() -> None:
    """From 16 MiB on, so that there are few of them."""
    assert SMALLEST_BYTES == len(written(padded=True))
    sizes = [padded_size(size) for size in (1, SMALLEST_BYTES, SMALLEST_BYTES + 1)]
    assert [SMALLEST_BYTES, SMALLEST_BYTES, 2 * SMALLEST_BYTES] == sizes


def test_tar_opens_it() -> None:
    """Another program finds the same files."""
    with tarfile.open(fileobj=io.BytesIO(written())) as archive:
        names = archive.getnames()
    assert ["README.txt", "about.json", *FILES, "manifest.json"] == names


def raw(change: Callable[[dict[str, bytes]], None]) -> bytes:
    """Write an archive whose members are changed behind the writer's back."""
    with tarfile.open(fileobj=io.BytesIO(written())) as archive:
        members = {
            member.name: archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in archive
        }
    change(members)
    pieces: list[bytes] = []
    writer = ContainerWriter(pieces.append, day=DAY)
    for name, content in members.items():
        writer.add(name, content)
    writer.finish()
    return b"".join(pieces)


def moved(members: dict[str, bytes], name: str) -> None:
    """Put a member behind the manifest."""
    members[name] = members.pop(name)


CHANGES: dict[str, Callable[[dict[str, bytes]], object]] = {
    "a changed file": lambda m: m.update({"server/bisik.toml": b"version = 2\n"}),
    "a missing file": lambda m: m.pop("server/keyring/pubring.kbx"),
    "a missing part": lambda m: m.pop("deaddrop/000001.sqlite"),
    "no manifest": lambda m: m.pop("manifest.json"),
    "no record": lambda m: m.pop("about.json"),
    "a file behind the manifest": lambda m: moved(m, "onion/reporters/hostname"),
    "an order of its own": lambda m: moved(m, "server/bisik.toml"),
    "another file": lambda m: m.update({"other": b""}),
    "a hidden file": lambda m: m.update({"server/.profile": b""}),
    "a folder below": lambda m: m.update({"server/spool/x": b""}),
    "a record of another form": lambda m: m.update({"about.json": b"{}"}),
    "a manifest of another form": lambda m: m.update({"manifest.json": b"[]"}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_anything_else_is_refused(change: Callable[[dict[str, bytes]], None]) -> None:
    """One change of a good backup at a time."""
    assert FILES == read(raw(lambda members: None))
    with pytest.raises((MalformedBackup, MalformedContainer)):
        read(raw(change))


def links() -> Iterator[tarfile.TarInfo]:
    """Make members that are no plain files, or that would leave their folder."""
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE):
        member = tarfile.TarInfo("server/bisik.toml")
        member.type, member.linkname = kind, "/etc/shadow"
        yield member
    for name in ("/etc/passwd", "server/../../x", "server/./x"):
        yield tarfile.TarInfo(name)


@pytest.mark.parametrize("member", list(links()), ids=lambda m: f"{m.type!r} {m.name}")
def test_nothing_leads_out_of_its_folder(member: tarfile.TarInfo) -> None:
    """Links, devices and paths are refused at their header."""
    begun = written({})
    with tarfile.open(fileobj=io.BytesIO(begun)) as archive:
        last = archive.getmember("manifest.json").offset
    hostile = begun[:last] + member.tobuf(tarfile.USTAR_FORMAT) + bytes(1024)
    with pytest.raises((MalformedBackup, MalformedContainer)):
        read(hostile)


def test_a_size_that_lies_takes_no_memory() -> None:
    """A member that says it is huge is refused before it is read."""
    begun = written({})
    with tarfile.open(fileobj=io.BytesIO(begun)) as archive:
        last = archive.getmember("manifest.json").offset
    member = tarfile.TarInfo("deaddrop/000001.sqlite")
    member.size = 60 * 1024 * 1024
    with pytest.raises(MalformedContainer):
        read(begun[:last] + member.tobuf(tarfile.USTAR_FORMAT))


def test_a_sealed_backup_is_told_from_a_damaged_one() -> None:
    """Its first byte is one of OpenPGP."""
    with pytest.raises(SealedBackup):
        read(b"\x85\x01\x0c" + bytes(600))


@given(st.binary(max_size=300))
def test_a_manifest_is_read_strictly_or_refused(untrusted: bytes) -> None:
    """Whatever it is."""
    try:
        Manifest.parse(untrusted)
    except MalformedBackup:
        pass


@given(st.data())
def test_no_change_goes_unnoticed(data: st.DataObject) -> None:
    """A byte that is changed anywhere before the last zeros is refused."""
    content = bytearray(written())
    place = data.draw(st.integers(0, len(content.rstrip(b"\0")) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    try:
        found = read(bytes(content))
    except (MalformedBackup, MalformedContainer, SealedBackup):
        return
    # tar's own fields of the header that mean nothing to anybody here.
    assert FILES == found


@given(st.integers(0, len(written()) - 513))
def test_a_backup_that_is_cut_off_is_refused(size: int) -> None:
    """Wherever that is, until the end of the archive has been seen."""
    with pytest.raises((MalformedBackup, MalformedContainer)):
        read(written()[:size])
