"""Pages that everybody may read."""

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import RequestRedirect

from source_app.identity import LANGUAGE_COOKIE, LANGUAGES

bp = Blueprint("pages", __name__)


@bp.get("/")
def home() -> ResponseReturnValue:
    """Say what this is, and offer the two ways on."""
    return render_template("home.html")


@bp.get("/faq")
def faq() -> ResponseReturnValue:
    """Answer what reporters ask about the programme."""
    return render_template("faq.html")


@bp.get("/safety")
def safety() -> ResponseReturnValue:
    """Advise how to report without giving oneself away."""
    return render_template("safety.html")


@bp.get("/language/<code>")
def language(code: str) -> ResponseReturnValue:
    """Change the language for this visit and go back to the page."""
    if code not in LANGUAGES:
        raise NotFound
    answer = redirect(_own_page(request.args.get("next", "")), code=303)
    # No lifetime: the cookie goes with the window, as the visit does.
    answer.set_cookie(LANGUAGE_COOKIE, code, httponly=True, samesite="Strict")
    return answer


def _own_page(untrusted_path: str) -> str:
    """Return the path if it is a page of this site, otherwise the first page."""
    adapter = current_app.create_url_adapter(request)
    try:
        if adapter is not None and untrusted_path.startswith("/"):
            endpoint, values = adapter.match(untrusted_path, method="GET")
            return url_for(endpoint, **values)
    except (HTTPException, RequestRedirect):
        pass  # No such page, or one that cannot be asked for.
    return url_for("pages.home")
