"""`bisik desk keys`: the calendar of the officer's keys."""

from datetime import date, datetime
from pathlib import Path

import click

from casework.enrolment import Enrolment
from journalist_app.durable import new_file, refuse_existing
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.rotation import (
    GRACE_DAYS,
    KeyCalendar,
    Obstacle,
    SubkeyState,
    destroy_subkeys,
    extend_to,
    key_calendar,
)
from ops.commands.desk import opened
from ops.commands.options import NEW_FILE, desk_option
from ops.edge import Edge
from ops.errors import NothingToDestroy


@click.group()
def keys() -> None:
    """Show, extend and destroy keys, month by month."""


@keys.command("list")
@desk_option
@click.pass_obj
def list_command(edge: Edge, desk_directory: Path) -> None:
    """
    Show the calendar of the encryption subkeys.

    New ones are made when an outbox is exported, and those of past months are
    destroyed when a bundle is imported, as soon as nothing more can come for them.
    """
    with opened(desk_directory, edge) as desk:
        today = edge.today(desk.profile.zone)
        click.echo(_calendar(_read(desk, today), today))


@keys.command("extend")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="The day from which the key shall be no good.",
)
@click.option(
    "--enrolment",
    type=NEW_FILE,
    help="Write the renewed key for the operator, if it had ended already.",
)
@desk_option
@click.pass_obj
def extend_command(
    edge: Edge, desk_directory: Path, until: datetime, enrolment: Path | None
) -> None:
    """
    Give the officer's key another end.

    The subkeys of a year ahead are made, too.  The next outbox takes the renewed key to
    the server and to the other desks.  Once the key has ended on the server, it refuses
    the outbox: then take the enrolment to its operator, who runs bisik officers add.
    """
    if enrolment is not None:
        refuse_existing(enrolment)
    ends = until.date()
    with opened(desk_directory, edge) as desk:
        today = edge.today(desk.profile.zone)
        if ends <= today:
            raise click.BadParameter("it must lie ahead", param_hint="--until")
        made = extend_to(desk, ends=ends, today=today)
        if enrolment is not None:
            with new_file(enrolment) as file:
                file.write(_enrolment(desk).to_json())
        shown = _calendar(_read(desk, today), today)
    click.echo(f"The key ends on {ends}.  New subkeys: {made}.")
    click.echo(shown)
    if enrolment is None:
        click.echo("Next: bisik desk export --to FILE")
    else:
        click.echo(f"Take {enrolment} to the server: bisik officers add ENROLMENT")


@keys.command("destroy")
@click.option(
    "--despite-unopened",
    is_flag=True,
    help="Give up items that could not be opened, as well.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@desk_option
@click.pass_obj
def destroy_command(
    edge: Edge, desk_directory: Path, despite_unopened: bool, yes: bool
) -> None:
    """
    Destroy the subkeys of past months now.

    An import does it by itself, once the items that came have shown that nothing
    sealed to a subkey can be missing.  This is for a server at which nothing new
    arrives, or for an officer who will not wait.  What is still on its way, sealed
    to such a subkey, can then not be opened on this desk any more.
    """
    waived = {Obstacle.NOT_COLLECTED}
    if despite_unopened:
        waived.add(Obstacle.UNOPENED)
    with opened(desk_directory, edge) as desk:
        today = edge.today(desk.profile.zone)
        calendar = _read(desk, today)
        rows = [
            row
            for row in calendar.rows
            if row.state is SubkeyState.PAST and not set(row.obstacles) - waived
        ]
        if not rows:
            click.echo(_calendar(calendar, today))
            raise NothingToDestroy(NothingToDestroy.__doc__)
        for row in rows:
            unsure = [obstacle for obstacle in row.obstacles if obstacle in waived]
            click.echo(
                f"{row.subkey.begins} to {row.until}: {row.subkey.key_id}"
                + "".join(f"\n! {obstacle}" for obstacle in unsure)
            )
        click.echo(
            "Import the newest bundle first.  What was sealed to these keys and is not "
            "on this desk can then be opened by nobody, except by other officers."
        )
        if not yes:
            click.confirm("Destroy them for ever?", abort=True, err=True)
        gone = destroy_subkeys(desk, [row.subkey for row in rows], today=today)
    click.echo(f"Destroyed: {len(gone)}.  Make a new copy of the desk, and destroy the")
    click.echo("older copies: the keys are still in them.")


def _read(desk: Desk, today: date) -> KeyCalendar:
    with desk.casebook.transaction() as connection:
        return key_calendar(desk, connection, today=today)


def _enrolment(desk: Desk) -> Enrolment:
    return Enrolment(
        name=desk.record.name,
        desk_id=desk.record.desk_id,
        certificate=desk.certificate().decode("ascii"),
    )


def _calendar(calendar: KeyCalendar, today: date) -> str:
    lines = [f"{'sealed to from':<16}{'through':<12}{'state':<11}{'key':<18}to do"]
    for row in calendar.rows:
        until = row.until.isoformat() if row.until else "-"
        notes = [str(obstacle) for obstacle in row.obstacles]
        if row.state is SubkeyState.PAST and not notes:
            notes = ["is destroyed at the next import"]
        lines.append(
            f"{row.subkey.begins.isoformat():<16}{until:<12}{row.state:<11}"
            f"{row.subkey.key_id:<18}{'; '.join(notes)}".rstrip()
        )
    lines.append(
        f"The key ends on {calendar.ends}." if calendar.ends else "The key has no end."
    )
    if calendar.sealed_through:
        lines.append(
            "Without a renewal, reports are sealed to it through "
            f"{calendar.sealed_through}."
        )
    if calendar.ends_soon(today):
        lines.append("! That is soon: export an outbox, and take it to the server.")
    lines.append(
        f"A subkey goes {GRACE_DAYS} days after its last day, when items of a later "
        "day are here without a gap."
    )
    return "\n".join(lines)
