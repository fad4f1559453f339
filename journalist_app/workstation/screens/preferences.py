"""
Preferences: what one browser keeps about how its officer likes to work.

    bisik-desk-keys=off    single letters do nothing (WCAG 2.2, 2.1.4)

They are in cookies of their own, because the session ends with the browser and a desk
is opened anew every morning.  They hold nothing about a case or an officer.
"""

from flask import request
from werkzeug.wrappers import Response

KEYS_COOKIE = "bisik-desk-keys"
_YEAR_SECONDS = 365 * 24 * 60 * 60


def keys_are_on() -> bool:
    """Tell whether single letters may do things."""
    return request.cookies.get(KEYS_COOKIE) != "off"


def keep_keys(answer: Response, *, on: bool) -> None:
    """Let the browser keep whether they may."""
    answer.set_cookie(
        KEYS_COOKIE,
        "on" if on else "off",
        max_age=_YEAR_SECONDS,
        httponly=True,
        samesite="Strict",
    )
