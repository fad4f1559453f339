"""`bisik leaflet`: a page for a notice board that says how to reach the site."""

from pathlib import Path
from typing import BinaryIO

import click

from casework.profile import LANGUAGES, Profile
from ops.acting import Output
from ops.address_words import address_words
from ops.commands.options import FILE_TO_READ, OUTPUT_FILE, directory_option
from ops.errors import NoServer, Refusal
from ops.leaflet import draw_leaflet
from ops.server import PROFILE
from tor.address import MalformedOnionAddress, parse_onion_address


@click.command()
@click.argument("address")
@click.option(
    "--output", type=OUTPUT_FILE, required=True, help="The PDF, one page of A4."
)
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default=LANGUAGES[0],
    show_default=True,
    help="Of the leaflet.",
)
@click.option(
    "--profile",
    type=FILE_TO_READ,
    help="The institution's profile, in place of the server directory's.",
)
@directory_option
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def leaflet(
    address: str,
    output: Output,
    language: str,
    profile: BinaryIO | None,
    directory: Path,
    force: bool,
) -> None:
    """
    Draw a leaflet with the onion ADDRESS of the site.

    It needs no server directory, if a --profile is given.
    """
    try:
        parsed = parse_onion_address(address)
    except MalformedOnionAddress as error:
        hint = "copy it from the file hostname, which Tor wrote in HiddenServiceDir"
        raise Refusal(str(error), hint) from None
    institution = Profile.parse(_profile_text(profile, directory))
    page = draw_leaflet(parsed, institution, language=language)
    try:
        with output.writing(replace=force) as file:
            file.write(page)
    except FileExistsError:
        hint = "choose another name, or replace it with --force"
        raise Refusal(f"{output}: file exists", hint) from None
    click.echo(f"The leaflet is {output}.")
    click.echo(f"Announce its six words elsewhere: {' '.join(address_words(parsed))}")
    click.echo("Before you hang it up, open the site with the printed address.")


def _profile_text(profile: BinaryIO | None, directory: Path) -> str:
    if profile is not None:
        return profile.read().decode("utf-8", "replace")
    try:
        return (directory / PROFILE).read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        raise NoServer(
            f"there is no server directory at {directory}, and no --profile is given"
        ) from None
