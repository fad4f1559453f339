"""Files of reporters: seen as pictures, kept as they are, or copied cleaned."""

import io

from flask import Blueprint, abort, render_template, send_file
from flask.typing import ResponseReturnValue

from journalist_app.workstation.cases import (
    AttachmentShown,
    CaseFile,
    ItemShown,
    read_attachment,
    show_case,
)
from journalist_app.workstation.screens.services import services
from journalist_app.workstation.screens.wording import PROBLEMS, TRACE_LABELS
from journalist_app.workstation.viewing.viewer import View, cleaned_copy, view

bp = Blueprint(
    "files", __name__, url_prefix="/cases/<name>/files/<digest>/<int:position>"
)

# What is not ours is shown by no program with rights: not even by its name.
_SANDBOXED = "default-src 'none'; sandbox"


@bp.get("/")
def show(name: str, digest: str, position: int) -> ResponseReturnValue:
    """Show a file as pictures, and what it says about whoever made it."""
    case, item, file = _find(name, digest, position)
    seen = _view(name, item.digest, file)
    problem = PROBLEMS.get(seen.problem, PROBLEMS["other"]) if seen.problem else None
    return render_template(
        "file.html",
        case=case,
        digest=digest,
        file=file,
        seen=seen,
        problem=problem,
        trace_labels=TRACE_LABELS,
    )


@bp.get("/page/<int:number>.png")
def page(name: str, digest: str, position: int, number: int) -> ResponseReturnValue:
    """Give one page as a picture."""
    _case, item, file = _find(name, digest, position)
    pages = _view(name, item.digest, file).pages
    if not 1 <= number <= len(pages):
        abort(404)
    return send_file(io.BytesIO(pages[number - 1]), mimetype="image/png")


@bp.get("/original")
def original(name: str, digest: str, position: int) -> ResponseReturnValue:
    """Give a file as it was sent, for a program of the officer's own choice."""
    _case, item, file = _find(name, digest, position)
    content = read_attachment(services().desk, name, item.digest, position)
    return _as_download(content, "application/octet-stream", file.name)


@bp.get("/cleaned")
def cleaned(name: str, digest: str, position: int) -> ResponseReturnValue:
    """Give what is seen of a file as a PDF, and nothing else of it."""
    _case, item, file = _find(name, digest, position)
    pages = _view(name, item.digest, file).pages
    if not pages:
        abort(404)
    stem = file.name.rpartition(".")[0] or file.name
    return _as_download(cleaned_copy(pages), "application/pdf", f"{stem} (bersih).pdf")


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


def _view(name: str, digest: bytes, file: AttachmentShown) -> View:
    here = services()

    def make() -> View:
        content = read_attachment(here.desk, name, digest, file.position)
        return view(content, file.name)

    return here.shown.get((digest, file.position), make)


def _as_download(content: bytes, mimetype: str, name: str) -> ResponseReturnValue:
    answer = send_file(
        io.BytesIO(content), mimetype=mimetype, as_attachment=True, download_name=name
    )
    answer.headers["Content-Security-Policy"] = _SANDBOXED
    return answer
