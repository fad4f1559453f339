"""`bisik officers grant-access` and so on: who can reach the courier at all."""

from pathlib import Path

import click

from journalist_app.durable import new_file
from ops.access import grant, revoke
from ops.commands.desk import desk
from ops.commands.officers import officers
from ops.commands.onion import find_onion
from ops.commands.options import NEW_FILE, directory_option
from ops.edge import Edge
from tor.address import MalformedOnionAddress, OnionAddress, parse_onion_address
from tor.authorization import new_client, parse_client_key

NOT_RUNNING = "Tor does not run; it counts from its next start."


class AddressType(click.ParamType[OnionAddress]):
    """An onion address as people paste it."""

    name = "address"

    def convert(
        self,
        value: object,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> OnionAddress:
        """Understand what was typed, or refuse it as wrong usage."""
        try:
            return parse_onion_address(str(value))
        except MalformedOnionAddress as error:
            self.fail(str(error), param, ctx)


@officers.command("grant-access")
@click.argument("name")
@click.argument("key")
@directory_option
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


@officers.command("revoke-access")
@click.argument("name")
@directory_option
def revoke_access(directory: Path, name: str) -> None:
    """
    Shut an officer's browser out, at once; what is open to others breaks off, too.
    """
    told = revoke(find_onion(directory), name)
    click.echo(f"{name} can no longer reach the courier.")
    if not told:
        click.echo(NOT_RUNNING)


@officers.command("access")
@directory_option
def access(directory: Path) -> None:
    """List who can reach the courier."""
    clients = find_onion(directory).clients
    clients.check()
    listed = clients.list()
    for name, key in sorted(listed.items()):
        click.echo(f"{name}  {key}")
    if not listed:
        click.echo("Nobody can reach the courier.")


@desk.command("access-key")
@click.option(
    "--to",
    "to",
    type=NEW_FILE,
    required=True,
    help="The private key; it never leaves the officer.",
)
@click.option(
    "--address",
    type=AddressType(),
    help="Of the courier; then the file is one for tor's ClientOnionAuthDir.",
)
@click.pass_obj
def access_key(edge: Edge, to: Path, address: OnionAddress | None) -> None:
    """
    Make the key with which an officer's Tor Browser reaches the courier.

    It needs no desk: make it where the browser is.
    """
    made = new_client(edge.entropy)
    private = made.private_line(address) if address else made.private_key
    with new_file(to) as file:
        file.write(f"{private}\n".encode("ascii"))
    click.echo(
        f"The private key is in {to}.  Tor Browser asks for it; nobody else may."
    )
    click.echo("Tell the operator the public key, which is no secret:")
    click.echo(made.public_key)
