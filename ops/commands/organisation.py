"""`bisik organisation`: the key that says who is an officer."""

from datetime import datetime
from pathlib import Path

import click

from crypto.fingerprint import Fingerprint
from journalist_app.durable import new_file, refuse_existing
from ops.commands.introducing import FINGERPRINT, read_enrolment
from ops.commands.options import (
    EXISTING_DIRECTORY,
    NEW_DIRECTORY,
    NEW_FILE,
    READABLE_FILE,
)
from ops.edge import Edge
from ops.organisation import (
    PUBLIC_KEY,
    certify_enrolment,
    create_organisation,
    extend_organisation,
    read_organisation,
)
from ops.passphrases import ORGANISATION_FD, ask_passphrase
from ops.shipped import local_zone

UNPROTECTED = (
    "Without a passphrase, whoever gets hold of this folder can make anybody an "
    "officer.  Keep it on an encrypted disk, offline, under lock and key."
)


@click.group()
def organisation() -> None:
    """Make and use the organisation's key."""


@organisation.command("init")
@click.argument("directory", type=NEW_DIRECTORY)
@click.option("--name", default="Bisik", show_default=True, help="In the key.")
@click.option("--no-passphrase", is_flag=True, help="For an encrypted disk.")
@click.pass_obj
def init_organisation(
    edge: Edge, directory: Path, name: str, no_passphrase: bool
) -> None:
    """Make the organisation's key.  On a machine without a network."""
    refuse_existing(directory)
    if no_passphrase:
        click.echo(f"Warning: {UNPROTECTED}", err=True)
        passphrase = None
    else:
        passphrase = ask_passphrase(
            "the organisation's key", variable=ORGANISATION_FD, new=True
        )
    fingerprint = create_organisation(
        directory, name=name, passphrase=passphrase, today=edge.today(local_zone())
    )
    click.echo(f"The organisation's key is {fingerprint}.")
    click.echo(f"Take {directory / PUBLIC_KEY} to every server.")


@organisation.command("certify")
@click.argument("directory", type=EXISTING_DIRECTORY)
@click.argument("enrolment", type=READABLE_FILE)
@click.option("--to", "to", type=NEW_FILE, required=True, help="The certified file.")
@click.option(
    "--fingerprint",
    type=FINGERPRINT,
    prompt="Fingerprint, as the officer reads it from their own screen",
    help="As the officer reads it from their own screen.",
)
@click.pass_obj
def certify(
    edge: Edge, directory: Path, enrolment: Path, to: Path, fingerprint: Fingerprint
) -> None:
    """
    Certify an officer's key.

    The fingerprint must come from the officer and not from the file: comparing
    the two is what a certification says.
    """
    refuse_existing(to)
    record = read_organisation(directory)
    passphrase = (
        ask_passphrase("the organisation's key", variable=ORGANISATION_FD)
        if record.protected
        else None
    )
    certified = certify_enrolment(
        directory,
        read_enrolment(enrolment),
        fingerprint_read_out=fingerprint,
        passphrase=passphrase,
        today=edge.today(local_zone()),
    )
    with new_file(to) as file:
        file.write(certified.to_json())
    click.echo(f"{certified.name} is certified: {to}")
    click.echo("Take it to the server: bisik officers add ENROLMENT")


@organisation.command("extend")
@click.argument("directory", type=EXISTING_DIRECTORY)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="The day from which the key shall certify nobody any more.",
)
@click.pass_obj
def extend(edge: Edge, directory: Path, until: datetime) -> None:
    """
    Give the organisation's key another end, before it ends.

    Whom it has certified stays certified.
    """
    today = edge.today(local_zone())
    if until.date() <= today:
        raise click.BadParameter("it must lie ahead", param_hint="--until")
    record = read_organisation(directory)
    passphrase = (
        ask_passphrase("the organisation's key", variable=ORGANISATION_FD)
        if record.protected
        else None
    )
    extend_organisation(
        directory, ends=until.date(), passphrase=passphrase, today=today
    )
    click.echo(f"The organisation's key ends on {until.date()}.")
    click.echo(f"Take {directory / PUBLIC_KEY} to every server and every desk:")
    click.echo("bisik organisation trust KEY, bisik desk trust KEY")
