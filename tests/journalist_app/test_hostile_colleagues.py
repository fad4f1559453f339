"""A colleague who means ill: certified, with a desk, alone or with a server."""

import base64
from collections.abc import Sequence

import pytest
from support.office import NAMES, Office, decide, texts_on
from support.reporters import DAY, REPORT, Reporter

from casework.bundle import BundleOfficer
from casework.item import ItemKind
from casework.journal import (
    FIRST,
    OFFICE,
    Action,
    Event,
    Excluded,
    Noted,
    Paraphrased,
    Restored,
)
from casework.parcel import SignedEvent, write_parcel
from casework.reply import ReplyKind
from casework.strict import LARGEST_INTEGER
from crypto.admission import key_ids_in, read_key_file
from crypto.certificates import generate_officer_key
from crypto.openpgp import Keyring
from crypto.packets import PUBLIC_SUBKEY, split_packets
from journalist_app.workstation.acting import act, share, state_of
from journalist_app.workstation.cases import show_case
from journalist_app.workstation.colleagues import desks_by_key, take_in_officers
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.entries import append
from journalist_app.workstation.names import case_name
from journalist_app.workstation.queueing import list_cases
from journalist_app.workstation.replying import Draft, write_reply

ANI, BUDI, CITRA = NAMES


@pytest.fixture
def reporter() -> Reporter:
    """Somebody who reports something."""
    return Reporter("pelapor")


def sealed_to(office: Office, plaintext: bytes, *names: str) -> bytes:
    """Seal as the site does."""
    pieces: list[bytes] = []
    keys = [office.desks[name].fingerprint for name in names]
    with office.keyring.sealing(keys, sink=pieces.append, day=DAY) as sealing:
        sealing.write(plaintext)
    return b"".join(pieces)


def with_key_of_citra(office: Office, plaintext: bytes) -> bytes:
    """Seal to Ani and Budi, and put one more key into the front on the way."""
    tag, key = next(split_packets(sealed_to(office, b"", CITRA)))
    added = bytes([0xC0 | tag, len(key)]) + key
    return added + sealed_to(office, plaintext, ANI, BUDI)


def key_of_nobody(office: Office) -> str:
    """Make a certificate that nobody has certified."""
    home = office.path / "stranger"
    fingerprint = generate_officer_key(
        home,
        name="Siapa",
        email="siapa@example.test",
        expires_days=30,
        passphrase=None,
        today=DAY,
    )
    return Keyring(home).export(fingerprint).decode("ascii")


def with_subkeys_of(certificate: str, other: str) -> str:
    """Put the bare subkeys of another certificate behind a certificate."""
    content = read_key_file(certificate.encode("ascii"))
    for tag, body in split_packets(read_key_file(other.encode("ascii"))):
        if tag == PUBLIC_SUBKEY:
            content += bytes([0xC0 | tag, len(body)]) + body
    return (
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"
        f"{base64.encodebytes(content).decode()}"
        "-----END PGP PUBLIC KEY BLOCK-----\n"
    )


def announced(office: Office, name: str) -> BundleOfficer:
    """Announce an officer of the office as its server does."""
    enrolment = office.template.enrolments[name]
    return BundleOfficer(
        desk_id=enrolment.desk_id,
        name=name,
        role=None,
        receives=True,
        certificate=enrolment.certificate,
    )


def let_in(office: Office, case: str, who: str, form: str) -> None:
    """Let Ani share a case."""
    ani = office.desks[ANI]
    decide(ani, case, "share")
    desk_id = office.desks[who].record.desk_id
    share(ani, case, desk_id, form=form, reason="", today=DAY)


def forged(
    office: Office, desk: Desk, action: Action, *, case_id: str, clock: int = 1
) -> SignedEvent:
    """Write and sign an event that the desk's own program would not write."""
    # Under the name of some case, which is put right in the bytes.
    event = Event(
        desk_id=desk.record.desk_id,
        number=1,
        previous=FIRST,
        clock=clock,
        day=DAY,
        case_id="ab" * 16,
        action=action,
    )
    content = event.to_json().replace(b"ab" * 16, case_id.encode())
    signature = desk.keys.sign_detached(content, signer=desk.fingerprint, day=DAY)
    return SignedEvent(content, signature)


def send_events(office: Office, desk: Desk, events: Sequence[SignedEvent]) -> None:
    """Let events arrive for everybody else."""
    pieces: list[bytes] = []
    write_parcel(pieces.append, events, desk_id=desk.record.desk_id, day=DAY)
    office.send(b"".join(pieces), to=(ANI, BUDI))


