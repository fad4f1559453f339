"""
Files of reporters: seen as pictures; taken out as they are, or copied cleaned.

    page of the file --"take"--> what this one tells --reason--> recorded --> bytes

Who asks for the address of a file gets the page that asks why, and never the file.
"""

import io

from flask import Blueprint, abort, render_template, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from casework.exposure import find_exposures
from journalist_app.workstation.cases import (
    AttachmentShown,
    CaseFile,
    ItemShown,
    show_case,
)
from journalist_app.workstation.saving import read_attachment
from journalist_app.workstation.screens.services import services
from journalist_app.workstation.screens.shown import BeingMade, pages_key
from journalist_app.workstation.screens.typed import typed_text
from journalist_app.workstation.screens.wording import (
    DECISION_LABELS,
    EXPOSURE_LABELS,
    PROBLEMS,
    TRACE_LABELS,
)
from journalist_app.workstation.taking_out import record_taking, take_original
from journalist_app.workstation.viewing.copying import (
    MOST_COPIED_PAGES,
    CleanedCopy,
    copy_all_pages,
)
from journalist_app.workstation.viewing.viewer import MOST_PAGES, View, view

bp = Blueprint(
    "files", __name__, url_prefix="/cases/<name>/files/<digest>/<int:position>"
)

LAST_PAGE = 99_999
ASK_AGAIN_SECONDS = 3
# What is not ours is shown by no program with rights: not even by its name.
_SANDBOXED = "default-src 'none'; sandbox"


@bp.get("/")
def show(name: str, digest: str, position: int) -> ResponseReturnValue:
    """Show a file as pictures, and what it says about whoever made it."""
    case, item, file = _find(name, digest, position)
    first = _first_page()
    try:
        seen = _view(name, item.digest, file, first)
    except BeingMade:
        return _being_made(case, digest, file, for_copy=False)
    problem = PROBLEMS.get(seen.problem, PROBLEMS["other"]) if seen.problem else None
    return render_template(
        "file.html",
        case=case,
        digest=digest,
        file=file,
        seen=seen,
        first=first,
        portion=MOST_PAGES,
        most_copied=MOST_COPIED_PAGES,
        problem=problem,
        trace_labels=TRACE_LABELS,
    )


@bp.get("/page/<int:number>.png")
def page(name: str, digest: str, position: int, number: int) -> ResponseReturnValue:
    """Give one page as a picture."""
    _case, item, file = _find(name, digest, position)
    if not 1 <= number <= LAST_PAGE:
        abort(404)
    first = _portion_of(number)
    try:
        pages = _view(name, item.digest, file, first).pages
    except BeingMade:
        # It was there when the page was; the picture comes when it is asked for again.
        return "", 503, {"Retry-After": str(ASK_AGAIN_SECONDS)}
    if not number - first < len(pages):
        abort(404)
    return send_file(io.BytesIO(pages[number - first]), mimetype="image/png")


@bp.get("/original")
def ask_for_original(name: str, digest: str, position: int) -> ResponseReturnValue:
    """Show what a file as it was sent may give away, and ask what it is for."""
    case, item, file = _find(name, digest, position)
    try:
        seen = _view(name, item.digest, file, 1)
    except BeingMade:
        return _being_made(case, digest, file, for_copy=False)
    return _asking(case, digest, file, seen)


@bp.post("/original")
def original(name: str, digest: str, position: int) -> ResponseReturnValue:
    """Give a file as it was sent, for a program of the officer's own choice."""
    _case, item, file = _find(name, digest, position)
    here = services()
    content = take_original(
        *(here.desk, name, item.digest, position),
        reason=typed_text("reason"),
        today=here.today(),
    )
    return _as_download(content, "application/octet-stream", file.name)


@bp.get("/cleaned")
def ask_for_cleaned(name: str, digest: str, position: int) -> ResponseReturnValue:
    """Make the copy, show what it may still give away, and ask what it is for."""
    case, item, file = _find(name, digest, position)
    try:
        seen, copy = _copy(name, item.digest, file)
    except BeingMade:
        return _being_made(case, digest, file, for_copy=True)
    return _asking(case, digest, file, seen, copy)


