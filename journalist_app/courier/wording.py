"""Wording: what the courier says, in the officer's language."""

from datetime import date

import babel.dates
import flask_babel
from flask_babel import format_decimal, get_locale
from flask_babel import lazy_gettext as _l

RECORD_LABELS = {
    "fetched": _l("mengambil bundel"),
    "brought": _l("mengantar"),
    "signed-in": _l("masuk"),
    "passphrase": _l("mengganti frasa sandi"),
}


def _(sentence: str, **values: object) -> str:
    """Say a sentence in the officer's language now."""
    return str(flask_babel.gettext(sentence, **values))


def format_day(day: date) -> str:
    """Write a day shortly."""
    written: str = babel.dates.format_date(day, "d MMM y", locale=get_locale() or "id")
    return written


def format_fingerprint(fingerprint: str) -> str:
    """Write a fingerprint in groups of four, to be read aloud and compared."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))


def format_size(size_bytes: int) -> str:
    """Write a size in kB or MB."""
    if size_bytes < 1024 * 1024:
        return f"{format_decimal(max(1, round(size_bytes / 1024)))} kB"
    return f"{format_decimal(round(size_bytes / 1024 / 1024, 1))} MB"
