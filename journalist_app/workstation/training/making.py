"""
Making a training desk, by the way that real items, bundles and events take.

    cases.toml --reporters seal--> stream --bundle--> colleagues' desks
                                     ^                     | act, sign, export
                                     +------ parcels ------+
                                     +--bundle--> the trainee's desk
                                     +--a second bundle--> a file beside it

The organisation, its colleagues' desks and the server's part exist only while this
runs.  What stays is one desk whose installation is marked as one for training
(`casework.training`), in its casebook and in everything that it writes.
"""

import hashlib
import io
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from casework.bundle import (
    BundleEntry,
    BundleManifest,
    BundleOfficer,
    write_bundle,
)
from casework.deadlines import BeyondCalendar, Calendar
from casework.enrolment import Enrolment
from casework.item import ItemHeader, ItemKind, ItemWriter
from casework.journal import Assessed, ClosingConfirmed, Labelled, Noted
from casework.outbox import read_outbox
from casework.training import training_installation
from crypto.admission import fingerprint_in
from crypto.certificates import certify, generate_organisation_key
from crypto.keys import ReporterKeys, RootKey
from crypto.openpgp import Keyring
from crypto.replies import ReplyPrivateKey
from journalist_app.durable import new_file, refuse_existing, sync_directory
from journalist_app.workstation.acting import act, assign, state_of, take_step
from journalist_app.workstation.colleagues import trust_organisation
from journalist_app.workstation.desk import (
    ENROLMENT,
    TRAINING_STICK,
    Desk,
    Institution,
    create_desk,
    open_desk,
)
from journalist_app.workstation.exporting import prepare_outbox, write_again
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.replying import Draft, write_reply
from journalist_app.workstation.training.cases import Act, ReadyCase, ready_cases
from journalist_app.workstation.training.files import content_of

# Before the oldest report, so that whoever acts on it has a key by then.
BEGUN_DAYS_AGO = 120
SECOND_BUNDLE = "hari-2.tar"


@dataclass(frozen=True)
class _Colleague:
    """Somebody of the small organisation: as the others know them, and their role."""

    key: str
    name: str
    role: str
    receives: bool = True


_CAST = (
    _Colleague("trainee", "Petugas Latihan", "verifikator"),
    _Colleague("verifier", "Rekan Verifikator", "verifikator"),
    _Colleague("reviewer", "Rekan Penelaah", "penelaah"),
    _Colleague("auditor", "Rekan Auditor", "pemeriksa", receives=False),
)


@dataclass
class _Reporter:
    """A reporter of a ready-made case, with keys as a codename gives them."""

    case: ReadyCase
    day: date
    keys: ReporterKeys = field(repr=False)
    sequence: int = 0

    def item(
        self,
        kind: ItemKind,
        day: date,
        *,
        message: str | None = None,
        files: Sequence[str] = (),
    ) -> bytes:
        """Write the next item."""
        public_key = ReplyPrivateKey.from_seed(self.keys.reply_seed).public_bytes()
        header = ItemHeader(
            kind=kind,
            case_id=self.keys.case_id.hex(),
            mailbox_key=self.keys.mailbox_key.hex(),
            reply_public_key=public_key.hex(),
            day=day,
            sequence=self.sequence,
            language=self.case.language,
        )
        self.sequence += 1
        pieces: list[bytes] = []
        writer = ItemWriter(pieces.append, header=header)
        if kind is ItemKind.REPORT:
            writer.add_report(self.case.report)
        if message:
            writer.add_message(message)
        for name in files:
            writer.add_file(name, content_of(name))
        writer.finish()
        return b"".join(pieces)


