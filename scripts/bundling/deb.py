"""
A Debian package of Bisik, the same bit by bit wherever it is built.

    LIBRARY/            our modules and the libraries, compiled beside their sources
    whatever else the package's own list names

Whatever could differ is set: owner, modes, times (SOURCE_DATE_EPOCH of
reproducible-builds.org), the order of files, the seed of Python's hashes, the number
of threads that compress.  Made by dpkg-deb(1); the control files are those of
deb-control(5) and deb-md5sums(5), the latter for `dpkg --verify`.
"""

import gzip
import hashlib
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from string import Template

from scripts.bundling.own_code import OwnCode, own_files
from scripts.bundling.refusing import BundleError, run
from scripts.bundling.release import Release
from scripts.bundling.wheels import PYTHON, download, unpack

_PYTHON = f"/usr/bin/python{PYTHON}"
_COMPILERS = 2
"""How many compile at once.  Part of the result, if only by bad luck: see _compile."""


@dataclass(frozen=True)
class Package:
    """
    What goes into a package.

    Attributes:
        name: Of the package.

        code: Which of our modules.

        locked: The lock with the libraries, below the repository's root.

        library: The folder for our modules.

        site_packages: The folder for the libraries; may be the same.

        templates: The folder with control, changelog, copyright and
            lintian-overrides; `$version` and its like are filled in.

        files: All other files, by path.

        programs: Which files can be started.
    """

    name: str
    code: OwnCode
    locked: str
    library: str
    site_packages: str
    templates: Path
    files: Mapping[str, bytes]
    programs: frozenset[str]

    @property
    def documents(self) -> str:
        """The folder in which Debian wants what people read."""
        return documents_of(self.name)


def documents_of(name: str) -> str:
    """Name the folder for what a package's people read."""
    return f"usr/share/doc/{name}"


def build(package: Package, release: Release, work: Path, target: Path) -> Path:
    """
    Build a package.

    Args:
        package: What goes into it.

        release: What of.

        work: An empty folder that may be filled.

        target: The folder for the package.

    Raises:
        BundleError: If the machine is not a Debian 12, or a step fails.
    """
    if not Path(_PYTHON).exists():
        raise BundleError(f"{_PYTHON} is missing: build the package on Debian 12")
    wheels = work / "wheels"
    wheels.mkdir()
    downloaded = download(release.source / package.locked, release.architecture, wheels)
    tree = work / "tree"
    _write(tree, _contents(package, release, unpack(downloaded)))
    _compile(tree, package.library, work)
    _control(package, release, tree)
    _settle(tree, release.epoch, {tree / name for name in package.programs})
    made = target / f"{package.name}_{release.version}_{release.architecture}.deb"
    run(
        [
            *("dpkg-deb", "--build", "--root-owner-group", "--uniform-compression"),
            *("-Zxz", "-z0", "--threads-max=1", tree, made),
        ],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(release.epoch)},
    )
    made.chmod(0o644)
    return made


def filled(template: Path, release: Release, **more: str) -> str:
    """Fill a template in."""
    return Template(template.read_text("utf-8")).substitute(
        version=release.version,
        architecture=release.architecture,
        day=release.day,
        **more,
    )


def gzipped(content: bytes) -> bytes:
    """Compress, without a name or a time."""
    return gzip.compress(content, mtime=0)


def _contents(
    package: Package, release: Release, libraries: dict[str, bytes]
) -> dict[str, bytes]:
    source, templates = release.source, package.templates
    files = dict(package.files)
    for folder, found in (
        (package.library, own_files(source, package.code)),
        (package.site_packages, libraries),
    ):
        for name, content in found.items():
            path = f"{folder}/{name}"
            if path in files:
                raise BundleError(f"{path} comes from two sides")
            files[path] = content
    # For `bisik --version`.
    files[f"{package.library}/bisik-{release.version}.dist-info/METADATA"] = (
        f"Metadata-Version: 2.1\nName: bisik\nVersion: {release.version}\n".encode()
    )
    documents = package.documents
    files[f"{documents}/changelog.gz"] = gzipped(
        filled(templates / "changelog", release, name=package.name).encode()
    )
    files[f"{documents}/CHANGELOG.md.gz"] = gzipped(
        (source / "CHANGELOG.md").read_bytes()
    )
    files[f"{documents}/copyright"] = _copyright(
        (templates / "copyright").read_text("utf-8"),
        (source / "LICENSE").read_text("utf-8"),
        libraries,
    ).encode()
    files[f"usr/share/lintian/overrides/{package.name}"] = filled(
        templates / "lintian-overrides", release, name=package.name
    ).encode()
    return files


