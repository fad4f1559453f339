"""The desk's forms: what was done can be undone, and what was typed is not lost."""

import html
import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from support.office import NAMES, Office
from support.reporters import Reporter
from support.screens import Screen, words
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from casework.case_state import CaseState
from casework.reply import CaseStatus, ReplyKind
from casework.report import FIELD_CHARACTERS, Report
from journalist_app.workstation.acting import state_of
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.names import case_name
from source_app import texts

ANI = NAMES[0]
ROOT = Path(__file__).parents[2]
_UNDO = re.compile(
    r'action="(?P<path>[^"]+/undo)">\s*<input type="hidden" name="csrf_token"[^>]*>\s*'
    r'<input type="hidden" name="entry" value="(?P<entry>[0-9a-f]{64})">\s*'
    r'<input type="hidden" name="page" value="(?P<page>[^"]*)">\s*'
    r'<input type="hidden" name="place" value="(?P<place>[^"]*)">'
)
LETTER = "Kalimat pertama.\n\n<b>Kalimat</b> kedua & ketiga."


@pytest.fixture
def desk(office: Office) -> Desk:
    """The desk in front of which we sit."""
    return office.desks[ANI]


@pytest.fixture
def reporter() -> Reporter:
    """Somebody who reports."""
    return Reporter("pelapor")


@pytest.fixture
def name(office: Office, reporter: Reporter) -> str:
    """A case that has come in."""
    office.send(reporter.write(), to=NAMES[:2])
    office.fetch(ANI)
    return case_name(reporter.keys.case_id)


@pytest.fixture
def screen(desk: Desk, tmp_path: Path) -> Screen:
    """A browser that has used the link."""
    return Screen(desk, stick=tmp_path)


def place_of_text(screen: Screen, name: str) -> dict[str, str]:
    """Return which text the exposure check shows first."""
    page = screen.get(f"/cases/{name}/exposure/").text
    return {"item": page.partition('name="item" value="')[2][:64], "field": "title"}


def settled(state: CaseState) -> object:
    """Return what a case is, without how it came to that."""
    return (
        state.status,
        state.assigned,
        [note.text for note in state.notes],
        state.labels,
        state.links,
        {subject: verdict.verdict for subject, verdict in state.verdicts.items()},
        {place: spans for place, spans in state.redactions.items() if spans},
        state.paraphrase,
        state.proposal is not None,
    )


Deed = tuple[str, Callable[[Screen, str], dict[str, object]]]
DEEDS: dict[str, Deed] = {
    "assignment": (
        "assign",
        lambda screen, _name: {"desk_id": screen.services.desk.record.desk_id},
    ),
    "note": ("note", lambda *_: {"text": "Tanya dinas."}),
    "label": ("label", lambda *_: {"label": "bansos"}),
    "verdict": ("assess", lambda *_: {"subject": "competence", "verdict": "yes"}),
    "redaction": (
        "exposure/redact",
        lambda screen, name: {
            **place_of_text(screen, name),
            "how": "words",
            "words": "beras",
        },
    ),
    "paraphrase": ("exposure/paraphrase", lambda *_: {"text": "Bantuan berkurang."}),
    "step": ("step", lambda *_: {"after": "registered"}),
    "proposal": ("step", lambda *_: {"after": "not-competent", "reason": "Bukan."}),
}


def test_what_was_done_is_undone_from_the_same_place(
    screen: Screen, desk: Desk, name: str
) -> None:
    """The next page says so and offers to undo it; undoing leads back there."""
    screen.post(f"/cases/{name}/step", {"after": "verification"})
    before = settled(state_of(desk, name))
    for what, (path, form) in DEEDS.items():
        done = screen.post(f"/cases/{name}/{path}", form(screen, name))
        assert before != settled(state_of(desk, name)), what

        undo = _UNDO.search(done.text)
        assert undo is not None, what
        fields = {key: undo[key] for key in ("entry", "page", "place")}
        undone = screen.post(undo["path"], fields)
        assert "Dibatalkan." in words(undone), what
        assert done.request.path == undone.request.path, what
        assert before == settled(state_of(desk, name)), what


