"""
The database: how it is opened, how a transaction runs, what its failures mean.

    reading()   changes nothing
    snapshot()  the same, and sees one moment for as long as it lasts
    writing()   one transaction, one writer at a time, durable when it returns;
                on SQLite the write-ahead log is emptied afterwards, on PostgreSQL
                the replica has it, too, where one is required

Both turn every failure of the database into `DeadDropUnavailable` with a reason
and a sentence, and give the connection back clean.  The driver's own exceptions
go no further than this module: PostgreSQL quotes rows in them.

The pragmas and what they are for are specified in docs/spec/deaddrop.md; what the
file remembers in spite of them is in docs/adr/0004.
"""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from weakref import WeakSet

from sqlalchemy import Connection, Engine, create_engine, event, exc, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import QueuePool

from deaddrop.errors import DeadDropUnavailable, Reason

PAGE_BYTES = 8_192  # of SQLite; measured in docs/adr/0004
WAIT_SECONDS = 10  # for another writer
POOL_CONNECTIONS = 16  # as many as one process may use at once

# The lock that makes PostgreSQL, too, take one writer at a time ("bisik" in ASCII).
_WRITER_LOCK: Final = 0x626973696B

# A commit waits for the replica, for ever if it is away.  So whoever wants to write is
# refused before anything is written (docs/adr/0030).
_REPLICA_IS_MISSING: Final = text(
    "SELECT current_setting('synchronous_standby_names') <> '' AND NOT EXISTS"
    " (SELECT FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))"
)

_SENTENCES: Final = {
    Reason.FULL: "the disk of the database is full; nothing was stored",
    Reason.BUSY: "the database is busy with another writer; nothing was stored",
    Reason.UNREACHABLE: "the database cannot be reached or opened for writing",
    Reason.ALONE: "the database has lost its replica; nothing was stored",
    Reason.OTHER: "the database reported a failure",
}


