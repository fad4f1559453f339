"""
The administrators' service: ssh for those who have a key, and for nobody else.

What needs a network, and an ssh server, is in tests/deployment.
"""

import re
import shutil
from pathlib import Path

import pytest
from support.command import World
from support.onion_folder import everything, onion_of, running_tor, with_passphrase

from tor.authorization import client_of, parse_client_key

ADDRESS = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"


def administered(world: World) -> World:
    """Want the service, as an operator does."""
    path = world.server / "bisik.toml"
    text = path.read_text()
    assert "administrators = false" in text
    path.write_text(text.replace("administrators = false", "administrators = true"))
    return world


def key_of(world: World, name: str) -> tuple[str, Path]:
    """Make a key on the administrator's own computer; return its public half."""
    to = world.path / f"{name}.auth_private"
    said = world.done("administrators", "access-key", "--to", to, "--address", ADDRESS)
    return said.splitlines()[-1], to


def services_in(torrc: str) -> dict[str, list[str]]:
    """Read a torrc: the lines of each service, by the name of its folder."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in torrc.splitlines():
        if line.startswith("HiddenServiceDir "):
            name = line.rstrip('"').rpartition("/")[2]
            found[name] = []
        elif line.startswith("HiddenService"):
            found[name].append(line)
    return found


def test_nobody_wants_it_by_default(near: World) -> None:
    """Then there is no such service, and its commands say how to have one."""
    near.done("onion", "torrc")
    onion = onion_of(near)
    before = everything(onion)
    assert {"reporters", "officers"} == services_in(onion.torrc.read_text()).keys()
    key, _file = key_of(near, "sari")
    for words in (
        ("administrators", "grant-access", "sari", key),
        ("administrators", "revoke-access", "sari"),
        ("administrators", "access"),
        ("onion", "rotate", "--administrators"),
    ):
        said = near.refused(*words)
        assert "administrators = true" in said
    assert before == everything(onion)
    assert not onion.administrators.directory.exists()


def test_it_leads_to_ssh_and_nowhere_else(near: World) -> None:
    """
    Port 22 of this machine, without the line by which sites tell circuits apart.

    sshd would take that line for a client that speaks no ssh.
    """
    administered(near).done("onion", "torrc")
    services = services_in(onion_of(near).torrc.read_text())
    lines = services["administrators"]
    assert ["HiddenServicePort 22 127.0.0.1:22"] == [
        line for line in lines if line.startswith("HiddenServicePort")
    ]
    assert not [line for line in lines if "ExportCircuitID" in line]
    assert [line for line in services["officers"] if "ExportCircuitID" in line]


def test_it_is_closed_before_tor_first_sees_it(near: World) -> None:
    """The folder has a decoy of its own, so that tor never falls open."""
    administered(near).done("onion", "torrc")
    folder = onion_of(near).administrators.directory
    assert 0o700 == folder.stat().st_mode & 0o777
    decoys = {
        service: parse_client_key(
            (onion_of(near).directory / service / "authorized_clients/decoy.auth")
            .read_text()
            .strip()
        )
        for service in ("officers", "administrators")
    }
    assert decoys["officers"] != decoys["administrators"]


def test_an_administrator_is_let_in_and_shut_out(near: World) -> None:
    """Only the public half comes to the server; officers' access is another matter."""
    administered(near).done("onion", "torrc")
    key, file = key_of(near, "sari")
    name, kind, curve, private = file.read_text().strip().split(":")
    assert (ADDRESS.removesuffix(".onion"), "descriptor", "x25519") == (
        name,
        kind,
        curve,
    )
    assert key == client_of(private).public_key
    assert 0o600 == file.stat().st_mode & 0o777
    near.done("administrators", "grant-access", "sari", key)
    assert f"sari  {key}\n" == near.done("administrators", "access")
    assert "Nobody" in near.done("officers", "access")
    assert private not in repr(everything(onion_of(near)))
    near.refused("administrators", "grant-access", "sari", key)
    near.done("administrators", "revoke-access", "sari")
    assert "Nobody can reach this machine" in near.done("administrators", "access")


