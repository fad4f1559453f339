"""Every refusal is a line of error, a line of hint, exit code 1, and no change."""

import shutil
from pathlib import Path

import pytest
from support.command import World
from support.deaddrop_samples import read_everything
from support.reporters import DAY, Reporter
from support.sending import answers, send
from support.smartcard import move_to_card

from casework.enrolment import Enrolment
from casework.profile import shipped_profile
from crypto.agent import AgentHome
from crypto.fingerprint import parse_fingerprint
from crypto.opening import SecretKeyring
from journalist_app.workstation.desk import (
    Institution,
    create_desk,
    open_desk,
    read_record,
)
from ops.server import open_server
from ops.shipped import shipped_calendar


def stored(world: World) -> dict[str, list[tuple[object, ...]]]:
    """Return every row on the server."""
    with open_server(world.server, world.edge) as server:
        return read_everything(server.drop)


def second_desk(world: World, name: str = "Petugas Kedua") -> Path:
    """Make another desk, not certified."""
    path = world.path / "second"
    create_desk(
        path,
        name=name,
        email=None,
        passphrase=None,
        institution=Institution(shipped_profile(), shipped_calendar()),
        today=DAY,
        entropy=world.edge.entropy,
        expires_days=30,
    )
    return path


@pytest.fixture
def reported(world: World, tmp_path: Path) -> World:
    """A world in which a report is on the desk, and its bundle on a stick."""
    send(world.server, world.edge, Reporter("ani").keys, token="0" * 32)
    bundle = tmp_path / "bundle.tar"
    world.done("courier", "export", "--desk", world.officer, "--to", bundle)
    world.done("desk", "import", bundle)
    return world


@pytest.fixture
def outbox(reported: World, tmp_path: Path) -> Path:
    """An outbox with an answer to that report."""
    listed = reported.done("desk", "list").splitlines()[1]
    case = listed.split()[0]
    reported.done("desk", "reply", case, "--text", "-", stdin="Terima kasih.")
    path = tmp_path / "outbox.tar"
    reported.done("desk", "export", "--to", path)
    return path


def test_nothing_is_made_twice(world: World) -> None:
    """Neither a server nor a desk nor an organisation replaces another."""
    for command in (
        ("init",),
        ("desk", "init", world.desk, "--name", "Lain"),
        ("organisation", "init", world.organisation),
    ):
        assert "file exists" in world.refused(*command)


def test_a_failed_init_leaves_nothing(empty: World, tmp_path: Path) -> None:
    """A malformed profile, key or address makes no directory, and is not quoted."""
    profile = tmp_path / "profile.toml"
    profile.write_text("version = 1")
    empty.refused("init", "--profile", profile)
    empty.refused("init", "--organisation-key", profile)
    for address in ("mysql://u:hush@h/d", "hush", "postgresql://u:hush@h:port/d"):
        assert "hush" not in empty.refused("init", "--database", address)
    assert [] == list(empty.server.parent.iterdir())


def test_without_a_server_directory(empty: World, tmp_path: Path) -> None:
    """Every command of the server says where it looked and what to do."""
    for command in (
        ("officers", "list"),
        ("tidy",),
        ("serve",),
        ("courier", "export", "--desk", "x", "--to", tmp_path / "b.tar"),
    ):
        error = empty.refused(*command)
        assert str(empty.server) in error
        assert "bisik init" in error


def test_without_a_desk(empty: World, tmp_path: Path) -> None:
    """Every command of the desk says so."""
    bundle = tmp_path / "bundle.tar"
    bundle.touch()
    for command in (("list",), ("import", bundle), ("show", "babab-babab")):
        assert "no desk" in empty.refused("desk", *command)


def test_usage_errors_are_exit_code_2(world: World) -> None:
    """What the command line itself says wrong is told from a refusal."""
    for command in (
        ("desk", "reply", "x", "--kind", "shout"),
        ("officers", "remove", "12345"),
        ("init", "--join"),
        ("nothing",),
    ):
        assert 2 == world.bisik(*command).exit_code


def test_an_uncertified_officer_is_refused(world: World) -> None:
    """A desk's own enrolment is not enough."""
    before = stored(world)
    desk = second_desk(world)
    assert "not certified" in world.refused("officers", "add", desk / "enrolment.json")
    assert before == stored(world)


