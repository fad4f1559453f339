"""Signing in and out, and another passphrase."""

from flask import (
    Blueprint,
    abort,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from journalist_app.courier.errors import SignInRefused
from journalist_app.courier.services import services
from journalist_app.courier.signing_in import (
    LONGEST_PASSPHRASE_CHARACTERS,
    PASSPHRASE_CHARACTERS,
)
from journalist_app.courier.wording import _

bp = Blueprint("account", __name__)

_COOKIE = "bisik-courier"


@bp.get("/enter")
def enter() -> ResponseReturnValue:
    """Show the form."""
    if g.officer is not None:
        return redirect(url_for("carrying.show"), code=303)
    return render_template("enter.html", problem=None)


@bp.post("/enter")
def sign_in() -> ResponseReturnValue:
    """Let an officer in, or say that something is wrong, never what."""
    here = services()
    try:
        token = here.sign_in.sign_in(
            request.form.get("user_name", ""),
            request.form.get("passphrase", "")[:LONGEST_PASSPHRASE_CHARACTERS],
            request.form.get("code", ""),
        )
    except SignInRefused as error:
        return render_template("enter.html", problem=_refusal(error)), 422
    fingerprint = here.sign_in.officer_of(token)
    if fingerprint is not None:
        here.drop.records.append(
            day=here.today(), fingerprint=fingerprint, action="signed-in", detail=""
        )
    answer = redirect(url_for("carrying.show"), code=303)
    answer.set_cookie(_COOKIE, token, httponly=True, samesite="Strict")
    return answer


@bp.post("/leave")
def leave() -> ResponseReturnValue:
    """End the session."""
    services().sign_in.sign_out(g.token)
    return _left()


@bp.get("/account")
def show() -> ResponseReturnValue:
    """Show the account."""
    return _account(None)


@bp.post("/account")
def change() -> ResponseReturnValue:
    """Give the account another passphrase."""
    here = services()
    user_name = here.drop.accounts.user_names().get(g.officer.fingerprint)
    new = request.form.get("new", "")
    if user_name is None:
        abort(404)
    if not PASSPHRASE_CHARACTERS <= len(new) <= LONGEST_PASSPHRASE_CHARACTERS:
        return _account(
            _("Frasa sandi baru sedikitnya %(n)s karakter.", n=PASSPHRASE_CHARACTERS)
        )
    if new != request.form.get("again", ""):
        return _account(_("Kedua frasa sandi baru tidak sama."))
    try:
        here.sign_in.change_passphrase(user_name, request.form.get("old", ""), new)
    except SignInRefused as error:
        return _account(_refusal(error))
    here.drop.records.append(
        day=here.today(),
        fingerprint=g.officer.fingerprint,
        action="passphrase",
        detail="",
    )
    return _left()


@bp.post("/language/<code>")
def language(code: str) -> ResponseReturnValue:
    """Show the site in another language."""
    if code not in ("id", "en"):
        abort(404)
    session["language"] = code
    return redirect(url_for("account.enter"), code=303)


def _left() -> ResponseReturnValue:
    answer = redirect(url_for("account.enter"), code=303)
    answer.delete_cookie(_COOKIE, httponly=True, samesite="Strict")
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def _account(problem: str | None) -> ResponseReturnValue:
    here = services()
    page = render_template(
        "account.html",
        problem=problem,
        user_name=here.drop.accounts.user_names().get(g.officer.fingerprint),
        codes_left=here.drop.accounts.codes_left(g.officer.fingerprint),
        fewest=PASSPHRASE_CHARACTERS,
    )
    return page, 422 if problem else 200


def _refusal(error: SignInRefused) -> str:
    if error.wait_seconds:
        return _(
            "Nama, frasa sandi, atau kode tidak cocok. Tunggu %(n)s detik sebelum "
            "mencoba lagi.",
            n=error.wait_seconds,
        )
    return _("Nama, frasa sandi, atau kode tidak cocok.")
