"""
Root at work on a server directory that belongs to somebody else, as in service.

    with owned_server() as owned:
        owned.bisik("tidy")

The command runs in a process of its own, because it gives root up for good.
"""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from support.server import COMMAND, ROOT

from ops.edge import Edge
from ops.newcomer import Playground, prepare

NOBODY: Final = 65534
"""A user that every Debian has, and that owns nothing."""

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become somebody else"
)


@dataclass(frozen=True)
class OwnedServer:
    """
    A server directory of nobody's, in a folder that only root may enter otherwise.

    Attributes:
        base: Everybody may enter it.

        roots: A folder of root's, mode 0700.

        playground: Organisation, desk and server.
    """

    base: Path
    roots: Path
    playground: Playground

    @property
    def server(self) -> Path:
        """The server directory."""
        return self.playground.server

    def bisik(
        self, *arguments: object, stdin: bytes = b"", directory: bool = True
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run the command as root, from root's folder."""
        words = [str(argument) for argument in arguments]
        if directory:
            words += ["--directory", str(self.server)]
        return subprocess.run(
            [*command_for_others(self.base), *words],
            cwd=self.roots,
            env={"PATH": os.environ["PATH"], "HOME": "/root", "LANG": "C.UTF-8"},
            input=stdin,
            capture_output=True,
            check=False,
        )

    def bisik_as_owner(
        self, *arguments: object
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run the command as the owner, who is not root."""
        words = [str(argument) for argument in arguments]
        become = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        return subprocess.run(
            [*become, *command_for_others(self.base), *words]
            + ["--directory", str(self.server)],
            cwd="/" if command_for_others(self.base)[0] == "unshare" else ROOT,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
            capture_output=True,
            check=False,
        )

    def not_the_owners(self) -> list[Path]:
        """List what in the server directory does not belong to its owner."""
        return [
            path
            for path in (self.server, *self.server.rglob("*"))
            if path.lstat().st_uid != NOBODY
        ]


@contextmanager
def owned_server() -> Iterator[OwnedServer]:
    """Make one, and remove it at the end."""
    # Not pytest's folder, which only root may enter.
    with tempfile.TemporaryDirectory(prefix="bisik-owned-") as name:
        base = Path(name)
        base.chmod(0o711)
        roots = base / "roots"
        roots.mkdir(mode=0o700)
        theirs = base / "theirs"
        with tempfile.TemporaryDirectory(prefix="bisik-test-", dir="/dev/shm") as held:
            playground = prepare(theirs, Edge(memory=Path(held)))
        give_away(theirs)
        try:
            yield OwnedServer(base, roots, playground)
        finally:
            # Where the names of dummies are, unless bisik.toml says otherwise.
            shutil.rmtree(f"/dev/shm/bisik-{NOBODY}", ignore_errors=True)  # noqa: S108


def give_away(folder: Path) -> None:
    """Let a folder and all that is in it belong to nobody."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def command_for_others(base: Path) -> list[str]:
    """
    Return the command as somebody who is not root can run it, too.

    A tree below /root is seen at another place, in a mount namespace of its own.
    """
    if all(folder.stat().st_mode & stat.S_IXOTH for folder in (ROOT, *ROOT.parents)):
        return list(COMMAND)
    seen = base / "tree"
    seen.mkdir(mode=0o755, exist_ok=True)
    moved = [
        word.replace(str(ROOT), str(seen)) if word.startswith(str(ROOT)) else word
        for word in COMMAND
    ]
    mount = 'mount --bind "$1" "$2" && export PYTHONPATH="$2" && shift 2 && exec "$@"'
    assert shutil.which("unshare")
    return ["unshare", "--mount", "sh", "-c", mount, "sh", str(ROOT), str(seen), *moved]
