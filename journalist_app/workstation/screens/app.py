"""The desk's screens, put together from their parts."""

import logging
from types import TracebackType
from typing import Any
from urllib.parse import quote

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import Babel, format_decimal, get_locale
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException

from casework.errors import CaseworkError
from crypto.errors import CryptoError
from journalist_app.workstation.errors import DeskError, UnknownCase
from journalist_app.workstation.screens import (
    notices,
    preferences,
    refusals,
    wording,
)
from journalist_app.workstation.screens.access import COOKIE
from journalist_app.workstation.screens.services import Services, services
from journalist_app.workstation.screens.uploads import DeskRequest
from journalist_app.workstation.screens.views import (
    answer,
    carrying,
    case,
    casefile,
    exposure,
    figures,
    files,
    queue,
    training,
)
from journalist_app.workstation.viewing.errors import ViewingError

# Of files that are too large, only the first 8 MiB are ever kept (uploads.py).
FORM_BYTES = 1024 * 1024 * 1024
LANGUAGES = ("id", "en")

log = logging.getLogger("bisik.desk")

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; "
        "connect-src 'self'; "
        "img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Screens(Flask):
    """A Flask application that writes no upload to a disk, and no case into a log."""

    request_class = DeskRequest

    def log_exception(
        self,
        exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None],
    ) -> None:
        """Log the kind of an error, never its message or the address of a case."""
        log.error("a page failed: %s", exc_info[0].__name__ if exc_info[0] else "?")


def create_app(parts: Services) -> Flask:
    """
    Make the WSGI application of a desk.

    Args:
        parts: The desk that is open, and who may see it.
    """
    app = Screens("journalist_app.workstation.screens")
    app.config.update(
        SECRET_KEY=parts.secret_key,
        MAX_CONTENT_LENGTH=FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_NAME="bisik-desk-session",
        SESSION_COOKIE_SAMESITE="Strict",
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_DEFAULT_LOCALE="id",
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.extensions["desk"] = parts
    Babel(app, locale_selector=choose_language)
    app.before_request(_let_in)
    app.after_request(_add_headers)
    CSRFProtect(app)
    for blueprint in (
        queue.bp,
        case.bp,
        answer.bp,
        exposure.bp,
        casefile.bp,
        files.bp,
        carrying.bp,
        figures.bp,
        training.bp,
    ):
        app.register_blueprint(blueprint)
    app.add_url_rule("/open/<token>", "open_link", open_link)
    app.add_url_rule("/language/<code>", "language", change_language, methods=["POST"])
    app.register_error_handler(UnknownCase, refusals.unknown)
    for refusal in (DeskError, CaseworkError, CryptoError, ViewingError):
        app.register_error_handler(refusal, refusals.refused)
    app.register_error_handler(CSRFError, refusals.stale)
    app.register_error_handler(HTTPException, refusals.failed)

    app.jinja_env.filters["day"] = wording.format_day
    app.jinja_env.filters["size"] = format_size
    app.jinja_env.filters["seen"] = wording.seen
    app.jinja_env.filters["fingerprint"] = wording.format_fingerprint
    app.jinja_env.globals.update(
        status_label=wording.status_label,
        kind_label=wording.kind_label,
        question_label=wording.question_label,
        verdict_label=wording.verdict_label,
        plain=wording.plain,
        notices=notices.take,
    )

    @app.context_processor
    def context() -> dict[str, Any]:
        language = str(get_locale() or "id")
        profile = parts.desk.profile
        return {
            "locale": language,
            "desk": parts.desk.record,
            "profile": profile.in_language(language),
            "role_title": lambda key: profile.role_title(key, language),
            "today": parts.today(),
            "job": parts.jobs.current,
            "keys_on": preferences.keys_are_on(),
        }

    return app


def open_link(token: str) -> ResponseReturnValue:
    """Let the browser in that was given the link, once."""
    cookie = services().access.redeem(token)
    if cookie is None:
        return _closed()
    answer_ = redirect(url_for("queue.show"), code=303)
    answer_.set_cookie(COOKIE, cookie, httponly=True, samesite="Strict")
    return answer_


def change_language(code: str) -> ResponseReturnValue:
    """Show the desk in another language."""
    if code not in LANGUAGES:
        abort(404)
    session["language"] = code
    return redirect(_page_of_ours(request.form.get("back", "")), code=303)


def _page_of_ours(untrusted_address: str) -> str:
    """Return an address as it is if a page of the desk is there, else the queue's."""
    path, _mark, query = untrusted_address.partition("?")
    adapter = current_app.url_map.bind(request.host)
    if not path.startswith("/") or not adapter.test(path, method="GET"):
        return url_for("queue.show")
    # Built from the parts that were looked at, so that no other host is in it.
    return f"{quote(path)}?{query}" if query else quote(path)


def choose_language() -> str:
    """Say which language the screens are in."""
    chosen = session.get("language")
    return chosen if chosen in LANGUAGES else "id"


def format_size(size_bytes: int) -> str:
    """Write a size in kB or MB, in the reader's language."""
    if size_bytes < 1024 * 1024:
        return f"{format_decimal(max(1, round(size_bytes / 1024)))} kB"
    return f"{format_decimal(round(size_bytes / 1024 / 1024, 1))} MB"


def _let_in() -> ResponseReturnValue | None:
    # A name that leads here from elsewhere is how other pages reach into a
    # browser (DNS rebinding); only the address of the link itself is answered.
    if request.host not in services().hosts:
        abort(421)
    if request.endpoint in ("open_link", "static"):
        return None
    if not services().access.admits(request.cookies.get(COOKIE, "")):
        return _closed()
    g.let_in = True
    return None


def _closed() -> ResponseReturnValue:
    return render_template("closed.html"), 403


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    # Flask lets browsers keep what it sends as a file, if they ask before they use it.
    response.headers["Cache-Control"] = _HEADERS["Cache-Control"]
    return response
