"""What every response has in common on the wire."""

import re
from pathlib import Path

import pytest
from support.site import Keys, Site, running_site
from support.visitor import Page, Visitor

from source_app.wire import Pace, padded_size

EVERY_KIND = [
    ("GET", "/"),
    ("GET", "/faq"),
    ("GET", "/safety"),
    ("GET", "/report/start"),
    ("GET", "/case/sign-in"),
    ("GET", "/case/"),
    ("GET", "/nothing-here"),
    ("POST", "/"),
    ("POST", "/case/sign-in"),
    ("GET", "/case/signed-out"),
]


def fetch(visitor: Visitor, method: str, path: str) -> Page:
    """Ask for one page, whatever it is."""
    return visitor.raw(method, path, {}, b"")


@pytest.mark.parametrize(("method", "path"), EVERY_KIND)
def test_every_response_has_one_size(visitor: Visitor, method: str, path: str) -> None:
    """
    Pages, errors and redirects take 32 KiB, their headers counted in.
    """
    assert 32 * 1024 == fetch(visitor, method, path).wire_bytes


@pytest.mark.parametrize(("method", "path"), EVERY_KIND)
def test_every_response_has_strict_headers(
    visitor: Visitor, method: str, path: str
) -> None:
    """
    Nothing is cached, referred, framed or run.
    """
    headers = fetch(visitor, method, path).headers

    assert "no-store" == headers["cache-control"]
    assert "no-referrer" == headers["referrer-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "nosniff" == headers["x-content-type-options"]


@pytest.mark.parametrize("path", ["/", "/faq", "/safety", "/report/start"])
def test_page_asks_for_nothing_more(visitor: Visitor, path: str) -> None:
    """
    A page is one request: no script, image, font, link to a file or inline style.
    """
    text = visitor.get(path).text

    assert not re.search(
        r"<script|<img|<link[^>]+stylesheet|url\(|@import| style=", text
    )
    assert '<link rel="icon" href="data:,">' in text


def test_a_first_visit_is_no_larger_than_a_later_one(visitor: Visitor) -> None:
    """
    The header that sets the cookie is made up for.
    """
    first, second = visitor.get("/"), visitor.get("/")

    assert "set-cookie" in first.headers
    assert "set-cookie" not in second.headers
    assert first.wire_bytes == second.wire_bytes


def test_long_page_takes_the_next_power_of_two(visitor: Visitor) -> None:
    """
    A check page with much text is 64 or 128 KiB long, and no size in between.
    """
    visitor.draw_codename()
    form = visitor.get("/report/write").hidden("/report/write")

    sizes = [
        visitor.post(
            "/report/write", {**form, "title": "Judul", "what": "kata " * count}
        ).wire_bytes
        for count in (10, 2_000, 3_500)
    ]

    assert [32 * 1024, 64 * 1024, 64 * 1024] == sizes


def test_answers_leave_at_ticks() -> None:
    """
    Whatever the work took, an answer leaves at the next multiple of the tick.
    """
    times = iter([0.0, 0.1, 0.0, 0.3, 0.0, 0.5])
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))

    pace = Pace(0.25, clock=lambda: next(times), sleep=sleep)
    for _ in range(3):
        pace.wait(pace.clock())

    assert [0.15, 0.2, 0.0] == slept


def test_refused_and_accepted_sign_in_look_alike(site: Site, visitor: Visitor) -> None:
    """
    With a wrong codename as with a right one: a redirection, then a page, of one size.
    """
    codename = visitor.draw_codename()
    visitor.send_report()
    sizes = []
    for typed in (codename, "satu dua tiga"):
        window = site.visitor()
        form = window.get("/case/sign-in").hidden("/case/sign-in")
        answer = window.post("/case/sign-in", {**form, "codename": typed}, follow=False)
        page = window.get(answer.location, follow=False)
        sizes.append((answer.status, answer.wire_bytes, page.status, page.wire_bytes))

    assert [(303, 32 * 1024, 200, 32 * 1024)] * 2 == sizes


def test_sizes_are_powers_of_two() -> None:
    """
    What outgrows 32 KiB takes the next power of two.
    """
    assert [32768, 32768, 65536, 65536, 131072] == [
        padded_size(size) for size in (0, 32768, 32769, 65536, 65537)
    ]


def test_gateways_are_refused(visitor: Visitor) -> None:
    """
    Through a gateway that reads everything, nothing is shown but a warning.
    """
    page = visitor.raw("GET", "/", {"X-Tor2web": "1"}, b"")

    assert 421 == page.status
    assert ".onion" in page.text


def test_only_the_onion_address_is_answered(tmp_path: Path, keys: Keys) -> None:
    """
    A site that knows its address answers to no other name.
    """
    with running_site(tmp_path, keys, hosts=("abc.onion",)) as site:
        window = site.visitor()

        statuses = [
            window.raw("GET", "/", {"Host": host}, b"").status
            for host in ("abc.onion", "abc.onion:80", "evil.example", "abc.onion.ws")
        ]

    assert [200, 200, 421, 421] == statuses
