"""A database that fails says why, stores nothing, and works again afterwards."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import exc, text
from support.deaddrop_samples import (
    DAY,
    ITEM_BYTES,
    Entropy,
    new_slot,
    read_everything,
    sealed_item,
)
from support.postgres import PostgresServer

from deaddrop import (
    DeadDrop,
    DeadDropUnavailable,
    KnownDummies,
    Reason,
    engine,
    open_deaddrop,
)
from deaddrop.engine import Database, plain_failures


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a lock one second instead of ten."""
    monkeypatch.setattr(engine, "WAIT_SECONDS", 1)


def test_a_full_disk(sqlite_drop: DeadDrop, entropy: Entropy) -> None:
    """A report that does not fit is refused whole, and fits once there is room."""
    item = sealed_item(entropy(4_000_000))
    before = read_everything(sqlite_drop)
    with sqlite_drop.database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}")

    with pytest.raises(DeadDropUnavailable, match=r"disk .* full") as refused:
        sqlite_drop.intake.accept(item, day=DAY, writes=[new_slot(entropy)])
    assert Reason.FULL == refused.value.reason
    assert before == read_everything(sqlite_drop)

    with sqlite_drop.database.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert 1 == sqlite_drop.intake.accept(item, day=DAY, writes=[])


@pytest.mark.usefixtures("impatient")
def test_sqlite_locked_by_another_process(
    sqlite_url: str, known: KnownDummies, entropy: Entropy
) -> None:
    """A lock that another process holds for too long gives "busy"."""
    drop = open_deaddrop(sqlite_url, known_dummies=known, entropy=entropy)
    drop.create_installation(entropy, day=DAY)
    # To SQLite a second connection is no different from a second process.
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DeadDropUnavailable, match="busy") as refused:
        drop.mailbox.write([new_slot(entropy)], day=DAY)
    assert Reason.BUSY == refused.value.reason
    other.close()
    drop.mailbox.write([new_slot(entropy)], day=DAY)
    drop.close()


def test_a_checkpoint_that_fails_leaves_patience(
    sqlite_drop: DeadDrop, entropy: Entropy
) -> None:
    """When the log cannot be emptied, the connection still waits for its next turn."""
    with sqlite_drop.database.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM mailbox").scalar_one()
        sqlite_drop.mailbox.write([new_slot(entropy)], day=DAY)
        assert not sqlite_drop.database.checkpoint()
    assert sqlite_drop.database.checkpoint()
    with sqlite_drop.database.reading() as connection:
        timeout = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    assert 10_000 == timeout


@pytest.mark.postgres
@pytest.mark.usefixtures("impatient")
def test_postgres_locked_by_another_process(
    postgres_url: str, known: KnownDummies, entropy: Entropy
) -> None:
    """A lock that another machine holds for too long gives "busy"."""
    drop = open_deaddrop(postgres_url, known_dummies=known, entropy=entropy)
    drop.create_installation(entropy, day=DAY)
    other = Database(postgres_url)
    with (
        other.writing(),
        pytest.raises(DeadDropUnavailable, match="busy") as refused,
    ):
        drop.mailbox.write([new_slot(entropy)], day=DAY)
    assert Reason.BUSY == refused.value.reason
    drop.mailbox.write([new_slot(entropy)], day=DAY)
    drop.close()
    other.close()


@pytest.mark.usefixtures("impatient")
def test_locked_by_another_thread(url: str) -> None:
    """A thread that writes for too long gives "busy" to the others."""
    database = Database(url)
    entered, leave = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with database.writing():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=write_slowly)
    thread.start()
    entered.wait(10)
    with (
        pytest.raises(DeadDropUnavailable, match="busy") as refused,
        database.writing(),
    ):
        pass
    leave.set()
    thread.join()
    assert Reason.BUSY == refused.value.reason
    with database.writing():
        pass
    database.close()


def test_a_missing_file(tmp_path: Path, known: KnownDummies, entropy: Entropy) -> None:
    """A database that is gone is an error, and no empty one takes its place."""
    path = tmp_path / "gone.sqlite"
    with pytest.raises(DeadDropUnavailable) as refused:
        open_deaddrop(f"sqlite:///{path}", known_dummies=known, entropy=entropy)
    assert Reason.UNREACHABLE == refused.value.reason
    assert not path.exists()


def test_a_file_that_is_no_database(
    tmp_path: Path, known: KnownDummies, entropy: Entropy
) -> None:
    """A file that is something else is reported, not overwritten."""
    path = tmp_path / "letter.txt"
    path.write_bytes(b"Dear Sir or Madam, " * 500)
    with pytest.raises(DeadDropUnavailable) as refused:
        open_deaddrop(f"sqlite:///{path}", known_dummies=known, entropy=entropy)
    assert Reason.OTHER == refused.value.reason
    assert b"Dear Sir or Madam, " * 500 == path.read_bytes()


