"""Gunicorn as our sites run it: how it ends."""

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SECONDS: Final = 20

# The signal's handler runs while Python calls back about an object that is gone: what
# is raised there goes nowhere.
COLLECTED_AT_THE_WRONG_MOMENT: Final = """
import os, signal, sys, time, weakref
from ops.quiet_gunicorn import QuietSite


class Thing:
    pass


def collected(_gone):
    os.kill(os.getppid(), signal.{signal})
    time.sleep(1)


class Site(QuietSite):
    def settings(self):
        return {{"bind": ["127.0.0.1:{port}"], "workers": 1}}

    def load(self):
        thing = Thing()
        reference = weakref.ref(thing, collected)
        del thing
        return lambda environ, start_response: []


Site().run()
"""


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_the_end_is_quiet_whatever_python_was_doing(told: signal.Signals) -> None:
    """Ctrl-C while an object is being collected ends a site without a traceback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    program = COLLECTED_AT_THE_WRONG_MOMENT.format(signal=told.name, port=port)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
