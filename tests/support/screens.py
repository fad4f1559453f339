"""A desk's screens, as a browser without a window uses them."""

import html
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

from flask.testing import FlaskClient
from support.reporters import DAY
from support.serving import serving
from werkzeug.test import TestResponse

from journalist_app.workstation.desk import Desk
from journalist_app.workstation.screens.access import Access
from journalist_app.workstation.screens.app import create_app
from journalist_app.workstation.screens.inspections import Inspections
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
            # Its client gives up on nothing, and follows no page that asks again.
            shown=Shown(patience_seconds=180.0),
            inspections=Inspections(patience_seconds=180.0),
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


@contextmanager
def serving_desk(screen: Screen) -> Iterator[str]:
    """Serve a desk's screens on this machine, for a browser with a window."""
    with serving(screen.app) as host:
        screen.app.extensions["desk"] = replace(screen.services, hosts=(HOST, host))
        yield f"http://{host}"


def words(answer: TestResponse) -> str:
    """Return the text of a page without its tags."""
    main = answer.text.partition("<main")[2]
    return " ".join(html.unescape(_TAG.sub(" ", main.partition(">")[2])).split())


def decide(screen: Screen, name: str, decision: str) -> TestResponse:
    """Decide about what the page shows now."""
    return screen.post(
        f"/cases/{name}/exposure/decide",
        {"decision": decision, "shown": mark_on(screen, name)},
    )


def mark_on(screen: Screen, name: str) -> str:
    """Open the exposure check and return the mark that its form carries."""
    page = screen.get(f"/cases/{name}/exposure/").text
    return page.partition('name="shown" value="')[2][:64]
