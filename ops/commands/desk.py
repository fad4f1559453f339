"""
`bisik desk`: opening and answering, on a machine without a network.

    init, trust                a desk is made
    open, list, show, contact  what is in it is read
    reply                      and answered

What sticks carry is in `desk_carrying`, a lost desk in `desk_backup`, its keys are in
`desk_keys`, and a server that moves is in `desk_move`.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

import click

from casework.profile import shipped_profile
from casework.reply import CaseStatus, ReplyKind
from crypto.admission import fingerprint_in
from journalist_app.durable import refuse_existing
from journalist_app.workstation.acting import open_contact
from journalist_app.workstation.cases import ItemShown, show_case
from journalist_app.workstation.colleagues import trust_organisation
from journalist_app.workstation.desk import (
    CALENDAR,
    ENROLMENT,
    EXPIRES_DAYS,
    Desk,
    Institution,
    create_desk,
    open_desk,
    read_record,
)
from journalist_app.workstation.queueing import list_cases
from journalist_app.workstation.replying import Draft, write_reply
from journalist_app.workstation.taking_out import take_all
from ops.commands import showing
from ops.commands.options import (
    EXISTING_DIRECTORY,
    NEW_DIRECTORY,
    READABLE_FILE,
    desk_option,
)
from ops.desk_serving import serve_desk
from ops.edge import Edge
from ops.passphrases import DESK_FD, ask_passphrase, tell_terminal
from ops.shipped import local_zone, shipped_calendar

UNPROTECTED = (
    "Without a passphrase, whoever gets hold of this folder can read every report "
    "in it.  Use this only on a disk that is itself encrypted (LUKS, Tails' "
    "Persistent Storage), or for trying Bisik out."
)

TRAINING = "LATIHAN: this desk is for training. Nothing in it is real."


@click.group()
def desk() -> None:
    """Read and answer reports, away from networks."""


@desk.command("init")
@click.argument("directory", type=NEW_DIRECTORY)
@click.option("--name", required=True, help="The officer's, as the others know them.")
@click.option("--email", help="In the key; by default an address of nobody.")
@click.option("--profile", type=READABLE_FILE, help="The institution's profile.")
@click.option("--calendar", type=READABLE_FILE, help="Its calendar of holidays.")
@click.option(
    "--expires-days",
    type=click.IntRange(1, 3660),
    default=EXPIRES_DAYS,
    show_default=True,
    help="After how many days the key ends.",
)
@click.option("--no-passphrase", is_flag=True, help="For an encrypted disk.")
@click.option(
    "--pinentry",
    is_flag=True,
    help="Let GnuPG's own pinentry ask, now and always; needed for a smartcard.",
)
@click.option(
    "--pinentry-program",
    type=READABLE_FILE,
    help="Which pinentry, with --pinentry; by default the machine's.",
)
@click.pass_obj
def init_desk(
    edge: Edge,
    directory: Path,
    name: str,
    email: str | None,
    profile: Path | None,
    calendar: Path | None,
    expires_days: int,
    no_passphrase: bool,
    pinentry: bool,
    pinentry_program: Path | None,
) -> None:
    """Make a desk: an officer's keys and an empty casebook."""
    refuse_existing(directory)
    if no_passphrase and pinentry:
        raise click.UsageError("--pinentry and --no-passphrase exclude each other")
    if pinentry:
        tell_terminal()
        passphrase = None
    elif no_passphrase:
        click.echo(f"Warning: {UNPROTECTED}", err=True)
        passphrase = None
    else:
        passphrase = ask_passphrase("the desk", variable=DESK_FD, new=True)
    enrolment = create_desk(
        directory,
        name=name,
        email=email,
        passphrase=passphrase,
        institution=Institution(
            profile.read_text("utf-8") if profile else shipped_profile(),
            calendar.read_text("utf-8") if calendar else shipped_calendar(),
        ),
        today=edge.today(local_zone()),
        entropy=edge.entropy,
        expires_days=expires_days,
        pinentry=pinentry,
        pinentry_program=pinentry_program.absolute() if pinentry_program else None,
    )
    fingerprint = fingerprint_in(enrolment.certificate.encode("ascii"))
    click.echo(f"The desk of {name} is {directory}.")
    click.echo(f"Fingerprint: {fingerprint}")
    click.echo(f"Take {directory / ENROLMENT} to the keeper of the organisation's key,")
    click.echo("and read the fingerprint out to them from this screen.")


