"""`bisik run`: a whole Bisik for a newcomer."""

import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from journalist_app.courier.signing_in import NewAccount
from ops.commands.onion_welcome import onion_welcome
from ops.edge import Edge
from ops.errors import OpsError
from ops.newcomer import OFFICER, Playground, prepare, trial_account
from ops.onion_trial import onion_beside
from ops.serving import serve as serve_site
from ops.settings import DEFAULT_PORT
from tor.program import WITH_PARENT
from tor.watching import Watch

DATA = Path("var/bisik")
LOOK_SECONDS = 0.5


class SiteEnded(OpsError):
    """One of the sites has ended by itself."""


@click.command()
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False), default=DATA
)
@click.option(
    "--port",
    type=click.IntRange(1, 65534),
    default=DEFAULT_PORT,
    show_default=True,
    help="On 127.0.0.1.",
)
@click.option("--onion", is_flag=True, help="Behind Tor, on a network of its own.")
@click.option("--public", is_flag=True, help="Behind Tor, on the real network.")
@click.pass_obj
def run(edge: Edge, directory: Path, port: int, onion: bool, public: bool) -> None:
    """
    Start a whole Bisik in DIRECTORY, to try it out.

    The first time, it makes real keys and enrols one officer.  The data is kept
    from one start to the next.  The courier listens on the port behind.

    With --onion both sites are onion services only, of a private Tor network on this
    machine; with --public, of the real one.
    """
    playground = prepare(directory, edge)
    account = trial_account(playground, edge)
    if onion or public:
        _run_onion(playground, edge, account, public=public)
        return
    with beside(playground, "courier", "serve", "--port", str(port + 1)):
        serve_site(
            playground.server,
            edge,
            port=port,
            ready=lambda _address: click.echo(
                welcome(playground, port, _program(), account)
            ),
        )


def _program() -> str:
    """Return how this very command can be called from another terminal."""
    called = Path(sys.argv[0])
    if called.name == "bisik" and called.exists() and shutil.which("bisik") is None:
        return _quoted(called.absolute())
    return "bisik"


def _run_onion(
    playground: Playground, edge: Edge, account: NewAccount, *, public: bool
) -> None:
    # To be ended is to be ended by Ctrl-C: in order, and without a complaint.  A shell
    # has what it starts in the background ignore that, as servers do not.
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.default_int_handler)
    click.echo("Tor is starting; that takes half a minute.")
    with (
        onion_beside(playground, edge, public=public, say=click.echo) as trial,
        beside(playground, "courier", "serve", "--onion") as courier,
        beside(playground, "serve", "--onion") as site,
        suppress(KeyboardInterrupt),
    ):
        click.echo(onion_welcome(playground, trial, _program(), account))
        # In this process and not under gunicorn, which takes every child that ends
        # for a worker of its own.
        watch = Watch(trial.tors, clock=time.monotonic, say=click.echo)
        while site.poll() is None and courier.poll() is None:
            watch.look()
            time.sleep(LOOK_SECONDS)
        raise SiteEnded(SiteEnded.__doc__)


@contextmanager
def beside(
    playground: Playground, *command: str
) -> "Iterator[subprocess.Popen[bytes]]":
    """Let a site run in a process of its own for as long as the block lasts."""
    child = subprocess.Popen(
        [
            *WITH_PARENT,
            *(sys.executable, "-c", "from ops.cli import main; main()"),
            *(*command, "--directory", str(playground.server)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        # A Ctrl-C is meant for the one that waits for this one.
        start_new_session=True,
    )
    try:
        yield child
    finally:
        child.terminate()
        child.wait()


def welcome(
    playground: Playground, port: int, program: str, account: NewAccount
) -> str:
    """Say what to open, and how to play the officer with which *program*."""
    server, desk = _quoted(playground.server), _quoted(playground.desk)
    parent = playground.server.parent
    bundle, outbox = _quoted(parent / "bundle-1.tar"), _quoted(parent / "outbox-1.tar")
    return f"""\
Bisik is running.  Open in a browser:

    http://127.0.0.1:{port}

Send a report there and keep its codename.  Then be the officer.  The courier is at

    http://127.0.0.1:{port + 1}

User name {account.user_name}, passphrase "{account.passphrase}", and one of
these in place of six digits, each once:  {"  ".join(account.codes[:4])}

Download the bundle there into {_quoted(parent)}, which stands for a stick, and open the
desk in a browser (in earnest on another machine, which has no network):

    {program} desk open --desk {desk} --stick {_quoted(parent)}

Take the bundle in, answer, write an outbox, and bring it to the courier.  The same
without a browser, in another terminal:

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
