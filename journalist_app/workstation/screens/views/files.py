"""Files of reporters: seen as pictures, kept as they are, or copied cleaned."""

import io

from flask import Blueprint, abort, render_template, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from journalist_app.workstation.cases import (
    AttachmentShown,
    CaseFile,
    ItemShown,
    read_attachment,
    show_case,
)
from journalist_app.workstation.screens.services import services
from journalist_app.workstation.screens.shown import BeingMade, pages_key
from journalist_app.workstation.screens.wording import PROBLEMS, TRACE_LABELS
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
def original(name: str, digest: str, position: int) -> ResponseReturnValue:
    """Give a file as it was sent, for a program of the officer's own choice."""
    _case, item, file = _find(name, digest, position)
    content = read_attachment(services().desk, name, item.digest, position)
    return _as_download(content, "application/octet-stream", file.name)


@bp.get("/cleaned")
def cleaned(name: str, digest: str, position: int) -> ResponseReturnValue:
    """Give what is seen of a file as a PDF, and nothing else of it."""
    case, item, file = _find(name, digest, position)
    here = services()

    def make(seen: View) -> CleanedCopy:
        content = read_attachment(here.desk, name, item.digest, position)
        return copy_all_pages(content, file.name, seen)

    try:
        seen = _view(name, item.digest, file, 1)
        if not seen.pages:
            abort(404)
        copy = here.shown.get(("copy", item.digest, position), lambda: make(seen))
    except BeingMade:
        return _being_made(case, digest, file, for_copy=True)
    stem = file.name.rpartition(".")[0] or file.name
    said = gettext("bersih")
    if not copy.complete:
        said = gettext("bersih, hanya halaman 1-%(n)s", n=copy.pages)
    return _as_download(copy.pdf, "application/pdf", f"{stem} ({said}).pdf")


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
