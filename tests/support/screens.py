"""A desk's screens, as a browser without a window uses them."""

import html
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

from flask.testing import FlaskClient
from support.reporters import DAY
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse

from journalist_app.workstation.desk import Desk
from journalist_app.workstation.screens.access import Access
from journalist_app.workstation.screens.app import create_app
from journalist_app.workstation.screens.jobs import Jobs
from journalist_app.workstation.screens.services import Services
from journalist_app.workstation.screens.shown import Shown

HOST = "127.0.0.1:4711"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_TAG = re.compile(r"<[^>]+>")


class Screen:
    """One browser in front of a desk."""

    def __init__(
        self, desk: Desk, *, stick: Path, today: date = DAY, let_in: bool = True
    ) -> None:
        self.access = Access()
        self.jobs = Jobs()
        self.services = Services(
            desk=desk,
            access=self.access,
            jobs=self.jobs,
            shown=Shown(),
            secret_key=b"k" * 32,
            hosts=(HOST,),
            today=lambda: today,
            sticks=lambda: (stick,),
        )
        self.app = create_app(self.services)
        self.client: FlaskClient = self.app.test_client()
        self.base = f"http://{HOST}"
        if let_in:
            assert 303 == self.get(f"/open/{self.access.new_link()}").status_code

    def get(self, path: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path, base_url=self.base)

    def post(self, path: str, form: Mapping[str, object] | None = None) -> TestResponse:
        """Send a form with the token of the page that has it; follow to the next."""
        token = _TOKEN.search(self.get("/").text)
        assert token is not None
        return self.client.post(
            path,
            base_url=self.base,
            data={"csrf_token": token[1], **(form or {})},
            follow_redirects=True,
        )

    def text(self, path: str) -> str:
        """Return what stands on a page."""
        return words(self.get(path))


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - Theirs.
        """Say nothing: the output is the tests'."""


@contextmanager
def serving(screen: Screen) -> Iterator[str]:
    """Serve a desk's screens on this machine, for a browser with a window."""
    server = make_server(
        "127.0.0.1", 0, screen.app, threaded=True, request_handler=_Quiet
    )
    host = f"127.0.0.1:{server.port}"
    screen.app.extensions["desk"] = replace(screen.services, hosts=(HOST, host))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{host}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def words(answer: TestResponse) -> str:
    """Return the text of a page without its tags."""
    main = answer.text.partition("<main")[2]
    return " ".join(html.unescape(_TAG.sub(" ", main.partition(">")[2])).split())
