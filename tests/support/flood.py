"""A flood on many circuits: of guesses, and of uploads that send next to nothing."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from support.circuits import circuit, proxy_line, visitor_on
from support.visitor import Upload, Visitor, multipart

LARGE_BYTES = 4 * 1024 * 1024
SENT_BYTES = 100_000
END_SECONDS = 120.0


@dataclass
class Flood:
    """
    Circuits that guess codenames as fast as they are answered.

    Attributes:
        answers: How often each status was the answer.
    """

    path: Path
    over: threading.Event = field(default_factory=threading.Event)
    answers: Counter[int] = field(default_factory=Counter)

    def guess(self, number: int) -> None:
        """Sign in without end."""
        hostile = visitor_on(self.path, number)
        # The service may be killed in the midst of it.
        with suppress(OSError, HTTPException):
            form = hostile.get("/case/sign-in").hidden("/case/sign-in")
            content = {**form, "codename": f"kata {number}"}
            while not self.over.is_set():
                page = hostile.post("/case/sign-in", content, follow=False)
                self.answers[page.status] += 1


@contextmanager
def flooding(path: Path, circuits: Sequence[int], *, each: int = 2) -> Iterator[Flood]:
    """
    Let guesses come on many circuits.

    Args:
        path: Where the service listens.

        circuits: Numbers of the circuits.

        each: How many requests each has under way.
    """
    flood = Flood(path)
    threads = [
        threading.Thread(target=flood.guess, args=(number,))
        for number in circuits
        for _ in range(each)
    ]
    for thread in threads:
        thread.start()
    try:
        yield flood
    finally:
        flood.over.set()
        for thread in threads:
            thread.join(END_SECONDS)


@contextmanager
def dripping(path: Path, hostile: Visitor, circuits: Sequence[int]) -> Iterator[None]:
    """Hold uploads of one reporter open on many circuits, which send no more."""
    form = hostile.get("/case/").hidden("/case/files")
    content_type, body = multipart(form, [Upload("x.bin", bytes(LARGE_BYTES))])
    cookies = "; ".join(f"{key}={value}" for key, value in hostile.cookies.items())
    with ExitStack() as stack:
        for number in circuits:
            line = stack.enter_context(socket.socket(socket.AF_UNIX))
            line.connect(str(path))
            line.sendall(
                proxy_line(circuit(number))
                + "POST /case/files HTTP/1.1\r\nHost: site.onion\r\n"
                f"Cookie: {cookies}\r\nContent-Type: {content_type}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body[:SENT_BYTES]
            )
        yield
