"""Root makes and restores backups, and leaves nothing of its own with anybody."""

import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.backups import Operator, an_operator, everything_below, listing
from support.dropping import NOBODY, OwnedServer, needs_root, owned_server
from support.onions import short_folder

from ops.onion import Onion, prepare_onion, write_torrc
from ops.server import SETTINGS, read_settings
from ops.settings import with_setting
from tor.program import TorProcess, find_tor

pytestmark = needs_root

TOR = "debian-tor"


@pytest.fixture(scope="module")
def operator() -> Iterator[Operator]:
    """Who can open the backups."""
    with an_operator(until="seconds=94608000") as made:
        yield made


@pytest.fixture(scope="module")
def served() -> Iterator[OwnedServer]:
    """A server of nobody's, whose addresses are in a folder of tor's."""
    with owned_server() as owned, short_folder() as folder:
        folder.chmod(0o711)
        entry = pwd.getpwnam(TOR)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        place = folder / "tor"
        settings = owned.server / SETTINGS
        settings.write_text(with_setting(settings.read_text(), "onion", str(place)))
        onion = Onion.of(owned.server, read_settings(owned.server))
        prepare_onion(onion, entropy=os.urandom)
        write_torrc(onion, onion.torrc, network=["DisableNetwork 1"])
        with TorProcess(onion.torrc, log=folder / "log", program=find_tor()):
            for service in onion.services:
                onion.wait_for_address(service)
        for path in (place, *place.rglob("*")):
            os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
        yield owned


def test_a_server_is_moved_by_root(served: OwnedServer, operator: Operator) -> None:
    """
    The backup is root's, the dead drop its owner's, the addresses tor's: before as
    after, and through a pipe, as it comes by ssh.
    """
    backups = served.roots / "backups"
    backups.mkdir()
    place = Path(str(read_settings(served.server).onion))
    before = everything_below(place / "reporters")
    made = served.bisik(
        *("backup", "make", "--to", backups, "--recipient", operator.certificate)
    )
    assert 0 == made.returncode, made.stderr
    assert [] == served.not_the_owners()
    (backup,) = backups.iterdir()
    assert (0, 0o600) == (backup.stat().st_uid, backup.stat().st_mode & 0o777)

    opened = operator.open(backup, served.roots / "opened.tar")
    assert "onion/reporters/hs_ed25519_secret_key" in listing(opened)
    old = everything_below(served.server)
    shutil.rmtree(served.server)
    shutil.rmtree(place)
    restored = served.bisik(
        *("backup", "restore", "-", "--user", TOR), stdin=opened.read_bytes()
    )

    assert 0 == restored.returncode, restored.stderr
    assert [] == served.not_the_owners()
    assert before == everything_below(place / "reporters")
    tor = pwd.getpwnam(TOR).pw_uid
    assert {tor} == {path.lstat().st_uid for path in (place, *place.rglob("*"))}
    assert old["bisik.toml"] == everything_below(served.server)["bisik.toml"]
    assert 0 == served.bisik("officers", "list").returncode


def test_the_service_user_never_has_the_addresses(
    served: OwnedServer, operator: Operator
) -> None:
    """Whoever is not root gets a refusal that says so, or a backup without them."""
    backups = served.base / "of-nobody"
    backups.mkdir()
    os.chown(backups, NOBODY, NOBODY)
    certificate = served.base / "operator.asc"
    shutil.copyfile(operator.certificate, certificate)
    words = ("backup", "make", "--to", backups, "--recipient", certificate)
    refused = served.bisik_as_owner(*words)
    assert 1 == refused.returncode
    assert b"ermission denied" in refused.stderr
    assert b"--without-addresses" in refused.stderr
    assert [] == list(backups.iterdir())
    done = served.bisik_as_owner(*words, "--without-addresses")
    assert 0 == done.returncode, done.stderr


def test_what_the_owner_sends_is_not_believed(
    served: OwnedServer, operator: Operator
) -> None:
    """A server directory with a file of another name is refused by name."""
    odd = served.server / "~odd"
    odd.touch()
    os.chown(odd, NOBODY, NOBODY)
    backups = served.roots / "others"
    backups.mkdir()
    refused = served.bisik(
        *("backup", "make", "--to", backups, "--recipient", operator.certificate)
    )
    odd.unlink()
    assert 1 == refused.returncode
    assert b"has no name of ours" in refused.stderr
    assert [] == list(backups.iterdir())
