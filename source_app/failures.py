"""What the site says when something cannot be done."""

import logging
import traceback

from flask import Flask, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import ClientDisconnected, HTTPException, InternalServerError

from crypto.gpg import GpgUnusable, SealingFailed
from crypto.sealing import SinkFailed
from deaddrop import DeadDropUnavailable, StaleSlot
from fairness.errors import AskedToWait
from source_app import wire
from source_app.identity import LANGUAGE_COOKIE, NotSignedIn, current_session
from source_app.reporting import NoOfficerKey, NoSpaceLeft, UnknownReporter
from source_app.uploads import MalformedUpload

log = logging.getLogger("bisik.site")

NOTHING_STORED = _(
    "Tidak ada yang tersimpan. Silakan kembali ke halaman sebelumnya dan coba lagi; "
    "bila masih gagal, datanglah lagi besok. Tulisan Anda biasanya masih ada di "
    "halaman sebelumnya: salin dahulu."
)

_Page = tuple[object, object]

_BY_STATUS: dict[int, _Page] = {
    400: (_("Formulir tidak utuh"), NOTHING_STORED),
    404: (
        _("Halaman tidak ada"),
        _("Periksa alamatnya, atau mulailah dari beranda."),
    ),
    405: (
        _("Halaman ini tidak dapat dibuka begitu saja"),
        _("Mulailah dari beranda."),
    ),
    413: (
        _("Kiriman terlalu besar"),
        _(
            "Tidak ada yang tersimpan. Kirimlah dokumen sedikit demi sedikit, dan "
            "tulisan yang panjang dalam beberapa pesan."
        ),
    ),
    415: (
        _("Formulir tidak dikenali"),
        _("Tidak ada yang tersimpan. Dokumen hanya dapat dikirim di halaman laporan."),
    ),
    421: (
        _("Alamat ini bukan pintu yang aman"),
        _(
            "Bukalah situs ini hanya dengan Tor Browser dan hanya lewat alamat .onion "
            "yang diumumkan resmi. Jangan menulis apa pun di sini."
        ),
    ),
    500: (_("Ada yang salah di pihak kami"), NOTHING_STORED),
}
_CSRF: _Page = (_("Formulir sudah tidak berlaku"), NOTHING_STORED)
_UNSURE: _Page = (
    _("Penyimpanan sedang terganggu"),
    _(
        "Kami tidak tahu apakah kiriman Anda sempat tersimpan. Kembalilah ke halaman "
        "sebelumnya dan kirim sekali lagi: kiriman yang sama hanya diterima satu kali."
    ),
)
_STORAGE: _Page = (_("Penyimpanan sedang terganggu"), NOTHING_STORED)
_SEALING: _Page = (_("Penyegelan sedang terganggu"), NOTHING_STORED)
_NO_OFFICER: _Page = (
    _("Laporan belum dapat diterima"),
    _(
        "Saat ini tidak ada petugas yang dapat membuka laporan, jadi kami tidak "
        "menerimanya daripada menyimpan yang tidak terbaca oleh siapa pun. Tidak ada "
        "yang tersimpan. Datanglah lagi besok."
    ),
)
_NO_SPACE: _Page = (
    _("Ruang laporan ini penuh"),
    _(
        "Dokumen itu tidak muat lagi, jadi tidak ada yang tersimpan. Kirim pesan "
        "kepada petugas bila dokumennya penting."
    ),
)
_WAIT: _Page = (
    _("Terlalu ramai saat ini"),
    _(
        "Terlalu banyak permintaan datang pada saat yang sama, mungkin dengan sengaja. "
        "Tidak ada yang tersimpan dan tidak ada yang hilang: kembalilah ke halaman "
        "sebelumnya, tulisan Anda biasanya masih ada di sana. Tunggu satu atau dua "
        "menit, lalu coba lagi. Pelapor yang kembali dan pesan singkat didahulukan; "
        "laporan baru dan dokumen besar menunggu lebih lama, jadi kirimlah dokumen "
        "satu demi satu."
    ),
)
# A browser that heeds it comes back by then; people read the page.
RETRY_AFTER = {"Retry-After": "60"}
_BUSY: _Page = (_("Laporan ini sedang dipakai di jendela lain"), NOTHING_STORED)