def _copyright(opening: str, licence: str, libraries: dict[str, bytes]) -> str:
    """Say under which licence everything is, with the texts that came with it."""
    parts = [opening, licence]
    for name, content in libraries.items():
        folder, _, rest = name.partition("/")
        if not folder.endswith(".dist-info"):
            continue
        if rest == "METADATA":
            parts.append(_licence_line(content))
        elif "LICENSE" in rest.upper() or "COPYING" in rest.upper():
            parts.append(f"{name}:\n\n{content.decode('utf-8', 'replace')}")
    line = "-" * 78
    return f"\n{line}\n\n".join(part.strip("\n") + "\n" for part in parts)


def _licence_line(metadata: bytes) -> str:
    fields = BytesHeaderParser().parsebytes(metadata)
    licence = fields["License-Expression"] or fields["License"]
    if not licence or "\n" in licence:
        classified = fields.get_all("Classifier", [])
        licence = "; ".join(
            name.removeprefix("License :: ").removeprefix("OSI Approved :: ")
            for name in classified
            if name.startswith("License :: ")
        )
    if not licence:
        licence = "as the text below says"
    return f"{fields['Name']} {fields['Version']}: {licence}\n"


def _write(tree: Path, files: dict[str, bytes]) -> None:
    for name, content in sorted(files.items()):
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _compile(tree: Path, library: str, work: Path) -> None:
    """
    Compile all modules, so that nobody ever writes beside them.

    What marshal writes depends on which objects are shared, and so, now and then, on
    what the same process compiled before: the shares are fixed, and so is their order.
    """
    modules = sorted(str(path) for path in (tree / library).rglob("*.py"))
    lists = []
    for share in range(_COMPILERS):
        path = work / f"modules-{share}"
        path.write_text("".join(f"{name}\n" for name in modules[share::_COMPILERS]))
        lists.append(path)
    # Not -I: it would leave the seed of the hashes to chance.
    command = [
        *(_PYTHON, "-sP", "-m", "compileall", "-q", "-f"),
        *("--invalidation-mode", "unchecked-hash"),
        *("-s", str(tree), "-p", "/"),
    ]
    with ThreadPoolExecutor(_COMPILERS) as pool:
        list(pool.map(lambda path: _compile_share(command, path), lists))


def _compile_share(command: list[str], modules: Path) -> None:
    run(
        [*command, "-i", str(modules)], env={"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    )


def _control(package: Package, release: Release, tree: Path) -> None:
    folder = tree / "DEBIAN"
    folder.mkdir()
    files = list(_files_in(tree))
    folders = {parent for path in files for parent in path.relative_to(tree).parents}
    # Policy 5.6.20: an estimate in KiB that does not depend on the file system.
    kibibytes = len(folders) + sum(-(-path.stat().st_size // 1024) for path in files)
    control = filled(
        package.templates / "control",
        release,
        name=package.name,
        installed_kibibytes=str(kibibytes),
    )
    (folder / "control").write_text(control, encoding="utf-8")
    sums = [
        f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n"  # noqa: S324 - The format of deb-md5sums(5).
        for path in files
    ]
    (folder / "md5sums").write_text("".join(sums), encoding="utf-8")


def _files_in(tree: Path) -> Iterator[Path]:
    return (
        path
        for path in sorted(tree.rglob("*"))
        if path.is_file() and path.relative_to(tree).parts[0] != "DEBIAN"
    )


def _settle(tree: Path, epoch: int, programs: set[Path]) -> None:
    """Give everything its mode and its time, whatever the umask and the clock."""
    for path in [*tree.rglob("*"), tree]:
        path.chmod(0o755 if path.is_dir() or path in programs else 0o644)
        os.utime(path, (epoch, epoch))
