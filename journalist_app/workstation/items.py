"""
Items: opening one sealed message without leaving a trace of it.

    incoming/<sha256>.pgp --gpg--> parser --> text, digests of files
                              `--> store, under a key of its own

gpg tells only with its last words whether a message is whole, so everything read
here is held back until then.  Memory stays bounded: the files of an item flow
through, and only its text stays.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from casework.item import (
    ItemHeader,
    ItemReader,
    MalformedItem,
    ReadMarks,
    read_item,
)
from casework.journal import OFFICE
from casework.parcel import PARCEL_TEXT_BYTES, Parcel, read_message
from casework.report import Report
from crypto.opening import SecretKeyring
from journalist_app.workstation.storing import ItemStore, Stored, Storing

# More than a parcel has, with its padding, and than an item has before its files.
HELD_BYTES = 2 * PARCEL_TEXT_BYTES

Sink = Callable[[bytes], object]
Receive = Callable[[int, str], Sink]


@dataclass(frozen=True)
class Attachment:
    """A file of an item, as far as the casebook keeps it."""

    name: str = field(repr=False)
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class OpenedItem:
    """An item that was opened, read to its end and put into the store."""

    header: ItemHeader
    report: Report | None = field(repr=False)
    message: str | None = field(repr=False)
    read_marks: ReadMarks | None
    attachments: tuple[Attachment, ...]
    stored: Stored


class _Tee:
    """A stream that remembers what was read of it until it is told where it goes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._storing: Storing | None = None

    def read(self, size: int, /) -> bytes:
        piece = self._stream.read(size)
        if self._storing:
            self._storing.write(piece)
        else:
            self._held_bytes += len(piece)
            if self._held_bytes > HELD_BYTES:
                # Neither a parcel nor what stands before an item's files: zeros
                # without end, for instance, that were packed into a few bytes.
                raise MalformedItem(MalformedItem.__doc__)
            self._held.append(piece)
        return piece

    def goes_to(self, storing: Storing) -> None:
        """Pass on what was read, and whatever is still to come."""
        for piece in self._held:
            storing.write(piece)
        self._held.clear()
        self._storing = storing


def open_sealed(
    keys: SecretKeyring, sealed: Path, store: ItemStore
) -> OpenedItem | Parcel:
    """
    Open one sealed message: an item goes into the store, a parcel does not.

    Args:
        keys: The officer's.

        sealed: The message's file.

        store: Where an item goes.  When this raises, nothing is left there.

    Raises:
        CannotOpen: If it is not sealed to this officer, or not whole.

        CaseworkError: If what was sealed is neither.
    """
    with ExitStack() as kept:
        # An exception that passes through here takes the file out of the store.
        return keys.open(sealed, reader=lambda stream: _read(stream, store, kept))


def read_stored(store: ItemStore, stored: Stored, *, receive: Receive) -> None:
    """
    Take the files of an item out of the store.

    Args:
        receive: Given a file's position (from 1) and its safe name, says where
            its bytes go.  They may be believed only when this returns.

    Raises:
        StoredItemDamaged: If the store's file is not what was put there.
    """
    stream = _Pieces(store.read(stored))
    for position, file in enumerate(read_item(stream).files(), start=1):
        sink = receive(position, file.name)
        for chunk in file.chunks():
            sink(chunk)


class _Pieces:
    """Pieces of any size, read as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""

    def read(self, size: int, /) -> bytes:
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._held = piece
        taken, self._held = self._held[:size], self._held[size:]
        return taken


def _read(stream: BinaryIO, store: ItemStore, kept: ExitStack) -> OpenedItem | Parcel:
    tee = _Tee(stream)
    message = read_message(tee)
    if isinstance(message, Parcel):
        return message
    if message.header.case_id == OFFICE:
        raise MalformedItem("the item is of no case: desks speak there of themselves")
    storing = kept.enter_context(store.storing())
    tee.goes_to(storing)
    attachments = _read_files(message)
    return OpenedItem(
        header=message.header,
        report=message.report,
        message=message.message,
        read_marks=message.read_marks,
        attachments=attachments,
        stored=storing.finish(),
    )


def _read_files(item: ItemReader) -> tuple[Attachment, ...]:
    attachments = []
    for file in item.files():
        digest = hashlib.sha256()
        for chunk in file.chunks():
            digest.update(chunk)
        attachments.append(Attachment(file.name, file.size_bytes, digest.hexdigest()))
    return tuple(attachments)
