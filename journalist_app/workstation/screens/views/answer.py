"""Answers: a draft, a preview as the reporter will see it, and a seal on it."""

from collections.abc import Sequence
from dataclasses import replace

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.datastructures import FileStorage

from casework.case_state import CaseState
from casework.files import sanitise_file_name, shown_name
from casework.journal import ClosingProposed, StepTaken
from casework.reply import CaseStatus, ReplyKind
from casework.report import FIELD_CHARACTERS, completeness
from casework.text import clean_text
from journalist_app.workstation.cases import CaseFile, show_case
from journalist_app.workstation.errors import ActionRefused, UnusableReply
from journalist_app.workstation.letters import (
    LetterTemplate,
    fill,
    letter_templates,
    template_at,
)
from journalist_app.workstation.replying import Draft, ReplyFile, write_reply
from journalist_app.workstation.screens.notices import Notice, say
from journalist_app.workstation.screens.preview import show_preview
from journalist_app.workstation.screens.services import services
from journalist_app.workstation.screens.uploads import UploadedFile
from journalist_app.workstation.screens.wording import _, plain

bp = Blueprint("answer", __name__, url_prefix="/cases/<name>/answer")


@bp.get("/")
def write(name: str) -> ResponseReturnValue:
    """Show the form, with a draft if one was chosen."""
    here = services()
    case = show_case(here.desk, name, today=here.today(), mark_shown=False)
    chosen = _template(request.args.get("draft", ""), case.state)
    text = _filled(chosen, case) if chosen else ""
    kind = chosen.kind if chosen else ReplyKind.ANSWER
    return _form(case, text=text, kind=kind, chosen=chosen)


@bp.post("/")
def send(name: str) -> ResponseReturnValue:
    """Show the preview, or seal the reply; what was written comes back if it fails."""
    here = services()
    case = show_case(here.desk, name, today=here.today(), mark_shown=False)
    text = clean_text(request.form.get("text", ""))
    kind = _kind()
    uploads = [one for one in request.files.getlist("files") if one.filename]
    draft = Draft(
        kind=kind,
        text=text,
        contents=tuple(
            ReplyFile(
                shown_name(sanitise_file_name(upload.filename or "", position)),
                upload.read(),
            )
            for position, upload in enumerate(uploads, start=1)
        ),
    )
    if kind in (ReplyKind.STATUS, ReplyKind.CLOSING):
        # What the reporter is told is where the case is.
        draft = replace(
            draft,
            status=case.state.status,
            registration_number=case.state.registration_number,
        )
    problem = _problem(text, uploads)
    if problem is None and request.form.get("do") == "seal":
        try:
            write_reply(here.desk, name, draft, today=here.today())
        except (UnusableReply, ActionRefused) as error:
            problem = plain(str(error))
        else:
            said = _("Jawaban disegel. Pelapor menerimanya setelah diantar.")
            say(Notice(said, case=name, place="jalannya"))
            return redirect(url_for("case.show", name=name, _anchor="jalannya"), 303)
    if problem is not None:
        return _form(case, text=text, kind=kind, problem=problem), 422
    return _form(case, text=text, kind=kind, preview=_preview(draft, case))


def _problem(text: str, uploads: Sequence[FileStorage]) -> str | None:
    """Say why this cannot be sealed, as far as it shows at once."""
    if len(text) > FIELD_CHARACTERS:
        return _(
            "Isinya %(n)s karakter; paling banyak %(most)s.",
            n=len(text),
            most=FIELD_CHARACTERS,
        )
    for upload in uploads:
        if isinstance(upload.stream, UploadedFile) and upload.stream.too_large:
            name = shown_name(sanitise_file_name(upload.filename or "", 1))
            return _(
                "Berkas %(name)s terlalu besar: isi dan semua berkas bersama paling "
                "banyak 8 MB. Belum ada yang disegel; pilih lagi berkas lainnya.",
                name=name,
            )
    return None


def _preview(draft: Draft, case: CaseFile) -> Markup:
    return show_preview(
        kind=draft.kind,
        text=draft.text,
        status=draft.status,
        registration_number=draft.registration_number,
        files=[(one.name, len(one.content)) for one in draft.contents],
        language=case.language,
        today=services().today(),
    )


def _form(
    case: CaseFile,
    *,
    text: str,
    kind: ReplyKind,
    chosen: LetterTemplate | None = None,
    preview: Markup | None = None,
    problem: str | None = None,
) -> str:
    return render_template(
        "answer.html",
        case=case,
        text=text,
        kind=kind,
        kinds=list(ReplyKind),
        chosen=chosen,
        preview=preview,
        problem=problem,
        drafts=letter_templates(),
        most_characters=FIELD_CHARACTERS,
    )


def _kind() -> ReplyKind:
    try:
        return ReplyKind(request.form.get("kind", ReplyKind.ANSWER.value))
    except ValueError:
        return ReplyKind.ANSWER


def _template(key: str, state: CaseState) -> LetterTemplate | None:
    if key == "step":
        return template_at(state.status)
    return next((one for one in letter_templates() if one.key == key), None)


def _filled(template: LetterTemplate, case: CaseFile) -> str:
    profile = services().desk.profile
    report = case.report.report if case.report else None
    return fill(
        template,
        case.language,
        open_questions=completeness(report).open if report else (),
        registration_number=case.state.registration_number,
        competence=profile.competence.in_language(case.language),
        reason=_reason(case.state, template.status or case.state.status),
    )


def _reason(state: CaseState, status: CaseStatus) -> str:
    """Return what officers wrote when a case came to a status, or would come there."""
    for entry in reversed(state.history):
        action = entry.event.action
        if (
            isinstance(action, StepTaken | ClosingProposed)
            and action.after is status
            and entry.digest not in state.undone
        ):
            return action.reason
    return ""
