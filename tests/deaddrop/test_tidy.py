"""Tidying changes no row and makes the database forget their history."""

import os
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import insert
from support.deaddrop_samples import (
    DAY,
    ITEM_BYTES,
    Entropy,
    new_slot,
    read_everything,
    rewrite,
    sealed_item,
)
from support.postgres import PostgresServer

from deaddrop import DeadDrop, KnownDummies, open_deaddrop, schema, tidy


def test_tidying_changes_no_row(drop: DeadDrop, entropy: Entropy) -> None:
    """Every table has the same rows afterwards, and works as before."""
    write = new_slot(entropy)
    drop.intake.accept(sealed_item(entropy(ITEM_BYTES)), day=DAY, writes=[write])
    drop.sessions.save(entropy(32), entropy(4_096), 1)
    before = read_everything(drop)
    tidy.tidy(drop.database)
    assert before == read_everything(drop)
    drop.mailbox.write([rewrite(write, entropy)], day=DAY)


def test_tidying_expires(drop: DeadDrop, entropy: Entropy) -> None:
    """The daily tidying removes what is past its day."""
    write = new_slot(entropy)
    drop.mailbox.write([write], day=DAY)
    drop.tidy(DAY + timedelta(days=600))
    assert {} == drop.mailbox.fetch([write.slot])


def test_tidying_counts_what_went(drop: DeadDrop, entropy: Entropy) -> None:
    """Rows past their day, items that every desk holds, days of answers."""
    officer = drop.officers.add(
        fingerprint="A" * 40, name="A", certificate=b"A", desk_id=b"d" * 16
    )
    item = sealed_item(entropy(ITEM_BYTES))
    drop.intake.accept(item, day=DAY, writes=[])
    drop.apply_outbox(officer.desk_id, 1, bytes(32), [], [], DAY, release_day=DAY)
    # As a database that was brought back from a backup may have it.
    with drop.database.writing() as connection:
        connection.execute(
            insert(schema.holding), {"number": 1, "desk_id": officer.desk_id}
        )
    first = drop.tidy(DAY + timedelta(days=1))
    assert (0, 1, 1) == (first.mailbox_rows, first.items, first.release_days)
    assert first.laid_anew
    assert [] == drop.intake.entries()
    later = drop.tidy(DAY + timedelta(days=600))
    # The whole first block; what replaced a few of it since then is younger.
    assert 250 <= later.mailbox_rows <= 256
    assert (0, 0) == (later.items, later.release_days)


def test_an_item_that_a_desk_lacks_stays(drop: DeadDrop, entropy: Entropy) -> None:
    """However long it waits, and with no desk at all: nothing acknowledged is lost."""
    drop.intake.accept(sealed_item(entropy(ITEM_BYTES)), day=DAY, writes=[])
    assert 0 == drop.tidy(DAY + timedelta(days=3_000)).items
    for number in (1, 2):
        drop.officers.add(
            fingerprint=str(number) * 40,
            name="A",
            certificate=b"A",
            desk_id=bytes([number]) * 16,
        )
    with drop.database.writing() as connection:
        connection.execute(insert(schema.holding), {"number": 1, "desk_id": b"\1" * 16})
    assert 0 == drop.tidy(DAY + timedelta(days=3_000)).items
    assert [1] == [item.number for item in drop.intake.entries()]


@pytest.mark.postgres
def test_files_of_postgres_have_nothing_of_what_went(
    postgres: PostgresServer, postgres_url: str, known: KnownDummies
) -> None:
    """
    No table's file has a byte of a collected item, an old session, an expired row.

    Its log has, see docs/adr/0004.
    """
    # Other tests have written the bytes of their one seed into the same folder.
    entropy = os.urandom
    with closing(
        open_deaddrop(postgres_url, known_dummies=known, entropy=entropy)
    ) as drop:
        drop.create_installation(entropy, day=DAY)
        officer = drop.officers.add(
            fingerprint="A" * 40, name="A", certificate=b"A", desk_id=b"d" * 16
        )
        first, content, session = new_slot(entropy), entropy(ITEM_BYTES), entropy(4096)
        item = sealed_item(content)
        drop.intake.accept(item, day=DAY, writes=[first])
        drop.sessions.save(entropy(32), session, 1)
        postgres.run("CHECKPOINT")
        gone = [first.sealed, content, session]
        before = raw_tables(postgres)
        assert all(some[2_000:2_016] in before for some in gone)

        drop.apply_outbox(officer.desk_id, 1, bytes(32), [], [(1, item.sha256)], DAY)
        drop.sessions.purge(3)
        drop.tidy(DAY + timedelta(days=600))
        postgres.run("CHECKPOINT")
        after = raw_tables(postgres)
    for some in gone:
        windows = (some[start : start + 16] for start in range(0, len(some), 512))
        assert not any(window in after for window in windows)


def raw_tables(postgres: PostgresServer) -> bytes:
    """Return all files of all tables, as a seizer reads them."""
    base = postgres.directory / "cluster" / "base"
    return b"".join(
        path.read_bytes() for path in sorted(base.rglob("*")) if path.is_file()
    )


def test_a_large_file_is_not_rebuilt(
    sqlite_drop: DeadDrop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file above the limit is not rebuilt in memory, and stays usable."""
    monkeypatch.setattr(tidy, "VACUUM_LIMIT_BYTES", 1)
    before = read_everything(sqlite_drop)
    tidy.tidy(sqlite_drop.database)
    assert before == read_everything(sqlite_drop)


@pytest.mark.postgres
def test_rows_of_postgres_forget_their_transaction(
    postgres_url: str, known: KnownDummies, entropy: Entropy
) -> None:
    """After tidying, all mailbox rows carry one transaction's mark, not their own."""
    drop = open_deaddrop(postgres_url, known_dummies=known, entropy=entropy)
    drop.create_installation(entropy, day=DAY)
    for _ in range(5):
        drop.intake.accept(
            sealed_item(entropy(ITEM_BYTES)), day=DAY, writes=[new_slot(entropy)]
        )
        drop.sessions.save(entropy(32), entropy(4_096), 1)

    marks = "SELECT count(DISTINCT xmin::text) FROM "
    shared = (
        "SELECT count(*) FROM mailbox JOIN intake"
        " ON mailbox.xmin::text = intake.xmin::text"
    )
    with drop.database.reading() as connection:
        assert 6 == connection.exec_driver_sql(marks + "mailbox").scalar_one()
        # Every item is tied to a reporter's row; a dummy may have changed again.
        assert 5 <= connection.exec_driver_sql(shared).scalar_one() <= 10

    tidy.tidy(drop.database)
    with drop.database.reading() as connection:
        assert 1 == connection.exec_driver_sql(marks + "mailbox").scalar_one()
        assert 1 == connection.exec_driver_sql(marks + "session").scalar_one()
        assert 0 == connection.exec_driver_sql(shared).scalar_one()
        places = connection.exec_driver_sql("SELECT place FROM mailbox ORDER BY ctid")
        order = list(places.scalars())
    assert sorted(order) == order
    drop.close()
