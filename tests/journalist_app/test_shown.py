"""Shown: files are made into pictures without holding up the rest of a desk."""

import http.client
import io
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from pypdf import PdfReader
from support.hostile_files import endless_pdf, pdf
from support.office import NAMES, Office
from support.reporters import Reporter
from support.screens import Screen

from journalist_app.workstation.names import case_name
from journalist_app.workstation.screens.shown import (
    MOST_KEPT,
    MOST_MADE_AT_ONCE,
    MOST_WAITING,
    BeingMade,
    Shown,
)
from journalist_app.workstation.viewing import copying
from journalist_app.workstation.viewing.viewer import view

BISIK = Path(sys.executable).with_name("bisik")
# Of a queue that opens in a tenth of a second on a machine that has nothing else to do.
QUICK_SECONDS = 8.0

SOON_SECONDS = 0.05


class Slow:
    """Something that is made when it is told to, and not before."""

    def __init__(self) -> None:
        self.times = 0
        self.go = threading.Event()

    def __call__(self) -> str:
        """Make it, and count."""
        self.times += 1
        assert self.go.wait(30)
        return "made"


@pytest.fixture
def slow() -> Iterator[Slow]:
    """Something slow, which ends with the test."""
    making = Slow()
    yield making
    making.go.set()


@pytest.fixture
def shown() -> Shown:
    """A store whose requests wait for the twinkling of an eye."""
    return Shown(patience_seconds=SOON_SECONDS)


def eventually(shown: Shown, key: str, slow: Slow) -> str:
    """Ask again and again, as the page does."""
    for _ in range(200):
        try:
            return shown.get(key, slow)
        except BeingMade:
            time.sleep(SOON_SECONDS)
    raise AssertionError("it was never made")


def test_what_is_slow_is_made_once_and_kept(shown: Shown, slow: Slow) -> None:
    """Asking again begins nothing anew, and in the end it is there."""
    for _ in range(3):
        with pytest.raises(BeingMade):
            shown.get("a", slow)
    slow.go.set()
    assert "made" == eventually(shown, "a", slow)
    assert "made" == shown.get("a", slow)
    assert 1 == slow.times


def test_one_slow_file_does_not_keep_another(shown: Shown, slow: Slow) -> None:
    """What is quick, or there already, is answered while something is being made."""
    assert 1 == shown.get("there", lambda: 1)
    with pytest.raises(BeingMade):
        shown.get("a", slow)
    assert 2 == shown.get("quick", lambda: 2)
    assert 1 == shown.get("there", lambda: 3)


def test_few_things_are_made_at_once(shown: Shown, slow: Slow) -> None:
    """What is too many is not begun, and nobody waits for it."""
    for number in range(MOST_MADE_AT_ONCE + 2):
        with pytest.raises(BeingMade):
            shown.get(number, slow)
    assert MOST_MADE_AT_ONCE == slow.times
    slow.go.set()
    assert "made" == eventually(shown, "afterwards", slow)


def test_what_is_not_kept_takes_a_place_as_well(shown: Shown, slow: Slow) -> None:
    """It waits while two are being made, and nothing else is begun in its place."""
    for key in range(MOST_MADE_AT_ONCE):
        with pytest.raises(BeingMade):
            shown.get(key, slow)
    with pytest.raises(BeingMade), shown.turn(patience_seconds=SOON_SECONDS):
        pytest.fail("a third one was begun")
    slow.go.set()
    with ExitStack() as turns:
        for _ in range(MOST_MADE_AT_ONCE):
            turns.enter_context(shown.turn(patience_seconds=30.0))
        with pytest.raises(BeingMade):
            shown.get("another", slow)
    assert MOST_MADE_AT_ONCE == slow.times
    assert "made" == eventually(shown, "another", slow)


