"""Typed: what an officer wrote into a field of a page, as it may be kept."""

from flask import request

from casework.text import clean_text

TEXT_CHARACTERS = 20_000


def typed_text(field: str) -> str:
    """Return a text of the form that was sent: cleaned, of bounded length, or empty."""
    return clean_text(request.form.get(field, ""))[:TEXT_CHARACTERS].strip()
