"""
One server from bare metal to its last power cut, as its people meet it over Tor.

    playbook, twice --> reporter, officer --> port 22 closes --> reboot --> power cut
    --> the same disk on Debian's own kernel --> power cut

They go in order, and each leaves the server as it should be.
"""

import random
import threading
from collections.abc import Sequence
from functools import partial

import pytest
from support.lab.container import Container
from support.lab.deployed import REACH_SECONDS, Deployed
from support.lab.laboratory import Lab
from support.sending_on import Ledger, Reporter
from support.visitor import Upload

pytestmark = [pytest.mark.deployment, pytest.mark.slow]

REPORTERS = 3
SENDING_SECONDS = 12.0
# An emulated processor is some ten times slower.
VIRTUAL_SENDING_SECONDS = 90.0
VIRTUAL_UP_SECONDS = 420.0
NMAP = "nmap -n -Pn -sS -p- --min-rate 8000 --max-retries 1"


def container_of(server: Deployed) -> Container:
    """Return the machine, which is still a container."""
    assert isinstance(server.machine, Container)
    return server.machine


def assert_well(container: Container) -> None:
    """Look at a container's console that every unit has started."""
    look = "systemctl is-system-running --wait; systemctl --failed"
    done = container.at_console(look)
    assert "running" == done.stdout.splitlines()[0], done.stdout


def assert_served(server: Deployed, name: str) -> None:
    """
    Go a reporter's and an officer's way.

    A report with a file arrives at the desk; its answer is read with the codename.
    """
    server.wait_until_reached()
    reporter = server.visitor(name)
    codename = reporter.draw_codename()
    assert "sudah kami terima" in reporter.send_report(title=name).text
    answer = reporter.send_files(Upload("bukti.txt", name.encode()))
    assert "sudah disegel" in answer.text

    courier = server.courier_visitor()
    bundle = server.ministry.fetch(courier)
    assert bundle is not None
    report, files = server.ministry.open_items(bundle)[-2:]
    assert report.report is not None
    assert name == report.report.title
    assert (("bukti.txt", name.encode()),) == files.files
    assert 200 == server.ministry.answer(courier, bundle, f"Jawaban: {name}").status

    later = server.visitor(f"{name}-later")
    assert f"Jawaban: {name}" in later.sign_in(codename).text


def send_until(server: Deployed, cut: threading.Event, seconds: float) -> Ledger:
    """Let reporters send one thing after the other, until the power is cut."""
    ledger = Ledger()
    reporters = [
        Reporter(
            partial(server.visitor, f"crowd-{number}"), ledger, random.Random(number)
        )
        for number in range(REPORTERS)
    ]
    for reporter in reporters:
        reporter.draw()
    threads = [
        threading.Thread(target=reporter.work, args=[cut]) for reporter in reporters
    ]
    for thread in threads:
        thread.start()
    cut.wait(seconds)
    server.machine.kill()
    cut.set()
    for thread in threads:
        thread.join()
    return ledger


def assert_nothing_lost(server: Deployed, ledger: Ledger) -> None:
    """Let the officer fetch all that came, and compare it with what was sent."""
    server.wait_until_reached()
    courier = server.courier_visitor()
    bundle = server.ministry.fetch(courier)
    assert bundle is not None, "nothing is there"
    ledger.compare(server.ministry.open_items(bundle))
    # So that the next bundle begins after it.
    server.ministry.answer(courier, bundle, "Diterima.")


def test_the_playbook_makes_a_server_that_is_well(server: Deployed) -> None:
    """
    After one run everything has started, and the server itself says that people get in.
    """
    assert_well(container_of(server))
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
    container = container_of(server)
    container.reboot()
    assert_well(container)
    assert_served(server, "sesudah")


def test_a_power_cut_while_reports_are_sent(server: Deployed) -> None:
    """
    It comes back by itself; what was acknowledged is there, once and whole.
    """
    container = container_of(server)
    ledger = send_until(server, threading.Event(), SENDING_SECONDS)
    container.switch_on()
    container.wait_until_up(REACH_SECONDS)
    assert_well(container)
    assert_nothing_lost(server, ledger)


@pytest.fixture(scope="module")
def virtual(server: Deployed, lab: Lab) -> Deployed:
    """The same server, moved to a virtual machine with Debian's own kernel."""
    container = container_of(server)
    container.shut_down()
    server.machine = lab.virtual(container)
    server.machine.switch_on()
    server.machine.wait_until_up(VIRTUAL_UP_SECONDS)
    return server


def values_of(server: Deployed, unit: str, names: Sequence[str]) -> list[str]:
    """Read what the kernel holds for a unit's control group."""
    group = f"/sys/fs/cgroup/system.slice/{unit}"
    said = server.machine.run(f"cd {group} && cat {' '.join(names)}")
    return said.split()


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
    With a kernel that has AppArmor, every process of the unit is in its profile.
    """
    confined = virtual.machine.run(
        f"for process in $(systemctl show --value -p MainPID {unit}); do "
        "cat /proc/$process/attr/apparmor/current; done"
    )
    assert f"{profile} (enforce)\n" == confined


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


def test_a_power_cut_that_takes_the_kernel_with_it(virtual: Deployed) -> None:
    """
    What the kernel had not written is lost, and nothing that was acknowledged.
    """
    virtual.wait_until_reached()
    ledger = send_until(virtual, threading.Event(), VIRTUAL_SENDING_SECONDS)
    virtual.machine.switch_on()
    virtual.machine.wait_until_up(VIRTUAL_UP_SECONDS)
    assert "running" == virtual.machine.state()
    assert_nothing_lost(virtual, ledger)
