"""
What every response of the site has in common on the wire.

Same headers, no cache, no script, and one of very few sizes: every page, its
headers counted in, is filled up to 32 KiB or the next power of two, whatever it
says.  And it leaves at a tick, so that its time tells little about what was done:

    sign-in refused    |######    |wait|
    sign-in accepted   |########  |wait|
    page that is read  |##        |wait|
                       0 ms        250 ms
"""

import base64
import hashlib
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from flask import Flask, Request, Response, request
from werkzeug.exceptions import MisdirectedRequest, UnsupportedMediaType

SMALLEST_PAGE_BYTES = 32 * 1024

HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "interest-cohort=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}

# Who sends more in one form has not been refused by mistake.
MOST_DISCARDED_BYTES = 1024 * 1024 * 1024
READ_BYTES = 64 * 1024
# Set in the environment of a request that was asked to wait.
TURNED_AWAY = "bisik.turned-away"
MOST_DISCARDED_OF_A_CROWD_BYTES = 4 * 1024 * 1024

# Headers by which the known Tor2web gateways give themselves away.
TOR2WEB_HEADERS = ("X-Tor2web", "X-Tor2Web")


class WireRequest(Request):
    """
    A request whose form parser never touches the disk.

    Werkzeug would write a file of a form to a temporary file, in clear.  The one
    page that takes files reads them as a stream (`source_app.uploads`); everywhere
    else a file is refused before its first byte.
    """

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> NoReturn:
        raise UnsupportedMediaType


def discard_rest(environ: dict[str, Any]) -> None:
    """
    Read what is left of a request's body, and throw it away.

    A browser looks for an answer only when its form is sent.  Were the connection
    closed while documents that are refused still arrive, it would show an error of
    its own in place of the page that says why.  In a crowd that has to be risked: who
    sends much would keep others out for as long as it takes.
    """
    announced = environ.get("CONTENT_LENGTH") or ""
    most = MOST_DISCARDED_BYTES
    if environ.get(TURNED_AWAY):
        most = MOST_DISCARDED_OF_A_CROWD_BYTES
    if not announced.isdecimal() or int(announced) > most:
        return
    # The visitor may be gone, and with them whoever would read the answer.
    with suppress(OSError):
        while environ["wsgi.input"].read(READ_BYTES):
            pass


def content_security_policy(stylesheet: str) -> str:
    """Allow one stylesheet, by its hash, and forms to this site; nothing else."""
    digest = base64.b64encode(hashlib.sha256(stylesheet.encode()).digest()).decode()
    return (
        "default-src 'none'; "
        f"style-src 'sha256-{digest}'; "
        "img-src data:; "  # The empty icon, in place of a request for one.
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def padded_size(size_bytes: int) -> int:
    """Return 32 KiB or the next power of two."""
    return max(SMALLEST_PAGE_BYTES, 1 << (max(size_bytes, 1) - 1).bit_length())


@dataclass(frozen=True)
class Pace:
    """
    When answers leave: at the first tick after they are ready.

    Attributes:
        tick_seconds: The distance between two ticks, counted from the arrival of
            a request; 0 for no waiting.

        clock: Seconds from any beginning that never go back.

        sleep: Waits for so many seconds.
    """

    tick_seconds: float
    clock: Callable[[], float]
    sleep: Callable[[float], object]

    def wait(self, begun: float) -> None:
        """Wait for the next tick after *begun*, a time of the clock."""
        if self.tick_seconds > 0:
            elapsed = self.clock() - begun
            ticks = math.ceil(elapsed / self.tick_seconds)
            self.sleep(max(0.0, ticks * self.tick_seconds - elapsed))


AT_ONCE = Pace(0, clock=lambda: 0.0, sleep=lambda _seconds: None)


def fill_up(response: Response) -> Response:
    """
    Fill a page up so that it takes 32 KiB or a power of two on the wire.

    Status line and headers are counted in: a redirection has one header more than
    a page, and a first visit a cookie.  What the server software adds is the same
    for all.  A file is handed out as it is.
    """
    if response.mimetype == "text/html":
        body = response.get_data()
        head = _head_bytes(response)
        total = padded_size(head + len(body))
        response.set_data(body.ljust(total - head, b"\n"))
    return response


def _head_bytes(response: Response) -> int:
    lines = [f"HTTP/1.1 {response.status}"]
    lines += [
        f"{name}: {value}"
        for name, value in response.headers
        if name.lower() != "content-length"
    ]
    # The length has as many digits as that of the smallest page, or of any that a
    # power of two below 100 kB makes; beyond, one or two bytes do not matter.
    lines.append(f"Content-Length: {SMALLEST_PAGE_BYTES}")
    return sum(len(line.encode("latin-1", "replace")) + 2 for line in lines) + 2


def install(app: Flask, *, stylesheet: str, hosts: tuple[str, ...]) -> None:
    """
    Give every response its headers, and refuse other doors.

    Args:
        app: The site.

        stylesheet: The one stylesheet.

        hosts: Names under which the site may be called: its onion address.
            Empty accepts every name.
    """
    policy = content_security_policy(stylesheet)
    app.request_class = WireRequest

    @app.before_request
    def refuse_other_doors() -> None:
        called = request.host.rpartition(":")[0] or request.host
        if hosts and called not in hosts and request.host not in hosts:
            raise MisdirectedRequest
        if any(header in request.headers for header in TOR2WEB_HEADERS):
            raise MisdirectedRequest

    @app.after_request
    def dress(response: Response) -> Response:
        response.headers.update(HEADERS)
        response.headers["Content-Security-Policy"] = policy
        return response
