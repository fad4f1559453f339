"""`bisik desk case-file` and `bisik verify-case-file`: a case for somebody outside."""

from pathlib import Path

import click

from casework.casefile import RECIPIENT_CHARACTERS
from casework.profile import LANGUAGES
from crypto.admission import fingerprint_in
from crypto.fingerprint import Fingerprint
from journalist_app.workstation.casefile import Stranger, Wish, make_case_file
from journalist_app.workstation.sharing import FULL, PARAPHRASE, REDACTED
from ops.case_files import verify_case_file
from ops.commands.desk import opened, today_of
from ops.commands.introducing import FINGERPRINT
from ops.commands.options import NEW_FILE, READABLE_FILE, desk_option
from ops.edge import Edge

READABLE_BY_ANYBODY = (
    "Anybody who gets hold of this file can read it.  Give it from hand to hand, or "
    "seal it with --seal-to."
)


@click.command("case-file")
@click.argument("case")
@click.option("--to", "to", type=NEW_FILE, required=True, help="The case file, a tar.")
@click.option(
    "--form",
    type=click.Choice([FULL, REDACTED, PARAPHRASE]),
    required=True,
    help="The reporter's words, those with passages blackened, or none of them.",
)
@click.option(
    "--for",
    "recipient",
    required=True,
    help=f"For whom; up to {RECIPIENT_CHARACTERS} characters, on every page.",
)
@click.option(
    "--attachment",
    "attachments",
    type=click.IntRange(min=1),
    multiple=True,
    metavar="NUMBER",
    help="A cleaned copy of it goes along; may be given several times.",
)
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default=LANGUAGES[0],
    show_default=True,
    help="Of the headings.",
)
@click.option(
    "--seal-to", type=READABLE_FILE, help="The recipient's OpenPGP public key."
)
@click.option(
    "--fingerprint",
    type=FINGERPRINT,
    help="Of that key, from the recipient and not from the file.",
)
@desk_option
@click.pass_obj
def case_file(
    edge: Edge,
    desk_directory: Path,
    case: str,
    to: Path,
    form: str,
    recipient: str,
    attachments: tuple[int, ...],
    language: str,
    seal_to: Path | None,
    fingerprint: Fingerprint | None,
) -> None:
    """
    Make a signed case file for somebody outside.

    It is recorded in the case's history.
    What could give the reporter away must have been looked at and decided upon before:
    bisik desk open.
    """
    if (seal_to is None) != (fingerprint is None):
        raise click.UsageError("--seal-to and --fingerprint go together")
    stranger = None
    if seal_to is not None and fingerprint is not None:
        stranger = Stranger(seal_to.read_bytes(), fingerprint)
    wish = Wish(form, recipient, language, attachments)
    with opened(desk_directory, edge) as desk:
        made = make_case_file(
            desk, case, wish, to, today=today_of(edge, desk), stranger=stranger
        )
    click.echo(f"The case file is {made.path}, for {made.manifest.recipient}.")
    click.echo(f"Form {made.manifest.form}, {len(made.manifest.attachments)} copies.")
    click.echo(f"SHA-256 of the archive: {made.sha256}")
    if made.sealed:
        click.echo(f"Sealed to {fingerprint}.")
    else:
        click.echo(f"Warning: {READABLE_BY_ANYBODY}", err=True)
    click.echo("It is recorded in the case's history.")


@click.command("verify-case-file")
@click.argument("file", type=READABLE_FILE)
@click.option(
    "--organisation",
    type=READABLE_FILE,
    required=True,
    help="The organisation's public key, organisation.asc.",
)
@click.option(
    "--certificate",
    type=READABLE_FILE,
    help="The officer's public key as it is today, in place of the enclosed one.",
)
def verify(file: Path, organisation: Path, certificate: Path | None) -> None:
    """
    Verify a case file that officers gave away.

    Signature, certification and every digest of a case file are checked.  Whatever is
    not as it was signed is named, and the exit code is 1.
    """
    key = organisation.read_bytes()
    with file.open("rb") as stream:
        checked = verify_case_file(
            stream,
            organisation=key,
            certificate=certificate.read_bytes() if certificate else None,
        )
    manifest = checked.manifest
    click.echo(f"Signed by {checked.signer}, {manifest.fingerprint},")
    click.echo(f"certified by the organisation's key {fingerprint_in(key)}.")
    click.echo("Compare that fingerprint with the one on paper.")
    click.echo(f"Case {manifest.case}, for {manifest.recipient}, {manifest.day}.")
    click.echo(f"Form {manifest.form}; all {len(manifest.members)} members are whole.")
