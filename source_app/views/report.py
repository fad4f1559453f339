"""The first visit: a codename, the report, and its acknowledgement."""

import secrets
from datetime import date

from flask import Blueprint, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from casework.history import Sent
from casework.item import ItemKind, ItemWriter
from casework.report import Report
from crypto.codename import CODENAME_WORDS, Codename, draw_codename
from crypto.keys import ReporterKeys
from source_app.forms import (
    EmptyForm,
    ReportAgainForm,
    ReportForm,
    RetypeForm,
    typed,
)
from source_app.identity import (
    current_session,
    is_signed_in,
    language,
    root_of,
    sign_in,
    signed_in_keys,
)
from source_app.reporting import (
    AlreadyReported,
    NoOfficerKey,
    OpenState,
    UnknownReporter,
)
from source_app.services import services

bp = Blueprint("report", __name__, url_prefix="/report")

_CODENAME = "codename"
_POSITIONS = "positions"
_RECEIVED = "received"

# In the order of the form.  The history keeps a report as one text.
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
    positions = sorted(secrets.SystemRandom().sample(numbers, 2))
    current_session().begin(**{_CODENAME: codename, _POSITIONS: positions})
    return redirect(url_for(".codename"), code=303)


@bp.get("/codename")
def codename() -> ResponseReturnValue:
    """Show the new codename."""
    if _CODENAME not in session:
        return redirect(url_for(".start"), code=303)
    return render_template("codename.html", words=session[_CODENAME].split())


@bp.route("/retype", methods=["GET", "POST"])
def retype() -> ResponseReturnValue:
    """Have two words retyped: who cannot do it now could not come back."""
    if _CODENAME not in session:
        return redirect(url_for(".start"), code=303)
    form = RetypeForm()
    words = session[_CODENAME].split()
    positions = session[_POSITIONS]
    fields = (form.first_word, form.second_word)
    for field, position in zip(fields, positions, strict=True):
        field.label.text = _("Kata nomor %(number)d", number=position)
    if form.validate_on_submit():
        for field, position in zip(fields, positions, strict=True):
            word = typed(field).casefold()
            meant = {wordlist.mend(word) for wordlist in services().wordlists}
            if words[position - 1] not in meant:
                field.errors = [_("Ini bukan kata nomor %(number)d.", number=position)]
        if not any(field.errors for field in fields):
            root = services().stretcher.stretch(Codename(session[_CODENAME]))
            sign_in(root)
            return redirect(url_for(".write"), code=303)
    status = 422 if form.errors else 200
    return render_template("retype.html", form=form, positions=positions), status


@bp.route("/write", methods=["GET", "POST"])
def write() -> ResponseReturnValue:
    """Take the report, seal it, commit it, and only then acknowledge it."""
    form = ReportForm() if is_signed_in() else ReportAgainForm()
    if not form.is_submitted():
        if not is_signed_in():
            return redirect(url_for(".start"), code=303)
        if _has_case(signed_in_keys()):
            return redirect(url_for("case.show"), code=303)
        return render_template("write.html", form=form)
    if not form.validate():
        return render_template("write.html", form=form), 422
    if isinstance(form, ReportAgainForm):
        root, is_codename = root_of(typed(form.codename))
        if not is_codename:
            form.codename.errors = [_("Periksa ejaan dan urutan ketujuh kata.")]
            return render_template("write.html", form=form), 422
        sign_in(root)
    received = services().today()
    try:
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
        return render_template("write.html", form=form), 409
    session[_RECEIVED] = received.isoformat()
    return redirect(url_for(".acknowledged"), code=303)


@bp.get("/acknowledged")
def acknowledged() -> ResponseReturnValue:
    """Confirm receipt, with the real due date."""
    if _RECEIVED not in session:
        return redirect(url_for("case.show"), code=303)
    signed_in_keys()
    deadline = services().cases.deadline(date.fromisoformat(session[_RECEIVED]))
    return render_template("acknowledged.html", deadline=deadline)


def _has_case(keys: ReporterKeys) -> bool:
    try:
        services().cases.recognise(keys)
    except UnknownReporter:
        return False
    return True


def _accept(keys: ReporterKeys, form: ReportForm, received: date) -> None:
    cases = services().cases
    report = Report(
        **{name: form[name].data for name in Report.model_fields if name in form}
    )
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

    cases.accept(
        keys,
        kind=ItemKind.REPORT,
        day=received,
        language=language(),
        token=typed(form.token),
        fill=fill,
    )
