"""
The operator's notice to everybody who opens the reporters' site.

    bisik notice set --> notice.json --read when it has changed--> every worker

The file is in the server directory, and replaced whole; a running site shows it from
its next page on.  What it says, and how long it may be, is in `casework.notice`.
"""

import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from casework.notice import MalformedNotice, Notice
from journalist_app.durable import new_file, sync_directory

NOTICE: Final = "notice.json"

log = logging.getLogger("bisik.ops")


def read_notice(directory: Path) -> Notice | None:
    """
    Return the notice of a server directory, shown or over; None if there is none.

    Raises:
        MalformedNotice: If the file was changed by hand, and is wrong.
    """
    try:
        return Notice.parse((directory / NOTICE).read_bytes())
    except FileNotFoundError:
        return None


def write_notice(directory: Path, notice: Notice) -> None:
    """Put a notice in place of the one that is there, if any."""
    with new_file(directory / NOTICE, replace=True) as file:
        file.write(notice.to_json())


def remove_notice(directory: Path) -> bool:
    """Remove the notice; return whether there was one."""
    try:
        (directory / NOTICE).unlink()
    except FileNotFoundError:
        return False
    sync_directory(directory)
    return True


class NoticeBoard:
    """
    What is to be shown just now; called for every page, by several threads.

    A file that is not as it must be is logged once, and nothing is shown: a site that
    takes reports must not fail for it.
    """

    def __init__(self, directory: Path, *, today: Callable[[], date]) -> None:
        """
        Args:
            directory: The server directory.

            today: The day it is, in the institution's zone.
        """
        self._directory = directory
        self._today = today
        # Always replaced as a pair, so that no thread sees half of it.
        self._read: tuple[object, Notice | None] = (None, None)

    def __call__(self) -> Notice | None:
        """Return the notice, if there is one for today."""
        stamp = _stamp(self._directory / NOTICE)
        seen, notice = self._read
        if stamp != seen:
            notice = self._look()
            self._read = (stamp, notice)
        if notice is None or not notice.is_shown_on(self._today()):
            return None
        return notice

    def _look(self) -> Notice | None:
        try:
            return read_notice(self._directory)
        except (MalformedNotice, OSError) as error:
            log.error("no notice is shown: %s", error)
            return None


def _stamp(path: Path) -> object:
    """Return what tells one file of this name from the next; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
