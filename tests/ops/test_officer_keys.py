import shutil
from pathlib import Path

import pytest
from support.command import World
from support.reporters import DAY

from casework.enrolment import Enrolment
from crypto.openpgp import Keyring
from ops.officer_keys import enrol, synchronise
from ops.server import KEYRING, open_server


def test_a_lost_keyring_comes_back(world: World) -> None:
    """What the database says is in the keyring of every machine that opens it."""
    home = world.server / KEYRING
    shutil.rmtree(home)
    key = (world.organisation / "organisation.asc").read_bytes()
    Keyring(home).trust_organisation(key)
    with open_server(world.server, world.edge) as server:
        usable = server.keyring.usable([world.fingerprint], today=DAY)
    assert (world.fingerprint,) == usable.usable


def test_a_removed_officer_leaves_the_keyring(world: World) -> None:
    """Another machine notices when it opens its directory the next time."""
    with open_server(world.server, world.edge) as server:
        server.drop.officers.retire(world.fingerprint)
    with open_server(world.server, world.edge) as server:
        refused = server.keyring.usable([world.fingerprint], today=DAY).refused
    assert {world.fingerprint: "not in the keyring"} == refused


def test_a_renewed_certificate_replaces_the_old_one(
    world: World, tmp_path: Path
) -> None:
    """The same officer again is a renewal, and nobody is enrolled twice."""
    world.certify(world.desk / "enrolment.json", tmp_path / "certified.json")
    certified = Enrolment.parse((tmp_path / "certified.json").read_bytes())
    with open_server(world.server, world.edge) as server:
        enrol(server.drop, server.keyring, certified, today=DAY)
        (officer,) = server.drop.officers.list()
        assert certified.certificate.encode() == officer.certificate
        home = world.server / KEYRING
        refused = synchronise(server.keyring, home, [officer], today=DAY)
    assert {} == refused


def test_one_bad_certificate_does_not_stop_the_others(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A certificate that cannot be admitted is left out with an alarm."""
    with open_server(world.server, world.edge) as server:
        server.drop.officers.add(
            fingerprint="F" * 40, name="Rusak", certificate=b"x", desk_id=b"x" * 16
        )
    with open_server(world.server, world.edge) as server:
        usable = server.keyring.usable([world.fingerprint], today=DAY)
    assert (world.fingerprint,) == usable.usable
    assert "an officer is left out" in caplog.text
