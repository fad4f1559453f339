"""
Build the bundle: `make desk-bundle`, or

    python -m scripts.desk_bundle dist [--browser] [--package-only] [--cache DIR]

Run from the root of the repository, on Debian 12, by any user.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from scripts.bundling import deb, debian_packages
from scripts.bundling.refusing import BundleError
from scripts.bundling.release import SOURCE, Release, this_release
from scripts.bundling.sums import SUMS, sha256, write_sums
from scripts.desk_bundle.package import FILES, NAME, desk_package

BROWSER = "firefox-esr"


def main() -> int:
    """Build what the command line asks for."""
    arguments = _arguments()
    target: Path = arguments.target.absolute()
    target.mkdir(parents=True, exist_ok=True)
    try:
        release = this_release()
        with tempfile.TemporaryDirectory(prefix="bisik-bundle-") as work:
            package = deb.build(desk_package(release), release, Path(work), target)
        if arguments.package_only:
            made = package
        else:
            more = [BROWSER] if arguments.browser else []
            made = _bundle(release, package, more, arguments.cache, target)
    except BundleError as error:
        sys.stderr.write(f"bisik: error: {error}\n")
        return 1
    sys.stdout.write(f"{made}\n")
    if made.is_dir():
        sys.stdout.write(f"{sha256(made / SUMS)}  {SUMS}\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build the desk's bundle.")
    parser.add_argument("target", type=Path, help="the folder for what is made")
    parser.add_argument(
        "--browser", action="store_true", help=f"bring {BROWSER} along, too"
    )
    parser.add_argument(
        "--package-only", action="store_true", help="build bisik-desk_*.deb alone"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=SOURCE / "build/desk-bundle",
        help="where Debian's packages stay for the next time",
    )
    return parser.parse_args()


def _bundle(
    release: Release, package: Path, more: list[str], cache: Path, target: Path
) -> Path:
    """Put everything into one folder, replacing one of the same version."""
    folder = target / f"{NAME}_{release.version}_{release.architecture}"
    if folder.exists():
        shutil.rmtree(folder)
    beside = folder / debian_packages.FOLDER
    beside.mkdir(parents=True)
    debian_packages.download(package, more, cache.absolute(), beside)
    package.rename(folder / package.name)
    for name in ("install", "README.txt"):
        text = (FILES / name).read_text("utf-8")
        for mark, value in (
            ("@VERSION@", release.version),
            ("@ARCHITECTURE@", release.architecture),
        ):
            text = text.replace(mark, value)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / debian_packages.INDEX).write_text(
        debian_packages.index(folder), encoding="utf-8"
    )
    write_sums(folder)
    return folder


if __name__ == "__main__":
    sys.exit(main())
