"""What tests of deployed servers share: a lab, its Tor network, a release, a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.backups import Operator, an_operator
from support.lab.deployed import Deployed
from support.lab.laboratory import Lab, running_lab
from support.lab.ministry import Ministry
from support.lab.tor import LabTor, lab_tor
from support.signing import Signer, a_signer


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A lab."""
    with running_lab() as running:
        yield running


@pytest.fixture(scope="session")
def tor(lab: Lab) -> Iterator[LabTor]:
    """The private Tor network in it."""
    with lab_tor(lab) as running:
        yield running


@pytest.fixture(scope="session")
def signer() -> Iterator[Signer]:
    """Whoever signs releases."""
    with a_signer() as one:
        yield one


@pytest.fixture(scope="session")
def release(signer: Signer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release that is signed."""
    return signer.release(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="session")
def operator() -> Iterator[Operator]:
    """Whoever can open backups."""
    with an_operator() as one:
        yield one


@pytest.fixture(scope="session")
def server(
    lab: Lab,
    tor: LabTor,
    signer: Signer,
    release: Path,
    operator: Operator,
    tmp_path_factory: pytest.TempPathFactory,
) -> Deployed:
    """A bare machine that the playbook has been at once, and its people."""
    folder = tmp_path_factory.mktemp("deployed")
    machine = lab.machine("deployed", "10.77.0.21")
    machine.boot()
    ministry = Ministry.made(folder / "ministry")
    server = Deployed(
        *(lab, tor, ministry, machine, release, signer.certificate, operator, folder)
    )
    server.deploy("first")
    server.admit_people()
    return server
