"""Who fetched what: the record says what was begun, sent in part, and sent whole."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.courier_site import ANI, HOST, Courier
from support.deaddrop_samples import read_everything
from support.office import NAMES, Office
from support.reporters import Reporter

from journalist_app.courier.bundles import announce
from journalist_app.courier.fetching import covers

BUDI = NAMES[1]
# What tar writes behind the last item.
END_BYTES = 1024
MIB = 1024 * 1024


@pytest.fixture
def address(courier: Courier, office: Office) -> str:
    """Where the bundle of an officer who is in lies: three items."""
    for number in range(3):
        office.send(Reporter(f"p{number}").write(), to=NAMES[:2])
    courier.enter(courier.account())
    return courier.address()


def collected(courier: Courier) -> int:
    """Return how far the officer's desk has collected."""
    return courier.office.drop.desks.collected_through(courier.officer(ANI).desk_id)


def actions(courier: Courier) -> list[str]:
    """Return what the record says was done, behind the signing in."""
    return [action for action, _ in courier.recorded()][1:]


def interrupted(courier: Courier, address: str, pieces: int, **headers: str) -> bytes:
    """Begin a download, and break it off behind some pieces."""
    answer = courier.client.get(
        address,
        base_url=HOST,
        headers=headers,
        buffered=False,
    )
    received = answer.iter_encoded()
    content = b"".join(next(received) for _ in range(pieces))
    answer.close()
    return content


def test_a_fetch_is_recorded_before_its_first_byte(
    courier: Courier, address: str
) -> None:
    """With officer, numbers, the bytes asked for and the snapshot; then as fetched."""
    size = len(courier.get(address).data)
    digest = address.split("/")[2].split("-")[-1]
    assert [
        ("fetching", f"1-3: 3 items, bytes 0-{size - 1} of {size}, bundle {digest}"),
        ("fetched", f"1-3: 3 items, {size} bytes, bundle {digest}"),
    ] == courier.recorded()[1:]
    assert 3 == collected(courier)
    fingerprints = {line.fingerprint for line in courier.office.drop.records.last(9)}
    assert {courier.officer(ANI).fingerprint} == fingerprints


def test_what_cannot_be_recorded_is_not_sent(courier: Courier, address: str) -> None:
    """The database refuses the line: an error in place of the bundle."""
    with courier.office.drop.database.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON courier_record "
            "BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    before = read_everything(courier.office.drop)
    answer = courier.get(address)
    assert 500 <= answer.status_code
    assert b"manifest.json" not in answer.data
    assert before == read_everything(courier.office.drop)


def test_everything_but_the_end_is_no_secret(courier: Courier, address: str) -> None:
    """Whoever leaves out the end, with every item, is in the record; it is no whole."""
    size = int(courier.client.head(address, base_url=HOST).headers["Content-Length"])
    end = size - END_BYTES
    most = courier.get(address, Range=f"bytes=0-{end - 1}")

    assert (206, end) == (most.status_code, len(most.data))
    assert ["fetching", "part"] == actions(courier)
    said = f"1-3: 3 items, bytes 0-{end - 1} of {size}, bundle "
    assert all(detail.startswith(said) for _, detail in courier.recorded()[1:])
    assert 0 == collected(courier)
    page = courier.get("/").text
    assert f"nomor 1 sampai 3, bita 0 sampai {end - 1} dari {size}" in page


@pytest.mark.parametrize("asked", ["bytes=-1", "bytes=-1024", "bytes=0-0", "bytes=1-"])
def test_a_piece_is_not_the_whole(courier: Courier, address: str, asked: str) -> None:
    """However often it is sent, the end of a bundle moves nothing."""
    for _ in range(2):
        assert 206 == courier.get(address, Range=asked).status_code
    assert ["fetching", "part"] * 2 == actions(courier)
    assert 0 == collected(courier)


def test_nothing_is_recorded_of_what_sends_nothing(
    courier: Courier, address: str
) -> None:
    """A question for the head, and a range behind the end."""
    before = courier.recorded()
    head = courier.client.head(address, base_url=HOST)
    size = int(head.headers["Content-Length"])
    assert (200, b"") == (head.status_code, head.data)
    assert 416 == courier.get(address, Range=f"bytes={size}-").status_code
    assert before == courier.recorded()


def test_a_download_that_broke_off_is_recorded(courier: Courier, address: str) -> None:
    """As begun, with how far it came; nothing moves."""
    content = interrupted(courier, address, pieces=4)
    assert ["fetching", "part"] == actions(courier)
    assert f": 3 items, bytes 0-{len(content) - 1} of " in courier.recorded()[-1][1]
    assert 0 == collected(courier)