@desk.command("open")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="On 127.0.0.1; by default any that is free.",
)
@click.option(
    "--stick",
    "sticks",
    type=EXISTING_DIRECTORY,
    multiple=True,
    help="A folder for bundles and outboxes, besides removable media.",
)
@desk_option
@click.pass_obj
def open_command(
    edge: Edge, desk_directory: Path, port: int, sticks: tuple[Path, ...]
) -> None:
    """
    Open a desk in a browser on this machine.

    The link works once, in one browser; press Enter for another one.  Ctrl-C closes
    the desk.
    """
    if read_record(desk_directory).training:
        click.echo(TRAINING, err=True)
    serve_desk(
        desk_directory,
        edge,
        passphrase=_passphrase_of(desk_directory),
        port=port,
        sticks=tuple(stick.absolute() for stick in sticks),
        ready=lambda link: click.echo(f"Open in a browser, once: {link}"),
    )


@desk.command("list")
@click.option("--all", "closed", is_flag=True, help="Closed cases, too.")
@desk_option
@click.pass_obj
def list_command(edge: Edge, desk_directory: Path, closed: bool) -> None:
    """List the cases; those that are due first come first."""
    with opened(desk_directory, edge) as desk:
        today = today_of(edge, desk)
        cases = list_cases(desk, today=today)
        calendar = desk.calendar
    shown = [case for case in cases if closed or not case.closed]
    click.echo(showing.case_list(shown, hidden=len(cases) - len(shown)))
    if calendar.ends_soon(today):
        # Not among the cases, which may go to another program.
        click.echo(_end_of_calendar(calendar.ends, today, desk_directory), err=True)


@desk.command("show")
@click.argument("case")
@click.option(
    "--save", type=NEW_DIRECTORY, help="Save the attachments there; it is recorded."
)
@click.option(
    "--reason",
    type=click.Choice(["-"]),
    help="With --save.  Only -, to read what they are for from standard input.",
)
@desk_option
@click.pass_obj
def show(
    edge: Edge,
    desk_directory: Path,
    case: str,
    save: Path | None,
    reason: str | None,
) -> None:
    """
    Show a case, oldest first.

    Attachments that are saved are no longer encrypted: save them where the disk is
    encrypted, and remember that a file can hold what harms whoever opens it, and say
    who has sent it.  You are asked what they are for.  All officers who know the case
    can read that you have taken them, and why.
    """
    if reason is not None and save is None:
        raise click.UsageError("--reason is for --save: nothing else is recorded")
    why = _why_taken(reason) if save else ""
    with opened(desk_directory, edge) as desk:
        today = today_of(edge, desk)
        shown = show_case(desk, case, today=today)
        click.echo(showing.case_file(shown, desk.profile))
        if save:
            for path in take_all(desk, case, save, reason=why, today=today):
                click.echo(f"Saved {path}")


def _why_taken(reason: str | None) -> str:
    """Ask what files are for: it is no part of the command, which others can read."""
    if reason is not None:
        return sys.stdin.read().strip()
    asked = click.prompt("What the files are for (it is recorded)", err=True)
    return str(asked).strip()


