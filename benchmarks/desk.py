"""The desk: importing against gpg alone on the same bytes, and pages of many cases."""

import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from support import reporters
from support.reporters import DAY, Reporter, Sealer, make_bundle
from support.screens import Screen
from support.server import Service

from benchmarks.figures import Figure, below, milliseconds
from casework.profile import shipped_profile
from casework.report import Report
from crypto.wordlist import load_wordlist
from journalist_app.workstation.desk import Desk, Institution, create_desk, open_desk
from journalist_app.workstation.importing import import_bundle

CASES_PER_ROUND = 330  # 15 rounds, the usual number, make some 5,000 cases.
YARDSTICK_ITEMS = 300
IMPORT_LIMIT = 1.5
PAGE_LIMIT_MS = 100.0


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
        items = dict(enumerate(_reports(sealer, rounds * CASES_PER_ROUND), start=1))
        with open_desk(path, passphrase=None, entropy=os.urandom) as desk:
            bundle = make_bundle(items)
            alone = _gpg_seconds(desk, list(items.values())[:YARDSTICK_ITEMS])
            begun = time.perf_counter()
            import_bundle(desk, bundle, today=DAY)
            each = (time.perf_counter() - begun) / len(items)
            yield Figure(f"import of {len(items)} reports, each", milliseconds(each))
            yield Figure("the same by gpg alone, each", milliseconds(alone))
            yield below("ratio of the two", each / alone, IMPORT_LIMIT)
            yield from _pages(desk, Path(name))


def _reports(sealer: Sealer, count: int) -> Iterator[bytes]:
    words = load_wordlist("id").words
    chance = random.Random(1)  # noqa: S311 - Words of sample reports.
    for number in range(count):
        reporters.REPORT = Report(
            title=" ".join(chance.sample(words, 6)),
            what=" ".join(chance.choices(words, k=120)),
        )
        yield sealer.seal(Reporter(f"pelapor {number}").write())


def _gpg_seconds(desk: Desk, items: list[bytes]) -> float:
    """Return how long gpg takes for one of *items*, a process for each."""
    home = str(desk.path / "gnupg")
    begun = time.perf_counter()
    for item in items:
        subprocess.run(
            ["gpg", "--homedir", home, "--batch", "--quiet", "--decrypt"],
            input=item,
            capture_output=True,
            check=True,
        )
    return (time.perf_counter() - begun) / len(items)


def _pages(desk: Desk, folder: Path) -> Iterator[Figure]:
    screen = Screen(desk, stick=folder)
    first = screen.get("/").text.partition('href="/cases/')[2].partition('"')[0]
    words = load_wordlist("id").words
    for what, path in (
        ("queue", "/"),
        ("last page of all cases", "/?view=all&page=999999"),
        ("search for a word", f"/search?q={words[7]}"),
        ("a case", f"/cases/{first}"),
    ):
        times = []
        for _ in range(9):
            begun = time.perf_counter()
            screen.get(path)
            times.append((time.perf_counter() - begun) * 1000)
        yield below(
            f"{what}, median", statistics.median(times), PAGE_LIMIT_MS, unit=" ms"
        )
