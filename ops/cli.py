"""
The `bisik` command.

    bisik run                                     everything, to try it out
    bisik init, serve, migrate, tidy              the server
    bisik organisation init, certify, extend      who says who is an officer
    bisik organisation trust                      and who believes it
    bisik organisation split, join                its key on paper
    bisik officers add, list, role, remove        who may open reports
    bisik courier export, apply                   bundles out, outboxes in
    bisik desk init, import, list, show, reply, export, statistics, train
    bisik desk keys list, extend, destroy
    bisik desk case-file, verify-case-file        a case for somebody outside
    bisik leaflet                                 a page for the notice board

A refusal is one line of error and one of hint, and exit code 1; wrong usage is
exit code 2.  Neither shows a secret, and neither shows a traceback.
"""

from typing import Any

import click

from ops.commands.case_file import case_file, verify
from ops.commands.courier import courier
from ops.commands.desk import desk
from ops.commands.desk_keys import keys
from ops.commands.leaflet import leaflet
from ops.commands.officers import officers
from ops.commands.organisation import organisation
from ops.commands.organisation_paper import join, split
from ops.commands.run import run
from ops.commands.server import init, migrate_command, serve, tidy
from ops.commands.statistics import statistics
from ops.commands.training import train
from ops.edge import Edge
from ops.errors import REFUSALS, Refusal


class BisikGroup(click.Group):
    """The root of the command, which turns errors into refusals."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except REFUSALS as error:
            raise Refusal.of(error) from None


@click.group(cls=BisikGroup)
@click.version_option(package_name="bisik", prog_name="bisik")
@click.pass_context
def cli(context: click.Context) -> None:
    """Bisik: a whistleblowing service that keeps no list of its reporters."""
    # Tests bring an edge of their own.
    context.ensure_object(Edge)


desk.add_command(keys)
organisation.add_command(split)
organisation.add_command(join)
desk.add_command(statistics)
desk.add_command(train)

for command in (
    run,
    init,
    serve,
    migrate_command,
    tidy,
    organisation,
    officers,
    courier,
    desk,
    leaflet,
    verify,
):
    cli.add_command(command)
desk.add_command(case_file)


def main() -> None:
    """Run the command; the entry point of the package."""
    cli(prog_name="bisik")