@bp.post("/cleaned")
def cleaned(name: str, digest: str, position: int) -> ResponseReturnValue:
    """Give what is seen of a file as a PDF, and nothing else of it."""
    case, item, file = _find(name, digest, position)
    try:
        _seen, copy = _copy(name, item.digest, file)
    except BeingMade:
        # Too much was looked at since.  Nothing is recorded that was not given, and
        # the page that comes asks again.
        return _being_made(case, digest, file, for_copy=True)
    here = services()
    record_taking(
        *(here.desk, name, item.digest, position),
        form="cleaned",
        reason=typed_text("reason"),
        today=here.today(),
    )
    return _as_download(copy.pdf, "application/pdf", _name_of_copy(file, copy))


def _asking(
    case: CaseFile,
    digest: str,
    file: AttachmentShown,
    seen: View,
    copy: CleanedCopy | None = None,
) -> ResponseReturnValue:
    return render_template(
        "take.html",
        case=case,
        digest=digest,
        file=file,
        seen=seen,
        copy=copy,
        given_name=_name_of_copy(file, copy) if copy else file.name,
        telling=find_exposures(file.name),
        decision=case.state.exposure,
        exposure_labels=EXPOSURE_LABELS,
        trace_labels=TRACE_LABELS,
        decision_labels=DECISION_LABELS,
    )


def _copy(name: str, digest: bytes, file: AttachmentShown) -> tuple[View, CleanedCopy]:
    here = services()
    seen = _view(name, digest, file, 1)
    if not seen.pages:
        abort(404)

    def make() -> CleanedCopy:
        content = read_attachment(here.desk, name, digest, file.position)
        return copy_all_pages(content, file.name, seen)

    return seen, here.shown.get(("copy", digest, file.position), make)


def _name_of_copy(file: AttachmentShown, copy: CleanedCopy) -> str:
    stem = file.name.rpartition(".")[0] or file.name
    said = gettext("bersih")
    if not copy.complete:
        said = gettext("bersih, hanya halaman 1-%(n)s", n=copy.pages)
    return f"{stem} ({said}).pdf"


def _first_page() -> int:
    """Return the first page of the portion that is asked for."""
    asked = request.args.get("from", "1")
    if not (asked.isascii() and asked.isdecimal() and len(asked) <= len("99999")):
        abort(404)
    number = int(asked)
    if not 1 <= number <= LAST_PAGE:
        abort(404)
    return _portion_of(number)


def _portion_of(number: int) -> int:
    return (number - 1) // MOST_PAGES * MOST_PAGES + 1


def _being_made(
    case: CaseFile, digest: str, file: AttachmentShown, *, for_copy: bool
) -> ResponseReturnValue:
    """Say that it takes a while; the page asks again by itself."""
    return render_template(
        "being_made.html",
        case=case,
        digest=digest,
        file=file,
        for_copy=for_copy,
        seconds=ASK_AGAIN_SECONDS,
    )


def _find(
    name: str, digest: str, position: int
) -> tuple[CaseFile, ItemShown, AttachmentShown]:
    here = services()
    case = show_case(here.desk, name, today=here.today(), mark_shown=False)
    found = [
        (item, file)
        for item in case.thread
        if isinstance(item, ItemShown) and item.digest.hex() == digest
        for file in item.attachments
        if file.position == position
    ]
    if not found:
        abort(404)
    return case, *found[0]


def _view(name: str, digest: bytes, file: AttachmentShown, first: int) -> View:
    here = services()

    def make() -> View:
        content = read_attachment(here.desk, name, digest, file.position)
        return view(content, file.name, first_page=first)

    return here.shown.get(pages_key(digest, file.position, first), make)


def _as_download(content: bytes, mimetype: str, name: str) -> ResponseReturnValue:
    answer = send_file(
        io.BytesIO(content), mimetype=mimetype, as_attachment=True, download_name=name
    )
    answer.headers["Content-Security-Policy"] = _SANDBOXED
    return answer
