"""
Releases: what is installed side by side, and which one counts.

    /opt/bisik/releases/VERSION/   one release, from the package bisik-server-VERSION
    /opt/bisik/current             a link to the one that counts

The link is replaced by renaming, so that at every moment it leads to one release or to
another.  What is in a release is dpkg's to know: nothing here writes below it.

Specified in docs/spec/release.md.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from journalist_app.durable import sync_directory
from ops.errors import OpsError

INSTALLED_AT = Path("/opt/bisik")
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+~-]*")
_NEXT = ".current.next"


class UnknownRelease(OpsError):
    """There is no such release on this machine."""


@dataclass(frozen=True)
class Releases:
    """
    The releases of a machine.

    Attributes:
        root: The folder that they are in.
    """

    root: Path = INSTALLED_AT

    def list(self) -> list[str]:
        """Return the versions that are installed, the newest package last."""
        folder = self.root / "releases"
        there = (path for path in folder.glob("*/bin/bisik") if path.is_file())
        found = (path.parents[1].name for path in there)
        return sorted(filter(_VERSION.fullmatch, found), key=_in_order)

    def current(self) -> str | None:
        """Return the version that counts; None before the first one."""
        try:
            return self._link.readlink().name
        except FileNotFoundError:
            return None

    def program(self, version: str) -> Path:
        """
        Return the command of a release.

        Raises:
            UnknownRelease: If there is none of this version.
        """
        if version not in self.list():
            raise UnknownRelease(f"there is no release {version} on this machine")
        return self.root / "releases" / version / "bin/bisik"

    def switch(self, version: str) -> None:
        """
        Let a release count, from one moment to the next, and for good.

        Raises:
            UnknownRelease: If there is none of this version.
        """
        self.program(version)
        following = self.root / _NEXT
        following.unlink(missing_ok=True)
        following.symlink_to(Path("releases") / version)
        following.rename(self._link)
        sync_directory(self.root)

    @property
    def _link(self) -> Path:
        return self.root / "current"


def _in_order(version: str) -> list[tuple[int, str]]:
    """Sort 0.10 behind 0.9."""
    return [
        (int(number or 0), word)
        for number, word in re.findall(r"([0-9]+)|([^0-9]+)", version)
    ]
