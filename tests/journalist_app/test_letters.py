"""Drafts: every step has one in both languages, ready to be read."""

import pytest
from support.office import NAMES, Office
from support.reporters import DAY, Reporter
from support.screens import Screen

from casework.reply import CaseStatus, Letter
from casework.report import SEVEN_QUESTIONS
from casework.workflow import FOLLOW_UP, gives_feedback
from journalist_app.workstation.acting import take_step
from journalist_app.workstation.letters import (
    LetterTemplate,
    fill,
    letter_templates,
    template_at,
)
from journalist_app.workstation.names import case_name

# Of any draft, what stands where nothing is known of the case.
UNKNOWN = "…"
SHORTEST_CHARACTERS = 100


def filled(template: LetterTemplate, language: str, **known: object) -> str:
    """Fill a draft of a case of which nothing is known but *known*."""
    return fill(
        template,
        language,
        **{
            "open_questions": (),
            "registration_number": None,
            "competence": "",
            "reason": "",
            **known,
        },  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("status", CaseStatus)
def test_every_step_has_a_draft(status: CaseStatus, language: str) -> None:
    """With a title and a text, and nothing in braces, however little is known."""
    template = template_at(status)
    assert template.title.in_language(language)
    for known in (
        {},
        {
            "open_questions": SEVEN_QUESTIONS,
            "registration_number": "7KD-4Q9Z-XB3Y",
            "competence": "Bantuan sosial.",
            "reason": "Panitia diganti.",
        },
    ):
        text = filled(template, language, **known)
        assert len(text) > SHORTEST_CHARACTERS
        assert not {"{", "}"} & set(text)


@pytest.mark.parametrize("template", letter_templates(), ids=lambda one: one.key)
def test_a_draft_says_something_else_in_the_other_language(
    template: LetterTemplate,
) -> None:
    """Both were written, neither is a copy, and neither has anything in braces."""
    texts = {filled(template, language) for language in ("id", "en")}
    titles = {template.title.in_language(language) for language in ("id", "en")}
    assert (2, 2) == (len(texts), len(titles))
    assert all(not {"{", "}"} & set(text) for text in texts)


@pytest.mark.parametrize("status", CaseStatus)
def test_a_draft_about_what_follows_is_feedback(status: CaseStatus) -> None:
    """Whoever sends the draft of a step ends the clock if the step is follow-up."""
    letter = Letter(
        kind=template_at(status).kind, day=DAY, language="id", status=status
    )
    assert (status in FOLLOW_UP) == gives_feedback(letter)


def test_what_is_known_stands_in_the_draft() -> None:
    """The number, the reason and the open questions, each in its place."""
    number = filled(
        template_at(CaseStatus.REGISTERED), "id", registration_number="7KD-4Q9Z-XB3Y"
    )
    assert "Nomor registrasinya 7KD-4Q9Z-XB3Y." in number
    done = filled(template_at(CaseStatus.FOLLOWED_UP), "en", reason="Staff was moved.")
    assert "What was done: Staff was moved." in done
    asked = filled(
        template_at(CaseStatus.NEEDS_COMPLETION), "en", open_questions=("when",)
    )
    assert "- when it happened\n" in asked
    assert UNKNOWN not in number + done + asked


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_form_offers_the_draft_of_the_step(
    office_alone: Office, language: str
) -> None:
    """From the case's page one comes to a text in the reporter's language."""
    desk = office_alone.desks[NAMES[0]]
    reporter = Reporter("pelapor")
    office_alone.send(reporter.write(language=language), to=NAMES[:1])
    office_alone.fetch(NAMES[0])
    name = case_name(reporter.keys.case_id)
    screen = Screen(desk, stick=desk.path)
    way = ("received", "verification", "registered", "review", "examination")
    for status in map(CaseStatus, way):
        if status is not CaseStatus.RECEIVED:
            take_step(desk, name, status, reason="Contoh.", today=DAY)
        page = screen.get(f"/cases/{name}/answer/?draft=step").text
        template = template_at(status)
        first_line = template.text.in_language(language).strip().partition(".")[0]
        written = page.partition("<textarea")[2].partition("</textarea>")[0]
        assert first_line.partition("{")[0] in written
        assert f'<option value="{template.kind.value}" selected>' in page


def test_a_draft_gives_the_reason_of_its_own_step(office_alone: Office) -> None:
    """Not that of a closing that was proposed since; the closing's draft has that."""
    desk = office_alone.desks[NAMES[0]]
    reporter = Reporter("pelapor")
    office_alone.send(reporter.write(), to=NAMES[:1])
    office_alone.fetch(NAMES[0])
    name = case_name(reporter.keys.case_id)
    for status, reason in {
        CaseStatus.VERIFICATION: "",
        CaseStatus.REGISTERED: "",
        CaseStatus.REVIEW: "",
        CaseStatus.EXAMINATION: "Ada bukti awal.",
        CaseStatus.FOLLOWED_UP: "Panitia diganti.",
        CaseStatus.CONCLUDED: "Tuntas.",
    }.items():
        take_step(desk, name, status, reason=reason, today=DAY)
    screen = Screen(desk, stick=desk.path)
    path = f"/cases/{name}/answer/?draft="
    assert "Yang dilakukan: Panitia diganti." in screen.text(f"{path}step")
    assert "Hasilnya: Tuntas." in screen.text(f"{path}closing")
