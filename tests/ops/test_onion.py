"""
The onion folder, its keys and its commands, with a tor that is not on any network.

What needs a network is in tests/journeys/test_over_tor.py.
"""

import os
import pwd
import re
import shutil
import subprocess
import time
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.command import World
from support.onion_folder import (
    PASSPHRASE,
    everything,
    onion_of,
    running_tor,
    with_passphrase,
)
from support.reporters import DAY

from crypto.locking import lock
from ops.address_words import address_words
from ops.errors import Refusal
from ops.onion_trial import saying_why, wait_until_public
from ops.server_refusals import SERVER_REFUSALS
from ops.settings import with_setting
from tor.address import parse_onion_address
from tor.authorization import client_of, parse_client_key
from tor.errors import TorRefused, TorUnreachable
from tor.program import TorProcess


def test_torrc_may_be_written_again(near: World) -> None:
    """Keys, access and addresses stay; the file is one that tor accepts."""
    near.done("onion", "torrc")
    onion = onion_of(near)
    before = everything(onion)
    said = near.done("onion", "torrc", "--to", near.path / "other")
    assert "Tor accepts" in said
    assert before == everything(onion)
    assert onion.torrc.read_bytes() == (near.path / "other").read_bytes()
    for folder in (onion.directory, onion.state, onion.officers.directory):
        assert 0o700 == folder.stat().st_mode & 0o777


def test_a_torrc_that_tor_refuses_does_not_land(near: World) -> None:
    """The file of before stays."""
    near.done("onion", "torrc")
    onion = onion_of(near)
    before = onion.torrc.read_bytes()
    # Tor refuses a folder that others may write to.
    onion.reporters.directory.chmod(0o777)
    assert "tor does not accept" in near.refused("onion", "torrc")
    assert before == onion.torrc.read_bytes()


def test_a_path_that_is_too_long_is_told(near: World) -> None:
    """And the way out: another folder."""
    deep = near.path / ("a" * 60) / ("b" * 60)
    shutil.copytree(near.server, deep)
    said = near.refused("onion", "torrc", "--directory", deep)
    assert "choose a folder with a shorter path" in said
    assert not (deep / "onion" / "torrc").exists()


def test_an_officer_makes_a_key_and_the_operator_grants_it(near: World) -> None:
    """Only the public half is ever on the server; the file is the officer's alone."""
    near.done("onion", "torrc")
    key_file = near.path / "key"
    said = near.done("desk", "access-key", "--to", key_file)
    public = said.splitlines()[-1]
    private = key_file.read_text().strip()
    assert private not in said
    assert public == client_of(private).public_key
    assert 0o600 == key_file.stat().st_mode & 0o777
    granted = near.done("officers", "grant-access", "ani", public.lower())
    assert "counts from its next start" in granted
    assert f"ani  {public}\n" == near.done("officers", "access")
    assert private not in repr(everything(onion_of(near)))
    near.refused("desk", "access-key", "--to", key_file)


def test_the_key_for_a_tor_without_a_browser(near: World) -> None:
    """With the courier's address the file is one for ClientOnionAuthDir."""
    address = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
    key_file = near.path / "key.auth_private"
    near.done("desk", "access-key", "--to", key_file, "--address", address.upper())
    name, kind, curve, key = key_file.read_text().strip().split(":")
    assert (address.removesuffix(".onion"), "descriptor", "x25519") == (
        name,
        kind,
        curve,
    )
    client_of(key)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("grant-access", "ani", "nonsense"), "52 letters"),
        (("grant-access", "Ani", "B" * 52), "small letters"),
        (("grant-access", "decoy", "B" * 52), "small letters"),
        (("revoke-access", "ani"), "no client of this name"),
        (("revoke-access", "decoy"), "no client of this name"),
    ],
)
def test_what_would_not_do_is_refused(
    near: World, words: tuple[str, ...], reason: str
) -> None:
    """With the reason, and nothing has changed."""
    near.done("onion", "torrc")
    before = everything(onion_of(near))
    key = "B" * 51 + "A"
    said = near.refused("officers", *(key if w == "B" * 52 else w for w in words))
    assert reason in said
    assert before == everything(onion_of(near))


