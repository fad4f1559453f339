"""The first tables: installation, intake, mailbox, sessions, officers and desks."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A migration is history: it repeats the tables as they were then, and does not
# import those of today from `deaddrop.schema`.
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("installation_id", sa.LargeBinary, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("secret_key", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_single")),
        sa.CheckConstraint(
            "length(installation_id) = 16",
            name=op.f("ck_installation_installation_id"),
        ),
        sa.CheckConstraint("length(salt) = 16", name=op.f("ck_installation_salt")),
        sa.CheckConstraint(
            "length(secret_key) = 32", name=op.f("ck_installation_secret_key")
        ),
    )
    op.create_table(
        "intake",
        sa.Column("number", _NUMBER, nullable=False, autoincrement=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_intake"),
        sa.CheckConstraint("number >= 1", name=op.f("ck_intake_number")),
        sa.CheckConstraint("length(sha256) = 32", name=op.f("ck_intake_sha256")),
        sa.CheckConstraint("size_bytes >= 1", name=op.f("ck_intake_size_bytes")),
    )
    op.create_table(
        "intake_chunk",
        sa.Column("number", _NUMBER, nullable=False, autoincrement=False),
        sa.Column("part", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("piece", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", "part", name="pk_intake_chunk"),
        sa.ForeignKeyConstraint(
            ["number"],
            ["intake.number"],
            name="fk_intake_chunk_number",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("part >= 0", name=op.f("ck_intake_chunk_part")),
        sa.CheckConstraint(
            "length(piece) BETWEEN 1 AND 1048576", name=op.f("ck_intake_chunk_piece")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "intake_counter",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("last_number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_intake_counter"),
        sa.CheckConstraint("id = 1", name=op.f("ck_intake_counter_single")),
    )
    op.create_table(
        "mailbox",
        sa.Column("place", _NUMBER, nullable=False, autoincrement=False),
        sa.Column("slot", sa.LargeBinary, nullable=False),
        sa.Column("expires_day", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_mailbox"),
        sa.UniqueConstraint("slot", name="uq_mailbox_slot"),
        sa.CheckConstraint("length(slot) = 32", name=op.f("ck_mailbox_slot")),
        sa.CheckConstraint("length(sealed) = 16384", name=op.f("ck_mailbox_sealed")),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("generation", sa.SmallInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        sa.CheckConstraint("length(id) = 32", name=op.f("ck_session_id")),
        sa.CheckConstraint(
            "generation BETWEEN 0 AND 4", name=op.f("ck_session_generation")
        ),
        sa.CheckConstraint("length(sealed) = 4096", name=op.f("ck_session_sealed")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "officer",
        sa.Column("fingerprint", sa.String(40), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("certificate", sa.LargeBinary, nullable=False),
        sa.Column("desk_id", sa.LargeBinary, nullable=False),
        sa.Column("retired", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_officer"),
        sa.UniqueConstraint("desk_id", name="uq_officer_desk_id"),
        sa.CheckConstraint(
            "length(fingerprint) = 40", name=op.f("ck_officer_fingerprint")
        ),
        sa.CheckConstraint("length(desk_id) = 16", name=op.f("ck_officer_desk_id")),
    )
    op.create_table(
        "desk_cursor",
        sa.Column("desk_id", sa.LargeBinary, nullable=False),
        sa.Column("collected_through", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("desk_id", name="pk_desk_cursor"),
        sa.ForeignKeyConstraint(
            ["desk_id"], ["officer.desk_id"], name="fk_desk_cursor_desk_id"
        ),
        sa.CheckConstraint(
            "collected_through >= 0", name=op.f("ck_desk_cursor_collected_through")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "holding",
        sa.Column("number", _NUMBER, nullable=False, autoincrement=False),
        sa.Column("desk_id", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", "desk_id", name="pk_holding"),
        sa.ForeignKeyConstraint(
            ["number"], ["intake.number"], name="fk_holding_number", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["desk_id"], ["officer.desk_id"], name="fk_holding_desk_id"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outbox_applied",
        sa.Column("desk_id", sa.LargeBinary, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("desk_id", "number", name="pk_outbox_applied"),
        sa.ForeignKeyConstraint(
            ["desk_id"], ["officer.desk_id"], name="fk_outbox_applied_desk_id"
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_outbox_applied_number")),
        sa.CheckConstraint(
            "length(sha256) = 32", name=op.f("ck_outbox_applied_sha256")
        ),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop the tables with everything in them."""
    for table in (
        "outbox_applied",
        "holding",
        "desk_cursor",
        "officer",
        "session",
        "mailbox",
        "intake_counter",
        "intake_chunk",
        "intake",
        "installation",
    ):
        op.drop_table(table)
