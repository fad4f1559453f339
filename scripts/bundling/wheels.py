"""
The libraries of others: wheels, downloaded by digest and unpacked.

Wheels are of PEP 427.  They are chosen for Debian 12's own Python whatever Python runs
this, and only those whose digest is in the lock are taken.

A library that its authors publish as source alone is unpacked as it is, without its
tests; that works as long as it is of Python alone.
"""

import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from scripts.bundling.refusing import BundleError, run

PYTHON = "3.11"
GLIBC_MINOR = 36
"""Debian 12 has glibc 2.36."""

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_LIBRARIES = ("purelib", "platlib")
_SOURCE_ALONE = ("stem",)
_REQUIREMENT = re.compile(r"^([a-z0-9-]+)==(?:.*\\\n)*.*\n", re.MULTILINE)
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
    Download the libraries of a lock.

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
    wheels, sources = _sorted_by_kind(locked.read_text("utf-8"))
    _download(
        wheels,
        folder,
        *("--only-binary", ":all:", "--implementation", "cp"),
        *("--python-version", PYTHON, "--abi", abi, "--abi", "abi3"),
        *("--abi", "none"),
        *(word for tag in tags for word in ("--platform", tag)),
    )
    if sources:
        # pip asks it for its name, with the setuptools that is pinned for us.
        _download(sources, folder, "--no-binary", ":all:", "--no-build-isolation")
    return sorted([*folder.glob("*.whl"), *folder.glob("*.tar.gz")])


def _sorted_by_kind(lock: str) -> tuple[str, str]:
    """Return the lines of a lock for wheels, and those for sources."""
    kinds: tuple[list[str], list[str]] = ([], [])
    for found in _REQUIREMENT.finditer(lock):
        kinds[found[1] in _SOURCE_ALONE].append(found[0])
    return "".join(kinds[0]), "".join(kinds[1])


def _download(requirements: str, folder: Path, *how: str) -> None:
    asked = folder / "requirements.txt"
    asked.write_text(requirements, encoding="utf-8")
    run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--quiet"),
            *("--disable-pip-version-check", "--no-deps", "--require-hashes"),
            *how,
            *("--requirement", str(asked), "--dest", str(folder)),
        ]
    )


def unpack(libraries: list[Path]) -> dict[str, bytes]:
    """
    Return the files of libraries, by the path below site-packages.

    Commands and headers that a wheel would install elsewhere are left out.

    Raises:
        BundleError: If a path leaves the folder, or two have the same file.
    """
    files: dict[str, bytes] = {}
    for library in libraries:
        read = _members if library.suffix == ".whl" else _members_of_source
        for name, content in read(library):
            if name in files:
                raise BundleError(f"{library.name}: {name} is in another one, too")
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


def _members_of_source(library: Path) -> Iterator[tuple[str, bytes]]:
    """Give the package of a source archive, and what it says of itself."""
    top = library.name.removesuffix(".tar.gz")
    package = top.partition("-")[0]
    about = {"PKG-INFO": "METADATA", "LICENSE": "LICENSE"}
    with tarfile.open(library) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            if not member.isfile() or path.parts[0] != top or ".." in path.parts:
                continue
            inside = path.relative_to(top)
            content = archive.extractfile(member)
            if content is None:
                continue
            if inside.parts[0] == package:
                yield str(inside), content.read()
            elif str(inside) in about:
                yield f"{top}.dist-info/{about[str(inside)]}", content.read()
