"""Outboxes: what a desk sends to the dead drop, signed."""

import hashlib
import io
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.casework_samples import DAY, Vector, archive, named, vectors

from casework.outbox import (
    OUTBOX_LIMITS,
    AnnouncedParcel,
    AnnouncedSlot,
    Hold,
    MalformedOutbox,
    OutboxManifest,
    read_outbox,
    write_outbox,
)
from crypto.container import ContainerReader
from crypto.slots import SLOT_BYTES

SLOTS = {bytes([n]) * 32: bytes([n]) * SLOT_BYTES for n in (7, 3)}
HOLDS = (Hold(number=1, sha256="aa" * 32), Hold(number=5, sha256="bb" * 32))


class BadSignature(Exception):
    """The stand-in for what a real verifier raises."""


def sign(content: bytes) -> bytes:
    """Sign as the vectors do: this is a stand-in for OpenPGP."""
    return b"signed:" + hashlib.sha256(content).hexdigest().encode()


def verify(content: bytes, signature: bytes) -> str:
    """Verify what `sign` made."""
    if signature != sign(content):
        raise BadSignature
    return "officer"


def manifest_of(
    slots: dict[bytes, bytes],
    holds: Sequence[Hold] = HOLDS,
    parcels: Sequence[bytes] = (),
) -> OutboxManifest:
    """Announce *slots*, *holds* and *parcels*."""
    return OutboxManifest(
        installation="ef" * 16,
        desk_id="ab" * 16,
        number=1,
        day=DAY,
        slots=tuple(AnnouncedSlot.of(slot, sealed) for slot, sealed in slots.items()),
        holds=tuple(holds),
        parcels=tuple(
            AnnouncedParcel(
                size_bytes=len(parcel), sha256=hashlib.sha256(parcel).hexdigest()
            )
            for parcel in parcels
        ),
    )


def written(
    manifest: OutboxManifest, sealed: Sequence[bytes], parcels: Sequence[bytes] = ()
) -> bytes:
    """Write an outbox."""
    stream = io.BytesIO()
    size_bytes = write_outbox(
        stream.write,
        manifest,
        sealed,
        sign=sign,
        open_parcel=lambda index: [parcels[index]],
    )
    assert size_bytes == len(stream.getvalue())
    return stream.getvalue()


def read_whole(content: bytes) -> tuple[dict[bytes, bytes], list[bytes]]:
    """Read an outbox to its end: its slots and its parcels."""
    outbox = read_outbox(io.BytesIO(content), verify)
    slots = dict(outbox.slots())
    return slots, [b"".join(parcel.chunks()) for parcel in outbox.parcels()]


PARCELS = (b"satu" * 5_000, b"dua")
CONTENT = written(manifest_of(SLOTS), list(SLOTS.values()))
WITH_PARCELS = written(
    manifest_of(SLOTS, parcels=PARCELS), list(SLOTS.values()), PARCELS
)


