"""Root at the command line: it acts as the owner, and leaves nothing of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from support.dropping import NOBODY, OwnedServer, needs_root, owned_server
from support.server import ROOT

from ops.acting import Owner, told_by_owner
from ops.cli import cli
from ops.newcomer import OFFICER
from ops.organisation import PUBLIC_KEY

pytestmark = needs_root

STAYS_ROOT = {
    "bisik administrators access",
    "bisik administrators grant-access",
    "bisik administrators revoke-access",
    "bisik backup make",
    "bisik backup restore",
    "bisik counters",
    "bisik doctor",
    "bisik officers access",
    "bisik officers grant-access",
    "bisik officers revoke-access",
    "bisik onion backup",
    "bisik onion restore",
    "bisik onion rotate",
    "bisik onion status",
    "bisik onion torrc",
    "bisik onion words",
    "bisik release activate",
}
"""
Commands for tor's folder, which is not the service's, for what root installs, and for
both: those let a process of the owner do the owner's part.
"""


@pytest.fixture(scope="module")
def owned() -> Iterator[OwnedServer]:
    """A server directory that is not root's."""
    with owned_server() as made:
        yield made


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """List the commands that do something."""
    if isinstance(command, click.Group):
        for word, below in command.commands.items():
            yield from leaves(below, f"{name} {word}")
    else:
        yield name, command


def test_every_command_acts_as_the_owner_but_those_of_tor() -> None:
    """A new command with a server directory gives root up, or is named here."""
    found = {
        name
        for name, command in leaves(cli, "bisik")
        for parameter in command.params
        if parameter.opts == ["--directory"]
        and "acting" not in _names(command.callback)
    }
    assert STAYS_ROOT == found


def _names(callback: object) -> list[str]:
    """Name the functions that wrap one another in a callback."""
    names = []
    while callback is not None:
        names.append(callback.__code__.co_name)  # type: ignore[attr-defined]
        callback = getattr(callback, "__wrapped__", None)
    return names


@pytest.mark.parametrize(
    "words",
    [
        ["tidy"],
        ["migrate"],
        ["officers", "list"],
        ["doctor"],
    ],
    ids=" ".join,
)
def test_root_leaves_nothing_of_its_own(owned: OwnedServer, words: list[str]) -> None:
    """Every file in the server directory still belongs to its owner."""
    done = owned.bisik(*words)
    # Nobody has started tor here, which the doctor has to say.
    assert (1 if words == ["doctor"] else 0) == done.returncode, done.stderr
    assert b"dead drop" in done.stdout or words != ["doctor"]
    assert [] == owned.not_the_owners()


def test_root_reads_and_writes_where_only_root_may(owned: OwnedServer) -> None:
    """A key is read from root's folder, and a bundle appears there, as root's."""
    key = owned.roots / "organisation.asc"
    key.write_bytes((owned.playground.organisation / PUBLIC_KEY).read_bytes())
    key.chmod(0o600)
    trusted = owned.bisik("organisation", "trust", "organisation.asc")
    assert 0 == trusted.returncode, trusted.stderr

    bundle = owned.roots / "bundle.tar"
    done = owned.bisik("courier", "export", "--desk", OFFICER, "--to", "bundle.tar")
    assert 0 == done.returncode, done.stderr
    assert (0, 0o600) == (bundle.stat().st_uid, bundle.stat().st_mode & 0o777)
    assert b"manifest" in bundle.read_bytes()[:512]

    before = bundle.read_bytes()
    again = owned.bisik("courier", "export", "--desk", OFFICER, "--to", "bundle.tar")
    assert 1 == again.returncode
    assert b"file exists" in again.stderr
    assert before == bundle.read_bytes()
    assert {"bundle.tar", "organisation.asc"} == {
        path.name for path in owned.roots.iterdir()
    }
    assert [] == owned.not_the_owners()


def test_a_refused_command_leaves_no_file_of_roots(owned: OwnedServer) -> None:
    """Neither the file nor a part of it."""
    done = owned.bisik("courier", "export", "--desk", "Nobody", "--to", "other.tar")
    assert 1 == done.returncode
    assert [] == [path for path in owned.roots.iterdir() if "other" in path.name]


def test_a_new_server_directory_is_of_whom_its_folder_is(owned: OwnedServer) -> None:
    """Root makes it for the service's user, without saying so."""
    theirs = owned.base / "of-nobody"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    made = theirs / "server"
    done = owned.bisik("init", "--directory", made, directory=False)
    assert 0 == done.returncode, done.stderr
    assert {NOBODY} == {path.lstat().st_uid for path in (made, *made.rglob("*"))}


def test_there_is_no_way_back() -> None:
    """User, groups and home are the owner's, and root cannot be had again."""
    program = """
import os, sys
from pathlib import Path
from ops.acting import Owner, become
become(Owner(65534, 65534, "nobody", "/nonexistent"))
assert (65534,) * 3 == os.getresuid() == os.getresgid()
assert 0 not in os.getgroups()
assert ("/nonexistent", "/") == (os.environ["HOME"], os.getcwd())
assert "XDG_RUNTIME_DIR" not in os.environ
for attempt in (lambda: os.setresuid(0, 0, 0), lambda: os.setgroups([0])):
    try:
        attempt()
    except PermissionError:
        continue
    sys.exit("root again")
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"XDG_RUNTIME_DIR": "/run/user/0", "PATH": os.environ["PATH"]},
        capture_output=True,
        check=False,
    )
    assert (0, b"") == (done.returncode, done.stderr)


def test_a_question_is_answered_by_a_child(tmp_path: Path) -> None:
    """The child has become the owner, and we have not."""
    os.chown(tmp_path, NOBODY, NOBODY)
    assert f"{NOBODY}" == told_by_owner(tmp_path, lambda: str(os.getuid()))
    assert 0 == os.getuid()


def test_a_link_to_what_is_roots_is_of_whom_its_folder_is(tmp_path: Path) -> None:
    """Or else the service's user could let root work as root where it likes."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    (tmp_path / "roots").mkdir()
    server = theirs / "server"
    server.symlink_to(tmp_path / "roots")
    assert 0 == server.lstat().st_uid == server.stat().st_uid
    assert NOBODY == Owner.of(server).uid
    assert 0 == Owner.of(tmp_path / "roots").uid


def test_the_owner_of_what_is_not_there_is_that_of_its_folder(tmp_path: Path) -> None:
    """Also several folders further up."""
    os.chown(tmp_path, NOBODY, NOBODY)
    assert NOBODY == Owner.of(tmp_path / "a" / "b" / "c").uid