class _Stream:
    """Sealed items as a server would have them."""

    def __init__(
        self,
        installation: bytes,
        keyring: Keyring,
        enrolments: Mapping[str, Enrolment],
    ) -> None:
        self._installation = installation
        self._keyring = keyring
        self._fingerprints = {
            key: fingerprint_in(one.certificate.encode("ascii"))
            for key, one in enrolments.items()
        }
        self._officers = tuple(
            BundleOfficer(
                name=one.name,
                desk_id=enrolments[one.key].desk_id,
                certificate=enrolments[one.key].certificate,
                role=one.role,
                receives=one.receives,
            )
            for one in _CAST
        )
        self._items: list[tuple[date, bytes]] = []

    @property
    def newest(self) -> int:
        """The number of the last item."""
        return len(self._items)

    def seal(self, item: bytes, day: date, to: Iterable[str]) -> None:
        """Seal a reporter's item to officers, and add it."""
        pieces: list[bytes] = []
        keys = [self._fingerprints[key] for key in to]
        with self._keyring.sealing(keys, sink=pieces.append, day=day) as sealing:
            sealing.write(item)
        self._items.append((day, b"".join(pieces)))

    def take(self, desk: Desk, *, today: date) -> None:
        """Take what a desk has for other desks out of its outbox."""
        file = io.BytesIO()
        write_again(desk, prepare_outbox(desk, today=today).number, file.write)
        file.seek(0)
        outbox = read_outbox(
            file,
            lambda manifest, signature: self._keyring.verify_detached(
                manifest, signature, allowed=[desk.fingerprint], today=today
            ),
        )
        for _slot in outbox.slots():
            pass  # For reporters, and there are none.
        for parcel in outbox.parcels():
            self._items.append((today, b"".join(parcel.chunks())))

    def bundle(self, *, after: int, today: date) -> io.BytesIO:
        """Write everything above a number as one bundle."""
        numbered = list(enumerate(self._items, start=1))[after:]
        manifest = BundleManifest(
            installation=self._installation.hex(),
            after=after,
            through=self.newest,
            items=tuple(
                BundleEntry(
                    number=number,
                    day=day,
                    size_bytes=len(sealed),
                    sha256=hashlib.sha256(sealed).hexdigest(),
                )
                for number, (day, sealed) in numbered
            ),
            officers=self._officers,
        )
        file = io.BytesIO()
        write_bundle(
            file.write, manifest, lambda number: [self._items[number - 1][1]], today
        )
        file.seek(0)
        return file


def make_training_desk(
    path: Path,
    *,
    institution: Institution,
    today: date,
    entropy: Callable[[int], bytes],
    tell: Callable[[str], object],
) -> None:
    """
    Make a desk for training, everything or nothing.

    It has no passphrase: nothing in it is anybody's.

    Args:
        path: A folder that does not exist yet.

        institution: Whose rules and holidays the deadlines follow.

        today: Reports and what was done about them are dated relative to it.

        entropy: Gives random bytes, as `os.urandom` does.

        tell: Told in a few words what is being made.

    Raises:
        FileExistsError: If there is something of that name.

        CryptoError: If gpg does not do its part.
    """
    refuse_existing(path)
    with (
        tempfile.TemporaryDirectory(prefix="bisik-") as scratch,
        # Beside its place, so that it gets its name at once.
        tempfile.TemporaryDirectory(prefix=".", dir=path.parent) as beside,
    ):
        base, made = Path(scratch), Path(beside) / "d"
        folders = {one.key: base / one.key for one in _CAST} | {"trainee": made}
        tell("keys of a small organisation")
        installation = training_installation(entropy)
        begun = today - timedelta(days=BEGUN_DAYS_AGO)
        organisation_key, enrolments = _found(
            base, folders, institution, installation, begun, entropy
        )
        keyring = Keyring(base / "keyring")
        keyring.trust_organisation(organisation_key)
        for enrolment in enrolments.values():
            keyring.admit(enrolment.certificate.encode("ascii"), today=today)
        stream = _Stream(installation, keyring, enrolments)
        with ExitStack() as stack:
            desks = {}
            for key in ("trainee", "verifier", "reviewer"):
                desk = open_desk(folders[key], passphrase=None, entropy=entropy)
                desks[key] = stack.enter_context(desk)
                trust_organisation(desks[key], organisation_key)
            _fill(stream, desks, today=today, entropy=entropy, tell=tell)
        # Nobody is enrolled with a desk for training.
        (made / ENROLMENT).unlink()
        refuse_existing(path)
        made.rename(path)
        sync_directory(path.parent)


def _found(
    base: Path,
    folders: Mapping[str, Path],
    institution: Institution,
    installation: bytes,
    begun: date,
    entropy: Callable[[int], bytes],
) -> tuple[bytes, dict[str, Enrolment]]:
    """Make the organisation's key, and a certified desk for everybody."""
    home = base / "organisation"
    organisation = generate_organisation_key(
        home,
        name="Organisasi Latihan",
        email="organisasi@latihan.invalid",
        expires_days=3650,
        passphrase=None,
        today=begun,
    )
    enrolments = {}
    for one in _CAST:
        enrolment = create_desk(
            folders[one.key],
            name=one.name,
            email=None,
            passphrase=None,
            institution=institution,
            today=begun,
            entropy=entropy,
            training=installation,
        )
        certified = certify(
            home,
            organisation=organisation,
            officer_key=enrolment.certificate.encode("ascii"),
            passphrase=None,
            today=begun,
        )
        enrolments[one.key] = enrolment.certified(certified)
    return Keyring(home).export(organisation), enrolments


