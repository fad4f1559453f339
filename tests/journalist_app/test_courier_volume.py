"""How much memory the workers of a courier take for what they carry over HTTP."""

import hashlib
import http.client
import os
from collections.abc import Callable, Iterator

import pytest
from support.carrier import (
    COURIER,
    Carrier,
    Fetched,
    carrier_of,
    growth_bytes,
    let_items_wait,
)
from support.server import Service, made_service

from casework.outbox import PARCEL_BYTES
from journalist_app.courier.bundles import announce, write_announced

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
# What the pieces on their way, SQLite's pages and Python's arenas may add.
GROWTH_LIMIT_MIB = 24
ITEM_BYTES = 100 * 1024
# 20 MiB, and 200 MiB more, in about two thousand items.
FEW, MANY = 205, 2048


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A real courier with 20 MiB that wait for two officers."""
    with made_service(tmp_path_factory.mktemp("courier"), officers=2) as service:
        let_items_wait(service, items=FEW, item_bytes=ITEM_BYTES)
        service.start(site=COURIER)
        yield service


@pytest.fixture(scope="module")
def ani(service: Service) -> Carrier:
    """The first officer, who is in."""
    return carrier_of(service)


def growth_mib(service: Service, work: Callable[[], object]) -> float:
    """Return by how much a process of the courier grew while something was done."""
    return growth_bytes(service.members(), work) / MIB


def bundle_written_here(carrier: Carrier) -> Fetched:
    """Write the bundle of now without the courier."""
    digest = hashlib.sha256()
    with carrier.service.opened() as server:
        manifest = announce(server.drop, after=0, desk_id=carrier.officer.desk_id)
        size_bytes = write_announced(
            server.drop, manifest, digest.update, today=carrier.service.today
        )
    return Fetched(size_bytes, digest.hexdigest())


def test_a_bundle_is_never_held_whole(service: Service, ani: Carrier) -> None:
    """Ten times as much, 220 MiB in 2,253 items, goes out in a few MiB of memory."""
    fetched: list[Fetched] = []

    def fetch() -> None:
        fetched.append(ani.fetch(ani.bundle_address()))

    little = growth_mib(service, fetch)
    let_items_wait(service, items=MANY, item_bytes=ITEM_BYTES)
    much = growth_mib(service, fetch)

    assert bundle_written_here(ani) == fetched[-1]
    assert fetched[-1].size_bytes > 200 * MIB
    assert much < GROWTH_LIMIT_MIB
    assert little < GROWTH_LIMIT_MIB


def test_an_outbox_is_never_held_whole(service: Service, ani: Carrier) -> None:
    """The largest parcel that an outbox may have comes in as a small one does."""
    growths: list[float] = []
    statuses: list[int] = []
    for number, size_bytes in enumerate((20 * MIB, PARCEL_BYTES), start=1):
        outbox = ani.outbox(number, parcels=[os.urandom(size_bytes)])

        def bring(outbox: bytes = outbox) -> None:
            statuses.append(ani.bring(outbox).status)

        growths.append(growth_mib(service, bring))

    assert [200, 200] == statuses
    assert 256 * MIB == PARCEL_BYTES
    assert max(growths) < GROWTH_LIMIT_MIB


def test_an_officer_who_is_removed_gets_no_more(service: Service) -> None:
    """In the middle of a download: it ends short, recorded as far as it came."""
    budi = carrier_of(service, desk=2)
    with budi.fetching(budi.bundle_address()) as answer:
        received = len(answer.read(MIB))
        service.bisik("officers", "remove", budi.officer.fingerprint)
        with pytest.raises(http.client.IncompleteRead) as short:
            answer.read()
    received += len(short.value.partial)

    announced = received + (short.value.expected or 0)
    (_, begun), (action, said) = budi.recorded(2)
    assert f"bytes 0-{announced - 1} of {announced}, " in begun
    assert "part" == action
    assert f"bytes 0-{received - 1} of {announced}, " in said
    assert 1 == len(service.log.read_text("utf-8").splitlines())
