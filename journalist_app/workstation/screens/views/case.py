"""A case: what it says, where it stands, and what can be done to it."""

from collections.abc import Container

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from casework.case_state import Entry
from casework.exposure_check import unchecked
from casework.folding import still_reversible
from casework.journal import (
    LABEL_CHARACTERS,
    Action,
    Assessed,
    ClosingConfirmed,
    ClosingDeclined,
    Labelled,
    Noted,
)
from casework.reply import CaseStatus
from casework.report import SEVEN_QUESTIONS, completeness
from casework.text import clean_line
from casework.workflow import steps_from
from journalist_app.workstation import acting, sharing
from journalist_app.workstation.cases import CaseFile, ItemShown, show_case
from journalist_app.workstation.colleagues import Colleague, list_colleagues
from journalist_app.workstation.errors import ActionRefused
from journalist_app.workstation.queueing import summaries_of
from journalist_app.workstation.screens import wording
from journalist_app.workstation.screens.notices import Notice, say, undoable
from journalist_app.workstation.screens.services import services
from journalist_app.workstation.screens.typed import typed_text
from journalist_app.workstation.screens.views.queue import urgency_of_day
from journalist_app.workstation.screens.wording import _
from journalist_app.workstation.searching import find_alike

bp = Blueprint("case", __name__, url_prefix="/cases/<name>")

PLACE_CHARACTERS = 60


@bp.get("/")
def show(name: str) -> ResponseReturnValue:
    """Show a case."""
    here = services()
    today = here.today()
    case = show_case(here.desk, name, today=today)
    report = case.report
    with here.desk.casebook.transaction() as connection:
        colleagues = list_colleagues(here.desk, connection)
        members = sharing.members(connection, case.summary.case_id, case.state) | {
            here.desk.record.desk_id
        }
        waiting = sharing.waiting_for_check(
            here.desk, connection, case.summary.case_id, case.state
        )
        linked = summaries_of(
            connection,
            [bytes.fromhex(other) for other in case.state.links],
            today=today,
        )
    return render_template(
        "case.html",
        case=case,
        state=case.state,
        report=report,
        found=completeness(report.report) if report and report.report else None,
        questions=SEVEN_QUESTIONS,
        steps=steps_from(case.state.status),
        step_labels=wording.STEP_LABELS,
        subjects=wording.SUBJECT_LABELS,
        forms_of_sharing=wording.FORM_LABELS,
        first_hand=wording.FIRST_HAND_LABELS,
        event_labels=wording.EVENT_LABELS,
        decision_labels=wording.DECISION_LABELS,
        taken_labels=wording.TAKEN_LABELS,
        file_names={
            item.digest.hex(): {one.position: one.name for one in item.attachments}
            for item in case.thread
            if isinstance(item, ItemShown)
        },
        undoable=still_reversible(case.journal.entries, here.desk.record.desk_id),
        names={one.desk_id: one.name for one in colleagues},
        members=[one for one in colleagues if one.desk_id in members],
        outsiders=[one for one in colleagues if _can_be_let_in(one, members)],
        still_sealed_to=[one for one in colleagues if _still_sealed_to(one, case)],
        exposure_stale=exposure_is_stale(case),
        waiting=waiting,
        linked=linked,
        alike=[
            one
            for one in find_alike(here.desk, name, today=today)
            if one.case.case_id.hex() not in case.state.links
        ],
        due_words=wording.due_words,
        urgency_of_day=urgency_of_day,
        own=here.desk.record.desk_id,
    )


@bp.post("/step")
def step(name: str) -> ResponseReturnValue:
    """Take the case on."""
    here = services()
    try:
        after = CaseStatus(request.form.get("after", ""))
    except ValueError:
        abort(400)
    entry = acting.take_step(
        here.desk, name, after, reason=typed_text("reason"), today=here.today()
    )
    proposed = entry.event.action.kind == "closing-proposed"
    said = (
        _("Diusulkan. Petugas lain harus menyetujuinya.")
        if proposed
        else _("Kasus sekarang: %(status)s.", status=wording.status_label(after))
    )
    return _done(name, said, entry, place="kasus" if proposed else "langkah")


@bp.post("/closing")
def closing(name: str) -> ResponseReturnValue:
    """Agree to a proposed closing, or not."""
    proposal = request.form.get("proposal", "")
    action: Action
    if request.form.get("decision") == "confirm":
        action = ClosingConfirmed(proposal=proposal)
        said = _("Penutupan disetujui.")
    else:
        action = ClosingDeclined(proposal=proposal, reason=_reason())
        said = _("Usulan penutupan ditolak.")
    return _do(name, action, said, place="kasus")


@bp.post("/assess")
def assess(name: str) -> ResponseReturnValue:
    """Record a verdict of verification."""
    action = Assessed.model_validate(
        {
            "subject": _one_of("subject", wording.SUBJECT_LABELS),
            "verdict": _one_of("verdict", wording.VERDICT_LABELS),
            "reason": typed_text("reason"),
        }
    )
    return _do(name, action, _("Penilaian dicatat."), place="nilai")


