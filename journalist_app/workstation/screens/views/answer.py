"""Answers: a draft, a preview as the reporter will see it, and a seal on it."""

from dataclasses import replace

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from casework.files import sanitise_file_name, shown_name
from casework.folding import CaseState
from casework.journal import ClosingProposed, StepTaken
from casework.reply import CaseStatus, ReplyKind
from casework.report import FIELD_CHARACTERS, completeness
from casework.text import clean_text
from journalist_app.workstation.cases import CaseFile, show_case
from journalist_app.workstation.errors import UnusableReply
from journalist_app.workstation.letters import (
    LetterTemplate,
    fill,
    letter_templates,
)
from journalist_app.workstation.replying import Draft, ReplyFile, write_reply
from journalist_app.workstation.screens.notices import Notice, say
from journalist_app.workstation.screens.services import services
from journalist_app.workstation.screens.wording import _

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
    """Show the preview, or seal the reply."""
    here = services()
    case = show_case(here.desk, name, today=here.today(), mark_shown=False)
    text = clean_text(request.form.get("text", ""))
    kind = _kind()
    files = tuple(
        ReplyFile(
            shown_name(sanitise_file_name(upload.filename or "", position)),
            upload.read(),
        )
        for position, upload in enumerate(request.files.getlist("files"), start=1)
        if upload.filename
    )
    if len(text) > FIELD_CHARACTERS:
        raise UnusableReply(f"a text has at most {FIELD_CHARACTERS} characters")
    if request.form.get("do") != "seal":
        return _form(case, text=text, kind=kind, preview=True)
    draft = Draft(kind=kind, text=text, contents=files)
    if kind in (ReplyKind.STATUS, ReplyKind.CLOSING):
        # What the reporter is told is where the case is.
        draft = replace(
            draft,
            status=case.state.status,
            registration_number=case.state.registration_number,
        )
    write_reply(here.desk, name, draft, today=here.today())
    say(Notice(_("Jawaban disegel. Pelapor menerimanya setelah diantar."), case=name))
    return redirect(url_for("case.show", name=name), code=303)


def _form(
    case: CaseFile,
    *,
    text: str,
    kind: ReplyKind,
    chosen: LetterTemplate | None = None,
    preview: bool = False,
) -> ResponseReturnValue:
    return render_template(
        "answer.html",
        case=case,
        text=text,
        kind=kind,
        kinds=list(ReplyKind),
        chosen=chosen,
        preview=preview,
        drafts=letter_templates(),
        most_characters=FIELD_CHARACTERS,
    )


def _kind() -> ReplyKind:
    try:
        return ReplyKind(request.form.get("kind", ReplyKind.ANSWER.value))
    except ValueError:
        return ReplyKind.ANSWER


def _template(key: str, state: CaseState) -> LetterTemplate | None:
    for template in letter_templates():
        if template.key == key:
            return template
        if key == "step" and template.status is state.status:
            return template
    return None


def _filled(template: LetterTemplate, case: CaseFile) -> str:
    profile = services().desk.profile
    report = case.report.report if case.report else None
    return fill(
        template,
        case.language,
        open_questions=completeness(report).open if report else (),
        registration_number=case.state.registration_number,
        competence=profile.competence.in_language(case.language),
        reason=_reason(case.state),
    )


def _reason(state: CaseState) -> str:
    """Return what officers wrote when the case came to where it is."""
    for entry in reversed(state.history):
        action = entry.event.action
        if isinstance(action, StepTaken | ClosingProposed) and action.after in (
            state.status,
            CaseStatus.CONCLUDED,
        ):
            return action.reason
    return ""
