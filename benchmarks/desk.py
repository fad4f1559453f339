"""
The desk: importing against gpg alone on the same bytes, and pages of many cases.

gpg alone is one process for each item, one after the other, and what it opens goes
nowhere.  It opens the first half of the items before every import and the second half
after it, so that both have the same bytes and meet the same machine.  The time of a
page is the processor's: nothing but the desk is in it.  How much memory an import takes
is measured by `volume`.
"""

import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib import resources
from pathlib import Path

from support import reporters
from support.reporters import DAY, Reporter, Sealer, make_bundle
from support.screens import Screen
from support.server import Service

from benchmarks.figures import Figure, below, milliseconds
from benchmarks.reporters import BenchmarkFault
from casework.item import ATTACHMENT_BYTES, ItemKind
from casework.profile import shipped_profile
from casework.report import FIELD_CHARACTERS, Report
from casework.statistics import Quarter
from crypto.wordlist import load_wordlist
from journalist_app.workstation.desk import Desk, Institution, create_desk, open_desk
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.queueing import View

REPORTS = 1_000
ROUNDS_PER_BUNDLE = 3  # So that 15 rounds, the usual number, make 5,000 cases.
FILES = 40
IMPORT_LIMIT = 1.5
PAGE_LIMIT_MS = 100.0
LOOKS = 9
BEGINNINGS = ("me", "ke", "be", "pe", "di", "se", "te", "ka", "ba", "la", "ma", "na")
# A case that has more in it than any will have.
ITEMS_OF_LONG_CASE = 500


