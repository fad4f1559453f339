"""The running service, for tests that go the whole way."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.onions import Onions, running_onions, short_folder
from support.postgres import PostgresServer, running_postgres
from support.server import Service, made_service

from tor.network import PrivateNetwork


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Service]:
    """A service with one officer that has not been started yet."""
    with made_service(tmp_path) as service:
        yield service


@pytest.fixture
def service(made: Service) -> Service:
    """A running service with one officer."""
    made.start()
    return made


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def tor_network() -> Iterator[PrivateNetwork]:
    """A private Tor network, started once."""
    with short_folder() as folder, PrivateNetwork(folder) as network:
        yield network


@pytest.fixture(scope="module")
def onions(tor_network: PrivateNetwork) -> Iterator[Onions]:
    """A running service behind onion services."""
    with short_folder() as folder, running_onions(folder, tor_network) as running:
        yield running
