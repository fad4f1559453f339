from collections.abc import Iterator

import pytest
from support.command import World
from support.deaddrop_samples import count_rows
from support.postgres import PostgresServer, running_postgres
from support.reporters import Reporter
from support.sending import send

from deaddrop import AlreadyInstalled, NotMigrated
from ops.server import create_server, open_server
from ops.serving import make_services


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    with running_postgres() as server:
        yield server


def test_a_new_server_is_closed_to_others(world: World) -> None:
    """Only its user can get into the folder, and the settings are theirs alone."""
    assert 0o700 == world.server.stat().st_mode & 0o777
    for name in ("bisik.toml", "deaddrop.db"):
        assert 0o600 == (world.server / name).stat().st_mode & 0o777


def test_known_dummies_are_found_again(world: World) -> None:
    """A report sent right after init takes dummies, and adds no block."""
    with open_server(world.server, world.edge) as server:
        before = count_rows(server.drop)
    send(world.server, world.edge, Reporter("ani").keys, token="0" * 32)
    # The copied folder has another name, and so has forgotten its dummies once.
    with open_server(world.server, world.edge) as server:
        assert before + 256 == count_rows(server.drop)
    send(world.server, world.edge, Reporter("budi").keys, token="0" * 32)
    with open_server(world.server, world.edge) as server:
        assert before + 256 == count_rows(server.drop)


@pytest.mark.postgres
def test_a_second_machine_joins(
    empty: World, postgres: PostgresServer, world: World
) -> None:
    """It has the same installation and officers, and makes no installation anew."""
    url = postgres.create_database("shared")
    key = (world.organisation / "organisation.asc").read_bytes()
    first, second = empty.path / "first", empty.path / "second"
    with pytest.raises(NotMigrated):
        create_server(second, empty.edge, database=url, join=True)
    create_server(first, empty.edge, database=url, organisation_key=key)
    with pytest.raises(AlreadyInstalled):
        create_server(second, empty.edge, database=url)
    assert not second.exists()
    certified = empty.path / "certified.json"
    world.certify(world.desk / "enrolment.json", certified)
    World(empty.path, empty.edge).done(
        "officers", "add", certified, "--directory", first
    )
    create_server(second, empty.edge, database=url, join=True, organisation_key=key)
    with (
        open_server(first, empty.edge) as one,
        open_server(second, empty.edge) as other,
    ):
        assert one.installation == other.installation
        assert one.drop.officers.list() == other.drop.officers.list()
        today = other.today(empty.edge)
        assert other.keyring.usable([world.fingerprint], today=today).usable


@pytest.mark.postgres
def test_an_officer_of_another_machine(
    empty: World, postgres: PostgresServer, world: World
) -> None:
    """A site that runs seals to an officer as soon as another machine enrols them."""
    url = postgres.create_database("growing")
    key = (world.organisation / "organisation.asc").read_bytes()
    first, second = empty.path / "first", empty.path / "second"
    create_server(first, empty.edge, database=url, organisation_key=key)
    create_server(second, empty.edge, database=url, join=True, organisation_key=key)
    certified = empty.path / "certified.json"
    world.certify(world.desk / "enrolment.json", certified)
    with open_server(second, empty.edge) as server:
        cases = make_services(server, empty.edge).cases
        today = server.today(empty.edge)
        assert not cases.can_accept(today=today)

        World(empty.path, empty.edge).done(
            "officers", "add", certified, "--directory", first
        )

        assert cases.can_accept(today=today)
