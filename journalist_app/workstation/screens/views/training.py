"""The exercises of a desk for training; on other desks there is no such page."""

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from journalist_app.workstation.screens.services import services
from journalist_app.workstation.training.exercises import progress_of

bp = Blueprint("training", __name__, url_prefix="/training")


@bp.get("/")
def show() -> ResponseReturnValue:
    """Show what there is to practise, and what was done already."""
    here = services()
    if not here.desk.record.training:
        abort(404)
    language = str(get_locale() or "id")
    return render_template(
        "training.html",
        exercises=[
            (one.exercise.task.in_language(language), one)
            for one in progress_of(here.desk)
        ],
    )
