"""A database says how old a version may be that still works with it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

oldest_reader = "0004"
"""Each step from here on says which step the oldest version has that may follow it."""


def upgrade() -> None:
    """Create the table; `deaddrop.migrate` fills it in."""
    op.create_table(
        "compatibility",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("oldest_reader", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_compatibility"),
        sa.CheckConstraint("id = 1", name=op.f("ck_compatibility_single")),
    )
