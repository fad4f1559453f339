"""
Outboxes: what a desk sends to the dead drop, signed.

    manifest.json    which slots to fill, each with its digest; which items the
                     desk holds
    manifest.sig     a detached OpenPGP signature of the very bytes before it
    slots/000000     16,384 bytes each, in the order of the manifest
    slots/000001

The signature comes before everything: until it is verified, the manifest is
bytes and nothing else.  Since the manifest has a digest of every slot, one
signature covers the outbox whole.

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
MANIFEST_BYTES = 8 * 1024 * 1024
SIGNATURE_BYTES = 64 * 1024

OUTBOX_LIMITS = ContainerLimits(
    entries=2 + MOST_SLOTS,
    entry_bytes=MANIFEST_BYTES,
    total_bytes=MANIFEST_BYTES + SIGNATURE_BYTES + MOST_SLOTS * (SLOT_BYTES + 1024),
)

_MANIFEST_NAME = "manifest.json"
_SIGNATURE_NAME = "manifest.sig"


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


class OutboxManifest(StrictModel):
    """
    What is in an outbox (manifest.json).

    Attributes:
        installation: The dead drop it is for.

        desk_id: The desk it comes from.

        number: Outboxes of one desk are counted from 1.

        slots: Slots to fill, each once.

        holds: In rising order.
    """

    version: Literal[1] = 1
    installation: Identity
    desk_id: Identity
    number: Annotated[int, Field(ge=1, le=LARGEST_INTEGER)]
    day: Day
    slots: Annotated[tuple[AnnouncedSlot, ...], Field(max_length=MOST_SLOTS)]
    holds: Annotated[tuple[Hold, ...], Field(max_length=MOST_HOLDS)]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if len({announced.slot for announced in self.slots}) != len(self.slots):
            raise ValueError("a slot is there twice")
        previous = 0
        for hold in self.holds:
            if hold.number <= previous:
                raise ValueError("the held items do not rise")
            previous = hold.number
        return self


@dataclass(frozen=True)
class Outbox(Generic[Signer]):
    """
    An outbox whose signature was verified and whose slots are still to come.

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

        Apply them in one transaction and commit it only after the last one: an
        error here means that nothing of the outbox may be kept.

        Raises:
            MalformedOutbox: If a slot is missing, too many, out of its order or
                not what was signed, or if the archive is not whole.
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
        if next(self._entries, None) is not None:
            raise MalformedOutbox("the outbox has a member that does not belong")


def slot_name(index: int) -> str:
    """Return the member name of slot *index*, counted from 0."""
    return f"slots/{index:06}"


def write_outbox(
    sink: Callable[[bytes], object],
    manifest: OutboxManifest,
    sealed_slots: Iterable[bytes],
    *,
    sign: Callable[[bytes], bytes],
) -> int:
    """
    Write an outbox.

    Args:
        sink: Takes the bytes as they come.

        manifest: What to write; its slots are made with `AnnouncedSlot.of`.

        sealed_slots: The sealed contents in the order of the manifest.

        sign: Given the exact bytes of the manifest, gives a detached OpenPGP
            signature of them.

    Raises:
        ValueError: If *sealed_slots* is not what the manifest announces.

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
