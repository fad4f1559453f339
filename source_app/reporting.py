"""
What the site does for a reporter: recognise, accept, answer.

    recognise   codename --Stretcher--> keys --> is there a state under them?
    accept      state --> seal to the officers while it arrives --> spool
                      --> ONE transaction: item into intake, new state into slots
    answer      look under the names only this reporter knows, open what is there

The state is written with the expectation that nobody changed it meanwhile.  If
somebody did (another tab of the same reporter), it is read again and the change
is made again, so that neither is lost and a form sent twice is accepted once.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from casework import history
from casework.deadlines import BeyondCalendar, Calendar, Deadline, due_day
from casework.history import ReporterState, Sent, has_token, next_sequence, with_sent
from casework.item import ItemHeader, ItemKind, ItemWriter
from casework.profile import Profile
from crypto.fingerprint import Fingerprint, parse_fingerprint
from crypto.keys import ReporterKeys
from crypto.openpgp import Keyring
from crypto.replies import ReplyPrivateKey
from crypto.slots import Part, join, open_state_part, seal_state, state_slot
from deaddrop import DeadDrop, SealedItem, SlotWrite, StaleSlot
from source_app.spool import CiphertextSpool

log = logging.getLogger("bisik.site")

# Each try means that another tab of the same reporter was quicker.
MOST_TRIES = 50

Fill = Callable[[ItemWriter, "OpenState"], Sent]
Change = Callable[[ReporterState, Sent], ReporterState]


class ReportingError(Exception):
    """The step was refused, and nothing was changed by it."""


class UnknownReporter(ReportingError):
    """Nobody has sent a report under this codename."""


class NoOfficerKey(ReportingError):
    """No officer could open what would be sent now."""


class NothingToSend(ReportingError):
    """The form held nothing that could be sent."""


class NoSpaceLeft(ReportingError):
    """The attachments would exceed what one case may hold."""


class AlreadyReported(ReportingError):
    """There is a report under this codename already."""


@dataclass(frozen=True)
class OpenState:
    """
    A reporter's state as it was read.

    Attributes:
        state: Its content.

        sealed: The slots it was read from, in order; empty for a new reporter.
    """

    state: ReporterState
    sealed: tuple[bytes, ...] = field(repr=False)


class Cases:
    """The reporters' cases, as far as the site can know them."""

    def __init__(
        self,
        *,
        drop: DeadDrop,
        keyring: Keyring,
        profile: Profile,
        calendar: Calendar,
        spool_directory: Path,
        follow: Callable[[], object],
    ) -> None:
        """
        Args:
            follow: Brings the keyring to what the dead drop says of officers: another
                machine may have enrolled one, or renewed a key, in the meantime.
        """
        self.drop = drop
        self.keyring = keyring
        self.profile = profile
        self.calendar = calendar
        self._spool_directory = spool_directory
        self._follow = follow
        self._alarmed: set[tuple[Fingerprint, str]] = set()

    def recognise(self, keys: ReporterKeys) -> OpenState:
        """
        Read the state of a reporter.

        Raises:
            UnknownReporter: If there is none.
        """
        opened = self._read(keys)
        if opened is None:
            raise UnknownReporter(UnknownReporter.__doc__)
        return opened

    def can_accept(self, *, today: date) -> bool:
        """Tell whether any officer could open what is sent today."""
        return bool(self._usable(self._officers_besides(()), today=today))

    def excludable_roles(self, *, today: date) -> tuple[str, ...]:
        """
        Return the public roles of which a reporter may exclude some, never all.

        They are those of officers who could open a report today, in the order of
        the profile; none if there are fewer than two.
        """
        at_work = {
            officer.role
            for officer in self.drop.officers.list()
            if officer.receives
            and self._usable([parse_fingerprint(officer.fingerprint)], today=today)
        }
        roles = tuple(role.key for role in self.profile.roles if role.key in at_work)
        return roles if len(roles) > 1 else ()

    def deadline(self, received: date) -> Deadline | None:
        """Return the day promised for verification; None beyond the calendar."""
        try:
            return due_day(received, self.profile.deadline_working_days, self.calendar)
        except BeyondCalendar:
            log.warning("the calendar of working days does not reach far enough")
            return None

    def accept(
        self,
        keys: ReporterKeys,
        *,
        kind: ItemKind,
        day: date,
        language: str,
        token: str,
        fill: Fill,
        change: Change | None = None,
        officers: Sequence[Fingerprint] | None = None,
        not_for: Sequence[str] = (),
    ) -> ReporterState:
        """
        Seal one item and commit it together with the reporter's new state.

        On return it is on durable storage.  On any exception nothing is stored.

        Args:
            keys: The reporter's.

            kind: What is sent.  A report opens a case; all else needs one.

            token: From the form, 32 hex digits.  What was accepted under it
                before is not accepted again.

            fill: Writes the content and says what the history shall show.

            change: A further change of the state.

            officers: To whom the item is sealed; by default all officers but
                those whose role the reporter has excluded.

            not_for: With a report, the roles that are excluded from its case.

        Raises:
            NoOfficerKey: If no key is fit to be sealed to.

            UnknownReporter: If there is no case yet and this is no report.

            AlreadyReported: If this is a report and there is a case already.

            NoSpaceLeft: If another tab has used the space meanwhile.

            SealingFailed: If gpg did not do its work completely.

            DeadDropUnavailable: If it could not be stored.

        Returns:
            The state with the new item in it.
        """
        opened = self._opened_for(keys, kind, token)
        if has_token(opened.state, token):
            return opened.state
        if not_for and kind is ItemKind.REPORT:
            change = _excluding(not_for)
        if officers is None:
            officers = self._officers_besides((*opened.state.not_for, *not_for))
        recipients = self._usable(officers, today=day)
        if not recipients:
            raise NoOfficerKey(NoOfficerKey.__doc__)
        header = ItemHeader(
            kind=kind,
            case_id=keys.case_id.hex(),
            mailbox_key=keys.mailbox_key.hex(),
            reply_public_key=ReplyPrivateKey.from_seed(keys.reply_seed)
            .public_bytes()
            .hex(),
            day=day,
            sequence=next_sequence(opened.state),
            language="en" if language == "en" else "id",
        )
        with CiphertextSpool(self._spool_directory) as spool:
            with self.keyring.sealing(recipients, sink=spool.write, day=day) as sealing:
                writer = ItemWriter(sealing.write, header=header)
                sent = fill(writer, opened)
                writer.finish()
            return self._commit(keys, opened, spool.item(), sent, token, change)

    def _opened_for(self, keys: ReporterKeys, kind: ItemKind, token: str) -> OpenState:
        opened = self._read(keys)
        if kind is not ItemKind.REPORT:
            if opened is None:
                raise UnknownReporter(UnknownReporter.__doc__)
            return opened
        if opened is None:
            return OpenState(ReporterState(), ())
        if not has_token(opened.state, token):
            raise AlreadyReported(AlreadyReported.__doc__)
        return opened

    def _commit(
        self,
        keys: ReporterKeys,
        opened: OpenState,
        item: SealedItem,
        sent: Sent,
        token: str,
        change: Change | None,
    ) -> ReporterState:
        for _ in range(MOST_TRIES):
            state = with_sent(opened.state, sent, token)
            if state.bytes_used > self.profile.case_bytes:
                raise NoSpaceLeft(NoSpaceLeft.__doc__)
            if change is not None:
                state = change(state, sent)
            try:
                self.drop.intake.accept(
                    item, day=sent.day, writes=_writes(state, keys, opened.sealed)
                )
            except StaleSlot:
                opened = self._opened_for(keys, ItemKind(sent.kind), token)
                if has_token(opened.state, token):
                    return opened.state
            else:
                return state
        raise StaleSlot

    def _read(self, keys: ReporterKeys) -> OpenState | None:
        for _ in range(MOST_TRIES):
            first_slot = state_slot(keys.mailbox_key)
            first = self.drop.mailbox.fetch([first_slot]).get(first_slot)
            if first is None:
                return None
            count = self._part(keys, first, 0).count
            names = [state_slot(keys.mailbox_key, part) for part in range(count)]
            found = self.drop.mailbox.fetch(names)
            sealed = tuple(found[name] for name in names if name in found)
            # All parts come from one reading, so either all are of the state
            # that the first one announced, or another tab came in between.
            if len(sealed) == count and sealed[0] == first:
                parts = [self._part(keys, one, part) for part, one in enumerate(sealed)]
                return OpenState(history.from_bytes(join(parts)), sealed)
        raise StaleSlot

    @staticmethod
    def _part(keys: ReporterKeys, sealed: bytes, part: int) -> Part:
        return open_state_part(
            sealed, part, state_key=keys.state_key, mailbox_key=keys.mailbox_key
        )

    def _officers_besides(self, roles: Collection[str]) -> list[Fingerprint]:
        return [
            parse_fingerprint(officer.fingerprint)
            for officer in self.drop.officers.list()
            # Whoever only reviews gets a case when officers share it.
            if officer.receives and officer.role not in roles
        ]

    def _usable(
        self, officers: Sequence[Fingerprint], *, today: date
    ) -> tuple[Fingerprint, ...]:
        checked = self.keyring.usable(officers, today=today)
        # Once per process and reason: an alarm, not a flood.
        if not self._alarmed.issuperset(checked.refused.items()):
            self._follow()
            checked = self.keyring.usable(officers, today=today)
        for alarm in checked.refused.items():
            if alarm not in self._alarmed:
                self._alarmed.add(alarm)
                log.error("officer key %s is left out: %s", *alarm)
        return checked.usable


def _excluding(roles: Sequence[str]) -> Change:
    return lambda state, _sent: history.with_not_for(state, roles)


def _writes(
    state: ReporterState, keys: ReporterKeys, before: Sequence[bytes]
) -> list[SlotWrite]:
    sealed = seal_state(
        history.to_bytes(state),
        state_key=keys.state_key,
        mailbox_key=keys.mailbox_key,
        fewest_parts=len(before),
    )
    return [
        SlotWrite(one.slot, one.sealed, before[part] if part < len(before) else None)
        for part, one in enumerate(sealed)
    ]