def test_without_an_onion_folder(near: World) -> None:
    """Commands say what is missing, and make nothing."""
    key = "B" * 51 + "A"
    assert "there is no" in near.refused("officers", "grant-access", "ani", key)
    assert "there is no" in with_passphrase(
        near, "onion", "backup", "--to", near.path / "b", refused=True
    )
    assert not onion_of(near).directory.exists()
    assert not (near.path / "b").exists()


def test_a_spoilt_folder_stops_every_change(near: World) -> None:
    """And the error names the file."""
    near.done("onion", "torrc")
    key = near.done("desk", "access-key", "--to", near.path / "k").splitlines()[-1]
    near.done("officers", "grant-access", "ani", key)
    onion = onion_of(near)
    (onion.officers.directory / "authorized_clients" / "decoy.auth").unlink()
    before = everything(onion)
    for words in (("revoke-access", "ani"), ("grant-access", "budi", key), ("access",)):
        assert "decoy.auth is missing" in near.refused("officers", *words)
    assert before == everything(onion)


@pytest.mark.slow
def test_addresses_survive_the_machine(near: World) -> None:
    """A backup brings back both addresses and all clients, on an empty machine."""
    backup = near.path / "backup"
    key = near.done("desk", "access-key", "--to", near.path / "k").splitlines()[-1]
    with running_tor(near) as onion:
        near.done("officers", "grant-access", "ani", key)
        said = with_passphrase(near, "onion", "backup", "--to", backup)
        # While tor runs, nothing can be brought back.
        assert "stop it first" in with_passphrase(
            near, "onion", "restore", backup, refused=True
        )
    before = everything(onion)
    addresses = re.findall(r"[a-z2-7]{56}\.onion", said)
    assert [onion.address(service) for service in onion.services] == addresses
    secret = (onion.reporters.directory / "hs_ed25519_secret_key").read_bytes()
    assert secret not in backup.read_bytes()
    assert "keys in the onion folder" in with_passphrase(
        near, "onion", "restore", backup, refused=True
    )

    shutil.rmtree(onion.directory)
    with_passphrase(near, "onion", "restore", backup)
    after = everything(onion)
    decoy = "officers/authorized_clients/decoy.auth"
    parse_client_key(after.pop(decoy).decode())
    before.pop(decoy)
    assert before == after
    with running_tor(near):
        # Tor takes the keys for what they are, and makes the same address of them.
        assert addresses == [onion.address(service) for service in onion.services]


@pytest.mark.slow
def test_a_backup_opens_without_bisik(near: World) -> None:
    """With gpg and tar, as its page says."""
    backup = near.path / "backup"
    with running_tor(near) as onion:
        with_passphrase(near, "onion", "backup", "--to", backup)
    home = near.path / "g"
    home.mkdir(mode=0o700)
    packed = subprocess.run(
        [
            *("gpg", "--homedir", home, "--batch", "--pinentry-mode", "loopback"),
            *("--passphrase-fd", "0", "--decrypt", backup),
        ],
        input=PASSPHRASE.encode(),
        capture_output=True,
        check=True,
    ).stdout
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)
    subprocess.run(["tar", "-x", "-C", home], input=packed, check=True)
    name = "reporters/hs_ed25519_secret_key"
    assert (onion.directory / name).read_bytes() == (home / name).read_bytes()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"nonsense" * 200])
def test_a_foreign_backup_is_refused(near: World, content: bytes) -> None:
    """A right passphrase does not make a backup of it; nothing appears."""
    backup = near.path / "backup"
    backup.write_bytes(lock(content, passphrase=PASSPHRASE.encode()))
    with_passphrase(near, "onion", "restore", backup, refused=True)
    backup.write_bytes(content)
    with_passphrase(near, "onion", "restore", backup, refused=True)
    assert not onion_of(near).directory.exists()


