"""
Colleagues: which officers there are, as far as a desk can be sure of it.

    organisation's key --trusted once, compared on paper--> colleagues/
    bundle --officers, as the server says--> certified? --> casebook

The server lists the officers in every bundle, and nothing of that is believed but what
the organisation's key has certified: name and key.  Which desk belongs to a key is
pinned at first sight.  A server can hide an officer from a desk or name one who has
gone; it cannot make one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from casework.bundle import BundleOfficer
from casework.journal import Event
from crypto.admission import KeyNotAdmitted, fingerprint_in, key_ids_in
from crypto.fingerprint import Fingerprint
from journalist_app.workstation import casebook
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import UnknownColleague

_NOT_TAKEN_IN = "not taken in"


@dataclass(frozen=True)
class Colleague:
    """
    An officer, this desk's own among them.

    Attributes:
        receives: Whether new reports are sealed to them.

        unfit_because: Why nothing can be sealed to them; None if it can.

        active: Whether the server still named them in the last bundle.
    """

    desk_id: str
    fingerprint: Fingerprint
    name: str
    role: str | None
    receives: bool
    unfit_because: str | None
    active: bool
    own: bool

    @property
    def reachable(self) -> bool:
        """Whether something can be sealed to them."""
        return self.active and self.unfit_because is None


@dataclass(frozen=True)
class RosterChange:
    """What a bundle's list of officers changed or could not change."""

    name: str = field(repr=False)
    what: str


def trust_organisation(desk: Desk, armored: bytes) -> Fingerprint:
    """
    Let a desk believe what the organisation's key certifies.

    Raises:
        OrganisationRefused: If another key is trusted already.

        KeyNotAdmitted: If the file is not exactly one public key.

    Returns:
        Its fingerprint, to be compared with the one on paper.
    """
    return desk.colleagues.trust_organisation(armored)


def take_in_officers(
    desk: Desk,
    connection: Connection,
    officers: Sequence[BundleOfficer],
    *,
    today: date,
) -> tuple[RosterChange, ...]:
    """
    Take in the officers of a bundle.

    Whoever is not named any more stays known, because of what they have signed, and
    nothing new is sealed to them.
    """
    if not officers:
        return ()
    changes: list[RosterChange] = []
    named = set()
    taken_in = []
    for announced in officers:
        change = _take_in(desk, connection, announced, today)
        named.add(announced.desk_id)
        if change:
            changes.append(RosterChange(announced.name, change))
        if change is None or not change.startswith(_NOT_TAKEN_IN):
            taken_in.append(announced)
    _keep_key_ids(desk, connection, taken_in)
    table = casebook.officer
    gone = connection.execute(
        update(table)
        .where(table.c.active, table.c.desk_id.not_in([*named, desk.record.desk_id]))
        .values(active=False)
        .returning(table.c.name)
    ).scalars()
    changes += [RosterChange(name, "no longer an officer") for name in gone]
    if changes:
        # Whoever is new may have to be sent something.
        connection.execute(update(casebook.case).values(unsent=True))
    return tuple(changes)


def list_colleagues(desk: Desk, connection: Connection) -> tuple[Colleague, ...]:
    """Return all officers that this desk has ever known, by name, itself included."""
    table = casebook.officer
    rows = connection.execute(select(table).order_by(table.c.name, table.c.desk_id))
    known = [_colleague(desk, row) for row in rows]
    if any(one.own for one in known):
        return tuple(known)
    return (_oneself(desk), *known)


def find_colleague(desk: Desk, connection: Connection, desk_id: str) -> Colleague:
    """
    Return an officer by their desk.

    Raises:
        UnknownColleague: If there is none.
    """
    for colleague in list_colleagues(desk, connection):
        if colleague.desk_id == desk_id:
            return colleague
    raise UnknownColleague(UnknownColleague.__doc__)


def desks_by_key(connection: Connection, key_ids: Iterable[str]) -> dict[str, str]:
    """Return the desks, by the ids of encryption subkeys, as far as they are known."""
    table = casebook.key
    rows = connection.execute(
        select(table.c.key_id, table.c.desk_id).where(table.c.key_id.in_({*key_ids}))
    )
    return {row.key_id: row.desk_id for row in rows}


def receiving_desks(connection: Connection) -> frozenset[str]:
    """Return the desks to which new reports are sealed, as the last bundle says."""
    columns = casebook.officer.c
    return frozenset(
        connection.scalars(select(columns.desk_id).where(columns.receives))
    )


