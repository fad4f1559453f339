"""
A server that is lost: another bare machine takes its place, from a backup.

    server --bisik-backup.service--> sealed file --gpg, on the operator's computer-->
    new machine: playbook, bisik backup restore, playbook

It has the same addresses, so that leaflets stay true, and the same cases.
"""

import subprocess
from pathlib import Path

import pytest
from support.lab.deployed import ONION, Deployed
from support.lab.laboratory import Lab

pytestmark = [pytest.mark.deployment, pytest.mark.slow]

SERVER = "/var/lib/bisik/server"
BACKUPS = "/var/backups/bisik"


def sealed_backup(server: Deployed, to: Path) -> Path:
    """Let the daily unit make a backup while the server serves, and fetch it."""
    server.machine.run("systemctl start bisik-backup.service")
    name = server.machine.run(f"ls --sort=time {BACKUPS} | head --lines=1").strip()
    # As an administrator fetches it: by scp, and so by ssh.
    subprocess.run(
        [
            *("scp", "-q", "-F", server.lab.ssh_config),
            *(f"{server.machine.name}:{BACKUPS}/{name}", to),
        ],
        check=True,
    )
    return to


def test_another_machine_takes_its_place(
    server: Deployed, lab: Lab, tmp_path: Path
) -> None:
    """
    The same addresses lead to the same cases, and reporters and officers go on.
    """
    server.wait_until_reached()
    reporter = server.visitor("before")
    codename = reporter.draw_codename()
    assert "sudah kami terima" in reporter.send_report(title="Sebelum hilang").text
    addresses = (server.site, server.courier, server.administrators)
    backup = sealed_backup(server, tmp_path / "backup.gpg")
    opened = server.operator.open(backup, tmp_path / "opened")
    server.machine.kill()

    server.machine = lab.machine("successor", "10.77.0.22")
    server.machine.boot()
    # Whatever the old one had closed, a new one is open while it is installed.
    server.settings.clear()
    # Everything but what makes new addresses.
    server.deploy("bare", "--tags", "base,firewall,application")
    server.machine.run(f"rm -r {SERVER}")
    server.machine.run(
        "bisik backup restore --user debian-tor -", stdin=opened.read_bytes()
    )
    server.deploy("successor")

    found = server.machine.run(
        f"cat {ONION}/reporters/hostname {ONION}/officers/hostname "
        f"{ONION}/administrators/hostname"
    )
    assert list(addresses) == found.split()
    server.wait_until_reached()
    later = server.visitor("after")
    assert "Sebelum hilang" in later.sign_in(codename).text
    assert "sudah disegel" in later.send_message("Sesudah dipulihkan.").text
    courier = server.courier_visitor()
    bundle = server.ministry.fetch(courier)
    assert bundle is not None
    report, message = server.ministry.open_items(bundle)[-2:]
    assert report.report is not None
    assert "Sebelum hilang" == report.report.title
    assert "Sesudah dipulihkan." == message.message
    assert () == server.deploy("again").changed_tasks
