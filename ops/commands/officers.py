"""`bisik officers`: who may open reports."""

from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO

import click

from casework.enrolment import ENROLMENT_BYTES, Enrolment
from casework.profile import Profile
from crypto.fingerprint import Fingerprint
from crypto.wordlist import load_wordlist
from ops.accounts import qr_for_terminal, random_passphrase, simple_user_name
from ops.commands.introducing import FINGERPRINT
from ops.commands.options import FILE_TO_READ, directory_option
from ops.edge import Edge
from ops.officer_keys import OfficerListed, enrol, list_officers
from ops.server import open_server
from ops.serving import make_sign_in

# How long before a key ends the operator is told.
WARN_DAYS = 60


@click.group()
def officers() -> None:
    """Add, list and remove officers."""


@officers.command("add")
@click.argument("enrolment", type=FILE_TO_READ)
@directory_option
@click.option("--role", help="Key of the public role in profile.toml.")
@click.option(
    "--reviewer",
    is_flag=True,
    help="New reports are not sealed to them; officers share cases with them.",
)
@click.pass_obj
def add(
    edge: Edge, directory: Path, enrolment: BinaryIO, role: str | None, reviewer: bool
) -> None:
    """Enrol a certified officer, or renew an officer's key."""
    introduced = Enrolment.parse(enrolment.read(ENROLMENT_BYTES + 1))
    with open_server(directory, edge) as server:
        _check_role(server.profile, role)
        admitted = enrol(
            server.drop,
            server.keyring,
            introduced,
            today=server.today(edge),
            role=role,
            receives=not reviewer,
        )
        server.synchronise(edge)
        receives = server.drop.officers.get(admitted.fingerprint).receives
    until = f" through {_last_day(admitted.expires)}" if admitted.expires else ""
    if receives:
        click.echo(f"Reports are sealed to {introduced.name}{until}.")
    else:
        click.echo(f"Officers can share cases with {introduced.name}{until}.")


@officers.command("list")
@click.option("--all", "retired", is_flag=True, help="Those who were removed, too.")
@directory_option
@click.pass_obj
def list_command(edge: Edge, directory: Path, retired: bool) -> None:
    """List the officers, and whether reports can be sealed to them."""
    with open_server(directory, edge) as server:
        today = server.today(edge)
        listed = list_officers(
            server.drop, server.keyring, today=today, retired=retired
        )
    if not listed:
        click.echo("There is no officer; the site accepts no reports.")
    for entry in listed:
        click.echo(_line(entry, today))


@officers.command("role")
@click.argument("fingerprint", type=FINGERPRINT)
@click.argument("role")
@directory_option
@click.pass_obj
def role_command(
    edge: Edge, directory: Path, fingerprint: Fingerprint, role: str
) -> None:
    """
    Give an officer the public ROLE, a key of profile.toml.

    Reporters who fear that a role would protect the accused can exclude it.
    """
    with open_server(directory, edge) as server:
        _check_role(server.profile, role)
        server.drop.officers.set_role(fingerprint, role)
    click.echo("Done.")


@officers.command("receives")
@click.argument("fingerprint", type=FINGERPRINT)
@click.argument("whether", type=click.Choice(["yes", "no"]))
@directory_option
@click.pass_obj
def receives_command(
    edge: Edge, directory: Path, fingerprint: Fingerprint, whether: str
) -> None:
    """Say whether new reports are sealed to an officer."""
    with open_server(directory, edge) as server:
        server.drop.officers.set_receives(fingerprint, whether == "yes")
        left = [one for one in server.drop.officers.list() if one.receives]
    click.echo("Done.")
    if not left:
        click.echo("Nobody receives reports now; the site accepts none.", err=True)


@officers.command("account")
@click.argument("fingerprint", type=FINGERPRINT)
@click.option("--user-name", help="By default the officer's name, made simple.")
@click.option("--remove", "removing", is_flag=True, help="End the account.")
@directory_option
@click.pass_obj
def account(
    edge: Edge,
    directory: Path,
    fingerprint: Fingerprint,
    user_name: str | None,
    removing: bool,
) -> None:
    """
    Make an officer's account for the courier, or make it anew.

    What is shown here is shown once: hand it to the officer, face to face.
    """
    with open_server(directory, edge) as server:
        if removing:
            removed = server.drop.accounts.remove(fingerprint)
            click.echo("The account is ended." if removed else "There was no account.")
            return
        officer = server.drop.officers.get(fingerprint)
        made = make_sign_in(server, edge).make_account(
            fingerprint,
            simple_user_name(user_name or officer.name),
            random_passphrase(load_wordlist("id"), edge.entropy),
        )
        issuer = server.profile.organisation_short.in_language("id")
    uri = made.provisioning_uri(f"Bisik {issuer}")
    click.echo(f"User name   {made.user_name}")
    click.echo(f"Passphrase  {made.passphrase}")
    click.echo("Authenticator: scan this, or type the secret")
    click.echo(qr_for_terminal(uri))
    click.echo(f"Secret      {made.totp_secret}")
    click.echo("Recovery codes, each in place of six digits, once:")
    for code in made.codes:
        click.echo(f"  {code}")


@officers.command("remove")
@click.argument("fingerprint", type=FINGERPRINT)
@directory_option
@click.pass_obj
def remove(edge: Edge, directory: Path, fingerprint: Fingerprint) -> None:
    """
    Remove an officer: nothing is sealed to them from now on.

    What was sealed to them before stays readable to them.
    """
    with open_server(directory, edge) as server:
        deleted = server.drop.officers.retire(fingerprint)
        server.synchronise(edge)
        left = server.drop.officers.list()
    click.echo(f"Removed.  {deleted} items that all other desks hold were deleted.")
    if not left:
        click.echo("There is no officer left; the site accepts no reports.", err=True)


def _check_role(profile: Profile, role: str | None) -> None:
    known = [known.key for known in profile.roles]
    if role is not None and role not in known:
        raise click.BadParameter(
            f"the profile has no role {role!r}; it has: {', '.join(known) or 'none'}",
            param_hint="role",
        )


def _last_day(expires: date) -> date:
    """Return the last day on which anything can be sealed to a key."""
    return expires - timedelta(days=1)


def _line(entry: OfficerListed, today: date) -> str:
    officer = entry.officer
    until = "no expiry known"
    state = "fit" if entry.unfit_because is None else f"NOT FIT: {entry.unfit_because}"
    if entry.expires:
        until = f"sealed to through {_last_day(entry.expires)}"
        if entry.expires - today < timedelta(days=WARN_DAYS):
            state += (
                "\n  ENDS SOON: ask the officer for an outbox, which renews the key"
            )
    return "\n".join(
        [
            officer.name,
            f"  key   {officer.fingerprint}, {until}",
            f"  desk  {officer.desk_id.hex()}",
            f"  role  {officer.role or '- (nobody can exclude this officer)'}",
            f"  new reports are {'' if officer.receives else 'not '}sealed to them",
            f"  {state}",
        ]
    )
