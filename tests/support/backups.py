"""An operator with a key, and what they do with a backup, with gpg and tar alone."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from support.openpgp_world import run_gpg

from crypto.agent import AgentHome

MADE: Final = "20261101T000000"


@dataclass(frozen=True)
class Operator:
    """
    Somebody who can open backups.

    Attributes:
        home: GNUPGHOME of their own computer.

        certificate: Their public key, as it lies on the server.
    """

    home: Path
    certificate: Path

    def open(self, backup: Path, to: Path) -> Path:
        """Open a backup, as anybody would with gpg alone."""
        with to.open("wb") as file:
            subprocess.run(
                ["gpg", "--homedir", self.home, "--batch", "--decrypt", backup],
                stdout=file,
                stderr=subprocess.DEVNULL,
                check=True,
            )
        return to


@contextmanager
def an_operator(
    name: str = "operator", *, until: str = "2030-01-01"
) -> Iterator[Operator]:
    """Make an operator, whose agent ends with the block."""
    with (
        tempfile.TemporaryDirectory(prefix="bisik-op-") as folder,
        AgentHome(Path(folder)),
    ):
        home = Path(folder)
        made = (
            "--quick-generate-key",
            f"{name}@example.test",
            "default",
            "default",
            until,
        )
        run_gpg(home, *made, at=MADE)
        certificate = home / "operator.asc"
        certificate.write_bytes(run_gpg(home, "--armor", "--export", at=MADE))
        yield Operator(home, certificate)


def listing(archive: Path) -> list[str]:
    """List an opened backup with tar alone."""
    said = subprocess.run(
        ["tar", "--list", "--file", archive], capture_output=True, check=True, text=True
    )
    return said.stdout.splitlines()


def everything_below(folder: Path) -> dict[str, bytes]:
    """Read every file, to show that nothing changed."""
    return {
        os.fspath(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
