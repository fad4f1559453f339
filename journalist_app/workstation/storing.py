"""
The store: what reporters sent, kept under keys of the desk's own.

    plaintext --Cobblestone-256, a new key for each--> store/<random name>
                                key, name --> casebook

A desk does not keep items as they were sealed: the officer's old subkeys are destroyed
after a while, and what is on the desk must stay readable.  What was sealed to a key
that no longer exists cannot be opened by anybody who copied it on its way.

The zeros at the end of an item, its padding, are not stored: they are counted.
Forgetting the key destroys the content, wherever copies of the file may be.

Cobblestone is C2SP chunked-encryption: AES-256-GCM in pieces, as `cryptography` has
it.  A file that was cut off or changed is noticed, at its end at the latest.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from crypto.padding import solid_size
from journalist_app.durable import new_file
from journalist_app.workstation.errors import StoredItemDamaged

NAME_BYTES = 16
KEY_BYTES = 32
PIECE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Stored:
    """
    Where a content is, and how it is read.

    Attributes:
        name: Random; the file's name in hexadecimal.

        key: Of this file only.

        digest: SHA-256 of the plaintext, padding included.

        size_bytes: Of the plaintext, padding included.
    """

    name: bytes
    key: bytes = field(repr=False)
    digest: bytes
    size_bytes: int


class Storing:
    """A content on its way into the store; made by `ItemStore.storing`."""

    def __init__(
        self, sink: Callable[[bytes], object], *, name: bytes, key: bytes
    ) -> None:
        self._sink = sink
        self._name = name
        self._key = key
        self._encryptor = Cobblestone256Encryptor(key, name)
        self._digest = hashlib.sha256()
        self._size_bytes = 0
        self._zeros = 0

    def write(self, piece: bytes) -> None:
        """Take the next bytes of the plaintext."""
        self._digest.update(piece)
        self._size_bytes += len(piece)
        # Zeros are written only when something else follows them.
        solid = piece[: solid_size(piece)]
        if solid:
            while self._zeros:
                run = min(self._zeros, PIECE_BYTES)
                self._sink(self._encryptor.update(bytes(run)))
                self._zeros -= run
            self._sink(self._encryptor.update(solid))
        self._zeros += len(piece) - len(solid)

    def finish(self) -> Stored:
        """End the content and say where it is going to be."""
        self._sink(self._encryptor.finalize())
        return Stored(self._name, self._key, self._digest.digest(), self._size_bytes)


class ItemStore:
    """The files of one desk's store."""

    def __init__(self, directory: Path, *, entropy: Callable[[int], bytes]) -> None:
        """
        Args:
            directory: Must exist.

            entropy: Gives random bytes, as `os.urandom` does.
        """
        self._directory = directory
        self._entropy = entropy

    @contextmanager
    def storing(self) -> Iterator[Storing]:
        """
        Store a content: it is there, durable, when the block ends well.

        Whoever leaves the block by an exception leaves no file.
        """
        name = self._entropy(NAME_BYTES)
        with new_file(self._path(name)) as file:
            yield Storing(file.write, name=name, key=self._entropy(KEY_BYTES))

    def read(self, stored: Stored) -> Iterator[bytes]:
        """
        Yield a content in pieces, padding included.

        Raises:
            StoredItemDamaged: If the file is missing, cut off or changed, at the end
                at the latest: nothing may be done with the pieces before that.
        """
        decryptor = Cobblestone256Decryptor(stored.key, stored.name)
        left = stored.size_bytes
        digest = hashlib.sha256()
        try:
            with self._path(stored.name).open("rb") as file:
                while sealed := file.read(PIECE_BYTES):
                    piece = decryptor.update(sealed)
                    left -= len(piece)
                    digest.update(piece)
                    yield piece
            piece = decryptor.finalize() or b""
        except (OSError, InvalidTag, ValueError):
            raise StoredItemDamaged(StoredItemDamaged.__doc__) from None
        left -= len(piece)
        digest.update(piece)
        yield piece
        while left > 0:
            zeros = bytes(min(left, PIECE_BYTES))
            left -= len(zeros)
            digest.update(zeros)
            yield zeros
        if left or digest.digest() != stored.digest:
            raise StoredItemDamaged(StoredItemDamaged.__doc__)

    def remove(self, name: bytes) -> None:
        """Remove a file; it need not be there."""
        self._path(name).unlink(missing_ok=True)

    def names(self) -> frozenset[bytes]:
        """Return the names of all files that are there."""
        return frozenset(
            bytes.fromhex(path.name)
            for path in self._directory.iterdir()
            if not path.name.startswith(".")
        )

    def _path(self, name: bytes) -> Path:
        return self._directory / name.hex()
