"""`bisik desk move`: when another server takes the place of the old one."""

from pathlib import Path

import click

from casework.installation import parse_spoken, spoken
from journalist_app.workstation.moving import Standing, move, standing_of
from ops.commands.desk import opened, today_of
from ops.commands.options import desk_option
from ops.edge import Edge


@click.command("move")
@click.option("--to", "typed", help="The new server's identity; asked for by default.")
@click.option(
    "--ask-colleagues",
    is_flag=True,
    help="Let other desks send again all that this one may know.",
)
@click.option("--yes", is_flag=True, help="Do not ask whether it is really meant.")
@desk_option
@click.pass_obj
def move_command(
    edge: Edge, desk_directory: Path, typed: str | None, ask_colleagues: bool, yes: bool
) -> None:
    """
    Let a desk belong to another server: the old one is lost or not to be trusted.

    The operator says the new server's identity face to face: bisik courier identity.
    Cases and keys stay.  The reporters of the old server cannot be answered any more.
    """
    with opened(desk_directory, edge) as desk:
        standing = standing_of(desk)
        click.echo(f"This desk belongs to  {spoken(standing.installation)}")
        coming = parse_spoken(typed or click.prompt("It moves to           "))
        if not yes:
            _warn(standing)
            click.confirm("Did the operator say it face to face?", abort=True)
        left = move(
            desk, coming, ask_colleagues=ask_colleagues, today=today_of(edge, desk)
        )
    click.echo(f"This desk belongs to  {spoken(coming)}")
    for name in left.waiting:
        click.echo(f"! case {name}: an answer may not have reached its reporter")
    click.echo("Next: import a bundle of that server, export, and bring the outbox.")


def _warn(standing: Standing) -> None:
    click.echo("Bundles of the old server, and of whoever took it, are refused then.")
    click.echo(f"{standing.cases} cases stay here, and cannot be answered any more.")
