"""
The bundle of `make desk-bundle` on an officer's machine: new, minimal, without network.

The machine is a minimal Debian 12, made from nothing; of this one it has the kernel and
the browser that drives it through a whole case.  The bundle is the one that brings a
browser along.
"""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import brought_browser
from support.building import build, build_elsewhere
from support.debian_root import OFFICER, OFFICER_UID, DebianRoot, minimal_debian
from support.office import NAMES, make_office_template, running_office
from support.offline_case import (
    Workplace,
    assert_case_goes_through,
    shipped_institution,
)
from support.pages import ROOT
from support.pinentry import Pinentry
from support.reporters import Reporter

from crypto.admission import fingerprint_in
from crypto.openpgp import Keyring
from ops.commands.introducing import read_enrolment
from ops.organisation import PUBLIC_KEY, certify_enrolment, create_organisation

pytestmark = [pytest.mark.journey, pytest.mark.slow]

ON_THE_STICK = "/media/petugas/BISIK stick"
"""Where the bundle is on that machine."""

PASSPHRASE = "enam kata yang diacak"
SERVER_ALONE = {
    "alembic",
    "deaddrop",
    "journalist_app/courier",
    "psycopg",
    "psycopg_binary",
    "source_app",
}


@pytest.fixture(scope="module")
def cache(pytestconfig: pytest.Config) -> Path:
    """What stays from one run to the next; a first run makes all of it."""
    assert pytestconfig.cache is not None
    return pytestconfig.cache.mkdir("desk-bundle")


@pytest.fixture(scope="module")
def bundle(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle with a browser, built here."""
    target = tmp_path_factory.mktemp("dist")
    return build("scripts.desk_bundle", ROOT, target, "--browser", "--cache", cache)


@pytest.fixture(scope="module")
def machine(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> DebianRoot:
    """An officer's machine."""
    path = tmp_path_factory.mktemp("machine") / "root"
    return DebianRoot.unpacked(minimal_debian(cache), path)


def install(machine: DebianRoot, bundle: Path) -> "subprocess.CompletedProcess[str]":
    """Do what README.txt says."""
    return machine.run(
        ["sh", f"{ON_THE_STICK}/install"], folders={bundle: ON_THE_STICK}
    )


@pytest.fixture(scope="module")
def installed(machine: DebianRoot, bundle: Path) -> DebianRoot:
    """The machine with the desk on it."""
    done = install(machine, bundle)
    assert 0 == done.returncode, done.stdout + done.stderr
    return machine


def test_the_package_is_the_same_wherever_it_is_built(
    bundle: Path, tmp_path: Path
) -> None:
    """
    Another folder, hour, umask, language, time zone and home: not one bit differs.
    """
    again = build_elsewhere("scripts.desk_bundle", tmp_path, "--package-only")

    (here,) = bundle.glob("bisik-desk_*.deb")
    assert here.name == again.name
    assert here.read_bytes() == again.read_bytes()


@pytest.mark.parametrize(
    "pattern", ["bisik-desk_*.deb", "debian/python3_*.deb", "Packages"]
)
def test_an_altered_bundle_is_refused(
    machine: DebianRoot, bundle: Path, tmp_path: Path, pattern: str
) -> None:
    """
    One bit of our package, of Debian's or of the index: it is named, nothing is done.
    """
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy, copy_function=os.link)
    (file,) = copy.glob(pattern)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.unlink()
    file.write_bytes(content)
    status = machine.path / "var/lib/dpkg/status"
    before = status.read_bytes()

    done = install(machine, copy)

    assert 1 == done.returncode
    assert f"error: this folder is not as it was made: {file.relative_to(copy)}" in (
        done.stderr
    )
    assert "hint: install nothing of it" in done.stderr
    assert before == status.read_bytes()


def test_what_is_installed_is_what_was_packaged(installed: DebianRoot) -> None:
    """
    `dpkg --verify` finds every file as it was, also after the command was used by root.
    """
    said = installed.run(["bisik", "--version"]).stdout
    version = installed.run(
        ["dpkg-query", "--show", "--showformat=${Version}", "bisik-desk"]
    ).stdout

    assert f"bisik, version {version}\n" == said
    verified = installed.run(["dpkg", "--verify", "bisik-desk"])
    assert (0, "", "") == (verified.returncode, verified.stdout, verified.stderr)


def test_installing_runs_nothing_of_ours(installed: DebianRoot) -> None:
    """
    The package brings files and no scripts: an upgrade touches nobody's desk.
    """
    brought = (installed.path / "var/lib/dpkg/info").glob("bisik-desk.*")

    assert {".list", ".md5sums"} == {path.suffix for path in brought}


def test_no_part_of_a_server_is_on_the_desk(installed: DebianRoot) -> None:
    """
    Neither the sites nor the dead drop, nor the libraries that only they need.
    """
    library = installed.path / "usr/lib/bisik"
    there = {
        str(path.relative_to(folder))
        for folder in (library, library / "site-packages")
        for pattern in ("*", "*/*")
        for path in folder.glob(pattern)
    }

    assert {"journalist_app/workstation", "flask"} <= there
    assert set() == SERVER_ALONE & there


def test_what_cards_need_is_brought(installed: DebianRoot) -> None:
    """
    scdaemon, pcscd and the driver of readers come with the bundle: without a network
    nobody can fetch them when the officer has a card.
    """
    listed = installed.run(["gpgconf", "--check-programs"]).stdout.splitlines()
    scdaemon = next(line.split(":") for line in listed if line.startswith("scdaemon:"))
    pcscd = installed.run(["pcscd", "--version"])

    # Available, runnable, its configuration in order.
    assert ["1", "1"] == scdaemon[3:5]
    assert (0, True) == (pcscd.returncode, pcscd.stdout.startswith("pcsc-lite"))
    drivers = installed.path / "usr/lib/pcsc/drivers"
    assert (drivers / "ifd-ccid.bundle/Contents/Info.plist").is_file()


