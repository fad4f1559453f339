"""
The `bisik` command of a server.

    bisik init, serve, migrate, tidy              the server directory and its site
    bisik organisation trust                      whom it believes
    bisik officers add, list, role, receives...   who may open reports, and the courier
    bisik courier serve, export, apply            bundles out, outboxes in
    bisik administrators grant-access...          who reaches its ssh
    bisik onion torrc, status, backup...          how it is reached
    bisik backup make, verify, restore            a whole server, sealed, and back
    bisik doctor, counters                        is it well?
    bisik notify recipients, seal, send           one sealed message a day
    bisik notice set, show, clear                 what every page of the site says
    bisik leaflet                                 a page for the notice board
    bisik release activate, show, recover         which release counts

It is a part of the whole command (`ops.cli`), and imports nothing that opens a report
or makes a key with which one can be opened: what is not there cannot be used by whoever
breaks in.
"""

import click

from ops.commands.access import (
    access_command,
    administrators,
    grant_access,
    revoke_access,
)
from ops.commands.backup import backup
from ops.commands.counters import counters
from ops.commands.courier import courier
from ops.commands.doctor import doctor
from ops.commands.leaflet import leaflet
from ops.commands.notice import notice
from ops.commands.notify import notify
from ops.commands.officers import officers
from ops.commands.onion import onion
from ops.commands.release import release
from ops.commands.server import init, migrate_command, serve, tidy
from ops.commands.trusting import trust_command
from ops.edge import Edge
from ops.errors import REFUSALS, BisikGroup
from ops.server_refusals import SERVER_REFUSALS


class ServerBisik(BisikGroup):
    """The root of what a server can do."""

    refusals = SERVER_REFUSALS | REFUSALS


@click.group(cls=ServerBisik)
@click.version_option(package_name="bisik", prog_name="bisik")
@click.pass_context
def cli(context: click.Context) -> None:
    """Bisik on a server: the reporters' site, the courier, and their dead drop."""
    # Tests bring an edge of their own.
    context.ensure_object(Edge)


@cli.group("organisation")
def organisation() -> None:
    """Believe the organisation's key, which is made elsewhere."""


organisation.add_command(trust_command)
for below in (grant_access, revoke_access, access_command):
    officers.add_command(below)

ON_THE_NETWORK: tuple[click.Command, ...] = (
    init,
    serve,
    migrate_command,
    tidy,
    officers,
    administrators,
    courier,
    backup,
    onion,
    doctor,
    counters,
    notify,
    notice,
    leaflet,
    release,
)
for command in ON_THE_NETWORK:
    cli.add_command(command)


def main() -> None:
    """Run the command; the entry point of the server's Debian package."""
    cli(prog_name="bisik")
