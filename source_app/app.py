"""The reporters' site, put together from its parts."""

import logging
from datetime import date, time
from importlib import resources
from types import TracebackType
from typing import Any

import babel.dates
from flask import Flask, Response, request
from flask_babel import Babel, format_decimal, get_locale
from flask_wtf.csrf import CSRFProtect
from markupsafe import Markup, escape
from werkzeug.http import parse_cookie

from fairness.errors import AskedToWait
from source_app import failures, wire
from source_app.identity import (
    LANGUAGE_COOKIE,
    LANGUAGES,
    choose_language,
    is_signed_in,
    language,
)
from source_app.posting import in_its_room
from source_app.services import Services
from source_app.sessions import SealedSessions
from source_app.views import case, cover, pages, report

FORM_BYTES = 2 * 1024 * 1024  # Nine long answers in four-byte letters, encoded.
FORM_PARTS = 1000


class Site(Flask):
    """A Flask application whose log holds nothing that a reporter wrote."""

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a request when all of it has arrived."""
        parts: Services = self.extensions["bisik"]
        begun = parts.pace.clock()
        try:
            with parts.crowd.admitted(environ):
                answer = super().wsgi_app(environ, start_response)
                wire.discard_rest(environ)
        except AskedToWait:
            environ[wire.TURNED_AWAY] = True
            wire.discard_rest(environ)
            answer = self._turned_away(environ)(environ, start_response)
        parts.pace.wait(begun)
        return answer

    def prepare(self) -> None:
        """Make what is said to those who are not let in; costs nothing then."""
        parts: Services = self.extensions["bisik"]
        # Asked for first: a newer one that comes meanwhile is noticed the next time.
        self._notice = parts.notice()
        self._pages = {
            language: failures.turned_away(self, language) for language in LANGUAGES
        }

    def _turned_away(self, environ: dict[str, Any]) -> Response:
        parts: Services = self.extensions["bisik"]
        if parts.notice() != self._notice:
            self.prepare()
        chosen = parse_cookie(environ).get(LANGUAGE_COOKIE, "")
        return self._pages.get(chosen, self._pages[LANGUAGES[0]])

    def process_response(self, response: Response) -> Response:
        """Finish a response; its size comes last, when all headers are there."""
        return wire.fill_up(super().process_response(response))

    def log_exception(
        self,
        exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None],
    ) -> None:
        """Log the kind and the place of an error, never its message."""
        if exc_info[1] is not None:
            failures.log_without_secrets(exc_info[1])


def create_app(services: Services) -> Flask:
    """
    Make the WSGI application of the reporters' site.

    Args:
        services: The parts of this site; nothing is read from the environment.
    """
    app = Site("source_app", static_folder=None)  # One stylesheet, inlined.
    app.config.update(
        SECRET_KEY=services.secret_key,
        MAX_CONTENT_LENGTH=FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=FORM_BYTES,
        MAX_FORM_PARTS=FORM_PARTS,
        # A token lives as long as the visit: its value follows from the cookie.
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_DEFAULT_LOCALE="id",
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.extensions["bisik"] = services
    app.session_interface = SealedSessions(services.drop, now=services.now)
    Babel(app, locale_selector=choose_language)

    stylesheet = (
        resources.files("source_app").joinpath("static/style.css").read_text("utf-8")
    )
    wire.install(app, stylesheet=stylesheet, hosts=services.hosts)
    failures.install(app)
    csrf = CSRFProtect(app)
    csrf.exempt(case.send_files)  # It checks by itself, before the first file.
    # Their forms check by themselves, and keep what was typed (StaleTolerantForm).
    for view in (report.write, case.open_case, case.send_message, case.send_contact):
        csrf.exempt(view)
    for blueprint in (pages.bp, cover.bp, report.bp, case.bp):
        app.register_blueprint(blueprint)

    app.jinja_env.filters["day"] = format_day
    app.jinja_env.filters["size"] = format_size
    app.jinja_env.filters["clock"] = format_hour
    app.jinja_env.filters["attribute"] = format_attribute
    app.jinja_env.filters["in_its_room"] = in_its_room

    @app.context_processor
    def context() -> dict[str, Any]:
        return {
            "profile": services.profile.in_language(language()),
            "locale": language(),
            "signed_in": is_signed_in(),
            "stylesheet": stylesheet,
            "posted": services.notice(),
            "request": request,
        }

    logging.getLogger("bisik").setLevel(logging.INFO)
    app.prepare()
    return app


def format_day(day: date) -> str:
    """Write a day out, with its weekday, in the reader's language."""
    pattern = "EEEE, d MMMM y"
    return babel.dates.format_date(day, pattern, locale=get_locale() or "id")


def format_attribute(text: str) -> Markup:
    """Write a text of several lines so that a hidden field gives it back."""
    # Text browsers make spaces of line breaks in attributes; a reference they keep.
    return Markup(str(escape(text)).replace("\n", "&#10;"))  # noqa: S704 - Escaped.


def format_hour(hour: int) -> str:
    """Write a full hour as clocks show it, in the reader's language."""
    return babel.dates.format_time(
        time(hour), "HH.mm" if language() == "id" else "HH:mm", locale=language()
    )


def format_size(size_bytes: int) -> str:
    """Write a size in kB or MB, in the reader's language."""
    if size_bytes < 1024 * 1024:
        return f"{format_decimal(max(1, round(size_bytes / 1024)))} kB"
    return f"{format_decimal(round(size_bytes / 1024 / 1024, 1))} MB"