def check_signature(
    desk: Desk, connection: Connection, event: Event, content: bytes, signature: bytes
) -> None:
    """
    Make sure that the officer of an event's desk has signed it.

    The key must have been good on the day of the event: an officer who has left since
    has still done what they did.

    Raises:
        UnknownColleague: If this desk does not know the officer.

        SignatureRefused: With the reason.
    """
    fingerprint = connection.scalar(
        select(casebook.officer.c.fingerprint).where(
            casebook.officer.c.desk_id == event.desk_id
        )
    )
    if fingerprint is None:
        raise UnknownColleague("it is of an officer whom this desk does not know")
    desk.colleagues.verify_detached(
        content, signature, allowed=[Fingerprint(fingerprint)], today=event.day
    )


def _take_in(
    desk: Desk, connection: Connection, announced: BundleOfficer, today: date
) -> str | None:
    """Take in one officer; return what an officer should know of it."""
    table = casebook.officer
    certificate = announced.certificate.encode("ascii")
    try:
        fingerprint = fingerprint_in(certificate)
    except KeyNotAdmitted as error:
        return f"{_NOT_TAKEN_IN}: {error}"
    known = connection.execute(
        select(table).where(
            (table.c.desk_id == announced.desk_id)
            | (table.c.fingerprint == fingerprint)
        )
    ).all()
    pinned = (announced.desk_id, str(fingerprint))
    if any((row.desk_id, row.fingerprint) != pinned for row in known):
        return f"{_NOT_TAKEN_IN}: this desk knows another key or desk of this officer"
    values: dict[str, object] = {
        "name": announced.name,
        "role": announced.role,
        "receives": announced.receives,
        "certificate": certificate,
        "active": True,
    }
    before = known[0] if known else None
    if before is None or before.certificate != certificate or before.unfit_because:
        values["unfit_because"] = _admit(desk, certificate, today)
    if before is None:
        connection.execute(
            insert(table),
            {
                "desk_id": announced.desk_id,
                "fingerprint": str(fingerprint),
                **values,
            },
        )
    else:
        connection.execute(
            update(table).where(table.c.desk_id == announced.desk_id).values(values)
        )
    if unfit_because := values.get("unfit_because"):
        return f"nothing can be sealed to them: {unfit_because}"
    if before is None:
        return "new officer"
    if announced.receives and not before.receives:
        return "new reports are now sealed to them"
    return None if announced.role == before.role else "they have another role now"


def _keep_key_ids(
    desk: Desk, connection: Connection, announced: Iterable[BundleOfficer]
) -> None:
    """
    Keep whose the subkeys of officers are.

    Of whom the organisation has certified, what gpg has in the keyring counts, which is
    what their key has bound to itself, and not whatever their certificate came with.
    Whoever is not certified may claim what is somebody else's, and has to give it up.
    """
    officer, key = casebook.officer, casebook.key
    bound = desk.colleagues.key_ids()
    certified = select(officer.c.desk_id).where(officer.c.unfit_because.is_(None))
    fit = {*connection.scalars(certified)}
    claims: list[tuple[str, tuple[str, ...]]] = []
    for one in announced:
        certificate = one.certificate.encode("ascii")
        key_ids = bound.get(fingerprint_in(certificate))
        if one.desk_id in fit and key_ids is not None:
            # What was claimed before may have been somebody else's all the time.
            connection.execute(
                delete(key).where(
                    key.c.desk_id == one.desk_id, key.c.key_id.not_in(key_ids)
                )
            )
        claims.append((one.desk_id, key_ids or key_ids_in(certificate)))
    for desk_id, key_ids in claims:
        for key_id in key_ids:
            statement = insert_or(key).values(key_id=key_id, desk_id=desk_id)
            if desk_id in fit:
                statement = statement.on_conflict_do_update(
                    index_elements=["key_id"],
                    set_={"desk_id": desk_id},
                    where=key.c.desk_id.not_in(certified),
                )
            else:
                statement = statement.on_conflict_do_nothing()
            connection.execute(statement)


def _admit(desk: Desk, certificate: bytes, today: date) -> str | None:
    try:
        desk.colleagues.admit(certificate, today=today)
    except KeyNotAdmitted as error:
        return str(error)
    return None


def _colleague(desk: Desk, row: Row[Any]) -> Colleague:
    return Colleague(
        desk_id=row.desk_id,
        fingerprint=Fingerprint(row.fingerprint),
        name=row.name,
        role=row.role,
        receives=row.receives,
        unfit_because=row.unfit_because,
        active=row.active,
        own=row.desk_id == desk.record.desk_id,
    )


def _oneself(desk: Desk) -> Colleague:
    return Colleague(
        desk_id=desk.record.desk_id,
        fingerprint=desk.fingerprint,
        name=desk.record.name,
        role=None,
        receives=True,
        unfit_because="no bundle has brought one's own key, certified",
        active=True,
        own=True,
    )
