"""
Trying a release out on the real database, before anybody else may.

    folder in memory, mode 0700, gone afterwards
      reporters.sock  <-- GET / ------  the reporters' site, as it will be served
      courier.sock    <-- GET /enter --  the courier

It is called by an upgrade, which has the server directory for itself.  What the store
is tried with is a session under a random name, which is taken away again; nothing else
is written.  A site is served by a process of its own, which ends with this one.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from deaddrop.schema import SESSION_BYTES, SESSION_ID_BYTES
from ops.edge import Edge
from ops.looking import COURIERS_PAGE, TrialFailed, fetch_front_page
from ops.memory import private_memory
from ops.server import Server, open_server
from tor.program import WITH_PARENT

SITES = {"reporters": "/", "courier": COURIERS_PAGE}
"""What is tried of each."""

START_SECONDS = 90.0
STOP_SECONDS = 40
_HALF_HOUR_SECONDS = 30 * 60


def try_release(
    directory: Path, edge: Edge, *, serve: Callable[[str, Path], Sequence[str]]
) -> None:
    """
    Try this very release out.

    Args:
        directory: The server directory; the caller has it for themselves.

        edge: Clock and randomness, with `upgrading`.

        serve: Returns the command that serves a site on a socket.

    Raises:
        TrialFailed: Naming what did not work.

        As `open_server`.
    """
    with open_server(directory, edge) as server:
        _try_store(server, edge)
        memory = private_memory(
            server.settings.memory_directory or edge.memory, uid=os.getuid()
        )
    with tempfile.TemporaryDirectory(prefix="trial-", dir=memory) as folder:
        for site, page in SITES.items():
            path = Path(folder) / f"{site}.sock"
            with _serving(serve(site, path)) as process:
                fetch_front_page(
                    path,
                    page=page,
                    within_seconds=START_SECONDS,
                    goes_on=partial(_runs, process),
                )


def _try_store(server: Server, edge: Edge) -> None:
    sessions = server.drop.sessions
    name, content = edge.entropy(SESSION_ID_BYTES), edge.entropy(SESSION_BYTES)
    try:
        sessions.save(name, content, int(edge.now()) // _HALF_HOUR_SECONDS)
        found = sessions.load(name)
    finally:
        sessions.delete(name)
    if found is None or found.sealed != content or sessions.load(name) is not None:
        raise TrialFailed("the dead drop does not give back what was stored")


def _runs(process: "subprocess.Popen[bytes]") -> bool:
    return process.poll() is None


@contextmanager
def _serving(command: Sequence[str]) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [*WITH_PARENT, *command], stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()