@desk.command("contact")
@click.argument("case")
@click.option(
    "--reason",
    type=click.Choice(["-"]),
    help="Only -, to read why they are needed from standard input.",
)
@desk_option
@click.pass_obj
def contact(edge: Edge, desk_directory: Path, case: str, reason: str | None) -> None:
    """
    Show contact details, and record the reason.

    You are asked why they are needed.  It is no part of the command, which everybody on
    this machine could read.  All officers who know the case can read that you have seen
    them, and why.
    """
    if reason is None:
        why = click.prompt("Why they are needed (it is recorded)", err=True)
    else:
        why = sys.stdin.read()
    with opened(desk_directory, edge) as desk:
        today = today_of(edge, desk)
        shown = show_case(desk, case, today=today, mark_shown=False)
        digests = [
            item.digest
            for item in shown.thread
            if isinstance(item, ItemShown) and item.confidential
        ]
        for digest in digests:
            click.echo(
                open_contact(desk, case, digest, reason=why.strip(), today=today)
            )
    if not digests:
        click.echo("There are no contact details.")


@desk.command("trust")
@click.argument("key", type=READABLE_FILE)
@desk_option
@click.pass_obj
def trust(edge: Edge, desk_directory: Path, key: Path) -> None:
    """Let this desk believe whom the organisation's key certifies."""
    with opened(desk_directory, edge) as desk:
        fingerprint = trust_organisation(desk, key.read_bytes())
    click.echo(f"This desk trusts {fingerprint}.")
    click.echo("Compare it with what bisik organisation init has shown.")


@desk.command("reply")
@click.argument("case")
@click.option(
    "--text-file",
    "--text",
    type=click.File("rb"),
    help="The text, UTF-8; - for standard input.",
)
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in ReplyKind]),
    default=ReplyKind.ANSWER.value,
    show_default=True,
    help="What the reply is for.",
)
@click.option(
    "--status",
    type=click.Choice([status.value for status in CaseStatus]),
    help="The new status of the case.",
)
@click.option("--registration-number", help="Under which the case is registered.")
@click.option(
    "--due", type=click.DateTime(["%Y-%m-%d"]), help="By when the next step is due."
)
@click.option(
    "--file", "files", type=READABLE_FILE, multiple=True, help="To be attached."
)
@desk_option
@click.pass_obj
def reply(
    edge: Edge,
    desk_directory: Path,
    case: str,
    text_file: BinaryIO | None,
    kind: str,
    status: str | None,
    registration_number: str | None,
    due: datetime | None,
    files: tuple[Path, ...],
) -> None:
    """Seal a reply to a reporter.  It waits here until it is exported."""
    draft = Draft(
        kind=ReplyKind(kind),
        text=text_file.read().decode("utf-8", "replace") if text_file else "",
        status=CaseStatus(status) if status else None,
        registration_number=registration_number,
        due=due.date() if due else None,
        files=files,
    )
    with opened(desk_directory, edge) as desk:
        written = write_reply(desk, case, draft, today=today_of(edge, desk))
    click.echo(f"Sealed for {written.case_name}, {written.slots} slots.")
    click.echo("Next: bisik desk export --to FILE")


@contextmanager
def opened(directory: Path, edge: Edge) -> Iterator[Desk]:
    """Open a desk, asking for its passphrase if it has one."""
    passphrase = _passphrase_of(directory)
    if read_record(directory).training:
        click.echo(TRAINING, err=True)
    with open_desk(directory, passphrase=passphrase, entropy=edge.entropy) as desk:
        yield desk


def _passphrase_of(directory: Path) -> bytes | None:
    record = read_record(directory)
    if record.pinentry:
        # The agent asks, and this program never sees what it is told.
        tell_terminal()
        return None
    if not record.protected:
        return None
    # Standard input may be the text of a reply, so the terminal is asked.
    return ask_passphrase("the desk", variable=DESK_FD)


def today_of(edge: Edge, desk: Desk) -> date:
    """Return the day it is where the desk's institution is."""
    return edge.today(desk.profile.zone)


def _end_of_calendar(ends: date, today: date, desk_directory: Path) -> str:
    """Say that the holidays are known no further, and what to do, as the queue does."""
    said = (
        f"ended on {ends}: new reports get no day by which verification is due"
        if today > ends
        else f"ends on {ends}: reports that would be due after that get no day by "
        "which verification is due"
    )
    return (
        f"! The calendar of holidays of this desk {said}.\n"
        "! Ask the operator for a calendar that covers the next year, and save it as "
        f"{desk_directory / CALENDAR}."
    )
