"""
Sharing: who may know of a case, and what each desk still has to be sent.

    reporter's item --sealed to--> intake officers      members from the beginning
    admitted        --full-->      items sealed anew, and the whole journal
                    --redacted, paraphrase--> the journal with a brief, and no item
    excluded        nothing any more

Every desk sends what it has written itself to all members.  Whoever let a desk in
sends it what was there before, and what comes later, because only they are known to
have it.  An item that came after the exposure check waits for the next one.  The
reporter's contact details are never sealed anew.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy import Connection, select

from casework.case_state import CaseState, Entry
from casework.casefile import cover
from casework.exposure_check import (
    NOT_CHECKED,
    let_in_whole,
    may_follow,
    sender_to,
    unchecked,
)
from casework.item import ItemKind
from casework.journal import OFFICE, Admitted, Briefed, Excluded, Linked
from casework.report import SEVEN_QUESTIONS, Report
from journalist_app.workstation import casebook
from journalist_app.workstation.colleagues import find_colleague
from journalist_app.workstation.continuity import awaited
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.entries import append
from journalist_app.workstation.errors import ActionRefused
from journalist_app.workstation.projecting import journal_of

FULL, REDACTED, PARAPHRASE = "full", "redacted", "paraphrase"


@dataclass(frozen=True)
class Pending:
    """Something that desks still have to be sent: an event, or an item."""

    digest: bytes
    is_entry: bool
    desk_ids: frozenset[str]


@dataclass(frozen=True)
class Waiting:
    """
    Items that stay here until the exposure check lets them go to whom it may concern.

    Attributes:
        items: How many.

        desk_ids: Who has the whole case but for them.

        forbidden: Whether all was looked at, and decided not to go.
    """

    items: int
    desk_ids: frozenset[str]
    forbidden: bool


def members(connection: Connection, case_id: bytes, state: CaseState) -> frozenset[str]:
    """Return the desks that may know of a case, as far as this desk knows."""
    received = connection.scalars(
        select(casebook.knows.c.desk_id)
        .join_from(
            casebook.knows,
            casebook.content,
            casebook.knows.c.digest == casebook.content.c.digest,
        )
        .where(
            casebook.content.c.case_id == case_id,
            # Whoever forged an item named whom they liked.
            casebook.content.c.other_keys.is_(False),
            # Contact details go to some of them only.
            casebook.content.c.kind != ItemKind.CONTACT,
        )
        .distinct()
    )
    known = (set(received) - _unwanted(connection, case_id)) | state.members
    return frozenset(known - set(state.excluded))


def admit(
    desk: Desk,
    connection: Connection,
    case_id: bytes,
    desk_id: str,
    *,
    form: str,
    reason: str,
    today: date,
) -> None:
    """
    Let a colleague's desk know of a case.

    What could give the reporter away must have been looked at before.

    Raises:
        ActionRefused: If it was not, if it was decided to share nothing, if the
            reporter has excluded the colleague's role, or if the brief that the form
            needs is empty.

        UnknownColleague: If there is no such officer.
    """
    state = journal_of(connection, case_id).state
    colleague = find_colleague(desk, connection, desk_id)
    if colleague.unfit_because is not None:
        raise ActionRefused(
            f"nothing can be sealed to {colleague.name}: {colleague.unfit_because}"
        )
    _check_wish(connection, case_id, colleague.role)
    check_exposure(connection, case_id, state, form)
    if form != FULL:
        brief = brief_of(connection, case_id, state, with_answers=form == REDACTED)
        append(desk, connection, case_id, brief, today=today)
    present = members(connection, case_id, state) | {desk.record.desk_id}
    action = Admitted(
        desk_id=desk_id,
        form=_form(form),
        members=tuple(sorted(present | {desk_id})),
        reason=reason,
    )
    append(desk, connection, case_id, action, today=today)


def exclude(
    desk: Desk,
    connection: Connection,
    case_id: bytes,
    desk_id: str,
    *,
    reason: str,
    today: date,
) -> None:
    """
    Keep a case from a desk from now on, because of a conflict of interest.

    What that desk was sent before cannot be taken back, and is not pretended to be.
    """
    find_colleague(desk, connection, desk_id)
    append(
        desk, connection, case_id, Excluded(desk_id=desk_id, reason=reason), today=today
    )


def check_exposure(
    connection: Connection, case_id: bytes, state: CaseState, form: str
) -> None:
    """
    Make sure that it was decided what may leave this circle.

    ISO 37002:2021, 8.3.2: the risk to the reporter is assessed first.

    Raises:
        ActionRefused: With what is to be done before.
    """
    exposure = state.exposure
    if exposure is None:
        raise ActionRefused("look first at what could give the reporter away")
    if unchecked(exposure.action, to_check(connection, case_id)):
        raise ActionRefused(
            "the reporter has sent something since the exposure check: look at it first"
        )
    if exposure.action.decision == "withhold":
        raise ActionRefused("it was decided that the case is not shared")
    if exposure.action.decision == "redact" and form == FULL:
        raise ActionRefused(
            "it was decided to blacken passages: share that form, or a paraphrase"
        )


def _check_wish(connection: Connection, case_id: bytes, role: str | None) -> None:
    """
    Make sure that the reporter has not excluded this role from the report.

    Raises:
        ActionRefused: If they have: the officer may be the one it is about.
    """
    if role is not None and role in _excluded_roles(connection, case_id):
        raise ActionRefused("the reporter does not want this role to see the case")


def _excluded_roles(connection: Connection, case_id: bytes) -> frozenset[str]:
    columns = casebook.content.c
    contents = connection.scalars(
        select(columns.report).where(
            columns.case_id == case_id, columns.report.is_not(None)
        )
    )
    return frozenset(role for one in contents for role in Report.parse(one).not_for)


def _unwanted(connection: Connection, case_id: bytes) -> set[str]:
    """
    Return the desks whose officer the reporter has excluded.

    Nothing was sealed to them.  Where an item names their key nevertheless, somebody
    has put it there on the way.
    """
    columns = casebook.officer.c
    by_role = connection.execute(
        select(columns.desk_id, columns.role).where(columns.role.is_not(None))
    ).all()
    if not by_role:
        return set()
    roles = _excluded_roles(connection, case_id)
    return {row.desk_id for row in by_role if row.role in roles}


def to_check(connection: Connection, case_id: bytes) -> frozenset[bytes]:
    """Return the items of a case that the exposure check is about, by digest."""
    columns = casebook.content.c
    return frozenset(
        connection.scalars(
            select(columns.digest).where(
                columns.case_id == case_id, columns.kind.not_in(NOT_CHECKED)
            )
        )
    )


def waiting_for_check(
    desk: Desk, connection: Connection, case_id: bytes, state: CaseState
) -> Waiting:
    """Say what this desk would send on if the exposure check allowed it."""
    own = desk.record.desk_id
    present = members(connection, case_id, state)
    full = let_in_whole(state, own) & present
    items = to_check(connection, case_id)
    decision = state.exposure.action if state.exposure else None
    held = items - may_follow(decision, items)
    lacking = {one: full - knowing(connection, one) for one in held}
    return Waiting(
        items=sum(bool(desks) for desks in lacking.values()),
        desk_ids=frozenset().union(*lacking.values()),
        forbidden=not unchecked(decision, items),
    )


def brief_of(
    connection: Connection, case_id: bytes, state: CaseState, *, with_answers: bool
) -> Briefed:
    """
    Say what officers get to read who must not have the reporter's own words.

    Raises:
        ActionRefused: If there is no report here, or neither answers nor a paraphrase.
    """
    columns = casebook.content.c
    row = connection.execute(
        select(columns.digest, columns.report, columns.sent_day)
        .where(columns.case_id == case_id, columns.report.is_not(None))
        .order_by(columns.sequence)
        .limit(1)
    ).first()
    if row is None:
        raise ActionRefused("the report itself is not on this desk")
    report = Report.parse(row.report)
    answers = {}
    if with_answers:
        for name in SEVEN_QUESTIONS:
            spans = state.redactions.get((row.digest.hex(), name), ())
            if answer := cover(getattr(report, name), spans):
                answers[name] = answer
    elif not state.paraphrase:
        raise ActionRefused("write the matter in your own words first")
    title = cover(report.title, state.redactions.get((row.digest.hex(), "title"), ()))
    return Briefed(
        received=date.fromordinal(row.sent_day),
        # A title in the reporter's words says as much as the rest.
        title=title if with_answers else state.paraphrase.split("\n")[0][:200].strip(),
        answers=answers,
        paraphrase=state.paraphrase,
    )


def pending(desk: Desk, connection: Connection) -> Iterator[Pending]:
    """Yield what other desks still have to be sent from here, cases in any order."""
    own = desk.record.desk_id
    reachable = reachable_from(connection, own)
    if not reachable:
        return
    waiting_for = awaited(connection)
    returning = reachable & _restored_desks(connection)
    for case_id in unsent_cases(connection):
        journal = journal_of(connection, case_id)
        state = journal.state
        if own in state.excluded:
            continue
        audience = members(connection, case_id, state) & reachable
        if waiting_for:
            # It may have been excluded, and only the others would know.
            audience = frozenset(
                one for one in audience if not waiting_for & (audience - {one})
            )
        mine = {
            desk_id for desk_id in audience if sender_to(journal.state, desk_id) == own
        }
        # Whoever was restored gets the whole journal from everybody: who it was that
        # sent it before may be lost as well.
        mine |= audience & returning
        for entry in journal.entries:
            asking = audience if entry.event.desk_id == own else mine
            wanted = _may_hear_of(connection, state, entry, asking)
            digest = bytes.fromhex(entry.digest)
            if lacking := wanted - knowing(connection, digest):
                yield Pending(digest, is_entry=True, desk_ids=frozenset(lacking))
        full = let_in_whole(state, own) & mine
        yield from _pending_contents(
            connection, case_id, state, full, audience & returning
        )


def unsent_cases(connection: Connection) -> tuple[bytes, ...]:
    """Return the cases of which something may still have to be sent."""
    columns = casebook.case.c
    return tuple(
        connection.scalars(
            select(columns.case_id).where(columns.unsent).order_by(columns.case_id)
        )
    )


def reachable_from(connection: Connection, own: str) -> set[str]:
    """Return the other desks that something can be sealed to."""
    columns = casebook.officer.c
    return set(
        connection.scalars(
            select(columns.desk_id).where(
                columns.active, columns.unfit_because.is_(None), columns.desk_id != own
            )
        )
    )


def _restored_desks(connection: Connection) -> set[str]:
    columns = casebook.entry.c
    return set(
        connection.scalars(
            select(columns.desk_id).where(columns.case_id == bytes.fromhex(OFFICE))
        )
    )


def _may_hear_of(
    connection: Connection,
    state: CaseState,
    entry: Entry,
    desk_ids: AbstractSet[str],
) -> AbstractSet[str]:
    """
    Return who of those who know a case may also know of an event.

    A link names another case, which an officer who has only this one may be accused
    in.  Answers of a brief are the reporter's own words, which those do not get with
    whom a paraphrase is shared.  They see a gap in the journal, and not what it is
    about.
    """
    action = entry.event.action
    if isinstance(action, Briefed) and action.answers:
        return {one for one in desk_ids if state.admitted.get(one) != PARAPHRASE}
    if not isinstance(action, Linked):
        return desk_ids
    other = bytes.fromhex(action.other_case)
    return desk_ids & members(connection, other, journal_of(connection, other).state)


def _pending_contents(
    connection: Connection,
    case_id: bytes,
    state: CaseState,
    full: AbstractSet[str],
    returning: AbstractSet[str],
) -> Iterator[Pending]:
    """
    Yield the items that others still have to be sent.

    Args:
        connection: To the casebook.

        case_id: Of which case.

        state: What its journal says: items that no decision to share covers stay.

        full: Desks that were let in from here, with the items.

        returning: Desks that were restored: they get again what they have had.
    """
    if not full and not returning:
        return
    columns = casebook.content.c
    rows = connection.execute(
        select(columns.digest, columns.kind)
        .where(columns.case_id == case_id, columns.kind != ItemKind.CONTACT)
        .order_by(columns.sequence, columns.digest)
    ).all()
    decision = state.exposure.action if state.exposure else None
    let_go = may_follow(decision, {row.digest for row in rows})
    shares = decision is not None and decision.decision == "share"
    for digest, kind in rows:
        may_go = digest in let_go or (shares and kind in NOT_CHECKED)
        lost = returning & knowing(connection, digest, lost=True)
        if lacking := (full - knowing(connection, digest) if may_go else set()) | lost:
            yield Pending(digest, is_entry=False, desk_ids=frozenset(lacking))


def knowing(connection: Connection, digest: bytes, *, lost: bool = False) -> set[str]:
    """Return the desks that have a content or an event, or have lost it."""
    columns = casebook.knows.c
    return set(
        connection.scalars(
            select(columns.desk_id).where(
                columns.digest == digest, columns.lost.is_(lost)
            )
        )
    )


def _form(form: str) -> Literal["full", "redacted", "paraphrase"]:
    if form == FULL:
        return "full"
    return "redacted" if form == REDACTED else "paraphrase"