def test_a_link_is_undone_on_both_cases(
    screen: Screen, office: Office, desk: Desk, name: str
) -> None:
    """Neither of the two cases says any more that they are one matter."""
    other = Reporter("lain")
    office.send(other.write(), to=NAMES[:2])
    office.fetch(ANI)
    other_name = case_name(other.keys.case_id)
    form = {"other": other_name, "relation": "same-matter"}
    done = screen.post(f"/cases/{name}/link", form)
    assert [1, 1] == [len(state_of(desk, one).links) for one in (name, other_name)]
    undo = _UNDO.search(done.text)
    assert undo is not None
    screen.post(undo["path"], {"entry": undo["entry"]})
    assert [0, 0] == [len(state_of(desk, one).links) for one in (name, other_name)]


def test_history_offers_to_undo(screen: Screen, desk: Desk, name: str) -> None:
    """Long after the notice is gone, the officer's own deeds can be taken back."""
    screen.post(f"/cases/{name}/note", {"text": "Tanya dinas."})
    entry = state_of(desk, name).history[-1].digest
    history = screen.get(f"/cases/{name}/").text.partition('id="riwayat"')[2]
    assert f'value="{entry}"' in history
    screen.post(f"/cases/{name}/undo", {"entry": entry, "place": "riwayat"})
    assert () == state_of(desk, name).notes
    history = screen.get(f"/cases/{name}/").text.partition('id="riwayat"')[2]
    assert f'value="{entry}"' not in history


def test_a_notice_stands_where_it_was_done(screen: Screen, name: str) -> None:
    """In its part of the page, once, and nowhere else."""
    done = screen.post(f"/cases/{name}/note", {"text": "Tanya dinas."})
    before, _heading, after = done.text.partition('id="catatan"')
    assert "Catatan disimpan." not in before
    assert "Catatan disimpan." in after.partition("</section>")[0]
    assert "Catatan disimpan." not in screen.get(f"/cases/{name}/").text


def textarea(answer: TestResponse, field: str) -> str | None:
    """Return what stands in a field of several lines."""
    found = re.search(
        rf'<textarea[^>]* name="{field}"[^>]*>\n?(.*?)</textarea>', answer.text, re.S
    )
    return html.unescape(found[1]) if found else None


WRITTEN: dict[str, dict[str, str]] = {
    "note": {"text": LETTER},
    "step": {"after": "verification", "reason": LETTER},
    "exposure/paraphrase": {"text": LETTER},
    "answer/": {"kind": "answer", "text": LETTER, "do": "seal"},
}


