"""Options that several commands have."""

from pathlib import Path

import click

SERVER_DIRECTORY = Path("var/bisik/server")

directory_option = click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=SERVER_DIRECTORY,
    show_default=True,
    envvar="BISIK_DIRECTORY",
    help="The server directory (or BISIK_DIRECTORY).",
)

desk_option = click.option(
    "--desk",
    "desk_directory",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    envvar="BISIK_DESK",
    help="The desk's folder (or BISIK_DESK).",
)

onion_option = click.option(
    "--onion",
    is_flag=True,
    help="Listen where the torrc says, for the onion address only.",
)

READABLE_FILE = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)
NEW_FILE = click.Path(path_type=Path, dir_okay=False)
NEW_DIRECTORY = click.Path(path_type=Path)
EXISTING_DIRECTORY = click.Path(path_type=Path, exists=True, file_okay=False)
