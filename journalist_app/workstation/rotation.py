"""
Rotation: the officer's subkeys over the months, made ahead and destroyed behind.

    export   fewer than nine months ahead? --> make more      } in this outbox,
             half of the key's time over?  --> extend it      } to server and desks
    import   month over, nothing to come?  --> casebook's key sealed anew
                                           --> private half destroyed

Both happen by themselves: a promise that what was seized can be opened by nobody must
not depend on somebody who remembers.  What an officer decides is when a subkey goes
although the stream has not yet shown that nothing more can come for it.

Specified in docs/spec/desk-directory.md; decided in docs/adr/0017.
"""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import Connection, func, select

from casework.bundle import MOST_ITEMS, BundleManifest
from crypto.packets import IncompleteMessage, read_envelope
from crypto.subkeys import (
    EncryptionSubkey,
    Kept,
    NoKeyPair,
    first_of_next_month,
)
from journalist_app.workstation import casebook
from journalist_app.workstation.desk import EXPIRES_DAYS, Desk

# How long something may be under way: an outbox of a colleague on a stick, above all.
GRACE_DAYS = 35
# An officer who exports once in four months is never late.
MAKE_BELOW_MONTHS = 9
WARN_DAYS = 60
# A recipient who is not named (RFC 9580, section 5.1.8).
_UNNAMED = "0" * 16


class SubkeyState(StrEnum):
    """Where a subkey stands in the calendar."""

    FUTURE = "future"
    CURRENT = "current"
    PAST = "past"
    DESTROYED = "destroyed"


class Obstacle(StrEnum):
    """Why a past subkey is not destroyed yet."""

    GRACE = "something sealed to it may still be under way"
    UNKNOWN_TO_SERVER = "no bundle has shown that the server has its successor"
    UNOPENED = "an item that this desk could not open yet is sealed to it"
    ON_CARD = "it is on a smartcard"
    NOT_COLLECTED = "no complete bundle has reached beyond it"


@dataclass(frozen=True)
class CalendarRow:
    """
    One subkey in the calendar.

    Attributes:
        until: The last day on which anybody seals to it: the day before its
            successor begins, or before it ends.

        due: The first day on which it may be destroyed.

        obstacles: What keeps a past one from being destroyed today.
    """

    subkey: EncryptionSubkey
    state: SubkeyState
    until: date | None
    due: date | None
    obstacles: tuple[Obstacle, ...] = ()


@dataclass(frozen=True)
class KeyCalendar:
    """
    An officer's keys as they stand today.

    Attributes:
        ends: The day from which nothing is signed or sealed with them.

        sealed_through: The last day on which anything can be sealed to the officer,
            if no outbox brings a renewed certificate; None if there is no end.
    """

    ends: date | None
    sealed_through: date | None
    rows: tuple[CalendarRow, ...]

    @property
    def destroyable(self) -> tuple[CalendarRow, ...]:
        """Past subkeys of which only the stream has not proved that they may go."""
        return tuple(
            row
            for row in self.past
            if not set(row.obstacles) - {Obstacle.NOT_COLLECTED}
        )

    @property
    def past(self) -> tuple[CalendarRow, ...]:
        """Subkeys whose month is over and that are still here."""
        return tuple(row for row in self.rows if row.state is SubkeyState.PAST)

    @property
    def months_ahead(self) -> int:
        """For how many months to come there is a subkey."""
        return sum(row.state is SubkeyState.FUTURE for row in self.rows)

    def ends_soon(self, today: date) -> bool:
        """Whether the officer should export without delay."""
        return self.sealed_through is not None and (
            self.sealed_through - today < timedelta(days=WARN_DAYS)
        )


def key_calendar(
    desk: Desk, connection: Connection, *, today: date, through: int | None = None
) -> KeyCalendar:
    """
    Return the calendar of the officer's subkeys, oldest first.

    Args:
        desk: Whose.

        connection: To the casebook.

        today: The day it is.

        through: Up to which number nothing is missing here; None to take all items
            as they are, for showing.
    """
    keys = desk.keys.officer_keys(desk.fingerprint)
    published = set(
        connection.scalars(
            select(casebook.key.c.key_id).where(
                casebook.key.c.desk_id == desk.record.desk_id
            )
        )
    )
    awaited = _awaited(desk, connection)
    reached = _reached(connection, today, through)
    rows = [
        _row(subkey, keys.subkeys[position + 1 :], published, awaited, reached, today)
        for position, subkey in enumerate(keys.subkeys)
    ]
    last = [subkey.ends for subkey in keys.subkeys]
    ends = [end for end in (keys.ends, max(filter(None, last), default=None)) if end]
    return KeyCalendar(
        ends=keys.ends,
        sealed_through=min(ends) - timedelta(days=1) if ends else None,
        rows=tuple(rows),
    )


def renew(desk: Desk, *, today: date) -> bool:
    """
    Make what is missing of the coming year, and extend the key in time.

    The renewed certificate goes to the server with the next outbox.

    Raises:
        SubkeyNotMade, NotExtended: If gpg did not do it.

    Returns:
        Whether there was anything to do.
    """
    with desk.renewing:
        # Whoever comes second finds what the first one has made.
        return _renew(desk, today)


def _renew(desk: Desk, today: date) -> bool:
    lifetime = timedelta(days=desk.record.expires_days or EXPIRES_DAYS)
    keys = desk.keys.officer_keys(desk.fingerprint)
    renewed = False
    if keys.ends is not None and keys.ends - today < lifetime / 2:
        desk.keys.extend(desk.fingerprint, ends=today + lifetime, today=today)
        renewed = True
    beyond = first_of_next_month(today, MAKE_BELOW_MONTHS)
    if not any(subkey.begins >= beyond for subkey in keys.subkeys):
        renewed = desk.keys.make_subkeys(desk.fingerprint, today=today) > 0 or renewed
    return renewed


