"""The command at work: a server, an organisation and a desk made once per run."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import NOON, World
from support.machine import Debian
from support.onions import short_folder

from ops.edge import Edge
from ops.newcomer import prepare


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A private folder in memory."""
    with tempfile.TemporaryDirectory(prefix="bisik-test-", dir="/dev/shm") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def edge(memory: Path, tmp_path_factory: pytest.TempPathFactory) -> Edge:
    """Noon in Jakarta, on the day of the tests, on a machine that is well."""
    debian = Debian(tmp_path_factory.mktemp("debian"))
    debian.dated(NOON)
    return Edge(now=lambda: NOON, memory=memory, machine=debian.machine)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, edge: Edge) -> Path:
    """Organisation, server and desk, whole, to copy."""
    path = tmp_path_factory.mktemp("prepared")
    prepare(path, edge)
    return path


@pytest.fixture
def world(prepared: Path, tmp_path: Path, edge: Edge) -> World:
    """A copy of the prepared folders for one test."""
    path = tmp_path / "world"
    shutil.copytree(prepared, path)
    return World(path, edge)


@pytest.fixture
def empty(tmp_path: Path, edge: Edge) -> World:
    """No folders at all."""
    return World(tmp_path / "world", edge)


@pytest.fixture
def near(prepared: Path, world: World) -> Iterator[World]:
    """A world whose path leaves room for sockets."""
    with short_folder() as folder:
        path = folder / "world"
        shutil.copytree(prepared, path)
        yield World(path, world.edge)
