"""Trying a release out: both sites are served where nobody else can reach them."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.command import World
from support.deaddrop_samples import read_everything

from ops.in_use import BeingUpgraded, alone, open_lock
from ops.looking import TrialFailed
from ops.server import open_server
from ops.trying import SITES, try_release

SERVE = """
import sys
from dataclasses import replace
from pathlib import Path
from ops.edge import Edge
from ops.serving import serve_privately
site, path, directory, memory = sys.argv[1:]
edge = Edge(memory=Path(memory), upgrading=True)
serve_privately(Path(directory), edge, Path(path), courier=site == "courier")
"""


@pytest.mark.slow
def test_a_release_is_tried_while_all_others_are_kept_away(world: World) -> None:
    """
    Both sites answer, the store gives back what it is given, and nothing is left.
    """
    asked = []

    def serve(site: str, path: Path) -> Sequence[str]:
        asked.append((site, oct(path.parent.stat().st_mode & 0o777)))
        words = (site, str(path), str(world.server), str(world.edge.memory))
        return [sys.executable, "-c", SERVE, *words]

    with open_server(world.server, world.edge) as server:
        before = read_everything(server.drop)
    lock = open_lock(world.server / "upgrade.lock")
    with alone(lock, patience_seconds=1):
        with pytest.raises(BeingUpgraded), open_server(world.server, world.edge):
            pass
        try_release(world.server, replace(world.edge, upgrading=True), serve=serve)

    with open_server(world.server, world.edge) as server:
        assert before == read_everything(server.drop)
    assert [(site, "0o700") for site in SITES] == asked
    assert world.edge.memory is not None
    assert [] == list(world.edge.memory.glob("trial-*"))


def test_a_site_that_does_not_start_fails_the_trial(world: World) -> None:
    """
    A program that ends at once is not waited for, and what did not answer is named.
    """

    def serve(_site: str, _path: Path) -> Sequence[str]:
        return [sys.executable, "-c", "raise SystemExit(1)"]

    with pytest.raises(TrialFailed, match=r"nobody answers at .*reporters\.sock"):
        try_release(world.server, replace(world.edge, upgrading=True), serve=serve)


def test_a_site_that_answers_wrongly_fails_the_trial(world: World) -> None:
    """
    Another answer than the front page is none.
    """
    program = """
import socket, sys
with socket.socket(socket.AF_UNIX) as listening:
    listening.bind(sys.argv[1])
    listening.listen()
    connection, _ = listening.accept()
    connection.recv(10_000)
    connection.sendall(b"HTTP/1.1 500 Internal Server Error\\r\\n\\r\\n")
    connection.close()
"""

    def serve(_site: str, path: Path) -> Sequence[str]:
        return [sys.executable, "-c", program, str(path)]

    with pytest.raises(TrialFailed, match="answered with 500"):
        try_release(world.server, replace(world.edge, upgrading=True), serve=serve)
