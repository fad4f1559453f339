"""
Build a release: `make release`, or

    python -m scripts.release dist [--offline] [--sign KEY] [--package-only]
        [--cache DIR]

Run from the root of the repository, on Debian 12, by any user.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from scripts.bundling import deb, debian_packages
from scripts.bundling.refusing import BundleError, run
from scripts.bundling.release import SOURCE, Release, this_release
from scripts.bundling.sums import SUMS, sha256, write_sums
from scripts.release.package import FILES, GUIDES, server_package, tree_files

NAME = "bisik-release"
WITH_SERVERS = "debian-packages"


def main() -> int:
    """Build what the command line asks for."""
    arguments = _arguments()
    target: Path = arguments.target.absolute()
    target.mkdir(parents=True, exist_ok=True)
    try:
        release = this_release()
        with tempfile.TemporaryDirectory(prefix="bisik-release-") as work:
            package = deb.build(server_package(release), release, Path(work), target)
        if arguments.package_only:
            made = package
        else:
            cache = arguments.cache.absolute() if arguments.offline else None
            made = _folder(release, package, cache, target)
            if arguments.sign:
                _sign(made / SUMS, arguments.sign)
    except BundleError as error:
        sys.stderr.write(f"bisik: error: {error}\n")
        return 1
    sys.stdout.write(f"{made}\n")
    if made.is_dir():
        sys.stdout.write(f"{sha256(made / SUMS)}  {SUMS}\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build a release for servers.")
    parser.add_argument("target", type=Path, help="the folder for what is made")
    parser.add_argument(
        "--offline",
        action="store_true",
        help="bring every Debian package along, for a machine that reaches no archive",
    )
    parser.add_argument("--sign", help="the gpg key to sign SHA256SUMS with")
    parser.add_argument(
        "--package-only", action="store_true", help="build the .deb alone"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=SOURCE / "build/release",
        help="where Debian's packages stay for the next time",
    )
    return parser.parse_args()


def _folder(release: Release, package: Path, cache: Path | None, target: Path) -> Path:
    """Put everything into one folder, replacing one of the same version."""
    folder = target / f"{NAME}_{release.version}_{release.architecture}"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    if cache is not None:
        beside = folder / debian_packages.FOLDER
        beside.mkdir()
        wanted = (FILES / WITH_SERVERS).read_text("utf-8").split()
        debian_packages.download(package, wanted, cache, beside)
    package.rename(folder / package.name)
    files = {
        f"ansible/{name}": content
        for name, content in tree_files(release.source / "ansible").items()
    }
    for guide in GUIDES:
        files[guide] = (release.source / "docs/guides" / guide).read_bytes()
    files["README.txt"] = deb.filled(FILES / "README.txt", release).encode()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / debian_packages.INDEX).write_text(
        debian_packages.index(folder), encoding="utf-8"
    )
    write_sums(folder)
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (release.epoch, release.epoch))
    return folder


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
