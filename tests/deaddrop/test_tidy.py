"""Tidying changes no row and makes the database forget their history."""

from datetime import timedelta

import pytest
from support.deaddrop_samples import (
    DAY,
    ITEM_BYTES,
    Entropy,
    new_slot,
    read_everything,
    rewrite,
    sealed_item,
)

from deaddrop import DeadDrop, KnownDummies, open_deaddrop, tidy


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
