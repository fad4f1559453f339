"""
The `bisik` command.

    bisik run                                     everything, to try it out
    bisik init, serve, migrate, tidy              the server
    bisik organisation init, certify, extend      who says who is an officer
    bisik organisation trust                      and who believes it
    bisik organisation split, join                its key on paper
    bisik officers add, list, role, receives, remove   who may open reports
    bisik officers account                        and who may use the courier
    bisik courier serve, export, apply            bundles out, outboxes in
    bisik desk init, trust, open, train           a desk, and its browser
    bisik desk import, list, show, contact, reply, export, statistics
    bisik desk backup, restore, go-on             when it was lost
    bisik desk move                               when the server was
    bisik desk keys list, extend, destroy         its keys, by the month
    bisik desk case-file, verify-case-file        a case for somebody outside
    bisik onion torrc, status, backup, restore, rotate
    bisik officers grant-access, revoke-access, access
    bisik administrators access-key, grant-access, revoke-access, access
    bisik backup make, verify, restore            a whole server, sealed, and back
    bisik doctor                                  is everything well?
    bisik notify recipients, seal, send           one sealed message a day
    bisik notice set, show, clear                 what every page of the site says
    bisik counters                                what a monitoring system may know
    bisik leaflet                                 a page for the notice board
    bisik release activate, show, recover         which release of a server counts

A refusal is one line of error and one of hint, and exit code 1; wrong usage is
exit code 2.  Neither shows a secret, and neither shows a traceback.
"""

import click

from ops.commands.access import administrators
from ops.commands.access_key import administrator_key
from ops.commands.organisation import organisation
from ops.commands.run import run
from ops.commands.trusting import trust_command
from ops.desk_cli import OFF_THE_NETWORK
from ops.desk_refusals import DESK_REFUSALS
from ops.edge import Edge
from ops.errors import REFUSALS, BisikGroup
from ops.server_cli import ON_THE_NETWORK
from ops.server_refusals import SERVER_REFUSALS


class WholeBisik(BisikGroup):
    """The root of everything."""

    refusals = SERVER_REFUSALS | DESK_REFUSALS | REFUSALS


@click.group(cls=WholeBisik)
@click.version_option(package_name="bisik", prog_name="bisik")
@click.pass_context
def cli(context: click.Context) -> None:
    """Bisik: a whistleblowing service that keeps no list of its reporters."""
    # Tests bring an edge of their own.
    context.ensure_object(Edge)


organisation.add_command(trust_command)
# A private key has nothing to do on a server.
administrators.add_command(administrator_key)
for command in (run, *OFF_THE_NETWORK, *ON_THE_NETWORK):
    cli.add_command(command)


def main() -> None:
    """Run the command; the entry point of the package."""
    cli(prog_name="bisik")
