"""An officer's keys over the months: made, carried, destroyed, and never too early."""

import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import update
from support.office import NAMES, Office
from support.opening import opened
from support.reporters import DAY, Reporter
from support.smartcard import move_to_card

from casework.enrolment import Enrolment
from crypto.admission import key_ids_in
from crypto.gpg import SealingFailed
from crypto.opening import CannotOpen
from crypto.openpgp import SignatureRefused
from crypto.packets import read_envelope
from crypto.subkeys import Kept, first_of_next_month
from journalist_app.courier.bundles import announce, write_announced
from journalist_app.workstation import casebook
from journalist_app.workstation.desk import Desk, open_desk
from journalist_app.workstation.errors import DeskLocked
from journalist_app.workstation.import_report import Verdict
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.queueing import list_cases
from journalist_app.workstation.rotation import (
    GRACE_DAYS,
    KeyCalendar,
    Obstacle,
    SubkeyState,
    destroy_subkeys,
    extend_to,
    key_calendar,
    renew,
)
from ops.officer_keys import enrol

ANI, BUDI, CITRA = NAMES
NEXT_MONTH = first_of_next_month(DAY)
DUE = NEXT_MONTH + timedelta(days=GRACE_DAYS)


def calendar(desk: Desk, today: date) -> KeyCalendar:
    """Return the calendar of a desk."""
    with desk.casebook.transaction() as connection:
        return key_calendar(desk, connection, today=today)


def states(desk: Desk, today: date) -> list[SubkeyState]:
    """Return where the first three subkeys of a desk stand."""
    return [row.state for row in calendar(desk, today).rows][:3]


def write(reporter: Reporter, day: date) -> bytes:
    """Write a report on a day."""
    return reporter.write(day=day)


def sent(office: Office, number: int) -> bytes:
    """Return a sealed item as it lies on the server."""
    return b"".join(office.drop.intake.read(number))


def test_a_past_month_is_destroyed_when_nothing_can_come(
    office: Office, ani: Reporter, budi: Reporter
) -> None:
    """
    November's subkey goes with the import of an item of a day that is past the grace:
    the sealed item of November is opened by nobody again, its case is shown as before,
    and the desk opens the next time.
    """
    desk = office.desks[ANI]
    november = sent(office, office.send(write(ani, DAY), to=[ANI]))
    office.fetch(ANI)
    keys = calendar(desk, DAY).rows[0].subkey
    assert (keys.key_id,) == read_envelope(io.BytesIO(november)).recipient_key_ids
    assert opened(desk.keys, november)

    office.send(write(budi, DUE), to=[ANI], day=DUE)
    report = office.fetch(ANI, today=DUE)
    assert (keys.key_id,) == tuple(one.key_id for one in report.destroyed)
    with pytest.raises(CannotOpen):
        opened(desk.keys, november)
    assert 2 == len(list_cases(desk, today=DUE))
    current = SubkeyState.PAST, SubkeyState.CURRENT
    assert [SubkeyState.DESTROYED, *current] == states(desk, DUE)

    office.close_desks()
    with open_desk(desk.path, passphrase=None, entropy=os.urandom) as again:
        assert 2 == len(list_cases(again, today=DUE))
        # The officer still signs.
        assert again.keys.sign_detached(b"x", signer=again.fingerprint, day=DUE)


def test_what_comes_too_late_is_told(
    office: Office, ani: Reporter, budi: Reporter
) -> None:
    """
    A parcel that lay on a stick for too long, or a server's wrong clock: the item is
    kept, and it is said why nobody can open it here, and who still can.
    """
    office.send(write(ani, DUE), to=[ANI], day=DUE)
    assert 1 == len(office.fetch(ANI, today=DUE).destroyed)
    office.send(write(budi, DAY), to=[ANI, BUDI])
    late = office.fetch(ANI, today=DUE).outcomes[-1]
    assert Verdict.UNOPENED is late.verdict
    assert f"sealed to from {DAY} on is destroyed" in late.note
    assert Verdict.NEW is office.fetch(BUDI, today=DUE).outcomes[-1].verdict


@pytest.mark.parametrize(
    ("item_day", "today"),
    [
        # The grace is not over by the item, or not by this machine's clock.
        (DUE - timedelta(days=1), DUE),
        (DUE, DUE - timedelta(days=1)),
    ],
)
def test_not_before_the_grace_is_over(
    office: Office, ani: Reporter, item_day: date, today: date
) -> None:
    """Neither a clock that runs ahead here nor one on the server destroys anything."""
    office.send(write(ani, item_day), to=[ANI], day=item_day)
    assert () == office.fetch(ANI, today=today).destroyed
    assert SubkeyState.PAST is states(office.desks[ANI], today)[0]


