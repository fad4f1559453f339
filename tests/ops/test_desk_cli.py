"""The command of a machine without a network, a part of the whole one."""

import subprocess
import sys

import click

from ops.cli import cli

FOR_SERVERS = {"organisation trust"}

LIST = """
from ops.desk_cli import cli
for group in cli.commands.values():
    for name in group.commands:
        print(group.name, name)
"""


def test_everything_that_needs_no_server_is_there() -> None:
    """
    All commands of `bisik desk` and `bisik organisation`, but those for a server.
    """
    whole = {
        f"{group} {name}"
        for group in ("desk", "organisation")
        for command in [cli.commands[group]]
        if isinstance(command, click.Group)
        for name in command.commands
    }

    # In a process of its own: there, nothing of a server has added to the groups.
    said = subprocess.run(
        [sys.executable, "-c", LIST], capture_output=True, text=True, check=True
    ).stdout
    assert whole - FOR_SERVERS == set(said.splitlines())
