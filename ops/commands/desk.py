"""`bisik desk`: opening and answering, on a machine without a network."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

import click

from casework.bundle import MalformedBundle
from casework.profile import shipped_profile
from casework.reply import CaseStatus, ReplyKind
from crypto.admission import fingerprint_in
from journalist_app.durable import new_directory, new_file, refuse_existing
from journalist_app.workstation.acting import open_contact
from journalist_app.workstation.backing_up import restore_backup, write_backup
from journalist_app.workstation.bundle_folder import archives_in, in_order
from journalist_app.workstation.cases import (
    ItemShown,
    list_cases,
    save_attachments,
    show_case,
)
from journalist_app.workstation.colleagues import list_colleagues, trust_organisation
from journalist_app.workstation.continuity import stop_waiting
from journalist_app.workstation.desk import (
    ENROLMENT,
    EXPIRES_DAYS,
    Desk,
    Institution,
    create_desk,
    open_desk,
    read_record,
)
from journalist_app.workstation.errors import ForeignBundle, UnknownColleague
from journalist_app.workstation.exporting import prepare_outbox, write_again
from journalist_app.workstation.import_report import ImportReport
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.recovery_code import parse_recovery_code
from journalist_app.workstation.replying import Draft, write_reply
from ops.commands import showing
from ops.commands.options import (
    EXISTING_DIRECTORY,
    NEW_DIRECTORY,
    NEW_FILE,
    READABLE_FILE,
    READABLE_FILE_OR_FOLDER,
    desk_option,
)
from ops.desk_refusals import DESK_REFUSALS
from ops.desk_serving import serve_desk
from ops.edge import Edge
from ops.errors import REFUSALS, NoBundles, Refusal
from ops.passphrases import (
    DESK_FD,
    ask_passphrase,
    ask_recovery_code,
    tell_terminal,
)
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


@desk.command("import")
@click.argument("bundles", type=READABLE_FILE_OR_FOLDER, nargs=-1, required=True)
@desk_option
@click.pass_context
def import_command(
    context: click.Context, desk_directory: Path, bundles: tuple[Path, ...]
) -> None:
    """
    Import bundles, or all bundles of a folder, the oldest first.

    A bundle may come twice.  Exit code 1 if one is not whole; those behind it are
    imported all the same.
    """
    edge: Edge = context.obj
    paths = _bundles_of(bundles)
    complete = True
    with opened(desk_directory, edge) as desk:
        for path in paths:
            try:
                report = _import(desk, path, edge)
            except (MalformedBundle, ForeignBundle, OSError) as error:
                if len(paths) == 1:
                    raise
                refusal = Refusal.of(error, DESK_REFUSALS | REFUSALS)
                refusal.about(showing.untrusted_path(path)).show()
                complete = False
            else:
                click.echo(showing.import_report(path, report))
                complete = complete and report.complete
    if not complete:
        context.exit(1)


def _bundles_of(given: tuple[Path, ...]) -> list[Path]:
    """Return the bundles that were named, and those of the folders that were."""
    paths: list[Path] = []
    for one in given:
        found = in_order(archives_in(one)) if one.is_dir() else (one,)
        if not found:
            raise NoBundles(f"no bundle is in the folder {one}")
        paths += found
    return paths


def _import(desk: Desk, path: Path, edge: Edge) -> ImportReport:
    with path.open("rb") as stream:
        return import_bundle(desk, stream, today=today_of(edge, desk))


@desk.command("list")
@click.option("--all", "closed", is_flag=True, help="Closed cases, too.")
@desk_option
@click.pass_obj
def list_command(edge: Edge, desk_directory: Path, closed: bool) -> None:
    """List the cases; those that are due first come first."""
    with opened(desk_directory, edge) as desk:
        cases = list_cases(desk, today=today_of(edge, desk))
    shown = [case for case in cases if closed or not case.closed]
    click.echo(showing.case_list(shown, hidden=len(cases) - len(shown)))


@desk.command("show")
@click.argument("case")
@click.option("--save", type=NEW_DIRECTORY, help="Save the attachments there.")
@desk_option
@click.pass_obj
def show(edge: Edge, desk_directory: Path, case: str, save: Path | None) -> None:
    """
    Show a case, oldest first.

    Attachments that are saved are no longer encrypted: save them where the disk is
    encrypted, and remember that a file can hold what harms whoever opens it.
    """
    with opened(desk_directory, edge) as desk:
        shown = show_case(desk, case, today=today_of(edge, desk))
        click.echo(showing.case_file(shown, desk.profile))
        for path in save_attachments(desk, case, save) if save else ():
            click.echo(f"Saved {path}")


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


@desk.command("export")
@click.option(
    "--to",
    "to",
    type=NEW_FILE,
    required=True,
    help="The outbox; a new folder for several.",
)
@click.option(
    "--again",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    multiple=True,
    help="An earlier outbox once more, if its stick was lost; can be repeated.",
)
@desk_option
@click.pass_obj
def export(edge: Edge, desk_directory: Path, to: Path, again: tuple[int, ...]) -> None:
    """Write everything new into a signed outbox."""
    refuse_existing(to)
    more = False
    with opened(desk_directory, edge) as desk, ExitStack() as made:
        numbers = sorted(set(again))
        if not numbers:
            prepared = prepare_outbox(desk, today=today_of(edge, desk))
            numbers, more = [prepared.number], prepared.more
        paths = {numbers[0]: to}
        if len(numbers) > 1:
            folder = made.enter_context(new_directory(to))
            paths = {number: folder / f"outbox-{number:06}.tar" for number in numbers}
        for number, path in paths.items():
            with new_file(path) as file:
                exported = write_again(desk, number, file.write)
            click.echo(
                f"Outbox {exported.number}: {exported.slots} slots, {exported.holds} "
                f"items held, {exported.parcels} parcels for other desks: "
                f"{to if len(paths) == 1 else to / path.name}"
            )
    if more:
        click.echo("Not everything fitted: export once more.")
    click.echo("Take it to the server: bisik courier apply FILE")


@desk.command("backup")
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


@desk.command("restore")
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


@desk.command("go-on")
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
