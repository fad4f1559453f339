"""
Sessions: sealed records that outlive a request but not two hours.

The content is sealed under a key that only the reporter's cookie holds.  A row
knows its age only as a generation, the half hour of its last change modulo five,
so that old rows can be purged by a server that notes no time:

    tick        = half hours since the epoch
    generation  = tick mod 5
    kept        = this generation and the one before
"""

from dataclasses import dataclass, field

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from deaddrop import schema
from deaddrop.engine import Database

# 48 half hours make a day, so with four generations a sweep at the same hour
# every day would meet the same one for ever; five shift from day to day.
GENERATIONS = 5


@dataclass(frozen=True)
class SessionRow:
    """A session as it is stored."""

    sealed: bytes = field(repr=False)
    """The sealed content, 4,096 bytes."""

    generation: int
    """The tick of its last change, modulo five."""


class Sessions:
    """The sealed sessions of those who are signed in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, session_id: bytes) -> SessionRow | None:
        """Return the session of this name, or None."""
        columns = schema.session.c
        with self._database.reading() as connection:
            row = connection.execute(
                select(columns.sealed, columns.generation).where(
                    columns.id == session_id
                )
            ).one_or_none()
        return None if row is None else SessionRow(row.sealed, row.generation)

    def save(self, session_id: bytes, sealed: bytes, tick: int) -> None:
        """
        Store a session under its name, new or again.

        What is there already, content and generation, is not written again.

        Args:
            session_id: Its name, 32 bytes.

            sealed: Its content, 4,096 bytes.

            tick: The half hour it is now.

        Raises:
            ValueError: If a size is wrong.
        """
        if len(session_id) != schema.SESSION_ID_BYTES:
            raise ValueError(f"a session's name is {schema.SESSION_ID_BYTES} bytes")
        if len(sealed) != schema.SESSION_BYTES:
            raise ValueError(f"a session's content is {schema.SESSION_BYTES} bytes")
        wanted = SessionRow(sealed, tick % GENERATIONS)
        if self.load(session_id) == wanted:
            return
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        table = schema.session
        statement = insert(table).values(
            id=session_id, sealed=wanted.sealed, generation=wanted.generation
        )
        new = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=[table.c.id],
            set_={"sealed": new.sealed, "generation": new.generation},
            where=or_(
                table.c.sealed != new.sealed, table.c.generation != new.generation
            ),
        )
        with self._database.writing() as connection:
            connection.execute(statement)

    def delete(self, session_id: bytes) -> None:
        """Forget a session, if it is there: signing out."""
        with self._database.writing() as connection:
            connection.execute(
                delete(schema.session).where(schema.session.c.id == session_id)
            )

    def purge(self, tick: int) -> int:
        """
        Forget the sessions that have been idle for more than half an hour.

        Must run at least once in every half hour: after two and a half hours an old one
        would pass for the present one.

        Returns:
            How many there were.
        """
        kept = {tick % GENERATIONS, (tick - 1) % GENERATIONS}
        old = schema.session.c.generation.not_in(kept)
        with self._database.reading() as connection:
            if (
                connection.scalar(select(schema.session.c.id).where(old).limit(1))
                is None
            ):
                return 0
        with self._database.writing() as connection:
            return connection.execute(delete(schema.session).where(old)).rowcount
