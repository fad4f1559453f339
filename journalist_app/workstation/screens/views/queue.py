"""The queue, the search, and the pages about the desk itself."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from casework.text import clean_line
from journalist_app.workstation.cases import View, show_queue
from journalist_app.workstation.colleagues import list_colleagues
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
    View.MINE: _("Tugas saya"),
    View.CLOSED: _("Selesai"),
    View.ALL: _("Semua"),
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
        view_labels=VIEW_LABELS,
        names=colleague_names(),
        due_words=due_words,
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
    roles = {role.key: role.title.in_language("id") for role in here.desk.profile.roles}
    return render_template(
        "officers.html",
        colleagues=colleagues,
        roles=roles,
        organisation=here.desk.colleagues.organisation(),
    )


@bp.get("/help")
def show_help() -> ResponseReturnValue:
    """Show how the desk is worked with, and the keys."""
    return render_template("help.html")


@bp.post("/end")
def end() -> ResponseReturnValue:
    """Let this browser in no more."""
    services().access.end()
    return redirect(url_for("queue.show"), code=303)


def colleague_names() -> dict[str, str]:
    """Return the names of officers by desk."""
    here = services()
    with here.desk.casebook.transaction() as connection:
        return {
            colleague.desk_id: colleague.name
            for colleague in list_colleagues(here.desk, connection)
        }
