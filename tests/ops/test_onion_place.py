"""
Root acts in tor's folder, wherever a file of the service's user says that it is.

What is not tor's, or could be replaced by that user, is refused before anything is
done.
"""

import os
import pwd
import socket
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.dropping import NOBODY, OwnedServer, needs_root, owned_server
from support.onions import short_folder

from ops.onion import Onion
from ops.onion_place import UntrustedPlace, check_place
from ops.server import SETTINGS, read_settings
from ops.settings import with_setting
from tor.authorization import new_client

pytestmark = needs_root

TOR = "debian-tor"
KEY = new_client(os.urandom).public_key
WORDS: tuple[tuple[str, ...], ...] = (
    ("onion", "torrc", "--user", TOR, "--never-root"),
    ("officers", "grant-access", "ani", KEY),
    ("administrators", "revoke-access", "ani"),
    ("onion", "rotate"),
    ("backup", "make", "--to", "/tmp"),  # noqa: S108 - Nothing is written.
)


@dataclass(frozen=True)
class Place:
    """
    A server of nobody's, and a folder that everybody may enter.

    Attributes:
        folder: Root's, with a folder of tor's and one of nobody's in it.
    """

    owned: OwnedServer
    folder: Path

    def says(self, **settings: Path | None) -> None:
        """Write bisik.toml, as whoever is that user can."""
        path = self.owned.server / SETTINGS
        text = "\n".join(
            line
            for line in path.read_text().splitlines()
            if not line.startswith(("onion =", "tor_control ="))
        )
        for name, value in settings.items():
            if value is not None:
                text = with_setting(text, name, str(value))
        path.write_text(text)

    def make(self, name: str, user: str, mode: int = 0o755) -> Path:
        """Make a folder that is somebody's."""
        made = self.folder / name
        made.mkdir(exist_ok=True)
        entry = pwd.getpwnam(user)
        os.chown(made, entry.pw_uid, entry.pw_gid)
        made.chmod(mode)
        return made

    def everything(self) -> dict[str, tuple[int, int, int]]:
        """List what there is, whose it is, and of which mode."""
        found = {}
        for top in (self.folder, self.owned.server):
            for path in (top, *top.rglob("*")):
                status = path.lstat()
                found[str(path)] = (status.st_uid, status.st_mode, status.st_size)
        return found


@pytest.fixture(scope="module")
def owned() -> Iterator[OwnedServer]:
    """A server directory that is not root's."""
    with owned_server() as made:
        yield made


@pytest.fixture
def place(owned: OwnedServer) -> Iterator[Place]:
    """Room for one test."""
    with short_folder() as folder:
        folder.chmod(0o711)
        yield Place(owned, folder)


def in_the_server_directory(place: Place) -> None:
    """Where it is if nothing is said."""
    place.says()
    place.make("unused", TOR)


def of_the_service(place: Place) -> Path:
    """A folder of that user's own."""
    return place.make("theirs", "nobody") / "onion"


def below_the_service(place: Place) -> Path:
    """A folder of tor's, which that user can replace."""
    below = place.make("theirs", "nobody") / "tor"
    below.mkdir()
    entry = pwd.getpwnam(TOR)
    os.chown(below, entry.pw_uid, entry.pw_gid)
    return below / "onion"


def by_a_link(place: Place) -> Path:
    """A link to what is tor's."""
    link = place.folder / "link"
    link.symlink_to(place.make("tor", TOR))
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    return link


def by_a_detour(place: Place) -> Path:
    """Down and up again."""
    place.make("etc", "root")
    return place.make("tor", TOR) / ".." / "etc"


def of_root(place: Place) -> Path:
    """A folder like /etc."""
    return place.make("etc", "root")


def new_in_one_of_root(place: Place) -> Path:
    """A folder like /etc/new."""
    return place.make("etc", "root") / "new"


def of_everybody(place: Place) -> Path:
    """In a folder that anybody may change."""
    open_to_all = place.make("open", TOR)
    open_to_all.chmod(0o777)
    return open_to_all / "onion"


@pytest.mark.parametrize(
    ("lay", "wrong"),
    [
        (in_the_server_directory, "belongs to the owner of the server directory"),
        (of_the_service, "belongs to the owner of the server directory"),
        (below_the_service, "belongs to the owner of the server directory"),
        (by_a_link, "is a link"),
        (by_a_detour, "is no plain path"),
        (of_root, "etc does not belong to debian-tor"),
        (new_in_one_of_root, "etc does not belong to debian-tor"),
        (of_everybody, "can be changed by others"),
    ],
)
def test_root_goes_nowhere_else(
    place: Place, lay: Callable[[Place], Path | None], wrong: str
) -> None:
    """The folder is named."""
    place.says(onion=lay(place))
    server = place.owned.server
    onion = Onion.of(server, read_settings(server))
    with pytest.raises(UntrustedPlace, match=wrong):
        check_place(onion, server, making=True, user=TOR)


@pytest.mark.parametrize("words", WORDS, ids=lambda words: " ".join(words[:2]))
def test_no_command_does(place: Place, words: tuple[str, ...]) -> None:
    """
    Each of those that root runs for tor is refused alike, with the way out; nothing was
    made, given away or changed.
    """
    place.says(onion=place.make("theirs", "nobody"))
    (place.folder / "theirs/officers").mkdir()
    before = place.everything()
    done = place.owned.bisik(*words)
    assert 1 == done.returncode
    assert "belongs to the owner of the server directory" in done.stderr.decode()
    assert "hint: name a folder in one of tor's" in done.stderr.decode()
    assert before == place.everything()


def test_root_asks_nobody_but_tor(place: Place) -> None:
    """A control socket of that user's, which could ask for any file as its cookie."""
    place.make("tor", TOR)
    theirs = place.make("theirs", "nobody")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(theirs / "control"))
        listening.listen()
        listening.setblocking(False)
        place.says(onion=place.folder / "tor/onion", tor_control=theirs / "control")
        done = place.owned.bisik("officers", "grant-access", "ani", KEY)
        assert 1 == done.returncode
        assert f"{theirs} belongs to the owner" in done.stderr.decode()
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_the_doctor_names_it_and_goes_on(place: Place) -> None:
    """What else is to be said of the server is said."""
    place.says(onion=of_root(place))
    said = place.owned.bisik("doctor").stdout.decode()
    assert "etc belongs to root, and not to tor" in said
    assert "dead drop" in said


def test_whom_tor_runs_as_must_be_said(place: Place) -> None:
    """Root would make a folder that tor cannot use."""
    place.says(onion=place.make("tor", TOR) / "onion")
    before = place.everything()
    done = place.owned.bisik("onion", "torrc")
    assert 1 == done.returncode
    assert "say whom tor runs as: --user" in done.stderr.decode()
    assert before == place.everything()


def test_in_a_folder_of_tors_root_does_its_work(place: Place) -> None:
    """The folder is made in it, and is tor's; it may be done again."""
    onion = place.make("tor", TOR, 0o2700) / "onion"
    place.says(onion=onion)
    for _ in range(2):
        done = place.owned.bisik(*WORDS[0])
        assert 0 == done.returncode, done.stderr
    done = place.owned.bisik(*WORDS[1])
    assert 0 == done.returncode, done.stderr
    tor = pwd.getpwnam(TOR).pw_uid
    granted = onion / "officers/authorized_clients/ani.auth"
    assert (tor, 0o600) == (
        granted.stat().st_uid,
        stat.S_IMODE(granted.stat().st_mode),
    )
    assert tor == onion.stat().st_uid
