"""The form in steps: nothing typed is lost, and the check comes before sending."""

import io
import re
from pathlib import Path

import pytest
from support.site import Keys, Site, running_site
from support.visitor import Page, Visitor

from crypto.packets import read_envelope

FORM = "/report/write"
NIK = "3174012304850002"  # Made up: 16 digits in the shape of a NIK.
EVENT = {
    "title": "Bantuan dipotong di Desa Uji, Maret 2026",
    "what": 'Baris satu.\nBaris <dua> & "tiga".',
    "first_hand": "hearsay",
}
DETAILS = {"where": "Desa Uji", "who": "Kepala seksi\ndan dua orang"}
CARE = {"risk": "Sedikit yang tahu"}


def go(visitor: Visitor, page: Page, to: str, **fields: str) -> Page:
    """Fill in a step and press one of its buttons."""
    return visitor.post(FORM, {**page.hidden(FORM), **fields, "go": to})


def test_three_steps_and_a_check_bring_every_answer(
    site: Site, visitor: Visitor
) -> None:
    """
    What was typed on each page arrives, line breaks and quotation marks included.
    """
    visitor.draw_codename()
    page = go(visitor, visitor.get(FORM), "details", **EVENT)
    page = go(visitor, page, "care", **DETAILS)
    page = go(visitor, page, "check", **CARE)
    assert "Baca sekali lagi" in page.text
    assert [] == site.sealed_items()

    page = go(visitor, page, "send")

    assert "sudah kami terima" in page.text
    (item,) = site.opened_items()
    assert item.report is not None
    sent = {**EVENT, **DETAILS, **CARE}
    assert sent == {name: getattr(item.report, name) for name in sent}


def test_going_back_keeps_everything(visitor: Visitor) -> None:
    """
    From the check back to the first step and on again, every text is still there.
    """
    visitor.draw_codename()
    page = go(visitor, visitor.get(FORM), "details", **EVENT)
    page = go(visitor, page, "check", **DETAILS)

    page = go(visitor, page, "event")
    assert "Baris satu." in page.text
    page = go(visitor, page, "check", **EVENT)

    assert DETAILS["where"] in page.text
    assert "dan dua orang" in page.text


def test_two_answers_are_enough(site: Site, visitor: Visitor) -> None:
    """
    Who has two minutes goes from the first step to the check, and sends.
    """
    visitor.draw_codename()
    page = go(visitor, visitor.get(FORM), "check", title="Judul", what="Peristiwa")

    page = go(visitor, page, "send")

    assert "sudah kami terima" in page.text
    assert 1 == len(site.sealed_items())


@pytest.mark.parametrize("to", ["details", "care", "check", "send", "", "nonsense"])
def test_missing_answer_is_named_where_it_belongs(
    site: Site, visitor: Visitor, to: str
) -> None:
    """
    Without a title no step leads on: the first one comes back, linked and announced.
    """
    visitor.draw_codename()

    page = go(visitor, visitor.get(FORM), to, what="Peristiwa yang panjang")

    assert 422 == page.status
    assert 'role="alert"' in page.text
    assert 'href="#title"' in page.text
    assert "Peristiwa yang panjang" in page.text
    assert [] == site.sealed_items()


def test_telling_places_are_shown_before_sending(site: Site, visitor: Visitor) -> None:
    """
    A national number is marked in its place, with the reason and both ways on.
    """
    visitor.draw_codename()

    page = go(
        visitor, visitor.get(FORM), "check", title="Judul", what=f"NIK saya {NIK} ya"
    )

    assert f"<mark>{NIK}</mark>" in page.text
    assert "NIK (16 angka)" in page.text
    assert "Kirim seperti tertulis" in page.text
    assert "Ubah dulu" in page.text
    assert [] == site.sealed_items()
    assert "sudah kami terima" in go(visitor, page, "send").text


def test_nothing_telling_is_said_so(visitor: Visitor) -> None:
    """
    An ordinary report is not called dangerous.
    """
    visitor.draw_codename()

    page = go(visitor, visitor.get(FORM), "check", **EVENT)

    assert "Kami tidak menemukan" in page.text
    assert "<mark>" not in page.text


def test_page_of_another_window_keeps_the_text(site: Site, visitor: Visitor) -> None:
    """
    Whose cookie has changed meanwhile presses once more, and has lost nothing.
    """
    codename = visitor.draw_codename()
    old = visitor.get(FORM)
    visitor.sign_in("tidak ada")
    visitor.cookies.clear()
    visitor.get("/")

    page = go(visitor, old, "send", **EVENT)

    assert 422 == page.status
    assert "tekan sekali lagi" in page.text
    assert "Baris satu." in page.text
    page = go(visitor, page, "check", **EVENT)
    page = go(visitor, page, "send", codename=codename)
    assert "sudah kami terima" in page.text
    assert 1 == len(site.sealed_items())