def install(app: Flask) -> None:
    """Give every failure its own plain page; nothing was changed by any of them."""
    app.before_request(_tell_of_session)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(InternalServerError, _unexpected)
    app.register_error_handler(CSRFError, lambda error: _page(400, _CSRF))
    app.register_error_handler(NotSignedIn, _not_signed_in)
    # Signed in, but no report was ever sent: the form is where they belong.
    app.register_error_handler(
        UnknownReporter, lambda error: redirect(url_for("report.write"), code=303)
    )
    app.register_error_handler(
        MalformedUpload, lambda error: _page(400, _BY_STATUS[400])
    )
    app.register_error_handler(
        ClientDisconnected, lambda error: _page(400, _BY_STATUS[400])
    )
    app.register_error_handler(AskedToWait, _asked_to_wait)
    app.register_error_handler(NoOfficerKey, _no_officer)
    app.register_error_handler(NoSpaceLeft, lambda error: _page(413, _NO_SPACE))
    app.register_error_handler(StaleSlot, lambda error: _page(409, _BUSY))
    app.register_error_handler(SealingFailed, _sealing)
    app.register_error_handler(GpgUnusable, _sealing)
    app.register_error_handler(DeadDropUnavailable, _storage)
    # The spool has no room: it is the storage that fails, and not the seal.
    app.register_error_handler(SinkFailed, _storage)


def _tell_of_session() -> None:
    if (trouble := current_session().trouble) is not None:
        raise trouble


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error  # A redirect.
    return _page(status, _BY_STATUS.get(status, _BY_STATUS[400]))


def _unexpected(error: InternalServerError) -> ResponseReturnValue:
    cause = error.original_exception
    # Sessions are saved after the view has done its work, so what fails there comes
    # here and not to its own handler, and something may have been stored.
    if isinstance(cause, DeadDropUnavailable):
        _storage(cause)
        return _page(503, _UNSURE)
    return _page(500, _BY_STATUS[500])


def _storage(error: Exception) -> ResponseReturnValue:
    log.error("the dead drop is unavailable: %s", error)
    return _page(503, _STORAGE)


def _sealing(error: Exception) -> ResponseReturnValue:
    log.error("sealing failed: %s: %s", type(error).__name__, error)
    return _page(503, _SEALING)


def _no_officer(error: Exception) -> ResponseReturnValue:
    log.error("no officer key is fit to be sealed to; reports are refused")
    return _page(503, _NO_OFFICER)


def _not_signed_in(error: Exception) -> ResponseReturnValue:
    return redirect(url_for("case.sign_in", ended=1), code=303)


def _asked_to_wait(error: Exception) -> ResponseReturnValue:
    # What still arrives is not taken in for the sake of a page that says no.
    request.environ[wire.TURNED_AWAY] = True
    body, status = _page(503, _WAIT)
    return body, status, RETRY_AFTER


def turned_away(app: Flask, language: str) -> Response:
    """
    Make the page for whoever is not let in at all, once for all of them.

    It is one of a visitor without a cookie, and gives none.
    """
    cookie = {"HTTP_COOKIE": f"{LANGUAGE_COOKIE}={language}"}
    with app.test_request_context("/", environ_overrides=cookie):
        body, status = _page(503, _WAIT)
        response = Response(body, status, RETRY_AFTER)
        for dress in app.after_request_funcs.get(None, ()):
            response = app.ensure_sync(dress)(response)
        return wire.fill_up(response)


def _page(status: int, page: _Page) -> tuple[str, int]:
    heading, advice = page
    body = render_template("error.html", status=status, heading=heading, advice=advice)
    return body, status


def log_without_secrets(error: BaseException) -> None:
    """
    Log where an unexpected error came from, and nothing of what it says.

    The message of an exception may quote what a reporter wrote.
    """
    places = traceback.extract_tb(error.__traceback__)[-3:]
    trail = " < ".join(f"{place.filename}:{place.lineno}" for place in reversed(places))
    log.error("unexpected %s at %s", type(error).__name__, trail)