@pytest.mark.slow
def test_the_officers_get_another_address(near: World) -> None:
    """The old key is gone from the disk; clients and the reporters' keys stay."""
    key = near.done("desk", "access-key", "--to", near.path / "k").splitlines()[-1]
    with running_tor(near) as onion:
        near.done("officers", "grant-access", "ani", key)
        before, old = everything(onion), onion.address(onion.officers)
        said = near.done("onion", "rotate")
        new = onion.address(onion.officers)
        after = everything(onion)
    assert old != new
    assert new in said
    assert before["officers/hs_ed25519_secret_key"] not in after.values()
    kept = [name for name in before if "authorized" in name or "reporters" in name]
    assert [before[name] for name in kept] == [after[name] for name in kept]


@pytest.mark.slow
def test_reporters_get_another_address(near: World) -> None:
    """The old key is gone from the disk; the officers' keys and clients stay."""
    key = near.done("desk", "access-key", "--to", near.path / "k").splitlines()[-1]
    with running_tor(near) as onion:
        near.done("officers", "grant-access", "ani", key)
        before, old = everything(onion), onion.address(onion.reporters)
        said = near.done("onion", "rotate", "--reporters", stdin=f"{old}\n")
        new = onion.address(onion.reporters)
        after = everything(onion)
        # Once more, with the address of now and nothing to be asked.
        near.done("onion", "rotate", "--reporters", "--giving-up", new)
        newest = onion.address(onion.reporters)
    assert 3 == len({old, new, newest})
    assert "ends for good" in said
    assert f"at {new} from now on" in said
    assert " ".join(address_words(new)) in said
    assert before["reporters/hs_ed25519_secret_key"] not in after.values()
    kept = [name for name in before if "officers" in name]
    assert kept
    assert [before[name] for name in kept] == [after[name] for name in kept]


@pytest.mark.slow
def test_the_reporters_address_is_given_up_by_name_only(near: World) -> None:
    """Another address, half of one or none, and nothing has changed."""
    with running_tor(near) as onion:
        before, own = everything(onion), onion.address(onion.reporters)
        courier = onion.address(onion.officers)
        rotate = ("onion", "rotate", "--reporters")
        for typed in (courier, "", "yes"):
            near.refused(*rotate, "--giving-up", typed)
        assert "is not the address" in near.refused(*rotate, stdin=f"{courier}\n")
        near.refused(*rotate, stdin=f"{own[:20]}\n")
        # Nothing at all, and a mixture that means nothing.
        assert 1 == near.bisik(*rotate, stdin="").exit_code
        assert 2 == near.bisik("onion", "rotate", "--giving-up", own).exit_code
        assert 2 == near.bisik(*rotate, "--administrators").exit_code
        assert before == everything(onion)


@pytest.mark.slow
def test_behind_a_front_the_reporters_address_is_another_s(near: World) -> None:
    """Reporters know the front's; nothing has changed."""
    front = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
    settings_file = near.server / "bisik.toml"
    text = with_setting(settings_file.read_text(), "onion_front", front)
    settings_file.write_text(text)
    with running_tor(near) as onion:
        before, own = everything(onion), onion.address(onion.reporters)
        said = near.refused("onion", "rotate", "--reporters", "--giving-up", own)
        assert "address of a front" in said
        assert before == everything(onion)


def test_rotation_needs_tor(near: World) -> None:
    """Without it the address stays as it is."""
    with running_tor(near) as onion:
        pass
    before = everything(onion)
    assert "no tor answers" in near.refused("onion", "rotate")
    assert before == everything(onion)


@pytest.mark.slow
def test_what_is_wrong_is_told_with_a_way_out(near: World) -> None:
    """One screen; exit code 1; every line that is not well says what to do."""
    result = near.bisik("doctor")
    assert 1 == result.exit_code
    assert "nobody can reach this server" in result.output
    assert "ok    dead drop" in result.output
    assert "reports are sealed to 1 officers" in result.output
    with running_tor(near) as onion:
        said = near.bisik("doctor").output
    assert "no officer can reach the courier" in said
    assert f"no site answers at {onion.site_socket}" in said
    assert "BAD   tor" in said
    said = near.bisik("onion", "status").output
    assert "no tor answers" in said
    lines = said.splitlines()
    for number, line in enumerate(lines):
        if line.startswith(("BAD", "LOOK")):
            assert "   do: " in lines[number + 1], line


