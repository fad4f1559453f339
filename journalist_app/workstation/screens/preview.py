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
from flask_babel import force_locale, pgettext
from markupsafe import Markup

from casework.reply import CaseStatus, ReplyKind


def heading(kind: ReplyKind) -> str:
    """Say above an answer what it is for, in the language of the moment."""
    headings: dict[ReplyKind, str] = {
        ReplyKind.QUESTION: pgettext("pelapor", "Pertanyaan untuk Anda"),
        ReplyKind.STATUS: pgettext("pelapor", "Kabar perkembangan"),
        ReplyKind.CONTACT_REQUEST: pgettext("pelapor", "Permintaan kontak"),
        ReplyKind.CLOSING: pgettext("pelapor", "Laporan selesai"),
        ReplyKind.ANSWER: pgettext("pelapor", "Jawaban petugas"),
    }
    return headings[kind]


def stage(status: CaseStatus) -> str:
    """Say how far the case has come, as reporters read it."""
    stages: dict[CaseStatus, str] = {
        CaseStatus.RECEIVED: pgettext("pelapor", "Diterima"),
        CaseStatus.VERIFICATION: pgettext("pelapor", "Sedang diverifikasi"),
        CaseStatus.NEEDS_COMPLETION: pgettext("pelapor", "Perlu dilengkapi"),
        CaseStatus.NOT_COMPETENT: pgettext("pelapor", "Bukan kewenangan kami"),
        CaseStatus.REGISTERED: pgettext("pelapor", "Terdaftar"),
        CaseStatus.REVIEW: pgettext("pelapor", "Sedang ditelaah"),
        CaseStatus.EXAMINATION: pgettext("pelapor", "Sedang diperiksa"),
        CaseStatus.FORWARDED: pgettext("pelapor", "Diteruskan ke lembaga lain"),
        CaseStatus.FOLLOWED_UP: pgettext("pelapor", "Ditindaklanjuti"),
        CaseStatus.CONCLUDED: pgettext("pelapor", "Selesai"),
        CaseStatus.REOPENED: pgettext("pelapor", "Dibuka kembali"),
    }
    return stages[status]


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
            heading=heading(kind),
            day=babel.dates.format_date(today, "EEEE, d MMMM y", locale=language),
            stage=stage(status) if status else None,
            registration_number=registration_number,
            text=text,
            files=files,
        )
    return Markup(page)  # noqa: S704 - Our own template, which escapes.
