"""Slow circuits: whoever sends documents byte by byte is in nobody's way."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from support.server import Service
from support.visitor import Upload, Visitor, multipart

from source_app.uploads import READ_BYTES

pytestmark = [pytest.mark.journey, pytest.mark.slow]

UPLOADS = 12
FILE_BYTES = 200_000
# The server reads in pieces of this size, and begins to seal after the first file.
FIRST_BYTES = READ_BYTES + 1000
DRIP_BYTES = 100
DRIP_SECONDS = 0.2
# Argon2id takes most of a sign-in; the machine of a test may be busy besides.
PROMPT_SECONDS = 5.0
BEGIN_SECONDS = 30.0
SETTLE_SECONDS = 2.0


class Drip:
    """An upload whose second file arrives a few bytes at a time."""

    def __init__(self, service: Service, reporter: Visitor, name: str) -> None:
        form = reporter.get("/case/").hidden("/case/files")
        content_type, self._left = multipart(
            form, [Upload(name, b"first"), Upload("second.bin", bytes(FILE_BYTES))]
        )
        cookies = "; ".join(f"{key}={value}" for key, value in reporter.cookies.items())
        self._line = socket.create_connection(("127.0.0.1", service.port), timeout=60)
        self._line.sendall(
            "POST /case/files HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Cookie: {cookies}\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(self._left)}\r\n\r\n".encode()
        )
        self._send(FIRST_BYTES)

    def drip(self) -> None:
        """Send a little, but never the end."""
        assert len(self._left) > DRIP_BYTES, "the test took too long"
        self._send(DRIP_BYTES)

    def finish(self) -> str:
        """Send what is left; return the first line of the answer."""
        self._send(len(self._left))
        with self._line.makefile("rb") as answer:
            return answer.readline().decode("ascii").strip()

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def _send(self, count: int) -> None:
        self._line.sendall(self._left[:count])
        self._left = self._left[count:]


@contextmanager
def dripping(service: Service, reporter: Visitor) -> Iterator[list[Drip]]:
    """Begin the slow uploads, and let the service read what there is."""
    with ExitStack() as stack:
        drips = []
        for number in range(UPLOADS):
            drips.append(Drip(service, reporter, f"lambat-{number}.bin"))
            stack.callback(drips[-1].close)
        # gpg starts when the first file of a form is whole, so it cannot be waited
        # for; each upload now holds a thread that waits for more.
        time.sleep(SETTLE_SECONDS)
        yield drips


def sealing(service: Service) -> int:
    """Count the gpg processes of the service."""
    names = [Path(f"/proc/{number}/comm") for number in service.members()]
    return sum(name.read_text() == "gpg\n" for name in names if name.exists())


def test_slow_uploads_stop_nobody(service: Service) -> None:
    """
    Beside twelve dripping uploads another visitor sees the first page and signs in
    promptly, and then the uploads arrive as well.
    """
    reporter, other = service.visitor(), service.visitor()
    reporter.draw_codename()
    reporter.send_report()
    codename = other.draw_codename()
    other.send_report()

    with dripping(service, reporter) as drips:
        for _ in range(10):
            for drip in drips:
                drip.drip()
            time.sleep(DRIP_SECONDS)
            began = time.monotonic()
            assert (
                200 == service.visitor(timeout_seconds=PROMPT_SECONDS).get("/").status
            )
            page = service.visitor(timeout_seconds=PROMPT_SECONDS).sign_in(codename)
            assert (200, True) == (page.status, "Judul uji" in page.text)
            assert time.monotonic() - began < PROMPT_SECONDS
        answers = [drip.finish() for drip in drips]

    assert ["HTTP/1.1 303 SEE OTHER"] * UPLOADS == answers
    sent = [item.files for item in service.opened_items() if item.files]
    assert [("second.bin", bytes(FILE_BYTES))] * UPLOADS == [files[1] for files in sent]
    names = [files[0][0] for files in sent]
    assert sorted(f"lambat-{number}.bin" for number in range(UPLOADS)) == sorted(names)


def test_slow_uploads_that_are_given_up(service: Service) -> None:
    """
    Uploads that were given up leave nothing behind, not even a process.
    """
    reporter = service.visitor()
    reporter.draw_codename()
    reporter.send_report()
    before = service.counts()

    with dripping(service, reporter):
        pass

    deadline = time.monotonic() + BEGIN_SECONDS
    while sealing(service):
        assert time.monotonic() < deadline, "gpg is still there"
        time.sleep(DRIP_SECONDS)
    assert before == service.counts()
    assert [] == list((service.directory / "spool").iterdir())
    assert 200 == reporter.get("/case/").status
