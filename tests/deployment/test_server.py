"""
One server from a bare Debian to a power cut, as its people meet it over Tor.

    playbook, twice --> reporter, officer --> port 22 closes --> reboot --> power cut

They go in order, and each leaves the server as it should be.
"""

import pytest
from support.lab.container import Container
from support.lab.deployed import Deployed
from support.lab.journeys import (
    assert_nothing_lost,
    assert_served,
    send_until_power_cut,
)
from support.lab.laboratory import Lab

pytestmark = [pytest.mark.deployment, pytest.mark.slow]

SENDING_SECONDS = 12.0
NMAP = "nmap -n -Pn -sS -p- --min-rate 8000 --max-retries 1"


def assert_well(container: Container) -> None:
    """Look at a container's console that every unit has started."""
    look = "systemctl is-system-running --wait; systemctl --failed"
    done = container.at_console(look)
    assert "running" == done.stdout.splitlines()[0], done.stdout


def test_the_playbook_makes_a_server_that_is_well(server: Deployed) -> None:
    """
    After one run everything has started, and the server itself says that people get in.
    """
    assert_well(server.container)
    server.wait_until_well()


def test_a_reporter_and_an_officer(server: Deployed) -> None:
    """
    Over Tor, a report arrives, is answered, and the answer is read.
    """
    assert_served(server, "pertama")


def test_a_second_run_changes_nothing(server: Deployed) -> None:
    """
    What is as it should be is left alone.
    """
    assert () == server.deploy("second").changed_tasks


def test_no_port_is_open(server: Deployed, lab: Lab) -> None:
    """
    Through Tor, the playbook closes the last port; administrators still get in.
    """
    server.enter_by_onion()
    changes: dict[str, object] = {"firewall_ssh_sources": []}
    server.settings.update(changes)
    recap = server.deploy("closing", "--tags", "base,firewall")
    assert 0 < recap.changed
    said = lab.network.run([*NMAP.split(), server.machine.address])
    assert " open " not in said
    assert "All 65535 scanned ports" in said
    assert "deployed" == server.machine.run("hostname").strip()


def test_a_reboot(server: Deployed) -> None:
    """
    It comes back by itself, with everything started, and people get in as before.
    """
    container = server.container
    container.reboot()
    assert_well(container)
    assert_served(server, "sesudah")


def test_a_power_cut_while_reports_are_sent(server: Deployed) -> None:
    """
    It comes back by itself; what was acknowledged is there, once and whole.
    """
    ledger = send_until_power_cut(server, SENDING_SECONDS)
    server.restore_power()
    assert_well(server.container)
    assert_nothing_lost(server, ledger)
