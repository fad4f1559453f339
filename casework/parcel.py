"""
Parcels: events on their way from one desk to others, in one sealed message.

    journal.json           whose parcel, how many events
    events/000000.json     an event, the very bytes that were signed
    events/000000.sig      its detached OpenPGP signature
    events/000001.json ...
    ...then zeros, up to the sizes that sealed items have

A parcel travels as a sealed item among sealed items and has their sizes, so that
nobody on the way can tell the one from the other.  The events in it need not be of the
desk that made the parcel: a desk passes on what others have signed, to whoever is let
into a case later.  Every event is believed because of its own signature.

Specified in docs/spec/journal.md.  This module does no I/O and knows no OpenPGP.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from casework import strict
from casework.errors import CaseworkError
from casework.item import ITEM_LIMITS, ItemReader, MalformedItem, read_item_members
from casework.journal import EVENT_BYTES
from casework.members import content_of, translated
from casework.strict import Identity, StrictModel
from crypto.container import ContainerReader, ContainerWriter, Entry, Readable
from crypto.padding import item_size

MOST_EVENTS = 1_000
PARCEL_TEXT_BYTES = 16 * 1024 * 1024
SIGNATURE_BYTES = 4 * 1024
HEADER_BYTES = 1024

_HEADER_NAME = "journal.json"


class MalformedParcel(CaseworkError):
    """The parcel is not one that a desk wrote, or it was damaged."""


class ParcelHeader(StrictModel):
    """
    What a parcel says about itself (journal.json).

    Attributes:
        desk_id: Of the desk that made it.

        events: How many there are.
    """

    version: Literal[1] = 1
    desk_id: Identity
    events: Annotated[int, Field(ge=1, le=MOST_EVENTS)]


@dataclass(frozen=True)
class SignedEvent:
    """The bytes of an event and their signature; nothing of it is verified here."""

    untrusted_content: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def size_bytes(self) -> int:
        """How much room it takes in a parcel, framing included, at most."""
        framing_bytes = 4 * 1024
        return len(self.untrusted_content) + len(self.signature) + framing_bytes


@dataclass(frozen=True)
class Parcel:
    """A parcel that was read to its end."""

    header: ParcelHeader
    events: tuple[SignedEvent, ...]


def write_parcel(
    sink: Callable[[bytes], object],
    events: Sequence[SignedEvent],
    *,
    desk_id: str,
    day: date,
) -> int:
    """
    Write a parcel, padded as items are.

    Raises:
        ValueError: If there are no events, or more than a reader takes.

    Returns:
        Its size in bytes.
    """
    if sum(event.size_bytes for event in events) > PARCEL_TEXT_BYTES:
        raise ValueError("the events are too large for one parcel")
    header = ParcelHeader(desk_id=desk_id, events=len(events))
    container = ContainerWriter(sink, day=day)
    container.add(_HEADER_NAME, strict.render(header))
    for index, event in enumerate(events):
        container.add(event_name(index), event.untrusted_content)
        container.add(signature_name(index), event.signature)
    return container.finish(pad_to=item_size)


def event_name(index: int) -> str:
    """Return the member name of event *index*, counted from 0."""
    return f"events/{index:06}.json"


def signature_name(index: int) -> str:
    """Return the member name of the signature of event *index*."""
    return f"events/{index:06}.sig"


def read_message(stream: Readable) -> ItemReader | Parcel:
    """
    Read what a sealed message of the stream holds: an item of a reporter, or a parcel.

    Args:
        stream: The plaintext.  Whoever has the officers' public keys can seal to
            them, so nothing in it is believed.

    Raises:
        MalformedItem: If it is neither.

        MalformedParcel: If it is a parcel, and not exactly one.
    """
    entries = translated(iter(ContainerReader(stream, limits=ITEM_LIMITS)), _broken)
    first = next(entries, None)
    if first is not None and first.untrusted_name == _HEADER_NAME:
        return _read_parcel(first, entries)
    return read_item_members(first, entries)


def batches(events: Sequence[SignedEvent]) -> Iterator[Sequence[SignedEvent]]:
    """Cut events into as many parts as parcels are needed for them."""
    batch: list[SignedEvent] = []
    room_bytes = PARCEL_TEXT_BYTES
    for event in events:
        if len(batch) == MOST_EVENTS or event.size_bytes > room_bytes:
            yield batch
            batch, room_bytes = [], PARCEL_TEXT_BYTES
        batch.append(event)
        room_bytes -= event.size_bytes
    if batch:
        yield batch


def _read_parcel(first: Entry, entries: Iterator[Entry]) -> Parcel:
    header = strict.parse(
        ParcelHeader,
        content_of(first, _HEADER_NAME, HEADER_BYTES, MalformedParcel),
        limit_bytes=HEADER_BYTES,
        malformed=MalformedParcel,
    )
    events = []
    room_bytes = PARCEL_TEXT_BYTES
    for index in range(header.events):
        event = SignedEvent(
            content_of(
                next(entries, None), event_name(index), EVENT_BYTES, MalformedParcel
            ),
            content_of(
                next(entries, None),
                signature_name(index),
                SIGNATURE_BYTES,
                MalformedParcel,
            ),
        )
        room_bytes -= event.size_bytes
        if room_bytes < 0:
            raise MalformedParcel("the events are too large for one parcel")
        events.append(event)
    if next(entries, None) is not None:
        raise MalformedParcel("the parcel has a member that does not belong there")
    return Parcel(header, tuple(events))


def _broken(_reason: str) -> MalformedItem:
    # The reason may name a member, and an attachment's name can be a secret.
    return MalformedItem(MalformedItem.__doc__)
