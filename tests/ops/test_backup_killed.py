"""Making and restoring end at any moment, and leave all of it or nothing."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from support.backups import Operator, an_operator, everything_below
from support.command import World
from support.reporters import Reporter
from support.sending import send
from support.server import ROOT

from ops.server import open_server

TRIES = 6
ORPHAN_SECONDS = 30.0
_PROGRAM = """
import sys
from pathlib import Path
from ops.cli import cli
from ops.edge import Edge
cli(sys.argv[3:], obj=Edge(now=lambda: float(sys.argv[1]), memory=Path(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def operator() -> Iterator[Operator]:
    """Who can open the backups."""
    with an_operator() as made:
        yield made


def run(world: World, *words: object) -> "subprocess.Popen[bytes]":
    """Start the command as a process group of its own."""
    place = (str(world.edge.now()), str(world.edge.memory))
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *place, *(str(word) for word in words)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_after(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """End a command and all it has started at one instant, as a power-cut would."""
    time.sleep(seconds)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def duration(world: World, *words: object) -> float:
    """Measure how long the command takes when it is left alone."""
    begun = time.monotonic()
    assert 0 == run(world, *words).wait()
    return time.monotonic() - begun


def backed_up(world: World, *words: object) -> None:
    """
    Make a backup, once what a killed one has started has ended: its gpg has the lock.
    """
    until = time.monotonic() + ORPHAN_SECONDS
    while "another backup is being made" in (result := world.bisik(*words)).output:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert 0 == result.exit_code, result.output


@pytest.mark.slow
def test_a_backup_that_is_killed_leaves_no_half(
    world: World, operator: Operator
) -> None:
    """What has a name can be opened and restored; the next one clears up."""
    send(world.server, world.edge, Reporter("ani").keys, token="0" * 32)
    before = everything_below(world.server)
    folder = world.path / "backups"
    folder.mkdir()
    words = (
        *("backup", "make", "--to", folder, "--recipient", operator.certificate),
        *("--without-addresses", "--directory", world.server),
    )
    longest = duration(world, *words)
    chance = random.Random(1)
    for _ in range(TRIES):
        kill_after(run(world, *words), chance.uniform(0.2, 1.0) * longest)
    assert before["bisik.toml"] == (world.server / "bisik.toml").read_bytes()
    backed_up(world, *words)
    for number, path in enumerate(sorted(folder.iterdir())):
        opened = operator.open(path, world.path / f"{number}.tar")
        world.done("backup", "verify", opened)


@pytest.mark.slow
def test_a_restoration_that_is_killed_leaves_no_half(
    world: World, operator: Operator
) -> None:
    """Either there is no server directory, or it is whole; the next try succeeds."""
    send(world.server, world.edge, Reporter("ani").keys, token="0" * 32)
    folder = world.path / "backups"
    folder.mkdir()
    make = ("backup", "make", "--to", folder, "--recipient", operator.certificate)
    world.done(*make, "--without-addresses")
    (backup,) = folder.iterdir()
    archive = operator.open(backup, world.path / "opened.tar")
    new = world.path / "new"
    words = ("backup", "restore", archive, "--directory", new)
    longest = duration(world, *words)
    chance = random.Random(2)
    for _ in range(TRIES):
        shutil.rmtree(new)
        kill_after(run(world, *words), chance.uniform(0.2, 1.0) * longest)
        if not new.exists():
            world.done(*words)
        with open_server(new, world.edge) as server:
            assert 1 == len(server.drop.intake.entries())
