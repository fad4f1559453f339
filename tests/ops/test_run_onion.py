"""`bisik run --onion`: everything behind Tor, without the internet, and gone after."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from support.dropping import needs_root
from support.identity import begin_anew, reached_anew
from support.onions import short_folder
from support.server import COMMAND, ROOT
from support.socks import Socks

pytestmark = [pytest.mark.slow, pytest.mark.journey]

READY_SECONDS = 120.0
END_SECONDS = 30.0
PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Newcomer:
    """What somebody sees who has typed the command."""

    process: "subprocess.Popen[bytes]"
    output: Path

    @property
    def said(self) -> str:
        """What is on the screen."""
        return self.output.read_text()

    def addresses(self) -> list[str]:
        """Return the addresses of site and courier."""
        return re.findall(r"http://([a-z2-7]{56}\.onion)", self.said)

    def ports(self) -> list[int]:
        """Return the SOCKS ports of a reporter and of an officer."""
        return [int(port) for port in re.findall(r"^    Port (\d+)", self.said, re.M)]

    def process_of(self, folder: str) -> int:
        """Return the tor whose torrc is in a folder of this name."""
        (found,) = (
            one
            for one in self.family()
            if f"/{folder}/torrc".encode() in Path(f"/proc/{one}/cmdline").read_bytes()
        )
        return found

    def family(self) -> set[int]:
        """Return the processes that it has started, and itself."""
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and (parent := parent_of(entry)) is not None:
                children.setdefault(parent, []).append(int(entry.name))
        found, waiting = set(), [self.process.pid]
        while waiting:
            one = waiting.pop()
            found.add(one)
            waiting += children.get(one, [])
        return found


def parent_of(entry: Path) -> int | None:
    """Return the parent of a process, if it still runs (proc(5))."""
    try:
        state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state == "Z" else int(parent)


def alive(processes: set[int]) -> set[int]:
    """Return those that run."""
    return {one for one in processes if parent_of(Path(f"/proc/{one}")) is not None}


def wait_until_gone(processes: set[int]) -> None:
    """Wait until none of them runs."""
    until = time.monotonic() + END_SECONDS
    while left := alive(processes):
        assert time.monotonic() < until, left
        time.sleep(PAUSE_SECONDS)


@contextmanager
def newcomer(
    folder: Path,
    option: str = "--onion",
    *,
    until_said: str = "Ctrl-C stops it",
    before: Sequence[str] = (),
) -> Iterator[Newcomer]:
    """Type the command, after what changes its world, and wait until it says so."""
    output = folder / "output"
    with (
        output.open("wb") as writing,
        subprocess.Popen(
            [*before, *COMMAND, "run", folder / "bisik", option],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
        ) as process,
    ):
        typed = Newcomer(process, output)
        family: set[int] = set()
        try:
            until = time.monotonic() + READY_SECONDS
            while until_said not in typed.said:
                assert process.poll() is None, typed.said
                assert time.monotonic() < until, typed.said
                time.sleep(PAUSE_SECONDS)
            yield typed
        finally:
            family = typed.family()
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(END_SECONDS)
            finally:
                # Or whoever leaves this block waits for it without end.
                process.kill()
            wait_until_gone(family)


def tcp_listeners(processes: set[int]) -> list[tuple[str, str, int]]:
    """Return program, address and port of everything that listens."""
    said = subprocess.run(
        ["ss", "--listening", "--tcp", "--udp", "--numeric", "--processes"]
        + ["--no-header"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = []
    for line in said.splitlines():
        program = re.search(r'\("([^"]+)",pid=(\d+)', line)
        if program and int(program[2]) in processes:
            address, _colon, port = line.split()[4].rpartition(":")
            found.append((program[1], address, int(port)))
    return found


def test_a_newcomer_sees_it_all_and_nothing_stays() -> None:
    """
    Both sites are there over Tor and nowhere else; Ctrl-C and kill -9 leave nothing;
    the addresses are the same the next time.
    """
    with short_folder() as folder:
        with newcomer(folder) as first:
            site, courier = addresses = first.addresses()
            reporter, officer = (Socks(port) for port in first.ports())
            with reporter.connect_soon(site, seconds=READY_SECONDS):
                assert 200 == reporter.visitor(site).get("/safety").status
            with officer.connect_soon(courier, seconds=READY_SECONDS):
                assert 200 == officer.visitor(courier).get("/enter").status
            assert 0 != reporter.reply(courier)

            listening = tcp_listeners(first.family())
            assert {("tor", "127.0.0.1")} == {one[:2] for one in listening}
            assert {*first.ports()} <= {port for _program, _address, port in listening}
            status = subprocess.run(
                [*COMMAND, "doctor", "--directory", folder / "bisik" / "server"],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            assert (0, "") == (status.returncode, status.stderr), status.stdout
            first.process.send_signal(signal.SIGINT)
            assert 0 == first.process.wait(END_SECONDS)
            assert "Traceback" not in first.said

        with newcomer(folder) as second:
            assert addresses == second.addresses()
            family = second.family()
            # This process, two sites, six relays, two clients, and tor; workers of
            # the sites may not have begun yet.
            assert 12 <= len(family)
            second.process.kill()
            wait_until_gone(family)


def test_a_tor_that_dies_is_started_again() -> None:
    """A visitor gets in again; a relay comes back as well; each is told once."""
    with short_folder() as folder, newcomer(folder) as typed:
        site = typed.addresses()[0]
        reporter = Socks(typed.ports()[0])
        with reporter.connect_soon(site, seconds=READY_SECONDS):
            assert 200 == reporter.visitor(site).get("/safety").status
        killed = {name: typed.process_of(name) for name in ("onion", "relay1")}
        for process in killed.values():
            os.kill(process, signal.SIGKILL)
        wait_until_gone(set(killed.values()))
        control = folder / "bisik/network/reporter/control"
        begin_anew(control)
        again = reached_anew(
            partial(Socks, typed.ports()[0]),
            partial(begin_anew, control),
            site,
            seconds=READY_SECONDS,
        )
        assert 200 == again.visitor(site).get("/safety").status
        for name, process in killed.items():
            assert process != typed.process_of(name)
            told = rf"^A tor has ended \(.*/{name}/tor.log\); it starts again in 1 s.$"
            assert 1 == len(re.findall(told, typed.said, re.MULTILINE)), typed.said
        assert "Worker" not in typed.said


@needs_root
def test_without_the_internet_it_says_how_far_tor_comes() -> None:
    """The newcomer sees that it does not go on; Ctrl-C ends it, and all of it."""
    with short_folder() as folder:
        # A network of its own with nothing in it.
        alone = ("unshare", "--net", "--")
        with newcomer(
            folder, "--public", until_said="    0 %, ", before=alone
        ) as typed:
            assert "needs the internet" in typed.said
            family = typed.family()
            assert typed.process_of("onion") in family
            typed.process.send_signal(signal.SIGINT)
            assert 1 == typed.process.wait(END_SECONDS)
            wait_until_gone(family)
        assert "Traceback" not in typed.said
        assert typed.said.endswith("Aborted!\n")


def test_it_says_when_tor_is_missing(tmp_path: Path) -> None:
    """One line of error and one of hint, and nothing runs."""
    # Python and setpriv are found by their paths; tor is not.
    (tmp_path / "bin").mkdir()
    for program in ("gpg", "gpgconf", "gpg-agent", "gpg-connect-agent"):
        (tmp_path / "bin" / program).symlink_to(f"/usr/bin/{program}")
    done = subprocess.run(
        [*COMMAND, "run", tmp_path / "bisik", "--onion"],
        cwd=ROOT,
        env={"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 1 == done.returncode
    assert "bisik: error: the program tor is not on this machine" in done.stderr
    assert "bisik: hint: install the Debian package tor" in done.stderr
    assert sys.executable not in done.stderr
