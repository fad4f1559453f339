"""
The Debian package bisik-desk.

    usr/bin/bisik                        the command; sees nothing but the two below
    usr/lib/bisik/                       our modules, compiled beside their sources
    usr/lib/bisik/site-packages/         the libraries, compiled, too
    usr/share/applications, doc, man     what people find it by
"""

from pathlib import Path

from scripts.bundling.deb import Package, documents_of, filled, gzipped
from scripts.bundling.own_code import OwnCode
from scripts.bundling.release import Release

NAME = "bisik-desk"
LIBRARY = "usr/lib/bisik"
DESK_CODE = OwnCode("ops.desk_cli", whole_package="journalist_app.workstation")
FILES = Path(__file__).parent / "files"


def desk_package(release: Release) -> Package:
    """Say what goes into the package."""
    documents = documents_of(NAME)
    command, opener = "usr/bin/bisik", f"{LIBRARY}/open-desk"
    files = {
        target: (FILES / name).read_bytes()
        for name, target in (
            ("bisik", command),
            ("open-desk", opener),
            ("bisik-desk.desktop", "usr/share/applications/bisik-desk.desktop"),
            ("README.Debian", f"{documents}/README.Debian"),
        )
    }
    manual = filled(FILES / "bisik.1", release)
    files["usr/share/man/man1/bisik.1.gz"] = gzipped(manual.encode())
    for guide in ("officer.id.md", "officer.en.md"):
        files[f"{documents}/{guide}"] = (
            release.source / "docs/guides" / guide
        ).read_bytes()
    return Package(
        name=NAME,
        code=DESK_CODE,
        locked="requirements/desk.txt",
        library=LIBRARY,
        site_packages=f"{LIBRARY}/site-packages",
        templates=FILES,
        files=files,
        programs=frozenset({command, opener}),
    )
