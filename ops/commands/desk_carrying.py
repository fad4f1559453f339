"""
`bisik desk import`, `export`: what sticks carry to a desk, and from it.

    bundles --import--> desk --export--> outbox
"""

from contextlib import ExitStack
from pathlib import Path

import click

from casework.bundle import MalformedBundle
from journalist_app.durable import new_directory, new_file, refuse_existing
from journalist_app.workstation.bundle_folder import archives_in, in_order
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import ForeignBundle
from journalist_app.workstation.exporting import prepare_outbox, write_again
from journalist_app.workstation.import_report import ImportReport
from journalist_app.workstation.importing import import_bundle
from ops.commands import showing
from ops.commands.desk import opened, today_of
from ops.commands.options import NEW_FILE, READABLE_FILE_OR_FOLDER, desk_option
from ops.desk_refusals import DESK_REFUSALS
from ops.edge import Edge
from ops.errors import REFUSALS, NoBundles, Refusal


@click.command("import")
@click.argument("bundles", type=READABLE_FILE_OR_FOLDER, nargs=-1, required=True)
@desk_option
@click.pass_context
def import_command(
    context: click.Context, desk_directory: Path, bundles: tuple[Path, ...]
) -> None:
    """
    Import bundles, or all bundles of a folder, the oldest first.

    A bundle may come twice.  Exit code 1 if one is not whole; those behind it are
    imported all the same.
    """
    edge: Edge = context.obj
    paths = _bundles_of(bundles)
    complete = True
    with opened(desk_directory, edge) as desk:
        for path in paths:
            try:
                report = _import(desk, path, edge)
            except (MalformedBundle, ForeignBundle, OSError) as error:
                if len(paths) == 1:
                    raise
                refusal = Refusal.of(error, DESK_REFUSALS | REFUSALS)
                refusal.about(showing.untrusted_path(path)).show()
                complete = False
            else:
                click.echo(showing.import_report(path, report))
                complete = complete and report.complete
    if not complete:
        context.exit(1)


def _bundles_of(given: tuple[Path, ...]) -> list[Path]:
    """Return the bundles that were named, and those of the folders that were."""
    paths: list[Path] = []
    for one in given:
        found = in_order(archives_in(one)) if one.is_dir() else (one,)
        if not found:
            raise NoBundles(f"no bundle is in the folder {one}")
        paths += found
    return paths


def _import(desk: Desk, path: Path, edge: Edge) -> ImportReport:
    with path.open("rb") as stream:
        return import_bundle(desk, stream, today=today_of(edge, desk))


@click.command("export")
@click.option(
    "--to",
    "to",
    type=NEW_FILE,
    required=True,
    help="The outbox; a new folder for several.",
)
@click.option(
    "--again",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    multiple=True,
    help="An earlier outbox once more, if its stick was lost; can be repeated.",
)
@desk_option
@click.pass_obj
def export(edge: Edge, desk_directory: Path, to: Path, again: tuple[int, ...]) -> None:
    """Write everything new into a signed outbox."""
    refuse_existing(to)
    more = False
    with opened(desk_directory, edge) as desk, ExitStack() as made:
        numbers = sorted(set(again))
        if not numbers:
            prepared = prepare_outbox(desk, today=today_of(edge, desk))
            numbers, more = [prepared.number], prepared.more
        paths = {numbers[0]: to}
        if len(numbers) > 1:
            folder = made.enter_context(new_directory(to))
            paths = {number: folder / f"outbox-{number:06}.tar" for number in numbers}
        for number, path in paths.items():
            with new_file(path) as file:
                exported = write_again(desk, number, file.write)
            click.echo(
                f"Outbox {exported.number}: {exported.slots} slots, {exported.holds} "
                f"items held, {exported.parcels} parcels for other desks: "
                f"{to if len(paths) == 1 else to / path.name}"
            )
    if more:
        click.echo("Not everything fitted: export once more.")
    click.echo("Take it to the server: bisik courier apply FILE")
