"""
`bisik desk access-key`, `bisik administrators access-key`: with what a person reaches a
service that is not for everybody.
"""

from pathlib import Path

import click

from journalist_app.durable import new_file
from ops.commands.options import NEW_FILE
from ops.edge import Edge
from tor.address import MalformedOnionAddress, OnionAddress, parse_onion_address
from tor.authorization import new_client

PRIVATE_SUFFIX = ".auth_private"


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


@click.command("access-key")
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

    It opens no desk.  The file is for the browser; the line on the screen is for the
    operator.
    """
    made = new_client(edge.entropy)
    _write(to, made.private_line(address) if address else made.private_key)
    click.echo(
        f"The private key is in {to}.  Tor Browser asks for it; nobody else may."
    )
    click.echo("Tell the operator the public key, which is no secret:")
    click.echo(made.public_key)


@click.command("access-key")
@click.option(
    "--to",
    "to",
    type=NEW_FILE,
    required=True,
    help="The private key, for tor's ClientOnionAuthDir; it stays on this computer.",
)
@click.option(
    "--address",
    type=AddressType(),
    required=True,
    help="Of the administrators' service.",
)
@click.pass_obj
def administrator_key(edge: Edge, to: Path, address: OnionAddress) -> None:
    """
    Make the key with which an administrator's tor reaches the server's ssh.

    The file's name must end in .auth_private.
    """
    if to.suffix != PRIVATE_SUFFIX:
        raise click.BadParameter(
            f"tor reads only files that end in {PRIVATE_SUFFIX}", param_hint="--to"
        )
    made = new_client(edge.entropy)
    _write(to, made.private_line(address))
    click.echo(f"The private key is in {to}.  It is for your tor alone.")
    click.echo("The public key is no secret; it goes to the server:")
    click.echo(made.public_key)


def _write(to: Path, private: str) -> None:
    with new_file(to) as file:
        file.write(f"{private}\n".encode("ascii"))
