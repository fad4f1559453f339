"""The command of a machine without a network, a part of the whole one."""

import subprocess
import sys

import click

from ops.cli import cli

FOR_SERVERS = {
    "administrators",
    "backup",
    "counters",
    "courier",
    "doctor",
    "init",
    "leaflet",
    "migrate",
    "notice",
    "notify",
    "officers",
    "onion",
    "organisation trust",
    "release",
    "run",
    "serve",
    "tidy",
}

LIST = """
from ops.desk_cli import cli
for name, command in cli.commands.items():
    print("\\n".join(f"{name} {below}" for below in getattr(command, "commands", ())))
    print(name)
"""


def test_everything_that_needs_no_server_is_there() -> None:
    """
    All commands but those for a server, so that none is forgotten.
    """
    whole = set(cli.commands)
    for group in ("desk", "organisation"):
        command = cli.commands[group]
        assert isinstance(command, click.Group)
        whole |= {f"{group} {name}" for name in command.commands}

    # In a process of its own: there, nothing of a server has added to the groups.
    said = subprocess.run(
        [sys.executable, "-c", LIST], capture_output=True, text=True, check=True
    ).stdout
    assert whole - FOR_SERVERS == set(filter(None, said.splitlines()))
