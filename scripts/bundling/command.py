"""
The command line that what is built here has in common.

    parser = command_line("Build ...", cache="build/...")
    return building(parser.parse_args(), package, put_together)
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from scripts.bundling import deb, debian_packages
from scripts.bundling.deb import Package
from scripts.bundling.refusing import BundleError
from scripts.bundling.release import SOURCE, Release, this_release
from scripts.bundling.sums import SUMS, sha256, write_sums


def command_line(description: str, *, cache: str) -> argparse.ArgumentParser:
    """
    Begin a command line.

    Args:
        description: What is built.

        cache: Where Debian's packages stay, below the repository.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("target", type=Path, help="the folder for what is made")
    parser.add_argument(
        "--package-only", action="store_true", help="build the .deb alone"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=SOURCE / cache,
        help="where Debian's packages stay for the next time",
    )
    return parser


def building(
    arguments: argparse.Namespace,
    package: Callable[[Release], Package],
    put_together: Callable[[Release, Path, Path], Path],
) -> int:
    """
    Build what the command line asks for; return the exit code.

    Args:
        arguments: Of `command_line`.

        package: Says what goes into the package.

        put_together: Puts the package that was built into a folder below the target,
            with all that goes beside it.
    """
    target: Path = arguments.target.absolute()
    target.mkdir(parents=True, exist_ok=True)
    try:
        release = this_release()
        with tempfile.TemporaryDirectory(prefix="bisik-bundle-") as work:
            made = deb.build(package(release), release, Path(work), target)
        if not arguments.package_only:
            made = put_together(release, made, target)
    except BundleError as error:
        sys.stderr.write(f"bisik: error: {error}\n")
        return 1
    sys.stdout.write(f"{made}\n")
    if made.is_dir():
        sys.stdout.write(f"{sha256(made / SUMS)}  {SUMS}\n")
    return 0


def new_folder(name: str, release: Release, target: Path) -> Path:
    """Make the folder of a release, replacing one of the same version."""
    folder = target / f"{name}_{release.version}_{release.architecture}"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    return folder


def write_index_and_sums(folder: Path) -> None:
    """Say what is in a folder, when nothing more comes into it."""
    (folder / debian_packages.INDEX).write_text(
        debian_packages.index(folder), encoding="utf-8"
    )
    write_sums(folder)
