"""
The dead drop: one blind store for everything the server keeps.

    drop.intake      sealed items to the officers
    drop.mailbox     sealed slots to and of the reporters
    drop.sessions    sealed sessions
    drop.officers    public keys
    drop.desks       cursors, holdings, outboxes

It knows neither codenames nor plaintext, and does no cryptography.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import insert, select

from deaddrop import schema
from deaddrop.accounts import Accounts
from deaddrop.chance import Chance, Entropy
from deaddrop.desks import AppliedOutbox, Desks
from deaddrop.dummies import KnownDummies
from deaddrop.engine import Database
from deaddrop.errors import AlreadyInstalled, DeadDropError, NotInstalled
from deaddrop.intake import Intake, SealedItem
from deaddrop.mailbox import Mailbox
from deaddrop.migrating import check_migrated
from deaddrop.officers import Officers
from deaddrop.records import Records
from deaddrop.sessions import Sessions
from deaddrop.tidy import Tidied, tidy


@dataclass(frozen=True)
class Installation:
    """What makes this installation different from every other, made once."""

    installation_id: bytes
    """Tells desks that a bundle is ours, 16 bytes; not secret."""

    salt: bytes = field(repr=False)
    """For stretching codenames, 16 bytes; with another one, all cases are lost."""

    secret_key: bytes = field(repr=False)
    """For signing the tokens of forms, 32 bytes."""


class DeadDrop:
    """
    The blind store; shared by the threads of a process.

    Made by `open_deaddrop`.
    """

    def __init__(
        self, database: Database, *, known_dummies: KnownDummies, entropy: Entropy
    ) -> None:
        chance = Chance(entropy)
        self.database = database
        self.mailbox = Mailbox(database, known_dummies, chance)
        self.intake = Intake(database, self.mailbox)
        self.sessions = Sessions(database)
        self.officers = Officers(database)
        self.desks = Desks(database, self.mailbox)
        self.accounts = Accounts(database)
        self.records = Records(database)
        self._installation: Installation | None = None

    @property
    def installation(self) -> Installation:
        """
        The installation.

        Raises:
            NotInstalled: If `create_installation` has not been called yet.
        """
        if self._installation is None:
            with self.database.reading() as connection:
                row = connection.execute(select(schema.installation)).one_or_none()
            if row is None:
                raise NotInstalled
            # It never changes, so that reading it once is enough.
            self._installation = Installation(
                row.installation_id, row.salt, row.secret_key
            )
        return self._installation

    def create_installation(self, entropy: Entropy, *, day: date) -> Installation:
        """
        Draw the salt and the keys, and lay the first block of dummies.

        Raises:
            AlreadyInstalled: If that was done before; nothing is changed.
        """
        draw = Chance(entropy)
        made = Installation(draw.bytes(16), draw.bytes(16), draw.bytes(32))
        with self.mailbox.changing() as change:
            if change.connection.scalar(select(schema.installation.c.id)) is not None:
                raise AlreadyInstalled
            change.connection.execute(
                insert(schema.installation),
                {
                    "id": 1,
                    "installation_id": made.installation_id,
                    "salt": made.salt,
                    "secret_key": made.secret_key,
                },
            )
            change.connection.execute(
                insert(schema.intake_counter), {"id": 1, "last_number": 0}
            )
            change.lay_block(day=day)
        return made

    def apply_outbox(
        self,
        desk_id: bytes,
        number: int,
        manifest_sha256: bytes,
        slots: Iterable[tuple[bytes, bytes]],
        holds: Sequence[tuple[int, bytes]],
        day: date,
        release_day: date | None = None,
        parcels: Iterable[SealedItem] = (),
    ) -> AppliedOutbox:
        """Apply a desk's outbox; see `Desks.apply_outbox`."""
        return self.desks.apply_outbox(
            desk_id, number, manifest_sha256, slots, holds, day, release_day, parcels
        )

    def tidy(self, day: date) -> Tidied:
        """
        Expire old rows, and make the database forget what it can.

        Meant to run once a day, at an hour without much traffic.
        """
        return Tidied(
            mailbox_rows=self.mailbox.expire(day),
            items=self.desks.delete_collected(),
            # Yesterday's hour has come in every zone by the end of today.
            release_days=self.desks.forget_releases(through=day - timedelta(days=1)),
            # Last, so that nothing of what went is left in a free page.
            laid_anew=tidy(self.database),
        )

    def close(self) -> None:
        """Close the connections to the database."""
        self.database.close()


def open_deaddrop(
    url: str, *, known_dummies: KnownDummies, entropy: Entropy
) -> DeadDrop:
    """
    Open the dead drop at *url*.

    Args:
        url: `sqlite:////absolute/path` or `postgresql://...`; see `deaddrop.migrate`.

        known_dummies: Names of dummies, in memory-backed storage.

        entropy: For names and contents of dummies, such as `os.urandom`.

    Raises:
        DeadDropUnavailable: If the database cannot be reached.

        NotMigrated: If its tables are not those of this version.
    """
    database = Database(url)
    try:
        check_migrated(database)
        # A crash may have left the last transactions in the write-ahead log.
        database.checkpoint()
    except DeadDropError:
        database.close()
        raise
    return DeadDrop(database, known_dummies=known_dummies, entropy=entropy)
