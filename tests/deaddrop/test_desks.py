"""Desks collect, sign for what they hold, and send back outboxes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from support.deaddrop_samples import (
    DAY,
    ITEM_BYTES,
    Entropy,
    count_rows,
    new_slot,
    read_everything,
    sealed_item,
)

from deaddrop import (
    AppliedOutbox,
    DamagedItem,
    DeadDrop,
    Officer,
    OfficerExists,
    OutboxConflict,
    UnknownDesk,
    UnknownItem,
    UnknownOfficer,
)

Slots = list[tuple[bytes, bytes]]
MANIFEST = bytes(range(32))


@pytest.fixture
def officers(drop: DeadDrop) -> tuple[Officer, Officer]:
    """Two officers with their desks."""
    return (
        drop.officers.add(
            fingerprint="A" * 40, name="Officer A", certificate=b"A", desk_id=b"a" * 16
        ),
        drop.officers.add(
            fingerprint="B" * 40, name="Officer B", certificate=b"B", desk_id=b"b" * 16
        ),
    )


@pytest.fixture
def holds(drop: DeadDrop, entropy: Entropy) -> list[tuple[int, bytes]]:
    """Three items at intake, as a desk names those that it holds."""
    for _ in range(3):
        drop.intake.accept(sealed_item(entropy(ITEM_BYTES)), day=DAY, writes=[])
    return [(entry.number, entry.sha256) for entry in drop.intake.entries(0)]


def make_slots(entropy: Entropy, count: int) -> Slots:
    """Return reply slots of random content."""
    writes = [new_slot(entropy) for _ in range(count)]
    return [(write.slot, write.sealed) for write in writes]


def waiting(drop: DeadDrop) -> Sequence[int]:
    """Return the numbers of the items at intake."""
    return [entry.number for entry in drop.intake.entries(0)]


def test_an_outbox_is_applied(
    drop: DeadDrop,
    officers: tuple[Officer, Officer],
    holds: list[tuple[int, bytes]],
    entropy: Entropy,
) -> None:
    """Replies are there to fetch, and items stay while one desk does not hold them."""
    slots = make_slots(entropy, 3)
    applied = drop.apply_outbox(
        officers[0].desk_id, 1, MANIFEST, iter(slots), holds, DAY
    )
    assert AppliedOutbox(3, 0, 3, 0, 0, already_applied=False) == applied
    assert dict(slots) == drop.mailbox.fetch([slot for slot, _ in slots])
    assert [1, 2, 3] == waiting(drop)
    assert 0 == count_rows(drop) % 256


def test_items_go_when_all_desks_hold_them(
    drop: DeadDrop, officers: tuple[Officer, Officer], holds: list[tuple[int, bytes]]
) -> None:
    """The last desk's signature deletes an item, and no number is used again."""
    drop.apply_outbox(officers[0].desk_id, 1, MANIFEST, [], holds, DAY)
    applied = drop.apply_outbox(officers[1].desk_id, 1, MANIFEST, [], holds[:2], DAY)
    assert AppliedOutbox(0, 0, 2, 2, 0, already_applied=False) == applied
    assert [3] == waiting(drop)
    with pytest.raises(UnknownItem):
        list(drop.intake.read(1))
    drop.apply_outbox(officers[1].desk_id, 2, MANIFEST, [], holds, DAY)
    assert 4 == drop.intake.accept(sealed_item(b"next"), day=DAY, writes=[])


def test_an_outbox_twice_changes_nothing(
    drop: DeadDrop,
    officers: tuple[Officer, Officer],
    holds: list[tuple[int, bytes]],
    entropy: Entropy,
) -> None:
    """The same outbox again is recognised and does nothing."""
    slots = make_slots(entropy, 2)
    drop.apply_outbox(officers[0].desk_id, 1, MANIFEST, slots, holds, DAY)
    before = read_everything(drop)
    applied = drop.apply_outbox(officers[0].desk_id, 1, MANIFEST, slots, holds, DAY)
    assert AppliedOutbox(0, 0, 0, 0, 0, already_applied=True) == applied
    assert before == read_everything(drop)


