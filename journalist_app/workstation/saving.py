"""
Saving: files of a case, as their reporter sent them, and only when they are whole.

Whoever takes one out of the casebook goes through `taking_out`, which records it.
"""

import hashlib
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, select

from journalist_app.durable import refuse_existing, sync_directory
from journalist_app.workstation import casebook
from journalist_app.workstation.cases import AttachmentShown, attachments_of, find_case
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import SavedFileDiffers, UnknownCase
from journalist_app.workstation.items import Sink, read_stored
from journalist_app.workstation.storing import Stored


def stored_content(connection: Connection, case_id: bytes, digest: bytes) -> Stored:
    """
    Return where an item of a case is stored.

    Raises:
        UnknownCase: If the case has no such item.
    """
    columns = casebook.content.c
    row = connection.execute(
        select(columns.stored_as, columns.stored_key, columns.size_bytes).where(
            columns.digest == digest, columns.case_id == case_id
        )
    ).first()
    if row is None:
        raise UnknownCase("the case has no such item")
    return Stored(row.stored_as, row.stored_key, digest, row.size_bytes)


def read_attachment(desk: Desk, name: str, digest: bytes, position: int) -> bytes:
    """
    Return the bytes of one attachment, which are known to be whole.

    Raises:
        UnknownCase: If there is no such case, item or attachment.

        SavedFileDiffers: If it is not the one that was recorded.
    """
    with desk.casebook.transaction() as connection:
        row = find_case(connection, name)
        stored = stored_content(connection, row.case_id, digest)
        recorded = attachments_of(connection, digest)
    if not 1 <= position <= len(recorded):
        raise UnknownCase("the item has no such attachment")
    pieces: list[bytes] = []
    read_stored(
        desk.store,
        stored,
        receive=lambda number, _name: pieces.append if number == position else len,
    )
    content = b"".join(pieces)
    if hashlib.sha256(content).digest() != recorded[position - 1].sha256:
        raise SavedFileDiffers(SavedFileDiffers.__doc__)
    return content


def save_attachments(desk: Desk, name: str, directory: Path) -> tuple[Path, ...]:
    """
    Take the attachments of a case out of the store.

    The files get the numbers of item and attachment in front of their names,
    mode 0600, and replace nothing.  All of one item are saved, or none.

    Raises:
        UnknownCase: If there is no case of this name.

        FileExistsError: If one of the files is there already.

        SavedFileDiffers: If a file is not the one that was recorded.

        StoredItemDamaged: If the store's file is damaged.
    """
    columns = casebook.content.c
    with desk.casebook.transaction() as connection:
        row = find_case(connection, name)
        digests = connection.scalars(
            select(columns.digest)
            .where(columns.case_id == row.case_id)
            .order_by(columns.sequence, columns.digest)
        ).all()
        recorded = {digest: attachments_of(connection, digest) for digest in digests}
        stored = {
            digest: stored_content(connection, row.case_id, digest)
            for digest in digests
        }
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    saved: list[Path] = []
    for number, digest in enumerate(digests, start=1):
        if recorded[digest]:
            saver = _Saver(directory, number)
            with saver:
                read_stored(desk.store, stored[digest], receive=saver.receive)
                saver.keep(recorded[digest])
            saved += saver.saved
    return tuple(saved)


class _Saver:
    """Write the files of one item; they get their names only at the very end."""

    def __init__(self, directory: Path, number: int) -> None:
        self._directory = directory
        self._number = number
        self._stack = ExitStack()
        self._partial: list[tuple[Path, Path, BinaryIO]] = []
        self._digests: list[Any] = []
        self.saved: tuple[Path, ...] = ()

    def __enter__(self) -> None:
        self._stack.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def receive(self, position: int, name: str) -> Sink:
        """Open the next file."""
        path = self._directory / f"{self._number:03}-{position:03}-{name}"
        refuse_existing(path)
        descriptor, partial = tempfile.mkstemp(prefix=".", dir=self._directory)
        self._stack.callback(Path(partial).unlink, missing_ok=True)
        file = self._stack.enter_context(os.fdopen(descriptor, "wb"))
        digest = hashlib.sha256()
        self._partial.append((path, Path(partial), file))
        self._digests.append(digest)

        def write(chunk: bytes) -> None:
            digest.update(chunk)
            file.write(chunk)

        return write

    def keep(self, recorded: tuple[AttachmentShown, ...]) -> None:
        """Give the files their names: the item is whole."""
        found = [digest.digest() for digest in self._digests]
        if found != [attachment.sha256 for attachment in recorded]:
            raise SavedFileDiffers(SavedFileDiffers.__doc__)
        for path, partial, file in self._partial:
            file.flush()
            os.fsync(file.fileno())
            refuse_existing(path)
            partial.rename(path)
        sync_directory(self._directory)
        self.saved = tuple(path for path, _partial, _file in self._partial)
