"""Cleaning text."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from casework.text import clean_line, clean_text

# Surrogates included: a web framework may hand them on.
ANY_TEXT = st.text(alphabet=st.characters(codec=None, exclude_categories=()))


def test_newlines_become_one_kind() -> None:
    """
    Every newline that a browser or a word processor writes becomes a line feed.
    """
    assert "a\nb\nc\nd\ne" == clean_text("a\r\nb\rc\u2028d\x85e")


def test_controls_are_removed_and_tabs_kept() -> None:
    """
    NUL, escape sequences, C1 controls and lone surrogates go; a tab is text.
    """
    assert "a\tb[31mc" == clean_text("a\tb\x00\x1b[31m\x9bc\ud800")


def test_direction_overrides_are_removed() -> None:
    """
    No text can be made to read other than it is stored.
    """
    assert "fotogpj.exe" == clean_text("foto\u202egpj.exe\u2066")


def test_other_scripts_survive() -> None:
    """
    Letters, joined emoji and combining marks of any script stay as they are.
    """
    text = "ꦧꦶꦱꦶꦏ් 👩‍⚖️ é e\u0301 عربي"

    assert text == clean_text(text)


def test_a_line_has_single_spaces() -> None:
    """
    A line is one line, whatever white space was typed.
    """
    line = clean_line(" Suap  di\nDinas\tX, Mei\r\n2026 ")

    assert "Suap di Dinas X, Mei 2026" == line


@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing_more(untrusted_text: str) -> None:
    """
    Clean text is clean: what a form stores is what a format accepts.
    """
    cleaned = clean_text(untrusted_text)

    assert cleaned == clean_text(cleaned)
    assert clean_line(cleaned) == clean_line(clean_line(cleaned))


@given(ANY_TEXT)
def test_no_control_survives(untrusted_text: str) -> None:
    """
    Behind cleaning there is no control character but newline and tab.
    """
    kept = set(clean_text(untrusted_text)) - {"\n", "\t"}

    assert not {c for c in kept if unicodedata.category(c) in ("Cc", "Cs")}
