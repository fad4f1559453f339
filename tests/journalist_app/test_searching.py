"""Searching: what is found, and that no text makes the desk slow."""

import time

import pytest
from support import reporters
from support.reporters import DAY, Reporter, Sealer, make_bundle

from casework.item import ItemKind
from casework.journal import Noted, Paraphrased, Registered, Undone
from casework.reply import ReplyKind
from casework.report import FIELD_CHARACTERS, SEVEN_QUESTIONS, Report
from journalist_app.workstation.acting import act
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.replying import Draft, write_reply
from journalist_app.workstation.searching import find_alike, search

# Comparing all places of a word with each other took minutes.
LIMIT_SECONDS = 2.0


def receive(desk: Desk, sealer: Sealer, *plaintexts: bytes) -> None:
    """Import items."""
    items = {n: sealer.seal(one) for n, one in enumerate(plaintexts, start=1)}
    assert import_bundle(desk, make_bundle(items), today=DAY).complete


def test_an_excerpt_shows_what_is_around_the_first_word(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """Some words on each side, on one line, and an ellipsis where text was cut."""
    padding = "kata\n" * 100
    message = f"{padding}Karung beras HILANG di gudang.\n{padding}".strip()
    receive(desk, sealer, ani.write(), ani.write(ItemKind.MESSAGE, message=message))
    (found,) = search(desk, "hilang gudang", today=DAY)
    assert "Karung beras HILANG di gudang." in found.excerpt
    assert ("…", "…") == (found.excerpt[0], found.excerpt[-1])
    assert "\n" not in found.excerpt
    assert len(found.excerpt) < 170


def test_an_excerpt_of_an_accented_word(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """A word is found without its accents; the text's beginning is shown then."""
    receive(desk, sealer, ani.write(ItemKind.MESSAGE, message="Di kafé dekat kantor."))
    (found,) = search(desk, "kafe", today=DAY)
    assert "Di kafé dekat kantor." == found.excerpt


@pytest.mark.parametrize("query", ["an", "a", "an a an a an a", "a" * 200, '"*(-a OR'])
def test_a_text_of_one_word_does_not_hold_up_the_desk(
    desk: Desk,
    sealer: Sealer,
    ani: Reporter,
    query: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A report that is the same word over and over is found as fast as any other."""
    text = ("an " * FIELD_CHARACTERS)[: FIELD_CHARACTERS - 2] + "a"
    answers = dict.fromkeys(SEVEN_QUESTIONS, text)
    monkeypatch.setattr(
        reporters, "REPORT", Report.model_validate({"title": "Judul", **answers})
    )
    receive(desk, sealer, ani.write())
    began = time.process_time()
    found = search(desk, query, today=DAY)
    assert time.process_time() - began < LIMIT_SECONDS
    assert all(len(one.excerpt) < 170 for one in found)


def test_a_single_letter_is_a_word_of_its_own(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """One letter finds that letter, and not everything that begins with it."""
    receive(desk, sealer, ani.write(ItemKind.MESSAGE, message="Gudang B kosong."))
    assert 1 == len(search(desk, "b", today=DAY))
    assert () == search(desk, "k", today=DAY)
    assert 1 == len(search(desk, "ko", today=DAY))


def test_what_officers_wrote_is_found(
    desk: Desk, sealer: Sealer, ani: Reporter, budi: Reporter
) -> None:
    """A note, an answer, a paraphrase and a number lead to their case, and no other."""
    receive(desk, sealer, ani.write(), budi.write())
    name = case_name(ani.keys.case_id)
    act(desk, name, Noted(text="Tanyakan kepada inspektorat."), today=DAY)
    act(desk, name, Paraphrased(text="Penyaluran tersendat."), today=DAY)
    answer = Draft(ReplyKind.ANSWER, "Kami sedang menelusuri gudangnya.")
    write_reply(desk, name, answer, today=DAY)
    act(desk, name, Registered(number="7KD-4Q9Z-XB3Y"), today=DAY)
    for query, excerpt in {
        "inspektorat": "Tanyakan kepada inspektorat.",
        "menelusuri gudang": "Kami sedang menelusuri gudangnya.",
        "tersendat": "Penyaluran tersendat.",
        "7kd4q9zxb3y": "7KD-4Q9Z-XB3Y",
    }.items():
        (found,) = search(desk, query, today=DAY)
        assert name == found.case.name
        assert excerpt in found.excerpt
    assert () == search(desk, "kejaksaan", today=DAY)


def test_a_note_that_was_taken_back_is_not_found(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """The index says what the case says."""
    receive(desk, sealer, ani.write())
    name = case_name(ani.keys.case_id)
    entry = act(desk, name, Noted(text="Tanyakan kepada inspektorat."), today=DAY)
    assert 1 == len(search(desk, "inspektorat", today=DAY))
    act(desk, name, Undone(entry=entry.digest), today=DAY)
    assert () == search(desk, "inspektorat", today=DAY)


def test_the_same_matter_is_found(
    desk: Desk, sealer: Sealer, ani: Reporter, budi: Reporter
) -> None:
    """Two reporters who write the same are said to be about the same matter."""
    receive(desk, sealer, ani.write(), budi.write())
    first, second = search(desk, "beras", today=DAY)
    (alike,) = find_alike(desk, first.case.name, today=DAY)
    assert (second.case.name, 1.0) == (alike.case.name, alike.share)
