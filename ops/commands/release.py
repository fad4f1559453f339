"""`bisik release`: which release serves, and how another one takes over."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from deaddrop import this_versions_steps
from ops.commands.options import directory_option, onion_directory_option
from ops.edge import Edge
from ops.errors import OpsError
from ops.host import Host
from ops.releases import Releases
from ops.serving import serve_privately
from ops.trying import SITES, try_release
from ops.upgrade import Upgrade
from ops.upgrade import recover as recover_upgrade
from ops.upgrade_record import Phase, UpgradeRecord

BACKUP = ("backup", "make")
KEPT = 2
_STEPS = {
    "verify": "Comparing the release with what was packaged",
    "back up": "Making a sealed backup",
    "stop": "Stopping the sites; visitors wait",
    "copy": "Copying the database",
    "migrate": "Bringing the database to the new tables",
    "try": "Trying the new release where nobody can reach it",
    "open": "The new release counts from now on",
    "start": "Starting the sites",
    "look": "Looking at the sites as visitors do",
    "take back": "The release before takes over again",
}


class NotRoot(OpsError):
    """Only root can let another release take over."""


@click.group()
def release() -> None:
    """Say which release of Bisik serves on this machine, and change it."""


@release.command("activate")
@click.argument("version")
@click.option(
    "--backup/--no-backup", default=True, help="Whether to make a sealed one before."
)
@click.option(
    "--one-way",
    is_flag=True,
    help="Even if the release before could not take over again.",
)
@onion_directory_option
def activate(directory: Path, version: str, backup: bool, one_way: bool) -> None:
    """
    Let the release VERSION take over; the first one, too.

    If it fails, the release that serves now goes on.  May be repeated, also after a
    power cut.
    """
    _refuse_all_but_root()
    upgrade = Upgrade(
        releases=Releases(),
        directory=directory.absolute(),
        machine=Host(),
        tell=lambda step: click.echo(f"{_STEPS[step]}."),
        backup=BACKUP if backup else (),
        one_way=one_way,
    )
    with _signals_raise():
        if upgrade.activate(version):
            click.echo(f"The release is {version}.")
        else:
            click.echo(f"The release is {version} already.")


@release.command("show")
def show() -> None:
    """List the releases on this machine, and which one serves."""
    releases = Releases()
    current, there = releases.current(), releases.list()
    if not there:
        click.echo("No release is installed.")
    for version in there:
        mark = "*" if version == current else " "
        click.echo(f"{mark} {version}")
    for version in [name for name in there if name != current][: 1 - KEPT]:
        click.echo(f"Not needed any more: apt-get purge bisik-server-{version}")
    record = UpgradeRecord.read(releases.root)
    if record is not None:
        click.echo(
            f"An upgrade to {record.after} is under way, or was cut short: "
            "bisik release recover"
        )


@release.command("recover")
def recover() -> None:
    """
    Finish or undo an upgrade that was cut short.

    The service manager calls it before it starts a site.  It waits for an upgrade that
    is under way, and does nothing if there is none.
    """
    _refuse_all_but_root()
    record = recover_upgrade(Releases())
    if record is None:
        click.echo("No upgrade was cut short.")
    elif record.phase is Phase.OPENING:
        click.echo(f"The upgrade to {record.after} was decided, and is finished.")
    else:
        click.echo(
            f"The upgrade to {record.after} was cut short, and is undone: "
            f"{record.before or 'no release'} counts as before."
        )


@release.command("tables", hidden=True)
def tables() -> None:
    """Say which steps of the database this release knows, for `activate`."""
    click.echo(this_versions_steps().to_json())


@release.command("try", hidden=True)
@directory_option
@click.pass_obj
def try_command(edge: Edge, directory: Path) -> None:
    """Try this release out on the server's own database, for `activate`."""

    def serve(site: str, path: Path) -> list[str]:
        where = ("--directory", str(directory))
        return [sys.argv[0], "release", "serve", site, str(path), *where]

    try_release(directory, replace(edge, upgrading=True), serve=serve)


@release.command("serve", hidden=True)
@click.argument("site", type=click.Choice(list(SITES)))
@click.argument("path", type=click.Path(path_type=Path))
@directory_option
@click.pass_obj
def serve_command(edge: Edge, directory: Path, site: str, path: Path) -> None:
    """Serve SITE on the socket PATH, for `try`."""
    serve_privately(
        directory, replace(edge, upgrading=True), path, courier=site == "courier"
    )


def _refuse_all_but_root() -> None:
    if os.geteuid() != 0:
        raise NotRoot(NotRoot.__doc__)


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Let a closed terminal and a SIGTERM end an upgrade as an error would."""

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    numbers = (signal.SIGHUP, signal.SIGTERM)
    before = [signal.signal(number, end) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
