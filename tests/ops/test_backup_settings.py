"""One file says who opens backups, whoever has them made."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.backups import Operator, an_operator
from support.command import World
from support.machine import Debian
from support.units import DEPLOYMENT

from ops.backups.settings import PATH, BackupSettings, MalformedBackupSettings
from ops.commands.release import BACKUP

ROLE = DEPLOYMENT.parent / "ansible/roles/backup"
FIRST, SECOND = "/etc/bisik/operator.asc", "/etc/bisik/operator-2.asc"


@pytest.fixture(scope="module")
def operators() -> Iterator[tuple[Operator, Operator]]:
    """Two people who can open backups."""
    with an_operator("satu") as one, an_operator("dua") as two:
        yield one, two


@pytest.fixture
def server(
    world: World, tmp_path: Path, operators: tuple[Operator, Operator]
) -> tuple[World, Debian]:
    """A server on a machine that has both certificates."""
    debian = Debian(tmp_path / "machine")
    for path, operator in zip((FIRST, SECOND), operators, strict=True):
        debian.write(path, operator.certificate.read_text())
    (world.path / "backups").mkdir()
    return replace(world, edge=replace(world.edge, machine=debian.machine)), debian


def rendered(recipients: int, *, keep_days: int = 14) -> str:
    """Return the file as the role writes it."""
    template = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined)  # noqa: S701 - TOML.
    template.filters["to_json"] = json.dumps
    text = (ROLE / "templates/backup.toml.j2").read_text()
    return template.from_string(text).render(
        ansible_managed="Ansible",
        backup_certificates=["..."] * recipients,
        backup_certificate_paths=[FIRST, SECOND][:recipients],
        backup_keep_days=keep_days,
    )


def test_a_backup_without_options_is_for_all_operators(
    server: tuple[World, Debian], operators: tuple[Operator, Operator]
) -> None:
    """Each of those whom the file names can open it; old ones are kept as it says."""
    world, debian = server
    debian.write(PATH, rendered(2, keep_days=1))
    words = ("backup", "make", "--without-addresses", "--to", world.path / "backups")

    first = world.done(*words).partition(", ")[0]
    for number, operator in enumerate(operators):
        opened = operator.open(Path(first), world.path / f"opened-{number}.tar")
        assert b"README.txt" == opened.read_bytes()[:10]

    later = replace(world.at(2), edge=replace(world.at(2).edge, machine=debian.machine))
    assert "1 old backups were removed" in later.done(*words)


def test_without_the_file_it_is_for_the_first_operator(
    server: tuple[World, Debian],
) -> None:
    """As the playbook brings the first certificate."""
    world, _debian = server
    said = world.done(
        *("backup", "make", "--without-addresses", "--to", world.path / "backups")
    )
    assert 1 == said.count("can open it")


def test_a_file_that_is_wrong_lets_nobody_be_left_out(
    server: tuple[World, Debian],
) -> None:
    """The field is named, and there is no backup for fewer people."""
    world, debian = server
    debian.write(PATH, rendered(2).replace("recipients", "recipient"))
    said = world.refused(
        *("backup", "make", "--without-addresses", "--to", world.path / "backups")
    )
    assert "recipient" in said
    assert "run the playbook again" in said
    assert [] == list((world.path / "backups").iterdir())


def test_the_daily_one_and_that_before_an_upgrade_are_the_same() -> None:
    """Both are made without options and without a variable of their own."""
    unit = (DEPLOYMENT / "systemd/bisik-backup.service").read_text()
    assert f"/bin/bisik {' '.join(BACKUP)}\n" in unit
    assert "BISIK_BACKUP" not in unit
    assert [] == [
        path for path in ROLE.rglob("*") if path.is_file() and ".conf" in path.name
    ]


@pytest.mark.parametrize("recipients", [1, 2])
def test_what_the_role_writes_is_read(recipients: int) -> None:
    """Nobody is lost between the inventory and the backup."""
    read = BackupSettings.parse(rendered(recipients))
    assert (FIRST, SECOND)[:recipients] == read.recipients
    assert 14 == read.keep_days


@pytest.mark.parametrize(
    "wrong",
    [
        "recipients = []",
        'recipients = ["operator.asc"]',
        "keep_days = 0",
        "keep_days = 32",
        'keep_days = "7"',
        "keep_days = true",
        "version = 2",
        "[backup]",
        "=",
    ],
)
def test_what_is_no_such_file(wrong: str) -> None:
    """It is refused, and names the file."""
    with pytest.raises(MalformedBackupSettings, match=PATH):
        BackupSettings.parse(wrong)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """And nothing else happens."""
    try:
        read = BackupSettings.parse(text)
    except MalformedBackupSettings:
        return
    assert read.recipients
