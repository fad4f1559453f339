"""
The spool: ciphertext on its way from gpg to the dead drop.

Only sealed bytes come here.  The file has no name (O_TMPFILE), so that nothing
is left behind by a process that dies.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from deaddrop import SealedItem

READ_BYTES = 1024 * 1024


class CiphertextSpool:
    """Take ciphertext in, and hand it out again as a `SealedItem`."""

    def __init__(self, directory: Path) -> None:
        # Closed by __exit__.
        # Without a buffer, so that a full disk is met while writing, and not when
        # the last bytes are flushed.
        self._file = tempfile.TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115
        self._digest = hashlib.sha256()
        self._size_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, ciphertext: bytes) -> None:
        """Add sealed bytes; an `OSError` such as a full disk goes to the caller."""
        left = memoryview(ciphertext)
        while left:
            # On a disk that is nearly full, a part may be taken.
            left = left[self._file.write(left) :]
        self._digest.update(ciphertext)
        self._size_bytes += len(ciphertext)

    def item(self) -> SealedItem:
        """Return what was written, for as long as the spool is open."""
        return SealedItem(self._size_bytes, self._digest.digest(), self._chunks)

    def _chunks(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(READ_BYTES):
            yield chunk