def test_a_key_put_in_on_the_way_gives_no_right_to_what_was_lost(
    office: Office, reporter: Reporter
) -> None:
    """Whoever has a reviewer's key added to an item and claims a loss gets nothing."""
    citra = office.desks[CITRA]
    office.drop.officers.set_receives(citra.fingerprint, False)
    office.accept(with_key_of_citra(office, reporter.write()))
    office.exchange()
    with citra.casebook.transaction() as connection:
        append(citra, connection, bytes.fromhex(OFFICE), Restored(through=0), today=DAY)
    case = case_name(reporter.keys.case_id)
    act(office.desks[ANI], case, Noted(text="Catatanrahasia"), today=DAY)
    office.exchange()
    assert [case] == [one.name for one in list_cases(office.desks[BUDI], today=DAY)]
    assert () == list_cases(citra, today=DAY)
    for one in (REPORT.title, REPORT.what, "Catatanrahasia"):
        assert one not in texts_on(citra)


def test_what_one_reviewer_may_read_is_not_for_another(
    office: Office, reporter: Reporter
) -> None:
    """Whoever gets a paraphrase gets no blackened answers, sent earlier or later."""
    office.send(reporter.write(), to=(ANI,))
    office.exchange()
    case = case_name(reporter.keys.case_id)
    act(office.desks[ANI], case, Paraphrased(text="Dengan kata lain."), today=DAY)
    let_in(office, case, BUDI, "redacted")
    let_in(office, case, CITRA, "paraphrase")
    let_in(office, case, BUDI, "redacted")
    office.exchange()
    assert REPORT.what in texts_on(office.desks[BUDI])
    assert REPORT.what not in texts_on(office.desks[CITRA])
    brief = show_case(office.desks[BUDI], case, today=DAY).state.brief
    assert brief is not None
    assert REPORT.what == brief.answers["what"]
    (shown,) = list_cases(office.desks[CITRA], today=DAY)
    assert "Dengan kata lain." == shown.title


def test_whoever_had_a_brief_can_answer_once_they_have_the_items(
    office: Office, reporter: Reporter
) -> None:
    """The keys of a case come with its items, also where a brief was there before."""
    office.send(reporter.write(), to=(ANI,))
    office.exchange()
    case = case_name(reporter.keys.case_id)
    act(office.desks[ANI], case, Paraphrased(text="Dengan kata lain."), today=DAY)
    let_in(office, case, CITRA, "paraphrase")
    office.exchange()
    let_in(office, case, CITRA, "full")
    office.exchange()
    citra = office.desks[CITRA]
    report = show_case(citra, case, today=DAY).report
    assert report is not None
    assert not report.other_keys
    write_reply(citra, case, Draft(ReplyKind.ANSWER, "Terima kasih."), today=DAY)
    office.exchange()
    (sent,) = state_of(office.desks[ANI], case).replies
    assert citra.record.desk_id == sent.desk_id


def test_nobody_is_kept_out_of_the_office(office: Office, reporter: Reporter) -> None:
    """What is about no case is about no officer's right either: all go on exporting."""
    office.send(reporter.write(), to=(ANI, BUDI))
    office.exchange()
    ani, citra = office.desks[ANI], office.desks[CITRA]
    keep_out = Excluded(desk_id=ani.record.desk_id, reason="Begitu saja.")
    send_events(office, citra, [forged(office, citra, keep_out, case_id=OFFICE)])
    office.exchange()
    budi = office.desks[BUDI]
    with budi.casebook.transaction() as connection:
        append(budi, connection, bytes.fromhex(OFFICE), Restored(through=0), today=DAY)
    case = case_name(reporter.keys.case_id)
    act(ani, case, Noted(text="Tetap jalan."), today=DAY)
    office.exchange()
    assert ["Tetap jalan."] == [one.text for one in state_of(budi, case).notes]


def test_the_last_clock_there_is_stops_nobody(
    office: Office, reporter: Reporter
) -> None:
    """A colleague who counts to the end leaves the others able to act."""
    office.send(reporter.write(), to=(ANI, BUDI))
    office.exchange()
    case_id = reporter.keys.case_id
    case = case_name(case_id)
    citra = office.desks[CITRA]
    last = forged(
        office,
        citra,
        Noted(text="Penghabisan."),
        case_id=case_id.hex(),
        clock=LARGEST_INTEGER,
    )
    send_events(office, citra, [last])
    office.exchange()
    ani, budi = office.desks[ANI], office.desks[BUDI]
    act(ani, case, Noted(text="Satu."), today=DAY)
    act(ani, case, Noted(text="Dua."), today=DAY)
    office.exchange()
    act(budi, case, Noted(text="Tiga."), today=DAY)
    office.exchange()
    notes = {one.text for one in state_of(ani, case).notes}
    assert {"Penghabisan.", "Satu.", "Dua.", "Tiga."} == notes
    assert state_of(ani, case) == state_of(budi, case)
    assert () == state_of(ani, case).conflicts


