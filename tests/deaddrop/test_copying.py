"""A copy is the dead drop of one moment, and a dead drop again."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.deaddrop_samples import (
    DAY,
    ITEM_BYTES,
    count_rows,
    new_slot,
    read_everything,
    rewrite,
    sealed_item,
    seeded,
)
from support.postgres import PostgresServer

from deaddrop import (
    DeadDrop,
    DeadDropUnavailable,
    KnownDummies,
    MalformedCopy,
    NewerCopy,
    NotEmpty,
    SlotWrite,
    open_deaddrop,
)
from deaddrop.copying import MOST_PART_BYTES, copy_in, copy_out
from deaddrop.engine import Database
from deaddrop.migrating import newest_revision, prepare, upgrade


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database in which there is nothing."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'restored.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database(f"restored_{tmp_path.name}"[:60])


def reopened(url: str, tmp_path: Path) -> DeadDrop:
    """Open what was restored, on a machine that knows no dummy."""
    known = KnownDummies(tmp_path / "other" / "known-dummies", entropy=seeded(5))
    return open_deaddrop(url, known_dummies=known, entropy=seeded(6))


def accept(drop: DeadDrop, content: bytes, slot: SlotWrite) -> None:
    """Take in an item, and write a slot with it."""
    drop.intake.accept(sealed_item(content), writes=[slot], day=DAY)


def filled(drop: DeadDrop, items: int = 3) -> None:
    """Let some reports and a session be there."""
    entropy = seeded(7)
    for _ in range(items):
        accept(drop, entropy(ITEM_BYTES), new_slot(entropy))
    drop.sessions.save(entropy(32), entropy(4096), 1)


def test_what_was_copied_is_there_again(
    drop: DeadDrop, empty_url: str, tmp_path: Path
) -> None:
    """From either kind of database into either kind, without the sessions."""
    filled(drop)
    before = read_everything(drop)

    with closing(copy_out(drop.database)) as parts:
        copy_in(empty_url, parts, revision=newest_revision())

    restored = reopened(empty_url, tmp_path)
    after = read_everything(restored)
    restored.close()
    assert before["session"]
    assert {**before, "session": []} == after


def test_a_restored_dead_drop_takes_its_dummies_for_rows(
    drop: DeadDrop, empty_url: str, tmp_path: Path
) -> None:
    """
    It no longer knows them, so that a new slot costs a block: the count stays round.
    """
    written = new_slot(seeded(8))
    accept(drop, bytes(ITEM_BYTES), written)
    with closing(copy_out(drop.database)) as parts:
        copy_in(empty_url, parts, revision=newest_revision())

    restored = reopened(empty_url, tmp_path)
    rows = count_rows(restored)
    again = rewrite(written, seeded(9))
    accept(restored, b"x" * ITEM_BYTES, again)
    accept(restored, b"y" * ITEM_BYTES, new_slot(seeded(10)))

    assert (256, 512) == (rows, count_rows(restored))
    assert again.sealed == restored.mailbox.fetch([written.slot])[written.slot]
    assert [1, 2, 3] == [entry.number for entry in restored.intake.entries()]
    restored.close()


def test_a_copy_is_of_one_moment(drop: DeadDrop, tmp_path: Path) -> None:
    """What arrives after the first part is in none of the others."""
    entropy = seeded(11)
    for _ in range(80):
        accept(drop, entropy(ITEM_BYTES), new_slot(entropy))
    parts = copy_out(drop.database)
    kept = [next(parts)]
    late = threading.Thread(
        target=accept, args=(drop, b"late" * 16384, new_slot(entropy))
    )
    late.start()
    late.join()
    kept += parts
    assert len(kept) > 1

    url = f"sqlite:///{tmp_path / 'restored.sqlite'}"
    copy_in(url, kept, revision=newest_revision())
    restored = reopened(url, tmp_path)
    assert 80 == len(restored.intake.entries())
    assert 81 == len(drop.intake.entries())
    restored.close()


def test_the_log_is_empty_after_a_copy(sqlite_drop: DeadDrop, tmp_path: Path) -> None:
    """It is a history of transactions, and a copy was in the way of emptying it."""
    with closing(copy_out(sqlite_drop.database)) as parts:
        next(parts)
        filled(sqlite_drop)
        log = tmp_path / "deaddrop.sqlite-wal"
        assert log.stat().st_size
    assert 0 == log.stat().st_size


def test_no_part_is_large(drop: DeadDrop) -> None:
    """Whoever copies needs no more memory for a large dead drop."""
    filled(drop, items=100)
    with closing(copy_out(drop.database)) as parts:
        sizes = [len(part) for part in parts]
    assert len(sizes) >= 3
    assert max(sizes) <= MOST_PART_BYTES


def test_rows_lie_in_the_order_of_their_keys(drop: DeadDrop) -> None:
    """So a copy does not tell in which order they were written."""
    filled(drop)
    with closing(copy_out(drop.database)) as parts, closing(opened(next(parts))) as one:
        places = [row[0] for row in one.execute("SELECT place FROM mailbox")]
    assert 256 == len(places)
    assert sorted(places) == places


def opened(part: bytes) -> sqlite3.Connection:
    """Open a part with nothing but SQLite."""
    database = sqlite3.connect(":memory:")
    database.deserialize(part)
    return database


def test_a_copy_of_older_tables_is_brought_to_this_version(tmp_path: Path) -> None:
    """As `bisik migrate` would have done it."""
    old = Database(_made(tmp_path / "old.sqlite", "0001"))
    with old.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO officer VALUES (?, 'Petugas Uji', x'00', ?, 0)",
            ("A" * 40, b"a" * 16),
        )
    with old.reading() as connection:
        row = connection.exec_driver_sql("SELECT * FROM officer").one()
    old.close()
    part = sqlite3.connect(":memory:", isolation_level=None)
    part.execute(
        "CREATE TABLE officer (fingerprint, name, certificate, desk_id, retired)"
    )
    part.execute("INSERT INTO officer VALUES (?, ?, ?, ?, ?)", tuple(row))

    url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    copy_in(url, [part.serialize()], revision="0001")

    database = Database(url)
    with database.reading() as connection:
        found = connection.exec_driver_sql("SELECT name, receives FROM officer").one()
    database.close()
    assert ("Petugas Uji", 1) == tuple(found)


def _made(path: Path, revision: str) -> str:
    url = f"sqlite:///{path}"
    prepare(url)
    database = Database(url)
    with database.writing() as connection:
        upgrade(connection, revision)
    database.close()
    return url


def test_a_copy_of_newer_tables_is_refused(empty_url: str) -> None:
    """This version does not know what they mean."""
    with pytest.raises(NewerCopy):
        copy_in(empty_url, [], revision="9999")


def test_nothing_is_replaced(drop: DeadDrop, url: str) -> None:
    """A database in which there is anything stays as it is."""
    filled(drop)
    before = read_everything(drop)
    with closing(copy_out(drop.database)) as parts:
        some = list(parts)
    with pytest.raises(NotEmpty):
        copy_in(url, some, revision=newest_revision())
    assert before == read_everything(drop)


@pytest.mark.postgres
def test_postgres_gets_everything_or_nothing(
    drop: DeadDrop, postgres: PostgresServer, tmp_path: Path
) -> None:
    """A copy that breaks off leaves a database in which there is nothing."""
    filled(drop)
    url = postgres.create_database(f"broken_{tmp_path.name}"[:60])

    class BreaksOff(Exception):
        """The copy ended before its end."""

    def breaking() -> Iterator[bytes]:
        with closing(copy_out(drop.database)) as parts:
            yield next(parts)
            raise BreaksOff

    with pytest.raises(BreaksOff):
        copy_in(url, breaking(), revision=newest_revision())
    with closing(copy_out(drop.database)) as parts:
        copy_in(url, parts, revision=newest_revision())


HOSTILE = {
    "an unknown table": ["CREATE TABLE other (a)"],
    "a view": ["CREATE VIEW mailbox AS SELECT 1 AS place"],
    "other columns": ["CREATE TABLE mailbox (place, slot)"],
    "a row that is too short": [
        "CREATE TABLE mailbox (place, slot, expires_day, sealed)",
        "INSERT INTO mailbox VALUES (1, 'x', 'y', NULL)",
    ],
}


@pytest.mark.parametrize("statements", HOSTILE.values(), ids=HOSTILE)
def test_a_part_of_another_kind_is_refused(
    statements: list[str], tmp_path: Path
) -> None:
    """Whatever is wrong with it, it is an error of ours that quotes nothing."""
    part = sqlite3.connect(":memory:", isolation_level=None)
    for statement in statements:
        part.execute(statement)
    url = f"sqlite:///{tmp_path / 'restored.sqlite'}"
    with pytest.raises(MalformedCopy):
        copy_in(url, [part.serialize()], revision=newest_revision())


@settings(max_examples=30)
@given(st.data())
def test_a_damaged_part_is_refused_or_does_no_harm(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Bytes that are changed anywhere never end in another error than ours."""
    part = sqlite3.connect(":memory:", isolation_level=None)
    part.execute("CREATE TABLE intake_counter (id, last_number)")
    part.execute("INSERT INTO intake_counter VALUES (1, 7)")
    content = bytearray(part.serialize())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, 200) | st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "restored.sqlite"
    try:
        copy_in(f"sqlite:///{path}", [bytes(content)], revision=newest_revision())
    except (MalformedCopy, DeadDropUnavailable):
        pass