def test_two_words_are_asked_once_more_after_sending(
    site: Site, visitor: Visitor
) -> None:
    """
    After sending, two other words; a wrong one shows the way back to all seven.
    """
    words = visitor.draw_codename().split()
    page = visitor.send_report()
    asked = [int(n) for n in re.findall(r"Kata nomor (\d)", page.text)]
    assert 2 == len(asked)
    form = page.hidden("/report/acknowledged#ulang")

    wrong = visitor.post(
        "/report/acknowledged", {**form, "first_word": "bukan", "second_word": "ini"}
    )
    assert 422 == wrong.status
    assert "Bukan" in wrong.text or "bukan kata nomor" in wrong.text
    assert words[0] in visitor.get("/report/codename").text
    right = visitor.post(
        "/report/acknowledged",
        {
            **form,
            "first_word": words[asked[0] - 1],
            "second_word": words[asked[1] - 1].upper(),
        },
    )

    assert "Kedua kata benar" in right.text
    # From now on nobody who finds the window open can read the codename in it.
    assert words[0] not in visitor.get("/report/codename").text


def test_story_holds_the_seven_words_in_order(visitor: Visitor) -> None:
    """
    The story beside a codename uses its words, each once and in order.
    """
    codename = visitor.draw_codename()

    shown = visitor.get("/report/codename").text

    story = re.search(r'<p class="story">(.*?)</p>', shown, re.S)
    assert story
    assert codename.split() == re.findall(r"<b>([^<]+)</b>", story[1])


def test_excluded_role_cannot_open_the_case(tmp_path: Path, keys: Keys) -> None:
    """
    Neither the report nor anything after it is sealed to a role that is excluded.
    """
    with running_site(tmp_path, keys, officers=2) as site:
        for officer, role in zip(
            site.drop.officers.list(), ("verifikator", "penelaah"), strict=True
        ):
            site.drop.officers.set_role(officer.fingerprint, role)
        visitor = site.visitor()
        visitor.draw_codename()
        page = go(visitor, visitor.get(FORM), "care", title="Judul", what="Apa")
        assert "Petugas verifikasi" in page.text
        assert "Auditor" not in page.text  # Nobody has that role.

        page = go(visitor, page, "check", not_for="verifikator")
        assert "Tidak boleh dibuka oleh" in page.text
        go(visitor, page, "send")
        visitor.send_message("Satu hal lagi.")

        (reviewer,) = [
            officer
            for officer in site.drop.officers.list()
            if officer.role == "penelaah"
        ]
        recipients = [envelope_keys(sealed) for sealed in site.sealed_items()]
        assert [1, 1] == [len(keys) for keys in recipients]
        assert recipients[0] == recipients[1]
        items = site.opened_items()
        assert items[0].report is not None
        assert ("verifikator",) == items[0].report.not_for
        assert reviewer.fingerprint in keys.officers


def test_not_everybody_can_be_excluded(tmp_path: Path, keys: Keys) -> None:
    """
    A report that nobody could open is refused with the reason, and kept in the page.
    """
    with running_site(tmp_path, keys, officers=2) as site:
        for officer, role in zip(
            site.drop.officers.list(), ("verifikator", "penelaah"), strict=True
        ):
            site.drop.officers.set_role(officer.fingerprint, role)
        visitor = site.visitor()
        visitor.draw_codename()
        form = visitor.get(FORM).hidden(FORM)
        fields = [
            *{**form, "title": "Judul", "what": "Apa", "go": "send"}.items(),
            ("not_for", "verifikator"),
            ("not_for", "penelaah"),
        ]

        page = visitor.post(FORM, fields)

        assert 422 == page.status
        assert "Paling sedikit satu peran" in page.text
        assert [] == site.sealed_items()


def test_single_role_is_not_asked_about(visitor: Visitor) -> None:
    """
    With one officer there is nobody to choose from, so there is no question.
    """
    visitor.draw_codename()

    page = go(visitor, visitor.get(FORM), "care", title="Judul", what="Apa")

    assert "not_for" not in page.text


def envelope_keys(sealed: bytes) -> tuple[str, ...]:
    """Return to which keys an item is sealed."""
    return tuple(map(str, read_envelope(io.BytesIO(sealed)).recipient_key_ids))
