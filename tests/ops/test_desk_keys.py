"""`bisik desk keys` and what the operator sees of it."""

import json
import re
from pathlib import Path

import pytest
from support.command import World
from support.openpgp_world import run_gpg
from support.reporters import DAY, Reporter
from support.sending import send

from journalist_app.workstation.rotation import GRACE_DAYS

NOON_OF_DAY = f"{DAY:%Y%m%d}T120000"
FIRST_OF_DECEMBER = "2026-12-01"
TO_DECEMBER = 7  # From the 24th of November.


def test_a_desk_has_a_revocation_certificate(world: World) -> None:
    """`bisik desk init` leaves what ends the key for everybody, in GnuPG's place."""
    file = world.desk / "gnupg" / "openpgp-revocs.d" / f"{world.fingerprint}.rev"
    assert "BEGIN PGP PUBLIC KEY BLOCK" in file.read_text("utf-8")
    assert 0 == file.stat().st_mode & 0o077


def test_the_revocation_certificate_revokes(world: World, tmp_path: Path) -> None:
    """
    Taken into a keyring elsewhere, as its text says, it ends the desk's key; a server
    that is given that key refuses it as revoked, and keeps what it had.
    """
    file = world.desk / "gnupg" / "openpgp-revocs.d" / f"{world.fingerprint}.rev"
    text = file.read_text("utf-8")
    # GnuPG guards the file against an accident by a colon, which is to be removed.
    assert 1 == text.count("\n:-----BEGIN PGP")
    certified = tmp_path / "certified.json"
    world.certify(world.desk / "enrolment.json", certified)
    document = json.loads(certified.read_bytes())
    home = tmp_path / "elsewhere"
    home.mkdir(mode=0o700)

    def validity() -> str:
        listed = run_gpg(home, "--with-colons", "--list-keys", at=NOON_OF_DAY).decode()
        (field,) = re.findall(r"^pub:(.)", listed, re.MULTILINE)
        return str(field)

    run_gpg(home, "--import", at=NOON_OF_DAY, content=document["certificate"].encode())
    assert "r" != validity()
    revocation = text.replace("\n:-----BEGIN PGP", "\n-----BEGIN PGP").encode()
    run_gpg(home, "--import", at=NOON_OF_DAY, content=revocation)
    assert "r" == validity()

    revoked = run_gpg(home, "--armor", "--export", world.fingerprint, at=NOON_OF_DAY)
    document["certificate"] = revoked.decode("ascii")
    certified.write_text(json.dumps(document), encoding="utf-8")
    before = world.done("officers", "list")
    assert "is refused: revoked" in world.refused("officers", "add", certified)
    assert before == world.done("officers", "list")


def test_the_calendar_of_a_new_desk(world: World) -> None:
    """This month is current, a year is ahead, and nothing is past."""
    said = world.done("desk", "keys", "list")
    assert ["current"] + ["future"] * 12 == re.findall(r" (current|future|past) ", said)
    assert f"{DAY}      2026-11-30  current" in said
    assert "reports are sealed to it through 2028-05-31" in said
    assert "That is soon" not in said


def test_nothing_to_destroy_yet(world: World) -> None:
    """Before the grace is over, the command refuses and shows why."""
    result = world.at(TO_DECEMBER).bisik("desk", "keys", "destroy", "--yes")
    assert 1 == result.exit_code
    assert "may still be under way" in result.output
    assert [] == re.findall(r"2026-11-30  destroyed", result.output)


@pytest.mark.slow
def test_an_officer_destroys_without_waiting(world: World, tmp_path: Path) -> None:
    """
    Where nothing new arrives, the officer decides; the desk goes on as before, and
    what comes later for the destroyed key is named.
    """
    bundle, late = tmp_path / "bundle.tar", tmp_path / "late.tar"
    send(world.server, world.edge, Reporter("ani").keys, token="0" * 32)
    courier = ("courier", "export", "--desk", world.officer, "--to")
    world.done(*courier, bundle)
    send(world.server, world.edge, Reporter("budi").keys, token="1" * 32)
    world.done("desk", "import", bundle)
    world.done(*courier, late)
    january = world.at(TO_DECEMBER + GRACE_DAYS)
    assert "no complete bundle" in january.done("desk", "keys", "list")
    asked = january.bisik("desk", "keys", "destroy", stdin="n\n")
    assert 1 == asked.exit_code
    assert "Import the newest bundle first" in asked.output
    said = january.done("desk", "keys", "destroy", stdin="y\n")
    assert "Destroyed: 1." in said
    assert "destroyed" in january.done("desk", "keys", "list")
    assert 1 == len(re.findall(r"^[a-z]{5}-", january.done("desk", "list"), re.M))
    imported = january.done("desk", "import", late)
    assert "kept, but cannot be opened" in imported


def test_an_extension_reaches_the_server(world: World, tmp_path: Path) -> None:
    """
    The renewed enrolment is added without a new certification, and the operator sees
    through which day reports can be sealed.
    """
    assert "sealed to through 2028-05-31" in world.done("officers", "list")
    late = world.at(700)
    warned = late.done("officers", "list")
    assert "NOT FIT" in warned
    renewed = tmp_path / "renewed.json"
    said = late.done(
        "desk", "keys", "extend", "--until", "2031-01-01", "--enrolment", renewed
    )
    assert "The key ends on 2031-01-01.  New subkeys: 13." in said
    assert "through" in late.done("officers", "add", renewed)
    listed = late.done("officers", "list")
    assert "\n  fit" in listed
    assert "ENDS SOON" not in listed
    assert 2 == late.bisik("desk", "keys", "extend", "--until", "2020-01-01").exit_code


def test_the_operator_is_told_in_time(world: World) -> None:
    """Two months before the last subkey ends, the list says so."""
    assert "ENDS SOON" in world.at(520).done("officers", "list")
    assert "ENDS SOON" not in world.at(400).done("officers", "list")
