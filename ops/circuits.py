"""
Circuits: which requests came the same way, without knowing which way.

    tor --PROXY TCP6 fc00:dead:beef:4dad::1:2 ...--> gunicorn --> AtTheDoor --> site
                     one address for each circuit

Behind an onion service every visitor has the same address: none.  Tor gives each
circuit one of its own instead (HiddenServiceExportCircuitID), and says it on the
first line of every connection.  It is taken out of the request's environment here,
under a name that nobody logs, and lives as long as the request.  What is asked
before a request reaches the site is asked here, too.

The line is that of HAProxy's PROXY protocol, version 1.
"""

import re
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fairness.circuits import CIRCUIT, Circuit
from ops.arrivals import Arrivals
from ops.quiet_gunicorn import QuietWorker

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# fc00:dead:beef:4dad is tor's own: nobody has such an address.
_OF_TOR = re.compile(r"fc00:dead:beef:4dad:[0-9a-f:]+")

# When fewer are free, slow visitors give way.
RESERVED_THREADS = 24


def nobody() -> bool:
    """Say that nobody waits."""
    return False


def closing(connection: socket.socket | None) -> Callable[[], object]:
    """Make what ends a connection, so that whoever reads from it is told at once."""

    def close() -> None:
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    return close


class AtTheDoor:
    """A site, and the question who may come in."""

    def __init__(
        self,
        site: "WSGIApplication",
        *,
        arrivals: Arrivals | None = None,
        crowded: Callable[[], bool] = nobody,
    ) -> None:
        """
        Args:
            site: Any WSGI application.

            arrivals: What is being read.

            crowded: Whether somebody waits for what slow visitors hold.
        """
        self._site = site
        self.arrivals = arrivals or Arrivals(time.monotonic)
        self._crowded = crowded

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request."""
        address = str(environ.pop("REMOTE_ADDR", ""))
        environ.pop("REMOTE_PORT", None)
        circuit = Circuit(address) if _OF_TOR.fullmatch(address) else None
        environ[CIRCUIT] = circuit
        body, close = environ["wsgi.input"], closing(environ.get("gunicorn.socket"))
        with self.arrivals.body(body, close) as watched:
            environ["wsgi.input"] = watched
            return self._site(environ, start_response)

    def give_way(self, threads: int) -> None:
        """Close what takes too long; called every second of every worker."""
        scarce = self.arrivals.busy > threads - RESERVED_THREADS
        self.arrivals.give_way(crowded=scarce or self._crowded())


class CircuitWorker(QuietWorker):
    """
    A worker that remembers the PROXY line for as long as a connection lasts.

    Gunicorn's own reads the line before the first request, and has forgotten it when
    a browser sends a second one over the same connection.  It also waits for ever for
    what does not come.
    """

    def handle(self, conn: Any) -> Any:
        """Read a request from a connection, and answer it."""
        with self._door.arrivals.head(closing(conn.sock)) as conn.head:
            return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer one request of a connection."""
        self._door.arrivals.head_ended(conn.head)
        if req.proxy_protocol_info:
            conn.proxy_line = req.proxy_protocol_info
        else:
            req.proxy_protocol_info = getattr(conn, "proxy_line", None)
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """Close what takes too long; gunicorn calls it every second, and names it."""
        super().murder_pending()
        self._door.give_way(self.cfg.threads)

    @property
    def _door(self) -> AtTheDoor:
        door: AtTheDoor = self.wsgi
        return door