def test_a_download_that_goes_on_ends_as_fetched(
    courier: Courier, address: str
) -> None:
    """Broken off twice, in the midst of a piece: the rest makes it whole, once."""
    first = interrupted(courier, address, pieces=4)[:-100]
    second = interrupted(courier, address, pieces=2, Range=f"bytes={len(first)}-")
    at = len(first) + len(second)
    assert 0 == collected(courier)
    rest = courier.get(address, Range=f"bytes={at}-")
    assert [*["fetching", "part"] * 3, "fetched"] == actions(courier)
    assert 3 == collected(courier)

    assert courier.get(address).data == first + second + rest.data
    assert 206 == courier.get(address, Range="bytes=-1").status_code
    assert ["fetching", "fetched", "fetching", "part"] == actions(courier)[-4:]


def test_a_download_that_broke_off_at_its_end_is_not_whole(
    courier: Courier, address: str
) -> None:
    """Its last piece may not have arrived: one more byte has to be fetched."""
    answer = courier.client.get(address, base_url=HOST, buffered=False)
    received = answer.iter_encoded()
    size = int(answer.headers["Content-Length"])
    got = 0
    while got < size:
        got += len(next(received))
    answer.close()
    assert ["fetching", "part"] == actions(courier)
    assert 0 == collected(courier)
    courier.get(address, Range="bytes=-1")
    assert ["fetching", "part", "fetched"] == actions(courier)[-3:]
    assert 3 == collected(courier)


def test_parts_in_any_order_make_the_whole(courier: Courier, address: str) -> None:
    """As programs that fetch several at once do."""
    size = int(courier.client.head(address, base_url=HOST).headers["Content-Length"])
    third = size // 3
    for first, last in ((2 * third, size - 1), (0, third), (third, 2 * third)):
        assert 0 == collected(courier)
        courier.get(address, Range=f"bytes={first}-{last}")
    assert 3 == collected(courier)
    assert [*["fetching", "part"] * 3, "fetched"] == actions(courier)


def test_parts_of_others_do_not_count(courier: Courier, address: str) -> None:
    """Neither another officer's nor another snapshot's."""
    size = int(courier.client.head(address, base_url=HOST).headers["Content-Length"])
    courier.get(address, Range=f"bytes=0-{size // 2}")
    courier.office.send(Reporter("later").write(), to=NAMES[:2])
    later = courier.address()
    courier.get(later, Range=f"bytes={size // 2}-")
    assert 0 == collected(courier)

    courier.post("/leave", {})
    courier.now += 60
    courier.enter(courier.account(BUDI))
    courier.get(courier.address(), Range=f"bytes=0-{size // 2}")
    assert "fetched" not in actions(courier)


def test_more_items_than_a_bundle_holds_come_in_several(office: Office) -> None:
    """Each begins behind the one before, and none is lost at the boundary."""
    numbers = [office.accept(bytes([one]) * 2000) for one in range(7)]
    for most in (1, 3, 6, 7, 8):
        bundles, after = [], 0
        while (manifest := announce(office.drop, after=after, most=most)).items:
            assert (after, manifest.items[-1].number) == (
                manifest.after,
                manifest.through,
            )
            bundles.append([item.number for item in manifest.items])
            after = manifest.through
        assert numbers == [number for bundle in bundles for number in bundle]
        assert [most] * (7 // most) == [len(one) for one in bundles][: 7 // most]
        assert -(-7 // most) == len(bundles)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12))), st.integers(1, 12))
def test_parts_cover_what_every_byte_of_is_in_one(
    parts: list[tuple[int, int]], size: int
) -> None:
    """As if each byte were looked for by itself."""
    sent = {byte for start, stop in parts for byte in range(start, stop)}
    assert (set(range(size)) <= sent) == covers(parts, size)


def test_who_is_removed_gets_no_further_piece(
    courier: Courier, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """Cut at once, recorded as far as it came, no error; and no way to go on."""
    office.accept(os.urandom(3 * MIB))
    courier.enter(courier.account())
    address = courier.address()
    answer = courier.client.get(address, base_url=HOST, buffered=False)
    received = answer.iter_encoded()
    got = b""
    while len(got) < MIB:
        got += next(received)
    office.drop.officers.retire(courier.officer(ANI).fingerprint)

    assert [] == list(received)
    answer.close()
    assert len(got) < 2 * MIB
    assert ["fetching", "part"] == actions(courier)
    assert f": 1 items, bytes 0-{len(got) - 1} of " in courier.recorded()[-1][1]
    assert [] == caplog.records
    rest = courier.get(address, Range=f"bytes={len(got)}-")
    assert (303, "/enter") == (rest.status_code, rest.headers["Location"])
    assert ["fetching", "part"] == actions(courier)


def test_who_is_removed_behind_the_last_item_has_fetched_it(
    courier: Courier, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The record says so, and nobody's cursor moves."""
    ani = courier.officer(ANI)
    answer = courier.client.get(address, base_url=HOST, buffered=False)
    received = answer.iter_encoded()
    size = int(answer.headers["Content-Length"])
    got = 0
    while got < size - END_BYTES:
        got += len(next(received))
    courier.office.drop.officers.retire(ani.fingerprint)
    got += sum(map(len, received))
    answer.close()

    assert size == got
    assert ["fetching", "fetched"] == actions(courier)
    assert 0 == courier.office.drop.desks.collected_through(ani.desk_id)
    assert [] == caplog.records