def test_not_while_something_is_missing(
    office: Office, ani: Reporter, budi: Reporter
) -> None:
    """A bundle that begins behind a gap does not show what is in the gap."""
    desk = office.desks[ANI]
    first = office.send(write(ani, DAY), to=[ANI])
    office.fetch(ANI)
    missed = office.send(write(Reporter("citra"), DAY), to=[ANI])
    office.send(write(budi, DUE), to=[ANI], day=DUE)
    assert missed == first + 1
    late = office.bundle_for(ANI, since=missed)
    assert () == import_bundle(desk, io.BytesIO(late), today=DUE).destroyed
    assert SubkeyState.PAST is states(desk, DUE)[0]
    # A whole bundle below the gap does not close it.
    below = io.BytesIO()
    manifest = announce(office.drop, after=0, through=first)
    write_announced(office.drop, manifest, below.write, today=DUE)
    below.seek(0)
    assert () == import_bundle(desk, below, today=DUE).destroyed
    whole = office.bundle_for(ANI, since=first)
    report = import_bundle(desk, io.BytesIO(whole), today=DUE)
    assert 1 == len(report.destroyed)
    assert 3 == len(list_cases(desk, today=DUE))


def test_not_while_an_item_waits_to_be_opened(
    office: Office, ani: Reporter, budi: Reporter
) -> None:
    """
    An item that could not be read keeps its subkey, until an officer gives it up.
    """
    desk = office.desks[ANI]
    office.send(b"no item of ours", to=[ANI])
    office.send(write(budi, DUE), to=[ANI], day=DUE)
    assert () == office.fetch(ANI, today=DUE).destroyed
    row = calendar(desk, DUE).rows[0]
    assert (Obstacle.UNOPENED,) == row.obstacles
    assert (row.subkey,) == destroy_subkeys(desk, [row.subkey], today=DUE)
    assert SubkeyState.DESTROYED is states(desk, DUE)[0]


def test_not_before_the_server_has_the_successor(
    office: Office,
) -> None:
    """As long as the server may not know December's subkey, it seals to November's."""
    desk = office.desks[ANI]
    office.fetch(ANI)
    before, successor = (row.subkey for row in calendar(desk, DUE).rows[:2])
    assert before.begins < successor.begins
    with desk.casebook.transaction() as connection:
        connection.execute(
            update(casebook.key)
            .where(casebook.key.c.key_id == successor.key_id)
            .values(desk_id=office.desks[BUDI].record.desk_id)
        )
    assert Obstacle.UNKNOWN_TO_SERVER in calendar(desk, DUE).rows[0].obstacles


def test_renewing_twice_at_once_makes_each_month_once(office: Office) -> None:
    """Whoever clicks twice has one subkey for each month, as who clicks once."""
    desk = office.desks[ANI]
    summer = DAY + timedelta(days=150)
    at_once = threading.Barrier(2)

    def renew_now(_number: int) -> bool:
        at_once.wait()
        return renew(desk, today=summer)

    with ThreadPoolExecutor(2) as threads:
        assert [False, True] == sorted(threads.map(renew_now, range(2)))
    begins = [one.begins for one in desk.keys.officer_keys(desk.fingerprint).subkeys]
    assert sorted({*begins}) == sorted(begins)


def test_a_renewed_key_travels_by_outbox(office: Office, ani: Reporter) -> None:
    """
    An export in summer makes the months that are missing; the server seals to them
    when their time has come, and colleagues learn them from the next bundle.
    """
    desk = office.desks[ANI]
    office.fetch(ANI)
    assert None is office.outbox_of(ANI)
    summer = DAY + timedelta(days=150)
    delivery = office.bring(ANI, today=summer)
    assert delivery is not None
    assert delivery.renewed
    assert None is office.outbox_of(ANI, today=summer)
    assert 12 == calendar(desk, summer).months_ahead
    beyond = first_of_next_month(summer, 12)
    sealed = sent(office, office.send(write(ani, beyond), to=[ANI], day=beyond))
    newest = calendar(desk, beyond).rows[-1].subkey
    assert (newest.key_id,) == read_envelope(io.BytesIO(sealed)).recipient_key_ids

    office.fetch(BUDI, today=summer)
    colleagues = office.desks[BUDI].colleagues
    assert newest.key_id in key_ids_in(colleagues.export(desk.fingerprint))


def test_the_key_itself_is_extended_in_time(office: Office) -> None:
    """
    When half of its two years are over, an export gives it two more.
    """
    desk = office.desks[ANI]
    office.fetch(ANI)
    before = calendar(desk, DAY)
    assert DAY + timedelta(days=730) == before.ends
    later = DAY + timedelta(days=400)
    assert office.bring(ANI, today=later)
    assert later + timedelta(days=730) == calendar(desk, later).ends
    certificate = office.drop.officers.get(desk.fingerprint).certificate
    # Still certified: the server's copy is whole, also for a keyring made anew.
    other = type(office.keyring)(office.path / "other-machine")
    other.trust_organisation(office.template.organisation_key)
    last = later + timedelta(days=400)
    other.admit(certificate, today=later)
    assert (desk.fingerprint,) == other.usable([desk.fingerprint], today=last).usable