def test_few_requests_wait(slow: Slow) -> None:
    """Whoever comes when enough are waiting is answered at once."""
    shown = Shown(patience_seconds=30.0)
    answers: list[str] = []

    def ask() -> None:
        answers.append(shown.get("a", slow))

    waiting = [threading.Thread(target=ask) for _ in range(MOST_WAITING)]
    for thread in waiting:
        thread.start()
    begun = time.monotonic()
    # Asking whether there is a place would take it from one of them.
    while shown._waiting._value:
        assert time.monotonic() - begun < 20
        time.sleep(SOON_SECONDS)
    before = time.monotonic()
    with pytest.raises(BeingMade):
        shown.get("a", slow)
    assert time.monotonic() - before < 5
    slow.go.set()
    for thread in waiting:
        thread.join()
    assert ["made"] * MOST_WAITING == answers


def test_what_failed_is_said_and_tried_anew(shown: Shown) -> None:
    """A failure is nobody's answer twice."""

    def fail() -> int:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        shown.get("a", fail)
    assert 5 == shown.get("a", lambda: 5)


def test_the_last_ones_are_kept(shown: Shown) -> None:
    """Memory has an end: what was not used for the longest time is forgotten."""
    for number in range(MOST_KEPT):
        shown.get(number, lambda: "old")
    shown.get(0, lambda: "new")
    shown.get("one more", lambda: "new")
    assert "old" == shown.get(0, lambda: "new")
    assert "new" == shown.get(1, lambda: "new")


class Browser:
    """A browser without a window that has used the link of a desk."""

    def __init__(self, link: str) -> None:
        self._at = urlsplit(link)
        answer = self._ask(self._at.path)
        self._cookie = answer[1].partition(";")[0]

    def get(self, path: str) -> tuple[int, bytes]:
        """Open a page, or a picture of one."""
        status, _cookie, body = self._ask(path, self._cookie)
        return status, body

    def _ask(self, path: str, cookie: str = "") -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._at.port or 0, timeout=150
        )
        try:
            connection.request(
                "GET", path, headers={"Host": self._at.netloc, "Cookie": cookie}
            )
            answer = connection.getresponse()
            return answer.status, answer.getheader("Set-Cookie", ""), answer.read()
        finally:
            connection.close()


