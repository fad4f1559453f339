"""
Accounts: how officers sign in to the courier.

What is kept of a secret cannot be turned back: a passphrase as Argon2id (PHC string), a
recovery code and a session as SHA-256 of random bytes, the secret of one-time passwords
sealed under a key that is not in the database.  Names that somebody tried in vain are
kept as an HMAC, a bounded number of them.

Specified in docs/spec/courier.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Table, delete, func, insert, select, update

from deaddrop import schema
from deaddrop.engine import Database
from deaddrop.errors import UnknownOfficer

MOST_THROTTLED = 1_000


@dataclass(frozen=True)
class Account:
    """What is needed to let an officer in."""

    fingerprint: str
    user_name: str
    passphrase_phc: str = field(repr=False)
    totp_sealed: bytes = field(repr=False)
    last_step: int


@dataclass(frozen=True)
class Throttle:
    """How often a name was tried in vain, and until when nobody is let in by it."""

    failures: int = 0
    until_second: int = 0


@dataclass(frozen=True)
class Attempt:
    """
    An attempt to sign in that begins, or may not.

    Attributes:
        throttle: As it stands now.

        counted: Whether it was counted; if not, the name has to wait.
    """

    throttle: Throttle
    counted: bool


@dataclass(frozen=True)
class CourierSession:
    """A session; its name is known to the officer's browser only."""

    fingerprint: str
    begun_second: int
    seen_second: int


