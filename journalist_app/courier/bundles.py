"""
Bundles: everything that waits for a desk, written as one file.

The courier starts behind the last item that the desk has signed for, so that a
stick that was lost on its way is made good by the next one.
"""

from collections.abc import Callable
from datetime import date

from casework.bundle import (
    MOST_ITEMS,
    MOST_OUTBOXES,
    AppliedOutboxes,
    BundleEntry,
    BundleManifest,
    BundleOfficer,
    write_bundle,
)
from deaddrop import DeadDrop

Sink = Callable[[bytes], object]


def announce(
    drop: DeadDrop,
    *,
    after: int,
    through: int | None = None,
    desk_id: bytes | None = None,
    most: int = MOST_ITEMS,
) -> BundleManifest:
    """
    Say what a bundle with the items above *after* holds, the first *most* of them.

    Args:
        drop: Where the items are.

        after: The desk has everything up to this number.

        through: The last number, for a bundle that was begun before.

        desk_id: Of the desk that it is for: it is told which of its outboxes have
            come.

        most: How many items, at most.  What is more comes in the next bundle.

    Raises:
        DeadDropUnavailable: If the database cannot be read.
    """
    entries = drop.intake.entries(after, most=most)
    if through is not None:
        entries = [entry for entry in entries if entry.number <= through]
    else:
        through = entries[-1].number if entries else after
    return BundleManifest(
        installation=drop.installation.installation_id.hex(),
        after=after,
        through=through,
        items=tuple(
            BundleEntry(
                number=entry.number,
                day=entry.day,
                size_bytes=entry.size_bytes,
                sha256=entry.sha256.hex(),
            )
            for entry in entries
        ),
        officers=tuple(
            BundleOfficer(
                name=officer.name,
                desk_id=officer.desk_id.hex(),
                certificate=officer.certificate.decode("ascii"),
                role=officer.role,
                receives=officer.receives,
            )
            for officer in drop.officers.list()
        ),
        applied=None if desk_id is None else _applied(drop, desk_id),
    )


def _applied(drop: DeadDrop, desk_id: bytes) -> AppliedOutboxes:
    applied = drop.desks.last_outboxes(desk_id, count=MOST_OUTBOXES)
    return AppliedOutboxes(
        desk_id=desk_id.hex(),
        number=max(applied, default=0),
        sha256=tuple(applied[number].hex() for number in sorted(applied)),
    )


def write_announced(
    drop: DeadDrop, manifest: BundleManifest, sink: Sink, *, today: date
) -> int:
    """
    Write the bundle that *manifest* announces.

    Raises:
        UnknownItem: If an item was deleted meanwhile, because all desks hold it;
            announce again.

        DeadDropUnavailable: If the database cannot be read.

    Returns:
        Its size in bytes.
    """
    return write_bundle(sink, manifest, drop.intake.read, today)