def test_a_stale_page_gives_back_what_was_typed(
    screen: Screen, desk: Desk, name: str
) -> None:
    """Nothing is done; one more press of a button sends the same."""
    for path, form in WRITTEN.items():
        before = state_of(desk, name)
        answer = screen.client.post(
            f"/cases/{name}/{path}",
            base_url=screen.base,
            data={**form, "csrf_token": "from before the desk was opened anew"},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert 400 == answer.status_code
        assert before == state_of(desk, name)
        assert LETTER == textarea(answer, "text" if "text" in form else "reason")
        _head, _form, offered = answer.text.partition(
            f'action="/cases/{name}/{path}" class="card">'
        )
        again = screen.client.post(
            f"/cases/{name}/{path}",
            base_url=screen.base,
            data=fields_of(offered),
            follow_redirects=True,
        )
        assert 200 == again.status_code
        if path == "answer/":
            # It is looked at again, because files that were chosen are not there now.
            assert before == state_of(desk, name)
            assert LETTER == textarea(again, "text")
        else:
            assert LETTER in html.unescape(again.text)
            assert before != state_of(desk, name)


def fields_of(form: str) -> dict[str, str]:
    """Return what a browser sends when the button of a form is pressed."""
    form = form.partition("</form>")[0]
    inputs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    areas = re.findall(
        r'<textarea[^>]* name="([^"]+)"[^>]*>\n?(.*?)</textarea>', form, re.S
    )
    return {name: html.unescape(value) for name, value in (*inputs, *areas)}


def send_letter(
    screen: Screen, name: str, form: Mapping[str, str], file_bytes: int
) -> TestResponse:
    """Send the form of an answer with a file of so many bytes."""
    token = screen.get("/").text.partition('name="csrf_token" value="')[2]
    content = io.BytesIO(b"%PDF-1.7" + bytes(file_bytes))
    file = FileStorage(content, "surat <i>.pdf")
    # All of it is made in memory, so that it is not the test that makes a file.
    boundary, body = encode_multipart(
        {"csrf_token": token.partition('"')[0], **form, "files": file}
    )
    return screen.client.post(
        f"/cases/{name}/answer/",
        base_url=screen.base,
        data=body,
        content_type=f"multipart/form-data; boundary={boundary}",
    )


def test_another_site_cannot_fill_a_form_in(screen: Screen, name: str) -> None:
    """What a page elsewhere made the browser send does not come back."""
    answer = screen.client.post(
        f"/cases/{name}/note",
        base_url=screen.base,
        data={"text": LETTER},
        headers={"Sec-Fetch-Site": "same-site"},
    )
    assert 400 == answer.status_code
    assert "Kalimat pertama." not in answer.text


def test_a_locked_desk_says_how_to_keep_what_was_typed(
    screen: Screen, name: str
) -> None:
    """The browser still has it: a new link in another tab, then load once more."""
    screen.access.end()
    answer = screen.client.post(
        f"/cases/{name}/note", base_url=screen.base, data={"text": LETTER}
    )
    assert 403 == answer.status_code
    assert "belum hilang" in answer.text
    assert "Kalimat pertama." not in answer.text
    assert "belum hilang" not in screen.get("/").text


def test_a_refused_step_keeps_its_choice(screen: Screen, desk: Desk, name: str) -> None:
    """The missing reason is asked for on the spot, and the same step is taken."""
    screen.post(f"/cases/{name}/step", {"after": "verification"})
    refused = screen.post(
        f"/cases/{name}/step", {"after": "needs-completion", "reason": ""}
    )
    assert 422 == refused.status_code
    assert "" == textarea(refused, "reason")
    assert 'name="after" value="needs-completion"' in refused.text
    screen.post(
        f"/cases/{name}/step", {"after": "needs-completion", "reason": "Kapan?"}
    )
    assert CaseStatus.NEEDS_COMPLETION is state_of(desk, name).status


@pytest.mark.parametrize("do", ["preview", "seal"])
def test_a_file_that_is_too_large_does_not_take_the_letter_along(
    screen: Screen, desk: Desk, name: str, do: str
) -> None:
    """It is named, nothing is sealed, and the text is there to be sent again."""
    form = {"kind": "question", "text": LETTER, "do": do}
    answer = send_letter(screen, name, form, 9 * 1024 * 1024)
    assert 422 == answer.status_code
    assert "terlalu besar" in words(answer)
    assert "surat <i>.pdf" not in answer.text
    assert LETTER == textarea(answer, "text")
    assert '<option value="question" selected>' in answer.text
    assert () == state_of(desk, name).replies


def test_a_letter_that_is_too_long_comes_back(
    screen: Screen, desk: Desk, name: str
) -> None:
    """Whole, with how long it is and may be."""
    long = "panjang " * (FIELD_CHARACTERS // 8 + 1)
    answer = screen.post(
        f"/cases/{name}/answer/", {"kind": "answer", "text": long, "do": "seal"}
    )
    assert 422 == answer.status_code
    assert long.strip() == textarea(answer, "text")
    assert str(FIELD_CHARACTERS) in words(answer)
    assert () == state_of(desk, name).replies


def test_uploads_never_reach_a_disk(
    screen: Screen, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of megabytes is held in memory only."""

    def refuse(*_arguments: object, **_names: object) -> None:
        raise AssertionError("a temporary file was made")

    for what in ("TemporaryFile", "SpooledTemporaryFile", "NamedTemporaryFile"):
        monkeypatch.setattr(f"tempfile.{what}", refuse)
    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", refuse)
    form = {"kind": "answer", "text": "Halo.", "do": "preview"}
    answer = send_letter(screen, name, form, 2 * 1024 * 1024)
    assert 200 == answer.status_code
    assert "2 MB" in words(answer)


@pytest.mark.parametrize("language", ["id", "en"])
def test_a_preview_says_what_the_site_says(
    screen: Screen, office: Office, language: str
) -> None:
    """Headings, stage and button of the reporters' site, in the reporter's language."""
    reporter = Reporter("pelapor")
    office.send(reporter.write(language=language), to=NAMES[:2])
    office.fetch(ANI)
    name = case_name(reporter.keys.case_id)
    catalogue = _site_catalogue() if language == "en" else {}
    template = (ROOT / "source_app/templates/case.html").read_text("utf-8")
    headings = template.partition("<h3>")[2].partition("</h3>")[0]
    for kind in ReplyKind:
        form = {"kind": kind.value, "text": LETTER, "do": "preview"}
        answer = screen.post(f"/cases/{name}/answer/", form)
        phone = html.unescape(answer.text.partition('class="phone"')[2])
        chosen = "else" if kind is ReplyKind.ANSWER else f'if reply.kind == "{kind}"'
        said = [
            headings.partition(f'{chosen} %}}{{{{ _("')[2].partition('"')[0],
            "Baru",
            "Saya sudah membaca ini",
        ]
        for sentence in said:
            assert f'_("{sentence}")' in template
        if kind in (ReplyKind.STATUS, ReplyKind.CLOSING):
            said += ["Tahap", str(texts.STATUS_LABELS[CaseStatus.RECEIVED])]
        for sentence in said:
            assert catalogue.get(sentence, sentence) in phone, kind
        assert LETTER in phone


def test_stages_are_those_of_the_site() -> None:
    """Whatever step a case takes, both say the same of it in both languages."""
    site, desk = _site_catalogue(), _desk_catalogue_for_reporters()
    for label in texts.STATUS_LABELS.values():
        assert site[str(label)] == desk[str(label)]


def _site_catalogue() -> dict[str, str]:
    return _english("source_app", context=None)


def _desk_catalogue_for_reporters() -> dict[str, str]:
    return _english("journalist_app/workstation/screens", context="pelapor")


def _english(site: str, *, context: str | None) -> dict[str, str]:
    path = ROOT / site / "translations/en/LC_MESSAGES/messages.po"
    with path.open("rb") as file:
        catalogue = read_po(file)
    return {str(one.id): str(one.string) for one in catalogue if one.context == context}


def test_a_title_of_nothing_can_be_seen(screen: Screen, office: Office) -> None:
    """Letters that leave no mark would be a link that nobody finds."""
    titles = ("\u3164\u3164", "\u200d\u200d", "\u0300\u0301", "\u2800")
    for title in titles:
        report = Report(title=title, what="Apa saja.")
        office.send(Reporter(title).write(report=report), to=NAMES[:2])
    office.fetch(ANI)
    assert len(titles) == screen.text("/").count("(tanpa huruf yang terlihat)")


def test_shortcuts_are_remembered_by_the_browser(screen: Screen) -> None:
    """Off stays off when the desk is opened anew, and on is what they are at first."""
    assert 'data-keys="on"' in screen.get("/").text
    screen.post("/shortcuts", {"keys": "off"})
    assert 'data-keys="off"' in screen.get("/").text
    cookie = screen.client.get_cookie("bisik-desk-keys", domain="127.0.0.1")
    assert cookie is not None
    assert cookie.max_age is not None
    screen.post("/shortcuts", {"keys": "on"})
    assert 'data-keys="on"' in screen.get("/").text


def test_pages_are_light(screen: Screen, office: Office, name: str) -> None:
    """A queue of fifty cases, and a case, are small enough to appear at once."""
    for number in range(50):
        office.send(Reporter(f"pelapor {number}").write(), to=NAMES[:2])
    office.fetch(ANI)
    queue, case = screen.get("/").data, screen.get(f"/cases/{name}/").data
    assert 50 == queue.count(b'class="case ')
    assert len(queue) < 60_000
    assert len(case) < 40_000
