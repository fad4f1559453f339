"""Carrying: bundles in from a stick, outboxes out to one."""

from collections.abc import Callable
from pathlib import Path

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from casework.bundle import MalformedBundle
from casework.errors import CaseworkError
from journalist_app.durable import new_file
from journalist_app.workstation import casebook
from journalist_app.workstation.bundle_folder import OUTBOX, TRAINING_OUTBOX, in_order
from journalist_app.workstation.errors import DeskError
from journalist_app.workstation.exporting import prepare_outbox, write_again
from journalist_app.workstation.import_report import GOOD, ImportReport, Progress
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.returning import count_pending
from journalist_app.workstation.rotation import key_calendar
from journalist_app.workstation.screens.import_wording import breakage
from journalist_app.workstation.screens.jobs import Work
from journalist_app.workstation.screens.notices import Notice, say
from journalist_app.workstation.screens.services import Services, services
from journalist_app.workstation.screens.sticks import bundles_in
from journalist_app.workstation.screens.wording import IMPORT_LABELS, _, plain

bp = Blueprint("carrying", __name__, url_prefix="/carrying")

MOST_SHOWN = 200
MOST_AGAIN = 100


@bp.get("/")
def show() -> ResponseReturnValue:
    """Show what can be imported, what waits for export, and the last import."""
    here = services()
    folders = here.sticks()
    with here.desk.casebook.transaction() as connection:
        table = casebook.received
        holds = len(
            connection.execute(
                select(table.c.number).where(
                    table.c.reported_in.is_(None), table.c.superseded.is_(False)
                )
            ).all()
        )
        replies = len(
            connection.execute(
                select(casebook.slot.c.reply_id)
                .where(casebook.slot.c.outbox_number.is_(None))
                .distinct()
            ).all()
        )
        events = count_pending(here.desk, connection)
        last = connection.scalar(select(casebook.casebook.c.last_outbox)) or 0
        keys = key_calendar(here.desk, connection, today=here.today())
    return render_template(
        "carrying.html",
        folders=folders,
        bundles=bundles_in(folders),
        holds=holds,
        replies=replies,
        events=events,
        last=last,
        keys=keys,
        keys_end_soon=keys.ends_soon(here.today()),
        import_labels=IMPORT_LABELS,
        series=here.jobs.series,
        breakage=breakage,
        good=GOOD,
        most_shown=MOST_SHOWN,
    )


@bp.post("/import")
def take() -> ResponseReturnValue:
    """Start to import a bundle."""
    here = services()
    path = Path(request.form.get("path", "").strip() or request.form.get("other", ""))
    if not path.is_absolute() or not path.is_file():
        say(Notice(_("Berkas ini tidak ada."), wrong=True, place="ambil"))
        return redirect(url_for("carrying.show"), code=303)

    return _start(here, (path,))


@bp.post("/import-all")
def take_all() -> ResponseReturnValue:
    """Start to import every bundle that is found on sticks, the oldest first."""
    here = services()
    paths = in_order(found.path for found in bundles_in(here.sticks()))
    if not paths:
        said = _("Tidak ada bundel pada diska lepas.")
        say(Notice(said, wrong=True, place="ambil"))
        return redirect(url_for("carrying.show"), code=303)
    return _start(here, paths)


@bp.post("/export")
def give() -> ResponseReturnValue:
    """Write everything new into a signed outbox on a stick."""
    here = services()
    prepared = prepare_outbox(here.desk, today=here.today())
    return _write(here, prepared.number, more=prepared.more)


@bp.post("/export-again")
def give_again() -> ResponseReturnValue:
    """Write earlier outboxes once more."""
    numbers = request.form.get("number", "").split()[:MOST_AGAIN]
    if not numbers or not all(one.isdecimal() and len(one) <= 9 for one in numbers):
        say(Notice(_("Tulislah nomor antaran."), wrong=True, place="antar"))
        return redirect(url_for("carrying.show"), code=303)
    answer = _write(services(), int(numbers[0]), more=False)
    if Path(request.form.get("folder", "").strip()).is_dir():
        for number in numbers[1:]:
            answer = _write(services(), int(number), more=False)
    return answer


def _start(here: Services, paths: tuple[Path, ...]) -> ResponseReturnValue:
    works = [(path.name, _import_of(here, path)) for path in paths]
    if not here.jobs.start(works, explain=_explain):
        say(Notice(_("Pengambilan lain masih berjalan."), wrong=True, place="ambil"))
    return redirect(url_for("carrying.show"), code=303)


def _import_of(here: Services, path: Path) -> Work:
    def work(tell: Callable[[Progress], object]) -> ImportReport:
        with path.open("rb") as stream:
            return import_bundle(here.desk, stream, today=here.today(), tell=tell)

    return work


def _write(here: Services, number: int, *, more: bool) -> ResponseReturnValue:
    folder = Path(request.form.get("folder", "").strip())
    record = here.desk.record
    kind = TRAINING_OUTBOX if record.training else OUTBOX
    path = folder / f"{kind}{record.desk_id[:6]}-{number:04}.tar"
    if not folder.is_absolute() or not folder.is_dir():
        said = _(
            "Folder ini tidak ada. Antaran %(number)s sudah siap; tulislah lagi "
            "setelah diska lepas terpasang.",
            number=number,
        )
        say(Notice(said, wrong=True, place="antar"))
        return redirect(url_for("carrying.show"), code=303)
    with new_file(path, replace=True) as file:
        write_again(here.desk, number, file.write)
    said = _("Antaran %(number)s ditulis: %(path)s.", number=number, path=str(path))
    if more:
        said += " " + _("Belum semuanya muat: antar sekali lagi.")
    say(Notice(said, place="antar"))
    return redirect(url_for("carrying.show"), code=303)


def _explain(error: Exception) -> str:
    if isinstance(error, MalformedBundle):
        found = breakage(str(error), begun=False)
        if not found.untrusted_name:
            return found.said
        return f"{found.said} {found.untrusted_name}"
    if isinstance(error, DeskError | CaseworkError):
        return plain(str(error))
    if isinstance(error, OSError):
        return _("Berkas ini tidak dapat dibaca. Ambil lagi; tidak ada yang hilang.")
    return _("Pengambilan terhenti. Ambil lagi; tidak ada yang hilang.")
