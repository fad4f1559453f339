"""An officer who is accused: by the reporter's word or a colleague's, early or late."""

import pytest
from sqlalchemy import select, text
from support.office import NAMES, Office, decide, texts_on
from support.reporters import DAY, REPORT, Reporter

from casework.item import ItemKind
from casework.journal import Labelled, Noted, Paraphrased
from casework.reply import ReplyKind
from journalist_app.workstation import casebook
from journalist_app.workstation.acting import act, exclude, link, share, state_of
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import ActionRefused
from journalist_app.workstation.names import case_name
from journalist_app.workstation.queueing import View, list_cases, show_queue
from journalist_app.workstation.replying import Draft, write_reply
from journalist_app.workstation.searching import search

ANI, BUDI, CITRA = NAMES
INTAKE = (ANI, BUDI)
ROLE = "penelaah"


@pytest.fixture
def reporter() -> Reporter:
    """Somebody who reports what Citra did."""
    return Reporter("pelapor")


@pytest.fixture
def name(office: Office, reporter: Reporter) -> str:
    """A case that Ani and Budi have received."""
    office.send(reporter.write(), to=INTAKE)
    office.exchange()
    return case_name(reporter.keys.case_id)


def everything_on(desk: Desk) -> str:
    """Return everything readable in a casebook, the index of words included."""
    with desk.casebook.transaction() as connection:
        words = connection.execute(text("SELECT words FROM search")).scalars().all()
    return "\n".join([texts_on(desk), *words])


def let_citra_in(office: Office, name: str) -> None:
    """Share a case whole."""
    ani = office.desks[ANI]
    decide(ani, name, "share")
    citra_id = office.desks[CITRA].record.desk_id
    share(ani, name, citra_id, form="full", reason="", today=DAY)


def work(office: Office, name: str) -> tuple[str, ...]:
    """Let Ani and Budi do all kinds of things; return the words they use."""
    ani, budi = office.desks[ANI], office.desks[BUDI]
    words = ("Catatanrahasia", "Labelrahasia", "Jawabanrahasia", "Pokokrahasia")
    act(ani, name, Noted(text=words[0]), today=DAY)
    act(budi, name, Labelled(label=words[1], on=True), today=DAY)
    write_reply(budi, name, Draft(ReplyKind.ANSWER, words[2]), today=DAY)
    act(ani, name, Paraphrased(text=words[3]), today=DAY)
    return words


def assert_knows_nothing(
    desk: Desk, reporter: Reporter, words: tuple[str, ...]
) -> None:
    """Look everywhere where a case could show itself."""
    everything = everything_on(desk)
    for one in (*words, REPORT.title, REPORT.what, case_name(reporter.keys.case_id)):
        assert one not in everything
    assert repr(reporter.keys.case_id) not in everything
    assert () == list_cases(desk, today=DAY)
    queue = show_queue(desk, today=DAY, view=View.ALL)
    assert ({0}, {}) == (set(queue.counts.values()), dict(queue.labels))
    for one in (*words, "bantuan", case_name(reporter.keys.case_id)):
        assert () == search(desk, one, today=DAY)


def test_whoever_the_reporter_excludes_learns_nothing(
    office: Office, reporter: Reporter, name: str
) -> None:
    """The stream passes through their desk, and tells them neither case nor deed."""
    words = work(office, name)
    office.send(reporter.write(ItemKind.MESSAGE, message="Ada lagi."), to=INTAKE)
    office.exchange()
    citra = office.desks[CITRA]
    assert_knows_nothing(citra, reporter, (*words, "Ada lagi."))
    with citra.casebook.transaction() as connection:
        kinds = set(connection.scalars(select(casebook.received.c.what)))
    assert {"foreign"} == kinds


def test_a_role_that_the_reporter_excludes_is_not_let_in_later(
    office: Office,
) -> None:
    """The desk refuses to share the case with them, in every form."""
    office.drop.officers.set_role(office.desks[CITRA].fingerprint, ROLE)
    reporter = Reporter("takut")
    report = REPORT.model_copy(update={"not_for": (ROLE,)})
    office.send(reporter.write(report=report), to=INTAKE)
    office.exchange()
    case = case_name(reporter.keys.case_id)
    ani, citra = office.desks[ANI], office.desks[CITRA]
    act(ani, case, Paraphrased(text="Dengan kata lain."), today=DAY)
    decide(ani, case, "share")
    before = state_of(ani, case)
    for form in ("full", "redacted", "paraphrase"):
        with pytest.raises(ActionRefused, match="does not want this role"):
            share(ani, case, citra.record.desk_id, form=form, reason="", today=DAY)
    assert before == state_of(ani, case)
    office.exchange()
    assert_knows_nothing(citra, reporter, ("Dengan kata lain.",))


def test_a_link_does_not_tell_of_the_other_case(office: Office, name: str) -> None:
    """Whoever has one case sees no link to another one that is about them."""
    about_citra = Reporter("tentang-citra")
    office.send(about_citra.write(), to=INTAKE)
    office.exchange()
    ani, budi, citra = (office.desks[desk] for desk in NAMES)
    other = case_name(about_citra.keys.case_id)
    let_citra_in(office, name)
    link(ani, name, other, relation="same-matter", today=DAY)
    act(ani, name, Noted(text="Sesudah tautan."), today=DAY)
    office.exchange()

    everything = everything_on(citra)
    for clue in (other, about_citra.keys.case_id.hex(), repr(about_citra.keys.case_id)):
        assert clue not in everything
    assert {} == state_of(citra, name).links
    assert ["Sesudah tautan."] == [one.text for one in state_of(citra, name).notes]
    assert state_of(ani, name) == state_of(budi, name)
    # When she may know the other case as well, what was withheld follows.
    let_citra_in(office, other)
    office.exchange()
    assert state_of(ani, name) == state_of(citra, name)


def test_whoever_is_excluded_late_hears_nothing_of_it(
    office: Office, reporter: Reporter, name: str
) -> None:
    """Neither what follows nor that they were excluded reaches their desk."""
    let_citra_in(office, name)
    office.exchange()
    ani, citra = office.desks[ANI], office.desks[CITRA]
    before = state_of(citra, name)
    exclude(ani, name, citra.record.desk_id, reason="Terlaporlah dia.", today=DAY)
    # What Budi sends before he has heard of it still goes to all three.
    office.exchange()
    words = work(office, name)
    office.send(reporter.write(ItemKind.MESSAGE, message="Ada lagi."), to=INTAKE)
    office.exchange()
    everything = everything_on(citra)
    for one in (*words, "Terlaporlah dia.", "Ada lagi."):
        assert one not in everything
    assert before == state_of(citra, name)


def test_contact_details_are_not_found_by_searching(
    office: Office, reporter: Reporter, name: str
) -> None:
    """They are opened with a reason, which is recorded, and in no other way."""
    office.send(reporter.write(ItemKind.CONTACT, message="0811contoh"), to=INTAKE)
    office.exchange()
    assert () == search(office.desks[ANI], "0811contoh", today=DAY)
