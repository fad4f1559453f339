"""
Activation: the socket that systemd opened, on which a site listens.

    systemd --socket 3, LISTEN_PID, LISTEN_FDS--> bisik serve
       |
    /run/bisik/site.sock   root:debian-tor 0660: the site itself could not make it so

A site without a network, which may not even see the folder of its socket, is handed
the socket when it starts.  What the protocol is: sd_listen_fds(3).  Gunicorn takes the
socket; here is only looked at which one it is, because how visitors are told apart
depends on it (`ops.circuits`).
"""

import os
import socket
from collections.abc import Mapping

from ops.errors import OpsError

_FIRST = 3  # SD_LISTEN_FDS_START


class UnfitSocket(OpsError):
    """The socket that systemd hands over is not one of a site."""


def activated_socket(environment: Mapping[str, str], *, pid: int) -> str | None:
    """
    Return the path of the socket that was handed over; None if there is none.

    Args:
        environment: Of this process.

        pid: Its number: variables meant for a parent do not count.

    Raises:
        UnfitSocket: If it is not exactly one listening Unix socket with a path, which
            is what only a program on this machine can open.
    """
    if environment.get("LISTEN_PID") != str(pid):
        return None
    count = environment.get("LISTEN_FDS", "0")
    if count == "0":
        return None
    if count != "1":
        raise UnfitSocket(f"systemd hands over {count} sockets, and a site has one")
    try:
        with socket.socket(fileno=os.dup(_FIRST)) as handed:
            listens = handed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            family, path = handed.family, handed.getsockname()
    except OSError:
        raise UnfitSocket("what systemd hands over is not a socket") from None
    if family != socket.AF_UNIX or not listens or not isinstance(path, str) or not path:
        raise UnfitSocket("what systemd hands over is not a listening Unix socket")
    return path
