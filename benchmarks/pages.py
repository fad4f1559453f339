"""
Pages: what somebody who watches the circuit can tell of the page that was opened.

    12 kinds of pages --> bytes and seconds of each --> whose nearest neighbour is it?

The bytes are counted on the socket, headers and all.  The classifier is given away
for free what it would have to guess: where one request ends and the next begins, no
jitter of a circuit, and other samples of the same installation to compare with.
"""

import re
import socket
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from support.answering import leave_answer
from support.server import Service
from support.visitor import FORM_TYPE, Visitor

from benchmarks.figures import Figure, spread
from benchmarks.reporters import new_reporter, new_visitor
from casework.reply import Letter, ReplyKind
from ops.settings import PACE_MILLISECONDS

TIMEOUT_SECONDS = 60
# What a browser would fetch besides the page itself.
_FETCHED = re.compile(
    rb"<script[^>]+src|<img[^>]+src=\"(?!data:)|<link[^>]+href=\"(?!data:)|url\(|@import"
)


@dataclass(frozen=True)
class Sample:
    """One answer, as it is seen from outside."""

    size_bytes: int
    seconds: float
    requests: int


Ask = Callable[[], Sample]


def measure(service: Service, rounds: int) -> Iterator[Figure]:
    """Open every kind of page, with and without pace; sizes, times, a classifier."""
    for pace in (PACE_MILLISECONDS, 0):
        set_pace(service, pace)
        kinds = _kinds(service)
        samples: dict[str, list[Sample]] = defaultdict(list)
        for _ in range(rounds):
            for kind, ask in kinds.items():
                samples[kind].append(ask())
        if pace:
            yield from _sizes(samples)
        yield from _classified(samples, f"pace {pace} ms")
    set_pace(service, 0)


def _sizes(samples: Mapping[str, Sequence[Sample]]) -> Iterator[Figure]:
    for kind, seen in samples.items():
        sizes = sorted({one.size_bytes for one in seen})
        yield Figure(
            f"page: {kind}",
            f"{max(one.requests for one in seen)} request, "
            f"{', '.join(map(str, sizes))} bytes, "
            f"{spread([one.seconds for one in seen])}",
            "1 request, 1 size",
            len(sizes) == 1 and all(one.requests == 1 for one in seen),
        )
    distinct = {one.size_bytes for seen in samples.values() for one in seen}
    yield Figure(
        "distinct sizes of all pages", f"{len(distinct)}", "1", len(distinct) == 1
    )


def _classified(samples: Mapping[str, Sequence[Sample]], name: str) -> Iterator[Figure]:
    guess = 1 / len(samples)
    by_size = _accuracy(samples, lambda one: (float(one.size_bytes), 0.0))
    by_both = _accuracy(samples, lambda one: (float(one.size_bytes), one.seconds))
    right, wrong = (
        statistics.median(one.seconds for one in samples[kind])
        for kind in ("sign-in accepted", "sign-in refused")
    )
    yield Figure(
        f"page kinds told apart by size, {name}",
        f"{by_size:.0%} (guessing: {guess:.0%})",
        "no better than guessing",
        by_size <= guess,
    )
    yield Figure(
        f"page kinds told apart by size and time, {name}",
        f"{by_both:.0%} (guessing: {guess:.0%})",
    )
    yield Figure(
        f"sign-in accepted less refused, {name}", f"{(right - wrong) * 1000:+.1f} ms"
    )


def _accuracy(
    samples: Mapping[str, Sequence[Sample]],
    place: Callable[[Sample], tuple[float, float]],
) -> float:
    """
    Return how often the nearest other sample is of the same kind.

    Where several are equally near, the share of them that is.
    """
    points = [(kind, place(one)) for kind, seen in samples.items() for one in seen]
    scale = [
        statistics.pstdev([point[axis] for _kind, point in points]) or 1.0
        for axis in (0, 1)
    ]
    hits = 0.0
    for index, (kind, point) in enumerate(points):
        distances = [
            (
                sum(
                    ((point[axis] - other[axis]) / scale[axis]) ** 2 for axis in (0, 1)
                ),
                other_kind,
            )
            for other_index, (other_kind, other) in enumerate(points)
            if other_index != index
        ]
        nearest = min(distance for distance, _kind in distances)
        ties = [other for distance, other in distances if distance <= nearest]
        hits += ties.count(kind) / len(ties)
    return hits / len(points)


