"""Names of attached files."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from casework.files import is_member_name, sanitise_file_name, shown_name
from casework.text import clean_line
from crypto.container import NAME_BYTES, check_name

ANY_TEXT = st.text(alphabet=st.characters(codec=None, exclude_categories=()))
AWKWARD_TEXT = st.text(alphabet=" ./\\-:aé\u0301\u202e\x00😀🫨", max_size=150)


@pytest.mark.parametrize(
    ("untrusted_name", "expected"),
    [
        ("Foto bukti.pdf", "files/001-Foto bukti.pdf"),
        (r"C:\Users\x\Foto  bukti.PDF", "files/001-Foto bukti.PDF"),
        ("../../etc/passwd", "files/001-passwd"),
        ("..", "files/001-berkas"),
        ("", "files/001-berkas"),
        ("folder/", "files/001-berkas"),
        ("-rf", "files/001-rf"),
        (".bashrc", "files/001-bashrc"),
        ("laporan.pdf. ", "files/001-laporan.pdf"),
        ("foto\u202egpj.exe", "files/001-fotogpj.exe"),
        ("nul\x00.pdf\r\n", "files/001-nul.pdf"),
        ("a:b|c?.txt", "files/001-a_b_c_.txt"),
        ("e\u0301.txt", "files/001-é.txt"),
        ("\ud800.txt", "files/001-txt"),
        ("arsip . .tar", "files/001-arsip.tar"),
        # A character younger than Unicode 3.2 is one that a desk may not know.
        ("wajah\U0001fae8.png", "files/001-wajah.png"),
        ("é" * 200 + ".jpeg", "files/001-" + "é" * 42 + ".jpeg"),
        ("x" * 50 + "." + "y" * 50, "files/001-" + "x" * 50 + "." + "y" * 39),
    ],
)
def test_names(untrusted_name: str, expected: str) -> None:
    """
    A name keeps what is safe in it, and its extension, and loses the rest.
    """
    assert expected == sanitise_file_name(untrusted_name, 1)


@given(ANY_TEXT | AWKWARD_TEXT, st.integers(1, 999))
@example("a ." + "b" * 95, 1)
def test_every_name_becomes_a_member_name(untrusted_name: str, number: int) -> None:
    """
    Any text becomes a name that the container takes and the reader knows.
    """
    name = sanitise_file_name(untrusted_name, number)

    check_name(name)
    assert len(name.encode()) <= NAME_BYTES
    assert name.startswith(f"files/{number:03}-")
    assert shown_name(name) == clean_line(shown_name(name))
    assert is_member_name(name, number)


@pytest.mark.parametrize("number", [-1, 0, 1000])
def test_numbers_have_three_digits(number: int) -> None:
    """
    A number that would not fit its three digits is refused.
    """
    with pytest.raises(ValueError, match="from 1 to 999"):
        sanitise_file_name("a", number)


@pytest.mark.parametrize(
    "name",
    [
        "files/002-a",
        "files/1-a",
        "files/001-",
        "files/001-.a",
        "files/001-a ",
        "files/001-a\n",
        "files/001-e\u0301",
        "file/001-a",
        "001-a",
    ],
)
def test_other_names_are_not_ours(name: str) -> None:
    """
    A name that sanitising would have changed was not made by us.
    """
    assert not is_member_name(name, 1)
