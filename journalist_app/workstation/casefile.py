"""
The case file: gathering what leaves of a case, writing it, and recording that it did.

    case + wish --gather--> text (what the preview shows) --draw--> PDF
    attachments --sandbox--> cleaned copies
    PDF, copies --> archive, signed --> hidden file --flush--> event --rename--> there

The event "a case file was made" is committed when all bytes are safely written under
a provisional name, and before they get their own: no file is ever there that the
journal does not know, and none is recorded that could not be written.  A crash in
between leaves an event without a file.  Doing it again then makes the same bytes, which
are not recorded a second time.

Specified in docs/spec/case-file.md.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import Connection, select

from casework import strict
from casework.case_state import CaseState
from casework.casefile import CaseFileHeading, CaseFileManifest, CaseFileWriter
from casework.exposure_check import mark_of
from casework.journal import Exported
from crypto.fingerprint import Fingerprint
from crypto.openpgp import SignatureRefused
from crypto.recipients import sealing_to_stranger
from journalist_app.durable import new_file, refuse_existing, remove_partials_of
from journalist_app.workstation import casebook, sharing
from journalist_app.workstation.casefile_copies import (
    NumberedAttachment,
    attachments_of,
    choose,
    copy_attachment,
)
from journalist_app.workstation.casefile_pdf import draw
from journalist_app.workstation.casefile_text import (
    Section,
    attachments_section,
    frame_of,
    layout,
    sections_of,
)
from journalist_app.workstation.cases import find_case, show_case
from journalist_app.workstation.colleagues import list_colleagues
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.entries import append
from journalist_app.workstation.errors import ActionRefused
from journalist_app.workstation.projecting import journal_of

_GONE_ON = "the case has gone on since the preview: look at it once more"
_NOT_CERTIFIED = (
    "nobody could verify the case file: this desk has not got its officer's key as the "
    "organisation certified it"
)

Sink = Callable[[bytes], object]
Turn = Callable[[], AbstractContextManager[object]]
"""Waits until a file may be made into pages, and lets the next one after the block."""


@dataclass(frozen=True)
class Wish:
    """
    What an officer asks for.

    Attributes:
        form: One of "full", "redacted" and "paraphrase".

        language: Of the headings; nothing is translated.

        attachments: Numbers, counted over the whole case from 1.
    """

    form: str
    recipient: str = field(repr=False)
    language: str
    attachments: tuple[int, ...] = ()


@dataclass(frozen=True)
class Stranger:
    """Whom a case file is sealed to: a key, and its fingerprint from elsewhere."""

    key_file: bytes = field(repr=False)
    fingerprint_on_paper: Fingerprint


@dataclass(frozen=True)
class Gathered:
    """
    All that will be in a case file but the copies; made by `gather`.

    Attributes:
        sections: Of the document, without the one on attachments.

        attachments: Those that were chosen; `all_attachments` is how many there are.

        items: The mark of all items of the case that the exposure check is about.
    """

    heading: CaseFileHeading
    officer: str
    exposure_day: date
    sections: tuple[Section, ...] = field(repr=False)
    attachments: tuple[NumberedAttachment, ...] = field(repr=False)
    all_attachments: int
    certificate: bytes = field(repr=False)
    through_clock: int
    items: str

    @property
    def digest(self) -> str:
        """Tells whether what was previewed is what would be written now."""
        said = [
            strict.render(self.heading).decode(),
            *(section.whole_text for section in self.sections),
            *(f"{one.number} {one.item.hex()}" for one in self.attachments),
            self.items,
        ]
        return hashlib.sha256("\0".join(said).encode()).hexdigest()


@dataclass(frozen=True)
class Made:
    """
    A case file that was written and recorded.

    Attributes:
        sha256: Of the archive, before it was sealed if it was.
    """

    path: Path
    manifest: CaseFileManifest
    sha256: str
    sealed: bool


def gather(desk: Desk, name: str, wish: Wish, *, today: date) -> Gathered:
    """
    Say what will be in a case file; nothing is written and nothing recorded.

    Raises:
        UnknownCase: If there is no case of this name.

        ActionRefused: If the reporter's exposure was not decided upon, if the decision
            forbids the form, if only a brief is here, or if the wish is not one.
    """
    case = show_case(desk, name, today=today, mark_shown=False)
    state = case.state
    with desk.casebook.transaction() as connection:
        case_id = case.summary.case_id
        exposure_day = _check(desk, connection, case_id, state, wish.form)
        items = mark_of(sharing.to_check(connection, case_id))
        colleagues = list_colleagues(desk, connection)
        certificate = _certificate(connection, desk.record.desk_id)
    try:
        heading = CaseFileHeading.model_validate(
            {
                "case": state.registration_number or case.summary.name,
                "day": today,
                "recipient": wish.recipient,
                "form": wish.form,
                "language": wish.language,
                "fingerprint": desk.record.fingerprint,
            }
        )
    except ValidationError:
        raise ActionRefused("say in one line for whom the case file is") from None
    attachments = attachments_of(case)
    return Gathered(
        heading=heading,
        officer=desk.record.name,
        exposure_day=exposure_day,
        sections=sections_of(case, heading, {c.desk_id: c.name for c in colleagues}),
        attachments=choose(attachments, wish.attachments),
        all_attachments=len(attachments),
        certificate=certificate,
        through_clock=state.through_clock,
        items=items,
    )


def make_case_file(
    desk: Desk,
    name: str,
    wish: Wish,
    path: Path,
    *,
    today: date,
    stranger: Stranger | None = None,
    previewed: str | None = None,
    turn: Turn = nullcontext,
) -> Made:
    """
    Write a case file and record it; safe to repeat.

    Args:
        desk: Whose officer signs.

        name: Of the case.

        wish: What it holds and for whom.

        path: A file that does not exist yet.

        today: The only day in it.

        stranger: Whom to seal it to; None for a file that anybody can read.

        previewed: `Gathered.digest` of what the officer has seen; None if they have not
            looked.

        turn: Where others make pages, too, each attachment waits for it; whatever it
            raises leaves nothing written.

    Raises:
        ActionRefused: As `gather`, if an attachment cannot be made into pages, or if
            the case has gone on since the preview.

        FileExistsError: If there is something at *path*.

        CannotSign: If the officer's key has expired, for instance.

        CryptoError: If it cannot be sealed.
    """
    gathered = gather(desk, name, wish, today=today)
    if previewed not in (None, gathered.digest):
        raise ActionRefused(_GONE_ON)
    refuse_existing(path)
    remove_partials_of(path)
    digest = hashlib.sha256()
    with new_file(path) as file:
        with _sealed_for(stranger, file.write, today) as sink:

            def write(piece: bytes) -> None:
                digest.update(piece)
                sink(piece)

            manifest = write_case_file(desk, name, gathered, write, turn=turn)
        # Whoever records that it is there must know that it is.
        file.flush()
        os.fsync(file.fileno())
        _record(desk, name, gathered, digest.hexdigest(), today)
    return Made(path, manifest, digest.hexdigest(), sealed=stranger is not None)


def write_case_file(
    desk: Desk,
    name: str,
    gathered: Gathered,
    sink: Sink,
    *,
    turn: Turn = nullcontext,
) -> CaseFileManifest:
    """
    Write the archive of a case file, not sealed; nothing is recorded here.

    Raises:
        ActionRefused: If an attachment cannot be made into pages, or if nobody could
            verify the signature.
    """
    heading = gathered.heading
    writer = CaseFileWriter(sink, heading)
    for one in gathered.attachments:
        with turn():
            copy = copy_attachment(desk, name, one, heading)
        writer.add_copy(copy)
    section = attachments_section(
        heading, writer.attachments, writer.members, of=gathered.all_attachments
    )
    document = draw(
        frame_of(heading),
        layout(
            heading,
            (*gathered.sections, section),
            officer=gathered.officer,
            exposure_day=gathered.exposure_day,
            copies=bool(gathered.attachments),
        ),
    )

    def sign(content: bytes) -> bytes:
        signature = desk.keys.sign_detached(
            content, signer=desk.fingerprint, day=heading.day
        )
        try:
            # As whoever gets the file will do it.
            desk.colleagues.verify_detached(
                content, signature, allowed=[desk.fingerprint], today=heading.day
            )
        except SignatureRefused:
            raise ActionRefused(_NOT_CERTIFIED) from None
        return signature

    return writer.finish(document.pdf, gathered.certificate, sign=sign)


def _check(
    desk: Desk, connection: Connection, case_id: bytes, state: CaseState, form: str
) -> date:
    """Make sure that the case may leave in this form; return when it was decided."""
    if form not in (sharing.FULL, sharing.REDACTED, sharing.PARAPHRASE):
        raise ActionRefused("choose the form: full, redacted or paraphrase")
    if desk.record.desk_id in state.excluded:
        raise ActionRefused("the officer was excluded from the case by then")
    if state.brief is not None and not _has_report(connection, case_id):
        raise ActionRefused(
            "only a brief of the case is here: who has the case makes its case file"
        )
    sharing.check_exposure(connection, case_id, state, form)
    if form != sharing.FULL:
        # Refuses where there is nothing to say in this form.
        sharing.brief_of(
            connection, case_id, state, with_answers=form == sharing.REDACTED
        )
    if state.exposure is None:
        raise ActionRefused("look first at what could give the reporter away")
    return state.exposure.day


def _has_report(connection: Connection, case_id: bytes) -> bool:
    columns = casebook.content.c
    return (
        connection.scalar(
            select(columns.digest)
            .where(columns.case_id == case_id, columns.report.is_not(None))
            .limit(1)
        )
        is not None
    )


def _certificate(connection: Connection, desk_id: str) -> bytes:
    certificate = connection.scalar(
        select(casebook.officer.c.certificate).where(
            casebook.officer.c.desk_id == desk_id
        )
    )
    if certificate is None:
        raise ActionRefused(_NOT_CERTIFIED)
    return bytes(certificate)


@contextmanager
def _sealed_for(stranger: Stranger | None, sink: Sink, day: date) -> Iterator[Sink]:
    if stranger is None:
        yield sink
        return
    with sealing_to_stranger(
        stranger.key_file,
        fingerprint_on_paper=stranger.fingerprint_on_paper,
        sink=sink,
        day=day,
    ) as sealing:
        yield sealing.write


def _record(
    desk: Desk, name: str, gathered: Gathered, sha256: str, today: date
) -> None:
    """Record that a case file was made, once for the same one and recipient."""
    action = Exported(sha256=sha256, recipient=gathered.heading.recipient)
    with desk.casebook.transaction() as connection:
        case_id = find_case(connection, name).case_id
        state = journal_of(connection, case_id).state
        if any(entry.event.action == action for entry in state.exports):
            return
        items = mark_of(sharing.to_check(connection, case_id))
        if (state.through_clock, items) != (gathered.through_clock, gathered.items):
            raise ActionRefused(_GONE_ON)
        append(desk, connection, case_id, action, today=today)