@pytest.mark.postgres
def test_a_server_that_is_not_there(
    tmp_path: Path, known: KnownDummies, entropy: Entropy
) -> None:
    """A PostgreSQL server that does not answer is "unreachable"."""
    url = f"postgresql://nobody@/none?host={tmp_path}"
    with pytest.raises(DeadDropUnavailable) as refused:
        open_deaddrop(url, known_dummies=known, entropy=entropy)
    assert Reason.UNREACHABLE == refused.value.reason


@pytest.mark.postgres
def test_a_server_that_was_restarted(
    postgres: PostgresServer, postgres_url: str, known: KnownDummies, entropy: Entropy
) -> None:
    """Connections that were cut are replaced without anybody noticing."""
    drop = open_deaddrop(postgres_url, known_dummies=known, entropy=entropy)
    drop.create_installation(entropy, day=DAY)
    postgres.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = '{postgres_url.split('/')[3].split('?')[0]}'"
    )
    item = sealed_item(entropy(ITEM_BYTES))
    assert 1 == drop.intake.accept(item, day=DAY, writes=[])
    drop.close()


@pytest.mark.postgres
def test_a_replica_that_is_away(
    postgres: PostgresServer, postgres_url: str, known: KnownDummies, entropy: Entropy
) -> None:
    """What only this machine would have is refused at once, and nothing stored."""
    drop = open_deaddrop(postgres_url, known_dummies=known, entropy=entropy)
    drop.create_installation(entropy, day=DAY)
    before = read_everything(drop)
    item = sealed_item(entropy(ITEM_BYTES))
    with required_replica(postgres):
        with pytest.raises(DeadDropUnavailable, match="replica") as refused:
            drop.intake.accept(item, day=DAY, writes=[new_slot(entropy)])
        assert Reason.ALONE == refused.value.reason
        assert before == read_everything(drop)
    assert 1 == drop.intake.accept(item, day=DAY, writes=[])
    drop.close()


@contextmanager
def required_replica(postgres: PostgresServer) -> Iterator[None]:
    """Let transactions wait for a replica that there is not."""
    postgres.reload("ALTER SYSTEM SET synchronous_standby_names = 'away'")
    try:
        yield
    finally:
        postgres.reload("ALTER SYSTEM RESET synchronous_standby_names")


def test_a_database_in_memory_is_refused() -> None:
    """A database that would lose every report at the end is refused."""
    for url in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(ValueError, match="must be a file"):
            Database(url)


def test_errors_quote_no_row(drop: DeadDrop, entropy: Entropy) -> None:
    """A row that the database refuses is not in the error, nor is its cause."""
    slot = entropy(32)
    with (
        pytest.raises(DeadDropUnavailable) as refused,
        drop.database.writing() as connection,
    ):
        connection.execute(
            text("INSERT INTO mailbox VALUES (1, :slot, 1, :slot)"), {"slot": slot}
        )
    assert slot.hex() not in str(refused.value)
    assert repr(slot)[2:-1] not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (psycopg.errors.DiskFull(), Reason.FULL),
        (psycopg.errors.LockNotAvailable(), Reason.BUSY),
        (psycopg.errors.DeadlockDetected(), Reason.BUSY),
        (psycopg.errors.TooManyConnections(), Reason.BUSY),
        (psycopg.errors.AdminShutdown(), Reason.UNREACHABLE),
        (psycopg.errors.ReadOnlySqlTransaction(), Reason.UNREACHABLE),
        (psycopg.OperationalError("no route to host"), Reason.UNREACHABLE),
        (psycopg.errors.DataCorrupted(), Reason.OTHER),
    ],
)
def test_failures_of_postgres_have_reasons(
    error: psycopg.Error, reason: Reason
) -> None:
    """Every failure that operators can do something about has its reason."""
    with pytest.raises(DeadDropUnavailable) as refused, plain_failures():
        raise exc.OperationalError("INSERT", None, error)
    assert reason == refused.value.reason
    assert "no route" not in str(refused.value)


def test_an_exhausted_pool_is_busy() -> None:
    """Too many threads at once is "busy", too."""
    with pytest.raises(DeadDropUnavailable) as refused, plain_failures():
        raise exc.TimeoutError
    assert Reason.BUSY == refused.value.reason


def test_the_list_of_dummies_fails(
    drop: DeadDrop, known: KnownDummies, tmp_path: Path, entropy: Entropy
) -> None:
    """Without the list of known dummies nothing is written, rather than more blocks."""
    before = read_everything(drop)
    (tmp_path / "memory" / "known-dummies").unlink()
    (tmp_path / "memory" / "known-dummies").mkdir()
    with pytest.raises(DeadDropUnavailable, match="known dummies"):
        drop.mailbox.write([new_slot(entropy)], day=DAY)
    assert before == read_everything(drop)
