"""
An officer in front of the browser that a bundle brought, away from every network.

    python brought_browser.py PICTURE DESK_OPEN... --then FIREFOX...

DESK_OPEN is `bisik desk open` and FIREFOX a Firefox with a profile of its own, both as
they are started on the machine that is tried.  Of this machine is only who drives it:
Marionette, through loopback.  Run in a network namespace without interfaces.  Says what
is wrong by raising; says "done" when all went well.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.firefox import attached_to

PORT = 2828
"""Marionette's own; in this namespace nobody else has it."""


def main() -> None:
    """Open the desk, and look at its queue and at the report in it."""
    picture, *words = sys.argv[1:]
    cut = words.index("--then")
    desk_open, firefox = words[:cut], words[cut + 1 :]
    devices = Path("/proc/net/dev").read_text("ascii").splitlines()[2:]
    assert ["lo"] == [line.split(":")[0].strip() for line in devices], devices
    desk = _started(desk_open, stdout=subprocess.PIPE)
    browser = _started([*firefox, "--marionette"], stdout=subprocess.DEVNULL)
    try:
        assert desk.stdout is not None
        link = re.search(r"(http://[^/\s]+)(/\S+)", desk.stdout.readline())
        assert link is not None
        driver = attached_to(PORT, link[1])
        driver.goto(link[2])
        assert "Antrean" in driver.text("nav"), driver.text("body")
        driver.click("a.title")
        assert driver.text("#laporan"), driver.text("body")
        driver.screenshot(Path(picture))
    finally:
        for process in (browser, desk):
            _end(process)
    sys.stdout.write("done\n")


def _started(command: list[str], *, stdout: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        text=True,
        start_new_session=True,
    )


def _end(process: "subprocess.Popen[str]") -> None:
    # As Ctrl-C does: whatever was started in between hears it, too.
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(45)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    main()
