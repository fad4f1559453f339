"""The queue, the search, and the pages about the desk itself."""

from datetime import date

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from casework.text import clean_line
from journalist_app.workstation.colleagues import list_colleagues
from journalist_app.workstation.queueing import CaseSummary, View, show_queue
from journalist_app.workstation.screens import preferences
from journalist_app.workstation.screens.notices import Notice, say
from journalist_app.workstation.screens.services import services
from journalist_app.workstation.screens.wording import due_words
from journalist_app.workstation.searching import search

bp = Blueprint("queue", __name__)

VIEW_LABELS = {
    View.OPEN: _("Terbuka"),
    View.NEW: _("Ada yang baru"),
    View.TODAY: _("Tenggat hari ini"),
    View.OVERDUE: _("Lewat tenggat"),
    View.UNANSWERED: _("Menunggu jawaban kita"),
    View.WAITING: _("Menunggu pelapor"),
    View.HELD: _("Menunggu periksa paparan"),
    View.MINE: _("Tugas saya"),
    View.CLOSED: _("Selesai"),
    View.ALL: _("Semua"),
}
# What an officer looks for first, with large figures.
URGENT_VIEWS = (View.OVERDUE, View.TODAY, View.NEW, View.UNANSWERED)
SOON_DAYS = 7
URGENCY_LABELS = {
    "late": _("Lewat tenggat"),
    "today": _("Tenggat hari ini"),
    "soon": _("Dalam tujuh hari"),
    "later": _("Kemudian"),
    "undue": _("Tanpa tenggat"),
    "closed": _("Selesai"),
}


@bp.get("/")
def show() -> ResponseReturnValue:
    """Show one page of the queue."""
    here = services()
    try:
        view = View(request.args.get("view", View.OPEN.value))
    except ValueError:
        abort(404)
    page = request.args.get("page", "1")
    label = clean_line(request.args.get("label", "")) or None
    queue = show_queue(
        here.desk,
        today=here.today(),
        view=view,
        page=int(page) if page.isdecimal() and len(page) < 7 else 1,
        label=label,
    )
    return render_template(
        "queue.html",
        queue=queue,
        label=label,
        # A way that most desks never need is there while it leads somewhere.
        view_labels={
            one: said
            for one, said in VIEW_LABELS.items()
            if one is not View.HELD or one is view or queue.counts[one]
        },
        urgent_views=URGENT_VIEWS,
        urgency_of=urgency_of,
        urgency_labels=URGENCY_LABELS,
        names=colleague_names(),
        due_words=due_words,
        calendar=here.desk.calendar,
    )


@bp.get("/search")
def find() -> ResponseReturnValue:
    """Search the casebook."""
    here = services()
    query = clean_line(request.args.get("q", ""))
    found = search(here.desk, query, today=here.today()) if query else ()
    return render_template(
        "search.html", query=query, found=found, names=colleague_names()
    )


@bp.get("/officers")
def officers() -> ResponseReturnValue:
    """Show who the officers are, as far as this desk can be sure of it."""
    here = services()
    with here.desk.casebook.transaction() as connection:
        colleagues = list_colleagues(here.desk, connection)
    return render_template(
        "officers.html",
        colleagues=colleagues,
        organisation=here.desk.colleagues.organisation(),
    )


@bp.get("/help")
def show_help() -> ResponseReturnValue:
    """Show how the desk is worked with, and the keys."""
    return render_template("help.html")


@bp.post("/shortcuts")
def switch_keys() -> ResponseReturnValue:
    """Let single letters do things in this browser, or not."""
    on = request.form.get("keys") != "off"
    said = _("Pintasan menyala.") if on else _("Pintasan mati.")
    say(Notice(str(said), place="pintasan"))
    answer = redirect(url_for(".show_help", _anchor="pintasan"), code=303)
    preferences.keep_keys(answer, on=on)
    return answer


@bp.post("/end")
def end() -> ResponseReturnValue:
    """Let this browser in no more."""
    services().access.end()
    return redirect(url_for("queue.show"), code=303)


def urgency_of(case: CaseSummary, today: date) -> str:
    """Say under which heading of the queue a case stands."""
    if case.closed:
        return "closed"
    return "undue" if case.due is None else urgency_of_day(case.due, today)


def urgency_of_day(due: date, today: date) -> str:
    """Say how urgent something is that is due on a day."""
    days = (due - today).days
    if days < 0:
        return "late"
    if days == 0:
        return "today"
    return "soon" if days <= SOON_DAYS else "later"


def colleague_names() -> dict[str, str]:
    """Return the names of officers by desk."""
    here = services()
    with here.desk.casebook.transaction() as connection:
        return {
            colleague.desk_id: colleague.name
            for colleague in list_colleagues(here.desk, connection)
        }