def extend_to(desk: Desk, *, ends: date, today: date) -> int:
    """
    Give the officer's key the end that an officer names, and the subkeys of a year.

    Raises:
        SubkeyNotMade, NotExtended: If gpg did not do it.

    Returns:
        How many subkeys were made.
    """
    desk.keys.extend(desk.fingerprint, ends=ends, today=today)
    return desk.keys.make_subkeys(desk.fingerprint, today=today)


def destroy_after_import(
    desk: Desk, manifest: BundleManifest, *, whole: bool, today: date
) -> tuple[EncryptionSubkey, ...]:
    """
    Destroy the subkeys for which the stream has shown that nothing more comes.

    Args:
        desk: Which has imported the bundle.

        manifest: Of the bundle.

        whole: Whether the desk now holds everything up to its end.

        today: The day it is.

    Returns:
        Those that are gone now.
    """
    if not whole or len(manifest.items) >= MOST_ITEMS:
        # More of the stream is to come than this bundle had room for.
        return ()
    try:
        with desk.casebook.transaction() as connection:
            calendar = key_calendar(
                desk, connection, today=today, through=manifest.through
            )
    except NoKeyPair:
        # Pulled out, or moved away: then there is nothing here to destroy.
        return ()
    if calendar.sealed_through is not None and calendar.sealed_through < today:
        # The casebook's key could be sealed to nothing newer: renew first.
        return ()
    doomed = [row.subkey for row in calendar.destroyable if not row.obstacles]
    return destroy_subkeys(desk, doomed, today=today)


def lost_because(desk: Desk, key_ids: Collection[str]) -> str | None:
    """
    Say that a message came too late, if that is why it cannot be opened.

    Args:
        desk: Which could not open it.

        key_ids: To whom it was sealed.
    """
    try:
        keys = desk.keys.officer_keys(desk.fingerprint)
    except NoKeyPair:
        return None
    for subkey in keys.subkeys:
        if subkey.kept is Kept.NOWHERE and subkey.key_id in key_ids:
            return (
                f"it came too late: the key that was sealed to from {subkey.begins} on "
                "is destroyed; another officer can share the case"
            )
    return None


def destroy_subkeys(
    desk: Desk, doomed: Sequence[EncryptionSubkey], *, today: date
) -> tuple[EncryptionSubkey, ...]:
    """
    Destroy private subkeys of this desk, for ever.

    Raises:
        DeskLocked: If the casebook's key could not be sealed to another subkey first;
            nothing is destroyed then.

        NotDestroyed: If one of them is still there.
    """
    if doomed:
        desk.reseal_casebook_key({subkey.key_id for subkey in doomed}, today=today)
        desk.keys.destroy(desk.fingerprint, doomed)
    return tuple(doomed)


def _row(
    subkey: EncryptionSubkey,
    later: Sequence[EncryptionSubkey],
    published: Set[str],
    awaited: Set[str],
    reached: date | None,
    today: date,
) -> CalendarRow:
    successor = later[0] if later else None
    over = [day for day in (subkey.ends, successor and successor.begins) if day]
    until = min(over) - timedelta(days=1) if over else None
    due = successor.begins + timedelta(days=GRACE_DAYS) if successor else None
    if subkey.kept is Kept.NOWHERE:
        return CalendarRow(subkey, SubkeyState.DESTROYED, until, due)
    if subkey.begins > today:
        return CalendarRow(subkey, SubkeyState.FUTURE, until, due)
    # Without a successor, something may still be sealed to it after a renewal.
    if successor is None or successor.begins > today:
        return CalendarRow(subkey, SubkeyState.CURRENT, until, due)
    obstacles = []
    if due is None or today < due:
        obstacles.append(Obstacle.GRACE)
    if successor.key_id not in published:
        obstacles.append(Obstacle.UNKNOWN_TO_SERVER)
    if awaited & {subkey.key_id, _UNNAMED}:
        obstacles.append(Obstacle.UNOPENED)
    if subkey.kept is Kept.ON_CARD:
        obstacles.append(Obstacle.ON_CARD)
    if due is None or reached is None or reached < due:
        obstacles.append(Obstacle.NOT_COLLECTED)
    return CalendarRow(subkey, SubkeyState.PAST, until, due, tuple(obstacles))


def _reached(connection: Connection, today: date, through: int | None) -> date | None:
    """Return the newest day of an item here; a day that has not come is none."""
    table = casebook.received
    query = select(func.max(table.c.arrived_day)).where(
        table.c.arrived_day <= today.toordinal()
    )
    if through is not None:
        query = query.where(table.c.number <= through)
    newest = connection.scalar(query)
    return None if newest is None else date.fromordinal(newest)


def _awaited(desk: Desk, connection: Connection) -> set[str]:
    """Return to which keys those items are sealed that may still be opened."""
    table = casebook.received
    key_ids: set[str] = set()
    for sha256 in connection.scalars(
        select(table.c.sha256).where(table.c.what == "unopened")
    ):
        try:
            with desk.sealed_item(sha256).open("rb") as file:
                key_ids.update(read_envelope(file).recipient_key_ids)
        except (IncompleteMessage, OSError):
            # What is not whole can be opened by nobody, with whatever key.
            continue
    return key_ids
