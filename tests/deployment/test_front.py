"""The front: one onion address for several web machines."""

import subprocess
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from support.lab.front import Front, running_front

from tor.address import address_of

pytestmark = [pytest.mark.deployment, pytest.mark.slow]

# Onionbalance waits 45 seconds before it publishes anything.
FRONT_SECONDS = 180.0


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    """A front with a site behind it."""
    with running_front() as running:
        yield running


def test_the_address_is_that_of_the_sealed_key(front: Front) -> None:
    """
    Whoever has the operator's private key opens the copy, which is the key of the
    front's address; the copy alone opens for nobody.
    """
    gpg = ("gpg", "--homedir", front.operator, "--batch", "--quiet", "--decrypt")
    opened = subprocess.run(
        [*gpg, front.sealed], capture_output=True, check=True
    ).stdout
    key = load_pem_private_key(opened, None)
    assert isinstance(key, Ed25519PrivateKey)
    assert front.address == address_of(key.public_key().public_bytes_raw())
    assert b"PRIVATE KEY" not in front.sealed.read_bytes()
    mode = "stat --format '%U %a' /etc/onionbalance/private_keys/front.key"
    assert "onionbalance 400" == front.machine.run(mode).strip()


def test_onionbalance_is_confined(front: Front) -> None:
    """Onionbalance has no network; its tor listens on no port."""
    confined = front.machine.run(
        "systemctl show --property=PrivateNetwork,RestrictAddressFamilies onionbalance"
    )
    assert "PrivateNetwork=yes" in confined
    assert "RestrictAddressFamilies=AF_UNIX" in confined
    listening = front.machine.run("ss --no-header --numeric --tcp --udp --listening")
    assert {"0.0.0.0:22", "[::]:22"} == {
        line.split()[4] for line in listening.splitlines()
    }
    for unit in ("onionbalance", "tor@default"):
        front.machine.run(f"systemd-analyze security --threshold=25 {unit}.service")


def test_a_second_run_changes_nothing(front: Front) -> None:
    """The playbook leaves a front as it is."""
    assert () == front.play()["front"].changed_tasks


def test_visitors_get_through_the_front(front: Front) -> None:
    """A report is sent to the front's address, and is on the web machine."""
    front.visiting.connect_soon(front.address, seconds=FRONT_SECONDS).close()
    visitor = front.visiting.visitor(front.address)
    visitor.draw_codename()
    assert "sudah kami terima" in visitor.send_report().text
    assert 1 == front.service.counts()[0]
