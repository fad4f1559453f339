"""
Pages that are worth a visit by themselves: rights, other bodies, complaints.

Who opens the site may have come to read one of these, so that a visit is not yet
a confession.  Which of them are shown is decided by the institution's profile:

    cover_pages = ["rights", "lpsk"]  ->  /information, /rights, /lpsk

They store nothing and know nothing of who reads.
"""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from werkzeug.exceptions import NotFound

from source_app.services import services

bp = Blueprint("cover", __name__)

TITLES = {
    "rights": lazy_gettext("Hak pelapor"),
    "lpsk": lazy_gettext("LPSK dan lembaga lain"),
    "aid": lazy_gettext("Pengaduan bantuan sosial"),
}


@bp.get("/information")
def information() -> ResponseReturnValue:
    """Introduce the pages that this institution shows."""
    return _show("information")


@bp.get("/rights")
def rights() -> ResponseReturnValue:
    """Say what the law grants reporters and witnesses, and what it does not."""
    return _show("rights")


@bp.get("/lpsk")
def lpsk() -> ResponseReturnValue:
    """Name those who protect witnesses, and those who take other complaints."""
    return _show("lpsk")


@bp.get("/aid")
def aid() -> ResponseReturnValue:
    """Tell complaints about the service of social aid from wrongdoing."""
    return _show("aid")


def _show(name: str) -> ResponseReturnValue:
    """Show a page if the profile lists it; the overview, if it lists any."""
    listed = services().profile.cover_pages
    if not listed or name not in ("information", *listed):
        raise NotFound
    return render_template(
        f"{name}.html", pages=[(page, TITLES[page]) for page in listed]
    )
