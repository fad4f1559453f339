"""
Refusals: why something was not done, and what was typed, to be sent once more.

    form --refused--> sentence + the same form again, filled in --> sent again

An officer who wrote for ten minutes does not write it twice because the page was stale
or a reason was missing.  Nothing typed is kept by the desk: it goes back to the browser
that has sent it, and to no other page that made the browser send it (`Sec-Fetch-Site`,
Fetch Metadata, W3C).
"""

from dataclasses import dataclass, field

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from journalist_app.workstation.errors import UnknownCase
from journalist_app.workstation.screens import wording

# What officers write themselves: in several lines, and in one.
_LONG = ("text", "reason")
_SHORT = ("words", "label", "other", "folder")
# What is chosen, or says which thing is meant.
_CHOSEN = (
    *("after", "decision", "desk_id", "do", "draft", "entry", "field", "form", "how"),
    *("item", "kind", "number", "on", "page", "path", "place", "proposal", "relation"),
    *("shown", "subject", "unlooked", "verdict"),
)


@dataclass(frozen=True)
class Typed:
    """One field of a form that was refused."""

    name: str
    text: str = field(repr=False)

    @property
    def shape(self) -> str:
        """Say how it is shown: what was only chosen is not."""
        if self.name in _LONG:
            return "long"
        return "short" if self.name in _SHORT else "hidden"

    @property
    def label(self) -> str:
        """Name the field."""
        return str(wording.FIELD_LABELS[self.name])


def refuse(sentence: str, code: int) -> ResponseReturnValue:
    """Say why something was not done, with what was typed if something was."""
    if not getattr(g, "let_in", False):
        return render_template("closed.html"), code
    page = render_template(
        "refused.html", sentence=sentence, typed=_typed(code), back=_back()
    )
    return page, code


def unknown(_error: UnknownCase) -> ResponseReturnValue:
    """Answer for a case that is not here."""
    return refuse(gettext("Kasus ini tidak ada di meja kerja ini."), 404)


def refused(error: Exception) -> ResponseReturnValue:
    """Answer for what the parts that do the work refuse."""
    return refuse(wording.plain(str(error)), 422)


def stale(_error: CSRFError) -> ResponseReturnValue:
    """Answer for a form of a page from before the desk was opened anew."""
    return refuse(
        gettext("Halaman ini sudah terlalu lama terbuka. Belum ada yang berubah."), 400
    )


def failed(error: HTTPException) -> ResponseReturnValue:
    """Answer for what HTTP has a number for."""
    sentences = {
        404: gettext("Halaman ini tidak ada."),
        405: gettext("Halaman ini tidak dapat dibuka langsung."),
        413: gettext("Kiriman ini terlalu besar. Tidak ada yang berubah."),
        421: gettext("Buka meja kerja melalui alamat yang tampil di terminal."),
    }
    code = error.code or 500
    sentence = sentences.get(
        code, gettext("Terjadi kesalahan. Tidak ada yang berubah; coba lagi.")
    )
    return refuse(sentence, code)


def _typed(code: int) -> tuple[Typed, ...]:
    """Return the fields to be sent again; a letter is looked at before it is sealed."""
    fetched = request.headers.get("Sec-Fetch-Site", "same-origin")
    if request.method != "POST" or code not in (400, 422) or fetched != "same-origin":
        return ()
    try:
        form = request.form
    except RequestEntityTooLarge:
        return ()
    found = tuple(
        Typed(name, "preview" if name == "do" else text)
        for name, text in form.items(multi=True)
        if name in (*_LONG, *_SHORT, *_CHOSEN)
    )
    return found if any(one.shape != "hidden" for one in found) else ()


def _back() -> str:
    name = (request.view_args or {}).get("name")
    if name and request.blueprint in ("case", "answer", "exposure", "files"):
        page = "exposure.show" if request.blueprint == "exposure" else "case.show"
        return url_for(page, name=name)
    if request.blueprint == "carrying":
        return url_for("carrying.show")
    return url_for("queue.show")
