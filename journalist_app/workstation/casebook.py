"""
The casebook: what a desk knows, in one encrypted database.

    casebook    which installation, how many outboxes: one row
    item        every sealed item that this desk holds, opened or not
    attachment  names, sizes and digests; the files stay in the sealed item
    case        one row for every reporter
    reply       what this desk has answered
    slot        the replies' sealed slots, and the outbox that took them
    outbox      manifest and signature, so that it can be made again

The file is SQLCipher: every page, the rollback journal too, is encrypted and
authenticated with a key of 32 random bytes.  Temporary tables stay in memory.

Specified in docs/spec/desk-directory.md.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlcipher3.dbapi2 as sqlcipher  # type: ignore[import-untyped]  # No hints.
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    exc,
    insert,
)
from sqlalchemy.pool import StaticPool

from casework.reply import CaseStatus
from journalist_app.workstation.errors import CasebookUnreadable

KEY_BYTES = 32
VERSION = 1  # Of the tables; kept in SQLite's own "user_version".

metadata = MetaData()

casebook = Table(
    "casebook",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("installation", LargeBinary),
    Column("last_outbox", Integer, nullable=False),
    CheckConstraint("id = 1"),
)

case = Table(
    "case",
    metadata,
    Column("case_id", LargeBinary, primary_key=True),
    Column("name", String, nullable=False, index=True),
    Column("mailbox_key", LargeBinary, nullable=False),
    Column("reply_public_key", LargeBinary, nullable=False),
    Column("language", String, nullable=False),
    # Days are proleptic ordinals (date.toordinal), here and below.
    Column("received_day", Integer, nullable=False),
    Column("title", Text),
    Column("status", String, nullable=False, default=CaseStatus.RECEIVED.value),
    Column("registration_number", Text),
    Column("due_day", Integer),
    Column("slots_used", Integer, nullable=False, default=0),
    Column("seen_through", Integer, nullable=False, default=0),
)

item = Table(
    "item",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("sha256", LargeBinary, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("arrived_day", Integer, nullable=False),
    Column("reported_in", Integer),
    # Either the reason why it is unopened, or all of what follows.
    Column("unopened_because", Text),
    Column("case_id", LargeBinary, ForeignKey(case.c.case_id), index=True),
    Column("kind", String),
    Column("sequence", Integer),
    Column("sent_day", Integer),
    Column("report", LargeBinary),
    Column("message", Text),
    Column("read_marks", LargeBinary),
    Column("other_keys", Boolean, nullable=False, default=False),
    CheckConstraint("(unopened_because IS NULL) = (case_id IS NOT NULL)"),
)

attachment = Table(
    "attachment",
    metadata,
    Column("number", Integer, ForeignKey(item.c.number), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
)

reply = Table(
    "reply",
    metadata,
    Column("reply_id", Integer, primary_key=True),
    Column(
        "case_id", LargeBinary, ForeignKey(case.c.case_id), nullable=False, index=True
    ),
    # The newest item that was on the desk when it was written.
    Column("after_number", Integer, nullable=False),
    Column("letter", LargeBinary, nullable=False),
    Column("files", LargeBinary, nullable=False),
    Column("first_slot", Integer, nullable=False),
    Column("slots", Integer, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("manifest", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

slot = Table(
    "slot",
    metadata,
    Column("slot", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("reply_id", Integer, ForeignKey(reply.c.reply_id), nullable=False),
    Column("outbox_number", Integer, ForeignKey(outbox.c.number), index=True),
)


class Casebook:
    """An open casebook."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """
        Give a connection for one transaction, durable when the block ends well.

        Raises:
            CasebookUnreadable: If the database fails.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except exc.DBAPIError as error:
            # Without its text, which may quote what is in the rows.
            reason = type(error.orig).__name__
            raise CasebookUnreadable(f"the casebook failed: {reason}") from None

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()


def create_casebook(path: Path, key: bytes) -> None:
    """Make an empty casebook; *key* is 32 random bytes."""
    opened = Casebook(_engine(path, key, mode="rwc"))
    with opened.transaction() as connection:
        metadata.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
        connection.execute(insert(casebook), {"id": 1, "last_outbox": 0})
    opened.close()
    path.chmod(0o600)


def open_casebook(path: Path, key: bytes) -> Casebook:
    """
    Open a casebook.

    Raises:
        CasebookUnreadable: If the key is another, the file is damaged, or it was
            made by another version.
    """
    opened = Casebook(_engine(path, key, mode="rw"))
    with opened.transaction() as connection:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version != VERSION:
        raise CasebookUnreadable(f"the casebook has version {version}, not {VERSION}")
    return opened


def _engine(path: Path, key: bytes, *, mode: str) -> Engine:
    if len(key) != KEY_BYTES:
        raise CasebookUnreadable("the casebook's key is not one")
    engine = create_engine(
        "sqlite://",
        module=sqlcipher,
        creator=_connector(f"file:{quote(str(path))}?mode={mode}", key),
        poolclass=StaticPool,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin)
    return engine


def _connector(address: str, key: bytes) -> Callable[[], Any]:
    def connect() -> Any:
        connection = sqlcipher.connect(
            address,
            uri=True,
            # The driver must not begin transactions of its own.
            isolation_level=None,
            check_same_thread=False,
        )
        # A raw key, written in SQLCipher's way: it is random and needs no
        # stretching.
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = EXTRA")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        return connection

    return connect


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
