"""Codenames: what people type, and whose codename it is."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crypto.codename import (
    CODENAME_WORDS,
    LONGEST_INPUT_CHARACTERS,
    MalformedCodename,
    contains_codename,
    draw_codename,
    parse_codename,
)
from crypto.wordlist import Wordlist, load_wordlist

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "codename.json").read_text()
)
LISTS = [Wordlist(name, tuple(w)) for name, w in VECTORS["wordlists"].items()]
INDONESIAN = LISTS[0]
REAL_LISTS = [load_wordlist("id"), load_wordlist("en")]

words = st.sampled_from(INDONESIAN.words)
codenames = st.lists(words, min_size=7, max_size=7).map(" ".join)
# What stands between words: separators, numbers, line ends, never a letter.
separators = st.text(" -_.,;:\t\r\n\u00a0\u20110123456789", min_size=1, max_size=8)
letters = st.sampled_from("abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda v: v["name"])
def test_understood(vector: dict[str, str]) -> None:
    """
    Typed like this, it is that codename.
    """
    assert vector["codename"] == parse_codename(vector["typed"], LISTS)


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda v: v["name"])
def test_refused(vector: dict[str, str]) -> None:
    """
    Typed like this, it is none, and the answer does not repeat what was typed.
    """
    with pytest.raises(MalformedCodename) as refusal:
        parse_codename(vector["typed"], LISTS)

    assert MalformedCodename.__doc__ == str(refusal.value)


def test_draw_takes_seven_words_as_chosen() -> None:
    """
    The words come from the list, in the order in which they are drawn.
    """
    drawn = iter(("ungu", "abad", "ungu", "laba", "kaldu", "agen", "agar"))

    codename = draw_codename(INDONESIAN, choose=lambda _words: next(drawn))

    assert "ungu abad ungu laba kaldu agen agar" == codename


@pytest.mark.parametrize("wordlist", REAL_LISTS, ids=lambda w: w.language)
def test_drawn_codenames_are_understood(wordlist: Wordlist) -> None:
    """
    With the real lists side by side, every codename is read as itself.
    """
    choose = random.Random(2027).choice

    for _ in range(200):
        codename = draw_codename(wordlist, choose=choose)
        assert codename == parse_codename(codename, REAL_LISTS)


def test_longest_codename_fits() -> None:
    """
    The longest words of the real lists, decorated, are within the limit.
    """
    for wordlist in REAL_LISTS:
        longest = max(wordlist.words, key=len)
        typed = "".join(f"{n}.  {longest}, \r\n" for n in range(1, CODENAME_WORDS + 1))

        assert len(typed) <= LONGEST_INPUT_CHARACTERS
        assert " ".join([longest] * 7) == parse_codename(typed, REAL_LISTS)


@given(codenames, separators, st.sampled_from([str.upper, str.title, str.swapcase]))
def test_decoration_does_not_matter(
    codename: str, separator: str, change: Callable[[str], str]
) -> None:
    """
    Neither case nor what stands between the words changes the codename.
    """
    typed = separator + change(codename).replace(" ", separator) + separator

    assert codename == parse_codename(typed, LISTS)


@given(codenames, st.integers(0, 6), st.data())
def test_one_slip_never_leads_to_another_codename(
    codename: str, place: int, data: st.DataObject
) -> None:
    """
    A word with one slip is mended to what was meant, or refused.
    """
    typed = codename.split(" ")
    word = typed[place]
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(letters)
    typed[place] = data.draw(
        st.sampled_from(
            [
                word[:at] + letter + word[at:],
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at + 1 :],
                word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
            ]
        )
    )

    try:
        understood = parse_codename(" ".join(typed), [INDONESIAN])
    except MalformedCodename:
        return
    assert codename == understood


@given(st.text(max_size=LONGEST_INPUT_CHARACTERS + 1))
@example("\ufdfa" * LONGEST_INPUT_CHARACTERS)  # 18 characters each after NFKC
@example("\ud800 \udfff")
@example("\u0130" * 7)
def test_junk_is_only_ever_refused(untrusted_text: str) -> None:
    """
    Whatever is typed, there is a codename or `MalformedCodename`.
    """
    try:
        codename = parse_codename(untrusted_text, LISTS)
    except MalformedCodename:
        return
    assert CODENAME_WORDS == len(codename.split(" "))
    assert codename == parse_codename(codename, LISTS)


@given(st.text(), codenames, st.text())
def test_given_away_anywhere_in_a_text(before: str, codename: str, after: str) -> None:
    """
    A codename in a text is noticed, wherever it stands and however it is cased.
    """
    assert contains_codename(f"{before} {codename.upper()} {after}", LISTS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "samudra pelita gamelan ungu jembatan kaldu",
        "samudra pelita gamelan yang ungu jembatan kaldu lempar",
        "samudra pelita gamelan camera engine gallery legend",
        "samudra pelita gamelan ungu jembatan kaldu lemper",
    ],
    ids=["nothing", "six words", "a word between", "two lists", "one letter off"],
)
def test_not_given_away(text: str) -> None:
    """
    Fewer than seven neighbouring words of one list, letter for letter, are none.
    """
    assert not contains_codename(text, LISTS)
