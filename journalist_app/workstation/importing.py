"""
Importing: from a bundle on a stick to a casebook that has what is in it.

    bundle --> is it ours? --> officers, outboxes that arrived --> what waited before
                                   --> its items (`taking_in`) --> report

An import can be interrupted anywhere, by a kill or a pulled stick, and leaves whole
items only; importing the same bundle again brings the rest and changes nothing else.
What could not be opened before, and was meant for this desk, is tried again.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from sqlalchemy import func, select, update

from casework.bundle import BundleManifest, read_bundle
from casework.errors import CaseworkError
from casework.training import is_training
from crypto.container import Readable
from crypto.opening import CannotOpen
from crypto.packets import read_envelope
from journalist_app.durable import remove_partial_files
from journalist_app.workstation import casebook
from journalist_app.workstation.colleagues import take_in_officers
from journalist_app.workstation.continuity import settle
from journalist_app.workstation.desk import INCOMING, ITEMS, STORE, Desk
from journalist_app.workstation.entries import retry_waiting
from journalist_app.workstation.errors import ForeignBundle
from journalist_app.workstation.filing import Arrival, file_arrivals
from journalist_app.workstation.import_report import (
    ImportReport,
    Progress,
    cases_with_gaps,
    not_held,
    numbers_below,
    unconfirmed_outboxes,
)
from journalist_app.workstation.items import open_sealed
from journalist_app.workstation.projecting import project
from journalist_app.workstation.returning import awaited_names
from journalist_app.workstation.rotation import destroy_after_import
from journalist_app.workstation.taking_in import TakingIn


def _quietly(_progress: Progress) -> None:
    """Take no notice of how far it has come."""


def import_bundle(
    desk: Desk,
    stream: Readable,
    *,
    today: date,
    tell: Callable[[Progress], object] = _quietly,
) -> ImportReport:
    """
    Import a bundle.

    Args:
        desk: Into which.

        stream: The bundle; it is read once, and never held in memory.

        today: The day it is.

        tell: Told after every item how far it has come.

    Raises:
        MalformedBundle: If its manifest cannot be read.

        ForeignBundle: If it is of another installation than the first one, or for
            training where the desk is not, or the other way round.

        CasebookUnreadable: If the casebook fails; what was filed stays.
    """
    _clean_up(desk)
    bundle = read_bundle(stream)
    _bind(desk, bundle.manifest)
    with desk.casebook.transaction() as connection:
        officers = take_in_officers(
            desk, connection, bundle.manifest.officers, today=today
        )
        standing = settle(
            connection,
            desk.record.desk_id,
            bundle.manifest.applied,
            entropy=desk.entropy,
        )
    opened_later = _retry(desk)
    outcomes, broken_off = TakingIn(desk, bundle, tell).run()
    with desk.casebook.transaction() as connection:
        report = ImportReport(
            outcomes=outcomes,
            opened_later=opened_later,
            broken_off=broken_off,
            not_fetched=not_held(
                connection, numbers_below(connection, bundle.manifest)
            ),
            gone=not_held(connection, bundle.manifest.gaps()),
            cases_with_gaps=cases_with_gaps(connection),
            unconfirmed=unconfirmed_outboxes(
                connection, outcomes, bundle.manifest, standing
            ),
            officers=officers,
            unverified=connection.scalar(
                select(func.count()).select_from(casebook.waiting)
            )
            or 0,
            restored=standing.restored,
            withdrawn=standing.withdrawn,
            awaited=awaited_names(connection),
        )
    whole = report.complete and not report.not_fetched
    destroyed = destroy_after_import(desk, bundle.manifest, whole=whole, today=today)
    return replace(report, destroyed=destroyed)


def _clean_up(desk: Desk) -> None:
    """Remove what an interrupted import has left."""
    for folder in (ITEMS, STORE):
        remove_partial_files(desk.path / folder)
    for left in (desk.path / INCOMING).iterdir():
        left.unlink()
    with desk.casebook.transaction() as connection:
        known = set(connection.scalars(select(casebook.content.c.stored_as)))
    for name in desk.store.names() - known:
        desk.store.remove(name)


def _bind(desk: Desk, manifest: BundleManifest) -> None:
    """Make sure that all bundles of a desk are of one installation."""
    installation = bytes.fromhex(manifest.installation)
    if is_training(installation) != desk.record.training:
        raise ForeignBundle(
            "this desk is for training: it takes no real bundle"
            if desk.record.training
            else "the bundle is for training: a real desk does not take it"
        )
    table = casebook.casebook
    with desk.casebook.transaction() as connection:
        known = connection.scalar(select(table.c.installation))
        if known is None:
            connection.execute(update(table).values(installation=installation))
        elif known != installation:
            raise ForeignBundle(ForeignBundle.__doc__)


def _retry(desk: Desk) -> tuple[int, ...]:
    """Try once more to open and to verify what could not be."""
    table = casebook.received
    with desk.casebook.transaction() as connection:
        cases = retry_waiting(desk, connection)
        project(connection, cases, own=desk.record.desk_id)
        unopened = connection.execute(
            select(table).where(table.c.what == "unopened").order_by(table.c.number)
        ).all()
    opened_now = []
    for row in unopened:
        sealed = desk.sealed_item(row.sha256)
        try:
            opened = open_sealed(desk.keys, sealed, desk.store)
        except (CannotOpen, CaseworkError, OSError):
            continue
        with sealed.open("rb") as file:
            key_ids = read_envelope(file).recipient_key_ids
        with desk.casebook.transaction() as connection:
            arrival = Arrival(row._asdict(), opened, key_ids)
            file_arrivals(desk, connection, [arrival])
        sealed.unlink()
        opened_now.append(row.number)
    return tuple(opened_now)
