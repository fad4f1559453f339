"""
Items: opening one sealed item without leaving a trace of it.

    items/<sha256>.pgp --gpg--> pipe --> parser --> text, digests of files
                                                --> files, if they are wanted

gpg tells only with its last words whether an item is whole, so everything read
here is held back until then.  Memory stays bounded: the files of an item flow
through, and only its text stays.
"""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from casework.item import ItemHeader, MalformedItem, ReadMarks, read_item
from casework.report import Report
from crypto.opening import CannotOpen, SecretKeyring

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
    """An item that was opened and read to its end."""

    header: ItemHeader
    report: Report | None = field(repr=False)
    message: str | None = field(repr=False)
    read_marks: ReadMarks | None
    attachments: tuple[Attachment, ...]


def _throw_away(_position: int, _name: str) -> Sink:
    return len


def open_item(
    keys: SecretKeyring, sealed: Path, *, receive: Receive = _throw_away
) -> OpenedItem:
    """
    Open one sealed item.

    Args:
        keys: The officer's.

        sealed: The item's file.

        receive: Given a file's position (from 1) and its safe name, says where
            its bytes go.  They may be believed only when this returns.

    Raises:
        CannotOpen: If it is not sealed to this officer, or not whole.

        MalformedItem: If what was sealed is not an item.
    """
    reading, writing = os.pipe()
    malformed: MalformedItem | None = None
    opened: OpenedItem | None = None
    with ThreadPoolExecutor(1) as pool, os.fdopen(reading, "rb") as stream:
        opening = pool.submit(_open_into, writing, keys, sealed)
        try:
            opened = _read(stream, receive)
        except MalformedItem as error:
            malformed = error
        finally:
            # When the parser gives up, gpg has to stop as well.
            stream.close()
        failure = opening.exception()
    we_hung_up = failure is not None and isinstance(failure.__cause__, BrokenPipeError)
    if malformed is not None and (failure is None or we_hung_up):
        raise malformed
    if failure is not None:
        raise failure
    if opened is None:
        raise CannotOpen(CannotOpen.__doc__)
    return opened


def _open_into(writing: int, keys: SecretKeyring, sealed: Path) -> None:
    def write(plaintext: bytes) -> None:
        view = memoryview(plaintext)
        while view:
            view = view[os.write(writing, view) :]

    try:
        with sealed.open("rb") as file:
            keys.open(file, sink=write)
    finally:
        os.close(writing)


def _read(stream: BinaryIO, receive: Receive) -> OpenedItem:
    item = read_item(stream)
    attachments = []
    for position, file in enumerate(item.files(), start=1):
        sink = receive(position, file.name)
        digest = hashlib.sha256()
        for chunk in file.chunks():
            digest.update(chunk)
            sink(chunk)
        attachments.append(Attachment(file.name, file.size_bytes, digest.hexdigest()))
    return OpenedItem(
        header=item.header,
        report=item.report,
        message=item.message,
        read_marks=item.read_marks,
        attachments=tuple(attachments),
    )