def _kinds(service: Service) -> dict[str, Ask]:
    """Prepare twelve kinds of pages, each for as many askings as wanted."""
    waiting, codename = new_reporter(service)
    answered, _ = new_reporter(service)
    item = service.opened_items()[-1]
    letter = Letter(
        kind=ReplyKind.ANSWER,
        day=service.today,
        language="id",
        text="Kata uji, " * 99 + "selesai.",
    )
    with service.opened() as server:
        desk_id = server.drop.officers.list()[0].desk_id
        leave_answer(server.drop, item, letter, desk_id=desk_id)
    writer = new_visitor(service)
    writer.draw_codename()
    stranger = new_visitor(service)
    sign_in = stranger.get("/case/sign-in").hidden("/case/sign-in")
    form = writer.get("/report/write").hidden("/report/write")
    report = {**form, "title": "Judul uji di sini", "what": "Kata uji. " * 99}

    def get(visitor: Visitor, path: str) -> Ask:
        return lambda: _exchange(service, visitor, "GET", path)

    def post(visitor: Visitor, path: str, fields: Mapping[str, str]) -> Ask:
        return lambda: _exchange(service, visitor, "POST", path, fields)

    return {
        "home": get(stranger, "/"),
        "questions and answers": get(stranger, "/faq"),
        "safety": get(stranger, "/safety"),
        "before a report": get(stranger, "/report/start"),
        "form": get(writer, "/report/write"),
        "check": post(writer, "/report/write", {**report, "go": "check"}),
        "sign-in": get(stranger, "/case/sign-in"),
        "sign-in refused": post(
            stranger, "/case/sign-in", {**sign_in, "codename": "satu dua tiga"}
        ),
        "sign-in accepted": post(
            stranger, "/case/sign-in", {**sign_in, "codename": codename}
        ),
        "case without an answer": get(waiting, "/case/"),
        "case with an answer": get(answered, "/case/"),
        "no such page": get(stranger, "/nothing-here"),
    }


def _exchange(
    service: Service,
    visitor: Visitor,
    method: str,
    path: str,
    fields: Mapping[str, str] | None = None,
) -> Sample:
    """Send one request, and count all bytes that come back until the end."""
    body = urlencode(fields or {}).encode("ascii")
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Cookie: {cookies}\r\nContent-Type: {FORM_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    began = time.perf_counter()
    received = bytearray()
    with socket.create_connection(
        ("127.0.0.1", service.port), timeout=TIMEOUT_SECONDS
    ) as connection:
        connection.sendall(head.encode("ascii") + body)
        while piece := connection.recv(65536):
            received += piece
    seconds = time.perf_counter() - began
    return Sample(len(received), seconds, requests_for(bytes(received)))


def requests_for(page: bytes) -> int:
    """Count what a browser asks for to show a page: the page, and all it names."""
    return 1 + len(_FETCHED.findall(page))


def set_pace(service: Service, milliseconds: int) -> None:
    """Change when answers leave, and start the service anew."""
    write_pace(service, milliseconds)
    service.stop()
    service.start()


def write_pace(service: Service, milliseconds: int) -> None:
    """Change when answers leave, of a service that is not yet started."""
    settings = Path(service.directory / "bisik.toml")
    text = settings.read_text(encoding="utf-8")
    changed = re.sub(
        r"^pace_milliseconds = \d+$",
        f"pace_milliseconds = {milliseconds}",
        text,
        flags=re.M,
    )
    settings.write_text(changed, encoding="utf-8")
