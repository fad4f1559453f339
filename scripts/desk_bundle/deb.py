"""
The Debian package bisik-desk, the same bit by bit wherever it is built.

    usr/bin/bisik                        the command; sees nothing but the two below
    usr/lib/bisik/                       our modules, compiled beside their sources
    usr/lib/bisik/site-packages/         the libraries, compiled, too
    usr/share/applications, doc, man     what people find it by

Whatever could differ is set: owner, modes, times (SOURCE_DATE_EPOCH of
reproducible-builds.org), the order of files, the seed of Python's hashes, the number
of threads that compress.  Made by dpkg-deb(1); the control files are those of
deb-control(5) and deb-md5sums(5), the latter for `dpkg --verify`.
"""

import gzip
import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.utils import format_datetime
from pathlib import Path
from string import Template

from scripts.desk_bundle.own_code import own_files, read_setup
from scripts.desk_bundle.refusing import BundleError, run
from scripts.desk_bundle.wheels import PYTHON, download, unpack

NAME = "bisik-desk"
LIBRARY = "usr/lib/bisik"
SITE_PACKAGES = f"{LIBRARY}/site-packages"
DOCUMENTS = f"usr/share/doc/{NAME}"
PROGRAMS = ("usr/bin/bisik", f"{LIBRARY}/open-desk")

_PYTHON = f"/usr/bin/python{PYTHON}"
_FILES = Path(__file__).parent / "files"
_COMPILERS = 2
"""How many compile at once.  Part of the result, if only by bad luck: see _compile."""


@dataclass(frozen=True)
class Release:
    """
    What is packaged.

    Attributes:
        source: The root of the repository.

        epoch: Seconds since 1970 of the commit; every time in the package.

        architecture: As Debian names it.
    """

    source: Path
    epoch: int
    architecture: str

    @property
    def version(self) -> str:
        """The version of Bisik and the minute of the commit: later ones are higher."""
        number = read_setup(self.source)["metadata"]["version"]
        return f"{number}+{self._moment:%Y%m%d.%H%M}"

    @property
    def day(self) -> str:
        """The commit's moment as Debian's changelogs have it."""
        return format_datetime(self._moment)

    @property
    def file_name(self) -> str:
        """The name of the package's file."""
        return f"{NAME}_{self.version}_{self.architecture}.deb"

    @property
    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self.epoch, UTC)


def build(release: Release, work: Path, target: Path) -> Path:
    """
    Build the package.

    Args:
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
    downloaded = download(
        release.source / "requirements/desk.txt", release.architecture, wheels
    )
    libraries = unpack(downloaded)
    tree = work / "tree"
    _write(tree, _contents(release, libraries))
    _compile(tree, work)
    _control(release, tree)
    _settle(tree, release.epoch)
    package = target / release.file_name
    run(
        [
            *("dpkg-deb", "--build", "--root-owner-group", "--uniform-compression"),
            *("-Zxz", "-z0", "--threads-max=1", tree, package),
        ],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(release.epoch)},
    )
    package.chmod(0o644)
    return package


def _contents(release: Release, libraries: dict[str, bytes]) -> dict[str, bytes]:
    source = release.source
    files = {f"{LIBRARY}/{name}": it for name, it in own_files(source).items()}
    files |= {f"{SITE_PACKAGES}/{name}": it for name, it in libraries.items()}
    # For `bisik --version`.
    files[f"{LIBRARY}/bisik-{release.version}.dist-info/METADATA"] = (
        f"Metadata-Version: 2.1\nName: bisik\nVersion: {release.version}\n".encode()
    )
    for name, target in (
        ("bisik", "usr/bin/bisik"),
        ("open-desk", f"{LIBRARY}/open-desk"),
        ("bisik-desk.desktop", "usr/share/applications/bisik-desk.desktop"),
        ("README.Debian", f"{DOCUMENTS}/README.Debian"),
        ("lintian-overrides", f"usr/share/lintian/overrides/{NAME}"),
    ):
        files[target] = (_FILES / name).read_bytes()
    files["usr/share/man/man1/bisik.1.gz"] = _gzip(_filled("bisik.1", release).encode())
    files[f"{DOCUMENTS}/changelog.gz"] = _gzip(_filled("changelog", release).encode())
    files[f"{DOCUMENTS}/CHANGELOG.md.gz"] = _gzip(
        (source / "CHANGELOG.md").read_bytes()
    )
    for guide in ("officer.id.md", "officer.en.md"):
        files[f"{DOCUMENTS}/{guide}"] = (source / "docs/guides" / guide).read_bytes()
    licence = (source / "LICENSE").read_text("utf-8")
    files[f"{DOCUMENTS}/copyright"] = _copyright(licence, libraries).encode()
    return files


def _filled(name: str, release: Release, **more: str) -> str:
    template = Template((_FILES / name).read_text("utf-8"))
    return template.substitute(
        version=release.version,
        architecture=release.architecture,
        day=release.day,
        **more,
    )


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _copyright(licence: str, libraries: dict[str, bytes]) -> str:
    """Say under which licence everything is, with the texts that came with it."""
    parts = [(_FILES / "copyright").read_text("utf-8"), licence]
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


def _compile(tree: Path, work: Path) -> None:
    """
    Compile all modules, so that nobody ever writes below /usr.

    What marshal writes depends on which objects are shared, and so, now and then, on
    what the same process compiled before: the shares are fixed, and so is their order.
    """
    modules = sorted(str(path) for path in (tree / LIBRARY).rglob("*.py"))
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


def _control(release: Release, tree: Path) -> None:
    folder = tree / "DEBIAN"
    folder.mkdir()
    files = list(_files_in(tree))
    folders = {parent for path in files for parent in path.relative_to(tree).parents}
    # Policy 5.6.20: an estimate in KiB that does not depend on the file system.
    kibibytes = len(folders) + sum(-(-path.stat().st_size // 1024) for path in files)
    control = _filled("control", release, installed_kibibytes=str(kibibytes))
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


def _settle(tree: Path, epoch: int) -> None:
    """Give everything its mode and its time, whatever the umask and the clock."""
    programs = {tree / name for name in PROGRAMS}
    for path in [*tree.rglob("*"), tree]:
        path.chmod(0o755 if path.is_dir() or path in programs else 0o644)
        os.utime(path, (epoch, epoch))
