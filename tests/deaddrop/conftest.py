"""A dead drop on SQLite and on PostgreSQL, for the same tests."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.deaddrop_samples import DAY, Entropy, seeded
from support.postgres import PostgresServer, running_postgres

from deaddrop import DeadDrop, KnownDummies, migrate, open_deaddrop

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server with a migrated database to copy."""
    with running_postgres() as server:
        migrate(server.create_database("migrated"))
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("migrated") / "deaddrop.sqlite"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """The address of a migrated SQLite file."""
    path = tmp_path / "deaddrop.sqlite"
    shutil.copy(migrated_file, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """The address of a migrated PostgreSQL database."""
    return postgres.create_database(f"test_{next(_numbers)}", template="migrated")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated database of either kind."""
    address: str = request.getfixturevalue(f"{request.param}_url")
    return address


@pytest.fixture
def entropy() -> Entropy:
    """The tests' own source of bytes."""
    return seeded(1)


@pytest.fixture
def known(tmp_path: Path) -> KnownDummies:
    """The known dummies of the drop."""
    return KnownDummies(tmp_path / "memory" / "known-dummies", entropy=seeded(2))


@pytest.fixture
def drop(url: str, known: KnownDummies) -> Iterator[DeadDrop]:
    """An installed dead drop with its first block of dummies."""
    opened = open_deaddrop(url, known_dummies=known, entropy=seeded(3))
    opened.create_installation(seeded(4), day=DAY)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_drop(sqlite_url: str, known: KnownDummies) -> Iterator[DeadDrop]:
    """An installed dead drop on SQLite, for what only SQLite does."""
    opened = open_deaddrop(sqlite_url, known_dummies=known, entropy=seeded(3))
    opened.create_installation(seeded(4), day=DAY)
    yield opened
    opened.close()
