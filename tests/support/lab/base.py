"""
The tree of a Debian 12 that can be booted, and knows nothing of Bisik yet.

    tree = base_tree(Path("/var/cache/bisik-lab"))

It is made once and shared: machines lay an overlay over it (`support.lab.machine`).
What a role of the playbook needs, the playbook must install; the exception is what a
machine has before anybody can reach it: systemd, ssh, Python for Ansible, and Debian's
kernel, which is used where the machine is booted as a virtual one.

Packages that machines have downloaded are kept, too, so that the next one need not.
Needs root and mmdebstrap.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.debian_archive import SUITE, settings, sources

CACHE = Path(os.environ.get("BISIK_LAB", "/var/cache/bisik-lab"))
PACKAGES = (
    "ca-certificates",
    "dbus",
    "initramfs-tools",
    "iproute2",
    "kmod",
    "linux-image-cloud-amd64",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "systemd",
    "systemd-sysv",
    "udev",
    "zstd",
)
ARCHIVES = Path("var/cache/apt/archives")


def base_tree(cache: Path = CACHE) -> Path:
    """
    Return the folder with the tree, which is made if there is none.

    Args:
        cache: Where it stays for the next time; whoever makes it lets others wait.
    """
    recipe = hashlib.sha256(" ".join((SUITE, *PACKAGES)).encode()).hexdigest()[:8]
    tree = cache / f"{SUITE}-{recipe}"
    cache.mkdir(mode=0o755, parents=True, exist_ok=True)
    with _alone(cache):
        if not tree.exists():
            _make(cache, tree)
    return tree


@contextmanager
def own_folder(cache: Path = CACHE) -> Iterator[Path]:
    """Have a folder beside the tree, and remove those whose owners were killed."""
    with ExitStack() as stack:
        with _alone(cache):
            for left in cache.glob("lab-*"):
                _remove_unless_used(left)
            folder = Path(tempfile.mkdtemp(prefix="lab-", dir=cache))
            used = stack.enter_context((folder / "used").open("w"))
            fcntl.flock(used, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def lend_packages(root: Path, cache: Path = CACHE) -> None:
    """Put what earlier machines have downloaded into a machine's tree."""
    _link_packages(_kept(cache), root / ARCHIVES)


def keep_packages(root: Path, cache: Path = CACHE) -> None:
    """Take what a machine has downloaded away, for those that come after it."""
    _link_packages(root / ARCHIVES, _kept(cache))
    for package in (root / ARCHIVES).glob("*.deb"):
        package.unlink()


def _make(cache: Path, tree: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="making-", dir=cache) as name:
        making = Path(name)
        (making / "sources.list").write_text(sources(making))
        (making / "apt.conf").write_text(
            settings()
            + 'APT::Install-Recommends "false";\nAcquire::Languages "none";\n'
        )
        subprocess.run(
            [
                *("mmdebstrap", "--quiet", "--variant=apt", "--format=directory"),
                *("--mode=root", f"--aptopt={making / 'apt.conf'}"),
                f"--include={','.join(PACKAGES)}",
                *(SUITE, making / "tree", making / "sources.list"),
            ],
            check=True,
        )
        # A test machine may lose packages, but not reports, when the power fails.
        unsafe = making / "tree/etc/dpkg/dpkg.cfg.d/unsafe-io"
        unsafe.write_text("force-unsafe-io\n")
        (making / "tree").rename(tree)


def _remove_unless_used(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "used").open("r+") as used:
        # The kernel lets go of it when its owner ends, however that was.
        fcntl.flock(used, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)


def _kept(cache: Path) -> Path:
    folder = cache / "packages"
    folder.mkdir(exist_ok=True)
    return folder


def _link_packages(source: Path, target: Path) -> None:
    """Have the same packages in two folders; apt checks every one it finds."""
    if not source.is_dir():
        return
    for package in source.glob("*.deb"):
        with contextlib.suppress(FileExistsError, FileNotFoundError):
            try:
                os.link(package, target / package.name)
            except OSError as error:
                if isinstance(error, FileExistsError | FileNotFoundError):
                    raise
                # Another disk, or too many links.
                shutil.copy2(package, target / package.name)


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
