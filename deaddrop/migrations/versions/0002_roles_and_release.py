"""Officers have a public role, and outboxes a day on which their answers appear."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what is there already has no role and is released."""
    op.add_column("officer", sa.Column("role", sa.Text))
    op.add_column("outbox_applied", sa.Column("release_day", sa.Integer))
