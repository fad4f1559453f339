"""
The Debian packages beside ours: all that an empty Debian 12 would need.

apt(8) is asked as if nothing were installed, with the sources and the keys of this
machine but lists and caches of its own, so that no root is needed and nothing of this
machine is changed.  apt has checked each package against the signatures of the archive;
the index that it reads on the other side is that of a flat repository
(sources.list(5), deb-src-control's Packages stanzas).
"""

import os
import shutil
from pathlib import Path

from scripts.bundling.refusing import run
from scripts.bundling.sums import sha256

INDEX = "Packages"
FOLDER = "debian"


def download(package: Path, more: list[str], cache: Path, target: Path) -> None:
    """
    Download what a package needs, and what that needs.

    Args:
        package: The file of the package; it is not installed.

        more: Names of other packages to bring along.

        cache: A folder in which lists and packages may stay for the next time.

        target: The folder for the packages.

    Raises:
        BundleError: If apt cannot reach the archive, or finds no way.
    """
    archives = cache / "archives"
    lists = cache / "lists"
    for folder in (archives, lists):
        (folder / "partial").mkdir(parents=True, exist_ok=True)
    nothing = cache / "status"
    nothing.write_text("")
    apt_get = [
        *("apt-get", "--quiet", "--quiet", "--yes"),
        *("-o", f"Dir::State::status={nothing}"),
        *("-o", f"Dir::State::lists={lists}"),
        *("-o", f"Dir::State::extended_states={cache / 'extended_states'}"),
        *("-o", f"Dir::Cache::archives={archives}"),
        *("-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="),
        *("-o", "Dir::Etc::preferences=/dev/null"),
        *("-o", "Dir::Etc::preferencesparts=/dev/null"),
        *("-o", "APT::Sandbox::User=", "-o", "Debug::NoLocking=true"),
        *("-o", "Acquire::Languages=none", "-o", "APT::Keep-Downloaded-Packages=true"),
    ]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    run([*apt_get, "update"], env=environment)
    install = [*apt_get, "--no-install-recommends", "install", f"{package}", *more]
    run([*install, "--download-only"], env=environment)
    simulated = run([*install, "--simulate"], env=environment)
    wanted = {
        tuple(line.split()[1:3])
        for line in simulated.splitlines()
        if line.startswith("Inst ")
    }
    for path in sorted(archives.glob("*.deb")):
        name, version, architecture = _identity(path)
        # An epoch's colon cannot be in a name on every stick.
        plain = f"{name}_{version.partition(':')[2] or version}_{architecture}.deb"
        # What an earlier bundle needed may still be in the cache.
        if (name, f"({version}") in wanted:
            shutil.copyfile(path, target / plain)


def index(folder: Path) -> str:
    """Describe all packages below a folder, so that apt can choose among them."""
    stanzas = []
    for path in sorted(folder.rglob("*.deb")):
        fields = run(["dpkg-deb", "--field", path]).strip("\n")
        stanzas.append(
            f"{fields}\n"
            f"Filename: ./{path.relative_to(folder)}\n"
            f"Size: {path.stat().st_size}\n"
            f"SHA256: {sha256(path)}\n"
        )
    return "\n".join(stanzas)


def _identity(path: Path) -> tuple[str, str, str]:
    wanted = "${Package}\n${Version}\n${Architecture}\n"
    name, version, architecture = run(
        ["dpkg-deb", "--show", f"--showformat={wanted}", path]
    ).split()
    return name, version, architecture