def test_keys_that_end_soon_are_told(near: World) -> None:
    """Two months before; from the last month on it is wrong, and then it is over."""
    listed = near.done("officers", "list")
    through = re.search(r"sealed to through (\S+)", listed)
    assert through is not None
    days = (date.fromisoformat(through[1]) - DAY).days
    ending = "officers           the key of Petugas Coba ends on"
    assert ending not in near.at(days - 70).bisik("doctor").output
    assert f"LOOK  {ending}" in near.at(days - 50).bisik("doctor").output
    assert f"BAD   {ending}" in near.at(days - 20).bisik("doctor").output
    closed = "BAD   officers           reports can be sealed to nobody"
    assert closed in near.at(days + 40).bisik("doctor").output


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.binary(max_size=300))
def test_any_hostname_file_is_an_address_or_told(near: World, content: bytes) -> None:
    """A file that tor did not write is not served, and does not end the doctor."""
    near.done("onion", "torrc")
    onion = onion_of(near)
    (onion.reporters.directory / "hostname").write_bytes(content)
    assert "BAD   reporters' door" in near.bisik("onion", "status").output


def test_an_address_is_read_from_tor(near: World) -> None:
    """As tor writes it, with its newline."""
    near.done("onion", "torrc")
    onion = onion_of(near)
    address = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
    (onion.reporters.directory / "hostname").write_text(f"{address}\n")
    assert parse_onion_address(address) == onion.address(onion.reporters)


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root prepares for others.")
def test_root_prepares_for_a_tor_that_is_never_root(near: World) -> None:
    """Folders are that user's; the torrc lets tor stay who it is."""
    near.path.chmod(0o711)
    near.server.chmod(0o711)
    near.path.parent.chmod(0o711)
    near.done("onion", "torrc", "--user", "nobody")
    onion = onion_of(near)
    assert "User nobody" in onion.torrc.read_text().splitlines()
    before = onion.torrc.read_text().splitlines()
    near.done("onion", "torrc", "--user", "nobody", "--never-root")
    after = onion.torrc.read_text().splitlines()
    assert ["User nobody"] == [line for line in before if line not in after]
    assert [] == [line for line in after if line not in before]
    nobody = pwd.getpwnam("nobody").pw_uid
    owned = [onion.directory, *onion.directory.rglob("*")]
    assert len(owned) > 5
    assert [onion.torrc] == [path for path in owned if path.stat().st_uid != nobody]


def test_tor_that_does_not_get_in_is_told(near: World) -> None:
    """How far it came, line by line, and at the end what to look at."""
    said: list[str] = []
    with running_tor(near) as onion, pytest.raises(TorUnreachable) as caught:
        wait_until_public(onion, said.append, seconds=1)
    assert ["    0 %, Starting"] == said[1:]
    assert "tor is not in the network: 0 %, Starting" == str(caught.value)
    refusal = Refusal.of(caught.value, SERVER_REFUSALS)
    assert "the internet and the right time" in (refusal.hint or "")


def test_a_tor_that_ends_at_once_is_told(near: World) -> None:
    """Not that it has made no address, but what it said at last."""
    program = near.path / "tor"
    program.write_text("#!/bin/sh\necho 'Nov 26 12:00:00.000 [err] No room.'\nexit 1\n")
    program.chmod(0o700)
    with TorProcess(near.path / "torrc", log=near.path / "log", program=program) as tor:
        until = time.monotonic() + 10
        while tor.running:
            assert time.monotonic() < until
            time.sleep(0.01)
        with pytest.raises(TorRefused, match="tor has ended: No room"), saying_why(tor):
            onion_of(near).address(onion_of(near).officers)
