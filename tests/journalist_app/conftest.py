"""A desk made once per run with real keys, and copied for every test."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest
from support.courier_site import Courier
from support.deaddrop_samples import seeded
from support.office import (
    NAMES,
    Office,
    OfficeTemplate,
    make_office_template,
    running_office,
)
from support.reporters import DAY, Reporter, Sealer

from casework.enrolment import Enrolment
from casework.profile import shipped_profile
from crypto.certificates import generate_officer_key
from crypto.openpgp import Keyring
from journalist_app.workstation.desk import (
    Desk,
    Institution,
    create_desk,
    open_desk,
)


@dataclass(frozen=True)
class Template:
    """A new desk to copy, and somebody who seals to its officer."""

    path: Path
    enrolment: Enrolment
    sealer: Sealer


@pytest.fixture(scope="session")
def institution() -> Institution:
    """The texts that Bisik ships."""
    calendar = resources.files("casework").joinpath("calendars/indonesia.csv")
    return Institution(shipped_profile(), calendar.read_text("utf-8"))


@pytest.fixture(scope="session")
def template(
    tmp_path_factory: pytest.TempPathFactory, institution: Institution
) -> Template:
    """Make the desk of an officer without a passphrase."""
    base = tmp_path_factory.mktemp("desk")
    enrolment = create_desk(
        base / "desk",
        name="Petugas Uji",
        email="petugas@example.test",
        passphrase=None,
        institution=institution,
        today=DAY,
        entropy=seeded(11),
    )
    sealer = Sealer.to(base / "sealer", enrolment.certificate.encode())
    return Template(base / "desk", enrolment, sealer)


@pytest.fixture
def sealer(template: Template) -> Sealer:
    """Seals to the officer of `desk`."""
    return template.sealer


@pytest.fixture(scope="session")
def sealer_to_another(tmp_path_factory: pytest.TempPathFactory) -> Sealer:
    """Seals to an officer whose key is on no desk here."""
    base = tmp_path_factory.mktemp("another")
    fingerprint = generate_officer_key(
        base / "keys",
        name="Petugas Lain",
        email="lain@example.test",
        expires_days=10,
        passphrase=None,
        today=DAY,
    )
    certificate = Keyring(base / "keys").export(fingerprint)
    return Sealer.to(base / "sealer", certificate)


@pytest.fixture
def desk_path(template: Template, tmp_path: Path) -> Path:
    """A desk's folder for one test."""
    path = tmp_path / "desk"
    shutil.copytree(template.path, path)
    return path


@pytest.fixture
def desk(desk_path: Path) -> Iterator[Desk]:
    """An open desk for one test."""
    with open_desk(desk_path, passphrase=None, entropy=os.urandom) as opened:
        yield opened


@pytest.fixture(scope="session")
def office_template(
    tmp_path_factory: pytest.TempPathFactory, institution: Institution
) -> OfficeTemplate:
    """Three certified desks, to be copied."""
    return make_office_template(tmp_path_factory.mktemp("office"), institution)


@pytest.fixture
def office(office_template: OfficeTemplate, tmp_path: Path) -> Iterator[Office]:
    """Three desks around an empty dead drop."""
    with running_office(tmp_path, office_template, *NAMES) as office:
        yield office


@pytest.fixture
def office_alone(office_template: OfficeTemplate, tmp_path: Path) -> Iterator[Office]:
    """One desk and a dead drop."""
    with running_office(tmp_path, office_template, NAMES[0]) as office:
        yield office


@pytest.fixture
def ani() -> Reporter:
    """A reporter."""
    return Reporter("ani")


@pytest.fixture
def budi() -> Reporter:
    """Another reporter."""
    return Reporter("budi")


@pytest.fixture
def courier(office: Office, tmp_path: Path) -> Courier:
    """The courier of an office."""
    return Courier(office, tmp_path)