def test_a_wrong_fingerprint_certifies_nothing(world: World, tmp_path: Path) -> None:
    """The keeper notices that the file holds another key than the officer has."""
    enrolment = second_desk(world) / "enrolment.json"
    certified = tmp_path / "certified.json"
    command = ("organisation", "certify", world.organisation, enrolment)
    world.refused(*command, "--to", certified, "--fingerprint", world.fingerprint)
    world.refused(*command, "--to", certified, stdin=f"{world.fingerprint}\n")
    assert not certified.exists()


def test_a_desk_id_belongs_to_one_officer(world: World, tmp_path: Path) -> None:
    """A certified officer who claims another's desk is refused, and left out."""
    desk = second_desk(world)
    world.certify(desk / "enrolment.json", tmp_path / "certified.json")
    enrolment = Enrolment.parse((tmp_path / "certified.json").read_bytes())
    present = Enrolment.parse((world.desk / "enrolment.json").read_bytes())
    claimed = enrolment.model_copy(update={"desk_id": present.desk_id})
    file = tmp_path / "claimed.json"
    file.write_bytes(claimed.to_json())
    before = stored(world)
    assert "already" in world.refused("officers", "add", file)
    assert before == stored(world)


def test_without_the_organisations_key(empty: World, world: World) -> None:
    """A server that trusts nobody enrols nobody."""
    shutil.rmtree(world.server)
    world.done("init")
    error = world.refused("officers", "add", world.desk / "enrolment.json")
    assert "bisik organisation trust" in error


def test_an_expired_officer_is_left_out(world: World, tmp_path: Path) -> None:
    """After the key's last day nothing is sealed to it, and no outbox is taken."""
    desk = second_desk(world)
    certified = tmp_path / "certified.json"
    world.certify(desk / "enrolment.json", certified)
    world.done("officers", "add", certified)
    late = world.at(days=31)
    listed = late.done("officers", "list")
    assert "NOT FIT: expired on 2026-12-24" in listed
    assert "\n  fit\n" in listed
    late.refused("officers", "add", certified)


def test_an_outbox_of_an_expired_officer(world: World, tmp_path: Path) -> None:
    """
    A desk renews a key that has ended.  The server refuses its outbox, and changes
    nothing, until it was given the renewed key.
    """
    send(world.server, world.edge, Reporter("ani").keys, token="0" * 32)
    bundle, outbox = tmp_path / "bundle.tar", tmp_path / "outbox.tar"
    renewed = tmp_path / "renewed.json"
    world.done("courier", "export", "--desk", world.officer, "--to", bundle)
    world.done("desk", "import", bundle)
    late = world.at(days=800)
    late.done("desk", "export", "--to", outbox)
    before = stored(world)
    said = late.refused("courier", "apply", outbox)
    assert "expired" in said
    assert "renew an ended key first" in said
    assert before == stored(world)
    late.done(
        *("desk", "keys", "extend", "--until", "2033-01-01", "--enrolment", renewed)
    )
    late.done("officers", "add", renewed)
    assert "this desk now holds      1" in late.done("courier", "apply", outbox)


