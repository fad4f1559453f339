"""
Two web machines behind a front, on two databases, by one run of the whole playbook.

The tests tell one story, and follow one another.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.backups import Operator
from support.lab.databases import soon
from support.lab.scaled import Scaled, running_installation
from support.signing import Signer

pytestmark = [pytest.mark.deployment, pytest.mark.slow, pytest.mark.postgres]

# Onionbalance waits 45 seconds before it publishes anything.
FRONT_SECONDS = 240.0
ACKNOWLEDGED = "sudah kami terima"


@pytest.fixture(scope="module")
def scaled(
    signer: Signer,
    release: Path,
    operator: Operator,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scaled]:
    """The installation."""
    with running_installation(
        tmp_path_factory.mktemp("scaled"),
        release=release,
        release_key=signer.certificate,
        operator=operator.certificate,
    ) as running:
        yield running


def send_report(scaled: Scaled, user: str) -> None:
    """Send one to the front's address, and see it on both disks."""
    socks = scaled.visiting(user)
    socks.connect_soon(scaled.front, seconds=FRONT_SECONDS).close()
    before = scaled.items("database1")
    visitor = socks.visitor(scaled.front)
    visitor.draw_codename()
    assert ACKNOWLEDGED in visitor.send_report().text
    assert before + 1 == scaled.items("database1")
    assert soon(lambda: before + 1 == scaled.items("database2"))


def test_one_run_makes_all_of_it(scaled: Scaled) -> None:
    """Every machine has started what it should run, and says that it is well."""
    for name, machine in scaled.machines.items():
        assert "running" == machine.state(), (name, machine.run("systemctl --failed"))
    said = scaled.machines["database1"].run("bisik-database status")
    assert "reports are acknowledged when they are on both disks" in said


def test_a_report_through_the_front(scaled: Scaled) -> None:
    """It is sent to the front's address, and is on both databases."""
    send_report(scaled, "ani")


def test_a_second_run_changes_nothing(scaled: Scaled) -> None:
    """What is as it should be is left alone, on all machines."""
    recaps = scaled.play()
    assert set(scaled.machines) == set(recaps)
    assert {()} == {recap.changed_tasks for recap in recaps.values()}


def test_a_web_machine_dies(scaled: Scaled) -> None:
    """
    The next visitor is served by the other one; when it is back, it reaches the
    databases, and serves again by itself.
    """
    lost = scaled.machines["web1"]
    lost.kill()
    send_report(scaled, "budi")
    lost.boot()
    assert soon(lambda: 0 == lost.tried("bisik onion status").returncode)
    assert "running" == lost.state()