class Accounts:
    """The accounts and sessions of officers at the courier."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, account: Account, *, code_digests: Sequence[bytes]) -> None:
        """
        Make an account, or make it anew: old codes and sessions are gone.

        Raises:
            UnknownOfficer: If no active officer has this key.
        """
        table, codes = schema.courier_account, schema.courier_code
        with self._database.writing() as connection:
            active = select(schema.officer.c.fingerprint).where(
                schema.officer.c.fingerprint == account.fingerprint,
                schema.officer.c.retired.is_(False),
            )
            if connection.scalar(active) is None:
                raise UnknownOfficer
            for old in (codes, schema.courier_session, table):
                connection.execute(
                    delete(old).where(old.c.fingerprint == account.fingerprint)
                )
            connection.execute(
                insert(table),
                {
                    "fingerprint": account.fingerprint,
                    "user_name": account.user_name,
                    "passphrase_phc": account.passphrase_phc,
                    "totp_sealed": account.totp_sealed,
                    "last_step": account.last_step,
                },
            )
            for digest in code_digests:
                connection.execute(
                    insert(codes),
                    {"sha256": digest, "fingerprint": account.fingerprint},
                )

    def find(self, user_name: str) -> Account | None:
        """Return the account of an active officer by user name, or None."""
        table = schema.courier_account
        query = (
            select(table)
            .join(
                schema.officer,
                schema.officer.c.fingerprint == table.c.fingerprint,
            )
            .where(table.c.user_name == user_name, schema.officer.c.retired.is_(False))
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else Account(*row)

    def user_names(self) -> dict[str, str]:
        """Return by fingerprint the user names of all accounts."""
        table = schema.courier_account
        with self._database.reading() as connection:
            rows = connection.execute(select(table.c.fingerprint, table.c.user_name))
            return {row.fingerprint: row.user_name for row in rows}

    def remove(self, fingerprint: str) -> bool:
        """Remove an account with its codes and sessions; tell whether there was one."""
        table = schema.courier_account
        with self._database.writing() as connection:
            for old in (schema.courier_code, schema.courier_session):
                connection.execute(delete(old).where(old.c.fingerprint == fingerprint))
            removed = connection.execute(
                delete(table).where(table.c.fingerprint == fingerprint)
            )
        return removed.rowcount > 0

    def accept_step(self, fingerprint: str, step: int) -> bool:
        """Take a one-time password's step, once: false if it was taken before."""
        table = schema.courier_account
        with self._database.writing() as connection:
            taken = connection.execute(
                update(table)
                .where(table.c.fingerprint == fingerprint, table.c.last_step < step)
                .values(last_step=step)
            )
        return taken.rowcount == 1

    def accept_code(self, fingerprint: str, digest: bytes) -> bool:
        """Take a recovery code, once: false if there is none like it."""
        table = schema.courier_code
        with self._database.writing() as connection:
            taken = connection.execute(
                delete(table).where(
                    table.c.fingerprint == fingerprint, table.c.sha256 == digest
                )
            )
        return taken.rowcount == 1

    def codes_left(self, fingerprint: str) -> int:
        """Return how many recovery codes an officer has left."""
        table = schema.courier_code
        with self._database.reading() as connection:
            return (
                connection.scalar(
                    select(func.count())
                    .select_from(table)
                    .where(table.c.fingerprint == fingerprint)
                )
                or 0
            )

    def set_passphrase(self, fingerprint: str, passphrase_phc: str) -> None:
        """Store another passphrase; all sessions of the officer end."""
        table = schema.courier_account
        with self._database.writing() as connection:
            connection.execute(
                update(table)
                .where(table.c.fingerprint == fingerprint)
                .values(passphrase_phc=passphrase_phc)
            )
            sessions = schema.courier_session
            connection.execute(
                delete(sessions).where(sessions.c.fingerprint == fingerprint)
            )

    def throttle(self, name_hmac: bytes) -> Throttle:
        """Return how often a name was tried in vain."""
        table = schema.courier_throttle
        with self._database.reading() as connection:
            row = connection.execute(
                select(table.c.failures, table.c.until_second).where(
                    table.c.name_hmac == name_hmac
                )
            ).first()
        return Throttle() if row is None else Throttle(*row)

    def begin_attempt(
        self, name_hmac: bytes, second: int, *, wait_seconds: Callable[[int], int]
    ) -> Attempt:
        """
        Count an attempt as failed before it is made, unless the name has to wait.

        Reading and counting are one transaction, and writers come one after another
        (`Database.writing`): of attempts at the same time each is counted.  The
        longest-past others are forgotten.

        Args:
            name_hmac: Of the name that is tried.

            second: Now.

            wait_seconds: Given how many attempts have failed, how long to wait.
        """
        table = schema.courier_throttle
        with self._database.writing() as connection:
            row = connection.execute(
                select(table.c.failures, table.c.until_second).where(
                    table.c.name_hmac == name_hmac
                )
            ).first()
            before = Throttle() if row is None else Throttle(*row)
            if second < before.until_second:
                return Attempt(before, counted=False)
            failures = before.failures + 1
            throttle = Throttle(failures, second + wait_seconds(failures))
            connection.execute(delete(table).where(table.c.name_hmac == name_hmac))
            connection.execute(
                insert(table),
                {
                    "name_hmac": name_hmac,
                    "failures": throttle.failures,
                    "until_second": throttle.until_second,
                },
            )
            oldest = (
                select(table.c.name_hmac)
                .order_by(table.c.until_second.desc())
                .offset(MOST_THROTTLED)
            )
            surplus = list(connection.scalars(oldest))
            if surplus:
                connection.execute(delete(table).where(table.c.name_hmac.in_(surplus)))
        return Attempt(throttle, counted=True)

    def forget_failures(self, name_hmac: bytes) -> None:
        """Forget what was tried in vain: somebody got in."""
        table = schema.courier_throttle
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.name_hmac == name_hmac))

    def start_session(self, digest: bytes, session: CourierSession) -> None:
        """Store a new session under the digest of its name."""
        with self._database.writing() as connection:
            connection.execute(
                insert(schema.courier_session),
                {
                    "sha256": digest,
                    "fingerprint": session.fingerprint,
                    "begun_second": session.begun_second,
                    "seen_second": session.seen_second,
                },
            )

    def session(self, digest: bytes) -> CourierSession | None:
        """Return the session of an active officer, or None."""
        table = schema.courier_session
        query = (
            select(table.c.fingerprint, table.c.begun_second, table.c.seen_second)
            .join(
                schema.officer,
                schema.officer.c.fingerprint == table.c.fingerprint,
            )
            .where(table.c.sha256 == digest, schema.officer.c.retired.is_(False))
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else CourierSession(*row)

    def touch_session(self, digest: bytes, second: int) -> None:
        """Note that a session was used."""
        table = schema.courier_session
        with self._database.writing() as connection:
            connection.execute(
                update(table).where(table.c.sha256 == digest).values(seen_second=second)
            )

    def end_session(self, digest: bytes) -> None:
        """End a session."""
        table = schema.courier_session
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.sha256 == digest))

    def forget_sessions(self, *, begun_before: int, seen_before: int) -> int:
        """Remove sessions that have ended by themselves; return how many."""
        columns = schema.courier_session.c
        return self._forget(
            schema.courier_session,
            (columns.begun_second < begun_before) | (columns.seen_second < seen_before),
        )

    def forget_attempts(self, *, until_before: int) -> int:
        """Remove the names that were last tried in vain long ago; return how many."""
        columns = schema.courier_throttle.c
        return self._forget(
            schema.courier_throttle, columns.until_second < until_before
        )

    def forget_retired(self) -> int:
        """Remove the accounts of officers who were removed; return how many."""
        retired = select(schema.officer.c.fingerprint).where(
            schema.officer.c.retired.is_(True)
        )
        columns = schema.courier_account.c
        # Codes and sessions go with their account (ON DELETE CASCADE).
        return self._forget(schema.courier_account, columns.fingerprint.in_(retired))

    def _forget(self, table: Table, old: ColumnElement[bool]) -> int:
        """Remove old rows; where there are none, the database is not written to."""
        with self._database.reading() as connection:
            if connection.execute(select(table).where(old).limit(1)).first() is None:
                return 0
        with self._database.writing() as connection:
            return connection.execute(delete(table).where(old)).rowcount
