"""
Preview: an answer as the reporters' site will show it, in the reporter's language.

    draft --in the words and the shape of source_app/templates/case.html--> .phone

The desk cannot import the site (design, section 3), so its few sentences are here once
more; tests/journalist_app/test_preview.py holds both against each other.
"""

from collections.abc import Sequence
from datetime import date

import babel.dates
from flask import render_template
from flask_babel import force_locale
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from casework.reply import CaseStatus, ReplyKind

HEADINGS = {
    ReplyKind.QUESTION: _l("Pertanyaan untuk Anda"),
    ReplyKind.STATUS: _l("Kabar perkembangan"),
    ReplyKind.CONTACT_REQUEST: _l("Permintaan kontak"),
    ReplyKind.CLOSING: _l("Laporan selesai"),
    ReplyKind.ANSWER: _l("Jawaban petugas"),
}
STAGES = {
    CaseStatus.RECEIVED: _l("Diterima"),
    CaseStatus.VERIFICATION: _l("Sedang diverifikasi"),
    CaseStatus.NEEDS_COMPLETION: _l("Perlu dilengkapi"),
    CaseStatus.NOT_COMPETENT: _l("Bukan kewenangan kami"),
    CaseStatus.REGISTERED: _l("Terdaftar"),
    CaseStatus.REVIEW: _l("Sedang ditelaah"),
    CaseStatus.EXAMINATION: _l("Sedang diperiksa"),
    CaseStatus.FORWARDED: _l("Diteruskan ke lembaga lain"),
    CaseStatus.FOLLOWED_UP: _l("Ditindaklanjuti"),
    CaseStatus.CONCLUDED: _l("Selesai"),
    CaseStatus.REOPENED: _l("Dibuka kembali"),
}


def show_preview(
    *,
    kind: ReplyKind,
    text: str,
    status: CaseStatus | None,
    registration_number: str | None,
    files: Sequence[tuple[str, int]],
    language: str,
    today: date,
) -> Markup:
    """
    Return an answer as its reporter will see it, unread.

    Args:
        kind: What it is for.

        text: What the officer wrote.

        status: What it says about where the case is, if anything.

        registration_number: What it says about the number, if anything.

        files: Names and sizes in bytes.

        language: Of the reporter.

        today: The day that will be in the letter.
    """
    with force_locale(language):
        page = render_template(
            "_preview.html",
            heading=str(HEADINGS[kind]),
            day=babel.dates.format_date(today, "EEEE, d MMMM y", locale=language),
            stage=str(STAGES[status]) if status else None,
            registration_number=registration_number,
            text=text,
            files=files,
        )
    return Markup(page)  # noqa: S704 - Our own template, which escapes.
