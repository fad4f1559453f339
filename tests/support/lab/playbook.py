"""
Ansible on a lab's machines, and what came of it.

    recap = run_playbook(lab, inventory, log=folder / "first")["server"]
    assert 0 == recap.changed
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.lab.laboratory import Lab

from tor.program import WITH_PARENT

ANSIBLE = Path(__file__).parents[3] / "ansible"
PLAYBOOK_SECONDS = 900.0
_PROGRAM = Path(sys.executable).with_name("ansible-playbook")
_LINE = re.compile(r"^(\S+)\s+: ((?:\w+=\d+\s*)+)$", re.MULTILINE)


@dataclass(frozen=True)
class Recap:
    """
    What a playbook did on one machine, in numbers of tasks.

    Attributes:
        changed_tasks: The names of those that changed something, anywhere.
    """

    ok: int
    changed: int
    unreachable: int
    failed: int
    changed_tasks: tuple[str, ...] = ()


# A heading, and before the next one a machine that was changed.
_HEADING = r"(?:TASK|RUNNING HANDLER) \["
_CHANGED = re.compile(
    rf"^{_HEADING}(.*?)\] \**\n(?:(?!{_HEADING}).*\n)*?changed: ", re.MULTILINE
)


class PlaybookFailed(Exception):
    """The playbook did not get to its end."""


def run_playbook(
    lab: Lab,
    inventory: Mapping[str, object],
    *,
    log: Path,
    playbook: Path = ANSIBLE / "site.yml",
    arguments: Sequence[str | Path] = (),
    seconds: float = PLAYBOOK_SECONDS,
) -> dict[str, Recap]:
    """
    Run a playbook.

    Args:
        lab: Its machines go by their names.

        inventory: As an inventory in YAML, with "all" at the top.

        log: Where all it says is kept.

        playbook: The whole server's, if nothing else.

        arguments: Further ones of ansible-playbook(1).

        seconds: How long it may take.

    Raises:
        PlaybookFailed: With what it said last.

    Returns:
        What it did by the name of the machine.
    """
    hosts = lab.directory / "inventory.json"
    hosts.write_text(json.dumps(inventory))
    with log.open("wb") as file:
        try:
            done = subprocess.run(
                [*WITH_PARENT, _PROGRAM, "-i", hosts, *arguments, playbook],
                cwd=playbook.parent,
                env=_environment(lab),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
            )
        finally:
            _hang_up(lab)
    said = log.read_text("utf-8", "replace")
    if done.returncode != 0:
        raise PlaybookFailed(f"{done.returncode}: {said[-4000:]}")
    return recaps(said)


def recaps(said: str) -> dict[str, Recap]:
    """Read the end of what ansible-playbook(1) says."""
    changed = tuple(_CHANGED.findall(said))
    _play, _heading, end = said.rpartition("PLAY RECAP")
    found = {}
    for name, numbers in _LINE.findall(end):
        counts = dict(pair.split("=") for pair in numbers.split())
        found[name] = Recap(
            ok=int(counts["ok"]),
            changed=int(counts["changed"]),
            unreachable=int(counts["unreachable"]),
            failed=int(counts["failed"]),
            changed_tasks=changed,
        )
    return found


def _environment(lab: Lab) -> dict[str, str]:
    sockets = lab.directory / "cp"
    sockets.mkdir(exist_ok=True)
    configuration = ANSIBLE / "ansible.cfg"
    return {
        **os.environ,
        **({"ANSIBLE_CONFIG": str(configuration)} if configuration.exists() else {}),
        "PATH": f"{_PROGRAM.parent}:{os.environ['PATH']}",
        "ANSIBLE_HOME": str(lab.directory / "ansible"),
        "ANSIBLE_SSH_COMMON_ARGS": f"-F {lab.ssh_config}",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_NOCOLOR": "1",
        "LC_ALL": "C.UTF-8",
    }


def _hang_up(lab: Lab) -> None:
    """End the connections that Ansible keeps, before the machines go."""
    for path in (lab.directory / "cp").iterdir():
        subprocess.run(
            ["ssh", "-F", lab.ssh_config, "-O", "exit", "-S", path, "nobody"],
            capture_output=True,
            check=False,
        )
