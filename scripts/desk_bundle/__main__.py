"""
Build the bundle: `make desk-bundle`, or

    python -m scripts.desk_bundle dist [--browser] [--package-only] [--cache DIR]

Run from the root of the repository, on Debian 12, by any user.
"""

import sys
from pathlib import Path

from scripts.bundling import debian_packages
from scripts.bundling.command import (
    building,
    command_line,
    new_folder,
    write_index_and_sums,
)
from scripts.bundling.release import Release
from scripts.desk_bundle.package import FILES, NAME, desk_package

BROWSER = "firefox-esr"


def main() -> int:
    """Build what the command line asks for."""
    parser = command_line("Build the desk's bundle.", cache="build/desk-bundle")
    parser.add_argument(
        "--browser", action="store_true", help=f"bring {BROWSER} along, too"
    )
    arguments = parser.parse_args()
    more = [BROWSER] if arguments.browser else []
    return building(
        arguments,
        desk_package,
        lambda release, package, target: _bundle(
            release, package, more, arguments.cache, target
        ),
    )


def _bundle(
    release: Release, package: Path, more: list[str], cache: Path, target: Path
) -> Path:
    """Put everything into one folder, replacing one of the same version."""
    folder = new_folder(NAME, release, target)
    beside = folder / debian_packages.FOLDER
    beside.mkdir()
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
    write_index_and_sums(folder)
    return folder


if __name__ == "__main__":
    sys.exit(main())