def test_installing_again_changes_nothing(installed: DebianRoot, bundle: Path) -> None:
    """
    Who is not sure whether it was installed may do it once more.
    """
    status = installed.path / "var/lib/dpkg/status"
    before = status.read_bytes()

    done = install(installed, bundle)

    assert 0 == done.returncode, done.stderr
    assert before == status.read_bytes()


def test_an_officer_makes_a_desk(installed: DebianRoot, tmp_path: Path) -> None:
    """
    The installed program makes keys without network, whose passphrase only gpg-agent
    and its pinentry hear, and the file with which the organisation enrols the officer.
    """
    home, asking = f"/home/{OFFICER}", "/media/petugas/pinentry"
    pinentry = Pinentry(
        tmp_path / "pinentry", PASSPHRASE, inside=asking, python="/usr/bin/python3"
    )
    for path in (tmp_path / "pinentry", *(tmp_path / "pinentry").iterdir()):
        os.chown(path, OFFICER_UID, OFFICER_UID)

    def bisik(*arguments: str) -> "subprocess.CompletedProcess[str]":
        folders = {tmp_path / "pinentry": asking}
        command = ["bisik", "desk", *arguments]
        return installed.run(command, uid=OFFICER_UID, folders=folders)

    asks = ("--pinentry", "--pinentry-program", f"{asking}/pinentry")
    made = bisik("init", f"{home}/meja", "--name", "Petugas Ani", *asks)

    assert 0 == made.returncode, made.stdout + made.stderr
    # Chosen once, typed twice.
    assert 2 == pinentry.asked()
    desk = installed.path / f"home/{OFFICER}/meja"
    introduced = read_enrolment(desk / "enrolment.json")
    assert "Petugas Ani" == introduced.name
    fingerprint = fingerprint_in(introduced.certificate.encode("ascii"))
    assert f"Fingerprint: {fingerprint}" in made.stdout.splitlines()
    assert {(OFFICER_UID, 0)} == {
        (path.lstat().st_uid, path.lstat().st_mode & 0o077)
        for path in (desk, desk / "gnupg")
    }
    # The organisation certifies it, and a server that trusts it lets it in.
    today = datetime.now(UTC).date()
    organisation = tmp_path / "organisation"
    create_organisation(organisation, name="Uji", passphrase=None, today=today)
    certified = certify_enrolment(
        organisation,
        introduced,
        fingerprint_read_out=fingerprint,
        passphrase=None,
        today=today,
    )
    server = Keyring(tmp_path / "server")
    server.trust_organisation((organisation / PUBLIC_KEY).read_bytes())
    admitted = server.admit(certified.certificate.encode("ascii"), today=today)
    assert fingerprint == admitted.fingerprint

    opened = bisik("list", "--desk", f"{home}/meja")
    assert "There are no cases yet.\n" == opened.stdout, opened.stderr
    assert 3 == pinentry.asked()
    pinentry.answer("salah")
    locked = bisik("list", "--desk", f"{home}/meja")
    assert (1, "") == (locked.returncode, locked.stdout)
    assert "bisik: hint: type the passphrase" in locked.stderr


@pytest.mark.browser
def test_a_case_from_import_to_closing(installed: DebianRoot, tmp_path: Path) -> None:
    """
    Two officers, who are no administrators, do a whole case with what was installed.
    """
    desk_inside, stick_inside = f"/home/{OFFICER}/desk", "/media/petugas/STICK"

    def settle(desk: Path, stick: Path) -> Workplace:
        for folder in (desk, stick):
            for path in [folder, *folder.rglob("*")]:
                os.chown(path, OFFICER_UID, OFFICER_UID, follow_symlinks=False)
        program = installed.entering(
            ["/usr/bin/bisik"],
            uid=OFFICER_UID,
            folders={desk: desk_inside, stick: stick_inside},
        )
        return Workplace(program, desk_inside, stick_inside)

    assert_case_goes_through(tmp_path, settle)


@pytest.mark.browser
def test_the_browser_that_came_along_shows_the_desk(
    installed: DebianRoot, tmp_path: Path
) -> None:
    """
    With the link that `bisik desk open` prints, Firefox ESR of the bundle shows the
    queue and a report, on a machine that has nothing but loopback.
    """
    desk_inside, profile = f"/home/{OFFICER}/meja-firefox", f"/home/{OFFICER}/profil"
    template = make_office_template(tmp_path / "template", shipped_institution())
    with running_office(tmp_path, template, NAMES[0]) as office:
        office.send(Reporter("pelapor").write(), to=NAMES[:1])
        office.fetch(NAMES[0])
        office.close_desks()
        desk = office.folder_of(NAMES[0])
        for path in [desk, *desk.rglob("*")]:
            os.chown(path, OFFICER_UID, OFFICER_UID, follow_symlinks=False)

        def inside(*command: str) -> list[str]:
            folders = {desk: desk_inside}
            return installed.entering(command, uid=OFFICER_UID, folders=folders)

        done = subprocess.run(
            [
                *("unshare", "--net", "--"),
                *("sh", "-c", 'ip link set lo up && exec "$@"', "sh"),
                *(sys.executable, brought_browser.__file__, str(tmp_path / "page.png")),
                *inside("bisik", "desk", "open", "--desk", desk_inside),
                "--then",
                # It makes no profile in a folder that is not there.
                *inside("sh", "-c", 'mkdir "$1" && exec "$0" --profile "$@"'),
                *("firefox-esr", profile, "--headless"),
            ],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    assert "done" in done.stdout.splitlines(), done.stdout + done.stderr
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
