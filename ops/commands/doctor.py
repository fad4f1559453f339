"""`bisik doctor`: is everything well?"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from ops.commands.options import NEW_FILE, onion_directory_option
from ops.doctor import (
    Finding,
    Verdict,
    examine_machine,
    examine_onion,
    examine_server_as_owner,
    to_json,
    wrong,
)
from ops.doctor.posting import judge_posting, look_at_posting
from ops.edge import Edge
from ops.notifying.sealing import write_health
from ops.onion import Onion
from ops.onion_place import WAY_OUT, UntrustedPlace, check_place
from ops.server import read_settings
from ops.shipped import local_zone


@click.command()
@onion_directory_option
@click.option("--quiet", is_flag=True, help="Say only what is not well.")
@click.option("--json", "as_json", is_flag=True, help="For a program.")
@click.option(
    "--note", type=NEW_FILE, help="Note whether all is well, for bisik notify."
)
@click.pass_context
def doctor(
    context: click.Context,
    directory: Path,
    quiet: bool,
    as_json: bool,
    note: Path | None,
) -> None:
    """
    Look at everything on this server.  Exit code 1 if something is wrong.

    As root it sees the most.
    """
    edge: Edge = context.obj
    bad = tell(examine_everything(directory, edge), quiet=quiet, as_json=as_json)
    if note is not None:
        write_health(note, day=edge.today(local_zone()), wrong=bad)
    if bad:
        context.exit(1)


def examine_everything(directory: Path, edge: Edge) -> Iterator[Finding]:
    """Look at the machine, the server directory, tor and both services."""
    yield from examine_machine(edge.machine, edge.today(local_zone()))
    yield from examine_server_as_owner(directory, edge)
    try:
        place = find_onion(directory)
    except UntrustedPlace as error:
        yield Finding(Verdict.BAD, "tor's folder", str(error), WAY_OUT)
    else:
        yield from examine_onion(place, edge)
    yield from judge_posting(
        look_at_posting(edge.machine), today=edge.today(local_zone())
    )


def tell(
    findings: Iterable[Finding],
    *,
    quiet: bool = False,
    as_json: bool = False,
) -> int:
    """Say what was found; return how many things are wrong."""
    found = []
    for finding in findings:
        shown = not (quiet and finding.verdict is Verdict.GOOD)
        if shown:
            found.append(finding)
        if shown and not as_json:
            # At once: fetching what tor publishes takes a while.
            for line in finding.lines():
                click.echo(line)
    bad = wrong(found)
    if as_json:
        click.echo(to_json(found))
    elif bad:
        click.echo(f"\n{bad} things are wrong.")
    elif not quiet:
        click.echo("\nNothing is wrong: reporters and officers can get in.")
    return bad


def find_onion(
    directory: Path, *, making: bool = False, user: str | None = None
) -> Onion:
    """
    Find the onion folder of a server directory, where root may act.

    Args:
        directory: The server directory.

        making: Whether the folder may be made.

        user: Whom tor runs as, if root says so.

    Raises:
        UntrustedPlace: If it is not what root should touch.
    """
    onion = Onion.of(directory, read_settings(directory))
    check_place(onion, directory, making=making, user=user)
    return onion
