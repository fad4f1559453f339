"""
Looking: whether a site answers with its front page, as tor would ask for it.

    socket  <-- PROXY TCP6 ..., GET /, or GET /enter --  us
            --  HTTP/1.1 200 -------------------------->
"""

import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ops.errors import OpsError

COURIERS_PAGE = "/enter"
"""Its front page leads there."""

_ANSWER_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.2
# As tor says it, of a circuit that no visitor has.
_CIRCUIT = "PROXY TCP6 fc00:dead:beef:4dad::ffff:ffff ::1 65535 80\r\n"
_ANYBODY = "localhost"


class TrialFailed(OpsError):
    """The release does not work with this server's database and settings."""


def fetch_front_page(
    path: Path,
    *,
    page: str = "/",
    host: str = _ANYBODY,
    within_seconds: float,
    goes_on: Callable[[], bool] = lambda: True,
) -> None:
    """
    Fetch the front page of a site as tor does, over its Unix socket.

    Args:
        path: The socket.

        page: The page; a courier's is COURIERS_PAGE.

        host: The name to call the site by.

        within_seconds: How long it may take until there is an answer.

        goes_on: Whether it is worth while to wait.

    Raises:
        TrialFailed: If there is none, or another one than the page.
    """
    until = time.monotonic() + within_seconds
    while True:
        try:
            status = _status(path, page, host)
        except OSError:
            status = ""
        if status:
            break
        if time.monotonic() > until or not goes_on():
            raise TrialFailed(f"nobody answers at {path}")
        time.sleep(_LOOK_AGAIN_SECONDS)
    if status != "200":
        raise TrialFailed(f"the page {page} at {path} is answered with {status}")


def _status(path: Path, page: str, host: str) -> str:
    """Return the three digits of the answer; nothing if the connection was closed."""
    request = (
        f"{_CIRCUIT}GET {page} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        connection.connect(str(path))
        connection.sendall(request.encode("ascii"))
        answer = b""
        while b"\r\n" not in answer and (piece := connection.recv(1024)):
            answer += piece
        # What follows is read, so that the site is not told of a broken connection.
        while connection.recv(64 * 1024):
            pass
    protocol, _, rest = answer.partition(b" ")
    return rest[:3].decode("ascii", "replace") if protocol == b"HTTP/1.1" else ""
