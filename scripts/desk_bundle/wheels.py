"""
The libraries of others: wheels, downloaded by digest and unpacked.

Wheels are of PEP 427.  They are chosen for Debian 12's own Python whatever Python runs
this, and only those whose digest is in requirements/desk.txt are taken.
"""

import sys
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from scripts.desk_bundle.refusing import BundleError, run

PYTHON = "3.11"
GLIBC_MINOR = 36
"""Debian 12 has glibc 2.36."""

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_LIBRARIES = ("purelib", "platlib")
# The first is for Python 2 and cannot be compiled.  The next, 43 MB, name the places
# and companies of telephone numbers, which nothing of Bisik asks for.  The last are
# fonts with a licence of their own that no page of ours uses.
_LEFT_OUT = (
    "olefile/olefile2.py",
    "phonenumbers/geodata/*",
    "phonenumbers/carrierdata/*",
    "reportlab/fonts/*.pfb",
)


def download(locked: Path, architecture: str, folder: Path) -> list[Path]:
    """
    Download the wheels of a lock.

    Args:
        locked: The lock; each version with its digests.

        architecture: As Debian names it.

        folder: Where to put them.

    Raises:
        BundleError: If one is missing, has another digest, or is not a wheel.
    """
    machine = _MACHINES.get(architecture)
    if machine is None:
        raise BundleError(f"there are no wheels for {architecture}")
    # The first tag counts most: the newest that Debian 12 can run.
    tags = [
        *(f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC_MINOR, 4, -1)),
        *(f"{name}_{machine}" for name in ("manylinux2014", "manylinux2010")),
    ]
    abi = "cp" + PYTHON.replace(".", "")
    run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--quiet"),
            *("--disable-pip-version-check", "--no-deps", "--require-hashes"),
            *("--only-binary", ":all:", "--implementation", "cp"),
            *("--python-version", PYTHON, "--abi", abi, "--abi", "abi3"),
            *("--abi", "none"),
            *(word for tag in tags for word in ("--platform", tag)),
            *("--requirement", str(locked), "--dest", str(folder)),
        ]
    )
    return sorted(folder.glob("*.whl"))


def unpack(wheels: list[Path]) -> dict[str, bytes]:
    """
    Return the files of wheels, by the path below site-packages.

    Commands and headers that a wheel would install elsewhere are left out.

    Raises:
        BundleError: If a path leaves the folder, or two wheels have the same file.
    """
    files: dict[str, bytes] = {}
    for wheel in wheels:
        for name, content in _members(wheel):
            if name in files:
                raise BundleError(f"{wheel.name}: {name} is in another wheel, too")
            files[name] = content
    return dict(sorted(files.items()))


def _members(wheel: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            path = PurePosixPath(member.filename)
            if path.is_absolute() or ".." in path.parts:
                raise BundleError(f"{wheel.name}: {path} leads out of the folder")
            if path.parts[0].endswith(".data"):
                if path.parts[1] not in _LIBRARIES:
                    continue
                path = PurePosixPath(*path.parts[2:])
            if not any(fnmatchcase(str(path), pattern) for pattern in _LEFT_OUT):
                yield str(path), archive.read(member)
