"""
Records: who fetched and brought what, in a list that only grows.

    number  day  officer  action  detail  SHA-256 over all of that and the one before

The database refuses to change or remove a line, and a line that was removed by other
means breaks the chain of digests.  A day is kept and no hour.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, func, insert, select

from deaddrop import schema
from deaddrop.engine import Database

_BEFORE_THE_FIRST = bytes(32)


@dataclass(frozen=True)
class RecordLine:
    """One line: what an officer did at the courier."""

    number: int
    day: date
    fingerprint: str
    action: str
    detail: str
    sha256: bytes


class Records:
    """The courier's record."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self, *, day: date, fingerprint: str, action: str, detail: str
    ) -> RecordLine:
        """Write a line behind the last one."""
        table = schema.courier_record
        with self._database.writing() as connection:
            last = connection.execute(
                select(table.c.number, table.c.sha256)
                .order_by(table.c.number.desc())
                .limit(1)
            ).first()
            number = last.number + 1 if last else 1
            before = bytes(last.sha256) if last else _BEFORE_THE_FIRST
            line = RecordLine(
                number=number,
                day=day,
                fingerprint=fingerprint,
                action=action,
                detail=detail,
                sha256=_digest(before, number, day, fingerprint, action, detail),
            )
            connection.execute(
                insert(table),
                {
                    "number": number,
                    "day": day.toordinal(),
                    "fingerprint": fingerprint,
                    "action": action,
                    "detail": detail,
                    "sha256": line.sha256,
                },
            )
        return line

    def last(self, count: int) -> tuple[RecordLine, ...]:
        """Return the last lines, the newest first."""
        table = schema.courier_record
        with self._database.reading() as connection:
            rows = connection.execute(
                select(table).order_by(table.c.number.desc()).limit(count)
            ).all()
        return tuple(map(_line, rows))

    def ending_with(self, ending: str, *, fingerprint: str) -> Iterator[RecordLine]:
        """Yield an officer's lines whose detail ends so, the newest first."""
        columns = schema.courier_record.c
        with self._database.reading() as connection:
            rows = connection.execute(
                select(schema.courier_record)
                .where(
                    columns.fingerprint == fingerprint,
                    columns.detail.endswith(ending, autoescape=True),
                )
                .order_by(columns.number.desc())
            ).all()
        yield from map(_line, rows)

    def first_fault(self) -> int | None:
        """Return the first number at which a line is missing or was changed."""
        table = schema.courier_record
        before, expected = _BEFORE_THE_FIRST, 1
        with self._database.reading() as connection:
            for row in connection.execute(select(table).order_by(table.c.number)):
                digest = _digest(
                    before,
                    row.number,
                    date.fromordinal(row.day),
                    row.fingerprint,
                    row.action,
                    row.detail,
                )
                if row.number != expected or digest != bytes(row.sha256):
                    return expected
                before, expected = digest, expected + 1
        return None

    def count(self) -> int:
        """Return how many lines there are."""
        table = schema.courier_record
        with self._database.reading() as connection:
            return connection.scalar(select(func.count()).select_from(table)) or 0


def _line(row: Row[Any]) -> RecordLine:
    return RecordLine(
        row.number,
        date.fromordinal(row.day),
        row.fingerprint,
        row.action,
        row.detail,
        bytes(row.sha256),
    )


def _digest(
    before: bytes, number: int, day: date, fingerprint: str, action: str, detail: str
) -> bytes:
    said = json.dumps([number, day.isoformat(), fingerprint, action, detail])
    return hashlib.sha256(before + said.encode()).digest()