def _fill(
    stream: _Stream,
    desks: Mapping[str, Desk],
    *,
    today: date,
    entropy: Callable[[int], bytes],
    tell: Callable[[str], object],
) -> None:
    calendar = desks["trainee"].calendar
    reporters = {
        key: _Reporter(
            case,
            _working_days_before(today, case.working_days_ago, calendar),
            ReporterKeys.from_root(RootKey(entropy(64))),
        )
        for key, case in ready_cases().items()
    }
    tell("reports of invented reporters")
    first = [one for one in reporters.values() if not one.case.second]
    for one in sorted(first, key=lambda one: one.day):
        _report(stream, one)
        _send_later(stream, one, today, late=False, second=False)
    tell("what colleagues have done about them")
    collected = 0
    for key in ("verifier", "reviewer"):
        # The reviewer learns what the verifier has done, and agrees to it.
        bundle = stream.bundle(after=0, today=today)
        import_bundle(desks[key], bundle, today=today)
        for one in reporters.values():
            for done in one.case.acts:
                if done.by == key:
                    _act(desks[key], one, done, today, desks["trainee"].record.desk_id)
        stream.take(desks[key], today=today)
        collected = stream.newest
    for one in first:
        _send_later(stream, one, today, late=True, second=False)
    tell("the desk itself")
    import_bundle(desks["trainee"], stream.bundle(after=0, today=today), today=today)
    collected = stream.newest
    for one in reporters.values():
        if one.case.second:
            _report(stream, one)
        _send_later(stream, one, today, late=False, second=True)
    stick = desks["trainee"].path / TRAINING_STICK
    stick.mkdir(mode=0o700)
    with new_file(stick / SECOND_BUNDLE) as file:
        file.write(stream.bundle(after=collected, today=today).read())


def _report(stream: _Stream, reporter: _Reporter) -> None:
    case = reporter.case
    item = reporter.item(ItemKind.REPORT, reporter.day, files=case.files)
    excluded = case.report.not_for
    to = [one.key for one in _CAST if one.receives and one.role not in excluded]
    stream.seal(item, reporter.day, to)


def _send_later(
    stream: _Stream, reporter: _Reporter, today: date, *, late: bool, second: bool
) -> None:
    for one in reporter.case.items:
        if (one.late, one.second) == (late, second):
            day = min(reporter.day + timedelta(days=one.day), today)
            item = reporter.item(one.kind, day, message=one.message, files=one.files)
            everybody = [other.key for other in _CAST if other.receives]
            stream.seal(item, day, one.to or everybody)


def _act(desk: Desk, reporter: _Reporter, done: Act, today: date, trainee: str) -> None:
    name = case_name(reporter.keys.case_id)
    day = min(reporter.day + timedelta(days=done.day), today)
    if done.what == "step" and done.after:
        take_step(desk, name, done.after, reason=done.reason, today=day)
    elif done.what == "confirm":
        proposal = state_of(desk, name).proposal
        if proposal:
            act(desk, name, ClosingConfirmed(proposal=proposal.digest), today=day)
    elif done.what == "reply":
        draft = Draft(kind=done.kind, text=done.text, status=done.status)
        write_reply(desk, name, draft, today=day)
    elif done.what == "label":
        act(desk, name, Labelled(label=done.label, on=True), today=day)
    elif done.what == "assign":
        assign(desk, name, trainee, today=day)
    elif done.what == "note":
        act(desk, name, Noted(text=done.text), today=day)
    elif done.subject and done.verdict:
        assessed = Assessed(
            subject=done.subject, verdict=done.verdict, reason=done.reason
        )
        act(desk, name, assessed, today=day)


def _working_days_before(today: date, working_days: int, calendar: Calendar) -> date:
    """Return a day behind which so many working days lie, through today."""
    day = today
    while working_days:
        try:
            working_days -= calendar.is_working_day(day)
        except BeyondCalendar:
            working_days -= day.weekday() < 5
        day -= timedelta(days=1)
    return day
