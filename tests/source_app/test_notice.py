"""The operator's notice on the reporters' site."""

import dataclasses
import re
from contextlib import ExitStack
from datetime import date

import pytest
from support.site import Site
from support.visitor import Page, Visitor

from casework.notice import LONGEST_CHARACTERS, MOST_LINES, Notice
from source_app.app import create_app
from source_app.crowd import REQUESTS_AT_ONCE
from source_app.services import Services

INDONESIAN = "Situs ini tutup pada hari Senin."
ENGLISH = "This site is closed on Monday."
CLOSED = Notice.of(INDONESIAN, ENGLISH, date(2026, 12, 7))
TALL = "a\n" * (MOST_LINES - 1) + "a"
# Each letter is a reference in a page, or as long as a letter gets.
LARGEST = [
    Notice.of(letter * LONGEST_CHARACTERS, letter * LONGEST_CHARACTERS, date.max)
    for letter in ('"', "'", "&", "\U0001f5fc", "g")
]
LARGEST.append(Notice.of(TALL, TALL, None))
PUBLIC = ["/", "/faq", "/safety", "/information", "/rights", "/lpsk", "/aid", "/x"]
FORMS = ["/report/start", "/case/sign-in", "/case/signed-out"]


class Board:
    """Where a test hangs up a notice."""

    notice: Notice | None = None

    def __call__(self) -> Notice | None:
        """Return what hangs there."""
        return self.notice


@pytest.fixture
def board(site: Site) -> Board:
    """The board of the site."""
    hung = Board()
    parts: Services = site.app.extensions["bisik"]
    site.app = create_app(dataclasses.replace(parts, notice=hung))
    return hung


def notice_on(page: Page) -> str:
    """Return the markup of the notice on a page, "" if there is none."""
    found = re.search(r'<aside class="posted".*?</aside>', page.body.decode(), re.S)
    return found[0] if found else ""


def walk(site: Site) -> list[Page]:
    """Go through the site as a reporter, and return every page."""
    visitor = site.visitor()
    pages = [visitor.get(path) for path in [*PUBLIC, *FORMS]]
    visitor.draw_codename()
    pages.append(visitor.get("/report/write"))
    pages.append(visitor.send_report())
    pages += [visitor.get(path) for path in ("/case/", "/case/withdraw")]
    return pages


def test_every_page_says_it(site: Site, board: Board) -> None:
    """
    Public pages, errors, forms, the receipt and the case, without a restart.
    """
    assert {""} == {notice_on(page) for page in walk(site)}
    board.notice = CLOSED

    assert all(INDONESIAN in notice_on(page) for page in walk(site))


def test_it_is_in_the_reader_s_language(site: Site, board: Board) -> None:
    """
    With its last day, in words.
    """
    board.notice = CLOSED
    visitor = site.visitor()

    first = notice_on(visitor.get("/"))
    second = notice_on(visitor.get("/language/en?next=/"))

    assert INDONESIAN in first
    assert "sampai dengan Senin, 7 Desember 2026" in first
    assert ENGLISH in second
    assert "through Monday, 7 December 2026" in second
    assert INDONESIAN not in second


def test_it_comes_before_everything_but_the_way_around(
    site: Site, board: Board
) -> None:
    """
    Above the first sentence of a page, and outside of what the skip link leads to.
    """
    board.notice = CLOSED
    text = site.visitor().get("/").body.decode()

    assert text.index("</nav>") < text.index(INDONESIAN) < text.index("<main")


def test_a_form_stays_within_reach(site: Site, board: Board) -> None:
    """
    While a report is being written one line opens it; elsewhere it is open.
    """
    board.notice = CLOSED
    visitor = site.visitor()

    assert "<details open>" in notice_on(visitor.get("/"))
    assert "<details open>" in notice_on(visitor.get("/report/start"))
    assert "<details open>" in notice_on(visitor.get("/case/sign-in"))
    visitor.draw_codename()
    assert "<details>" in notice_on(visitor.get("/report/write"))
    visitor.send_report()
    assert "<details open>" in notice_on(visitor.get("/case/"))


@pytest.mark.parametrize("notice", LARGEST, ids=range(len(LARGEST)))
def test_no_page_takes_more_for_it(site: Site, board: Board, notice: Notice) -> None:
    """
    Byte for byte as many as without one, in both languages, for the largest there is.
    """
    visitor = site.visitor()
    paths = [
        f"/language/{language}?next={path}"
        for language in ("id", "en")
        for path in [*PUBLIC, *FORMS]
    ]
    for path in paths:
        board.notice = None
        before = visitor.get(path)
        board.notice = notice
        after = visitor.get(path)
        assert notice_on(after)
        assert 32 * 1024 == before.wire_bytes == after.wire_bytes
        # Not only in steps: the page itself is as long as before.
        assert len(before.body.rstrip()) == len(after.body.rstrip())


def test_a_long_page_takes_no_more_either(site: Site, board: Board) -> None:
    """
    A check page just below a step stays below it.
    """
    visitor = site.visitor()
    visitor.draw_codename()
    form = visitor.get("/report/write").hidden("/report/write")

    def check(letters: int) -> Page:
        fields = {**form, "title": "Judul", "what": "k" * letters}
        return visitor.post("/report/write", fields)

    short = len(check(1).body.rstrip())
    twice = len(check(2).body.rstrip()) - short
    room = (32 * 1024 - short) // twice
    sizes = []
    for notice in (None, LARGEST[0]):
        board.notice = notice
        sizes.append([check(room + more).wire_bytes for more in range(-1500, 300, 300)])

    assert sizes[0] == sizes[1]
    assert {32 * 1024, 64 * 1024} == {*sizes[0]}


@pytest.mark.parametrize(
    "text",
    ['" onmouseover="x', "&lt;b&gt;", "{{ 7 * 7 }}", "{% raw %}", "%(day)s", "' \\"],
)
def test_it_is_shown_as_it_was_written(site: Site, board: Board, text: str) -> None:
    """
    Nothing in it is markup, a reference, a template or a format.
    """
    board.notice = Notice.of(text, text, None)
    shown = notice_on(site.visitor().get("/"))

    assert text in Page(200, {}, shown.encode()).text
    assert '"' not in re.findall(r'<p class="said">(.*?)</p>', shown)[0]
    assert re.findall("<[a-z]+", shown) == [
        *("<aside", "<div", "<details", "<summary", "<p")
    ]


def test_who_is_turned_away_reads_it_too(site: Site, board: Board) -> None:
    """
    The page that is made beforehand follows the notice, there and gone.
    """
    environ = {"bisik.circuit": "fc00::1"}
    visitor: Visitor = site.visitor()
    found = []
    for notice in (None, CLOSED, None):
        board.notice = notice
        with ExitStack() as stack:
            for _ in range(REQUESTS_AT_ONCE):
                stack.enter_context(site.crowd.admitted(environ))
            client = site.app.test_client()
            answer = client.get("/", environ_overrides=environ)
        assert 503 == answer.status_code
        found.append(INDONESIAN in answer.get_data(as_text=True))
    assert 200 == visitor.get("/").status

    assert [False, True, False] == found
