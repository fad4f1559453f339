"""
Volume: does memory grow with how much is carried to a desk?

    PYTHONPATH=tests .venv/bin/python -m benchmarks 1 volume
    PYTHONPATH=tests .venv/bin/python -m benchmarks.volume [ITEMS MEGABYTES] ...

    dead drop --courier's process--> pipe --desk's process--> a new desk

Every pair makes a dead drop with so many items that hold so many megabytes in all, and
carries them to a new desk, each side in a process of its own.  What is printed is the
peak of resident memory of each (VmHWM), and for the desk also the peak of what it and
the gpgs that it started had together (PSS).

As a part of the benchmarks, 100 items of 20 MB in all are compared with 1,000 of 200
MB.  By itself it compares 1,000 of 500 MB with 10,000 of 5 GB; that takes a quarter of
an hour, and 11 GB below /var/tmp.

docs/performance.md says what the figures mean.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO

from support.reporters import DAY, Reporter, Sealer
from support.server import Service

from benchmarks import machine
from benchmarks.figures import Figure, below, render
from benchmarks.footprint import Footprint
from casework.item import ItemKind
from casework.profile import MEGABYTE, shipped_profile
from deaddrop import DeadDrop, KnownDummies, SealedItem, migrate, open_deaddrop
from deaddrop.intake import store_item
from journalist_app.courier.bundles import announce, write_announced
from journalist_app.workstation.desk import Institution, create_desk, open_desk
from journalist_app.workstation.importing import import_bundle

DISK = "/var/tmp"  # noqa: S108 - a folder of our own is made in it.
LITTLE, MUCH = (100, 20), (1_000, 200)
PAIRS = ("1000", "500", "10000", "5000")
GROWTH_LIMIT_MB = 24.0
SEALED_AT_ONCE = 2
# An archive's headers, its end and a message take less than that.
FRAME_BYTES = 8 * 1024
ACCEPTED_AT_ONCE = 100


@dataclass(frozen=True)
class Side:
    """What one side took for it."""

    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Carried:
    """
    What carrying so much took.

    Attributes:
        family_mb: The peak of the desk and its gpgs together.
    """

    items: int
    megabytes: int
    desk: Side
    courier: Side
    family_mb: float

    def figures(self) -> Iterator[Figure]:
        """Write it down."""
        what = f"{self.items} items, {self.megabytes} MB"
        yield Figure(f"{what}: peak of the desk", f"{self.desk.peak_mb:.0f} MB")
        yield Figure(f"{what}: of the desk and its gpgs", f"{self.family_mb:.0f} MB")
        yield Figure(f"{what}: peak of the courier", f"{self.courier.peak_mb:.0f} MB")
        yield Figure(f"{what}: time of the import", f"{self.desk.seconds:.0f} s")


def measure(_service: Service, _rounds: int) -> Iterator[Figure]:
    """Carry a little and ten times as much, each to a new desk, and compare."""
    little, much = _carry(*LITTLE), _carry(*MUCH)
    yield from little.figures()
    yield from much.figures()
    for what, growth_mb in (
        ("the desk", much.desk.peak_mb - little.desk.peak_mb),
        ("the courier", much.courier.peak_mb - little.courier.peak_mb),
    ):
        yield below(
            f"more memory of {what} for ten times as much",
            growth_mb,
            GROWTH_LIMIT_MB,
            unit=" MB",
        )


def main(arguments: Sequence[str]) -> None:
    """Carry every pair of numbers, or be one of the two sides."""
    if arguments and arguments[0] in _SIDES:
        _SIDES[arguments[0]](Path(arguments[1]))
        return
    numbers = [int(one) for one in arguments or PAIRS]
    sys.stdout.write(f"{machine.describe()}\n\n")
    figures: list[Figure] = []
    for items, megabytes in zip(numbers[::2], numbers[1::2], strict=True):
        figures += _carry(items, megabytes).figures()
    sys.stdout.write(f"{render(figures)}\n")


def _carry(items: int, megabytes: int) -> Carried:
    with tempfile.TemporaryDirectory(prefix="bisik-bench-", dir=DISK) as name:
        folder = Path(name)
        _fill(folder, items, megabytes * MEGABYTE // items)
        with (
            _side("courier", folder, stdout=subprocess.PIPE) as courier,
            _side("desk", folder, stdin=courier.stdout) as desk,
            Footprint(lambda: _family(desk.pid)) as footprint,
        ):
            # Nobody but the desk holds the reading end, so the courier notices its end.
            if courier.stdout:
                courier.stdout.close()
            by_desk, by_courier = _told(desk), _told(courier)
    return Carried(
        items, megabytes, by_desk, by_courier, footprint.peak_bytes / MEGABYTE
    )


def _side(
    side: str,
    folder: Path,
    *,
    stdout: int | None = None,
    stdin: IO[bytes] | None = None,
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.volume", side, str(folder)],
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


def _family(process: int) -> list[int]:
    """Return a process and those that it has started."""
    family = [process]
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            children = (thread / "children").read_text(encoding="ascii")
            family += map(int, children.split())
    return family


def _told(process: "subprocess.Popen[bytes]") -> Side:
    said = process.stderr.read().decode() if process.stderr else ""
    if process.wait():
        raise RuntimeError(f"a side failed: {said}")
    return Side(*map(float, said.split()[-2:]))


def _tell(began: float) -> None:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    sys.stderr.write(f"{time.perf_counter() - began} {peak_kib / 1024}\n")


def _fill(folder: Path, items: int, item_bytes: int) -> None:
    """Make a desk, and a dead drop with items for it."""
    calendar = resources.files("casework").joinpath("calendars/indonesia.csv")
    enrolment = create_desk(
        folder / "desk",
        name="Petugas",
        email=None,
        passphrase=None,
        institution=Institution(shipped_profile(), calendar.read_text("utf-8")),
        today=DAY,
        entropy=os.urandom,
    )
    sealer = Sealer.to(folder / "sealer", enrolment.certificate.encode())
    migrate(_url(folder))
    with (
        closing(_drop(folder)) as drop,
        ThreadPoolExecutor(SEALED_AT_ONCE) as pool,
    ):
        drop.create_installation(os.urandom, day=DAY)
        for start in range(0, items, ACCEPTED_AT_ONCE):
            numbers = range(start, min(items, start + ACCEPTED_AT_ONCE))
            sealed = pool.map(
                lambda number: sealer.seal(_item(number, item_bytes)), numbers
            )
            with drop.mailbox.changing() as change:
                for one in sealed:
                    store_item(change.connection, _as_sealed_item(one), day=DAY)


def _item(number: int, item_bytes: int) -> bytes:
    """Write an item of about so many bytes; every tenth is of another reporter."""
    file = os.urandom(max(1, item_bytes - FRAME_BYTES))
    reporter = Reporter(f"pelapor {number // 10}")
    return reporter.write(ItemKind.ATTACHMENTS, files=[("Berkas.bin", file)])


def _as_sealed_item(sealed: bytes) -> SealedItem:
    return SealedItem(len(sealed), hashlib.sha256(sealed).digest(), lambda: [sealed])


def _be_courier(folder: Path) -> None:
    began = time.perf_counter()
    with closing(_drop(folder)) as drop:
        manifest = announce(drop, after=0)
        write_announced(drop, manifest, sys.stdout.buffer.write, today=DAY)
    sys.stdout.buffer.flush()
    _tell(began)


def _be_desk(folder: Path) -> None:
    began = time.perf_counter()
    with open_desk(folder / "desk", passphrase=None, entropy=os.urandom) as desk:
        report = import_bundle(desk, sys.stdin.buffer, today=DAY)
    if not report.complete:
        raise RuntimeError("the bundle did not arrive whole")
    _tell(began)


_SIDES = {"courier": _be_courier, "desk": _be_desk}


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'deaddrop.sqlite'}"


def _drop(folder: Path) -> DeadDrop:
    known = KnownDummies(folder / "known-dummies", entropy=os.urandom)
    return open_deaddrop(_url(folder), known_dummies=known, entropy=os.urandom)


if __name__ == "__main__":
    main(sys.argv[1:])
