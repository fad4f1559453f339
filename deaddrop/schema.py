"""
The tables of the dead drop, as SQLAlchemy sees them.

    installation     who we are: one row
    intake           sealed items to the officers, in arrival order, dated by day
    intake_chunk     ... their bytes, at most 1 MiB a piece
    intake_counter   the highest number ever given: one row
    mailbox          sealed slots of one size under random names, most of them dummies
    session          sealed sessions, dated by half an hour modulo two hours
    officer          the officers' public keys and desks
    desk_cursor      how far a desk has collected
    holding          which desk has signed that it holds which item
    outbox_applied   which outboxes have been applied
    courier_*        officers' accounts, recovery codes, sessions and failed attempts
                     at the courier, and its record of who fetched and brought what
    compatibility    the oldest version that may work with these tables: one row

No column has a type of date or time: a day is its proleptic ordinal
(`date.toordinal`).  Of reporters nothing finer than a day is kept; the sessions and
one-time passwords of officers need seconds.  docs/spec/deaddrop.md
specifies every column; docs/adr/0004 says why the tables are laid out so.
The migrations in `deaddrop.migrations` create them; a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    true,
)

SLOT_NAME_BYTES = 32
SLOT_BYTES = 16_384
SESSION_ID_BYTES = 32
SESSION_BYTES = 4_096
DESK_ID_BYTES = 16
DIGEST_BYTES = 32  # SHA-256
PIECE_BYTES = 1_048_576  # 1 MiB, the most that one intake_chunk holds
FINGERPRINT_CHARACTERS = 40

# SQLite clusters a table by its key only if the key is declared plainly INTEGER.
_Number = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("installation_id", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("secret_key", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="single"),
    CheckConstraint("length(installation_id) = 16", name="installation_id"),
    CheckConstraint("length(salt) = 16", name="salt"),
    CheckConstraint("length(secret_key) = 32", name="secret_key"),
)

intake = Table(
    "intake",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("day", Integer, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    CheckConstraint("number >= 1", name="number"),
    CheckConstraint("length(sha256) = 32", name="sha256"),
    CheckConstraint("size_bytes >= 1", name="size_bytes"),
)

intake_chunk = Table(
    "intake_chunk",
    metadata,
    Column(
        "number",
        _Number,
        ForeignKey(intake.c.number, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("piece", LargeBinary, nullable=False),
    CheckConstraint("part >= 0", name="part"),
    CheckConstraint("length(piece) BETWEEN 1 AND 1048576", name="piece"),
    sqlite_with_rowid=False,
)

# A sequence of PostgreSQL gives its numbers outside transactions: a number may be
# lost, and 8 may be committed before 7, which a desk that asks for "all after 8"
# would never see.  A counted row does neither.
intake_counter = Table(
    "intake_counter",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("last_number", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

# `place` is a random number without meaning.  It is what SQLite clusters the table
# by, so that a row can change its name without moving in the file (ADR 0004).
# `sealed` comes last, so that the other columns are read without its overflow pages.
mailbox = Table(
    "mailbox",
    metadata,
    Column("place", _Number, primary_key=True, autoincrement=False),
    Column("slot", LargeBinary, nullable=False, unique=True),
    Column("expires_day", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    CheckConstraint("length(slot) = 32", name="slot"),
    CheckConstraint("length(sealed) = 16384", name="sealed"),
)

session = Table(
    "session",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("generation", SmallInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    CheckConstraint("length(id) = 32", name="id"),
    CheckConstraint("generation BETWEEN 0 AND 4", name="generation"),
    CheckConstraint("length(sealed) = 4096", name="sealed"),
    sqlite_with_rowid=False,
)

officer = Table(
    "officer",
    metadata,
    Column("fingerprint", String(FINGERPRINT_CHARACTERS), primary_key=True),
    Column("name", Text, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("desk_id", LargeBinary, nullable=False, unique=True),
    Column("retired", Boolean, nullable=False),
    Column("role", Text),
    # Whether new reports are sealed to this officer.
    Column("receives", Boolean, nullable=False, server_default=true()),
    CheckConstraint("length(fingerprint) = 40", name="fingerprint"),
    CheckConstraint("length(desk_id) = 16", name="desk_id"),
)

desk_cursor = Table(
    "desk_cursor",
    metadata,
    Column("desk_id", LargeBinary, ForeignKey(officer.c.desk_id), primary_key=True),
    Column("collected_through", BigInteger, nullable=False),
    CheckConstraint("collected_through >= 0", name="collected_through"),
    sqlite_with_rowid=False,
)

holding = Table(
    "holding",
    metadata,
    Column(
        "number",
        _Number,
        ForeignKey(intake.c.number, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("desk_id", LargeBinary, ForeignKey(officer.c.desk_id), primary_key=True),
    sqlite_with_rowid=False,
)

outbox_applied = Table(
    "outbox_applied",
    metadata,
    Column("desk_id", LargeBinary, ForeignKey(officer.c.desk_id), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("release_day", Integer),
    CheckConstraint("number >= 1", name="number"),
    CheckConstraint("length(sha256) = 32", name="sha256"),
    sqlite_with_rowid=False,
)

courier_account = Table(
    "courier_account",
    metadata,
    Column(
        "fingerprint",
        String(FINGERPRINT_CHARACTERS),
        ForeignKey(officer.c.fingerprint),
        primary_key=True,
    ),
    Column("user_name", Text, nullable=False, unique=True),
    Column("passphrase_phc", Text, nullable=False),
    Column("totp_sealed", LargeBinary, nullable=False),
    Column("last_step", BigInteger, nullable=False),
)

courier_code = Table(
    "courier_code",
    metadata,
    Column("sha256", LargeBinary, primary_key=True),
    Column(
        "fingerprint",
        String(FINGERPRINT_CHARACTERS),
        ForeignKey(courier_account.c.fingerprint, ondelete="CASCADE"),
        nullable=False,
    ),
    sqlite_with_rowid=False,
)

courier_throttle = Table(
    "courier_throttle",
    metadata,
    Column("name_hmac", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("until_second", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

courier_session = Table(
    "courier_session",
    metadata,
    Column("sha256", LargeBinary, primary_key=True),
    Column(
        "fingerprint",
        String(FINGERPRINT_CHARACTERS),
        ForeignKey(courier_account.c.fingerprint, ondelete="CASCADE"),
        nullable=False,
    ),
    Column("begun_second", BigInteger, nullable=False),
    Column("seen_second", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The migration adds triggers that refuse to change or remove a line.
courier_record = Table(
    "courier_record",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("day", Integer, nullable=False),
    Column("fingerprint", String(FINGERPRINT_CHARACTERS), nullable=False),
    Column("action", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
)

compatibility = Table(
    "compatibility",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("oldest_reader", Text, nullable=False),
    CheckConstraint("id = 1", name="single"),
)
