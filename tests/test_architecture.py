"""
The packages of Bisik import one way, never back.

    ops -> source_app, journalist_app.* -> casework, deaddrop -> crypto
        -> tor

The table is a promise to reporters as much as to developers: what faces the network
cannot open a report, since nothing that opens one is ever imported there.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent

MAY_IMPORT: dict[str, set[str]] = {
    "crypto": set(),
    # The door knows nothing of what is behind it, and nobody behind it of the door.
    "tor": set(),
    "fairness": set(),
    "casework": {"crypto"},
    "deaddrop": {"crypto"},
    "source_app": {"casework", "crypto", "deaddrop", "fairness"},
    "journalist_app": set(),
    "journalist_app.courier": {
        "casework",
        "crypto",
        "deaddrop",
        "fairness",
        "journalist_app",
    },
    # The desk is off the network, and shares no part with what is on it.
    "journalist_app.workstation": {"casework", "crypto", "journalist_app"},
    "ops": {
        "casework",
        "crypto",
        "deaddrop",
        "fairness",
        "journalist_app",
        "journalist_app.courier",
        "journalist_app.workstation",
        "source_app",
        "tor",
    },
}

OPENS_REPORTS = {
    "crypto.certificates",
    "crypto.opening",
    "crypto.seeds",
    "crypto.subkeys",
}
WEB_OR_DATABASE = {
    "alembic",
    "flask",
    "flask_babel",
    "flask_wtf",
    "psycopg",
    "sqlalchemy",
    "sqlcipher3",
    "sqlite3",
    "werkzeug",
    "wtforms",
}
MUST_NOT_IMPORT = {
    "crypto": WEB_OR_DATABASE,
    "tor": WEB_OR_DATABASE,
    "fairness": WEB_OR_DATABASE,
    "casework": WEB_OR_DATABASE,
    "deaddrop": OPENS_REPORTS,
    "source_app": OPENS_REPORTS,
    "journalist_app.courier": OPENS_REPORTS,
}

FACES_THE_NETWORK = ["deaddrop", "journalist_app.courier", "source_app"]

OUTSIDE = "outside"
"""Stands for whatever a relative import finds beyond its package."""


@dataclass(frozen=True)
class Import:
    """One name that one line imports."""

    path: Path
    line: int
    name: str
    """Dotted and absolute.  `from a import b` imports two names: a and a.b."""

    @property
    def package(self) -> str:
        """The package of the table that imports."""
        package = package_of(module_of(self.path))
        assert package is not None
        return package

    @property
    def place(self) -> str:
        """Where to look."""
        return f"{self.path}:{self.line}"


def prefixes(dotted: str) -> list[str]:
    """List what importing *dotted* imports: a, a.b and a.b.c for a.b.c."""
    parts = dotted.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def package_of(dotted: str) -> str | None:
    """Find the package of the table that *dotted* is part of: the deepest one."""
    return next(
        (prefix for prefix in reversed(prefixes(dotted)) if prefix in MAY_IMPORT), None
    )


def module_of(path: Path) -> str:
    """Name the module that *path*, relative to the root, is imported as."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_in(source: str, path: Path) -> Iterator[Import]:
    """Read the imports of one file, those inside functions included."""
    for node in ast.walk(ast.parse(source, filename=str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = _base_of(node, path)
            yield Import(path, node.lineno, base)
            for alias in node.names:
                yield Import(path, node.lineno, f"{base}.{alias.name}")


def _base_of(node: ast.ImportFrom, path: Path) -> str:
    module = [node.module] if node.module else []
    if node.level == 0:
        return ".".join(module)
    folder = path.parent.parts
    base = folder[: len(folder) + 1 - node.level] if node.level <= len(folder) else ()
    if package_of(".".join(base)) != package_of(".".join(folder)):
        return OUTSIDE
    return ".".join([*base, *module])


def complaints(imports: Iterable[Import]) -> list[str]:
    """Say what is wrong with each import that breaks a rule."""
    found = []
    for one in imports:
        package = one.package
        allowed = {None, package} | MAY_IMPORT[package]
        forbidden = MUST_NOT_IMPORT.get(package, set())
        if one.name.partition(".")[0] == OUTSIDE:
            found.append(f"{one.place}: a relative import leaves {package}")
        elif package_of(one.name) not in allowed or forbidden & set(prefixes(one.name)):
            found.append(f"{one.place}: {package} must not import {one.name}")
    return found


def files() -> list[Path]:
    """List every Python file of the packages, relative to the root."""
    tops = {prefixes(package)[0] for package in MAY_IMPORT}
    return sorted(
        path.relative_to(ROOT) for top in tops for path in (ROOT / top).rglob("*.py")
    )


def source_of(path: Path) -> str:
    """Read one of the files."""
    return (ROOT / path).read_text(encoding="utf-8")


def all_imports() -> list[Import]:
    """Read every import of every file."""
    return [one for path in files() for one in imports_in(source_of(path), path)]


def test_imports_run_one_way() -> None:
    """
    No file imports what its package must not know.
    """
    found = complaints(all_imports())

    assert [] == found, "\n".join(found)


@pytest.mark.parametrize("package", FACES_THE_NETWORK)
def test_what_faces_the_network_cannot_open_a_report(package: str) -> None:
    """
    Not even by way of another module does it import what opens reports or makes keys.
    """
    modules = {module_of(path) for path in files()}
    imported: dict[str, list[Import]] = {module: [] for module in modules}
    for one in all_imports():
        imported[module_of(one.path)].append(one)

    # Breadth first; each module is remembered with the way that led to it.
    ways: dict[str, list[str]] = {
        module: [] for module in modules if package_of(module) == package
    }
    waiting = sorted(ways)
    for module in waiting:
        for one in imported[module]:
            for other in prefixes(one.name):
                if other in modules and other not in ways:
                    ways[other] = [*ways[module], f"{one.place} imports {other}"]
                    waiting.append(other)

    found = [ways[module] for module in sorted(OPENS_REPORTS & ways.keys())]
    assert [] == found, "\n".join(found[0])


def test_nothing_is_imported_by_a_computed_name() -> None:
    """
    All that is imported can be read off the files, so these tests see all of it.
    """
    found = [
        f"{path}:{node.lineno}"
        for path in files()
        for node in ast.walk(ast.parse(source_of(path)))
        if isinstance(node, ast.Name | ast.Attribute)
        and {getattr(node, "id", None), getattr(node, "attr", None)}
        & {"__import__", "import_module"}
    ]

    assert [] == found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("crypto/keys.py", "import casework"),
        ("tor/control.py", "from journalist_app.durable import new_file"),
        ("source_app/app.py", "from tor.control import connect"),
        ("fairness/turns.py", "from flask import request"),
        ("crypto/keys.py", "import hashlib, flask.globals"),
        ("casework/item.py", "from sqlalchemy.orm import Session"),
        ("casework/item.py", "from deaddrop import DeadDrop"),
        ("deaddrop/store.py", "from ..crypto import keys"),
        ("deaddrop/migrations/env.py", "from .... import crypto"),
        ("source_app/app.py", "import ops"),
        ("source_app/app.py", "import crypto.opening as harmless"),
        ("source_app/app.py", "from crypto import opening"),
        ("source_app/app.py", "from crypto.certificates import certify"),
        ("source_app/views/case.py", "from journalist_app import durable"),
        ("source_app/views/case.py", "from ... import crypto"),
        ("journalist_app/durable.py", "from .courier import bundles"),
        ("journalist_app/courier/bundles.py", "from .. import durable"),
        ("journalist_app/courier/bundles.py", "from journalist_app import workstation"),
        ("journalist_app/workstation/desk.py", "import deaddrop.intake"),
        ("journalist_app/workstation/desk.py", "from source_app import wire"),
    ],
)
def test_a_forbidden_import_is_named(path: str, source: str) -> None:
    """
    However a forbidden import is written, it is found, with its file and line.
    """
    found = complaints(imports_in(f"def late():\n    {source}", Path(path)))

    assert found
    assert all(complaint.startswith(f"{path}:2: ") for complaint in found)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("crypto/keys.py", "import hashlib, cryptography"),
        ("crypto/keys.py", "from .errors import CryptoError"),
        ("casework/item.py", "from crypto.container import ContainerWriter"),
        ("source_app/app.py", "from crypto.openpgp import Keyring"),
        ("source_app/views/case.py", "from .. import wire"),
        ("journalist_app/courier/bundles.py", "from journalist_app import durable"),
        ("journalist_app/workstation/desk.py", "from crypto.opening import CannotOpen"),
        ("ops/cli.py", "import source_app.app, deaddrop"),
    ],
)
def test_an_allowed_import_is_no_complaint(path: str, source: str) -> None:
    """
    What the table allows, and what comes from elsewhere, is left alone.
    """
    assert [] == complaints(imports_in(source, Path(path)))


def test_no_test_folder_shadows_a_package() -> None:
    """
    There is no `__init__.py` under tests/: tests/crypto would hide crypto.
    """
    found = [str(path.relative_to(ROOT)) for path in TESTS.rglob("__init__.py")]

    assert [] == found, "\n".join(found)
