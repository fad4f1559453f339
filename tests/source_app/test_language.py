"""Both languages: dates, numbers, plural forms, and how a language is chosen."""

from collections.abc import Callable
from datetime import date

import pytest
from flask_babel import force_locale, ngettext
from support.site import Site
from support.visitor import Visitor

from source_app.app import format_day, format_hour, format_size


@pytest.mark.parametrize(
    ("write", "indonesian", "english"),
    [
        (
            lambda: format_day(date(2027, 3, 22)),
            "Senin, 22 Maret 2027",
            "Monday, 22 March 2027",
        ),
        (lambda: format_size(5 * 1024 * 1024), "5 MB", "5 MB"),
        (lambda: format_size(1536 * 1024), "1,5 MB", "1.5 MB"),
        (lambda: format_size(200), "1 kB", "1 kB"),
        (lambda: format_hour(6), "06.00", "06:00"),
        (
            lambda: ngettext("%(num)s hari kerja", "%(num)s hari kerja", 1),
            "1 hari kerja",
            "1 working day",
        ),
        (
            lambda: ngettext("%(num)s hari kerja", "%(num)s hari kerja", 5),
            "5 hari kerja",
            "5 working days",
        ),
    ],
)
def test_written_as_the_language_does(
    site: Site, write: Callable[[], str], indonesian: str, english: str
) -> None:
    """
    Days, sizes, hours and numbers of things are written as readers are used to.
    """
    written = []
    for language in ("id", "en"):
        with site.app.test_request_context(), force_locale(language):
            written.append(write())

    assert [indonesian, english] == written


def test_choice_of_language_ends_with_the_window(visitor: Visitor) -> None:
    """
    The cookie of the language has no lifetime, and the way back is the same page.
    """
    answer = visitor.get("/language/en?next=/safety", follow=False)

    cookie = answer.headers["set-cookie"].lower()
    assert "lang=en" in cookie
    assert "expires" not in cookie
    assert "max-age" not in cookie
    assert "/safety" == answer.location


def test_wish_of_the_browser_is_not_heard(visitor: Visitor) -> None:
    """
    Tor Browser asks for English on behalf of everybody: Indonesian comes first.
    """
    page = visitor.raw("GET", "/", {"Accept-Language": "en-US,en;q=0.5"}, b"")

    assert '<html lang="id">' in page.text


def test_language_stays_after_signing_out(site: Site, reporter: Visitor) -> None:
    """
    Who chose English reads English to the last page of the visit.
    """
    reporter.get("/language/en?next=/case/")

    page = reporter.press("/case/sign-out")

    assert '<html lang="en">' in page.text
