"""
Uploads: files that officers choose for a reporter, in memory and never on a disk.

    multipart --up to the limit--> memory
              `-what is more, or more files-> counted, and let go

A file that is too large does not take the letter with it: the form is still read to
its end, so that the officer's words come back beside the name of that file.
"""

import io
from typing import IO, TYPE_CHECKING

from flask import Request

from casework.reply import REPLY_BYTES

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class UploadedFile(io.BytesIO):
    """What was uploaded, or that it was too large."""

    def __init__(self, left: "Budget") -> None:
        super().__init__()
        self._left = left
        self.too_large = False

    def write(self, chunk: "ReadableBuffer", /) -> int:
        """Keep a piece, unless there is too much of it already."""
        size = len(bytes(chunk))
        if self.too_large or not self._left.take(size):
            self.too_large = True
            self.truncate(0)
            self.seek(0)
            return size
        return super().write(chunk)


class Budget:
    """How many bytes may still be kept of one form."""

    def __init__(self, size_bytes: int) -> None:
        self._left = size_bytes

    def take(self, size_bytes: int) -> bool:
        """Take some of it, or nothing if there is not enough."""
        if size_bytes > self._left:
            return False
        self._left -= size_bytes
        return True


class DeskRequest(Request):
    """A request whose uploads stay in memory."""

    _budget: Budget | None = None

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if self._budget is None:
            self._budget = Budget(REPLY_BYTES)
        return UploadedFile(self._budget)
