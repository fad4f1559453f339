"""
The server keeps no list of reporters.

The attacker has a copy of the database and nothing else.  They know how Bisik works,
they may count, measure and compare, and they have a good classifier; what they find
out must be what they could have guessed.
"""

import contextlib
import datetime
import itertools
import math
import random
import re
import shutil
import sqlite3
import statistics
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.noise import signs_of_life
from support.postgres import PostgresServer
from support.site import TODAY, Keys, Site, running_site
from support.visitor import Upload, Visitor

from crypto.replies import seal_reply
from crypto.slots import state_slot

pytestmark = [pytest.mark.journey, pytest.mark.slow]

SEED = 20261124
BLOCK = 256
REPORTERS = 40
ANSWERED = 24
ITEMS_EACH = 12
WINDOW_BYTES = 8
SEARCHED_BYTES = 70_000
# Chance goes beyond this once in a hundred thousand runs.
MOST_SIGMAS = 4.5
SHUFFLES = 400

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class Copy:
    """
    What the attacker has.

    Attributes:
        tables: All rows, in the order in which they lie on the disk.

        raw: The bytes of the file, b"" of PostgreSQL.
    """

    tables: Tables
    raw: bytes

    def place(self, table: str, index: int, content: bytes) -> int:
        """Say where a row lies: its offset, or else its rank."""
        if not self.raw:
            return index
        # A row of some length goes on in pages of its own, which begin with the
        # number of the next one, so that a piece from its middle is looked for.
        middle = len(content) // 2
        for start in range(middle, middle + 64):
            place = self.raw.find(content[start : start + 32])
            if place >= 0:
                return place
        raise AssertionError(f"a row of {table} is not in the file")


def copy_sqlite(site: Site, to: Path) -> Copy:
    """Copy the files of a running site, and read the copy."""
    to.mkdir()
    for file in site.directory.glob("deaddrop.db*"):
        shutil.copy(file, to)
    raw = b"".join(path.read_bytes() for path in sorted(to.iterdir()))
    with contextlib.closing(sqlite3.connect(to / "deaddrop.db")) as connection:
        connection.row_factory = sqlite3.Row
        names = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table'"
            )
        ]
        tables = {
            name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")]
            for name in names
        }
    return Copy(tables, raw)


def copy_postgres(site: Site, url: str) -> Copy:
    """Dump all tables after the daily tidying, rows as they lie."""
    site.drop.tidy(site.today)
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        return Copy(
            {
                name["tablename"]: connection.execute(
                    f'SELECT * FROM "{name["tablename"]}" ORDER BY ctid'.encode()
                ).fetchall()
                for name in names
            },
            b"",
        )