def test_slots_already_there_are_counted(
    drop: DeadDrop, officers: tuple[Officer, Officer], entropy: Entropy
) -> None:
    """A later outbox may repeat a slot, if its bytes are the same."""
    slots = make_slots(entropy, 2)
    desk = officers[0].desk_id
    drop.apply_outbox(desk, 1, MANIFEST, slots[:1], [], DAY)
    applied = drop.apply_outbox(desk, 2, MANIFEST, slots, [], DAY)
    assert AppliedOutbox(1, 1, 0, 0, 0, already_applied=False) == applied


def test_parcels_join_the_stream(
    drop: DeadDrop, officers: tuple[Officer, Officer], holds: list[tuple[int, bytes]]
) -> None:
    """What a desk sends to other desks becomes items behind all others, in order."""
    parcels = [sealed_item(b"to budi"), sealed_item(b"to citra" * 200_000)]
    applied = drop.apply_outbox(
        officers[0].desk_id, 1, MANIFEST, [], [], DAY, parcels=parcels
    )
    assert 2 == applied.parcels_stored
    after = len(holds)
    assert [b"to budi", b"to citra" * 200_000] == [
        b"".join(drop.intake.read(after + 1)),
        b"".join(drop.intake.read(after + 2)),
    ]


def test_a_damaged_parcel_applies_nothing(
    drop: DeadDrop,
    officers: tuple[Officer, Officer],
    holds: list[tuple[int, bytes]],
    entropy: Entropy,
) -> None:
    """A parcel that is not as announced undoes slots, holds and earlier parcels."""
    good = sealed_item(b"to budi")
    damaged = replace(sealed_item(b"to citra"), sha256=bytes(32))
    before = read_everything(drop)
    with pytest.raises(DamagedItem):
        drop.apply_outbox(
            officers[0].desk_id,
            1,
            MANIFEST,
            make_slots(entropy, 2),
            holds,
            DAY,
            parcels=[good, damaged],
        )
    assert before == read_everything(drop)


def test_conflicts_apply_nothing(
    drop: DeadDrop,
    officers: tuple[Officer, Officer],
    holds: list[tuple[int, bytes]],
    entropy: Entropy,
) -> None:
    """Another outbox with the number, other bytes, one before its turn: refused."""
    desk = officers[0].desk_id
    slots = make_slots(entropy, 2)
    drop.apply_outbox(desk, 1, MANIFEST, slots, holds[:1], DAY)
    before = read_everything(drop)
    fresh = make_slots(entropy, 1)

    conflicting: list[tuple[int, bytes, Slots, list[tuple[int, bytes]]]] = [
        (1, bytes(32), fresh, holds),
        (2, MANIFEST, [*fresh, (slots[0][0], bytes(16_384))], holds),
        (3, MANIFEST, fresh, holds),
    ]
    for number, manifest, those_slots, those_holds in conflicting:
        with pytest.raises(OutboxConflict):
            drop.apply_outbox(desk, number, manifest, those_slots, those_holds, DAY)
    with pytest.raises(UnknownDesk):
        drop.apply_outbox(bytes(16), 1, MANIFEST, fresh, holds, DAY)
    with pytest.raises(ValueError, match="a slot occurs twice"):
        drop.apply_outbox(desk, 2, MANIFEST, fresh * 2, holds, DAY)

    assert before == read_everything(drop)


def test_without_active_desks_nothing_is_deleted(
    drop: DeadDrop, officers: tuple[Officer, Officer], holds: list[tuple[int, bytes]]
) -> None:
    """When every officer is retired, items stay, whoever held them."""
    drop.apply_outbox(officers[0].desk_id, 1, MANIFEST, [], holds, DAY)
    assert 0 == drop.officers.retire(officers[0].fingerprint)
    assert 0 == drop.officers.retire(officers[1].fingerprint)
    assert [1, 2, 3] == waiting(drop)
    assert () == drop.desks.active()
    with pytest.raises(UnknownDesk):
        drop.apply_outbox(officers[0].desk_id, 2, MANIFEST, [], holds, DAY)


