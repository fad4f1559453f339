"""`bisik desk backup`, `restore`, `go-on`: what becomes of a desk that is lost."""

from pathlib import Path

import click

from journalist_app.durable import refuse_existing
from journalist_app.workstation.backing_up import restore_backup, write_backup
from journalist_app.workstation.colleagues import list_colleagues
from journalist_app.workstation.continuity import stop_waiting
from journalist_app.workstation.desk import read_record
from journalist_app.workstation.errors import UnknownColleague
from journalist_app.workstation.recovery_code import parse_recovery_code
from ops.commands.desk import opened, today_of
from ops.commands.options import (
    NEW_DIRECTORY,
    NEW_FILE,
    READABLE_FILE,
    desk_option,
)
from ops.edge import Edge
from ops.passphrases import ask_recovery_code


@click.command("backup")
@click.option("--to", "to", type=NEW_FILE, required=True, help="The backup.")
@click.option("--show-code", is_flag=True, help="Show the recovery code once more.")
@desk_option
@click.pass_obj
def backup(edge: Edge, desk_directory: Path, to: Path, show_code: bool) -> None:
    """
    Write the whole desk into one encrypted file.

    The file is read back before it counts.  It is opened by the recovery code of this
    desk, which is shown at the first backup.  Make one before each export: what the
    export says is held is in it.
    """
    refuse_existing(to)
    with opened(desk_directory, edge) as desk:
        made = write_backup(desk, to, today=today_of(edge, desk))
    click.echo(f"{made.files} files, {made.size_bytes} bytes, read back: {to}")
    if made.first or show_code:
        click.echo(f"Recovery code: {made.code}")
        click.echo("Write it on paper and lock it away, not beside the backups.")
        click.echo("Without it they are worth nothing; it opens every one of them.")


@click.command("restore")
@click.argument("backup_file", type=READABLE_FILE, metavar="BACKUP")
@click.argument("directory", type=NEW_DIRECTORY)
@click.pass_obj
def restore(_edge: Edge, backup_file: Path, directory: Path) -> None:
    """Make a lost desk from its backup.  Asks for the recovery code."""
    refuse_existing(directory)
    code = parse_recovery_code(ask_recovery_code())
    restore_backup(backup_file, directory, code)
    name = read_record(directory).name
    click.echo(
        f"The desk of {name} is {directory}, as it was when the backup was made."
    )
    click.echo("Never work with the lost one again, should it be found: erase it.")
    click.echo("Next: fetch a bundle, with --since 0, and import it: bisik desk import")


@click.command("go-on")
@click.option("--without", required=True, help="The officer, by name.")
@desk_option
@click.pass_obj
def go_on(edge: Edge, desk_directory: Path, without: str) -> None:
    """
    Let a restored desk wait for an officer no longer.

    Such a desk waits until the other desks have sent what it has lost, before it
    sends them anything of a case.  If it was lost that somebody had been excluded from
    a case, and only this officer knows, the case may be sent to whoever was excluded.
    """
    with opened(desk_directory, edge) as desk, desk.casebook.transaction() as within:
        for colleague in list_colleagues(desk, within):
            if colleague.name == without and not colleague.own:
                stop_waiting(within, colleague.desk_id)
                click.echo(f"This desk does not wait for {without} any more.")
                return
        raise UnknownColleague(UnknownColleague.__doc__)
