"""
What is installed is what there is: packages, their files, and pinned requirements.
"""

import configparser
import re
import sys
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from scripts.bundling.own_code import OwnCode, imports_of, needed_modules
from scripts.desk_bundle.package import DESK_CODE
from scripts.release.package import SERVER_CODE

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
FOR_A_SERVER = {"tor", "util-linux"}
"""Debian packages without which a server is not reached, and that no desk needs."""
OPENS_REPORTS = (
    "crypto.certificates",
    "crypto.opening",
    "crypto.seeds",
    "crypto.subkeys",
)
"""Those of tests/test_architecture.py."""
FOR_DEVELOPERS = {"*.po", "*.pot", "babel.cfg", "README.md"}
"""What stands in a package but is not needed to run it."""


def requirement_names(text: str) -> set[str]:
    """List the names of the packages in a requirements file, spelled one way."""
    found = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found}


def read_requirements(name: str) -> str:
    """Read one file of requirements/."""
    return (ROOT / "requirements" / name).read_text(encoding="utf-8")


def pins_of(name: str) -> set[str]:
    """List what a lock pins: versions with their digests."""
    text = read_requirements(name).replace("\\\n", " ")
    lines = (line.partition("    #")[0] for line in text.splitlines())
    return {" ".join(line.split()) for line in lines if "==" in line}


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


@pytest.mark.parametrize("locked", ["run.txt", "desk.txt", "server.txt", "test.txt"])
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
    [
        ("run.in", "run.txt"),
        ("build.in", "run.txt"),
        ("desk.in", "desk.txt"),
        ("server.in", "server.txt"),
        ("test.in", "test.txt"),
    ],
)
def test_every_wish_is_locked(wanted: str, locked: str) -> None:
    """
    What a `.in` file asks for is in its lock: `make lock` was run after the change.
    """
    wishes = requirement_names(read_requirements(wanted))

    assert wishes
    assert set() == wishes - requirement_names(read_requirements(locked))


def test_no_part_of_a_server_comes_with_a_desk() -> None:
    """
    Its command does not come to import the sites, the dead drop or the courier.
    """
    on_servers = ("deaddrop", "journalist_app.courier", "source_app")
    modules = needed_modules(ROOT, PACKAGES, DESK_CODE)

    assert "journalist_app.workstation.viewing.child" in modules
    assert [] == [name for name in modules if name.startswith(on_servers)]


def test_nothing_that_opens_reports_comes_with_a_server() -> None:
    """
    Its command comes to import neither what opens a report, nor what makes a key that
    could, nor any part of a desk.
    """
    on_desks = ("journalist_app.workstation", *OPENS_REPORTS)
    modules = needed_modules(ROOT, PACKAGES, SERVER_CODE)

    assert "deaddrop.migrations.versions.0001_first_tables" in modules
    assert [] == [name for name in modules if name.startswith(on_desks)]


@pytest.mark.parametrize("locked", ["desk.txt", "server.txt"])
def test_a_machine_has_what_everybody_tests(locked: str) -> None:
    """
    What goes into a Debian package are versions and digests of run.txt.
    """
    assert pins_of(locked)
    assert set() == pins_of(locked) - pins_of("run.txt")


@pytest.mark.parametrize(
    ("code", "locked"), [(DESK_CODE, "desk.txt"), (SERVER_CODE, "server.txt")]
)
def test_a_machine_has_the_libraries_that_it_imports(
    code: OwnCode, locked: str
) -> None:
    """
    Whatever a module of a package imports is Python's, ours, or pinned in its lock.
    """
    modules = needed_modules(ROOT, PACKAGES, code)
    imported = {
        name.partition(".")[0] for path in modules.values() for name in imports_of(path)
    }
    # The last is there for type checkers only, and never imported.
    ours = {*TOP_PACKAGES, "_typeshed"}
    foreign = imported - set(sys.stdlib_module_names) - ours
    distributions = packages_distributions()
    needed = {
        re.sub(r"[-_.]+", "-", distributions[name][0]).lower() for name in foreign
    }

    assert "flask" in needed
    assert set() == needed - requirement_names(read_requirements(locked))


def test_a_desk_is_given_the_programs_that_bisik_needs() -> None:
    """
    The Debian packages of `make run` are those that bisik-desk depends on, too, but
    for those of Tor.
    """
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    control = (ROOT / "scripts/desk_bundle/files/control").read_text("utf-8")
    wanted = re.search(r"^DEBIAN_TO_RUN := (.*)$", makefile, re.MULTILINE)
    depends = re.search(r"^Depends: (.*)$", control, re.MULTILINE)
    assert wanted is not None
    assert depends is not None

    # Virtual environments are for developers: the package has its libraries inside.
    missing = (
        set(wanted[1].split())
        - {"python3-venv", *FOR_A_SERVER}
        - set(re.findall(r"[a-z][a-z0-9.+-]+", depends[1]))
    )
    assert set() == missing


def test_a_release_brings_what_the_playbook_installs() -> None:
    """
    A machine that reaches no archive finds in `make release OFFLINE=yes` what the
    role base asks for.
    """
    variables = (ROOT / "ansible/roles/base/vars/main.yml").read_text("utf-8")
    listed = re.search(
        r"^base_needed_packages:\n((?:  - \S+\n)+)", variables, re.MULTILINE
    )
    assert listed is not None
    brought = (ROOT / "scripts/release/files/debian-packages").read_text("utf-8")

    assert set() == set(re.findall(r"- (\S+)", listed[1])) - set(brought.split())