def measure(_service: Service, rounds: int) -> Iterator[Figure]:
    """Import a report each of many reporters, then open the pages officers live in."""
    calendar = resources.files("casework").joinpath("calendars/indonesia.csv")
    institution = Institution(shipped_profile(), calendar.read_text("utf-8"))
    with tempfile.TemporaryDirectory(prefix="bisik-bench-", dir="/var/tmp") as name:
        path = Path(name) / "desk"
        enrolment = create_desk(
            path,
            name="Petugas",
            email=None,
            passphrase=None,
            institution=institution,
            today=DAY,
            entropy=os.urandom,
        )
        sealer = Sealer.to(Path(name) / "sealer", enrolment.certificate.encode())
        with open_desk(path, passphrase=None, entropy=os.urandom) as desk:
            stream = _Stream(desk)
            bundles = range(-(-rounds // ROUNDS_PER_BUNDLE))
            yield from _imports(
                f"a report, {REPORTS} in a bundle",
                stream,
                (list(_reports(sealer, number)) for number in bundles),
            )
            yield from _imports(
                f"a file of 5 MB, {FILES} in a bundle",
                stream,
                (list(_files(sealer, number)) for number in bundles),
            )
            stream.carry(list(_long_case(sealer)))
            yield from _pages(desk, Path(name))


@dataclass(frozen=True)
class _Cost:
    """What one item took: by the clock, and of the processor, gpg included."""

    seconds: float
    processor_seconds: float


class _Stream:
    """What comes to a desk, bundle after bundle."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._through = 0

    def carry(self, items: Sequence[bytes]) -> _Cost:
        """Import items; return what that took for each."""
        after, self._through = self._through, self._through + len(items)
        bundle = make_bundle(dict(enumerate(items, start=after + 1)), after=after)
        return _cost(lambda: import_bundle(self.desk, bundle, today=DAY), of=len(items))


def _imports(
    what: str, stream: _Stream, bundles: Iterable[list[bytes]]
) -> Iterator[Figure]:
    imported, alone, ratios = [], [], []
    for items in bundles:
        half = len(items) // 2
        before = _gpg_alone(stream.desk, items[:half])
        imported.append(stream.carry(items))
        alone += [before, _gpg_alone(stream.desk, items[half:])]
        seconds = (before.seconds + alone[-1].seconds) / 2
        ratios.append(imported[-1].seconds / seconds)
    yield Figure(f"import of {what}", _written(imported))
    yield Figure("  the same by gpg alone", _written(alone))
    yield below("  ratio by the clock", statistics.median(ratios), IMPORT_LIMIT)
    yield Figure(
        f"  its least and largest of {len(ratios)}",
        f"{min(ratios):.2f} and {max(ratios):.2f}",
    )


def _written(costs: Sequence[_Cost]) -> str:
    seconds = statistics.median(cost.seconds for cost in costs)
    processor = statistics.median(cost.processor_seconds for cost in costs)
    return f"{milliseconds(seconds)}, processor {processor * 1000:.1f} ms"


def _cost(work: Callable[[], object], *, of: int) -> _Cost:
    begun, processor = time.perf_counter(), _processor_seconds()
    work()
    return _Cost(
        (time.perf_counter() - begun) / of, (_processor_seconds() - processor) / of
    )


def _processor_seconds() -> float:
    # Of this process and of the gpgs that have ended; the agent is in neither.
    return sum(os.times()[:4])


def _reports(sealer: Sealer, turn: int) -> Iterator[bytes]:
    words = load_wordlist("id").words
    chance = random.Random(turn)  # noqa: S311 - Words of sample reports.
    for number in range(REPORTS):
        reporters.REPORT = Report(
            title=" ".join(chance.sample(words, 6)),
            what=" ".join(chance.choices(words, k=120)),
        )
        yield sealer.seal(Reporter(f"pelapor {turn}/{number}").write())


def _files(sealer: Sealer, turn: int) -> Iterator[bytes]:
    """Seal 200 MB of one reporter, in as many items as the site makes of them."""
    reporter = Reporter(f"fotografer {turn}")
    for _ in range(FILES):
        file = os.urandom(ATTACHMENT_BYTES)
        yield sealer.seal(
            reporter.write(ItemKind.ATTACHMENTS, files=[("Foto.jpg", file)])
        )


def _long_case(sealer: Sealer) -> Iterator[bytes]:
    reporter = Reporter("pelapor yang rajin")
    yield sealer.seal(reporter.write())
    for number in range(1, ITEMS_OF_LONG_CASE):
        message = f"Kabar {number}: {'a' * (FIELD_CHARACTERS // 20)}"
        yield sealer.seal(reporter.write(ItemKind.MESSAGE, message=message))
    message = "a " * (FIELD_CHARACTERS // 2 - 1) + "a"
    yield sealer.seal(reporter.write(ItemKind.MESSAGE, message=message))


def _gpg_alone(desk: Desk, items: Sequence[bytes]) -> _Cost:
    """Return what gpg takes for one of *items*, a process for each."""
    home = str(desk.path / "gnupg")

    def open_all() -> None:
        for item in items:
            subprocess.run(
                ["gpg", "--homedir", home, "--batch", "--quiet", "--decrypt"],
                input=item,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=True,
            )

    return _cost(open_all, of=len(items))


def _pages(desk: Desk, folder: Path) -> Iterator[Figure]:
    screen = Screen(desk, stick=folder)
    first = screen.get("/").text.partition('href="/cases/')[2].partition('"')[0]
    long_case = case_name(Reporter("pelapor yang rajin").keys.case_id)
    words = load_wordlist("id").words
    for what, path in (
        *((f"queue, {view}", f"/?view={view}") for view in View),
        ("last page of all cases", "/?view=all&page=999999"),
        ("search for a word of a few cases", f"/search?q={words[7]}"),
        ("search for a name", f"/search?q={long_case}"),
        ("search for what many words begin with", "/search?q=me"),
        ("search for a word that a text is full of", "/search?q=a"),
        ("search for twelve beginnings", f"/search?q={'+'.join(BEGINNINGS)}"),
        ("search for what is no query", "/search?q=%22*+NEAR(+OR+-a:"),
        ("a case, with those like it", f"/cases/{first}"),
        (f"a case of {ITEMS_OF_LONG_CASE} items", f"/cases/{long_case}/"),
        ("statistics of a quarter", f"/statistics/?quarter={Quarter.of(DAY)}"),
    ):
        times = []
        for _ in range(LOOKS):
            begun = time.process_time()
            page = screen.get(path)
            times.append((time.process_time() - begun) * 1000)
            if page.status_code != HTTPStatus.OK:
                raise BenchmarkFault(f"{what}: answered {page.status_code}")
        yield below(
            f"{what}, median", statistics.median(times), PAGE_LIMIT_MS, unit=" ms"
        )