def test_retiring_the_last_desk_waited_for_deletes(
    drop: DeadDrop, officers: tuple[Officer, Officer], holds: list[tuple[int, bytes]]
) -> None:
    """A retired desk is no longer waited for."""
    drop.apply_outbox(officers[0].desk_id, 1, MANIFEST, [], holds[:2], DAY)
    assert 2 == drop.officers.retire(officers[1].fingerprint)
    assert [3] == waiting(drop)


def test_the_cursor_only_moves_on(
    drop: DeadDrop, officers: tuple[Officer, Officer]
) -> None:
    """What a desk has collected is noted for this desk and never goes back."""
    desk = officers[0].desk_id
    assert 0 == drop.desks.collected_through(desk)
    drop.desks.note_collected(desk, 7)
    drop.desks.note_collected(desk, 5)
    assert 7 == drop.desks.collected_through(desk)
    assert 0 == drop.desks.collected_through(officers[1].desk_id)
    with pytest.raises(UnknownDesk):
        drop.desks.note_collected(bytes(16), 1)


def test_held_through_misses_nothing(
    drop: DeadDrop, officers: tuple[Officer, Officer], holds: list[tuple[int, bytes]]
) -> None:
    """The number before the first item that the desk has not signed for."""
    desk = officers[0].desk_id
    assert 0 == drop.desks.held_through(desk)
    drop.apply_outbox(desk, 1, MANIFEST, [], [holds[0], holds[2]], DAY)
    assert 1 == drop.desks.held_through(desk)
    drop.apply_outbox(desk, 2, MANIFEST, [], holds, DAY)
    assert 3 == drop.desks.held_through(desk)


def test_officers_are_listed(drop: DeadDrop, officers: tuple[Officer, Officer]) -> None:
    """Active officers are listed, retired ones on request; keys can be renewed."""
    drop.officers.retire("A" * 40)
    drop.officers.replace_certificate("B" * 40, b"renewed")
    retired = replace(officers[0], retired=True)
    renewed = replace(officers[1], certificate=b"renewed")
    assert (renewed,) == drop.officers.list()
    assert (retired, renewed) == drop.officers.list(retired=True)
    assert renewed == drop.officers.get("B" * 40)
    assert (renewed.desk_id,) == drop.desks.active()


def test_only_a_desk_of_an_active_officer_is_one(
    drop: DeadDrop, officers: tuple[Officer, Officer]
) -> None:
    """That of a retired one is refused, and so is one that never was."""
    for officer in officers:
        drop.desks.assert_active(officer.desk_id)
    drop.officers.retire("A" * 40)
    drop.desks.assert_active(officers[1].desk_id)
    for desk_id in (officers[0].desk_id, b"c" * 16):
        with pytest.raises(UnknownDesk):
            drop.desks.assert_active(desk_id)


def test_officers_are_enrolled_once(
    drop: DeadDrop, officers: tuple[Officer, Officer]
) -> None:
    """Neither an enrolled nor an unknown fingerprint changes anything."""
    before = read_everything(drop)
    with pytest.raises(OfficerExists):
        drop.officers.add(
            fingerprint="A" * 40, name="Other", certificate=b"", desk_id=b"c" * 16
        )
    with pytest.raises(OfficerExists):
        drop.officers.add(
            fingerprint="C" * 40, name="Other", certificate=b"", desk_id=b"a" * 16
        )
    with pytest.raises(ValueError, match="40 hexadecimal digits"):
        drop.officers.add(
            fingerprint="A" * 39, name="Other", certificate=b"", desk_id=b"c" * 16
        )
    with pytest.raises(ValueError, match="16 bytes"):
        drop.officers.add(
            fingerprint="C" * 40, name="Other", certificate=b"", desk_id=b"c" * 15
        )
    with pytest.raises(UnknownOfficer):
        drop.officers.retire("C" * 40)
    with pytest.raises(UnknownOfficer):
        drop.officers.get("C" * 40)
    with pytest.raises(UnknownOfficer):
        drop.officers.replace_certificate("C" * 40, b"")
    assert before == read_everything(drop)


