"""`bisik counters`: what a monitoring system may know."""

import json
import os
from datetime import UTC, date, datetime, time
from importlib.metadata import version
from pathlib import Path

import click

from journalist_app.durable import new_file
from ops.acting import told_by_owner
from ops.commands.doctor import find_onion
from ops.commands.options import NEW_FILE, onion_directory_option
from ops.counters import Seen, exposition
from ops.doctor import examine_onion, wrong
from ops.doctor.installed import newest_backup
from ops.edge import Edge
from ops.officer_keys import list_officers
from ops.server import open_server
from ops.tidying import tidied_on


@click.command()
@click.option("--to", "to", type=NEW_FILE, help="A file, replaced once a day at most.")
@click.option("--without-tor", is_flag=True, help="Do not ask the Tor network.")
@onion_directory_option
@click.pass_obj
def counters(edge: Edge, directory: Path, to: Path | None, without_tor: bool) -> None:
    """
    Write coarse numbers for a monitoring system, and none about people.

    A file that was written today is left as it is: more often, the changes would
    tell.
    """
    seen = _see(directory, edge, without_tor=without_tor)
    if to is None:
        click.echo(exposition(seen), nl=False)
    elif _written_on(to) == seen.today:
        click.echo(f"{to} is of today, and stays as it is.")
    else:
        with new_file(to, replace=True) as file:
            file.write(exposition(seen).encode())
            file.flush()
            os.fchmod(file.fileno(), 0o644)  # node_exporter is another user.
            # Not even its time says at which hour it was made.
            second = _midnight(seen.today)
            os.utime(file.fileno(), (second, second))


def _see(directory: Path, edge: Edge, *, without_tor: bool) -> Seen:
    """Look at everything, and at the dead drop as its owner."""
    told = json.loads(told_by_owner(directory, lambda: _tell(directory, edge)))
    room = edge.machine.room(directory)
    reachable = None
    if not without_tor:
        reachable = not wrong(examine_onion(find_onion(directory), edge))
    return Seen(
        today=date.fromisoformat(told["today"]),
        version=version("bisik"),
        free_bytes=room.free_bytes if room else 0,
        items_waiting=told["items_waiting"],
        oldest_day=_day(told["oldest_day"]),
        key_ends=_day(told["key_ends"]),
        tidied=_day(told["tidied"]),
        backed_up=newest_backup(edge.machine),
        tor_reachable=reachable,
    )


def _tell(directory: Path, edge: Edge) -> str:
    """Say what is in the server directory; as its owner."""
    with open_server(directory, edge) as server:
        today = server.today(edge)
        listed = list_officers(server.drop, server.keyring, today=today)
        ends = [
            one.expires
            for one in listed
            if one.unfit_because is None and one.expires is not None
        ]
        intake = server.drop.intake
        return json.dumps(
            {
                "today": today,
                "items_waiting": intake.waiting(),
                "oldest_day": intake.oldest_day(),
                "key_ends": min(ends, default=None),
                "tidied": tidied_on(server.directory),
            },
            default=date.isoformat,
        )


def _day(said: str | None) -> date | None:
    return None if said is None else date.fromisoformat(said)


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()


def _written_on(path: Path) -> date | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    except FileNotFoundError:
        return None
