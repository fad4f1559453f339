"""`bisik notify`: one sealed message a day, the same whatever there is to say."""

import os
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final

import click

from crypto.admission import KeyNotAdmitted, armored
from crypto.fingerprint import Fingerprint
from crypto.lifetimes import Purpose, lifetime_in
from crypto.recipients import FingerprintNotThatOfTheKey
from ops.commands.introducing import FINGERPRINT
from ops.commands.options import FILE_TO_READ, READABLE_FILE, directory_option
from ops.edge import Edge
from ops.notifying.errors import UnusableRecipient
from ops.notifying.mail import MailSettings
from ops.notifying.posting import post_all
from ops.notifying.recipients import (
    Audience,
    Recipient,
    add_recipient,
    parse_address,
    read_recipients,
    remove_recipient,
)
from ops.notifying.sealing import read_health, seal_for_all
from ops.notifying.wording import News
from ops.server import open_server

SETTINGS: Final = Path("/etc/bisik/mail.toml")
OUTGOING: Final = Path("/run/bisik-notify/outgoing")
HEALTH: Final = Path("/run/bisik-doctor/health.json")
STATE: Final = Path("/var/lib/bisik-notify")
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"

settings_option = click.option(
    "--settings",
    type=READABLE_FILE,
    default=SETTINGS,
    show_default=True,
    help="The mail server.",
)
outgoing_option = click.option(
    "--outgoing",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=OUTGOING,
    show_default=True,
    help="The folder in memory for sealed messages.",
)


@click.group()
def notify() -> None:
    """Tell officers and operators once a day, sealed, and the same every day."""


@notify.group()
def recipients() -> None:
    """Say who gets a message a day."""


@recipients.command("add")
@click.argument("certificate", type=FILE_TO_READ)
@click.option("--address", required=True, help="The mailbox; better not a name.")
@click.option(
    "--fingerprint",
    type=FINGERPRINT,
    required=True,
    help="Of the certificate, as its owner said it.",
)
@click.option(
    "--for",
    "audience",
    type=click.Choice([one.value for one in Audience]),
    required=True,
    help="An operator is also told how the server is.",
)
@directory_option
@click.pass_obj
def add(
    edge: Edge,
    directory: Path,
    certificate: BinaryIO,
    address: str,
    fingerprint: Fingerprint,
    audience: str,
) -> None:
    """
    Let somebody get a message a day, sealed to the CERTIFICATE in a file.

    It is the key of their mail program, and never the one of a desk.
    """
    key_file = certificate.read()
    with open_server(directory, edge) as server:
        today = server.today(edge)
        life = lifetime_in(key_file, Purpose.SEALING, today=today)
        if life.fingerprint != fingerprint:
            raise FingerprintNotThatOfTheKey(FingerprintNotThatOfTheKey.__doc__)
        if life.unfit_because is not None:
            raise KeyNotAdmitted(f"the key {fingerprint} is {life.unfit_because}")
        desks = {officer.fingerprint for officer in server.drop.officers.list()}
        if fingerprint in desks:
            raise UnusableRecipient(
                "this is the key of a desk, which can be read nowhere else"
            )
        recipient = Recipient(
            address=parse_address(address),
            audience=Audience(audience),
            fingerprint=fingerprint,
            certificate=armored(key_file),
        )
        add_recipient(server.directory, recipient)
    click.echo(f"{recipient.address} gets a message a day, sealed to {fingerprint},")
    click.echo(f"which is good {_until(life.ends)}.")
    click.echo("Whoever seizes this server reads the address, and the name in the key.")


@recipients.command("remove")
@click.argument("address")
@directory_option
@click.pass_obj
def remove(edge: Edge, directory: Path, address: str) -> None:
    """Let somebody get no message any more."""
    with open_server(directory, edge) as server:
        remove_recipient(server.directory, address.strip())
    click.echo(f"{address.strip()} gets no message any more.")


@recipients.command("list")
@directory_option
@click.pass_obj
def list_command(edge: Edge, directory: Path) -> None:
    """Say who gets a message a day, and until when it can be sealed."""
    with open_server(directory, edge) as server:
        today = server.today(edge)
        listed = read_recipients(server.directory)
    if not listed:
        click.echo("Nobody gets a message.")
    for one in listed:
        life = lifetime_in(one.certificate.encode(), Purpose.SEALING, today=today)
        state = life.unfit_because or f"good {_until(life.ends)}"
        click.echo(f"{one.address}  {one.audience.value}  {one.fingerprint}  {state}")


@notify.command("seal")
@settings_option
@outgoing_option
@click.option(
    "--health",
    type=click.Path(path_type=Path, dir_okay=False),
    default=HEALTH,
    show_default=True,
    help="What bisik doctor --note has written.",
)
@directory_option
@click.pass_context
def seal_command(
    context: click.Context,
    directory: Path,
    settings: Path,
    outgoing: Path,
    health: Path,
) -> None:
    """Seal today's messages.  Some minutes before they are sent, without a network."""
    edge: Edge = context.obj
    mail = MailSettings.parse(settings.read_text("utf-8", "replace"))
    with open_server(directory, edge) as server:
        today = server.today(edge)
        refused = seal_for_all(
            News(
                day=today,
                something=server.drop.desks.anything_to_fetch(),
                health=read_health(health, today=today),
            ),
            read_recipients(server.directory),
            outgoing,
            sender=mail.sender,
            entropy=edge.entropy,
        )
    for address, reason in refused.items():
        click.echo(f"Nothing is sealed to {address}: {reason}", err=True)
    if refused:
        context.exit(1)
    click.echo("Today's messages are sealed.")


@notify.command("send")
@settings_option
@outgoing_option
@click.option(
    "--state",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=STATE,
    show_default=True,
    help="A folder of the sender's own.",
)
def send(settings: Path, outgoing: Path, state: Path) -> None:
    """
    Send what is sealed, through Tor.  At the same time every day.

    The password of the mail account is a credential of systemd's, `mail-password`.
    It may be run again after a failure: what was sent is not sent twice.
    """
    named = os.environ.get(CREDENTIALS)
    post_all(
        outgoing,
        MailSettings.parse(settings.read_text("utf-8", "replace")),
        credentials=Path(named) if named else None,
        state=state,
    )
    click.echo("What was sealed is sent.")


def _until(ends: date | None) -> str:
    return f"until {ends}" if ends else "without an end"
