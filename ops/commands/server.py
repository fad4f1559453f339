"""`bisik init`, `bisik serve`, `bisik tidy`: the server."""

from pathlib import Path
from typing import BinaryIO

import click

from ops.commands.options import FILE_TO_READ, directory_option, onion_option
from ops.edge import Edge
from ops.server import create_server, migrate_server, open_server
from ops.serving import serve as serve_site
from ops.tidying import tidy_server


@click.command()
@directory_option
@click.option("--profile", type=FILE_TO_READ, help="Another institution's profile.")
@click.option(
    "--organisation-key",
    type=FILE_TO_READ,
    help="organisation.asc; can follow later by: bisik organisation trust.",
)
@click.option(
    "--database",
    # A password in it is not for the command line, which everybody can read.
    envvar="BISIK_DATABASE",
    help="postgresql://... (or BISIK_DATABASE); by default a file of SQLite.",
)
@click.option("--join", is_flag=True, help="Add a machine to an installation.")
@click.pass_obj
def init(
    edge: Edge,
    directory: Path,
    profile: BinaryIO | None,
    organisation_key: BinaryIO | None,
    database: str | None,
    join: bool,
) -> None:
    """Make a server directory.  Everything is made, or nothing."""
    if join and not database:
        raise click.UsageError("--join needs the --database to join")
    create_server(
        directory,
        edge,
        profile=profile.read().decode("utf-8", "replace") if profile else None,
        organisation_key=organisation_key.read() if organisation_key else None,
        database=database,
        join=join,
    )
    click.echo(f"The server directory is {directory}.")
    if organisation_key is None:
        click.echo("Next: bisik organisation trust organisation.asc")
    else:
        click.echo("Next: bisik officers add ENROLMENT")


@click.command("migrate")
@directory_option
def migrate_command(directory: Path) -> None:
    """Bring the database to this version of Bisik.  Stop the sites before."""
    migrate_server(directory)
    click.echo("The database is of this version.")


@click.command()
@directory_option
@click.option("--port", type=click.IntRange(1, 65535), help="In place of bisik.toml's.")
@onion_option
@click.pass_obj
def serve(edge: Edge, directory: Path, port: int | None, onion: bool) -> None:
    """Serve the reporters' site until it is interrupted."""
    serve_site(
        directory,
        edge,
        port=port,
        onion=onion,
        ready=lambda address: click.echo(f"Listening on {address}."),
    )


@click.command()
@directory_option
@click.pass_obj
def tidy(edge: Edge, directory: Path) -> None:
    """
    Forget what has expired.  For a daily timer.

    Expired mailbox rows, sessions and whatever nobody needs any more go, the database
    forgets the order in which it was written, and officers' keys follow what the
    database says.  Every count is rounded up, so that none tells who was here.
    """
    with open_server(directory, edge) as server:
        removed = tidy_server(server, edge)
    click.echo("Tidied.  Removed were, in steps:")
    for line in removed.lines():
        click.echo(f"  {line}")
    click.echo(
        "The database was written anew: no free page has old content."
        if removed.by_day.laid_anew
        else "The database is too large to be written anew; deleted rows are zeros."
    )
