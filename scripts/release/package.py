"""
The Debian package bisik-server-VERSION.

    opt/bisik/releases/VERSION/
        bin/bisik      the command; sees nothing but lib/ beside it
        lib/           our modules and the libraries, compiled beside their sources
        systemd/ ...   the folders of deployment/, for whoever sets the machine up
    usr/share/doc/bisik-server-VERSION/

The version is part of the name, as with kernels: the old release stays beside the new
one until nobody needs to go back to it.
"""

from pathlib import Path

from scripts.bundling.deb import Package, documents_of
from scripts.bundling.own_code import OwnCode
from scripts.bundling.release import Release

RELEASES = "opt/bisik/releases"
SERVER_CODE = OwnCode("ops.server_cli", whole_package="deaddrop")
FILES = Path(__file__).parent / "files"
GUIDES = tuple(
    f"{name}.{language}.md"
    for name in ("operator", "incidents", "auditor")
    for language in ("id", "en")
)
# What the pages in docs/ lead to besides.
PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "SECURITY.md")
DEPLOY = "deploy"
LOCKED = "requirements/deploy.txt"


def package_name(version: str) -> str:
    """Name the package of a version."""
    return f"bisik-server-{version}"


def server_package(release: Release) -> Package:
    """Say what goes into the package."""
    name = package_name(release.version)
    root = f"{RELEASES}/{release.version}"
    command, library = f"{root}/bin/bisik", f"{root}/lib"
    documents = documents_of(name)
    files = {
        command: (FILES / "bisik").read_bytes(),
        f"{documents}/README.Debian": (FILES / "README.Debian").read_bytes(),
    }
    for path, content in tree_files(release.source / "deployment").items():
        # What stands beside the folders explains them to developers.
        if "/" in path:
            files[f"{root}/{path}"] = content
    for guide in GUIDES:
        files[f"{documents}/{guide}"] = (
            release.source / "docs/guides" / guide
        ).read_bytes()
    return Package(
        name=name,
        code=SERVER_CODE,
        locked="requirements/server.txt",
        library=library,
        # What looks into files is started with this one folder in its path.
        site_packages=library,
        templates=FILES,
        files=files,
        programs=frozenset({command}),
    )


def tree_files(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder of the repository, without what tools leave."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix != ".pyc"
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
