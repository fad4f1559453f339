"""Officers have accounts for the courier, which keeps a record that only grows."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_SQLITE_TRIGGERS = (
    "CREATE TRIGGER courier_record_{event} BEFORE {event} ON courier_record "
    "BEGIN SELECT RAISE(ABORT, 'the record only grows'); END"
)
_POSTGRES_FUNCTION = (
    "CREATE FUNCTION courier_record_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the record only grows'; END $$"
)
_POSTGRES_TRIGGER = (
    "CREATE TRIGGER courier_record_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE "
    "ON courier_record FOR EACH STATEMENT EXECUTE FUNCTION courier_record_only_grows()"
)


def upgrade() -> None:
    """Create the tables; officers who are there receive reports as before."""
    op.add_column(
        "officer",
        sa.Column("receives", sa.Boolean, nullable=False, server_default=sa.true()),
    )
    op.create_table(
        "courier_account",
        sa.Column("fingerprint", sa.String(40), nullable=False),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("passphrase_phc", sa.Text, nullable=False),
        sa.Column("totp_sealed", sa.LargeBinary, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_courier_account"),
        sa.ForeignKeyConstraint(
            ["fingerprint"],
            ["officer.fingerprint"],
            name="fk_courier_account_fingerprint",
        ),
        sa.UniqueConstraint("user_name", name="uq_courier_account_user_name"),
    )
    op.create_table(
        "courier_code",
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_courier_code"),
        sa.ForeignKeyConstraint(
            ["fingerprint"],
            ["courier_account.fingerprint"],
            name="fk_courier_code_fingerprint",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "courier_throttle",
        sa.Column("name_hmac", sa.LargeBinary, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("until_second", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name_hmac", name="pk_courier_throttle"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "courier_session",
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.String(40), nullable=False),
        sa.Column("begun_second", sa.BigInteger, nullable=False),
        sa.Column("seen_second", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_courier_session"),
        sa.ForeignKeyConstraint(
            ["fingerprint"],
            ["courier_account.fingerprint"],
            name="fk_courier_session_fingerprint",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "courier_record",
        sa.Column("number", _NUMBER, nullable=False, autoincrement=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.String(40), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_courier_record"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(_SQLITE_TRIGGERS.format(event=event))
    else:
        op.execute(_POSTGRES_FUNCTION)
        op.execute(_POSTGRES_TRIGGER)