def test_a_key_under_a_name_that_tor_passes_over(near: World) -> None:
    """The mistake is told before there is a file."""
    to = near.path / "key"
    result = near.bisik(
        "administrators", "access-key", "--to", to, "--address", ADDRESS
    )
    assert 2 == result.exit_code
    assert ".auth_private" in result.output
    assert not to.exists()


def test_a_spoilt_folder_stops_every_change(near: World) -> None:
    """Of either guarded service: no command makes tor look at a folder that is open."""
    administered(near).done("onion", "torrc")
    key, _file = key_of(near, "sari")
    near.done("administrators", "grant-access", "sari", key)
    onion = onion_of(near)
    decoy = onion.administrators.directory / "authorized_clients" / "decoy.auth"
    decoy.unlink()
    before = everything(onion)
    for words in (
        ("administrators", "revoke-access", "sari"),
        ("administrators", "grant-access", "budi", key),
        ("administrators", "access"),
    ):
        assert "decoy.auth is missing" in near.refused(*words)
    assert "BAD   ssh access" in near.bisik("onion", "status").output
    assert before == everything(onion)


@pytest.mark.slow
def test_revoking_needs_both_folders_closed(near: World) -> None:
    """
    Tor is told of all services at once, so one that is open stops every change.
    """
    administered(near)
    officer = near.done("desk", "access-key", "--to", near.path / "k").splitlines()[-1]
    with running_tor(near) as onion:
        near.done("officers", "grant-access", "ani", officer)
        decoy = onion.administrators.directory / "authorized_clients" / "decoy.auth"
        kept = decoy.read_bytes()
        decoy.unlink()
        assert "decoy.auth is missing" in near.refused(
            "officers", "revoke-access", "ani"
        )
        decoy.write_bytes(kept)


@pytest.mark.slow
def test_the_address_survives_the_machine(near: World) -> None:
    """
    A backup brings it back with its clients, whatever the new bisik.toml says.
    """
    administered(near)
    backup = near.path / "backup"
    key, _file = key_of(near, "sari")
    with running_tor(near) as onion:
        near.done("administrators", "grant-access", "sari", key)
        said = with_passphrase(near, "onion", "backup", "--to", backup)
    addresses = re.findall(r"[a-z2-7]{56}\.onion", said)
    assert [onion.address(service) for service in onion.services] == addresses
    assert 3 == len(addresses)
    before = everything(onion)

    shutil.rmtree(onion.directory)
    path = near.server / "bisik.toml"
    path.write_text(
        path.read_text().replace("administrators = true", "administrators = false")
    )
    with_passphrase(near, "onion", "restore", backup)
    administered(near)
    after = everything(onion)
    for service in ("officers", "administrators"):
        decoy = f"{service}/authorized_clients/decoy.auth"
        assert before.pop(decoy) != after.pop(decoy)
    assert before == after
    with running_tor(near):
        assert addresses == [onion.address(service) for service in onion.services]


@pytest.mark.slow
def test_a_backup_without_it_is_one_as_well(near: World) -> None:
    """A server that wants the service later gets an address of its own for it."""
    backup = near.path / "backup"
    with running_tor(near) as onion:
        with_passphrase(near, "onion", "backup", "--to", backup)
    shutil.rmtree(onion.directory)
    administered(near)
    said = with_passphrase(near, "onion", "restore", backup)
    assert 2 == len(re.findall(r"[a-z2-7]{56}\.onion", said))
    with running_tor(near) as onion:
        assert onion.address(onion.administrators) not in said


@pytest.mark.slow
def test_the_administrators_get_another_address(near: World) -> None:
    """Its old key is gone; clients stay, and so do the other services."""
    administered(near)
    key, _file = key_of(near, "sari")
    with running_tor(near) as onion:
        near.done("administrators", "grant-access", "sari", key)
        before, old = everything(onion), onion.address(onion.administrators)
        said = near.done("onion", "rotate", "--administrators")
        new = onion.address(onion.administrators)
        after = everything(onion)
    assert old != new
    assert new in said
    assert before["administrators/hs_ed25519_secret_key"] not in after.values()
    kept = [
        name for name in before if "clients" in name or "administrators" not in name
    ]
    assert [before[name] for name in kept] == [after[name] for name in kept]
