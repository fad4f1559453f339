"""
What is installed is what there is: packages, their files, and pinned requirements.
"""

import configparser
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETUP = configparser.ConfigParser(interpolation=None)
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")

PACKAGES = SETUP["options"]["packages"].split()
TOP_PACKAGES = sorted({package.partition(".")[0] for package in PACKAGES})
PACKAGE_DATA = {
    package: patterns.split()
    for package, patterns in SETUP["options.package_data"].items()
}
PINNED = re.compile(r"[a-z0-9-]+==[\w.]+( ;[^#]*?)?( +--hash=sha256:[0-9a-f]{64})+ *")
FOR_DEVELOPERS = {"*.po", "*.pot", "babel.cfg", "README.md"}
"""What stands in a package but is not needed to run it."""


def requirement_names(text: str) -> set[str]:
    """List the names of the packages in a requirements file, spelled one way."""
    found = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found}


def read_requirements(name: str) -> str:
    """Read one file of requirements/."""
    return (ROOT / "requirements" / name).read_text(encoding="utf-8")


def test_every_package_is_listed() -> None:
    """
    setup.cfg lists the packages that exist, all of them and no others.
    """
    there = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in TOP_PACKAGES
        for path in (ROOT / top).rglob("*.py")
    }

    assert sorted(there) == sorted(PACKAGES)


@pytest.mark.parametrize("package", TOP_PACKAGES)
def test_every_file_of_a_package_is_installed(package: str) -> None:
    """
    Templates, word lists and calendars come along: each matches a pattern in setup.cfg.
    """
    folder = ROOT / package
    patterns = PACKAGE_DATA.get(package, [])
    left_out = [
        str(path.relative_to(ROOT))
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix not in {".py", ".pyc"}
        and not any(fnmatch(path.name, pattern) for pattern in FOR_DEVELOPERS)
        and not any(path.relative_to(folder).match(pattern) for pattern in patterns)
    ]

    assert [] == left_out, "\n".join(left_out)


@pytest.mark.parametrize("locked", ["run.txt", "test.txt"])
def test_every_requirement_is_pinned_by_digest(locked: str) -> None:
    """
    Each line of a lock names one version and its SHA-256 digests, and no index.
    """
    text = read_requirements(locked).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and line[0] not in " #"]

    assert lines
    assert [] == [line for line in lines if not PINNED.fullmatch(line)]


@pytest.mark.parametrize(
    ("wanted", "locked"),
    [("run.in", "run.txt"), ("build.in", "run.txt"), ("test.in", "test.txt")],
)
def test_every_wish_is_locked(wanted: str, locked: str) -> None:
    """
    What a `.in` file asks for is in its lock: `make lock` was run after the change.
    """
    wishes = requirement_names(read_requirements(wanted))

    assert wishes
    assert set() == wishes - requirement_names(read_requirements(locked))
