"""
The casebook: what a desk knows, in one encrypted database.

    casebook    which installation, how many outboxes: one row
    continuity  whether this desk is still the one that it was: one row
    awaited     whose answer it waits for since it was restored
    officer     colleagues, this desk's own officer among them; key: their subkeys
    received    every item of the stream that came in a bundle, whatever it was
    content     what reporters sent, opened; attachment: their files' names
    entry       events of the journal; waiting: those that cannot be verified yet
    case        one row for every reporter: a projection of content and entries
    link        cases that have to do with each other; label: what they are marked with
    held        items that wait for the next decision about exposure, and for whom
    reply, slot what this desk has sealed to reporters
    outbox, parcel   what left this desk, so that it can be made again
    knows       which desk has which content or entry, so that nothing is sent twice
    search      the words of cases (FTS5), and place: where they come from
    former      servers that this desk has left

The file is SQLCipher: every page, the rollback journal too, is encrypted and
authenticated with a key of 32 random bytes.  Temporary tables stay in memory.

`content` and `entry` are what the desk was told, and never change.  `case`, `link`,
`label`, `held` and `search` follow from them and can be made anew (`projecting`).

Whoever changes a table adds a step for the casebooks that are there (`casebook_steps`).

Specified in docs/spec/desk-directory.md.
"""

import threading
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
    Index,
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
    select,
)
from sqlalchemy.pool import StaticPool

from journalist_app.workstation.casebook_steps import VERSION, bring_up, copies_of
from journalist_app.workstation.errors import CasebookUnreadable

KEY_BYTES = 32

metadata = MetaData()

casebook = Table(
    "casebook",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("installation", LargeBinary),
    Column("last_outbox", Integer, nullable=False),
    # Digest of the certificate that an outbox has taken to the server.
    Column("certificate_sent", LargeBinary),
    CheckConstraint("id = 1"),
)

continuity = Table(
    "continuity",
    metadata,
    Column("id", Integer, primary_key=True),
    # Under which events are counted; None before the desk was ever restored.
    Column("life", String),
    # The last outbox of which a bundle has told that the server has this very one.
    Column("confirmed", Integer, nullable=False, default=0),
    # Restored from a backup, and no bundle has told since what has become of it.
    Column("unsettled", Boolean, nullable=False, default=False),
    # The last item before it was restored, until colleagues have been asked.
    Column("asks_from", Integer),
    # The code that opens the backups of this desk.
    Column("recovery_code", String),
    Column("backup_day", Integer),
    CheckConstraint("id = 1"),
)

# Colleagues who have not told yet what this desk has lost.
awaited = Table("awaited", metadata, Column("desk_id", String, primary_key=True))