class Database:
    """
    One SQLite file or PostgreSQL database, shared by the threads of a process.

    A process made by fork() gets connections of its own on first use.

    Args:
        url: `sqlite:////absolute/path` or `postgresql://...`, as SQLAlchemy reads
            it.  An SQLite file must exist: `deaddrop.migrate` makes it.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._sqlite_path: Path | None = sqlite_path(parsed) if self.is_sqlite else None
        self.engine: Engine = (
            _sqlite_engine(self._sqlite_path)
            if self._sqlite_path is not None
            else _postgres_engine(parsed)
        )
        self._writers = threading.Lock()
        _databases.add(self)

    @property
    def size_bytes(self) -> int:
        """The size of the SQLite file; 0 on PostgreSQL, which is not one file."""
        return self._sqlite_path.stat().st_size if self._sqlite_path is not None else 0

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection to read with; what it changes is undone."""
        with plain_failures(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """
        Give a connection that sees one moment, however long it is read from.

        Others go on writing meanwhile.  SQLite's log cannot be emptied before the
        end, and is then.
        """
        with plain_failures():
            try:
                with self.engine.connect() as connection:
                    if not self.is_sqlite:
                        connection = connection.execution_options(
                            isolation_level="REPEATABLE READ", postgresql_readonly=True
                        )
                    with connection.begin():
                        yield connection
            finally:
                self._checkpoint()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """
        Give a connection for one transaction, committed durably at the end.

        An exception rolls everything back.  Transactions run one after another, in
        SQLite because it knows no other way, in PostgreSQL so that what was checked
        cannot change before it is used, and neither deadlock nor unique key
        violation (which its log would quote) can happen.

        Raises:
            DeadDropUnavailable: If the database is full, busy, or out of reach, or if
                a replica should confirm the transaction and is not there.
        """
        with plain_failures(), self._turn():
            try:
                with self.engine.connect() as connection:
                    connection = connection.execution_options(bisik_writing=True)
                    with connection.begin():
                        if not self.is_sqlite:
                            _take_turn_on_postgres(connection)
                        yield connection
            finally:
                # After a failure too: a large transaction reaches the log before
                # it is undone.
                self._checkpoint()

    def run_outside_transactions(self, *statements: str) -> None:
        """Run VACUUM and its like, which no transaction may hold."""
        with plain_failures(), self._turn():
            if self.is_sqlite:
                self._run_on_sqlite(statements)
                self._checkpoint()
                return
            with self.engine.connect() as connection:
                connection = connection.execution_options(isolation_level="AUTOCOMMIT")
                for statement in statements:
                    connection.exec_driver_sql(statement)

    def checkpoint(self) -> bool:
        """
        Empty SQLite's write-ahead log, which is a history of transactions.

        Returns:
            Whether it is empty now; a reader who is busy can keep it from being
            emptied, and then the next writer tries again.
        """
        with plain_failures():
            return self._checkpoint()

    def close(self) -> None:
        """Close every connection that no thread is using."""
        self.engine.dispose()

    def _checkpoint(self) -> bool:
        if not self.is_sqlite:
            return True
        # The transaction before is committed: whatever happens here must not make
        # it look as if it were not.
        with suppress(sqlite3.Error, exc.SQLAlchemyError):
            raw = self.engine.raw_connection()
            try:
                cursor = raw.cursor()
                # Waiting here would keep a reporter waiting for a courier's reading.
                cursor.execute("PRAGMA busy_timeout = 0")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                busy, *_frames = cursor.fetchall()[0]
                return bool(busy == 0)
            finally:
                # The next user of this connection waits for its turn again.
                raw.cursor().execute(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")
                raw.close()
        return False

    def _run_on_sqlite(self, statements: Iterable[str]) -> None:
        # SQLAlchemy would begin a transaction; the driver itself does not.
        raw = self.engine.raw_connection()
        try:
            for statement in statements:
                raw.cursor().execute(statement)
        finally:
            raw.close()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Queue the writers of this process; SQLite's own waiting is not fair."""
        if not self._writers.acquire(timeout=WAIT_SECONDS):
            raise DeadDropUnavailable(Reason.BUSY, _SENTENCES[Reason.BUSY])
        try:
            yield
        finally:
            self._writers.release()


# Neither the locks of SQLite nor the socket of PostgreSQL survive a fork: the idle
# connections are closed before it, and the child forgets those that were in use.
_databases: Final[WeakSet[Database]] = WeakSet()


def _before_fork() -> None:
    for database in _databases:
        database.engine.dispose()


def _after_fork_in_child() -> None:
    for database in _databases:
        database.engine.dispose(close=False)
        database._writers = threading.Lock()


os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)


@contextmanager
def plain_failures() -> Iterator[None]:
    """Turn the failures of SQLAlchemy and the drivers into `DeadDropUnavailable`."""
    try:
        yield
    except (exc.SQLAlchemyError, sqlite3.Error) as error:
        reason, code = _diagnose(error)
        # "from None": the driver's text may quote the rows it stumbled over.
        raise DeadDropUnavailable(reason, f"{_SENTENCES[reason]} ({code})") from None


def sqlite_path(url: URL) -> Path:
    """
    Return the path of the SQLite file that *url* names.

    Raises:
        ValueError: If it names none: a database in memory would lose reports.
    """
    if not url.database or url.database == ":memory:" or url.query:
        raise ValueError("the database must be a file: sqlite:////absolute/path")
    return Path(url.database)


def _diagnose(error: Exception) -> tuple[Reason, str]:
    """Return the reason and a code that operators can look up."""
    if isinstance(error, exc.TimeoutError):
        return Reason.BUSY, "no free connection"
    driver_error = error.orig if isinstance(error, exc.DBAPIError) else error
    sqlite_name = getattr(driver_error, "sqlite_errorname", None)
    if sqlite_name is not None:
        return _sqlite_reason(sqlite_name), sqlite_name
    sqlstate = getattr(driver_error, "sqlstate", None)
    if sqlstate is not None:
        return _postgres_reason(sqlstate), f"SQLSTATE {sqlstate}"
    if isinstance(error, exc.OperationalError):
        # psycopg gives no SQLSTATE when there is no server to give one.
        return Reason.UNREACHABLE, "no connection"
    return Reason.OTHER, type(driver_error).__name__


def _sqlite_reason(name: str) -> Reason:
    if name.startswith("SQLITE_FULL"):
        return Reason.FULL
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Reason.BUSY
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
        return Reason.UNREACHABLE
    return Reason.OTHER


def _postgres_reason(sqlstate: str) -> Reason:
    if sqlstate == "53100":  # disk_full
        return Reason.FULL
    # Lock not available, serialisation failure, deadlock, too many connections.
    if sqlstate in {"55P03", "40001", "40P01", "53300"}:
        return Reason.BUSY
    # Connection exceptions, operator intervention, read-only, refused log-in.
    if sqlstate[:2] in {"08", "28", "57"} or sqlstate in {"25006", "3D000"}:
        return Reason.UNREACHABLE
    return Reason.OTHER


def _sqlite_engine(path: Path) -> Engine:
    # mode=rw: a database that is gone must be an error, not a new empty one.
    address = f"file:{quote(str(path))}?mode=rw"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            address,
            uri=True,
            timeout=WAIT_SECONDS,
            # SQLAlchemy's pool gives a connection to one thread at a time.
            check_same_thread=False,
            # The driver must not begin transactions of its own.
            isolation_level=None,
        )
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.execute("PRAGMA foreign_keys = ON")
        # Neither sorting nor VACUUM may leave a temporary file on the disk.
        cursor.execute("PRAGMA temp_store = MEMORY")
        cursor.close()
        return connection

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=POOL_CONNECTIONS,
        max_overflow=0,
        pool_timeout=WAIT_SECONDS,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") == "AUTOCOMMIT":
        return
    # A writer takes its lock before it reads, or what it read could be stale.
    writing = options.get("bisik_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _take_turn_on_postgres(connection: Connection) -> None:
    if connection.execute(_REPLICA_IS_MISSING).scalar_one():
        reason = Reason.ALONE
        raise DeadDropUnavailable(reason, _SENTENCES[reason])
    connection.execute(
        text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITER_LOCK}
    )


def _postgres_engine(url: URL) -> Engine:
    settings: dict[str, Any] = {
        # A server configured otherwise would acknowledge what a power-cut can lose.
        "options": f"-c synchronous_commit=on -c lock_timeout={WAIT_SECONDS}s",
        "connect_timeout": WAIT_SECONDS,
    }
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args=settings,
        pool_size=POOL_CONNECTIONS,
        max_overflow=0,
        pool_timeout=WAIT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
    )
