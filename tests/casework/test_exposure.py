"""Places of a text that could tell who wrote it."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from casework.exposure import ExposureKind, excerpt, find_exposures

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors/exposure.json").read_text(encoding="utf-8")
)
WORDS = ["uang", "desa", "dipotong", "Maret", "ketua", "karung", "Rp400.000"]
ordinary = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)
# Letters that the search looks at, in any order.
nasty = st.text("0123456789 .,-+()@:/\nsayhnuIctm", max_size=300)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["text"][:40])
def test_vectors(vector: dict[str, object]) -> None:
    """
    Telling places are found where they are, and ordinary sentences are left alone.
    """
    text = str(vector["text"])

    found = [[one.kind, text[one.start : one.end]] for one in find_exposures(text)]

    assert vector["found"] == found


def test_vectors_are_many_of_both() -> None:
    """
    At least 25 ordinary sentences stand against 40 that tell something.
    """
    telling = sum(bool(vector["found"]) for vector in VECTORS)

    assert telling >= 40
    assert len(VECTORS) - telling >= 25
    kinds = {kind for vector in VECTORS for kind, _place in vector["found"]}
    assert set(ExposureKind) == kinds


@given(st.text() | nasty)
@example("Saya bekerja" + " sangat" * 40)
@example("\N{ZERO WIDTH SPACE}@a.com")
def test_any_text_is_searched(text: str) -> None:
    """
    Whatever the text, places are in order, inside it, not empty, none overlapping.
    """
    found = find_exposures(text)

    done = 0
    for one in found:
        assert done <= one.start < one.end <= len(text)
        done = one.end
        before, place, after = excerpt(text, one)
        assert place
        assert "\n" not in before + place + after


@given(ordinary, st.integers(10**15, 10**16 - 1), ordinary)
def test_national_number_is_always_found(before: str, number: int, after: str) -> None:
    """
    Sixteen digits are found between any ordinary words.
    """
    text = f"{before} {number} {after}"

    places = {(one.kind, text[one.start : one.end]) for one in find_exposures(text)}

    assert (ExposureKind.NATIONAL_ID, str(number)) in places


@given(ordinary, st.from_regex(r"[a-z]{3,10}\.[a-z]{3,10}", fullmatch=True), ordinary)
def test_address_is_always_found(before: str, name: str, after: str) -> None:
    """
    An e-mail address is found between any ordinary words.
    """
    text = f"{before} {name}@example.com {after}"

    places = {(one.kind, text[one.start : one.end]) for one in find_exposures(text)}

    assert (ExposureKind.EMAIL, f"{name}@example.com") in places


@pytest.mark.parametrize(
    "piece",
    ["0", "0812345678 ", "saya ", "hanya saya ", "a@", "a.", "http://", "(0", " ",
     "sebagai ", "//a.b/", "I am the only ", "a@b.com ", "(", "+62"],
)  # fmt: skip  # One piece after the other would fill a screen.
def test_hostile_text_costs_little(piece: str) -> None:
    """
    Twenty thousand characters made to be slow take no longer than a few pages do.
    """
    text = (piece * 20_000)[:20_000]
    began = time.process_time()

    find_exposures(text)

    # Fifty times what is usual: the text that was slow once took three minutes.
    assert time.process_time() - began < 10


def test_excerpt_cuts_no_word() -> None:
    """
    What stands around a place is cut between words, and the cut is shown.
    """
    text = (
        "Sejak awal tahun lalu uang dikirim ke uji@example.com setiap minggu sekali "
        "selama setahun"
    )
    (one,) = find_exposures(text)

    assert (
        "\N{HORIZONTAL ELLIPSIS}lalu uang dikirim ke ",
        "uji@example.com",
        " setiap minggu sekali\N{HORIZONTAL ELLIPSIS}",
    ) == excerpt(text, one, context=26)
