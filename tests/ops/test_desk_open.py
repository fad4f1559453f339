"""The desk in a real browser: what other servers on the machine get to know of it."""

import http.client
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright
from support.browsers import running_chromium
from support.command import World
from support.firefox import running_firefox

BISIK = Path(sys.executable).with_name("bisik")


@contextmanager
def opened(world: World) -> Iterator[str]:
    """Open the desk as an officer does; give the link that it prints."""
    process = subprocess.Popen(
        [BISIK, "desk", "open", "--desk", world.desk],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        link = re.search(r"http://\S+", process.stdout.readline())
        assert link is not None
        yield link[0]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)
        process.stdout.close()


@contextmanager
def neighbour() -> Iterator[tuple[int, list[str | None]]]:
    """Serve pages on another port, as any user may; give it, and what cookies came."""
    cookies: list[str | None] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            cookies.append(self.headers.get("Cookie"))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<p>Halo</p>")

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, cookies
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_no_other_server_on_the_machine_gets_the_cookie_of_the_desk(
    world: World, tmp_path: Path, browser: str
) -> None:
    """Cookies do not know ports; the desk's host name is one that nobody knows."""
    with opened(world) as link, neighbour() as (port, cookies):
        base = link.partition("/open/")[0]
        others = [
            f"http://{host}:{port}/"
            for host in ("127.0.0.1", "localhost", "lain.localhost")
        ]
        if browser == "chromium":
            with sync_playwright() as playwright, running_chromium(playwright) as one:
                page = one.new_page()
                page.goto(link)
                shown = page.inner_text("body")
                for other in others:
                    page.goto(other)
                page.goto(base)
                again = page.inner_text("body")
        else:
            with running_firefox(tmp_path, base, width=1280, height=900) as fox:
                fox.marionette.navigate(link)
                shown = fox.text("body")
                for other in others:
                    fox.marionette.navigate(other)
                fox.marionette.navigate(base)
                again = fox.text("body")
        assert "Antrean" in shown
        assert "Antrean" in again
        assert len(cookies) >= len(others)
        assert {None} == {*cookies}


def test_the_desk_answers_to_no_name_that_can_be_guessed(world: World) -> None:
    """Neither the link nor anything else is there for 127.0.0.1 or localhost."""
    with opened(world) as link:
        at = urlsplit(link)
        assert re.fullmatch(r"[0-9a-f]{32}\.localhost", at.hostname or "")
        answers = {}
        for host in (f"127.0.0.1:{at.port}", f"localhost:{at.port}", at.netloc):
            connection = http.client.HTTPConnection("127.0.0.1", at.port, timeout=20)
            connection.request("GET", at.path, headers={"Host": host})
            answers[host] = connection.getresponse().status
            connection.close()
    assert [421, 421, 303] == [*answers.values()]