@bp.post("/assign")
def assign(name: str) -> ResponseReturnValue:
    """Put the case into an officer's hands."""
    here = services()
    desk_id = request.form.get("desk_id", "") or None
    entry = acting.assign(here.desk, name, desk_id, today=here.today())
    return _done(name, _("Penugasan dicatat."), entry, place="petugas")


@bp.post("/share")
def share(name: str) -> ResponseReturnValue:
    """Let a colleague know of the case."""
    here = services()
    acting.share(
        here.desk,
        name,
        _colleague().desk_id,
        form=_one_of("form", wording.FORM_LABELS),
        reason=typed_text("reason"),
        today=here.today(),
    )
    said = _("Kasus dibagikan. Sampai di sana setelah diantar.")
    return _done(name, said, place="petugas")


@bp.post("/exclude")
def exclude(name: str) -> ResponseReturnValue:
    """Keep the case from an officer."""
    here = services()
    acting.exclude(
        here.desk, name, _colleague().desk_id, reason=_reason(), today=here.today()
    )
    said = _("Petugas dikecualikan dari kasus ini mulai sekarang.")
    return _done(name, said, place="petugas")


@bp.post("/note")
def note(name: str) -> ResponseReturnValue:
    """Write a note."""
    return _do(name, Noted(text=_reason()), _("Catatan disimpan."), place="catatan")


@bp.post("/label")
def label(name: str) -> ResponseReturnValue:
    """Put a label on the case, or take it off."""
    word = clean_line(request.form.get("label", ""))[:LABEL_CHARACTERS].strip()
    if not word:
        raise ActionRefused(_("Tulislah labelnya."))
    on = request.form.get("on", "1") == "1"
    return _do(name, Labelled(label=word, on=on), _("Label diubah."), place="label")


@bp.post("/link")
def link(name: str) -> ResponseReturnValue:
    """Link the case with another one, or not after all."""
    here = services()
    relation = request.form.get("relation", "")
    entry = acting.link(
        here.desk,
        name,
        clean_line(request.form.get("other", "")),
        relation=relation if relation in ("same-matter", "duplicate") else None,
        today=here.today(),
    )
    return _done(name, _("Tautan diubah."), entry, place="taut")


@bp.post("/contact/<digest>")
def contact(name: str, digest: str) -> ResponseReturnValue:
    """Show the reporter's contact details, and record it."""
    here = services()
    details = acting.open_contact(
        here.desk,
        name,
        _digest(digest),
        reason=typed_text("reason"),
        today=here.today(),
    )
    return render_template("contact.html", name=name, details=details)


@bp.post("/undo")
def undo(name: str) -> ResponseReturnValue:
    """Take back what this officer did, and return to where they did it."""
    here = services()
    acting.undo(here.desk, name, request.form.get("entry", ""), today=here.today())
    page = "exposure" if request.form.get("page") == "exposure" else "case"
    place = clean_line(request.form.get("place", ""))[:PLACE_CHARACTERS]
    return _done(name, _("Dibatalkan."), page=page, place=place)


def _do(name: str, action: Action, said: str, *, place: str) -> ResponseReturnValue:
    here = services()
    entry = acting.act(here.desk, name, action, today=here.today())
    return _done(name, said, entry, place=place)


def _done(
    name: str,
    said: str,
    entry: Entry | None = None,
    *,
    page: str = "case",
    place: str,
) -> ResponseReturnValue:
    say(Notice(said, case=name, entry=undoable(entry), page=page, place=place))
    where = url_for(f"{page}.show", name=name, _anchor=place or None)
    return redirect(where, code=303)


def _reason() -> str:
    text = typed_text("reason") or typed_text("text")
    if not text:
        raise ActionRefused(_("Tulislah isinya dahulu. Tidak ada yang berubah."))
    return text


def _one_of(field: str, choices: Container[str]) -> str:
    chosen = request.form.get(field, "")
    if chosen not in choices:
        abort(400)
    return chosen


def _digest(untrusted: str) -> bytes:
    try:
        return bytes.fromhex(untrusted)
    except ValueError:
        abort(404)


def _colleague() -> Colleague:
    here = services()
    wanted = request.form.get("desk_id", "")
    with here.desk.casebook.transaction() as connection:
        for one in list_colleagues(here.desk, connection):
            if one.desk_id == wanted:
                return one
    raise ActionRefused(_("Pilihlah seorang petugas."))


def _can_be_let_in(colleague: Colleague, members: frozenset[str]) -> bool:
    return colleague.active and not colleague.own and colleague.desk_id not in members


def _still_sealed_to(colleague: Colleague, case: CaseFile) -> bool:
    """Tell whether the site goes on sealing a case to whom it is kept from."""
    report = case.report.report if case.report else None
    return (
        colleague.desk_id in case.state.excluded
        and (colleague.active and colleague.receives and not colleague.own)
        and (report is None or colleague.role not in report.not_for)
    )


def exposure_is_stale(case: CaseFile) -> bool:
    """Tell whether the case has items that no exposure check has covered."""
    exposure = case.state.exposure
    return exposure is None or bool(unchecked(exposure.action, case.to_check))
