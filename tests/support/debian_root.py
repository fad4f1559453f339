"""
A minimal Debian 12 in a folder: an officer's machine, as new as it can be.

    root = DebianRoot.unpacked(minimal_debian(cache), tmp_path / "root")
    root.run(["dpkg", "--verify"])

Whoever enters it, by bwrap(1), gets mounts of their own and sees nothing of this
machine but /dev and /proc; nothing is left mounted.  The folder becomes the root itself
(pivot_root(2)) and not a chroot, in which the desk could make no sandbox of its own
(unshare(2)).
Needs root, mmdebstrap and this machine's sources of Debian packages.
"""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.debian_archive import SUITE, settings, sources

OFFICER = "petugas"
OFFICER_UID = 1000


@dataclass(frozen=True)
class DebianRoot:
    """A folder with a Debian in it."""

    path: Path

    @classmethod
    def unpacked(cls, archive: Path, path: Path) -> "DebianRoot":
        """Unpack a machine, and give it an officer."""
        path.mkdir()
        subprocess.run(["tar", "--extract", "-f", archive, "-C", path], check=True)
        # A test machine may lose its disk when the power fails.
        (path / "etc/dpkg/dpkg.cfg.d/unsafe-io").write_text("force-unsafe-io\n")
        root = cls(path)
        root.run(
            ["useradd", "--create-home", "--uid", str(OFFICER_UID), OFFICER]
        ).check_returncode()
        # Where desktops show sticks; everybody may look in.
        media = path / "media" / OFFICER
        media.mkdir()
        media.chmod(0o755)
        return root

    def entering(
        self,
        command: Sequence[str],
        *,
        uid: int = 0,
        folders: Mapping[Path, str] | None = None,
        network: bool = True,
    ) -> list[str]:
        """
        Return a command that runs another one inside.

        Args:
            command: As it is inside.

            uid: Of whoever runs it.

            folders: Of this machine, with the paths at which they are seen inside.

            network: Whether it has the network of whoever runs it, or none.
        """
        home = "/root" if uid == 0 else f"/home/{OFFICER}"
        return [
            *("bwrap", "--bind", str(self.path), "/", "--dev-bind", "/dev", "/dev"),
            # Not --proc: it covers parts of it, and then the kernel lets the desk's
            # own sandboxes have none (mount_namespaces(7), "too revealing").
            *("--bind", "/proc", "/proc", "--cap-add", "ALL", "--chdir", "/"),
            *([] if network else ["--unshare-net"]),
            *(
                word
                for path, inside in (folders or {}).items()
                for word in ("--bind", str(path), inside)
            ),
            *("--clearenv", "--setenv", "LANG", "C.UTF-8", "--setenv", "HOME", home),
            *("--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "--"),
            *("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--"),
            *command,
        ]

    def run(
        self,
        command: Sequence[str],
        *,
        uid: int = 0,
        folders: Mapping[Path, str] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command inside, without any network, and return what came of it."""
        return subprocess.run(
            self.entering(command, uid=uid, folders=folders, network=False),
            capture_output=True,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
            check=False,
        )


def minimal_debian(cache: Path) -> Path:
    """
    Return an archive of a Debian with what is essential and apt, and nothing else.

    Args:
        cache: A folder in which it stays for the next time.
    """
    archive = cache / f"debian-{SUITE}-minimal.tar"
    if not archive.exists():
        made = cache / "making.tar"
        listed = cache / "sources.list"
        listed.write_text(sources(cache))
        reaching = cache / "apt.conf"
        reaching.write_text(settings())
        subprocess.run(
            [
                *("mmdebstrap", "--quiet", "--variant=apt", "--format=tar"),
                *("--mode=root", f"--aptopt={reaching}", SUITE, made, listed),
            ],
            check=True,
        )
        made.rename(archive)
    return archive
