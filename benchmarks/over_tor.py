"""
Over Tor: what each page costs a reporter, through six hops of a private network.

    a reporter's window --SOCKS--> tor --> 3 hops --> 3 hops --> tor --+
    a reporter's window, past tor --------------------------------Unix socket--> site

The same server answers both, at the pace of every day, so that what is without tor is
the yardstick of the same minute.  Relays, clients and the server share the cores of one
machine, and no cable is between them: the real network adds its distances.

Bytes are those of HTTP in the stream, both ways.  A round trip is counted for each
stream that is opened (BEGIN and CONNECTED) and for each request in it; a page of
32 KiB fits into a circuit's first window of cells and needs no more.  The client opens
a stream for each request and sends nothing before it stands.  Building a circuit is in
the seconds of the fresh one, and not in the round trips; the service's descriptor is
known already, and tor has circuits in store that it lengthens.  What fetching the
descriptor adds, once, is told for itself.
"""

import http.client
import io
import os
import re
import socket
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from stem import Signal
from stem.control import Controller, EventType
from stem.response.events import HSDescEvent
from support.circuits import circuit, proxy_line
from support.onions import Onions, running_onions, short_folder
from support.server import Service
from support.visitor import Page, Upload, Visitor, page_of

from benchmarks.figures import Figure, milliseconds
from benchmarks.pages import requests_for, write_pace
from benchmarks.reporters import BenchmarkFault, prepared_upload
from benchmarks.tor_cells import Cells, CellWatch, watching
from casework.item import ATTACHMENT_BYTES
from casework.profile import MEGABYTE
from ops.settings import PACE_MILLISECONDS
from tor.network import PrivateNetwork

TIMEOUT_SECONDS = 300.0
# What tor is told takes effect in a moment.
FORGETTING_SECONDS = 1.0
# Files in one form.
UPLOADS = (1, 8)
_WORD = re.compile(r"Kata nomor (\d)")

Open = Callable[[], socket.socket]


@dataclass
class Traffic:
    """What has gone over a line so far."""

    requests: int = 0
    streams: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    connecting_seconds: float = 0.0

    def since(self, before: "Traffic") -> "Traffic":
        """Return what was added."""
        return Traffic(
            self.requests - before.requests,
            self.streams - before.streams,
            self.sent_bytes - before.sent_bytes,
            self.received_bytes - before.received_bytes,
            self.connecting_seconds - before.connecting_seconds,
        )


