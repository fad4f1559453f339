"""
Officers: their public keys, and the desk that belongs to each.

The keys are public and the names are those the ministry gives; nothing here is
about reporters.  A retired officer stays on record, because what their desk
signed stays true.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Row, Select, insert, or_, select, update

from deaddrop import schema
from deaddrop.desks import delete_held_by_all
from deaddrop.engine import Database
from deaddrop.errors import OfficerExists, UnknownOfficer


@dataclass(frozen=True)
class Officer:
    """An officer and their desk."""

    fingerprint: str
    """Of the officer's OpenPGP key, 40 upper-case hexadecimal digits."""

    name: str
    certificate: bytes = field(repr=False)
    """The public key, armored."""

    desk_id: bytes
    """Names the desk's reply slots, 16 bytes."""

    retired: bool

    role: str | None = None
    """Key of the public role in the profile, if the officer has one."""

    receives: bool = True
    """Whether new reports are sealed to this officer; reviewers get shared cases."""


class Officers:
    """The officers that are or were enrolled."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        *,
        fingerprint: str,
        name: str,
        certificate: bytes,
        desk_id: bytes,
        role: str | None = None,
        receives: bool = True,
    ) -> Officer:
        """
        Enrol an officer and their desk.

        From now on an item stays until this desk, too, has signed that it holds it.

        Args:
            fingerprint: Of the officer's key.

            name: As the ministry gives it.

            certificate: The public key, armored.

            desk_id: 16 random bytes that the desk has drawn.

            role: Key of the officer's public role, by which reporters can exclude it.

            receives: Whether new reports are sealed to the officer.

        Raises:
            OfficerExists: If fingerprint or desk is enrolled, retired or not.

            ValueError: If the fingerprint is not 40 characters long, or the desk's
                name not 16 bytes.
        """
        if len(fingerprint) != schema.FINGERPRINT_CHARACTERS:
            raise ValueError("a fingerprint is 40 hexadecimal digits")
        if len(desk_id) != schema.DESK_ID_BYTES:
            raise ValueError(f"the name of a desk is {schema.DESK_ID_BYTES} bytes")
        officer = Officer(
            fingerprint=fingerprint,
            name=name,
            certificate=certificate,
            desk_id=desk_id,
            retired=False,
            role=role,
            receives=receives,
        )
        table = schema.officer
        with self._database.writing() as connection:
            taken = select(table.c.fingerprint).where(
                or_(
                    table.c.fingerprint == fingerprint,
                    table.c.desk_id == officer.desk_id,
                )
            )
            if connection.scalar(taken) is not None:
                raise OfficerExists
            connection.execute(
                insert(table),
                {
                    "fingerprint": officer.fingerprint,
                    "name": officer.name,
                    "certificate": officer.certificate,
                    "desk_id": officer.desk_id,
                    "retired": officer.retired,
                    "role": officer.role,
                    "receives": officer.receives,
                },
            )
        return officer

    def list(self, *, retired: bool = False) -> tuple[Officer, ...]:
        """Return the active officers by name; with *retired*, all of them."""
        query = _officers().order_by(
            schema.officer.c.name, schema.officer.c.fingerprint
        )
        if not retired:
            query = query.where(schema.officer.c.retired.is_(False))
        with self._database.reading() as connection:
            return _read(connection.execute(query))

    def get(self, fingerprint: str) -> Officer:
        """
        Return the officer with this fingerprint.

        Raises:
            UnknownOfficer: If none is enrolled.
        """
        query = _officers().where(schema.officer.c.fingerprint == fingerprint)
        with self._database.reading() as connection:
            found = _read(connection.execute(query))
        if not found:
            raise UnknownOfficer
        return found[0]

    def replace_certificate(self, fingerprint: str, certificate: bytes) -> None:
        """
        Store the same key anew, with a later expiry for instance.

        Raises:
            UnknownOfficer: If none is enrolled.
        """
        self._change(fingerprint, certificate=certificate)

    def set_role(self, fingerprint: str, role: str | None) -> None:
        """
        Give an officer another public role.

        Raises:
            UnknownOfficer: If none is enrolled.
        """
        self._change(fingerprint, role=role)

    def set_receives(self, fingerprint: str, receives: bool) -> None:
        """
        Let new reports be sealed to an officer, or not.

        Raises:
            UnknownOfficer: If none is enrolled.
        """
        self._change(fingerprint, receives=receives)

    def retire(self, fingerprint: str) -> int:
        """
        Retire an officer: their desk no longer counts, and its outboxes are refused.

        Items that only this desk had not yet signed for are deleted with it.

        Raises:
            UnknownOfficer: If none is enrolled.

        Returns:
            How many items were deleted.
        """
        with self._database.writing() as connection:
            changed = connection.execute(
                update(schema.officer)
                .where(schema.officer.c.fingerprint == fingerprint)
                .values(retired=True)
            )
            if changed.rowcount == 0:
                raise UnknownOfficer
            return delete_held_by_all(connection)

    def _change(self, fingerprint: str, **values: object) -> None:
        with self._database.writing() as connection:
            changed = connection.execute(
                update(schema.officer)
                .where(schema.officer.c.fingerprint == fingerprint)
                .values(**values)
            )
            if changed.rowcount == 0:
                raise UnknownOfficer


_Columns = tuple[str, str, bytes, bytes, bool, str | None, bool]


def _officers() -> Select[*_Columns]:
    columns = schema.officer.c
    return select(
        columns.fingerprint,
        columns.name,
        columns.certificate,
        columns.desk_id,
        columns.retired,
        columns.role,
        columns.receives,
    )


def _read(rows: Iterable[Row[*_Columns]]) -> tuple[Officer, ...]:
    return tuple(Officer(*row) for row in rows)
