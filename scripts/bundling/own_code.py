"""
Which of our own files a machine needs: what its command imports, and no more.

Nothing is imported by a computed name (tests/test_architecture.py), so that all that is
needed can be read off the files.  What serves a site or keeps a dead drop is not found
this way from a desk's command, nor what opens a report from a server's.
"""

import ast
import configparser
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from scripts.bundling.refusing import BundleError


@dataclass(frozen=True)
class OwnCode:
    """
    Where the search begins.

    Attributes:
        entry: The module of the command.

        whole_package: A package of which everything is taken, since some of its
            modules are started by name instead of imported.
    """

    entry: str
    whole_package: str


def read_setup(source: Path) -> configparser.ConfigParser:
    """Read setup.cfg."""
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(source / "setup.cfg", encoding="utf-8")
    return setup


def own_files(source: Path, code: OwnCode) -> dict[str, bytes]:
    """
    Return the files of ours that go into the package, by path.

    Args:
        source: The root of the repository.

        code: What is wanted of it.

    Raises:
        BundleError: If a module cannot be read.
    """
    setup = read_setup(source)
    packages = setup["options"]["packages"].split()
    modules = needed_modules(source, packages, code)
    files = {
        str(path.relative_to(source)): path.read_bytes() for path in modules.values()
    }
    for package, patterns in setup["options.package_data"].items():
        for pattern in patterns.split():
            files |= _data_files(source, package, pattern, modules)
    return dict(sorted(files.items()))


def needed_modules(source: Path, packages: list[str], code: OwnCode) -> dict[str, Path]:
    """Return the modules that a command comes to import, and their files."""
    every = {
        name: path
        for package in packages
        for path in (source / package.replace(".", "/")).glob("*.py")
        for name in [package if path.stem == "__init__" else f"{package}.{path.stem}"]
    }
    if code.entry not in every:
        raise BundleError(f"there is no module {code.entry} in {source}")
    whole = (name for name in every if name.startswith(code.whole_package))
    waiting = [code.entry, *whole]
    needed: dict[str, Path] = {}
    while waiting:
        name = waiting.pop()
        for each in _prefixes(name):
            if each in every and each not in needed:
                needed[each] = every[each]
                waiting += imports_of(every[each])
    return needed


def imports_of(path: Path) -> Iterator[str]:
    """List the names that a file imports, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_bytes(), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise BundleError(f"{path}:{node.lineno}: a relative import")
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _prefixes(dotted: str) -> list[str]:
    parts = dotted.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def _data_files(
    source: Path, package: str, pattern: str, modules: dict[str, Path]
) -> Iterator[tuple[str, bytes]]:
    # A pattern may reach into packages below, which may not be needed.
    catalogue = pattern.endswith(".mo")
    wanted = pattern.removesuffix(".mo") + ".po" if catalogue else pattern
    for path in (source / package.replace(".", "/")).glob(wanted):
        if (
            not path.is_file()
            or _owner(path.relative_to(source), source) not in modules
        ):
            continue
        name = str(path.relative_to(source))
        if catalogue:
            yield name.removesuffix(".po") + ".mo", _compiled(path)
        else:
            yield name, path.read_bytes()


def _owner(path: Path, source: Path) -> str:
    """Name the deepest package that a file is in."""
    folder = path.parent
    while not (source / folder / "__init__.py").exists() and folder != Path():
        folder = folder.parent
    return ".".join(folder.parts)


def _compiled(catalogue: Path) -> bytes:
    # Babel leaves these without types.
    with catalogue.open("rb") as file:
        messages = read_po(file)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    return compiled.getvalue()
