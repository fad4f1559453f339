"""The folder of `make release`: the same for everybody, signed, and installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.building import EPOCH, build, build_elsewhere
from support.pages import ROOT, links_of

from scripts.bundling.sums import write_sums
from scripts.release.package import GUIDES

pytestmark = [pytest.mark.journey, pytest.mark.slow]

MODULE = "scripts.release"
SIGNER = "Penanda tangan rilis (uji)"
# Where pip gets packages from on this machine.
PACKAGE_INDEX = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT")
LATER = str(int(EPOCH) + 60)


@contextmanager
def short_home() -> Iterator[Path]:
    """Give a home of gpg with a path that leaves room for its agent's socket."""
    with tempfile.TemporaryDirectory(prefix="bisik-", dir="/tmp") as name:
        try:
            yield Path(name)
        finally:
            subprocess.run(["gpgconf", "--homedir", name, "--kill", "all"], check=False)


def gpg(home: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run gpg as the one who signs, or who checks."""
    return subprocess.run(
        ["gpg", "--homedir", home, "--batch", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def dpkg(root: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run dpkg for a machine that is nothing but a folder."""
    return subprocess.run(
        ["dpkg", f"--root={root}", "--force-depends", "--force-not-root", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release, signed by somebody."""
    target = tmp_path_factory.mktemp("release")
    with short_home() as home:
        made = gpg(
            home, "--passphrase", "", "--quick-generate-key", SIGNER, "ed25519", "sign"
        )
        assert 0 == made.returncode, made.stderr
        folder = build(
            MODULE, ROOT, target, "--sign", SIGNER, env={"GNUPGHOME": str(home)}
        )
        public = gpg(home, "--armor", "--export", SIGNER).stdout
    (target / "release.asc").write_text(public)
    return folder


@pytest.fixture(scope="module")
def machine(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine on which this release and the next one are installed."""
    root = tmp_path_factory.mktemp("machine")
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    later = build(
        MODULE,
        ROOT,
        tmp_path_factory.mktemp("later"),
        "--package-only",
        env={"SOURCE_DATE_EPOCH": LATER},
    )
    (this,) = release.glob("*.deb")
    for package in (this, later):
        done = dpkg(root, "--install", package)
        assert 0 == done.returncode, done.stderr
    return root


def test_a_release_is_the_same_wherever_it_is_built(
    release: Path, tmp_path: Path
) -> None:
    """
    Another folder, hour, umask, language, time zone and home: not one bit differs.
    """
    again = build_elsewhere(MODULE, tmp_path)

    def everything(folder: Path) -> dict[str, tuple[int, int, bytes]]:
        return {
            str(path.relative_to(folder)): (
                path.stat().st_mode,
                path.stat().st_mtime_ns,
                path.read_bytes(),
            )
            for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".asc"
        }

    assert release.name == again.name
    assert everything(release) == everything(again)


def test_a_release_is_checked_as_its_readme_says(release: Path, tmp_path: Path) -> None:
    """
    The signature and the digests are good; with one letter changed, neither is.
    """
    sums = release / "SHA256SUMS"
    altered = tmp_path / "SHA256SUMS"
    altered.write_text(sums.read_text().replace("README", "README2", 1))
    with short_home() as home:
        gpg(home, "--import", release.parent / "release.asc")
        good = gpg(home, "--verify", f"{sums}.asc", sums)
        bad = gpg(home, "--verify", f"{sums}.asc", altered)
    checked = [
        subprocess.run(
            ["sha256sum", "--check", "--quiet", "--strict", path],
            cwd=release,
            capture_output=True,
            text=True,
            check=False,
        )
        for path in (sums, altered)
    ]

    assert 0 == good.returncode, good.stderr
    assert SIGNER in good.stderr
    assert 0 != bad.returncode
    assert (0, "") == (checked[0].returncode, checked[0].stdout)
    assert 0 != checked[1].returncode


def deploy(
    carried: Path, home: Path, *arguments: str | Path
) -> "subprocess.CompletedProcess[str]":
    """Call the release's own command, as somebody who has nothing else of Bisik."""
    places = {name: os.environ[name] for name in PACKAGE_INDEX if name in os.environ}
    return subprocess.run(
        [carried / "deploy", *arguments],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **places},
    )


@pytest.fixture(scope="module")
def carried(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release on an administrator's computer."""
    return shutil.copytree(release, tmp_path_factory.mktemp("carried") / "release")


def test_a_release_runs_its_own_playbook(carried: Path, tmp_path: Path) -> None:
    """
    By one command, with its own Ansible; nothing is written into its folder.
    """
    before = {path: path.stat().st_mtime_ns for path in carried.rglob("*")}
    inventory = shutil.copytree(carried / "ansible/inventory/example", tmp_path / "i")

    checked = deploy(carried, tmp_path, "i", "--syntax-check")
    listed = deploy(carried, tmp_path, inventory, "--list-tasks")

    assert 0 == checked.returncode, checked.stderr
    assert "playbook: site.yml" in checked.stdout
    assert 0 == listed.returncode, listed.stderr
    for role in ("base", "firewall", "tor", "application", "backup"):
        assert f"{role} : " in listed.stdout
    # The second time nothing had to be installed.
    assert "Installing" in checked.stdout
    assert "Installing" not in listed.stdout
    assert before == {path: path.stat().st_mtime_ns for path in carried.rglob("*")}


def test_a_release_installs_itself(carried: Path, tmp_path: Path) -> None:
    """
    Whatever an inventory names, the playbook of a release installs this release.
    """
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(
        "all: {hosts: {here: {ansible_connection: local, "
        "application_release: /nowhere}}}\n"
    )
    playbook = carried / "ansible/site.yml"
    kept = playbook.read_text()
    sums = (carried / "SHA256SUMS").read_text()
    playbook.write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.debug: {var: application_release}\n"
    )
    try:
        altered = deploy(carried, tmp_path, inventory)
        write_sums_anew(carried)
        told = deploy(carried, tmp_path, inventory)
    finally:
        playbook.write_text(kept)
        (carried / "SHA256SUMS").write_text(sums)

    assert 1 == altered.returncode
    assert "is not what SHA256SUMS says" in altered.stderr
    assert 0 == told.returncode, told.stderr
    assert f"application_release: {carried}" in told.stdout


def write_sums_anew(folder: Path) -> None:
    """Let SHA256SUMS say what there is now."""
    (folder / "SHA256SUMS").unlink()
    write_sums(folder)


@pytest.mark.parametrize("arguments", [(), ("nowhere",)])
def test_deploy_says_what_it_needs(
    carried: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """
    Without an inventory nothing is installed, here or there.
    """
    done = deploy(carried, tmp_path, *arguments)

    assert 2 == done.returncode
    assert "ansible/inventory/example" in done.stderr
    assert [] == list(tmp_path.iterdir())


def test_links_of_the_guides_lead_somewhere(release: Path) -> None:
    """
    Whoever has the release alone, in an emergency, can follow them.
    """
    broken = [
        f"{guide}: {target}"
        for guide in GUIDES
        for _line, target in links_of(release / "docs/guides" / guide)
        if "://" not in target
        and not (release / "docs/guides" / target.partition("#")[0]).exists()
    ]

    assert 6 == len(GUIDES)
    assert [] == broken


def test_releases_stand_side_by_side(machine: Path) -> None:
    """
    Two versions are installed at once, each runs as itself, and dpkg knows each file.
    """
    releases = sorted((machine / "opt/bisik/releases").iterdir())
    said = [
        subprocess.run(
            [release / "bin/bisik", "--version"],
            capture_output=True,
            text=True,
            check=True,
            # Whatever stands there is not looked at.
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHOME": "/nowhere"},
        ).stdout
        for release in releases
    ]
    verified = [
        dpkg(machine, "--verify", f"bisik-server-{release.name}")
        for release in releases
    ]

    assert 2 == len(releases)
    assert [f"bisik, version {release.name}\n" for release in releases] == said
    assert [(0, "", "")] * 2 == [
        (done.returncode, done.stdout, done.stderr) for done in verified
    ]


def test_a_changed_file_is_noticed(machine: Path) -> None:
    """
    dpkg names a file of a release that is not as it was packaged.
    """
    release = min((machine / "opt/bisik/releases").iterdir())
    path = release / "lib/ops/server.py"
    before = path.read_bytes()
    path.write_bytes(before + b"\n")
    try:
        done = dpkg(machine, "--verify", f"bisik-server-{release.name}")
    finally:
        path.write_bytes(before)

    # Of all that it could compare dpkg knows the digest: the third, a 5 (dpkg(1)).
    changed = f"/opt/bisik/releases/{release.name}/lib/ops/server.py"
    assert f"??5??????   {changed}\n" == done.stdout


def test_installing_runs_nothing_of_ours(machine: Path) -> None:
    """
    The package brings files and no scripts: whatever serves goes on serving.
    """
    brought = (machine / "var/lib/dpkg/info").glob("bisik-server-*")

    assert {".list", ".md5sums"} == {path.suffix for path in brought}


def test_a_server_made_by_a_release_works(machine: Path, tmp_path: Path) -> None:
    """
    With what was installed a server directory is made, and its dead drop opens.
    """
    release = max((machine / "opt/bisik/releases").iterdir())
    server = tmp_path / "server"

    def bisik(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [release / "bin/bisik", *arguments, "--directory", str(server)],
            capture_output=True,
            text=True,
            check=False,
        )

    made, listed = bisik("init"), bisik("officers", "list")

    assert 0 == made.returncode, made.stderr
    assert 0 == listed.returncode, listed.stderr
