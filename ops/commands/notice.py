"""`bisik notice`: what everybody reads at the top of the reporters' site."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import click

from casework.notice import Notice, UnusableNotice
from ops.commands.options import directory_option
from ops.edge import Edge
from ops.noticing import read_notice, remove_notice, write_notice
from ops.server import read_profile, read_settings


@click.group()
def notice() -> None:
    """Say something at the top of every page of the reporters' site, to all alike."""


@notice.command("set")
@click.option("--id", "indonesian", prompt="Indonesian", help="The Indonesian text.")
@click.option("--en", "english", prompt="English", help="The same in English.")
@click.option(
    "--through",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day on which it is shown; by default until it is removed.",
)
@directory_option
@click.pass_obj
def set_command(
    edge: Edge,
    directory: Path,
    indonesian: str,
    english: str,
    through: datetime | None,
) -> None:
    """
    Show a notice, in place of the one before, from the next page on.

    Without --id and --en the texts are asked for, or read from standard input, a line
    each.  At most 700 characters; everybody can read it, and so can whoever is
    reported.
    """
    today = _today(directory, edge)
    last = through.date() if through else None
    posted = Notice.of(indonesian, english, last)
    if not posted.is_shown_on(today):
        raise UnusableNotice(f"{last} is over: today is {today}")
    write_notice(directory, posted)
    for line in _said(posted, today):
        click.echo(line)


@notice.command("show")
@directory_option
@click.pass_obj
def show(edge: Edge, directory: Path) -> None:
    """Say what is shown, and until when."""
    today = _today(directory, edge)
    posted = read_notice(directory)
    if posted is None:
        click.echo("No notice is shown.")
        return
    for line in _said(posted, today):
        click.echo(line)


@notice.command("clear")
@directory_option
@click.pass_obj
def clear(edge: Edge, directory: Path) -> None:
    """Show no notice any more, from the next page on."""
    # There must be a server, or somebody would look away from the wrong folder.
    _today(directory, edge)
    if remove_notice(directory):
        click.echo("The notice is gone.")
    else:
        click.echo("There was no notice.")


def _said(posted: Notice, today: date) -> Iterator[str]:
    yield f"id  {posted.id}"
    yield f"en  {posted.en}"
    if posted.through is None:
        yield "It is shown until: bisik notice clear"
    elif posted.is_shown_on(today):
        yield f"It is shown through {posted.through}."
    else:
        yield f"It was shown through {posted.through}, and is not shown any more."


def _today(directory: Path, edge: Edge) -> date:
    """Return the institution's day; the dead drop need not even open."""
    read_settings(directory)
    return edge.today(read_profile(directory).zone)