Seize = Callable[[], Copy]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Real keys of test people."""
    return Keys.make(tmp_path_factory.mktemp("keys"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def seized(
    request: pytest.FixtureRequest, tmp_path: Path, keys: Keys
) -> Iterator[tuple[Site, Seize]]:
    """A site on either database, and a way to take a copy."""
    numbers = itertools.count()
    if request.param == "sqlite":
        with running_site(tmp_path, keys, officers=2) as site:
            yield site, lambda: copy_sqlite(site, tmp_path / f"copy-{next(numbers)}")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database(re.sub(r"\W", "_", request.node.name).lower()[:60])
    with running_site(tmp_path, keys, officers=2, url=url) as site:
        yield site, lambda: copy_postgres(site, url)


def test_items_of_one_reporter_cannot_be_told(
    seized: tuple[Site, Seize],
) -> None:
    """
    Neither size nor digest nor place nor any bytes in common tell which items of two
    reporters, who send by turns at random, belong together.
    """
    site, seize = seized
    dice = random.Random(SEED)
    pair = [site.visitor(), site.visitor()]
    for visitor in pair:
        visitor.draw_codename()
    # Both send the same things, each in an order of their own.
    plans = [dice.sample(range(1, ITEMS_EACH), ITEMS_EACH - 1) for _ in pair]
    turns = dice.sample([0, 1] * ITEMS_EACH, 2 * ITEMS_EACH)
    begun: set[int] = set()
    for who in turns:
        step = plans[who].pop() if who in begun else 0
        begun.add(who)
        send(pair[who], step)

    copy = seize()

    pieces: dict[int, bytes] = defaultdict(bytes)
    chunks = sorted(
        copy.tables["intake_chunk"], key=lambda row: (row["number"], row["part"])
    )
    for row in chunks:
        pieces[row["number"]] += bytes(row["piece"])
    intake = sorted(copy.tables["intake"], key=lambda row: row["number"])
    numbers = [row["number"] for row in intake]
    assert list(range(1, 2 * ITEMS_EACH + 1)) == numbers
    digests = [int.from_bytes(bytes(row["sha256"]), "big") for row in intake]
    places = [
        copy.place("intake_chunk", index, pieces[number])
        for index, number in enumerate(numbers)
    ]
    features: dict[str, Callable[[int, int], float]] = {
        "size": lambda a, b: abs(
            math.log2(intake[a]["size_bytes"] / intake[b]["size_bytes"])
        ),
        "digest": lambda a, b: (digests[a] ^ digests[b]).bit_count(),
        "place": lambda a, b: abs(places[a] - places[b]),
    }
    for name, distance in features.items():
        assert abs(sigmas_from_chance(turns, distance)) < MOST_SIGMAS, name
    assert {TODAY.toordinal()} == {row["day"] for row in intake}
    assert [] == windows_of_some(list(pieces.values()))


def send(visitor: Visitor, step: int) -> None:
    """Send one of the things that reporters send."""
    if step == 0:
        page = visitor.send_report(title="Judul", what="Peristiwa di sana.")
    elif step % 3 == 0:
        page = visitor.send_files(Upload(f"{step}.bin", bytes(60_000 * step)))
    else:
        page = visitor.send_message("Pesan ke petugas. " * step)
    assert 200 == page.status


def sigmas_from_chance(
    labels: Sequence[int], distance: Callable[[int, int], float]
) -> float:
    """
    Say how much nearer items of one label are than chance would have them.

    The same is measured with the labels shuffled; the answer is in standard
    deviations of that.
    """
    dice = random.Random(SEED)
    pairs = [
        (a, b, distance(a, b)) for a, b in itertools.combinations(range(len(labels)), 2)
    ]

    def nearness(labels: Sequence[int]) -> float:
        same = [far for a, b, far in pairs if labels[a] == labels[b]]
        other = [far for a, b, far in pairs if labels[a] != labels[b]]
        return statistics.fmean(other) - statistics.fmean(same)

    by_chance = [nearness(dice.sample(labels, len(labels))) for _ in range(SHUFFLES)]
    spread = statistics.stdev(by_chance)
    if spread == 0:
        return 0.0
    return (nearness(labels) - statistics.fmean(by_chance)) / spread


def windows_of_some(contents: Sequence[bytes]) -> list[bytes]:
    """
    Return the runs of bytes that some contents share, but not all of them.

    Runs that touch what every content has at the same place are left out: the
    headers of a message say who the officers are, and nothing about the reporter.
    """
    headers = [len(set(column)) == 1 for column in zip(*contents, strict=False)]
    owners: dict[bytes, int] = {}
    shared: set[bytes] = set()
    for owner, content in enumerate(contents):
        for start in range(min(len(content), SEARCHED_BYTES) - WINDOW_BYTES + 1):
            window = content[start : start + WINDOW_BYTES]
            elsewhere = owners.setdefault(window, owner) != owner
            if elsewhere and not any(headers[start : start + WINDOW_BYTES]):
                shared.add(window)
    return list(shared)


def test_real_rows_cannot_be_told_from_dummies(
    seized: tuple[Site, Seize],
) -> None:
    """
    State and reply slots of a first day among dummies: neither their bytes nor name,
    expiry or place let a nearest-neighbour classifier do better than guessing.

    What the expiry tells after months is in docs/adr/0003.
    """
    site, seize = seized
    assert 0 == len(seize().tables["mailbox"]) % BLOCK

    real = fill_mailbox(site)
    copy = seize()

    mailbox = copy.tables["mailbox"]
    assert 0 == len(mailbox) % BLOCK
    found = [bytes(row["slot"]) in real for row in mailbox]
    assert len(real) == sum(found) == REPORTERS + ANSWERED
    rows = [bytes(row["sealed"]) for row in mailbox]
    assert {16_384} == {len(row) for row in rows}
    assert [] == signs_of_life(
        [row for row, is_real in zip(rows, found, strict=True) if is_real]
    )
    described = [
        describe(row, copy.place("mailbox", index, rows[index]))
        for index, row in enumerate(mailbox)
    ]
    for subset in (range(len(described[0])), *([n] for n in range(len(described[0])))):
        chosen = [[features[n] for n in subset] for features in described]
        assert guesses_above_chance(chosen, found) < MOST_SIGMAS, list(subset)


def fill_mailbox(site: Site) -> set[bytes]:
    """Let reporters send and desks reply; return the names of the real rows."""
    for number in range(REPORTERS):
        visitor = site.visitor()
        visitor.draw_codename()
        send(visitor, 0)
        if number % 3 == 0:
            send(visitor, 1)
    headers = {item.header.mailbox_key: item.header for item in site.opened_items()}
    real = {state_slot(bytes.fromhex(key)) for key in headers}
    desk_id = site.drop.officers.list()[0].desk_id
    slots = [
        (one.slot, one.sealed)
        for header in list(headers.values())[:ANSWERED]
        for one in seal_reply(
            b"Jawaban",
            public_key=bytes.fromhex(header.reply_public_key),
            mailbox_key=bytes.fromhex(header.mailbox_key),
            desk_id=desk_id,
            first_number=0,
        )
    ]
    site.drop.apply_outbox(desk_id, 1, bytes(32), slots, [], site.today)
    return real | {slot for slot, _ in slots}


def describe(row: Row, place: int) -> list[float]:
    """Measure everything about a row that could tell it from others."""
    slot, sealed = bytes(row["slot"]), bytes(row["sealed"])
    expected = len(sealed) / 256
    return [
        float(row["expires_day"]),
        float(place),
        float(row["place"]),
        float(slot[0]),
        float(int.from_bytes(slot, "big").bit_count()),
        statistics.fmean(sealed),
        sum((sealed.count(value) - expected) ** 2 for value in range(256)) / expected,
        float(int.from_bytes(sealed, "big").bit_count()),
        float(sealed[0]),
        float(sealed[-1]),
        float(len(zlib.compress(sealed, 1))),
        float(sum(a == b for a, b in itertools.pairwise(sealed))),
        # Where a bare message of HPKE would have an X25519 share.
        float(sealed[1119]),
    ]


def guesses_above_chance(
    described: Sequence[Sequence[float]], is_real: Sequence[bool]
) -> float:
    """
    Let every row be guessed by its three nearest neighbours, without itself.

    Returns:
        By how many standard deviations the right guesses, among as many dummies as
        real rows, are more than with shuffled labels.
    """
    dice = random.Random(SEED)
    real = [index for index, label in enumerate(is_real) if label]
    dummies = [index for index, label in enumerate(is_real) if not label]
    sample = real + dice.sample(dummies, len(real))
    columns = [
        standardised([described[index][n] for index in sample])
        for n in range(len(described[0]))
    ]
    points = list(zip(*columns, strict=True))
    neighbours = [nearest(points, index) for index in range(len(points))]

    def right(labels: Sequence[bool]) -> int:
        return sum(
            (sum(labels[other] for other in near) >= 2) == labels[index]
            for index, near in enumerate(neighbours)
        )

    labels = [index in set(real) for index in sample]
    by_chance = [right(dice.sample(labels, len(labels))) for _ in range(SHUFFLES)]
    spread = statistics.stdev(by_chance)
    return (right(labels) - statistics.fmean(by_chance)) / spread if spread else 0.0


def nearest(points: Sequence[Sequence[float]], index: int) -> list[int]:
    """Return the three points that are nearest to one, without itself."""
    others = [other for other in range(len(points)) if other != index]
    return sorted(others, key=lambda other: math.dist(points[index], points[other]))[:3]


def standardised(values: Sequence[float]) -> list[float]:
    """Give a feature the same weight as the others."""
    mean, spread = statistics.fmean(values), statistics.pstdev(values) or 1.0
    return [(value - mean) / spread for value in values]


def test_classifier_sees_a_difference() -> None:
    """
    The classifier does find what is there to be found, even among other features.
    """
    dice = random.Random(SEED)
    labels = [index % 4 == 0 for index in range(BLOCK)]

    def rows(shift: float) -> list[list[float]]:
        return [[dice.gauss(shift * label, 1), dice.random()] for label in labels]

    assert guesses_above_chance(rows(0), labels) < MOST_SIGMAS
    assert guesses_above_chance(rows(2), labels) > MOST_SIGMAS


def test_linking_sees_a_link() -> None:
    """
    The measure of nearness does see items that lie together, and common bytes.
    """
    labels = [0] * ITEMS_EACH + [1] * ITEMS_EACH
    content = random.Random(SEED).randbytes(3_000)

    near = sigmas_from_chance(labels, lambda a, b: abs(a - b))

    assert near > MOST_SIGMAS
    assert [] == windows_of_some([content[:1000], content[1000:2000]])
    shared = [content[:1000], content[1000:2000] + content[500:508], content[2000:]]
    assert [content[500:508]] == windows_of_some(shared)


def test_no_column_is_a_clock_time(seized: tuple[Site, Seize]) -> None:
    """
    After a day of traffic no column of any table holds a time of day.
    """
    site, seize = seized
    visitor = site.visitor()
    visitor.draw_codename()
    send(visitor, 0)

    tables = seize().tables

    assert {"intake", "mailbox", "session"} <= {n for n in tables if tables[n]}
    for name, rows in tables.items():
        for column in rows[0] if rows else ():
            values = [row[column] for row in rows if row[column] is not None]
            assert not looks_like_times(values), f"{name}.{column}"


def looks_like_times(values: Sequence[object]) -> bool:
    """Tell whether values are, or could be, moments of this decade."""
    numbers = [value for value in values if isinstance(value, int)]
    units = [1, 1_000, 1_000_000, 1_000_000_000]
    moments = [range(1_700_000_000 * unit, 2_100_000_000 * unit) for unit in units]
    # A random number falls into one of them now and then, not most of the time.
    in_decade = [number for number in numbers if any(number in r for r in moments)]
    texts = [value for value in values if isinstance(value, str)]
    kinds = (float, datetime.time, datetime.date)
    return (
        len(in_decade) > len(values) / 2
        or any(re.search(r"\d\d:\d\d", text) for text in texts)
        or any(isinstance(value, kinds) for value in values)
    )