def test_outbox_is_withheld_until_its_day(
    drop: DeadDrop, officers: tuple[Officer, Officer], entropy: Entropy
) -> None:
    """
    Its slots are stored at once, and its number tells until when to leave them out.
    """
    desk = officers[0].desk_id
    slots = make_slots(entropy, 2)
    tomorrow = DAY + timedelta(days=1)

    drop.apply_outbox(desk, 1, MANIFEST, slots, [], DAY, tomorrow)
    drop.apply_outbox(desk, 2, MANIFEST[::-1], [], [], DAY)

    assert dict(slots) == drop.mailbox.fetch([slot for slot, _ in slots])
    assert {(desk, 1)} == drop.desks.withheld(through=DAY)
    assert frozenset() == drop.desks.withheld(through=tomorrow)


def test_day_of_a_release_is_forgotten(
    drop: DeadDrop, officers: tuple[Officer, Officer]
) -> None:
    """
    The daily tidying leaves no day of an outbox that everybody may see by now.
    """
    tomorrow = DAY + timedelta(days=1)
    drop.apply_outbox(officers[0].desk_id, 1, MANIFEST, [], [], DAY, tomorrow)

    drop.tidy(tomorrow)
    assert 1 == len(drop.desks.withheld(through=DAY))
    drop.tidy(tomorrow + timedelta(days=1))

    assert frozenset() == drop.desks.withheld(through=date.min)


def test_role_of_an_officer(drop: DeadDrop, officers: tuple[Officer, Officer]) -> None:
    """
    An officer has no role until one is given; nobody else gets it.
    """
    drop.officers.set_role(officers[0].fingerprint, "verifikator")

    assert ["verifikator", None] == [one.role for one in drop.officers.list()]
    with pytest.raises(UnknownOfficer):
        drop.officers.set_role("C" * 40, "verifikator")


def test_desks_that_are_waited_for(drop: DeadDrop, entropy: Entropy) -> None:
    """
    Those that have not signed for an old item; a retired one is waited for no longer.
    """
    one = drop.officers.add(
        fingerprint="1" * 40, name="1", certificate=b"1", desk_id=b"1" * 16
    )
    other = drop.officers.add(
        fingerprint="2" * 40, name="2", certificate=b"2", desk_id=b"2" * 16
    )
    item = sealed_item(entropy(ITEM_BYTES))
    assert not drop.desks.anything_to_fetch()
    assert drop.intake.oldest_day() is None
    drop.intake.accept(item, day=DAY, writes=[])
    assert (1, DAY) == (drop.intake.waiting(), drop.intake.oldest_day())
    yesterday = DAY - timedelta(days=1)
    assert frozenset() == drop.desks.waited_for(arrived_through=yesterday)
    both = {one.desk_id, other.desk_id}
    assert both == drop.desks.waited_for(arrived_through=DAY)
    drop.apply_outbox(one.desk_id, 1, bytes(32), [], [(1, item.sha256)], DAY)
    assert {other.desk_id} == drop.desks.waited_for(arrived_through=DAY)
    assert drop.desks.anything_to_fetch()
    drop.desks.note_collected(other.desk_id, 1)
    assert not drop.desks.anything_to_fetch()
    assert {other.desk_id} == drop.desks.waited_for(arrived_through=DAY)
    drop.officers.retire(other.fingerprint)
    assert frozenset() == drop.desks.waited_for(arrived_through=DAY)
