"""
A deployed server on Debian's own kernel: what a container cannot show.

Its processor is emulated, and some ten times slower.
"""

import subprocess
from collections.abc import Sequence

import pytest
from support.lab.deployed import Deployed
from support.lab.journeys import assert_nothing_lost, send_until_power_cut
from support.lab.laboratory import Lab

pytestmark = [pytest.mark.deployment, pytest.mark.slow]

SENDING_SECONDS = 60.0
UP_SECONDS = 420.0


@pytest.fixture(scope="module")
def virtual(server: Deployed, lab: Lab) -> Deployed:
    """The same server, moved to a virtual machine."""
    container = server.container
    container.shut_down()
    server.machine = lab.virtual(container)
    server.machine.switch_on()
    server.machine.wait_until_up(UP_SECONDS)
    return server


def values_of(server: Deployed, unit: str, names: Sequence[str]) -> list[str]:
    """Read what the kernel holds for a unit's control group."""
    group = f"/sys/fs/cgroup/system.slice/{unit}"
    return server.machine.run(f"cd {group} && cat {' '.join(names)}").split()


def test_everything_starts(virtual: Deployed) -> None:
    """
    No unit fails for what a kernel of its own asks of it.
    """
    state = virtual.machine.state()
    assert "running" == state, virtual.machine.run("systemctl --failed; dmesg | tail")


@pytest.mark.parametrize(
    ("unit", "profile"),
    [
        ("bisik-site.service", "bisik-site"),
        ("bisik-courier.service", "bisik-courier"),
        ("tor@default.service", "system_tor"),
    ],
)
def test_apparmor_confines_what_is_reached(
    virtual: Deployed, unit: str, profile: str
) -> None:
    """
    The first process of the unit, which starts the others, is in its profile.
    """
    confined = virtual.machine.run(
        f"cat /proc/$(systemctl show --value -p MainPID {unit})/attr/apparmor/current"
    )
    assert f"{profile} (enforce)\n" == confined


def test_apparmor_lets_no_other_program_run(virtual: Deployed) -> None:
    """
    A site in its profile runs gpg, and nothing that lies among the libraries.
    """
    (other, *_more) = virtual.machine.run(
        "find /usr/lib/x86_64-linux-gnu -type f -perm -1 ! -name '*.so*'"
    ).split()

    def run_as_site(program: str) -> "subprocess.CompletedProcess[str]":
        code = f'import os; os.execv("{program}", ["{program}", "--version"])'
        return virtual.machine.tried(
            f"aa-exec --profile=bisik-site -- python3 -I -c '{code}'"
        )

    assert 0 == run_as_site("/usr/bin/gpg").returncode
    refused = run_as_site(other)
    assert 0 != refused.returncode
    assert "Permission denied" in refused.stderr


def test_limits_of_the_sites_are_the_kernels(virtual: Deployed) -> None:
    """
    Memory, swap and processes of both sites end where the units say.
    """
    for unit, tasks in (("bisik-site", "768"), ("bisik-courier", "512")):
        memory, swap, processes = values_of(
            virtual, f"{unit}.service", ["memory.max", "memory.swap.max", "pids.max"]
        )
        assert memory.isdecimal(), memory
        assert ("0", tasks) == (swap, processes)


@pytest.mark.parametrize("unit", ["bisik-backup", "bisik-tidy"])
def test_what_is_done_every_day_is_done(virtual: Deployed, unit: str) -> None:
    """
    In its profile, too, a daily unit gets to its end.
    """
    virtual.machine.run(f"systemctl start {unit}.service", seconds=UP_SECONDS)
    shown = virtual.machine.run(f"systemctl show --property=Result {unit}.service")
    assert "Result=success\n" == shown


def test_a_power_cut_that_takes_the_kernel_with_it(virtual: Deployed) -> None:
    """
    What the kernel had not written is lost, and nothing that was acknowledged.
    """
    virtual.wait_until_reached()
    ledger = send_until_power_cut(virtual, SENDING_SECONDS)
    virtual.restore_power()
    assert "running" == virtual.machine.state()
    assert_nothing_lost(virtual, ledger)


def test_apparmor_has_refused_nothing(virtual: Deployed) -> None:
    """
    After all this, no profile stood in the way of what its service must do.
    """
    said = virtual.machine.run("journalctl --dmesg --no-pager")
    denied = [
        line
        for line in said.splitlines()
        # The test above has asked for it.
        if 'apparmor="DENIED"' in line and 'operation="exec"' not in line
    ]
    assert [] == denied
