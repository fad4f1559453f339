"""`bisik run`: a whole Bisik for a newcomer."""

import shlex
import shutil
import sys
from pathlib import Path

import click

from ops.edge import Edge
from ops.newcomer import OFFICER, Playground, prepare
from ops.serving import serve as serve_site
from ops.settings import DEFAULT_PORT

DATA = Path("var/bisik")


@click.command()
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False), default=DATA
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="On 127.0.0.1.",
)
@click.pass_obj
def run(edge: Edge, directory: Path, port: int) -> None:
    """
    Start a whole Bisik in DIRECTORY, to try it out.

    The first time, it makes real keys and enrols one officer.  The data is kept
    from one start to the next.
    """
    playground = prepare(directory, edge)
    serve_site(
        playground.server,
        edge,
        port=port,
        ready=lambda _address: click.echo(welcome(playground, port, _program())),
    )


def _program() -> str:
    """Return how this very command can be called from another terminal."""
    called = Path(sys.argv[0])
    if called.name == "bisik" and called.exists() and shutil.which("bisik") is None:
        return _quoted(called.absolute())
    return "bisik"


def welcome(playground: Playground, port: int, program: str) -> str:
    """Say what to open, and how to play the officer with which *program*."""
    server, desk = _quoted(playground.server), _quoted(playground.desk)
    parent = playground.server.parent
    bundle, outbox = _quoted(parent / "bundle-1.tar"), _quoted(parent / "outbox-1.tar")
    return f"""\
Bisik is running.  Open in a browser:

    http://127.0.0.1:{port}

Send a report there and keep its codename.  Then be the officer, in another
terminal, with these commands (in earnest: another machine, and a stick between):

    {program} courier export --directory {server} \\
        --desk {shlex.quote(OFFICER)} --to {bundle}
    {program} desk import --desk {desk} {bundle}
    {program} desk list --desk {desk}
    {program} desk show --desk {desk} CASE
    echo 'Thank you.' | {program} desk reply --desk {desk} CASE --text -
    {program} desk export --desk {desk} --to {outbox}
    {program} courier apply --directory {server} {outbox}

The reporter finds the answer with the codename.  No file is ever replaced, so
the next bundle and the next outbox need other names.

Everything is kept in {_quoted(parent)} and is there again at the next start.
To start anew, stop Bisik and delete that folder.  This Bisik has no passphrases
and no Tor: it is for trying out, and not for real reports.  Ctrl-C stops it."""


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
