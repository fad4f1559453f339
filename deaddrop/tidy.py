"""
Tidying: making the database forget in which order things were written.

SQLite lays the tables out anew by VACUUM, each in the order of its keys, which
are random.  PostgreSQL marks every row with the transaction that wrote it, so that
the rows of mailbox and session are written again, all by one transaction, and the
other tables are rewritten without the dead versions of their rows.

What remains on the disk after that is in docs/adr/0004.
"""

from dataclasses import dataclass

from sqlalchemy import text

from deaddrop import schema
from deaddrop.engine import Database

# VACUUM builds the new file in memory, so as to leave no copy on the disk.
VACUUM_LIMIT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Tidied:
    """
    What a day's tidying has removed.

    Attributes:
        mailbox_rows: Past their day, real ones and dummies.

        items: That every active desk holds.

        release_days: Of outboxes whose answers appeared by now.

        laid_anew: Whether the database was written anew, so that free pages and the
            order of writing are gone.
    """

    mailbox_rows: int
    items: int
    release_days: int
    laid_anew: bool


def tidy(database: Database) -> bool:
    """
    Make *database* forget the order in which its rows were written.

    An SQLite file above 256 MiB is left as it is, apart from its write-ahead log:
    what was deleted in it is overwritten with zeros all the same.

    Raises:
        DeadDropUnavailable: If the database is in use for too long, or full.

    Returns:
        Whether it was written anew.
    """
    if not database.is_sqlite:
        _tidy_postgres(database)
    elif database.size_bytes <= VACUUM_LIMIT_BYTES:
        database.run_outside_transactions("VACUUM")
    else:
        database.checkpoint()
        return False
    return True


def _tidy_postgres(database: Database) -> None:
    rewritten = {schema.mailbox.name: "place", schema.session.name: "id"}
    with database.writing() as connection:
        for table, key in rewritten.items():
            # TRUNCATE, not DELETE: the table gets a new file, and the old one, with
            # its marks, is removed on commit.
            copied = f"SELECT * FROM {table}"  # noqa: S608  # Names of our own schema.
            ordered = f"SELECT * FROM tidied ORDER BY {key}"  # noqa: S608  # As above.
            for statement in (
                f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
                f"CREATE TEMPORARY TABLE tidied ON COMMIT DROP AS {copied}",
                f"TRUNCATE {table}",
                f"INSERT INTO {table} {ordered}",
                "DROP TABLE tidied",
            ):
                connection.execute(text(statement))
    database.run_outside_transactions(
        *(
            f"VACUUM FULL {table.name}"
            for table in schema.metadata.sorted_tables
            if table.name not in rewritten
        )
    )
