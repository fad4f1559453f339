"""The case file: what leaves of a case, seen before it does."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from casework.profile import LANGUAGES
from casework.text import clean_line
from crypto.fingerprint import parse_fingerprint
from journalist_app.workstation.bundle_folder import CASE_FILE
from journalist_app.workstation.casefile import (
    Gathered,
    Stranger,
    Wish,
    gather,
    make_case_file,
)
from journalist_app.workstation.casefile_copies import (
    NumberedAttachment,
    attachments_of,
)
from journalist_app.workstation.cases import CaseFile, show_case
from journalist_app.workstation.errors import ActionRefused
from journalist_app.workstation.saving import read_attachment
from journalist_app.workstation.screens.notices import Notice, say
from journalist_app.workstation.screens.services import services
from journalist_app.workstation.screens.shown import BeingMade, pages_key
from journalist_app.workstation.screens.views.case import exposure_is_stale
from journalist_app.workstation.screens.wording import (
    FORM_LABELS,
    LANGUAGE_LABELS,
    TRACE_LABELS,
    _,
)
from journalist_app.workstation.sharing import REDACTED
from journalist_app.workstation.viewing.viewer import View, view

bp = Blueprint("casefile", __name__, url_prefix="/cases/<name>/case-file")

MOST_KEY_BYTES = 256 * 1024
MOST_NAMES = 100
PREVIEW_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Asked:
    """The form as it was filled in; shown again with the preview."""

    form: str = REDACTED
    recipient: str = field(default="", repr=False)
    language: str = LANGUAGES[0]
    numbers: tuple[int, ...] = ()
    folder: str = ""
    key: str = ""
    fingerprint: str = ""

    @property
    def wish(self) -> Wish:
        """What goes to the part that does the work."""
        return Wish(self.form, self.recipient, self.language, self.numbers)


@dataclass(frozen=True)
class Seen:
    """A chosen attachment, and what of it can be copied and what it tells."""

    attachment: NumberedAttachment
    view: View = field(repr=False)

    @property
    def can_be_copied(self) -> bool:
        """Whether there will be pages."""
        return bool(self.view.pages or self.view.text)


@bp.get("/")
def show(name: str) -> ResponseReturnValue:
    """Show the form."""
    here = services()
    case = show_case(here.desk, name, today=here.today(), mark_shown=False)
    folders = here.sticks()
    return _page(case, Asked(folder=str(folders[0]) if folders else ""))


@bp.post("/")
def make(name: str) -> ResponseReturnValue:
    """Show what would be in the file, or write it to a stick."""
    here = services()
    today = here.today()
    asked = _asked()
    if request.form.get("do") != "write":
        case = show_case(here.desk, name, today=today, mark_shown=False)
        gathered = gather(here.desk, name, asked.wish, today=today)
        seen = [_seen(name, one) for one in gathered.attachments]
        return _page(case, asked, gathered=gathered, seen=seen)
    path = _free_path(Path(asked.folder), name, asked, today)
    stranger = _stranger(asked)
    try:
        made = make_case_file(
            here.desk,
            name,
            asked.wish,
            path,
            today=today,
            stranger=stranger,
            previewed=request.form.get("previewed", ""),
            turn=lambda: here.shown.turn(patience_seconds=PREVIEW_PATIENCE_SECONDS),
        )
    except BeingMade:
        raise _still_being_made() from None
    except OSError:
        raise ActionRefused(
            _(
                "Berkas kasus tidak dapat ditulis ke folder itu. Periksa diska "
                "lepasnya, lalu ulangi; tidak ada yang tercatat dua kali."
            )
        ) from None
    said = _("Berkas kasus ditulis dan dicatat: %(path)s.", path=str(made.path))
    if not made.sealed:
        said += " " + _("Berkas ini dapat dibaca siapa pun yang memegangnya.")
    say(Notice(said, case=name))
    return redirect(url_for("case.show", name=name), code=303)


def _page(
    case: CaseFile,
    asked: Asked,
    *,
    gathered: Gathered | None = None,
    seen: list[Seen] | None = None,
) -> ResponseReturnValue:
    return render_template(
        "casefile.html",
        case=case,
        asked=asked,
        gathered=gathered,
        seen=seen or [],
        attachments=attachments_of(case),
        stale=exposure_is_stale(case),
        exposure=case.state.exposure,
        forms=FORM_LABELS,
        languages=LANGUAGE_LABELS,
        trace_labels=TRACE_LABELS,
        folders=services().sticks(),
    )


def _asked() -> Asked:
    form = request.form
    numbers = {
        int(one)
        for one in form.getlist("attachment")
        if one.isascii() and one.isdecimal() and len(one) <= len("999")
    }
    language = form.get("language", "")
    return Asked(
        form=form.get("form", ""),
        recipient=clean_line(form.get("recipient", "")),
        language=language if language in LANGUAGES else LANGUAGES[0],
        numbers=tuple(sorted(numbers)),
        folder=form.get("folder", "").strip(),
        key=form.get("key", "").strip(),
        fingerprint=clean_line(form.get("fingerprint", "")),
    )


def _seen(name: str, one: NumberedAttachment) -> Seen:
    here = services()

    def look() -> View:
        content = read_attachment(here.desk, name, one.item, one.file.position)
        return view(content, one.file.name)

    key = pages_key(one.item, one.file.position)
    try:
        seen = here.shown.get(key, look, patience_seconds=PREVIEW_PATIENCE_SECONDS)
    except BeingMade:
        # Nothing leaves that nobody could look at.
        raise _still_being_made() from None
    return Seen(one, seen)


def _still_being_made() -> ActionRefused:
    return ActionRefused(
        _("Gambar lampiran masih dibuat. Tunggulah sebentar, lalu ulangi.")
    )


def _stranger(asked: Asked) -> Stranger | None:
    if not asked.key and not asked.fingerprint:
        return None
    if not asked.key or not asked.fingerprint:
        # Half of it must not quietly become a file that anybody can read.
        raise ActionRefused(
            _("Untuk menyegel, isilah berkas kunci dan sidik jarinya, keduanya.")
        )
    fingerprint = parse_fingerprint(asked.fingerprint)
    try:
        with Path(asked.key).open("rb") as file:
            key = file.read(MOST_KEY_BYTES + 1)
    except OSError:
        raise ActionRefused(_("Berkas kunci ini tidak dapat dibaca.")) from None
    return Stranger(key, fingerprint)


def _free_path(folder: Path, name: str, asked: Asked, today: date) -> Path:
    """Choose a name that tells no more than the case's, and replaces nothing."""
    if not folder.is_absolute() or not folder.is_dir():
        raise ActionRefused(
            _("Folder ini tidak ada. Pasang diska lepasnya; tidak ada yang berubah.")
        )
    ending = ".tar.pgp" if asked.key else ".tar"
    stem = f"{CASE_FILE}{name}-{asked.form}-{today.isoformat()}"
    for number in range(1, MOST_NAMES):
        path = folder / f"{stem}{f'-{number}' if number > 1 else ''}{ending}"
        if not path.exists():
            return path
    raise ActionRefused(_("Di folder ini sudah terlalu banyak berkas kasus ini."))