def test_a_key_that_had_ended_comes_back(office: Office, ani: Reporter) -> None:
    """
    The server takes no outbox of a key that has ended there.  The operator adds the
    renewed key, which needs no new certification, and then it does.
    """
    desk = office.desks[ANI]
    office.fetch(ANI)
    late = DAY + timedelta(days=800)
    with pytest.raises(SealingFailed, match="expired"):
        office.send(write(ani, late), to=[ANI], day=late)
    outbox = office.outbox_of(ANI, today=late)
    assert outbox
    with pytest.raises(SignatureRefused, match="expired"):
        office.apply(outbox, today=late)
    enrolment = Enrolment(
        name=desk.record.name,
        desk_id=desk.record.desk_id,
        certificate=desk.certificate().decode("ascii"),
    )
    enrol(office.drop, office.keyring, enrolment, today=late)
    assert office.apply(outbox, today=late).officer.fingerprint == desk.fingerprint
    office.send(write(ani, late), to=[ANI], day=late)
    assert [Verdict.NEW] == [
        outcome.verdict for outcome in office.fetch(ANI, today=late).outcomes
    ]


def test_an_officer_names_the_end(office: Office) -> None:
    """An officer who leaves can let the key end earlier, too."""
    desk = office.desks[ANI]
    soon = DAY + timedelta(days=30)
    extend_to(desk, ends=soon, today=DAY)
    shown = calendar(desk, DAY)
    assert (soon, soon - timedelta(days=1)) == (shown.ends, shown.sealed_through)
    assert shown.ends_soon(DAY)
    assert not calendar(office.desks[BUDI], DAY).ends_soon(DAY)


def test_the_casebooks_key_leaves_with_the_newest(office: Office) -> None:
    """
    Whatever is destroyed, the casebook's key is sealed to a subkey that stays; when
    there is none that is good, nothing is destroyed.
    """
    desk = office.desks[ANI]
    late = DAY + timedelta(days=95)
    doomed = [row.subkey for row in calendar(desk, late).rows[:2]]
    destroy_subkeys(desk, doomed, today=late)
    office.close_desks()
    with open_desk(desk.path, passphrase=None, entropy=os.urandom) as again:
        everything = [row.subkey for row in calendar(again, late).rows[2:]]
        with pytest.raises(DeskLocked, match="sealed anew"):
            destroy_subkeys(again, everything, today=late)
        kept = {row.subkey.kept for row in calendar(again, late).rows[2:]}
        assert {Kept.ON_DISK} == kept


def test_a_past_subkey_on_a_card_stays(office: Office, ani: Reporter) -> None:
    """
    An import destroys what is past on this disk, and not what is on a smartcard; the
    calendar says that this is why.
    """
    desk = office.desks[ANI]
    office.fetch(ANI)
    subkey = calendar(desk, DAY).rows[0].subkey
    move_to_card(desk.path / "gnupg", subkey.keygrip, slot=2)
    office.send(write(ani, DUE), to=[ANI], day=DUE)

    report = office.fetch(ANI, today=DUE)

    assert [Verdict.NEW] == [outcome.verdict for outcome in report.outcomes]
    assert () == report.destroyed
    row = calendar(desk, DUE).rows[0]
    assert (SubkeyState.PAST, (Obstacle.ON_CARD,)) == (row.state, row.obstacles)
    assert Kept.ON_CARD is row.subkey.kept


def test_subkeys_are_made_beside_one_on_a_card(office: Office) -> None:
    """
    A card has room for one, and the coming months have theirs on the disk: nobody is
    cut off because a card's own subkey has ended.
    """
    desk = office.desks[ANI]
    before = calendar(desk, DAY)
    first = before.rows[0].subkey
    move_to_card(desk.path / "gnupg", first.keygrip, slot=2)
    later = DAY + timedelta(days=400)

    assert renew(desk, today=later)

    after = calendar(desk, later)
    assert later + timedelta(days=730) == after.ends
    made = [row.subkey for row in after.rows[len(before.rows) :]]
    assert {Kept.ON_DISK} == {subkey.kept for subkey in made}
    assert first_of_next_month(later, 12) == made[-1].begins
    assert not renew(desk, today=later)
    ends = later + timedelta(days=900)
    assert 0 == extend_to(desk, ends=ends, today=later)
    assert ends == calendar(desk, later).ends
    # Whose months are missing gets them by that, too.
    assert 0 < extend_to(office.desks[BUDI], ends=ends, today=later)
