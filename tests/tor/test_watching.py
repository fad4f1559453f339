"""A tor that ends is started again, at a bounded pace."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tor.program import TorProcess
from tor.watching import STEADY_SECONDS, Watch

TEN_MINUTES = 600
END_SECONDS = 10.0


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """Ends what a test has started."""
    with ExitStack() as stack:
        yield stack


class Watching:
    """A program in the place of tor, and who watches it, on a clock of their own."""

    def __init__(self, folder: Path, program: str, running: ExitStack) -> None:
        script = folder / "program"
        script.write_text(f"#!/bin/sh\necho started\n{program}\n")
        script.chmod(0o700)
        self.log = folder / "tor.log"
        self.tor = running.enter_context(
            TorProcess(folder / "torrc", log=self.log, program=script)
        )
        self.now = 0
        self.said: list[tuple[int, str]] = []
        self._watch = Watch(
            [self.tor],
            clock=lambda: self.now,
            say=lambda sentence: self.said.append((self.now, sentence)),
        )

    def wait_for_its_end(self) -> None:
        """Wait, by the real clock, until the program has ended."""
        until = time.monotonic() + END_SECONDS
        while self.tor.running:
            assert time.monotonic() < until
            time.sleep(0.005)

    def look_until(self, second: int) -> None:
        """Look once in every second."""
        while self.now < second:
            self.now += 1
            self._watch.look()

    def pauses(self) -> list[int]:
        """Return how long each pause was said to be."""
        return [int(said.split()[-2]) for _second, said in self.said]

    def starts(self) -> int:
        """Return how often the program was started."""
        return self.log.read_text().splitlines().count("started")


def test_one_that_ends_at_once_does_not_spin(
    tmp_path: Path, running: ExitStack
) -> None:
    """Pauses double up to a minute: some fifteen starts in ten minutes, each told."""
    watching = Watching(tmp_path, "exit 1", running)
    for second in range(1, TEN_MINUTES + 1):
        watching.wait_for_its_end()
        watching.look_until(second)
    pauses = [1, 2, 4, 8, 16, 32, *[60] * 9]
    assert pauses == watching.pauses()
    watching.wait_for_its_end()
    assert len(pauses) == watching.starts()
    assert str(watching.log) in watching.said[0][1]


def test_one_that_runs_is_left_alone(tmp_path: Path, running: ExitStack) -> None:
    """Nothing is said, and it is not started a second time."""
    watching = Watching(tmp_path, "exec sleep 600", running)
    process = watching.tor.process_id
    watching.look_until(TEN_MINUTES)
    assert ([], process) == (watching.said, watching.tor.process_id)
    assert watching.tor.running


def test_one_that_had_run_for_long_is_back_soon(
    tmp_path: Path, running: ExitStack
) -> None:
    """After a minute of peace the next pause is the shortest again."""
    watching = Watching(tmp_path, "exec sleep 600", running)
    for second in (5, 10, 15 + 2 * STEADY_SECONDS):
        watching.look_until(second)
        watching.tor.kill()
        watching.look_until(second + 5)
        assert watching.tor.running
    assert [1, 2, 1] == watching.pauses()
