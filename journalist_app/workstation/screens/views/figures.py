"""The statistics of a quarter: tables, charts, and a file for spreadsheets."""

import io

from flask import Blueprint, abort, render_template, request, send_file
from flask.typing import ResponseReturnValue

from casework.statistics import Figures, Quarter, UnknownQuarter
from casework.suppression import SMALLEST_SHOWN
from casework.tabulation import to_csv
from journalist_app.workstation.screens.charts import columns_of, rows_of
from journalist_app.workstation.screens.figure_wording import DURATIONS, ROWS, TABLES
from journalist_app.workstation.screens.services import services
from journalist_app.workstation.statistics import (
    final_figures,
    intake_of,
    quarter_figures,
)

bp = Blueprint("figures", __name__, url_prefix="/statistics")

MOST_COLUMNS = 8


@bp.get("/")
def show() -> ResponseReturnValue:
    """Show the figures of a quarter; by default of the last one that is over."""
    here = services()
    today = here.today()
    intake = intake_of(here.desk, today=today).received
    now = Quarter.of(today)
    quarter = _asked(now.previous if now.previous in intake else now)
    if quarter not in intake:
        abort(404)
    figures = quarter_figures(here.desk, quarter, today=today)
    before = [one for one in intake if one <= quarter][-MOST_COLUMNS:]
    return render_template(
        "figures.html",
        figures=figures,
        quarters=sorted(intake, reverse=True),
        arrivals=columns_of([(str(one), intake[one]) for one in before]),
        stages=_stages(figures),
        tables=TABLES,
        rows=ROWS,
        durations=DURATIONS,
        threshold=SMALLEST_SHOWN,
    )


@bp.get("/<name>.csv")
def download(name: str) -> ResponseReturnValue:
    """Give the figures of a quarter that is over as CSV."""
    here = services()
    try:
        quarter = Quarter.parse(name)
    except UnknownQuarter:
        abort(404)
    figures = final_figures(here.desk, quarter, today=here.today())
    return send_file(
        io.BytesIO(to_csv(figures)),
        mimetype="text/csv",
        as_attachment=True,
        download_name=f"bisik-{quarter}.csv",
    )


def _asked(otherwise: Quarter) -> Quarter:
    try:
        return Quarter.parse(request.args.get("quarter", str(otherwise)))
    except UnknownQuarter:
        abort(404)


def _stages(figures: Figures) -> object:
    for one in figures.breakdowns:
        if one.key == "stage":
            return rows_of(
                [(str(ROWS["stage"][cell.key]), cell.count) for cell in one.cells]
            )
    return None
