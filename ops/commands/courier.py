"""`bisik courier`: sealed bundles out, signed outboxes in."""

from datetime import date
from pathlib import Path
from typing import BinaryIO

import click

from casework.installation import spoken
from casework.release import ReleaseHour
from deaddrop import DeadDrop, Officer
from journalist_app.courier.bundles import announce, write_announced
from journalist_app.courier.outboxes import Delivery, apply_outbox
from ops.acting import Output
from ops.commands.options import (
    FILE_TO_READ,
    OUTPUT_FILE,
    directory_option,
    onion_option,
)
from ops.edge import Edge
from ops.errors import UnknownDeskName
from ops.server import open_server
from ops.serving import serve as serve_site


@click.group()
def courier() -> None:
    """Carry sealed items to desks, and answers back."""


@courier.command("serve")
@click.option("--port", type=click.IntRange(1, 65535), help="In place of bisik.toml's.")
@onion_option
@directory_option
@click.pass_obj
def serve(edge: Edge, directory: Path, port: int | None, onion: bool) -> None:
    """Serve the officers' site.  Bundles are fetched there, and outboxes brought."""
    serve_site(
        directory,
        edge,
        port=port,
        onion=onion,
        courier=True,
        ready=lambda address: click.echo(f"The courier listens on {address}."),
    )


@courier.command("export")
@click.option("--desk", required=True, help="The officer's name, or the desk's id.")
@click.option("--to", "to", type=OUTPUT_FILE, required=True, help="The bundle.")
@click.option(
    "--since",
    type=click.IntRange(min=0),
    help="The number after which to begin; by default, all not yet signed for.",
)
@directory_option
@click.pass_obj
def export(
    edge: Edge, directory: Path, desk: str, to: Output, since: int | None
) -> None:
    """Write a bundle of the sealed items that a desk does not hold yet."""
    with open_server(directory, edge) as server:
        desk_id = find_desk(server.drop, desk).desk_id
        after = server.drop.desks.held_through(desk_id) if since is None else since
        manifest = announce(server.drop, after=after, desk_id=desk_id)
        with to.writing() as file:
            size_bytes = write_announced(
                server.drop, manifest, file.write, today=server.today(edge)
            )
        server.drop.desks.note_collected(desk_id, manifest.through)
    click.echo(f"{len(manifest.items)} items, {size_bytes} bytes: {to}")


@courier.command("apply")
@click.argument("outboxes", type=FILE_TO_READ, nargs=-1, required=True)
@directory_option
@click.pass_obj
def apply(edge: Edge, directory: Path, outboxes: tuple[BinaryIO, ...]) -> None:
    """Apply outboxes, in this order.  Each of them whole or not at all."""
    with open_server(directory, edge) as server:
        hour = server.release_hour()
        release_day = hour.next_after(edge.now()) if hour else None
        for outbox in outboxes:
            delivery = apply_outbox(
                server.drop,
                server.keyring,
                outbox,
                today=server.today(edge),
                release_day=release_day,
            )
            _show_delivery(delivery, hour, release_day)


@courier.command("identity")
@directory_option
@click.pass_obj
def identity(edge: Edge, directory: Path) -> None:
    """Say which server this is, to be compared with officers whose desks move here."""
    with open_server(directory, edge) as server:
        click.echo(spoken(server.installation.installation_id))


def _show_delivery(
    delivery: Delivery, hour: ReleaseHour | None, release_day: date | None
) -> None:
    applied = delivery.applied
    click.echo(f"Outbox {delivery.number} of {delivery.officer.name}")
    if delivery.renewed:
        click.echo("  the officer's key was renewed.")
    if applied.already_applied:
        click.echo("  was applied before; nothing was changed.")
        return
    click.echo(f"  slots of replies written       {applied.slots_written}")
    click.echo(f"  slots that were there already  {applied.slots_already_there}")
    click.echo(f"  items this desk now holds      {applied.holds_noted}")
    click.echo(f"  items deleted from the server  {applied.items_deleted}")
    click.echo(f"  parcels for other desks        {applied.parcels_stored}")
    if applied.holds_unknown:
        click.echo(
            f"  items that never came here     {applied.holds_unknown}: this server "
            "was restored from a backup"
        )
    if hour and release_day and applied.slots_written:
        click.echo(f"  reporters see the replies from {release_day}, {hour.hour:02}:00")


def find_desk(drop: DeadDrop, wanted: str) -> Officer:
    """
    Find an active officer by name, or by the desk's id.

    Raises:
        UnknownDeskName: If there is none, or two share the name.
    """
    found = [
        officer
        for officer in drop.officers.list()
        if wanted in (officer.name, officer.desk_id.hex())
    ]
    if len(found) > 1:
        raise UnknownDeskName("two officers share this name: use the desk's id")
    if not found:
        raise UnknownDeskName(UnknownDeskName.__doc__)
    return found[0]
