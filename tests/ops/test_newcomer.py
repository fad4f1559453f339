import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import World
from support.reporters import Reporter
from support.sending import answers, send

from journalist_app.courier.signing_in import NewAccount
from ops.commands.run import welcome
from ops.newcomer import Playground, prepare

ACCOUNT = NewAccount("petugas", "kata sandi", "A" * 32, ("c0de",) * 8)
ROOT = Path(__file__).parents[2]
SECONDS = 60


def test_an_interrupted_start_goes_on(world: World) -> None:
    """What is there stays as it is, and what is missing is made."""
    fingerprint = world.fingerprint
    shutil.rmtree(world.server)
    playground = prepare(world.path, world.edge)
    assert fingerprint == world.fingerprint
    assert playground.made
    assert not prepare(world.path, world.edge).made
    assert "\n  fit\n" in world.done("officers", "list")


def commands_in(text: str) -> Iterator[list[str]]:
    """Find the calls of bisik in what `bisik run` prints."""
    joined = re.sub(r"\\\n\s*", "", text)
    for line in re.findall(r"^    (?:echo .*\| )?bisik (.*)$", joined, re.MULTILINE):
        yield shlex.split(line)


@pytest.mark.journey
def test_the_printed_commands_play_the_officer(world: World) -> None:
    """Typed as they are printed, they bring an answer to the reporter."""
    reporter = Reporter("ani")
    send(world.server, world.edge, reporter.keys, token="0" * 32)
    playground = Playground(world.organisation, world.server, world.desk, made=True)
    case = ""
    for words in commands_in(welcome(playground, 8080, "bisik", ACCOUNT)):
        if words[:2] == ["desk", "open"]:
            continue  # It stays open; tests/journeys opens it in a browser.
        typed = [case if word == "CASE" else word for word in words]
        said = world.done(*typed, stdin="Thank you.\n")
        if found := re.findall(r"^([a-z]{5}-[a-z]{5}) ", said, re.MULTILINE):
            case = found[0]
    assert ["Thank you."] == answers(world.server, world.edge, reporter.keys)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.mark.slow
def test_run_serves_until_ctrl_c(tmp_path: Path) -> None:
    """From an empty folder to a page, and nothing left running after Ctrl-C."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", "from ops.cli import main; main()"]
        + ["run", str(tmp_path / "bisik"), "--port", str(port)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    ) as process:
        try:
            deadline = time.monotonic() + SECONDS
            page = b""
            while not page and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.2)
                with (
                    contextlib.suppress(OSError),
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer,
                ):
                    page = answer.read()
        finally:
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=SECONDS)
    assert b"<!doctype html>" in page, said
    assert 0 == process.returncode, said
    assert f"http://127.0.0.1:{port}" in said
    assert "Traceback" not in said
    # Whoever was started belongs to the session of the command.
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
