"""`bisik onion`: the way in, and whether it is open."""

from pathlib import Path

import click

from ops.address_words import address_words
from ops.commands.doctor import find_onion, tell
from ops.commands.hanging_up import outliving_hang_up
from ops.commands.options import NEW_FILE, READABLE_FILE, onion_directory_option
from ops.doctor import examine_onion
from ops.edge import Edge
from ops.onion import Onion, prepare_onion, write_torrc
from ops.onion_keys import OtherAddress, back_up, restore, rotate
from ops.passphrases import ask_passphrase
from tor.address import parse_onion_address

BACKUP_FD = "BISIK_BACKUP_PASSPHRASE_FD"


@click.group()
def onion() -> None:
    """Set up, watch and keep the onion services of this server."""


@onion.command("torrc")
@click.option("--to", "to", type=NEW_FILE, help="By default in the onion folder.")
@click.option("--user", help="Whom tor runs as, if root prepares it for them.")
@click.option("--never-root", is_flag=True, help="Tor is started as that user.")
@onion_directory_option
@click.pass_obj
def torrc(
    edge: Edge, directory: Path, to: Path | None, user: str | None, never_root: bool
) -> None:
    """
    Write the torrc, and make what tor needs; tor itself reads it first.

    May be repeated: keys, addresses and access stay.
    """
    place = find_onion(directory, making=True, user=user)
    prepare_onion(place, entropy=edge.entropy, user=user)
    path = to or place.torrc
    write_torrc(place, path, user=user, never_root=never_root)
    click.echo(f"Tor accepts {path}.")
    click.echo("Start tor with it, or reload tor; then: bisik onion status")


@onion.command("status")
@onion_directory_option
@click.pass_context
def status(context: click.Context, directory: Path) -> None:
    """Say whether reporters and officers can get in.  Exit code 1 if not."""
    if tell(examine_onion(find_onion(directory), context.obj)):
        context.exit(1)


@onion.command("backup")
@click.option("--to", "to", type=NEW_FILE, required=True, help="The sealed file.")
@onion_directory_option
def backup(directory: Path, to: Path) -> None:
    """
    Save addresses and access, sealed with a passphrase.

    Whoever has the file and the passphrase can put up a site at your address.
    """
    place = find_onion(directory)
    passphrase = ask_passphrase("the backup", variable=BACKUP_FD, new=True)
    addresses = back_up(place, to, passphrase=passphrase)
    for address in addresses:
        click.echo(address)
    click.echo(f"are saved in {to}.  Keep it away from this server.")


@onion.command("restore")
@click.argument("file", type=READABLE_FILE)
@click.option("--user", help="Whom tor runs as, if root prepares it for them.")
@onion_directory_option
@click.pass_obj
def restore_command(edge: Edge, directory: Path, file: Path, user: str | None) -> None:
    """Bring addresses and access back, into an onion folder without any."""
    place = find_onion(directory, making=True, user=user)
    passphrase = ask_passphrase("the backup", variable=BACKUP_FD)
    addresses = restore(
        place, file, passphrase=passphrase, entropy=edge.entropy, user=user
    )
    for address in addresses:
        click.echo(address)
    click.echo("are back.  Next: bisik onion torrc, then start tor.")


@onion.command("rotate")
@click.option("--administrators", is_flag=True, help="The administrators' service.")
@click.option("--reporters", is_flag=True, help="The reporters': every leaflet dies.")
@click.option(
    "--giving-up",
    "untrusted_old",
    metavar="ADDRESS",
    help="The reporters' address that ends; asked for by default.",
)
@onion_directory_option
def rotate_command(
    directory: Path, administrators: bool, reporters: bool, untrusted_old: str | None
) -> None:
    """
    Give the officers' service a new address; those who have access keep it.

    The old address is gone for good, and with it whoever only knew that one.
    """
    if administrators and reporters:
        raise click.UsageError("one service after the other")
    if untrusted_old is not None and not reporters:
        raise click.UsageError("--giving-up is about the reporters' address")
    place = find_onion(directory)
    if reporters:
        _rotate_reporters(place, untrusted_old)
        return
    if administrators:
        with outliving_hang_up():
            address = rotate(place, place.administrators)
        click.echo(f"Administrators reach this machine at {address} from now on.")
        click.echo("Tell each of them face to face.")
        return
    address = rotate(place, place.officers)
    click.echo(f"The courier is now at {address}.")
    click.echo("Start the courier anew, and tell each officer face to face.")


def _rotate_reporters(place: Onion, untrusted_old: str | None) -> None:
    """Give up the address that hangs on notice boards, if that is really meant."""
    old = place.address(place.reporters)
    if untrusted_old is None:
        click.echo(f"Reporters know this server as {old}.")
        click.echo("That address ends for good, on every leaflet and in every memory.")
        untrusted_old = click.prompt("Type or paste it to give it up")
    if parse_onion_address(untrusted_old.strip()) != old:
        raise OtherAddress(OtherAddress.__doc__)
    address = rotate(place, place.reporters)
    click.echo(f"Reporters reach this server at {address} from now on.")
    click.echo(f"In words: {' '.join(address_words(address))}")
    click.echo(
        "Next: run the playbook, or start the site anew, so that it answers to it;"
    )
    click.echo("then: bisik onion status, bisik onion backup, bisik leaflet.")


@onion.command("words")
@click.argument("address", required=False)
@onion_directory_option
def words(directory: Path, address: str | None) -> None:
    """Say the six words of the reporters' ADDRESS, by default this server's."""
    if address is None:
        place = find_onion(directory)
        parsed = place.address(place.reporters)
    else:
        parsed = parse_onion_address(address)
    click.echo(" ".join(address_words(parsed)))
