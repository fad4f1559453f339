import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.casework_samples import Vector, vectors

from casework.enrolment import ENROLMENT_BYTES, Enrolment, MalformedEnrolment

VECTORS = vectors("enrolment.json")
ENROLMENT = Enrolment(
    name="Petugas Uji", desk_id="00" * 16, certificate="-----BEGIN\nabc\n-----END\n"
)


def test_what_is_written_is_read() -> None:
    """An enrolment comes back as it was."""
    assert ENROLMENT == Enrolment.parse(ENROLMENT.to_json())


@pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda v: v["name"])
def test_good_vectors(vector: Vector) -> None:
    """What the specification allows is read, and written with the same meaning."""
    enrolment = Enrolment.parse(vector["text"].encode())
    assert json.loads(vector["text"]) == json.loads(enrolment.to_json())


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=lambda v: v["name"])
def test_bad_vectors(vector: Vector) -> None:
    """What the specification does not allow is refused."""
    with pytest.raises(MalformedEnrolment):
        Enrolment.parse(vector["text"].encode())


def test_a_certified_key_replaces_the_bare_one() -> None:
    """Only the key changes, and it must be text that can be written."""
    certified = ENROLMENT.certified(b"-----BEGIN\ncertified\n-----END\n")
    assert (ENROLMENT.name, ENROLMENT.desk_id) == (certified.name, certified.desk_id)
    assert "certified" in certified.certificate
    with pytest.raises(MalformedEnrolment):
        ENROLMENT.certified(b"\x99\x01\x02")


def test_the_key_is_not_shown() -> None:
    """A certificate is public, but would flood every message it is in."""
    assert "BEGIN" not in repr(ENROLMENT)


def test_too_large_a_file_is_refused() -> None:
    """Nobody has to be believed beyond the limit."""
    with pytest.raises(MalformedEnrolment, match="larger"):
        Enrolment.parse(ENROLMENT.to_json() + b" " * ENROLMENT_BYTES)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_junk_is_refused(content: bytes) -> None:
    """No input makes the parser fail in another way."""
    with pytest.raises(MalformedEnrolment):
        Enrolment.parse(content)
