"""
The lab itself: what the other tests here build on.
"""

import socket
from pathlib import Path

import pytest
from support.lab.base import own_folder
from support.lab.container import Container
from support.lab.laboratory import Lab
from support.lab.network import Network
from support.lab.playbook import PlaybookFailed, run_playbook

pytestmark = [pytest.mark.deployment, pytest.mark.slow]

PLAY = """\
- name: Try the lab out
  hosts: all
  tasks:
    - name: Install a package
      ansible.builtin.apt:
        name: tree
        update_cache: true
        cache_valid_time: 3600
    - name: Write a file
      ansible.builtin.copy:
        content: "{{ greeting }}"
        dest: /root/greeting
        mode: "0600"
"""


@pytest.fixture(scope="module")
def machine(lab: Lab) -> Container:
    """A machine in it that is up."""
    made = lab.machine("bare", "10.77.0.20")
    made.boot()
    return made


def test_a_machine_boots_with_nothing_amiss(machine: Container) -> None:
    """
    Every unit of a bare machine has started, and it has its own name and address.
    """
    assert "running" == machine.state()
    assert "bare" == machine.run("hostname").strip()
    assert "inet 10.77.0.20/24 " in machine.run("ip -4 address show dev host0")


def test_what_was_synced_outlives_a_power_cut(machine: Container) -> None:
    """
    After a reboot and after a cut the same disk is there, and everything starts.
    """
    machine.run("echo kept > /root/kept && sync /root/kept")
    machine.reboot()
    assert "running" == machine.state()
    machine.kill()
    assert not machine.running
    machine.boot()
    assert ("running", "kept\n") == (machine.state(), machine.run("cat /root/kept"))
    machine.shut_down()
    machine.boot()
    assert "kept\n" == machine.run("cat /root/kept")


def test_a_playbook_changes_a_machine_once(
    lab: Lab, machine: Container, tmp_path: Path
) -> None:
    """
    Packages come through the router; a second run finds everything done.
    """
    playbook = tmp_path / "try.yml"
    playbook.write_text(PLAY)
    inventory = {"all": {"hosts": {"bare": {"greeting": "Selamat"}}}}
    first = run_playbook(lab, inventory, playbook=playbook, log=tmp_path / "1")
    second = run_playbook(lab, inventory, playbook=playbook, log=tmp_path / "2")
    assert 2 == first["bare"].changed
    assert ("Install a package", "Write a file") == first["bare"].changed_tasks
    assert (0, ()) == (second["bare"].changed, second["bare"].changed_tasks)
    assert "Selamat" == machine.run("cat /root/greeting")
    assert machine.run("command -v tree")


def test_a_playbook_that_fails_says_why(lab: Lab, tmp_path: Path) -> None:
    """
    What Ansible complains about is in the error.
    """
    playbook = tmp_path / "try.yml"
    playbook.write_text(PLAY)
    inventory: dict[str, object] = {"all": {"hosts": {"bare": {}}}}
    with pytest.raises(PlaybookFailed, match="'greeting' is undefined"):
        run_playbook(lab, inventory, playbook=playbook, log=tmp_path / "1")


def test_nothing_of_a_lab_reaches_this_machine(lab: Lab, machine: Container) -> None:
    """
    Its bridge and addresses are in no network but its own; two labs do not meet.
    """
    own = Path("/proc/net/fib_trie").read_text()
    assert "10.77.0." not in own
    with (
        Network() as other,
        other.entered(),
        pytest.raises(OSError, match=r"No route|timed out"),
    ):
        socket.create_connection((machine.address, 22), timeout=5)


def test_a_lab_whose_owner_was_killed_leaves_nothing(tmp_path: Path) -> None:
    """
    The next lab removes its folder, and no folder that is in use or of unknown use.
    """
    abandoned, unknown = tmp_path / "lab-abandoned", tmp_path / "lab-unknown"
    abandoned.mkdir()
    (abandoned / "used").touch()
    unknown.mkdir()
    with own_folder(tmp_path) as first, own_folder(tmp_path) as second:
        assert sorted([first, second, unknown]) == sorted(tmp_path.glob("lab-*"))
    assert [unknown] == list(tmp_path.glob("lab-*"))
