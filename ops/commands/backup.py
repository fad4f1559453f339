"""`bisik backup`: everything of one server, sealed; and a server from it."""

from pathlib import Path
from typing import BinaryIO

import click

from ops.backups.making import make_backup
from ops.backups.restoring import Found, Places, Restored, restore_backup
from ops.backups.settings import MOST_DAYS, PATH, read_backup_settings
from ops.backups.verifying import verify_backup
from ops.commands.doctor import find_onion
from ops.commands.options import (
    EXISTING_DIRECTORY,
    FILE_TO_READ,
    onion_directory_option,
)
from ops.edge import Edge

FOLDER = Path("/var/backups/bisik")


@click.group()
def backup() -> None:
    """Back a whole server up, sealed to its operator, and bring it back."""


@backup.command("make")
@click.option(
    "--to",
    "folder",
    type=EXISTING_DIRECTORY,
    default=FOLDER,
    show_default=True,
    help="The folder of backups.",
)
@click.option(
    "--recipient",
    "recipients",
    type=FILE_TO_READ,
    multiple=True,
    help=f"Public key of who can open it, in place of those that {PATH} names; may be "
    "repeated.",
)
@click.option(
    "--keep",
    "keep_days",
    type=click.IntRange(1, MOST_DAYS),
    help=f"Remove backups that are older than so many days; by default {PATH} says it.",
)
@click.option(
    "--without-addresses",
    is_flag=True,
    help="Leave out the keys of the onion services, which only root can read.",
)
@onion_directory_option
@click.pass_obj
def make(
    edge: Edge,
    directory: Path,
    folder: Path,
    recipients: tuple[BinaryIO, ...],
    keep_days: int | None,
    without_addresses: bool,
) -> None:
    """
    Make a backup while the sites serve.

    It is read back before it gets its name; older ones are removed after that.
    """
    onion = None
    if not without_addresses:
        onion = find_onion(directory)
    settings = read_backup_settings(edge.machine)
    certificates = [recipient.read() for recipient in recipients]
    made = make_backup(
        directory.absolute(),
        edge,
        folder=folder,
        certificates=certificates
        or [edge.machine.path(path).read_bytes() for path in settings.recipients],
        onion=onion,
        keep_days=keep_days or settings.keep_days,
    )
    for key, why in made.refused.items():
        click.echo(f"NOT sealed to {key}: {why}", err=True)
    click.echo(f"{made.path}, {made.size_bytes} bytes")
    click.echo(f"SHA-256 {made.sha256}")
    for key in made.recipients:
        click.echo(f"Whoever has the private key {key} can open it.")
    if without_addresses:
        click.echo("The addresses are not in it: bisik onion backup")
    if made.removed:
        click.echo(f"{made.removed} old backups were removed.")


@backup.command("verify")
@click.argument("file", type=FILE_TO_READ)
@click.option(
    "--scratch",
    type=EXISTING_DIRECTORY,
    help="Where to restore to, in place of a folder in memory.",
)
@click.option(
    "--on-encrypted-disk",
    is_flag=True,
    help="The scratch folder may be on a disk: it is encrypted.",
)
def verify(file: BinaryIO, scratch: Path | None, on_encrypted_disk: bool) -> None:
    """
    Restore an opened backup into memory, and say what is in it.

    On the machine of whoever can open it:

    gpg --decrypt FILE | bisik backup verify -
    """
    restored = verify_backup(file, scratch=scratch, on_disk=on_encrypted_disk)
    click.echo("The backup is whole, and a server can be made from it.")
    _tell(restored)


@backup.command("restore")
@click.argument("file", type=FILE_TO_READ)
@click.option("--onion", type=click.Path(path_type=Path), help="Another onion folder.")
@click.option("--database", help="postgresql://...; an empty one, in place of the old.")
@click.option("--user", help="Whom tor runs as, if root prepares it for them.")
@onion_directory_option
@click.pass_obj
def restore(
    edge: Edge,
    directory: Path,
    file: BinaryIO,
    onion: Path | None,
    database: str | None,
    user: str | None,
) -> None:
    """
    Make a server directory from an opened backup; everything is made, or nothing.

    Nothing is replaced.  The private key stays where it is, and the backup comes
    through ssh:

    gpg --decrypt FILE | ssh SERVER bisik backup restore -
    """
    places = Places(onion=onion, database=database, tor_user=user)
    restored = restore_backup(file, directory, edge, places)
    click.echo(f"The server directory is {directory}.")
    _tell(restored)
    click.echo("Next: bisik onion torrc, start tor and the sites, then: bisik doctor")
    click.echo("Then let every officer fetch a bundle, and bring the outboxes again.")


def _tell(restored: Restored) -> None:
    about, found = restored.about, restored.found
    click.echo(f"  made on       {about.day} by Bisik {about.bisik}")
    for address in restored.addresses:
        click.echo(f"  address       {address}")
    if not restored.addresses:
        click.echo("  address       none: they were left out")
    click.echo(f"  organisation  {_organisation(found)}")
    for officer in found.officers:
        click.echo(f"  officer       {officer}")
    click.echo(f"  sealed items  fewer than {found.items_below}")
    click.echo("Nobody has signed a backup: compare the addresses with a notice board,")
    click.echo("and the organisation's key with its sheet of paper.")


def _organisation(found: Found) -> str:
    return found.organisation or "none is trusted yet"