officer = Table(
    "officer",
    metadata,
    Column("desk_id", String, primary_key=True),
    Column("fingerprint", String, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", String),
    # Whether new reports are sealed to them.
    Column("receives", Boolean, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    # Why nothing is sealed to them; None while all is well.
    Column("unfit_because", Text),
    # Whether the last bundle still named them.
    Column("active", Boolean, nullable=False),
)

key = Table(
    "key",
    metadata,
    Column("key_id", String, primary_key=True),
    Column("desk_id", String, ForeignKey(officer.c.desk_id), nullable=False),
)

case = Table(
    "case",
    metadata,
    Column("case_id", LargeBinary, primary_key=True),
    Column("name", String, nullable=False, index=True),
    # Absent where only a brief of the case is here: nobody can answer from that.
    Column("mailbox_key", LargeBinary),
    Column("reply_public_key", LargeBinary),
    Column("language", String, nullable=False),
    # Days are proleptic ordinals (date.toordinal), here and below.
    Column("received_day", Integer, nullable=False),
    # When verification is due, computed once: a later calendar moves no promise.
    Column("verification_due_day", Integer),
    Column("slots_used", Integer, nullable=False, default=0),
    # From here on a projection of content and entries.
    Column("title", Text),
    Column("status", String, nullable=False),
    Column("closed", Boolean, nullable=False, default=False),
    Column("registration_number", Text, index=True),
    Column("assigned", String),
    Column("due_day", Integer),
    Column("feedback_due_day", Integer),
    Column("told_due_day", Integer),
    Column("last_day", Integer, nullable=False),
    Column("new_items", Integer, nullable=False, default=0),
    Column("unanswered", Boolean, nullable=False, default=False),
    Column("waiting", Boolean, nullable=False, default=False),
    Column("withdrawn", Boolean, nullable=False, default=False),
    Column("missing", Integer, nullable=False, default=0),
    Column("conflicts", Integer, nullable=False, default=0),
    Column("proposed", Boolean, nullable=False, default=False),
    Column("excluded", Boolean, nullable=False, default=False),
    Column("answered", Integer, nullable=False, default=0),
    # What happened on which day, one a line, as far as statistics count it.
    Column("milestones", Text, nullable=False, default=""),
    # Whether other desks may still have to be sent something.
    Column("unsent", Boolean, nullable=False, default=True, index=True),
    Index("case_queue", "closed", "due_day", "received_day", "name"),
    Index("case_received", "received_day"),
)

content = Table(
    "content",
    metadata,
    # SHA-256 of the plaintext: the same wherever and however it came.
    Column("digest", LargeBinary, primary_key=True),
    Column(
        "case_id", LargeBinary, ForeignKey(case.c.case_id), nullable=False, index=True
    ),
    Column("kind", String, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("sent_day", Integer, nullable=False),
    Column("report", LargeBinary),
    Column("message", Text),
    Column("read_marks", LargeBinary),
    Column("other_keys", Boolean, nullable=False),
    Column("shown", Boolean, nullable=False, default=False),
    # Where its plaintext is, encrypted with a key of its own (`storing`).
    Column("stored_as", LargeBinary, nullable=False),
    Column("stored_key", LargeBinary, nullable=False),
    Column("size_bytes", Integer, nullable=False),
)

attachment = Table(
    "attachment",
    metadata,
    Column("digest", LargeBinary, ForeignKey(content.c.digest), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
)

received = Table(
    "received",
    metadata,
    # A server that was restored gives a number again: the digest tells which item.
    # Below zero are those of a server that this desk has left (`moving`).
    Column("number", Integer, primary_key=True),
    Column("sha256", LargeBinary, primary_key=True),
    # Whether another item has come under this number since.
    Column("superseded", Boolean, nullable=False, default=False),
    Column("size_bytes", Integer, nullable=False),
    Column("arrived_day", Integer, nullable=False),
    Column("reported_in", Integer, index=True),
    # "content", "parcel", "foreign" (sealed to others) or "unopened".
    Column("what", String, nullable=False),
    Column("reason", Text),
    Column("digest", LargeBinary),
    Index("received_unopened", "what"),
)

entry = Table(
    "entry",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    # Not a foreign key: events may come before the first item of their case.
    Column("case_id", LargeBinary, nullable=False, index=True),
    Column("desk_id", String, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

waiting = Table(
    "waiting",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    # Which certificate did not verify it; None if there was none.  It is tried again
    # with another one only: gpg takes its time for each.
    Column("tried_with", LargeBinary),
)

link = Table(
    "link",
    metadata,
    Column("case_id", LargeBinary, ForeignKey(case.c.case_id), primary_key=True),
    Column("other_case", LargeBinary, primary_key=True),
    Column("relation", String, nullable=False),
)

label = Table(
    "label",
    metadata,
    Column("case_id", LargeBinary, ForeignKey(case.c.case_id), primary_key=True),
    Column("label", Text, primary_key=True),
    Index("label_cases", "label"),
)

knows = Table(
    "knows",
    metadata,
    # Of content or entry.
    Column("digest", LargeBinary, primary_key=True),
    Column("desk_id", String, primary_key=True),
    # Whether that desk had it and has lost it.
    Column("lost", Boolean, nullable=False, default=False),
)

reply = Table(
    "reply",
    metadata,
    Column("reply_id", Integer, primary_key=True),
    Column(
        "entry", LargeBinary, ForeignKey(entry.c.digest), nullable=False, index=True
    ),
    Column("slots", Integer, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    # Below zero are those for a server that this desk has left.
    Column("number", Integer, primary_key=True),
    Column("manifest", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

slot = Table(
    "slot",
    metadata,
    Column("slot", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column(
        "reply_id", Integer, ForeignKey(reply.c.reply_id), nullable=False, index=True
    ),
    Column("outbox_number", Integer, ForeignKey(outbox.c.number), index=True),
)

parcel = Table(
    "parcel",
    metadata,
    # Of the sealed message, which lies in outgoing/ under this name.
    Column("sha256", LargeBinary, primary_key=True),
    Column("size_bytes", Integer, nullable=False),
    Column("outbox_number", Integer, ForeignKey(outbox.c.number), index=True),
)

place = Table(
    "place",
    metadata,
    # The row of `search` with the words that come from here.
    Column("row", Integer, primary_key=True),
    Column("source", LargeBinary, nullable=False, unique=True),
    Column("case_id", LargeBinary, nullable=False, index=True),
)

# Items that the next decision about exposure may let go, and to whom; a projection.
held = Table(
    "held",
    metadata,
    Column("case_id", LargeBinary, ForeignKey(case.c.case_id), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("desk_id", String, primary_key=True),
)

# What a desk belonged to before it moved.
former = Table(
    "former",
    metadata,
    Column("installation", LargeBinary, primary_key=True),
    Column("left_day", Integer, nullable=False),
)

# Accents are not letters of their own to somebody who searches.
_SEARCH = (
    "CREATE VIRTUAL TABLE search USING fts5"
    '(words, tokenize = "unicode61 remove_diacritics 2")'
)


class Casebook:
    """An open casebook, for several threads that take turns."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # There is one connection: SQLCipher derives its keys anew for each.
        self._turn = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """
        Give the connection for one transaction, durable when the block ends well.

        Raises:
            CasebookUnreadable: If the database fails.
        """
        try:
            with self._turn, self._engine.begin() as connection:
                yield connection
        except exc.DBAPIError as error:
            # Without its text, which may quote what is in the rows.
            reason = type(error.orig).__name__
            raise CasebookUnreadable(f"the casebook failed: {reason}") from None

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()


def create_casebook(
    path: Path,
    key: bytes,
    *,
    certificate_sent: bytes,
    installation: bytes | None = None,
) -> None:
    """
    Make an empty casebook.

    Args:
        path: Of the file.

        key: 32 random bytes.

        certificate_sent: SHA-256 of the officer's key as it is enrolled.

        installation: The one it is for; None until the first bundle tells.
    """
    opened = Casebook(_engine(path, key, mode="rwc"))
    with opened.transaction() as connection:
        metadata.create_all(connection)
        connection.exec_driver_sql(_SEARCH)
        connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
        connection.execute(
            insert(casebook),
            {
                "id": 1,
                "installation": installation,
                "last_outbox": 0,
                "certificate_sent": certificate_sent,
            },
        )
        connection.execute(insert(continuity), {"id": 1})
    opened.close()
    path.chmod(0o600)


def open_casebook(path: Path, key: bytes) -> Casebook:
    """
    Open a casebook; one of an older version is brought to this one.

    Raises:
        CasebookUnreadable: If the key is another, or the file is damaged.

        CasebookTooNew: If a newer version made it.

        CasebookTooOld: If it is older than any this version can use.

        NoRoomForCopy: If it cannot be copied before its tables change.
    """
    engine = _engine(path, key, mode="rw")
    opened = Casebook(engine)
    try:
        with _failures_told(path), engine.connect() as connection:
            bring_up(path, connection.connection.driver_connection)
    except BaseException:
        opened.close()
        raise
    return opened


@contextmanager
def _failures_told(path: Path) -> Iterator[None]:
    """Say in our words what the driver says, which knows nothing of copies."""
    try:
        yield
    except (exc.DBAPIError, sqlcipher.Error) as error:
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        reason = f"the casebook failed: {type(cause).__name__}"
        for copy in copies_of(path):
            reason += f"; {copy.name} beside it is as it was before the update"
        raise CasebookUnreadable(reason) from None


def installation_of(opened: Casebook) -> bytes | None:
    """Return which installation a casebook is bound to, if it is."""
    with opened.transaction() as connection:
        found: bytes | None = connection.scalar(select(casebook.c.installation))
        return found


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
        # 64 MiB: what a queue of thousands of cases is read from.
        connection.execute("PRAGMA cache_size = -65536")
        return connection

    return connect


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
