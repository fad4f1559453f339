"""
The `bisik` command of a machine that never touches a network.

    bisik organisation init, certify, split...    who says who is an officer
    bisik desk init, open, import, list, show...  reading and answering reports
    bisik verify-case-file                        what officers have given away

It is a part of the whole command (`ops.cli`), and imports nothing that serves a site
or keeps a dead drop: what is not there cannot be started by mistake.
"""

import click

from ops.commands.access_key import access_key
from ops.commands.case_file import case_file, verify
from ops.commands.desk import desk
from ops.commands.desk_backup import backup, go_on, restore
from ops.commands.desk_carrying import export, import_command
from ops.commands.desk_keys import keys
from ops.commands.desk_move import move_command
from ops.commands.organisation import organisation
from ops.commands.organisation_paper import join, split
from ops.commands.statistics import statistics
from ops.commands.training import train
from ops.desk_refusals import DESK_REFUSALS
from ops.edge import Edge
from ops.errors import REFUSALS, BisikGroup


class DeskBisik(BisikGroup):
    """The root of what a machine without a network can do."""

    refusals = DESK_REFUSALS | REFUSALS


@click.group(cls=DeskBisik)
@click.version_option(package_name="bisik", prog_name="bisik")
@click.pass_context
def cli(context: click.Context) -> None:
    """Bisik on a machine without a network: desks, and the organisation's key."""
    context.ensure_object(Edge)


for below in (
    access_key,
    backup,
    case_file,
    export,
    go_on,
    import_command,
    keys,
    move_command,
    restore,
    statistics,
    train,
):
    desk.add_command(below)
for below in (join, split):
    organisation.add_command(below)

OFF_THE_NETWORK: tuple[click.Command, ...] = (organisation, desk, verify)
for command in OFF_THE_NETWORK:
    cli.add_command(command)


def main() -> None:
    """Run the command; the entry point of the desk's Debian package."""
    cli(prog_name="bisik")
