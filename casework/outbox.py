"""
Outboxes: what a desk sends to the dead drop, signed.

    manifest.json    which slots to fill, each with its digest; which items the
                     desk holds
    manifest.sig     a detached OpenPGP signature of the very bytes before it
    slots/000000     16,384 bytes each, in the order of the manifest
    slots/000001
    parcels/000000   sealed to other desks: they join the stream of sealed items

The signature comes before everything: until it is verified, the manifest is
bytes and nothing else.  Since the manifest has a digest of every slot and parcel,
one signature covers the outbox whole.

Specified in docs/spec/outbox.md.  This module does no I/O and knows no OpenPGP:
who signs and who verifies is passed in.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Generic, Literal, Self, TypeVar

from pydantic import Field, model_validator

from casework import strict
from casework.bundle import ItemNumber
from casework.enrolment import Certificate
from casework.errors import CaseworkError
from casework.members import content_of, translated
from casework.strict import LARGEST_INTEGER, Day, Digest, Identity, StrictModel
from crypto.container import (
    ContainerLimits,
    ContainerReader,
    ContainerWriter,
    Entry,
    Readable,
)
from crypto.slots import SLOT_BYTES

MOST_SLOTS = 16_384  # 256 MiB
MOST_HOLDS = 20_000
MOST_PARCELS = 5_000
# A case of 200 MB in all, and what its padding and sealing add.
PARCEL_BYTES = 256 * 1024 * 1024
PARCELS_BYTES = 2 * 1024 * 1024 * 1024
MANIFEST_BYTES = 8 * 1024 * 1024
SIGNATURE_BYTES = 64 * 1024

OUTBOX_LIMITS = ContainerLimits(
    entries=2 + MOST_SLOTS + MOST_PARCELS,
    entry_bytes=PARCEL_BYTES,
    total_bytes=(
        MANIFEST_BYTES
        + SIGNATURE_BYTES
        + MOST_SLOTS * (SLOT_BYTES + 1024)
        + PARCELS_BYTES
        + MOST_PARCELS * 1024
    ),
)

_MANIFEST_NAME = "manifest.json"
_SIGNATURE_NAME = "manifest.sig"


def _no_parcels(_index: int) -> Iterable[bytes]:
    raise ValueError("the manifest announces a parcel that nobody has")


Signer = TypeVar("Signer")


class MalformedOutbox(CaseworkError):
    """The outbox is not one that a desk wrote, or it was damaged."""


class AnnouncedSlot(StrictModel):
    """A slot to fill, and the digest of what goes into it."""

    slot: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    sha256: Digest

    @classmethod
    def of(cls, slot: bytes, sealed: bytes) -> Self:
        """Announce that *sealed* goes into *slot*."""
        return cls(slot=slot.hex(), sha256=hashlib.sha256(sealed).hexdigest())


class Hold(StrictModel):
    """A sealed item that the desk has safely stored."""

    number: ItemNumber
    sha256: Digest


class AnnouncedParcel(StrictModel):
    """A message sealed to other desks, which the dead drop adds to its stream."""

    size_bytes: Annotated[int, Field(ge=1, le=PARCEL_BYTES)]
    sha256: Digest


class OutboxManifest(StrictModel):
    """
    What is in an outbox (manifest.json).

    Attributes:
        installation: The dead drop it is for.

        desk_id: The desk it comes from.

        number: Outboxes of one desk are counted from 1.

        slots: Slots to fill, each once.

        holds: In rising order.

        parcels: For other desks, in the order in which they shall arrive.

        certificate: The officer's key with a later expiry or a new subkey, armored;
            None when nothing has changed.
    """

    version: Literal[1] = 1
    installation: Identity
    desk_id: Identity
    number: Annotated[int, Field(ge=1, le=LARGEST_INTEGER)]
    day: Day
    slots: Annotated[tuple[AnnouncedSlot, ...], Field(max_length=MOST_SLOTS)]
    holds: Annotated[tuple[Hold, ...], Field(max_length=MOST_HOLDS)]
    parcels: Annotated[
        tuple[AnnouncedParcel, ...],
        Field(max_length=MOST_PARCELS, exclude_if=strict.is_absent),
    ] = ()
    certificate: Annotated[
        Certificate | None, Field(exclude_if=strict.is_absent, repr=False)
    ] = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if len({announced.slot for announced in self.slots}) != len(self.slots):
            raise ValueError("a slot is there twice")
        if sum(parcel.size_bytes for parcel in self.parcels) > PARCELS_BYTES:
            raise ValueError("the parcels are too large together")
        previous = 0
        for hold in self.holds:
            if hold.number <= previous:
                raise ValueError("the held items do not rise")
            previous = hold.number
        return self


@dataclass(frozen=True)
class Outbox(Generic[Signer]):
    """
    An outbox whose signature was verified and whose content is still to come.

    Read `slots` to their end first and then `parcels`; only after that is the outbox
    known to be whole.

    Attributes:
        manifest: As it was signed.

        manifest_sha256: Of its exact bytes; tells one outbox from another.

        signer: What the verifier returned.
    """

    manifest: OutboxManifest
    manifest_sha256: bytes
    signer: Signer
    _entries: Iterator[Entry] = field(repr=False)

    def slots(self) -> Iterator[tuple[bytes, bytes]]:
        """
        Yield name and sealed content of every slot, once, in order.

        Apply them in one transaction and commit it only after the last parcel: an
        error here means that nothing of the outbox may be kept.

        Raises:
            MalformedOutbox: If a slot is missing, out of its order or not what was
                signed.
        """
        for index, announced in enumerate(self.manifest.slots):
            sealed = content_of(
                next(self._entries, None),
                slot_name(index),
                SLOT_BYTES,
                MalformedOutbox,
            )
            if len(sealed) != SLOT_BYTES:
                raise MalformedOutbox(f"slot {index} is not {SLOT_BYTES} bytes long")
            if hashlib.sha256(sealed).hexdigest() != announced.sha256:
                raise MalformedOutbox(f"slot {index} is not what was signed")
            yield bytes.fromhex(announced.slot), sealed

    def parcels(self) -> "Iterator[Parcel]":
        """
        Yield every parcel, once, in order; read each before the next one.

        Raises:
            MalformedOutbox: If a parcel is missing or out of its order, if the
                outbox has a member too many, or if the archive is not whole.
        """
        for index, announced in enumerate(self.manifest.parcels):
            entry = next(self._entries, None)
            if entry is None or entry.untrusted_name != parcel_name(index):
                raise MalformedOutbox(f"there is no {parcel_name(index)}")
            yield Parcel(announced, entry, index)
        if next(self._entries, None) is not None:
            raise MalformedOutbox("the outbox has a member that does not belong")


class Parcel:
    """
    A parcel of an outbox that is being read; valid until the next one.

    Attributes:
        sha256: What it must have, as it was signed.
    """

    def __init__(self, announced: AnnouncedParcel, entry: Entry, index: int) -> None:
        self.size_bytes = announced.size_bytes
        self.sha256 = bytes.fromhex(announced.sha256)
        self._entry = entry
        self._index = index

    def chunks(self) -> Iterator[bytes]:
        """
        Yield the parcel in pieces of at most 256 KiB, once.

        Raises:
            MalformedOutbox: At the end, if it is not what was signed.
        """
        digest = hashlib.sha256()
        size_bytes = 0
        for piece in translated(self._entry.chunks(), MalformedOutbox):
            digest.update(piece)
            size_bytes += len(piece)
            yield piece
        if size_bytes != self.size_bytes or digest.digest() != self.sha256:
            raise MalformedOutbox(f"parcel {self._index} is not what was signed")


def slot_name(index: int) -> str:
    """Return the member name of slot *index*, counted from 0."""
    return f"slots/{index:06}"


def parcel_name(index: int) -> str:
    """Return the member name of parcel *index*, counted from 0."""
    return f"parcels/{index:06}"


def write_outbox(
    sink: Callable[[bytes], object],
    manifest: OutboxManifest,
    sealed_slots: Iterable[bytes],
    *,
    sign: Callable[[bytes], bytes],
    open_parcel: Callable[[int], Iterable[bytes]] = _no_parcels,
) -> int:
    """
    Write an outbox.

    Args:
        sink: Takes the bytes as they come.

        manifest: What to write; its slots are made with `AnnouncedSlot.of`.

        sealed_slots: The sealed contents in the order of the manifest.

        sign: Given the exact bytes of the manifest, gives a detached OpenPGP
            signature of them.

        open_parcel: Given a parcel's index, gives its bytes in pieces.

    Raises:
        ValueError: If slots or parcels are not what the manifest announces.

    Returns:
        The size of the outbox in bytes.
    """
    container = ContainerWriter(sink, day=manifest.day)
    content = strict.render(manifest)
    container.add(_MANIFEST_NAME, content)
    container.add(_SIGNATURE_NAME, sign(content))
    # strict=True is what notices a slot too many or too few.
    pairs = zip(manifest.slots, sealed_slots, strict=True)
    for index, (announced, sealed) in enumerate(pairs):
        if AnnouncedSlot.of(bytes.fromhex(announced.slot), sealed) != announced:
            raise ValueError("a slot is not what the manifest announces")
        if len(sealed) != SLOT_BYTES:
            raise ValueError(f"a slot must be {SLOT_BYTES} bytes")
        container.add(slot_name(index), sealed)
    for index, parcel in enumerate(manifest.parcels):
        container.add_stream(parcel_name(index), parcel.size_bytes, open_parcel(index))
    return container.finish()


def read_outbox(
    stream: Readable,
    verify: Callable[[bytes, bytes], Signer],
    *,
    limits: ContainerLimits = OUTBOX_LIMITS,
) -> Outbox[Signer]:
    """
    Verify an outbox's manifest, and prepare to read its slots.

    Args:
        stream: The outbox.

        verify: Given the exact bytes of the manifest and of the signature,
            returns who signed.  It must raise if the signature is not good or
            not by somebody who may sign; whatever it raises comes through.

        limits: How much is read at most.

    Raises:
        MalformedOutbox: If it is not an outbox.
    """
    container = ContainerReader(stream, limits=limits)
    entries = translated(iter(container), MalformedOutbox)
    content = content_of(
        next(entries, None), _MANIFEST_NAME, MANIFEST_BYTES, MalformedOutbox
    )
    signature = content_of(
        next(entries, None), _SIGNATURE_NAME, SIGNATURE_BYTES, MalformedOutbox
    )
    signer = verify(content, signature)
    manifest = strict.parse(
        OutboxManifest, content, limit_bytes=MANIFEST_BYTES, malformed=MalformedOutbox
    )
    return Outbox(manifest, hashlib.sha256(content).digest(), signer, entries)
