"""
What a backup takes, and what several of them tell.

    PYTHONPATH=tests python -m benchmarks.backups

Two things are measured, on dead drops made for it:

* time and memory of making and of verifying a backup, at two sizes;
* how well somebody who has a week of opened backups tells real rows of the mailbox from
  dummies: by a change between two of them, and by several changes (ADR 0003, ADR 0028).
"""

import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from support.backups import Operator, an_operator
from support.deaddrop_samples import DAY, new_slot, rewrite, sealed_item

from deaddrop import DeadDrop, KnownDummies, SlotWrite, open_deaddrop
from deaddrop.migrating import migrate
from ops.backups.making import make_backup
from ops.backups.verifying import verify_backup
from ops.edge import Edge
from ops.server import create_server, open_server

MEBIBYTE = 1024 * 1024
SIZES_MEBIBYTES = (16, 256)
ITEM_BYTES = MEBIBYTE
DAYS = 7
WORLDS = 20


def main() -> None:
    """Print both tables."""
    print("| dead drop | make | memory | verify |", "|---|---|---|---|", sep="\n")  # noqa: T201
    with an_operator() as operator:
        for size in SIZES_MEBIBYTES:
            _print_cost(size, operator)
    print("\n| seen in a week of daily backups | real |", "|---|---|", sep="\n")  # noqa: T201
    once, often = [], []
    for seed in range(WORLDS):
        changed_once, changed_often = _week(random.Random(seed))  # noqa: S311 - Seeded.
        once += changed_once
        often += changed_often
    for name, found in (("a row changed once", once), ("twice or more", often)):
        print(f"| {name} | {statistics.mean(found):.0%} of {len(found)} |")  # noqa: T201


def _print_cost(size_mebibytes: int, operator: Operator) -> None:
    with tempfile.TemporaryDirectory(prefix="bisik-bench-") as name:
        base = Path(name)
        edge = Edge()
        create_server(base / "server", edge)
        with open_server(base / "server", edge) as server:
            for _ in range(size_mebibytes):
                server.drop.intake.accept(
                    sealed_item(os.urandom(ITEM_BYTES)), writes=[], day=DAY
                )
        (base / "backups").mkdir()

        def make() -> None:
            make_backup(
                base / "server",
                edge,
                folder=base / "backups",
                certificates=[operator.certificate.read_bytes()],
                onion=None,
                keep_days=1,
            )

        seconds, memory = _measured(make)
        (made,) = (base / "backups").iterdir()
        opened = operator.open(made, base / "opened.tar")

        def verify() -> None:
            with opened.open("rb") as stream:
                verify_backup(stream)

        verify_seconds, _memory = _measured(verify)
    print(  # noqa: T201
        f"| {size_mebibytes} MiB | {seconds:.1f} s | {memory} MiB "
        f"| {verify_seconds:.1f} s |"
    )


def _measured(work: Callable[[], None]) -> tuple[float, int]:
    """Run in a process of its own; return seconds, and the most memory it had."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        begun = time.monotonic()
        work()
        # The process and its largest descendant: the owner's half, or gpg.
        most = sum(
            resource.getrusage(who).ru_maxrss
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        os.write(writing, f"{time.monotonic() - begun} {most // 1024}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    seconds, memory = os.read(reading, 100).split()
    return float(seconds), int(memory)


def _week(chance: random.Random) -> tuple[list[bool], list[bool]]:
    """
    Let reporters come for a week, and guess from its copies which rows are real.

    Returns:
        For every row that changed on one day, and on several, whether it is real.
    """
    with tempfile.TemporaryDirectory(prefix="bisik-bench-", dir="/dev/shm") as name:
        url = f"sqlite:///{Path(name) / 'deaddrop.sqlite'}"
        migrate(url)
        known = KnownDummies(Path(name) / "dummies", entropy=chance.randbytes)
        drop = open_deaddrop(url, known_dummies=known, entropy=chance.randbytes)
        drop.create_installation(chance.randbytes, day=DAY)
        real: list[SlotWrite] = []
        seen: list[dict[int, bytes]] = []
        for day in range(-20, DAYS):
            # Three reporters come for the first time, and six again.
            for write in chance.sample(real, min(6, len(real))):
                again = rewrite(write, chance.randbytes)
                real[real.index(write)] = again
                drop.mailbox.write([again], day=DAY)
            for _ in range(3):
                real.append(new_slot(chance.randbytes))
                drop.mailbox.write([real[-1]], day=DAY)
            drop.tidy(DAY)
            if day >= 0:
                seen.append(_by_place(drop, "CAST(slot || sealed AS BLOB)"))
        places = _by_place(drop, "slot")
        drop.close()
    names = {write.slot for write in real}
    once: list[bool] = []
    often: list[bool] = []
    for place, slot in places.items():
        changes = sum(
            earlier.get(place) != later.get(place) for earlier, later in pairwise(seen)
        )
        if changes:
            (once if changes == 1 else often).append(slot in names)
    return once, often


def _by_place(drop: DeadDrop, what: str) -> dict[int, bytes]:
    """Read the mailbox, as somebody with a backup does."""
    with drop.database.reading() as connection:
        rows = connection.exec_driver_sql(f"SELECT place, {what} FROM mailbox")  # noqa: S608
        return {place: content for place, content in rows}  # noqa: C416


if __name__ == "__main__":
    main()
