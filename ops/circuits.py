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
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NewType

from gunicorn.workers.gthread import (  # type: ignore[import-untyped]  # No hints.
    ThreadWorker,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Circuit = NewType("Circuit", str)
"""Equal for requests of one circuit; means nothing once the circuit has ended."""

CIRCUIT = "bisik.circuit"
"""Where a request's environment has its circuit, or None without Tor."""

# fc00:dead:beef:4dad is tor's own: nobody has such an address.
_OF_TOR = re.compile(r"fc00:dead:beef:4dad:[0-9a-f:]+")

Gate = Callable[["Circuit | None", "WSGIEnvironment"], "WSGIApplication | None"]
"""Asked before each request: None lets it in, and an application answers instead."""


def everybody(_circuit: Circuit | None, _environ: "WSGIEnvironment") -> None:
    """Let every request in."""


class AtTheDoor:
    """A site, and the question who may come in."""

    def __init__(self, site: "WSGIApplication", *, gate: Gate = everybody) -> None:
        """
        Args:
            site: Any WSGI application.

            gate: Is asked in the thread of the request; must be quick.
        """
        self._site = site
        self._gate = gate

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request."""
        address = str(environ.pop("REMOTE_ADDR", ""))
        environ.pop("REMOTE_PORT", None)
        circuit = Circuit(address) if _OF_TOR.fullmatch(address) else None
        environ[CIRCUIT] = circuit
        answering = self._gate(circuit, environ) or self._site
        return answering(environ, start_response)


class CircuitWorker(ThreadWorker):  # type: ignore[misc]  # The base class is untyped.
    """
    A worker that remembers the PROXY line for as long as a connection lasts.

    Gunicorn's own reads the line before the first request, and has forgotten it when
    a browser sends a second one over the same connection.
    """

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer one request of a connection."""
        if req.proxy_protocol_info:
            conn.proxy_line = req.proxy_protocol_info
        else:
            req.proxy_protocol_info = getattr(conn, "proxy_line", None)
        return super().handle_request(req, conn)
