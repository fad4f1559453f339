"""`bisik organisation trust`: what a server is told of the organisation's key."""

from pathlib import Path
from typing import BinaryIO

import click

from ops.commands.options import FILE_TO_READ, directory_option
from ops.edge import Edge
from ops.server import open_server


@click.command("trust")
@click.argument("key", type=FILE_TO_READ)
@directory_option
@click.pass_obj
def trust_command(edge: Edge, directory: Path, key: BinaryIO) -> None:
    """Let a server believe what the organisation's key certifies."""
    with open_server(directory, edge) as server:
        fingerprint = server.keyring.trust_organisation(key.read())
        server.synchronise(edge)
    click.echo(f"This server trusts {fingerprint}.")
    click.echo("Compare it with what bisik organisation init has shown.")