def test_a_tampered_outbox_is_refused(reported: World, outbox: Path) -> None:
    """Neither the manifest nor a slot can be changed on the way."""
    before = stored(reported)
    whole = outbox.read_bytes()
    for place in (whole.index(b'"number": 1'), len(whole) - 10_000):
        changed = bytearray(whole)
        changed[place] ^= 1
        outbox.write_bytes(changed)
        reported.refused("courier", "apply", outbox)
    outbox.write_bytes(whole[: len(whole) // 2])
    reported.refused("courier", "apply", outbox)
    assert before == stored(reported)


def test_an_outbox_of_a_removed_officer(reported: World, outbox: Path) -> None:
    """Who was removed neither reads nor answers any more."""
    removed = reported.bisik("officers", "remove", reported.fingerprint)
    assert "accepts no reports" in removed.stderr
    before = stored(reported)
    assert "key" in reported.refused("courier", "apply", outbox)
    assert before == stored(reported)
    keeper = Reporter("ani").keys
    assert [] == answers(reported.server, reported.edge, keeper)


def test_an_outbox_for_another_server(
    reported: World, outbox: Path, tmp_path: Path
) -> None:
    """An installation takes no outbox that names another."""
    shutil.rmtree(reported.server)
    key = reported.organisation / "organisation.asc"
    reported.done("init", "--organisation-key", key)
    certified = tmp_path / "certified.json"
    reported.certify(reported.desk / "enrolment.json", certified)
    reported.done("officers", "add", certified)
    before = stored(reported)
    assert "another installation" in reported.refused("courier", "apply", outbox)
    assert before == stored(reported)


def test_a_bundle_of_another_server(reported: World, tmp_path: Path) -> None:
    """A desk takes bundles of one server only."""
    shutil.rmtree(reported.server)
    key = reported.organisation / "organisation.asc"
    reported.done("init", "--organisation-key", key)
    certified, bundle = tmp_path / "certified.json", tmp_path / "foreign.tar"
    reported.certify(reported.desk / "enrolment.json", certified)
    reported.done("officers", "add", certified)
    reported.done("courier", "export", "--desk", reported.officer, "--to", bundle)
    assert "another installation" in reported.refused("desk", "import", bundle)


def test_a_bundle_that_is_not_whole(reported: World, tmp_path: Path) -> None:
    """The import says which items are missing, and ends with exit code 1."""
    keys = Reporter("budi").keys
    send(reported.server, reported.edge, keys, token="0" * 32)
    bundle = tmp_path / "second.tar"
    reported.done("courier", "export", "--desk", reported.officer, "--to", bundle)
    bundle.write_bytes(bundle.read_bytes()[:-30_000])
    result = reported.bisik("desk", "import", bundle)
    assert 1 == result.exit_code
    assert "! items/00000002.pgp: damaged" in result.stdout


def test_no_file_is_replaced(reported: World, outbox: Path, tmp_path: Path) -> None:
    """A name that is taken is refused before anything is done."""
    before = outbox.read_bytes()
    reported.refused("desk", "export", "--to", outbox)
    reported.refused("courier", "export", "--desk", reported.officer, "--to", outbox)
    assert before == outbox.read_bytes()
    again = tmp_path / "again.tar"
    reported.done("desk", "export", "--again", "1", "--to", again)
    assert before == again.read_bytes()


def test_a_wrong_passphrase(world: World, tmp_path: Path) -> None:
    """The desk stays closed, and the passphrase is nowhere on the screen."""
    path = tmp_path / "locked"
    typed = "kata sandi uji\nkata sandi uji\n"
    world.done("desk", "init", path, "--name", "Petugas", stdin=typed)
    result = world.bisik("desk", "list", "--desk", path, stdin="kata sandi lain\n")
    assert 1 == result.exit_code
    assert "cannot be unlocked" in result.stderr
    assert "kata sandi lain" not in result.output
    assert "no cases" in world.done(
        "desk", "list", "--desk", path, stdin="kata sandi uji\n"
    )
    bad = world.bisik(
        "desk", "list", env={"BISIK_DESK": str(path), "BISIK_DESK_PASSPHRASE_FD": "x"}
    )
    assert "file descriptor" in bad.stderr


def test_a_card_that_is_not_there(world: World, tmp_path: Path) -> None:
    """The desk says which card it wants, and not that a passphrase was wrong."""
    path = tmp_path / "desk"
    world.done("desk", "init", path, "--name", "Petugas", "--no-passphrase")
    # No reader of this machine is asked.
    (path / "gnupg" / "scdaemon.conf").write_text("disable-ccid\n")
    key = parse_fingerprint(read_record(path).fingerprint)
    with SecretKeyring(path / "gnupg") as keys:
        first = keys.officer_keys(key).subkeys[0]
    move_to_card(path / "gnupg", first.keygrip, slot=2)

    nowhere = {"PCSCLITE_CSOCK_NAME": str(tmp_path / "nobody")}
    result = world.bisik("desk", "list", "--desk", path, env=nowhere)

    assert 1 == result.exit_code
    assert "the key is on smartcard 0005 00000001" in result.stderr
    assert "hint: whether the card is found at all: gpg --card-status" in result.stderr
    assert "passphrase" not in result.stderr


def test_no_agent_is_left_behind(world: World) -> None:
    """When a command has ended, so has the gpg-agent that it started."""
    world.done("desk", "list")
    with AgentHome(world.desk / "gnupg") as home:
        assert home._found is None


def test_a_desk_of_a_newer_bisik_is_refused(world: World) -> None:
    """The way out is named, and the casebook stays as the newer one left it."""
    with (
        open_desk(world.desk, passphrase=None, entropy=world.edge.entropy) as desk,
        desk.casebook.transaction() as connection,
    ):
        connection.exec_driver_sql("PRAGMA user_version = 1000")
    file = world.desk / "casebook.db"
    before = file.read_bytes()

    error = world.refused("desk", "list", "--desk", world.desk)

    assert "version 1000 of the tables" in error
    assert "hint: install the newer Bisik" in error
    assert before == file.read_bytes()
