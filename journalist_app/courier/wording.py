"""Wording: what the courier says, in the officer's language."""

import re
from datetime import date

import babel.dates
import flask_babel
from flask_babel import format_decimal, get_locale
from flask_babel import lazy_gettext as _l

RECORD_LABELS = {
    "fetching": _l("mulai mengambil bundel"),
    "part": _l("mengambil sebagian bundel"),
    "fetched": _l("mengambil bundel"),
    "brought": _l("mengantar"),
    "signed-in": _l("masuk"),
    "passphrase": _l("mengganti frasa sandi"),
}

# What a record adds, as it is written; the record itself is never rewritten.
_DETAILS = (
    (re.compile(r"[0-9]+-[0-9]+: 0 items, .*"), _l("tanpa kiriman baru")),
    (
        re.compile(
            r"(?P<first>[0-9]+)-(?P<last>[0-9]+): [0-9]+ items, "
            r"bytes (?P<start>[0-9]+)-(?P<end>[0-9]+) of (?P<size>[0-9]+), .*"
        ),
        _l(
            "nomor %(first)s sampai %(last)s, bita %(start)s sampai %(end)s dari "
            "%(size)s"
        ),
    ),
    (
        re.compile(r"(?P<first>[0-9]+)-(?P<last>[0-9]+): (?P<n>[0-9]+) items, .*"),
        _l("nomor %(first)s sampai %(last)s, %(n)s kiriman"),
    ),
    (
        re.compile(r"outbox (?P<n>[0-9]+) of (?P<name>.*): applied before"),
        _l("antaran %(n)s dari %(name)s, sudah diterapkan sebelumnya"),
    ),
    (
        re.compile(
            r"outbox (?P<n>[0-9]+) of (?P<name>.*): (?P<slots>[0-9]+) slots, "
            r"(?P<holds>[0-9]+) holds, (?P<parcels>[0-9]+) parcels"
        ),
        _l(
            "antaran %(n)s dari %(name)s: %(slots)s bagian jawaban, %(holds)s kiriman "
            "tersimpan, %(parcels)s paket"
        ),
    ),
)


def detail_words(detail: str) -> str:
    """Say what a record adds, in the officer's language."""
    for pattern, said in _DETAILS:
        if found := pattern.fullmatch(detail):
            return str(said) % found.groupdict()
    return detail


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
