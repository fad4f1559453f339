"""The first visit: a codename, the report, and its acknowledgement."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import StringField

from casework.history import Sent
from casework.item import ItemKind, ItemWriter
from casework.report import Report
from crypto.codename import CODENAME_WORDS, Codename, draw_codename
from crypto.keys import ReporterKeys
from fairness.errors import AskedToWait
from fairness.waiting import Line
from source_app import texts
from source_app.exposures import Finding, find_in, marked_up
from source_app.failures import RETRY_AFTER
from source_app.forms import EmptyForm, ReportForm, RetypeForm, typed
from source_app.identity import (
    current_session,
    is_signed_in,
    language,
    root_of,
    sign_in,
    signed_in_keys,
    stretch,
)
from source_app.reporting import (
    AlreadyReported,
    NoOfficerKey,
    OpenState,
    UnknownReporter,
)
from source_app.services import services
from source_app.story import tell_story

bp = Blueprint("report", __name__, url_prefix="/report")

_CODENAME = "codename"
_POSITIONS = "positions"
_RECEIVED = "received"
_REHEARSED = "rehearsed"
# Two words before the form, and two others after it.
_WORDS_ASKED = 4

SHORTEST_TITLE_WORDS = 4  # Fewer cannot say the event, the place and the time.


class Step(StrEnum):
    """Where a reporter is in the form, or wants to go."""

    EVENT = "event"
    DETAILS = "details"
    CARE = "care"
    CHECK = "check"
    SEND = "send"


STEP_FIELDS = {
    Step.EVENT: ("title", "what", "first_hand"),
    Step.DETAILS: ("where", "when", "who", "how", "how_much", "why"),
    Step.CARE: ("risk", "reported_elsewhere", "not_for"),
}
_STEP_OF = {name: step for step, names in STEP_FIELDS.items() for name in names}

# In the order of 5W + 2H.  The history keeps a report as one text.
_HEADINGS = {
    "what": lazy_gettext("Apa yang terjadi?"),
    "where": lazy_gettext("Di mana?"),
    "when": lazy_gettext("Kapan?"),
    "who": lazy_gettext("Siapa yang diduga terlibat?"),
    "why": lazy_gettext("Mengapa hal itu terjadi?"),
    "how": lazy_gettext("Bagaimana caranya?"),
    "how_much": lazy_gettext("Berapa kerugiannya?"),
    "reported_elsewhere": lazy_gettext("Pernahkah hal ini dilaporkan ke tempat lain?"),
    "risk": lazy_gettext("Apakah laporan ini dapat membahayakan Anda?"),
}


@dataclass(frozen=True)
class ReadAgain:
    """
    An answer as its writer reads it once more before sending.

    Attributes:
        step: Where it can be changed.

        pieces: Its text, with the telling places marked.
    """

    name: str
    heading: str
    step: Step
    pieces: Sequence[tuple[str, bool]]
    findings: Sequence[Finding]


@bp.route("/start", methods=["GET", "POST"])
def start() -> ResponseReturnValue:
    """Ask whether this was reported before, then draw a codename."""
    form = EmptyForm()
    if not form.validate_on_submit():
        return render_template("start.html", form=form)
    parts = services()
    if not parts.cases.can_accept(today=parts.today()):
        # Better an honest notice now than a report that nobody could read.
        raise NoOfficerKey(NoOfficerKey.__doc__)
    codename = draw_codename(parts.wordlist(language()), choose=secrets.choice)
    numbers = range(1, CODENAME_WORDS + 1)
    positions = secrets.SystemRandom().sample(numbers, _WORDS_ASKED)
    current_session().begin(**{_CODENAME: codename, _POSITIONS: positions})
    return redirect(url_for(".codename"), code=303)


@bp.get("/codename")
def codename() -> ResponseReturnValue:
    """Show the new codename, and a story to remember it by."""
    if _CODENAME not in session:
        return redirect(url_for(".start"), code=303)
    words = session[_CODENAME].split()
    return render_template(
        "codename.html",
        words=words,
        story=tell_story(words),
        received=_RECEIVED in session,
    )


@bp.route("/retype", methods=["GET", "POST"])
def retype() -> ResponseReturnValue:
    """Have two words retyped: who cannot do it now could not come back."""
    if _CODENAME not in session:
        return redirect(url_for(".start"), code=303)
    positions = sorted(session[_POSITIONS][:2])
    form = _retype_form(positions)
    if form.validate_on_submit() and _retyped(form, positions):
        codename = session[_CODENAME]
        try:
            root = stretch(Codename(codename), Line.SECOND)
        except AskedToWait:
            form.form_errors.append(str(texts.ASKED_TO_WAIT))
            page = render_template("retype.html", form=form, positions=positions)
            return page, 503, RETRY_AFTER
        sign_in(
            root,
            # Until the words were typed once more, after sending.
            **{_CODENAME: codename, _POSITIONS: session[_POSITIONS]},
        )
        return redirect(url_for(".write"), code=303)
    status = 422 if form.errors else 200
    return render_template("retype.html", form=form, positions=positions), status


@bp.route("/write", methods=["GET", "POST"])
def write() -> ResponseReturnValue:
    """
    Take the report in short steps, seal it, commit it, and only then acknowledge it.

    What was typed travels with the pages until it is sent, and is kept nowhere.
    """
    form = ReportForm()
    if not form.is_submitted():
        if not is_signed_in():
            return redirect(url_for(".start"), code=303)
        if _has_case(signed_in_keys()):
            return redirect(url_for("case.show"), code=303)
        return _show(form, Step.EVENT)
    if not form.validate():
        return _show(form, _step_to_mend(form)), 422
    wanted = _step("go", default=Step.CHECK)
    if wanted is not Step.SEND:
        return _show(form, wanted)
    received = services().today()
    try:
        if not is_signed_in() and not _sign_in_again(form):
            return _show(form, Step.CHECK), 422
        _accept(signed_in_keys(), form, received)
    except AlreadyReported:
        # A second report under one codename is a message in the first one's case;
        # the reporter decides, with the text before their eyes.
        form.form_errors.append(
            _(
                "Dengan kata sandi ini sudah ada laporan. Salin tulisan Anda, lalu "
                "kirim sebagai pesan di halaman laporan Anda."
            )
        )
        return _show(form, Step.CHECK), 409
    except AskedToWait:
        form.form_errors.append(str(texts.ASKED_TO_WAIT))
        return _show(form, Step.CHECK), 503, RETRY_AFTER
    session[_RECEIVED] = received.isoformat()
    return redirect(url_for(".acknowledged"), code=303)


@bp.route("/acknowledged", methods=["GET", "POST"])
def acknowledged() -> ResponseReturnValue:
    """Confirm receipt, with the real due date, and have two more words retyped."""
    if _RECEIVED not in session:
        return redirect(url_for("case.show"), code=303)
    signed_in_keys()
    form, positions = None, []
    if _CODENAME in session:
        positions = sorted(session[_POSITIONS][2:])
        form = _retype_form(positions)
        if form.validate_on_submit() and _retyped(form, positions):
            # Seen to be kept by its owner, so that nobody else needs it any more.
            session.pop(_CODENAME)
            session[_REHEARSED] = True
            return redirect(url_for(".acknowledged"), code=303)
    parts = services()
    return render_template(
        "acknowledged.html",
        deadline=parts.cases.deadline(date.fromisoformat(session[_RECEIVED])),
        release=parts.next_release(),
        form=form,
        positions=positions,
        rehearsed=session.get(_REHEARSED, False),
    ), 422 if form is not None and form.errors else 200


def _retype_form(positions: Sequence[int]) -> RetypeForm:
    form = RetypeForm()
    for field, position in zip(_word_fields(form), positions, strict=True):
        field.label.text = _("Kata nomor %(number)d", number=position)
    return form


def _retyped(form: RetypeForm, positions: Sequence[int]) -> bool:
    words = session[_CODENAME].split()
    for field, position in zip(_word_fields(form), positions, strict=True):
        word = typed(field).casefold()
        meant = {wordlist.mend(word) for wordlist in services().wordlists}
        if words[position - 1] not in meant:
            field.errors = [_("Ini bukan kata nomor %(number)d.", number=position)]
    return not form.errors


def _word_fields(form: RetypeForm) -> tuple[StringField, StringField]:
    return form.first_word, form.second_word


def _step(name: str, *, default: Step) -> Step:
    try:
        return Step(request.form.get(name, ""))
    except ValueError:
        return default


def _step_to_mend(form: ReportForm) -> Step:
    """Return the step that has the first mistake; where they are if none has."""
    for name, step in _STEP_OF.items():
        if form[name].errors:
            return step
    at = _step("at", default=Step.EVENT)
    return Step.CHECK if at is Step.SEND else at


def _show(form: ReportForm, step: Step) -> str:
    shown = STEP_FIELDS.get(step, ())
    return render_template(
        "check.html" if step is Step.CHECK else "write.html",
        form=form,
        step=step,
        steps=tuple(STEP_FIELDS),
        carried=[name for name in _STEP_OF if name not in shown],
        answers=_answers(form) if step is Step.CHECK else (),
        open_questions=[
            heading for name, heading in _HEADINGS.items() if not form[name].data
        ],
        short_title=len(typed(form.title).split()) < SHORTEST_TITLE_WORDS,
        needs_codename=not is_signed_in(),
    )


def _answers(form: ReportForm) -> list[ReadAgain]:
    headings = {"title": _("Judul laporan"), **_HEADINGS}
    shown = []
    for name, heading in headings.items():
        if text := typed(form[name]):
            findings = find_in(text)
            shown.append(
                ReadAgain(
                    name=name,
                    heading=str(heading),
                    step=_STEP_OF[name],
                    pieces=marked_up(text, findings),
                    findings=findings,
                )
            )
    return shown


def _sign_in_again(form: ReportForm) -> bool:
    root, is_codename = root_of(typed(form.codename))
    if not is_codename:
        form.codename.errors = [_("Periksa ejaan dan urutan ketujuh kata.")]
        return False
    sign_in(root)
    return True


def _has_case(keys: ReporterKeys) -> bool:
    try:
        services().cases.recognise(keys)
    except UnknownReporter:
        return False
    return True


def _accept(keys: ReporterKeys, form: ReportForm, received: date) -> None:
    cases = services().cases
    answers = {name: form[name].data for name in Report.model_fields if name in form}
    report = Report(**{**answers, "not_for": tuple(form.not_for.data or ())})
    deadline = cases.deadline(received)

    def fill(writer: ItemWriter, opened: OpenState) -> Sent:
        writer.add_report(report)
        return Sent(
            kind=ItemKind.REPORT,
            day=received,
            sequence=len(opened.state.sent),
            title=report.title,
            text="\n\n".join(
                f"{heading}\n{answer}"
                for name, heading in _HEADINGS.items()
                if (answer := getattr(report, name))
            ),
            due_day=deadline.due if deadline else None,
        )

    with services().crowd.sealing(request.environ, Line.SECOND):
        cases.accept(
            keys,
            kind=ItemKind.REPORT,
            day=received,
            language=language(),
            token=typed(form.token),
            fill=fill,
            not_for=report.not_for,
        )