def test_an_excluded_role_is_not_let_in_by_a_key_put_in_on_the_way(
    office: Office, reporter: Reporter
) -> None:
    """What the reporter has excluded stays so, whatever keys an item names."""
    citra = office.desks[CITRA]
    office.drop.officers.set_role(citra.fingerprint, "penelaah")
    report = REPORT.model_copy(update={"not_for": ("penelaah",)})
    office.accept(with_key_of_citra(office, reporter.write(report=report)))
    office.exchange()
    case = case_name(reporter.keys.case_id)
    act(office.desks[ANI], case, Noted(text="Catatanrahasia"), today=DAY)
    office.exchange()
    assert "Catatanrahasia" in texts_on(office.desks[BUDI])
    assert "Catatanrahasia" not in texts_on(citra)


def test_a_forged_item_changes_nothing_of_a_case(
    office: Office, reporter: Reporter
) -> None:
    """Who knows a case, and not its keys, moves no answer and withdraws nothing."""
    office.send(reporter.write(), to=(ANI, BUDI))
    forger = Reporter("pemalsu")
    ani = office.desks[ANI]
    case_id = reporter.keys.case_id.hex()
    marks = {ani.record.desk_id: LARGEST_INTEGER - 1}
    office.send(
        forger.write(ItemKind.READ_RECEIPT, read=marks, case_id=case_id),
        to=(ANI, CITRA),
    )
    office.send(forger.write(ItemKind.WITHDRAWAL, case_id=case_id), to=(ANI, CITRA))
    office.exchange()
    case = case_name(reporter.keys.case_id)
    write_reply(ani, case, Draft(ReplyKind.ANSWER, "Jawabanrahasia"), today=DAY)
    office.exchange()
    (shown,) = list_cases(ani, today=DAY)
    assert not shown.withdrawn
    (sent,) = state_of(office.desks[BUDI], case).replies
    assert 0 == sent.action.first_slot
    assert "Jawabanrahasia" not in texts_on(office.desks[CITRA])


def test_no_case_takes_the_name_of_another(office: Office, reporter: Reporter) -> None:
    """Whoever forges a case with the same first bytes hides none behind it."""
    case_id = reporter.keys.case_id
    twin = (case_id[:4] + bytes(12)).hex()
    office.send(reporter.write(), to=(ANI, BUDI))
    office.exchange()
    office.send(Reporter("pemalsu").write(case_id=twin), to=(ANI, BUDI))
    office.exchange()
    ani = office.desks[ANI]
    name = case_name(case_id)
    names = {one.name: one.case_id for one in list_cases(ani, today=DAY)}
    assert {name: case_id, f"{name}-babab-babab": bytes.fromhex(twin)} == names
    for one in names:
        assert one == show_case(ani, one, today=DAY).summary.name


def test_whoever_is_not_certified_keeps_no_key_of_others(office: Office) -> None:
    """A server that makes an officer up does not say whose an honest subkey is."""
    stranger_key = key_of_nobody(office)
    honest = office.template.enrolments[BUDI]
    stranger = BundleOfficer(
        desk_id="ee" * 16,
        name="Siapa",
        role=None,
        receives=True,
        certificate=with_subkeys_of(stranger_key, honest.certificate),
    )
    budi = announced(office, BUDI)
    subkeys = key_ids_in(honest.certificate.encode("ascii"))[1:]
    ani = office.desks[ANI]
    for officers in ([stranger], [stranger, budi], [stranger, budi]):
        with ani.casebook.transaction() as connection:
            take_in_officers(ani, connection, officers, today=DAY)
    with ani.casebook.transaction() as connection:
        owners = desks_by_key(connection, subkeys)
    assert dict.fromkeys(subkeys, honest.desk_id) == owners


def test_a_certificate_gives_no_subkey_that_its_key_has_not_bound(
    office: Office,
) -> None:
    """A certified officer who adds somebody's subkeys to their own has none of them."""
    nobodys = key_of_nobody(office)
    citra = announced(office, CITRA)
    ani = office.desks[ANI]
    claiming = citra.model_copy(
        update={"certificate": with_subkeys_of(citra.certificate, nobodys)}
    )
    own = key_ids_in(citra.certificate.encode("ascii"))
    others = key_ids_in(nobodys.encode("ascii"))[1:]
    assert {*others} < {*key_ids_in(claiming.certificate.encode("ascii"))}
    with ani.casebook.transaction() as connection:
        take_in_officers(ani, connection, [claiming], today=DAY)
        found = desks_by_key(connection, [*own, *others])
    assert dict.fromkeys(own, citra.desk_id) == found
