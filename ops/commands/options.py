"""Options that several commands have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ops.acting import OutputFile, acts_as_owner

SERVER_DIRECTORY = Path("var/bisik/server")

# Root stays root: only for what needs tor's folder, and never opens the dead drop.
onion_directory_option = click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=SERVER_DIRECTORY,
    show_default=True,
    envvar="BISIK_DIRECTORY",
    help="The server directory (or BISIK_DIRECTORY).",
)


def directory_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """
    Add the option `--directory`, and let root act as the owner of that directory.

    Every command with a server directory has this one, but for those of tor's folder.
    """
    return onion_directory_option(acts_as_owner(command))


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
READABLE_FILE_OR_FOLDER = click.Path(path_type=Path, exists=True, readable=True)
# Opened while the command line is read, by whoever typed it, who may be root.
FILE_TO_READ = click.File("rb")
OUTPUT_FILE = OutputFile()
NEW_FILE = click.Path(path_type=Path, dir_okay=False)
NEW_DIRECTORY = click.Path(path_type=Path)
EXISTING_DIRECTORY = click.Path(path_type=Path, exists=True, file_okay=False)
