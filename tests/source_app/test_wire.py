"""What every response has in common on the wire."""

import re
from pathlib import Path

import pytest
from support.site import Keys, running_site
from support.visitor import Page, Visitor

from source_app.wire import padded_size

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
    Pages, errors and redirects are 32 KiB long.
    """
    assert 32 * 1024 == len(fetch(visitor, method, path).body)


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
