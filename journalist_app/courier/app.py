"""The courier's site, put together from its parts."""

import base64
import hashlib
import logging
import tempfile
from importlib import resources
from types import TracebackType
from typing import IO, Any

from flask import (
    Flask,
    Request,
    Response,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import Babel, get_locale
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException

from casework.outbox import OUTBOX_LIMITS
from deaddrop import DeadDropUnavailable
from fairness.allowances import Use
from fairness.circuits import CIRCUIT
from fairness.errors import AllowanceSpent
from journalist_app.courier.services import Services, services
from journalist_app.courier.views import account, carrying
from journalist_app.courier.wording import (
    RECORD_LABELS,
    _,
    detail_words,
    format_day,
    format_fingerprint,
    format_size,
)

FORM_BYTES = 64 * 1024
COOKIE = "bisik-courier"
LANGUAGES = ("id", "en")
PUBLIC = frozenset({"account.enter", "account.sign_in", "account.language"})
_TOR2WEB = ("X-Tor2web", "X-Forwarded-For", "X-Forwarded-Host", "Via")

log = logging.getLogger("bisik.courier")


class CourierRequest(Request):
    """A request whose upload, ciphertext, goes into the server's own spool."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return tempfile.TemporaryFile(dir=services().spool_directory)


class Site(Flask):
    """A Flask application whose log holds nothing of a request."""

    request_class = CourierRequest

    def log_exception(
        self,
        exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None],
    ) -> None:
        """Log the kind of an error, never its message."""
        log.error("a request failed: %s", exc_info[0].__name__ if exc_info[0] else "?")


def create_app(parts: Services) -> Flask:
    """
    Make the WSGI application of the courier.

    Args:
        parts: The parts of this site; nothing is read from the environment.
    """
    app = Site("journalist_app.courier", static_folder=None)
    app.config.update(
        SECRET_KEY=parts.secret_key,
        MAX_CONTENT_LENGTH=FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=FORM_BYTES,
        SESSION_COOKIE_NAME="bisik-courier-form",
        SESSION_COOKIE_SAMESITE="Strict",
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_DEFAULT_LOCALE="id",
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.extensions["courier"] = parts
    Babel(app, locale_selector=choose_language)
    stylesheet = (
        resources.files("journalist_app.courier")
        .joinpath("static/courier.css")
        .read_text("utf-8")
    )
    policy = _policy(stylesheet)
    app.before_request(_let_in)

    @app.after_request
    def dress(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response

    CSRFProtect(app)
    for blueprint in (account.bp, carrying.bp):
        app.register_blueprint(blueprint)
    app.register_error_handler(CSRFError, _stale)
    app.register_error_handler(DeadDropUnavailable, _unavailable)
    app.register_error_handler(HTTPException, _failed)
    app.jinja_env.filters["day"] = format_day
    app.jinja_env.filters["detail"] = detail_words
    app.jinja_env.filters["size"] = format_size
    app.jinja_env.filters["fingerprint"] = format_fingerprint

    @app.context_processor
    def context() -> dict[str, Any]:
        return {
            "locale": str(get_locale() or "id"),
            "profile": parts.profile.in_language(str(get_locale() or "id")),
            "stylesheet": stylesheet,
            "officer": getattr(g, "officer", None),
            "record_labels": RECORD_LABELS,
        }

    return app


def choose_language() -> str:
    """Say which language the site is in."""
    chosen = session.get("language")
    return chosen if chosen in LANGUAGES else "id"


def _policy(stylesheet: str) -> str:
    digest = base64.b64encode(hashlib.sha256(stylesheet.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _let_in() -> ResponseReturnValue | None:
    here = services()
    called = request.host.rpartition(":")[0] or request.host
    if here.hosts and called not in here.hosts and request.host not in here.hosts:
        return _page(_("Bukalah kurir melalui alamatnya sendiri."), 421)
    if any(header in request.headers for header in _TOR2WEB):
        return _page(
            _("Bukalah kurir melalui Tor Browser, bukan lewat perantara."), 421
        )
    try:
        who = here.pseudonyms.of(request.environ.get(CIRCUIT))
        here.allowances.spend(Use.REQUESTS, who)
    except AllowanceSpent:
        return _page(
            _("Terlalu banyak permintaan dalam satu menit. Tunggulah satu menit."), 503
        )
    token = request.cookies.get(COOKIE, "")
    fingerprint = here.sign_in.officer_of(token) if token else None
    g.officer = None
    if fingerprint is not None:
        g.officer = here.drop.officers.get(fingerprint)
        g.token = token
    elif request.endpoint not in PUBLIC:
        return redirect(url_for("account.enter"), code=303)
    if request.endpoint == "carrying.bring":
        # Only for whoever is in, and before the form is read.
        request.max_content_length = OUTBOX_LIMITS.total_bytes + FORM_BYTES
    return None


def _stale(_error: CSRFError) -> ResponseReturnValue:
    return _page(
        _("Halaman ini terlalu lama terbuka. Tidak ada yang berubah; ulangi lagi."), 400
    )


def _unavailable(_error: DeadDropUnavailable) -> ResponseReturnValue:
    return _page(
        _("Server tidak dapat menyimpan sekarang. Tidak ada yang berubah; coba lagi."),
        503,
    )


def _failed(error: HTTPException) -> ResponseReturnValue:
    sentences = {
        404: _("Halaman ini tidak ada."),
        413: _("Kiriman ini terlalu besar. Tidak ada yang berubah."),
    }
    code = error.code or 500
    return _page(
        sentences.get(code, _("Terjadi kesalahan. Tidak ada yang berubah; coba lagi.")),
        code,
    )


def _page(sentence: str, code: int) -> ResponseReturnValue:
    return render_template("refused.html", sentence=sentence), code
