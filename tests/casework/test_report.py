"""Reports."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from support.casework_samples import Vector, named, vectors

from casework.report import (
    FIELD_CHARACTERS,
    REPORT_BYTES,
    SEVEN_QUESTIONS,
    TITLE_CHARACTERS,
    MalformedReport,
    Report,
    completeness,
)
from casework.text import clean_line, clean_text

REPORT = Report(title="Suap, Dinas X, Mei 2026", what="Uang diminta.\nDua kali.")


def test_good_vectors() -> None:
    """
    Every good report of the vectors is read, and written again as it was.
    """
    for vector in vectors("report.json")["good"]:
        report = Report.parse(vector["text"].encode())

        assert vector["text"].encode() == report.to_json(), vector["name"]
        assert vector["answered"] == list(completeness(report).answered)


@pytest.mark.parametrize("vector", vectors("report.json")["bad"], ids=named)
def test_bad_vectors(vector: Vector) -> None:
    """
    Every bad report of the vectors is refused.
    """
    with pytest.raises(MalformedReport):
        Report.parse(vector["text"].encode())


def test_the_longest_report_can_be_read() -> None:
    """
    What the form allows fits the limit of the format, whatever its letters.
    """
    longest = "🏛" * FIELD_CHARACTERS
    report = Report.model_validate(
        {
            **dict.fromkeys(SEVEN_QUESTIONS, longest),
            "title": "🏛" * TITLE_CHARACTERS,
            "reported_elsewhere": longest,
            "risk": "\\" * FIELD_CHARACTERS,
        }
    )

    assert len(report.to_json()) < REPORT_BYTES
    assert report == Report.parse(report.to_json())


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""},
        {"what": ""},
        {"title": "dua\nbaris"},
        {"title": "x" * (TITLE_CHARACTERS + 1)},
        {"risk": "x" * (FIELD_CHARACTERS + 1)},
        {"risk": "nul \x00 di tengah"},
        {"risk": "baris\r\nbaris"},
        {"first_hand": "perhaps"},
        {"version": 2},
        {"colour": "red"},
    ],
)
def test_the_record_refuses(changes: dict[str, object]) -> None:
    """
    A report that could not be read at the desk cannot be made here.
    """
    with pytest.raises(ValidationError):
        Report.model_validate({"title": "a", "what": "b", **changes})


def test_a_report_does_not_show_itself() -> None:
    """
    Neither `repr` nor an error holds what a reporter wrote.
    """
    with pytest.raises(ValidationError) as refusal:
        Report(title="rahasia\n", what="rahasia")

    assert "rahasia" not in str(refusal.value)
    assert "Uang" not in repr(REPORT)


def test_completeness() -> None:
    """
    The seven questions are counted, in the order of the form.
    """
    report = Report(title="a", what="b", how_much="c", risk="d")

    assert ("what", "how_much") == completeness(report).answered
    assert ("where", "when", "who", "why", "how") == completeness(report).open


@given(
    st.builds(
        Report,
        title=st.text(max_size=50).map(clean_line).filter(bool),
        what=st.text(max_size=200).map(clean_text).filter(bool),
        risk=st.text(max_size=200).map(clean_text),
        first_hand=st.sampled_from(["first-hand", "hearsay", "unsure", ""]),
    )
)
def test_what_is_written_is_read(report: Report) -> None:
    """
    Every report comes back from its JSON as it was.
    """
    assert report == Report.parse(report.to_json())


@given(st.sampled_from([*json.loads(REPORT.to_json())]), st.binary(max_size=20))
def test_any_change_is_parsed_or_refused(field: str, junk: bytes) -> None:
    """
    No bytes in any place make the parser raise anything but its own error.
    """
    try:
        Report.parse(REPORT.to_json().replace(field.encode(), junk))
    except MalformedReport:
        pass