def test_good_vectors() -> None:
    """
    Every good outbox of the vectors is read, and written again byte for byte.
    """
    for vector in vectors("outbox.json")["good"]:
        outbox = read_outbox(io.BytesIO(archive(vector["members"])), verify)
        sealed = [sealed for _, sealed in outbox.slots()]
        parcels = [b"".join(parcel.chunks()) for parcel in outbox.parcels()]
        content = written(outbox.manifest, sealed, parcels)

        assert vector["size_bytes"] == len(content), vector["name"]
        assert vector["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("vector", vectors("outbox.json")["bad"], ids=named)
def test_bad_vectors(vector: Vector) -> None:
    """
    Every bad outbox of the vectors is refused, its signature notwithstanding.
    """
    content = archive(vector["members"])

    with pytest.raises(MalformedOutbox):
        read_whole(content)


def test_an_outbox_is_read_as_it_was_written() -> None:
    """
    Slots come back byte for byte, with the manifest and who signed it.
    """
    outbox = read_outbox(io.BytesIO(CONTENT), verify)

    assert SLOTS == dict(outbox.slots())
    assert manifest_of(SLOTS) == outbox.manifest
    assert "officer" == outbox.signer


def test_parcels_are_read_as_they_were_written() -> None:
    """
    Parcels come back byte for byte, behind the slots.
    """
    assert (SLOTS, list(PARCELS)) == read_whole(WITH_PARCELS)


def test_a_changed_parcel_is_noticed_at_its_end() -> None:
    """
    A parcel is not what was signed if one bit of it is another.
    """
    changed = bytearray(WITH_PARCELS)
    changed[changed.index(b"satu" * 100) + 50] ^= 1

    with pytest.raises(MalformedOutbox, match="parcel 0 is not what was signed"):
        read_whole(bytes(changed))


@pytest.mark.parametrize("parcels", [[], [PARCELS[0]], [PARCELS[1], PARCELS[0]]])
def test_parcels_that_are_not_those_of_the_manifest_are_not_written(
    parcels: list[bytes],
) -> None:
    """
    A parcel that is missing or another ends the writing with an error.
    """
    with pytest.raises((ValueError, IndexError)):
        written(manifest_of(SLOTS, parcels=PARCELS), list(SLOTS.values()), parcels)


def test_the_digest_is_of_the_signed_bytes() -> None:
    """
    Two outboxes are told apart by the very bytes that were signed.
    """
    entries = iter(ContainerReader(io.BytesIO(CONTENT), limits=OUTBOX_LIMITS))
    manifest = next(entries).read(10_000)

    assert (
        hashlib.sha256(manifest).digest()
        == read_outbox(io.BytesIO(CONTENT), verify).manifest_sha256
    )


def test_the_signature_comes_first() -> None:
    """
    A manifest is not even parsed before its signature was verified.
    """
    content = archive(
        [{"name": "manifest.json", "text": "{"}, {"name": "manifest.sig", "text": "x"}]
    )

    with pytest.raises(BadSignature):
        read_outbox(io.BytesIO(content), verify)


def test_a_changed_manifest_is_not_read() -> None:
    """
    A manifest that was changed after signing is refused by the verifier.
    """
    changed = CONTENT.replace(b'"number": 1', b'"number": 2', 1)

    with pytest.raises(BadSignature):
        read_outbox(io.BytesIO(changed), verify)


def test_a_changed_slot_is_noticed_before_it_is_given_out() -> None:
    """
    Slots before a changed one are given out, the changed one never is.
    """
    changed = bytearray(CONTENT)
    changed[changed.index(b"\x03" * 100) + 50] ^= 1
    slots = read_outbox(io.BytesIO(bytes(changed)), verify).slots()
    first = next(slots)

    assert (bytes([7]) * 32, SLOTS[bytes([7]) * 32]) == first
    with pytest.raises(MalformedOutbox, match="slot 1 is not what was signed"):
        next(slots)


@pytest.mark.parametrize(
    "sealed",
    [
        [],
        [*SLOTS.values()][:1],
        [*SLOTS.values(), bytes(SLOT_BYTES)],
        [*SLOTS.values()][::-1],
    ],
)
def test_the_writer_keeps_its_word(sealed: list[bytes]) -> None:
    """
    Slots that are not those of the manifest end the writing with an error.
    """
    with pytest.raises(ValueError, match=r"shorter|longer|announces"):
        written(manifest_of(SLOTS), sealed)


def test_a_slot_has_one_size() -> None:
    """
    No slot of another size is written, even if it was announced so.
    """
    short = bytes(SLOT_BYTES - 1)

    with pytest.raises(ValueError, match="must be 16384 bytes"):
        written(manifest_of({bytes(32): short}), [short])


def test_a_manifest_that_contradicts_itself_is_not_made() -> None:
    """
    Held items rise, when writing as when reading.
    """
    with pytest.raises(ValidationError):
        manifest_of(SLOTS, HOLDS[::-1])


@settings(max_examples=200)
@given(st.data())
def test_any_change_is_noticed(data: st.DataObject) -> None:
    """
    Whatever is changed, no slot is given out that was not signed.
    """
    content = bytearray(CONTENT)
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, 4000) | st.integers(0, len(content) - 1))
        content[position] = data.draw(st.integers(0, 255))
    read = {}
    try:
        for slot, sealed in read_outbox(io.BytesIO(bytes(content)), verify).slots():
            read[slot] = sealed
    except (MalformedOutbox, BadSignature):
        pass

    assert read.items() <= SLOTS.items()


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """
    No bytes make the reader raise anything but its own or the verifier's error.
    """
    try:
        read_whole(content)
    except (MalformedOutbox, BadSignature):
        pass
