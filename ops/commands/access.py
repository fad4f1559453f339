"""`bisik officers grant-access` and so on: who can reach the courier at all."""

from pathlib import Path

import click

from ops.access import grant, revoke
from ops.commands.onion import find_onion
from ops.commands.options import onion_directory_option
from tor.authorization import parse_client_key

NOT_RUNNING = "Tor does not run; it counts from its next start."


@click.command("grant-access")
@click.argument("name")
@click.argument("key")
@onion_directory_option
def grant_access(directory: Path, name: str, key: str) -> None:
    """
    Let an officer's browser reach the courier's onion service.

    NAME is for you: small letters, digits and hyphens.  KEY is the public key that
    `bisik desk access-key` has shown to the officer.
    """
    told = grant(find_onion(directory), name, parse_client_key(key))
    click.echo(f"{name} can reach the courier.")
    if not told:
        click.echo(NOT_RUNNING)


@click.command("revoke-access")
@click.argument("name")
@onion_directory_option
def revoke_access(directory: Path, name: str) -> None:
    """
    Shut an officer's browser out, at once; what is open to others breaks off, too.
    """
    told = revoke(find_onion(directory), name)
    click.echo(f"{name} can no longer reach the courier.")
    if not told:
        click.echo(NOT_RUNNING)


@click.command("access")
@onion_directory_option
def access_command(directory: Path) -> None:
    """List who can reach the courier."""
    clients = find_onion(directory).clients
    clients.check()
    listed = clients.list()
    for name, key in sorted(listed.items()):
        click.echo(f"{name}  {key}")
    if not listed:
        click.echo("Nobody can reach the courier.")
