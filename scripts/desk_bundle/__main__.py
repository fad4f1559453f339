"""
Build the bundle: `make desk-bundle`, or

    python -m scripts.desk_bundle dist [--browser] [--package-only] [--cache DIR]

Run from the root of the repository, on Debian 12, by any user.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from scripts.desk_bundle import deb, debian_packages
from scripts.desk_bundle.deb import NAME, Release
from scripts.desk_bundle.refusing import BundleError, run

SOURCE = Path(__file__).resolve().parents[2]
SUMS = "SHA256SUMS"
BROWSER = "firefox-esr"
_FILES = Path(__file__).parent / "files"


def main() -> int:
    """Build what the command line asks for."""
    arguments = _arguments()
    target: Path = arguments.target.absolute()
    target.mkdir(parents=True, exist_ok=True)
    try:
        release = Release(
            source=SOURCE,
            epoch=_epoch(),
            architecture=run(["dpkg", "--print-architecture"]).strip(),
        )
        with tempfile.TemporaryDirectory(prefix="bisik-bundle-") as work:
            package = deb.build(release, Path(work), target)
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
        sys.stdout.write(f"{debian_packages.sha256(made / SUMS)}  {SUMS}\n")
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


def _epoch() -> int:
    """Return the moment of the commit, or what SOURCE_DATE_EPOCH says instead."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    asked = given or run(["git", "-C", SOURCE, "log", "-1", "--format=%ct"]).strip()
    try:
        return int(asked)
    except ValueError:
        raise BundleError("SOURCE_DATE_EPOCH must be a number of seconds") from None


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
        text = (_FILES / name).read_text("utf-8")
        for mark, value in (
            ("@VERSION@", release.version),
            ("@ARCHITECTURE@", release.architecture),
        ):
            text = text.replace(mark, value)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / debian_packages.INDEX).write_text(
        debian_packages.index(folder), encoding="utf-8"
    )
    sums = [
        f"{debian_packages.sha256(path)}  {path.relative_to(folder)}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    (folder / SUMS).write_text("".join(sums), encoding="utf-8")
    return folder


if __name__ == "__main__":
    sys.exit(main())
