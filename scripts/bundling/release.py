"""What is packaged: a commit, and the version and the times that follow from it."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from scripts.bundling.own_code import read_setup
from scripts.bundling.refusing import BundleError, run

SOURCE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Release:
    """
    What is packaged.

    Attributes:
        source: The root of the repository.

        epoch: Seconds since 1970 of the commit; every time in the package.

        architecture: As Debian names it.
    """

    source: Path
    epoch: int
    architecture: str

    @property
    def version(self) -> str:
        """The version of Bisik and the minute of the commit: later ones are higher."""
        number = read_setup(self.source)["metadata"]["version"]
        return f"{number}+{self._moment:%Y%m%d.%H%M}"

    @property
    def day(self) -> str:
        """The commit's moment as Debian's changelogs have it."""
        return format_datetime(self._moment)

    @property
    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self.epoch, UTC)


def this_release() -> Release:
    """
    Return what is packaged from this very repository, on this machine.

    The moment is that of the commit, or what SOURCE_DATE_EPOCH says instead.

    Raises:
        BundleError: If there is neither, or this is no Debian.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    asked = given or run(["git", "-C", SOURCE, "log", "-1", "--format=%ct"]).strip()
    try:
        epoch = int(asked)
    except ValueError:
        raise BundleError("SOURCE_DATE_EPOCH must be a number of seconds") from None
    architecture = run(["dpkg", "--print-architecture"]).strip()
    return Release(source=SOURCE, epoch=epoch, architecture=architecture)
