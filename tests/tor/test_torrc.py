"""What we write for tor is read by tor itself."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tor.errors import TorRefused
from tor.program import find_tor, verify
from tor.torrc import (
    SOCKET_PATH_BYTES,
    OnionService,
    ProofOfWork,
    Torrc,
    UnusableTorPath,
    quoted,
    socket_path,
)

DUMP = [str(find_tor()), "--dump-config", "short", "--quiet"]
DUMP += ["--defaults-torrc", "/dev/null"]


def torrc_in(folder: Path, *, front: str | None = None) -> Torrc:
    """Make the configuration of a server whose folders are there."""
    for name in ("state", "reporters", "officers"):
        (folder / name).mkdir(mode=0o700)
    return Torrc(
        state_directory=folder / "state",
        control_socket=folder / "control",
        services=(
            OnionService(
                folder / "reporters",
                folder / "site.sock",
                ProofOfWork(),
                introduction_points=6,
                front=front,
            ),
            OnionService(folder / "officers", folder / "courier.sock"),
        ),
    )


def options_in(folder: Path, text: str) -> list[str]:
    """Return what tor has understood, as it would write it itself."""
    path = folder / "torrc"
    path.write_text(text)
    said = subprocess.run(
        [*DUMP, "-f", path],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    return said.stdout.splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that only we can read, as tor wants it."""
    path = tmp_path / "tor"
    path.mkdir(mode=0o700)
    return path


def test_tor_accepts_it_and_warns_of_nothing(folder: Path) -> None:
    """A typo would take the site off the network."""
    path = folder / "torrc"
    path.write_text(torrc_in(folder).render())
    verify(path, program=find_tor())
    said = subprocess.run(
        [find_tor(), "--verify-config", "-f", path, "--defaults-torrc", "/dev/null"],
        capture_output=True,
        text=True,
        check=True,
    )
    warnings = [line for line in said.stdout.splitlines() if "[warn]" in line]
    # Of tests as root, and of nothing else.
    assert [] == [line for line in warnings if "running Tor as root" not in line]


def test_tor_understands_what_is_meant(folder: Path) -> None:
    """Nothing listens but sockets; defences are on; each service has its own."""
    options = options_in(folder, torrc_in(folder).render())
    assert {
        f"ControlSocket {folder}/control",
        "CookieAuthentication 1",
        "NoExec 1",
        f"HiddenServiceDir {folder}/reporters",
        f'HiddenServicePort 80 unix:"{folder}/site.sock"',
        "HiddenServiceNumIntroductionPoints 6",
        "HiddenServicePoWDefensesEnabled 1",
        f"HiddenServiceDir {folder}/officers",
        f'HiddenServicePort 80 unix:"{folder}/courier.sock"',
    } <= set(options)
    assert 2 == options.count("HiddenServiceExportCircuitID haproxy")
    assert 2 == options.count("HiddenServiceMaxStreamsCloseCircuit 0")
    assert 1 == options.count("HiddenServicePoWDefensesEnabled 1")
    assert {"SocksPort 0", "ORPort 0", "DirPort 0"} == {
        one for one in options if "Port " in one and not one.startswith("Hidden")
    }


def test_a_machine_behind_a_front(folder: Path) -> None:
    """Only the reporters' service of such a machine is one of several."""
    address = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
    text = torrc_in(folder, front=address).render()
    (folder / "reporters" / "ob_config").write_text(f"MasterOnionAddress {address}\n")
    assert 1 == text.count("HiddenServiceOnionBalanceInstance 1")
    verify_text(folder, text)


def verify_text(folder: Path, text: str) -> None:
    """Let tor read a text."""
    path = folder / "torrc"
    path.write_text(text)
    verify(path, program=find_tor())


def test_a_refusal_says_what_is_wrong(folder: Path) -> None:
    """Tor's own words, without a time."""
    text = torrc_in(folder).render() + "HiddenServiceNumIntroductionPoints 99\n"
    with pytest.raises(TorRefused, match="HiddenServiceNumIntroductionPoints") as said:
        verify_text(folder, text)
    assert "[warn]" not in str(said.value)


PATHS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@settings(deadline=None, max_examples=40)
@given(PATHS)
@example(" a  b ")
@example("# no comment")
@example("%include x")
@example("\\")
@example('"')
@example("a\nSocksPort 9050")
@example("\N{LINE SEPARATOR}")
def test_a_path_is_read_back_as_it_is_or_refused(name: str) -> None:
    """No folder's name can break out of its line, and tor reads the very name."""
    path = Path("/nowhere") / f"x{name}x"
    try:
        text = quoted(path)
    except UnusableTorPath:
        return
    read = subprocess.run(
        [*DUMP, "-f", "-"],
        input=f"CookieAuthFile {text}\n".encode(),
        capture_output=True,
        check=True,
    )
    (line,) = [
        line for line in read.stdout.split(b"\n") if line.startswith(b"CookieAuthFile ")
    ]
    # When tor writes, it quotes some values, and puts backslashes into them.
    plain = re.sub(
        rb"\\([0-7]{3}|.)",
        lambda found: (
            bytes([int(found[1], 8)]) if found[1].isdigit() else bytes(found[1])
        ),
        line,
    )
    assert str(path) == plain.decode().removeprefix("CookieAuthFile ").strip('"')


@pytest.mark.parametrize("path", ["relative", "", "/a\tb", '/a"b', "/a\\b"])
def test_paths_that_tor_could_misread(path: str) -> None:
    """They are refused before tor sees them."""
    with pytest.raises(UnusableTorPath):
        quoted(Path(path))


def test_the_path_of_a_socket_has_a_length() -> None:
    """The kernel's limit is told before tor stumbles over it."""
    longest = Path("/" + "a" * (SOCKET_PATH_BYTES - 1))
    assert os.fspath(longest) == socket_path(longest)
    with pytest.raises(UnusableTorPath, match="shorter path"):
        socket_path(Path(f"{longest}a"))