class Line:
    """A way to the site on which everything is counted; a visitor's transport."""

    def __init__(self, host: str, open_stream: Open) -> None:
        self._host = host
        self._open = open_stream
        self.traffic = Traffic()

    def __call__(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Page:
        """Send a request in a stream of its own, and read until the site closes it."""
        fields = {
            "Host": self._host,
            **headers,
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        lines = [f"{method} {path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        sent = "\r\n".join([*lines, "", ""]).encode("ascii") + body
        received = bytearray()
        began = time.perf_counter()
        with self._open() as stream:
            connected = time.perf_counter()
            stream.settimeout(TIMEOUT_SECONDS)
            stream.sendall(sent)
            while piece := stream.recv(65536):
                received += piece
        was = self.traffic
        self.traffic = Traffic(
            was.requests + 1,
            was.streams + 1,
            was.sent_bytes + len(sent),
            was.received_bytes + len(received),
            was.connecting_seconds + connected - began,
        )
        return _page_in(bytes(received))


@dataclass(frozen=True)
class Sample:
    """One thing that a reporter did, from the press of a button to the page."""

    seconds: float
    traffic: Traffic
    fetched: int
    cells: Cells


Step = Callable[[str, Callable[[], Page]], Page]
Samples = Mapping[str, Sequence[Sample]]


def measure(service: Service, rounds: int) -> Iterator[Figure]:
    """Go a reporter's way, and send files, through Tor and past it."""
    folder = service.base / "over-tor"
    folder.mkdir()
    with (
        short_folder() as network_folder,
        PrivateNetwork(network_folder) as network,
        running_onions(folder, network, before_start=_keep_pace) as onions,
        watching(onions.reporter_tor.control_socket) as watch,
    ):
        numbers = count(1)
        direct, warm, fresh = (
            _gone(lines, rounds)
            for lines in (
                lambda: (_past_tor(onions, next(numbers)), None),
                lambda: _one_circuit(onions, watch, f"warm-{next(numbers)}"),
                lambda: (_many_circuits(onions, numbers), None),
            )
        )
        yield from _pages(direct, warm, fresh)
        yield from _journey(direct, warm, fresh)
        yield from _first_visits(onions, rounds, numbers)
        for files in UPLOADS:
            yield from _upload(onions, files, rounds, numbers)


def _keep_pace(service: Service) -> None:
    write_pace(service, PACE_MILLISECONDS)


# Ways to the site.


def _past_tor(onions: Onions, number: int) -> Line:
    """Go to the socket where tor would go, as a circuit of this number."""

    def open_stream() -> socket.socket:
        stream = socket.socket(socket.AF_UNIX)
        stream.connect(str(onions.onion.site_socket))
        stream.sendall(proxy_line(circuit(number)))
        return stream

    return Line(onions.site, open_stream)


def _one_circuit(
    onions: Onions, watch: CellWatch, user: str
) -> tuple[Line, Callable[[], Cells]]:
    """Go through one circuit, which stands already."""
    socks = onions.reporter(user)
    socks.connect_soon(onions.site, seconds=TIMEOUT_SECONDS).close()
    return Line(onions.site, lambda: socks.connect(onions.site)), lambda: watch.of(user)


def _many_circuits(onions: Onions, numbers: Iterator[int]) -> Line:
    """Go through a new circuit with each request."""
    return Line(
        onions.site,
        lambda: onions.reporter(f"fresh-{next(numbers)}").connect(onions.site),
    )


def _gone(
    lines: Callable[[], tuple[Line, Callable[[], Cells] | None]], rounds: int
) -> Samples:
    """Go the whole way some times, each time on a new line."""
    samples: dict[str, list[Sample]] = defaultdict(list)
    for _ in range(rounds):
        line, cells_now = lines()
        _walk(line, _recorder(line, cells_now, samples))
    return samples


def _recorder(
    line: Line,
    cells_now: Callable[[], Cells] | None,
    samples: dict[str, list[Sample]],
) -> Step:
    counted = cells_now or Cells
    cells = counted()

    def step(name: str, go: Callable[[], Page]) -> Page:
        nonlocal cells
        traffic, cells_before = line.traffic, cells
        began = time.perf_counter()
        page = go()
        seconds = time.perf_counter() - began
        if page.status != 200:
            raise BenchmarkFault(f"{name}: answered {page.status}")
        cells = counted()
        samples[name].append(
            Sample(
                seconds,
                line.traffic.since(traffic),
                requests_for(page.body),
                cells - cells_before,
            )
        )
        return page

    return step


def _walk(line: Line, step: Step) -> None:
    """Report, and come back, as a reporter does who reads everything."""
    window = Visitor(line)
    step("home", lambda: window.get("/"))
    step("questions and answers", lambda: window.get("/faq"))
    page = step("before a report", lambda: window.get("/report/start"))
    fields = page.hidden("/report/start")
    page = step("codename", lambda: window.post("/report/start", fields))
    found = re.search(r'class="line">([^<]+)<', page.text)
    if found is None:
        raise BenchmarkFault("no codename was shown")
    words = found[1].split()
    page = step("two words of it", lambda: window.get("/report/retype"))
    first, second = (words[int(one) - 1] for one in _WORD.findall(page.text)[-2:])
    retyped = {**page.hidden("/report/retype")}
    retyped |= {"first_word": first, "second_word": second}
    page = step("report, first step", lambda: window.post("/report/retype", retyped))
    for name, answers in (
        (
            "report, second step",
            {
                "title": "Judul uji di sini",
                "what": "Sebagian bantuan tidak sampai. " * 30,
            },
        ),
        ("report, third step", {"where": "Desa Contoh", "when": "Maret 2026"}),
        ("check", {"risk": "Sedikit yang tahu"}),
        ("acknowledgement", {}),
    ):
        content = {**page.hidden("/report/write"), **answers, "go": _GO[name]}
        page = step(name, lambda: window.post("/report/write", content))  # noqa: B023 - Called at once.
    if "sudah kami terima" not in page.text:
        raise BenchmarkFault("the report was not acknowledged")
    again = Visitor(line)
    page = step("sign-in", lambda: again.get("/case/sign-in"))
    signed = {**page.hidden("/case/sign-in"), "codename": " ".join(words)}
    step("case, after sign-in", lambda: again.post("/case/sign-in", signed))
    step("case", lambda: again.get("/case/"))


_GO = {
    "report, second step": "details",
    "report, third step": "care",
    "check": "check",
    "acknowledgement": "send",
}


def _page_in(received: bytes) -> Page:
    head, _end, body = received.partition(b"\r\n\r\n")
    status, _line, fields = head.partition(b"\r\n")
    headers = http.client.parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
    if len(body) != int(headers.get("Content-Length", "-1")):
        raise BenchmarkFault(f"an answer came in part: {status!r}")
    return page_of(int(status.split()[1]), headers.items(), body)


# What is told.


def _pages(direct: Samples, warm: Samples, fresh: Samples) -> Iterator[Figure]:
    for name, seen in warm.items():
        yield Figure(
            f"over tor: {name}",
            f"{_weight(seen)}; warm {_time(seen)}, "
            f"fresh {_time(fresh[name])}, without tor {_time(direct[name])}",
        )


def _weight(seen: Sequence[Sample]) -> str:
    """Write requests, round trips, bytes and cells of one page."""

    def middle(of: Callable[[Sample], int]) -> int:
        return round(statistics.median(map(of, seen)))

    requests = middle(lambda one: one.traffic.requests + one.fetched - 1)
    return (
        f"{requests} req., "
        f"{middle(lambda one: one.traffic.requests + one.traffic.streams)} trips, "
        f"{middle(lambda one: one.traffic.sent_bytes):,} + "
        f"{middle(lambda one: one.traffic.received_bytes):,} bytes, "
        f"{middle(lambda one: one.cells.to_service)} + "
        f"{middle(lambda one: one.cells.from_service)} cells"
    )


def _time(seen: Sequence[Sample]) -> str:
    return milliseconds(statistics.median(one.seconds for one in seen))


def _journey(direct: Samples, warm: Samples, fresh: Samples) -> Iterator[Figure]:
    pages = len(warm)
    whole = [_sum(journey) for journey in zip(*warm.values(), strict=True)]
    yield Figure(f"over tor: all {pages} pages", _weight(whole))
    times = {
        name: statistics.median(
            sum(one.seconds for one in journey)
            for journey in zip(*samples.values(), strict=True)
        )
        for name, samples in (("warm", warm), ("fresh", fresh), ("direct", direct))
    }
    yield Figure(
        "  their time, one warm circuit; a fresh one each request; without tor",
        f"{times['warm']:.1f} s; {times['fresh']:.1f} s; {times['direct']:.1f} s",
    )
    yield Figure(
        "  ratios to without tor, warm and fresh",
        f"{times['warm'] / times['direct']:.2f}, "
        f"{times['fresh'] / times['direct']:.2f}",
    )
    for name, samples in (("warm", warm), ("fresh", fresh)):
        opening = statistics.median(
            one.traffic.connecting_seconds / one.traffic.streams
            for seen in samples.values()
            for one in seen
        )
        yield Figure(f"  opening of a stream, {name} circuit", milliseconds(opening))


def _sum(journey: Sequence[Sample]) -> Sample:
    """Make one sample of all steps of a journey."""

    def total(of: Callable[[Sample], int]) -> int:
        return sum(map(of, journey))

    return Sample(
        sum(one.seconds for one in journey),
        Traffic(
            total(lambda one: one.traffic.requests),
            total(lambda one: one.traffic.streams),
            total(lambda one: one.traffic.sent_bytes),
            total(lambda one: one.traffic.received_bytes),
        ),
        1 + total(lambda one: one.fetched - 1),
        Cells(
            total(lambda one: one.cells.to_service),
            total(lambda one: one.cells.from_service),
        ),
    )


def _first_visits(
    onions: Onions, rounds: int, numbers: Iterator[int]
) -> Iterator[Figure]:
    """Open the site as somebody whose tor has never heard of it, and once more."""
    never: list[float] = []
    known: list[float] = []
    with _fetching(onions.reporter_tor.control_socket) as fetching:
        for _ in range(rounds):
            fetching.forget()
            for seconds in (never, known):
                window = Visitor(_many_circuits(onions, numbers))
                began = time.perf_counter()
                if window.get("/").status != 200:
                    raise BenchmarkFault("the first visit was refused")
                seconds.append(time.perf_counter() - began)
                if fetching.fetched != 1:
                    raise BenchmarkFault("the first visit alone fetches the descriptor")
    first, again = statistics.median(never), statistics.median(known)
    yield Figure(
        "over tor: home, its address just typed; the descriptor known already",
        f"{milliseconds(first)}; {milliseconds(again)}",
    )
    yield Figure("  ratio of their times", f"{first / again:.1f}")


@dataclass
class _Fetching:
    """What a client's tor fetches of the descriptors of services."""

    controller: Controller
    fetched: int = 0

    def hear(self, event: HSDescEvent) -> None:
        """Count one that has come."""
        self.fetched += event.action == "RECEIVED"

    def forget(self) -> None:
        """Let tor forget those that it has, and begin to count anew."""
        # Tor holds the signal back when it comes too often.
        time.sleep(self.controller.get_newnym_wait())
        self.controller.signal(Signal.NEWNYM)
        time.sleep(FORGETTING_SECONDS)
        self.fetched = 0


@contextmanager
def _fetching(control_socket: Path) -> Iterator[_Fetching]:
    with Controller.from_socket_file(str(control_socket)) as controller:
        controller.authenticate()
        fetching = _Fetching(controller)
        controller.add_event_listener(fetching.hear, EventType.HS_DESC)
        yield fetching


def _upload(
    onions: Onions, files: int, rounds: int, numbers: Iterator[int]
) -> Iterator[Figure]:
    """Send the same files through one circuit and past it, in turn."""
    megabytes = files * ATTACHMENT_BYTES / MEGABYTE
    through: list[float] = []
    past: list[float] = []
    for _ in range(rounds):
        socks = onions.reporter(f"upload-{next(numbers)}")
        over_tor = Line(onions.site, lambda: socks.connect(onions.site))  # noqa: B023 - Used in this round.
        for line, seconds in (
            (_past_tor(onions, next(numbers)), past),
            (over_tor, through),
        ):
            visitor = Visitor(line)
            visitor.draw_codename()
            visitor.send_report()
            content = [
                Upload(f"berkas-{number}.bin", os.urandom(ATTACHMENT_BYTES))
                for number in range(files)
            ]
            seconds.append(prepared_upload(visitor, *content)().seconds)
    tor, direct = statistics.median(through), statistics.median(past)
    yield Figure(
        f"upload of {files} x 5 MB over tor; without tor",
        f"{tor:.2f} s, {megabytes / tor:.1f} MB/s; "
        f"{direct:.2f} s, {megabytes / direct:.1f} MB/s",
    )
    yield Figure("  ratio of their times", f"{tor / direct:.1f}")
