"""Who is signed in, and in which language they read."""

from typing import cast

from flask import request, session
from flask_babel import get_locale

from crypto.codename import Codename, MalformedCodename, parse_codename
from crypto.keys import ReporterKeys, RootKey
from fairness.waiting import Line
from source_app.services import services
from source_app.sessions import SealedSession

LANGUAGE_COOKIE = "lang"
LANGUAGES = ("id", "en")
_ROOT = "root"

# Stretched in place of what is no codename, so that a malformed codename costs
# the same time as one that does not exist.
DECOY = Codename("decoy")


class NotSignedIn(Exception):
    """This page needs a signed-in reporter."""


def current_session() -> SealedSession:
    """Return the visitor's session with its own methods."""
    # Flask's `session` stands for whatever the session interface has opened.
    return cast(SealedSession, session._get_current_object())  # type: ignore[attr-defined]  # A proxy's method.


def is_signed_in() -> bool:
    """Tell whether keys are at hand."""
    return _ROOT in session


def sign_in(root: RootKey, **content: object) -> None:
    """Begin a session that holds the reporter's root key, sealed."""
    current_session().begin(**{_ROOT: root.hex(), **content})


def signed_in_keys() -> ReporterKeys:
    """
    Return the keys of the signed-in reporter.

    Raises:
        NotSignedIn: If there is none, or the session has ended.
    """
    try:
        return ReporterKeys.from_root(RootKey(bytes.fromhex(session[_ROOT])))
    except KeyError:
        raise NotSignedIn from None


def stretch(codename: Codename, line: Line) -> RootKey:
    """
    Stretch a codename when it is this visitor's turn.

    Raises:
        AskedToWait: If that takes too long.
    """
    parts = services()
    with parts.crowd.deriving(request.environ, line):
        return parts.stretcher.stretch(codename)


def root_of(untrusted_codename: str) -> tuple[RootKey, bool]:
    """
    Stretch what was typed, at the same cost whether it is a codename or not.

    Raises:
        AskedToWait: If it is not this visitor's turn for too long.

    Returns:
        The root key, and whether what was typed is a codename at all.
    """
    try:
        codename = parse_codename(untrusted_codename, services().wordlists)
    except MalformedCodename:
        return stretch(DECOY, Line.FIRST), False
    return stretch(codename, Line.FIRST), True


def choose_language() -> str:
    """Return the language of this request: Indonesian unless English was chosen."""
    # The browser's own wish is not heard: Tor Browser says "en-US" for everybody.
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else LANGUAGES[0]


def language() -> str:
    """Return "id" or "en"."""
    locale = get_locale()
    return locale.language if locale and locale.language in LANGUAGES else "id"
