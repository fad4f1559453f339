"""`bisik organisation trust`: what a server is told of the organisation's key."""

from pathlib import Path

import click

from ops.commands.options import READABLE_FILE, directory_option
from ops.edge import Edge
from ops.server import open_server


@click.command("trust")
@click.argument("key", type=READABLE_FILE)
@directory_option
@click.pass_obj
def trust_command(edge: Edge, directory: Path, key: Path) -> None:
    """Let a server believe what the organisation's key certifies."""
    with open_server(directory, edge) as server:
        fingerprint = server.keyring.trust_organisation(key.read_bytes())
        server.synchronise(edge)
    click.echo(f"This server trusts {fingerprint}.")
    click.echo("Compare it with what bisik organisation init has shown.")