@contextmanager
def opened(folder: Path) -> Iterator[Browser]:
    """Open a desk as an officer does, under gunicorn with its few threads."""
    process = subprocess.Popen(
        [BISIK, "desk", "open", "--desk", folder],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        link = re.search(r"http://\S+", process.stdout.readline())
        assert link is not None
        yield Browser(link[0])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        process.stdout.close()


@pytest.mark.slow
def test_a_hostile_file_does_not_hold_up_the_desk(office: Office) -> None:
    """The queue opens at once while files are drawn for ever and much is asked for."""
    files = [
        ("satu.pdf", endless_pdf()),
        ("dua.pdf", endless_pdf() + b"\n"),
        ("surat.pdf", pdf(pages=20)),
    ]
    reporter = Reporter("pelapor")
    office.send(reporter.write(files=files), to=NAMES[:1])
    office.fetch(NAMES[0])
    office.close(NAMES[0])
    with opened(office.folder_of(NAMES[0])) as browser:
        case = f"/cases/{case_name(reporter.keys.case_id)}/"
        _status, page = browser.get(case)
        paths = re.findall(r'href="(/cases/[^"]+/files/[^"]+/)"', page.decode())
        first, second, letter = dict.fromkeys(paths)
        while b"page/20.png" not in (shown := browser.get(letter)[1]):
            assert b'http-equiv="refresh"' in shown
        asked = [
            f"{hostile}{rest}"
            for hostile in (first, second)
            for rest in ("", "", "page/1.png", "page/2.png", "cleaned")
        ]
        pictures = [f"{letter}page/{number}.png" for number in range(1, 21)]
        with ThreadPoolExecutor(max_workers=30) as pool:
            hostile = [pool.submit(browser.get, path) for path in asked * 2]
            good = [pool.submit(browser.get, path) for path in pictures]
            seconds = []
            for _ in range(5):
                begun = time.monotonic()
                status, page = browser.get("/")
                seconds.append(time.monotonic() - begun)
                assert (200, True) == (status, b"Antrean" in page)
            assert [200] * 20 == [one.result()[0] for one in good]
            answers = [one.result() for one in hostile]
        # Drawing goes on for a minute; nobody has waited for it.
        assert max(seconds) < QUICK_SECONDS, seconds
        assert {200, 503} == {status for status, _body in answers}
        assert all(
            b'http-equiv="refresh"' in body for status, body in answers if status == 200
        )


@pytest.fixture
def long_file(office: Office, tmp_path: Path) -> tuple[Screen, str]:
    """A browser, and where it shows a letter of 85 pages."""
    reporter = Reporter("pelapor")
    office.send(reporter.write(files=[("surat.pdf", pdf(pages=85))]), to=NAMES[:1])
    office.fetch(NAMES[0])
    screen = Screen(office.desks[NAMES[0]], stick=tmp_path)
    page = screen.get(f"/cases/{case_name(reporter.keys.case_id)}/").text
    path = re.search(r'href="(/cases/[^"]+/files/[^"]+/)"', page)
    assert path is not None
    return screen, path[1]


@pytest.mark.slow
def test_a_long_file_is_seen_to_its_end(long_file: tuple[Screen, str]) -> None:
    """Some pages at a time, with the way on and back; no page is left out."""
    screen, path = long_file
    pictures: list[str] = []
    following, shown = path, ""
    while following:
        shown = screen.get(following).text
        pictures += re.findall(r'src="([^"]+\.png)"', shown)
        found = re.search(r'href="([^"]+)" rel="next"', shown)
        following = found[1] if found else ""
    assert [f"{path}page/{number}.png" for number in range(1, 86)] == pictures
    assert f'href="{path}?from=41" rel="prev"' in shown
    assert "85 / 85" in shown
    for number, status in ((85, 200), (86, 404), (0, 404), (121, 404)):
        assert status == screen.get(f"{path}page/{number}.png").status_code
    for wrong in ("0", "-1", "x", "100000", "٣"):
        assert 404 == screen.get(f"{path}?from={wrong}").status_code


@pytest.mark.slow
def test_the_cleaned_copy_has_all_pages_or_says_so(
    long_file: tuple[Screen, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not only those of one screen; and a name that says what is missing."""
    screen, path = long_file
    taken = {"reason": "Uji."}
    whole = screen.post(f"{path}cleaned", taken)
    assert 85 == len(PdfReader(io.BytesIO(whole.data)).pages)
    assert "200 halaman pertama" in screen.text(path)
    monkeypatch.setattr(copying, "MOST_COPIED_PAGES", 80)
    part = Screen(screen.services.desk, stick=tmp_path).post(f"{path}cleaned", taken)
    assert 80 == len(PdfReader(io.BytesIO(part.data)).pages)
    names = [one.headers["Content-Disposition"] for one in (whole, part)]
    assert "(bersih).pdf" in names[0]
    assert "(bersih, hanya halaman 1-80).pdf" in names[1]


def test_a_picture_of_several_frames_is_seen_to_its_end() -> None:
    """A TIFF from a scanner has pages as a document has."""
    frames = [Image.new("RGB", (30, 20 + number), "teal") for number in range(5)]
    content = io.BytesIO()
    frames[0].save(content, "TIFF", save_all=True, append_images=frames[1:])
    parts = [
        view(content.getvalue(), "pindaian.tif", most_pages=2, first_page=first)
        for first in (1, 3, 5)
    ]
    assert [True, True, False] == [part.more_pages for part in parts]
    heights = [
        Image.open(io.BytesIO(page)).height for part in parts for page in part.pages
    ]
    assert [20, 21, 22, 23, 24] == heights
