"""`bisik officers`: who may open reports."""

from pathlib import Path

import click

from casework.profile import Profile
from crypto.fingerprint import Fingerprint
from ops.commands.options import READABLE_FILE, directory_option
from ops.commands.organisation import FINGERPRINT, read_enrolment
from ops.edge import Edge
from ops.officer_keys import OfficerListed, enrol, list_officers
from ops.server import open_server


@click.group()
def officers() -> None:
    """Add, list and remove officers."""


@officers.command("add")
@click.argument("enrolment", type=READABLE_FILE)
@directory_option
@click.option("--role", help="Key of the public role in profile.toml.")
@click.pass_obj
def add(edge: Edge, directory: Path, enrolment: Path, role: str | None) -> None:
    """Enrol a certified officer, or renew the key of one who is enrolled."""
    introduced = read_enrolment(enrolment)
    with open_server(directory, edge) as server:
        _check_role(server.profile, role)
        admitted = enrol(
            server.drop,
            server.keyring,
            introduced,
            today=server.today(edge),
            role=role,
        )
        server.synchronise(edge)
    until = f" until {admitted.expires}" if admitted.expires else ""
    click.echo(f"Reports are sealed to {introduced.name}{until}.")


@officers.command("list")
@click.option("--all", "retired", is_flag=True, help="Those who were removed, too.")
@directory_option
@click.pass_obj
def list_command(edge: Edge, directory: Path, retired: bool) -> None:
    """List the officers, and whether reports can be sealed to them."""
    with open_server(directory, edge) as server:
        listed = list_officers(
            server.drop, server.keyring, today=server.today(edge), retired=retired
        )
    if not listed:
        click.echo("There is no officer; the site accepts no reports.")
    for entry in listed:
        click.echo(_line(entry))


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


def _line(entry: OfficerListed) -> str:
    officer = entry.officer
    until = f"until {entry.expires}" if entry.expires else "no expiry known"
    state = "fit" if entry.unfit_because is None else f"NOT FIT: {entry.unfit_because}"
    return "\n".join(
        [
            officer.name,
            f"  key   {officer.fingerprint}, {until}",
            f"  desk  {officer.desk_id.hex()}",
            f"  role  {officer.role or '- (nobody can exclude this officer)'}",
            f"  {state}",
        ]
    )
