"""Bundles out, outboxes in, and what was carried."""

from collections.abc import Iterator
from datetime import date

from flask import Blueprint, Response, abort, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import ContentRange
from werkzeug.http import quote_etag

from casework.errors import CaseworkError
from crypto.errors import CryptoError
from deaddrop import DeadDropError, DeadDropUnavailable
from journalist_app.courier.bundles import announce
from journalist_app.courier.errors import CourierError, UnsatisfiableRange
from journalist_app.courier.fetching import Fetch
from journalist_app.courier.outboxes import Delivery, apply_outbox
from journalist_app.courier.range_header import wanted_part
from journalist_app.courier.ranges import BundleFile
from journalist_app.courier.services import services
from journalist_app.courier.wording import _

bp = Blueprint("carrying", __name__)

# A bundle that is fetched leaves two lines, or two for each of its parts.
RECORD_LINES = 40


@bp.get("/")
def show() -> ResponseReturnValue:
    """Show what waits for this officer's desk, and what was carried."""
    here = services()
    desk_id = g.officer.desk_id
    after = here.drop.desks.held_through(desk_id)
    manifest = announce(here.drop, after=after, desk_id=desk_id)
    bundle = BundleFile(manifest, day=here.today())
    names = {
        officer.fingerprint: officer.name
        for officer in here.drop.officers.list(retired=True)
    }
    return render_template(
        "carrying.html",
        items=manifest.items,
        bundle=bundle,
        address=url_for(
            ".fetch",
            after=manifest.after,
            through=manifest.through,
            day=here.today().toordinal(),
            digest=bundle.digest,
        ),
        collected=here.drop.desks.collected_through(desk_id),
        record=here.drop.records.last(RECORD_LINES),
        names=names,
    )


@bp.get("/bundle/<int:after>-<int:through>-<int:day>-<digest>/bundle.tar")
def fetch(after: int, through: int, day: int, digest: str) -> ResponseReturnValue:
    """Give a bundle, or the part of it that is still missing."""
    here = services()
    try:
        made = date.fromordinal(day)
    except (ValueError, OverflowError):
        abort(404)
    manifest = announce(
        here.drop, after=after, through=through, desk_id=g.officer.desk_id
    )
    bundle = BundleFile(manifest, day=made)
    if bundle.digest != digest:
        return render_template("gone.html"), 410
    try:
        part = _wanted(bundle)
    except UnsatisfiableRange:
        refused = Response(status=416)
        refused.content_range = ContentRange("bytes", None, None, bundle.size_bytes)
        return refused
    start, stop = part or (0, bundle.size_bytes)
    sending = Fetch(
        here.drop, g.officer, manifest, bundle, start, stop, today=here.today
    )
    body: Iterator[bytes] = iter(())
    if request.method != "HEAD":
        sending.begin()
        body = sending.send()
    answer = Response(body, 206 if part else 200, mimetype="application/x-tar")
    answer.content_length = stop - start
    answer.headers["Content-Disposition"] = (
        f'attachment; filename="bundle-{manifest.after + 1}-{manifest.through}.tar"'
    )
    answer.headers["Accept-Ranges"] = "bytes"
    answer.set_etag(bundle.digest)
    if part:
        answer.content_range = ContentRange("bytes", start, stop, bundle.size_bytes)
    return answer


@bp.post("/outbox")
def bring() -> ResponseReturnValue:
    """Take a desk's outbox, all of it or nothing."""
    here = services()
    upload = request.files.get("outbox")
    if upload is None or not upload.filename:
        return _refused(_("Pilihlah berkas antaran."))
    try:
        delivery = apply_outbox(
            here.drop,
            here.keyring,
            upload.stream,
            today=here.today(),
            release_day=here.release_day(),
        )
    except DeadDropUnavailable:
        raise
    except (
        CourierError,
        CaseworkError,
        CryptoError,
    ) as error:
        return _refused(_reason(error))
    except DeadDropError as error:
        return _refused(str(error))
    _record(delivery)
    return render_template(
        "brought.html", delivery=delivery, release_day=here.release_day()
    )


def _record(delivery: Delivery) -> None:
    here = services()
    applied = delivery.applied
    here.drop.records.append(
        day=here.today(),
        fingerprint=g.officer.fingerprint,
        action="brought",
        detail=(
            f"outbox {delivery.number} of {delivery.officer.name}: "
            + (
                "applied before"
                if applied.already_applied
                else f"{applied.slots_written} slots, {applied.holds_noted} holds, "
                f"{applied.parcels_stored} parcels"
            )
        ),
    )


def _wanted(bundle: BundleFile) -> tuple[int, int] | None:
    """Return from where to where the browser wants the bundle; None for the whole."""
    if request.method != "GET":
        # RFC 9110, section 14.2: ranges are defined for GET alone.
        return None
    return wanted_part(
        request.headers.get("Range"),
        request.headers.get("If-Range"),
        size_bytes=bundle.size_bytes,
        entity_tag=quote_etag(bundle.digest),
    )


def _refused(reason: str) -> ResponseReturnValue:
    return render_template("refused.html", sentence=reason), 422


def _reason(error: Exception) -> str:
    name = type(error).__name__
    reasons = {
        "ForeignOutbox": _("Antaran ini untuk server lain."),
        "NotTheirDesk": _(
            "Antaran ini ditandatangani petugas yang bukan pemilik mejanya."
        ),
        "SignatureRefused": _("Antaran ini tidak ditandatangani petugas yang dikenal."),
        "MalformedOutbox": _(
            "Berkas ini bukan antaran, atau rusak. Tulis lagi di meja kerja."
        ),
        "KeyNotAdmitted": _("Kunci baru dalam antaran ini tidak disahkan organisasi."),
        "MissingOutbox": _(
            "Antaran sebelumnya dari meja ini belum sampai. Ambil bundel baru: meja "
            "menunjukkan nomor yang belum sampai, lalu tulis lagi antaran itu."
        ),
        "OutboxConflict": _("Antaran ini bertentangan dengan yang sudah tersimpan."),
        "DamagedItem": _("Sebagian antaran ini rusak. Tulis lagi di meja kerja."),
    }
    said = reasons.get(name, _("Antaran ini tidak dapat diterapkan."))
    return said + " " + _("Tidak ada yang berubah.")
