"""
Build a release: `make release`, or

    python -m scripts.release dist [--offline] [--sign KEY] [--package-only]
        [--cache DIR]

Run from the root of the repository, on Debian 12, by any user.
"""

import os
import sys
from pathlib import Path

from scripts.bundling import deb, debian_packages
from scripts.bundling.command import (
    building,
    command_line,
    new_folder,
    write_index_and_sums,
)
from scripts.bundling.refusing import run
from scripts.bundling.release import Release
from scripts.bundling.sums import SUMS
from scripts.bundling.wheels import download
from scripts.release.package import (
    DEPLOY,
    FILES,
    LOCKED,
    PAGES,
    server_package,
    tree_files,
)

NAME = "bisik-release"
# As in the repository, so that links between their pages lead somewhere.
TREES = ("ansible", "docs")
WHEELS = "wheels"
WITH_SERVERS = "debian-packages"


def main() -> int:
    """Build what the command line asks for."""
    parser = command_line("Build a release for servers.", cache="build/release")
    parser.add_argument(
        "--offline",
        action="store_true",
        help="bring every Debian package along, for a machine that reaches no archive",
    )
    parser.add_argument("--sign", help="the gpg key to sign SHA256SUMS with")
    arguments = parser.parse_args()

    def put_together(release: Release, package: Path, target: Path) -> Path:
        cache = arguments.cache.absolute() if arguments.offline else None
        folder = _folder(release, package, cache, target)
        if arguments.sign:
            _sign(folder / SUMS, arguments.sign)
        return folder

    return building(arguments, server_package, put_together)


def _folder(release: Release, package: Path, cache: Path | None, target: Path) -> Path:
    """Put everything into one folder, replacing one of the same version."""
    folder = new_folder(NAME, release, target)
    if cache is not None:
        beside = folder / debian_packages.FOLDER
        beside.mkdir()
        wanted = (FILES / WITH_SERVERS).read_text("utf-8").split()
        debian_packages.download(package, wanted, cache, beside)
        _bring_wheels(release, folder / WHEELS)
    package.rename(folder / package.name)
    files = {
        f"{tree}/{name}": content
        for tree in TREES
        for name, content in tree_files(release.source / tree).items()
    }
    for name in (LOCKED, *PAGES):
        files[name] = (release.source / name).read_bytes()
    files[DEPLOY] = (FILES / DEPLOY).read_bytes()
    files["README.txt"] = deb.filled(FILES / "README.txt", release).encode()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    write_index_and_sums(folder)
    for path in [*folder.rglob("*"), folder]:
        runs = path.is_dir() or path == folder / DEPLOY
        path.chmod(0o755 if runs else 0o644)
        os.utime(path, (release.epoch, release.epoch))
    return folder


def _bring_wheels(release: Release, beside: Path) -> None:
    """Bring what runs the playbook, for an administrator without a package index."""
    beside.mkdir()
    download(release.source / LOCKED, release.architecture, beside)


def _sign(sums: Path, key: str) -> None:
    """Sign the digests; gpg asks for the passphrase itself, if there is one."""
    signature = sums.with_name(f"{sums.name}.asc")
    run(
        [
            *("gpg", "--yes", "--armor", "--detach-sign", "--local-user", key),
            *("--output", signature, sums),
        ]
    )
    signature.chmod(0o644)


if __name__ == "__main__":
    sys.exit(main())
