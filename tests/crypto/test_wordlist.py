"""Word lists: the rules that the words keep, and what mending promises."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.wordlist import LANGUAGES, Wordlist, load_wordlist

SMALL = Wordlist("id", ("apung", "gajah", "kebun", "payung", "rusa"))

words = st.sampled_from(
    [(load_wordlist(language), word) for language in LANGUAGES
     for word in load_wordlist(language).words]
)  # fmt: skip


@st.composite
def slips(draw: st.DrawFn) -> tuple[Wordlist, str, str]:
    """A list, a word of it, and the same word with exactly one slip."""
    wordlist, word = draw(words)
    place = draw(st.integers(0, len(word) - 1))
    letter = draw(st.sampled_from(ascii_lowercase + "ü7"))
    before, at, after = word[:place], word[place], word[place + 1 :]
    slipped = draw(
        st.sampled_from(
            [
                before + after,
                before + letter + after,
                before + letter + at + after,
                before + at + letter + after,
                before + after[:1] + at + after[1:],
            ]
        ).filter(lambda text: text != word)
    )
    return wordlist, word, slipped


@pytest.fixture(params=LANGUAGES)
def wordlist(request: pytest.FixtureRequest) -> Wordlist:
    """Each list that is shipped, in turn."""
    language: str = request.param
    return load_wordlist(language)


def test_list_has_4096_words(wordlist: Wordlist) -> None:
    """A word is worth exactly twelve bits."""
    assert 4096 == len(wordlist.words)


def test_words_are_unique_and_sorted(wordlist: Wordlist) -> None:
    """No word is drawn twice as often as another, and a reader finds each."""
    assert sorted(set(wordlist.words)) == list(wordlist.words)


def test_words_are_three_to_nine_plain_letters(wordlist: Wordlist) -> None:
    """Every word can be typed on every keyboard."""
    strange = [w for w in wordlist.words if not re.fullmatch("[a-z]{3,9}", w)]

    assert [] == strange


def test_file_holds_one_word_per_line(wordlist: Wordlist) -> None:
    """Nothing but words is in the file, and the last line is complete."""
    file = resources.files("crypto") / "words" / f"{wordlist.language}.txt"

    assert "".join(f"{w}\n" for w in wordlist.words).encode() == file.read_bytes()


def test_no_word_begins_another(wordlist: Wordlist) -> None:
    """Where a word ends is never in doubt."""
    # In a sorted list a word stands directly before the words that it begins.
    neighbours = zip(wordlist.words, wordlist.words[1:], strict=False)

    assert [] == [pair for pair in neighbours if pair[1].startswith(pair[0])]


def test_no_two_words_are_one_slip_apart(wordlist: Wordlist) -> None:
    """One slip in a word never makes another word of the list."""
    too_close = {
        (one, other)
        for group in _words_by_rest(wordlist.language).values()
        for one in group
        for other in group
        if one < other and 1 >= _distance(one, other)
    }
    assert set() == too_close


def test_distance_counts_each_kind_of_slip_once() -> None:
    """The measure that the lists are checked with is itself right."""
    assert 0 == _distance("payung", "payung")
    assert 1 == _distance("payung", "payng")
    assert 1 == _distance("payung", "payunng")
    assert 1 == _distance("payung", "pavung")
    assert 1 == _distance("payung", "pyaung")
    assert 2 == _distance("payung", "patungs")
    assert 6 == _distance("payung", "")


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("gajah", id="as it is"),
        pytest.param("gjah", id="a letter missing"),
        pytest.param("ajah", id="the first letter missing"),
        pytest.param("gaja", id="the last letter missing"),
        pytest.param("gajjah", id="a letter twice"),
        pytest.param("gajahh", id="a letter after the end"),
        pytest.param("xgajah", id="a letter before the beginning"),
        pytest.param("gakah", id="a wrong letter"),
        pytest.param("gaj\u00e4h", id="a letter that no word has"),
        pytest.param("agjah", id="the first two swapped"),
        pytest.param("gajha", id="the last two swapped"),
    ],
)
def test_mend_understands_one_slip(typed: str) -> None:
    """Each kind of slip, at each place, is mended."""
    assert "gajah" == SMALL.mend(typed)


@pytest.mark.parametrize("typed", ["", "g", "gjh", "jagah", "gajahan", "gajah rusa"])
def test_mend_leaves_two_slips_alone(typed: str) -> None:
    """What is further away than one slip is not guessed at."""
    assert SMALL.mend(typed) is None


def test_mend_does_not_choose_between_two_words() -> None:
    """A text that two words explain equally well means neither."""
    assert {"ayung": 1} == {"ayung": _distance("ayung", "payung")}
    assert {"ayung": 1} == {"ayung": _distance("ayung", "apung")}
    assert SMALL.mend("ayung") is None


def test_mend_prefers_the_word_itself() -> None:
    """A word of the list is taken as it is, whatever stands near it."""
    crowded = Wordlist("id", ("apung", "ayung", "payung"))

    assert "ayung" == crowded.mend("ayung")


def test_mend_is_quick_with_a_very_long_word() -> None:
    """What is longer than any slip allows is refused before any work."""
    assert load_wordlist("id").mend("a" * 1_000_000) is None


@given(words)
def test_mend_keeps_every_word(entry: tuple[Wordlist, str]) -> None:
    """A word that was typed correctly is never changed."""
    wordlist, word = entry

    assert word in wordlist
    assert word == wordlist.mend(word)


@given(slips())
def test_mend_never_takes_a_slip_for_another_word(
    slip: tuple[Wordlist, str, str],
) -> None:
    """One slip leads back to the word that was meant, or nowhere."""
    wordlist, word, slipped = slip

    assert slipped not in wordlist
    assert wordlist.mend(slipped) in {word, None}


@given(slips())
def test_mend_finds_the_only_word_near(slip: tuple[Wordlist, str, str]) -> None:
    """Mending fails only where a second word explains the slip as well."""
    wordlist, word, slipped = slip

    by_rest = _words_by_rest(wordlist.language)
    near = {
        other
        for rest in _with_at_most_one_letter_left_out(slipped)
        for other in by_rest.get(rest, ())
        if 1 >= _distance(slipped, other)
    }

    assert word in near
    assert (word if near == {word} else None) == wordlist.mend(slipped)


@given(st.sampled_from(LANGUAGES), st.text(max_size=12))
def test_mend_takes_any_text(language: str, untrusted_word: str) -> None:
    """Any text is either mended to a word at most one slip away, or refused."""
    mended = load_wordlist(language).mend(untrusted_word)

    assert mended is None or 1 >= _distance(untrusted_word, mended)


def test_load_wordlist_reads_a_list_once() -> None:
    """Asking again costs nothing."""
    assert load_wordlist("id") is load_wordlist("id")


@pytest.mark.parametrize("language", ["", "fr", "ID", "../words/id", "README"])
def test_load_wordlist_refuses_other_languages(language: str) -> None:
    """Only the languages that have a list can be asked for."""
    with pytest.raises(ValueError, match="no word list for"):
        load_wordlist(language)


def test_repr_does_not_spill_the_words() -> None:
    """A traceback that shows a list stays readable."""
    assert "Wordlist(language='id')" == repr(load_wordlist("id"))


def _with_at_most_one_letter_left_out(word: str) -> Iterator[str]:
    yield word
    for place in range(len(word)):
        yield word[:place] + word[place + 1 :]


@cache
def _words_by_rest(language: str) -> dict[str, set[str]]:
    """
    Group the words of a list by what is left when a letter is left out.

    Two words are one slip apart only if leaving out at most one letter of each can
    make them the same, so only words of one group need be compared.
    """
    groups: dict[str, set[str]] = {}
    for word in load_wordlist(language).words:
        for rest in _with_at_most_one_letter_left_out(word):
            groups.setdefault(rest, set()).add(word)
    return groups


def _distance(one: str, other: str) -> int:
    """
    Count the slips between two texts (optimal string alignment distance).

    Written from the definition, unlike `Wordlist.mend`, so that the two check
    each other.
    """
    rows = [list(range(len(other) + 1))]
    for i in range(1, len(one) + 1):
        rows.append([i])
        for j in range(1, len(other) + 1):
            cost = min(
                rows[i - 1][j] + 1,
                rows[i][j - 1] + 1,
                rows[i - 1][j - 1] + (one[i - 1] != other[j - 1]),
            )
            if i > 1 and j > 1 and one[i - 2 : i] == other[j - 1] + other[j - 2]:
                cost = min(cost, rows[i - 2][j - 2] + 1)
            rows[i].append(cost)
    return rows[-1][-1]
