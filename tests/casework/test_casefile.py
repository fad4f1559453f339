"""Case files: what of a case leaves, so that anybody can check it."""

import hashlib
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.casework_samples import DAY, Vector, archive, content_of, named, vectors

from casework.casefile import (
    BAR,
    CASE_FILE_LIMITS,
    DOCUMENT,
    CaseFileAltered,
    CaseFileHeading,
    CaseFileManifest,
    CaseFileWriter,
    CheckedCaseFile,
    CopiedAttachment,
    Copy,
    MalformedCaseFile,
    Original,
    check_case_file,
    cover,
)
from crypto.container import ContainerLimits

REFUSALS = {"malformed": MalformedCaseFile, "altered": CaseFileAltered}
CERTIFICATE = b"-----certificate-----\n"
ORIGINAL = Original(
    original_name="Bukti.pdf", original_bytes=5, original_sha256="aa" * 32
)
FULL = CaseFileHeading(
    case="lusab-babad",
    day=DAY,
    recipient="Auditor",
    form="full",
    language="en",
    fingerprint="AB" * 20,
)


class BadSignature(Exception):
    """The stand-in for what a real verifier raises."""


def sign(content: bytes) -> bytes:
    """Sign as the vectors do: this is a stand-in for OpenPGP."""
    return b"signed:" + hashlib.sha256(content).hexdigest().encode()


def verify(
    _manifest: CaseFileManifest, content: bytes, signature: bytes, certificate: bytes
) -> str:
    """Verify what `sign` made."""
    if signature != sign(content):
        raise BadSignature
    # Not UTF-8: whatever byte is changed, it is for `check` to notice.
    return certificate.decode("latin-1")


def check(content: bytes) -> CheckedCaseFile[str]:
    """Check a case file."""
    return check_case_file(io.BytesIO(content), verify)


def copy_of(number: int, pdf: bytes) -> Copy:
    """Make the copy of an attachment."""
    return Copy(
        CopiedAttachment(number=number, pages=1, complete=True, original=ORIGINAL), pdf
    )


def written(*copies: Copy) -> bytes:
    """Write a case file in full."""
    stream = io.BytesIO()
    writer = CaseFileWriter(stream.write, FULL)
    for copy in copies:
        writer.add_copy(copy)
    writer.finish(b"%PDF-case", CERTIFICATE, sign=sign)
    return stream.getvalue()


CONTENT = written(copy_of(1, b"satu" * 500), copy_of(3, b"tiga" * 500))


@pytest.mark.parametrize("vector", vectors("case-file.json")["good"], ids=named)
def test_good_vectors(vector: Vector) -> None:
    """
    Every good case file of the vectors is read, and written again byte for byte.
    """
    contents = {one["name"]: content_of(one) for one in vector["members"]}
    manifest = check(archive(vector["members"])).manifest
    stream = io.BytesIO()
    fields = manifest.model_dump(exclude={"members", "attachments"})
    writer = CaseFileWriter(stream.write, CaseFileHeading(**fields))
    for one in manifest.attachments:
        writer.add_copy(Copy(one, contents[f"files/{one.number:03}.pdf"]))
    again = writer.finish(contents[DOCUMENT], contents["officer.asc"], sign=sign)

    assert manifest == again
    assert vector["size_bytes"] == len(stream.getvalue())
    assert vector["sha256"] == hashlib.sha256(stream.getvalue()).hexdigest()


@pytest.mark.parametrize("vector", vectors("case-file.json")["bad"], ids=named)
def test_bad_vectors(vector: Vector) -> None:
    """
    Every bad case file of the vectors is refused, its signature notwithstanding, and
    what was altered is named.
    """
    content = archive(vector["members"])

    with pytest.raises(REFUSALS[vector["error"]]) as refusal:
        check(content)
    assert vector["says"] in str(refusal.value)


def test_a_changed_manifest_is_not_what_was_signed() -> None:
    """
    Another recipient in the manifest is noticed by the signature.
    """
    changed = CONTENT.replace(b'"recipient": "Auditor"', b'"recipient": "auditor"')

    with pytest.raises(BadSignature):
        check(changed)


def test_the_signature_is_judged_before_what_was_altered() -> None:
    """
    Nothing is said about members by a manifest that nobody signed.
    """
    changed = CONTENT.replace(b"signed:", b"forged:").replace(b"satu", b"SATU")

    with pytest.raises(BadSignature):
        check(changed)


@given(st.data())
def test_one_changed_byte_is_always_noticed(data: st.DataObject) -> None:
    """
    Wherever a byte changes, the file is refused; but for the dates and owners in the
    headers of tar, of which nothing is ever read.
    """
    place = data.draw(st.integers(0, len(CONTENT) - 1))
    changed = bytearray(CONTENT)
    changed[place] ^= data.draw(st.integers(1, 255))

    try:
        checked = check(bytes(changed))
    except (MalformedCaseFile, CaseFileAltered, BadSignature):
        return
    assert check(CONTENT) == checked


@given(st.integers(0, len(CONTENT) - 1))
def test_a_cut_file_is_refused(size: int) -> None:
    """
    No part of a case file passes for the whole.
    """
    # Zeros at the end may be fewer: tar's own end is one block of them.
    whole = len(CONTENT.rstrip(b"\0")) + 1024

    try:
        check(CONTENT[:size])
    except MalformedCaseFile:
        return
    assert size >= whole - 512


@given(st.binary(max_size=2_000))
@example(b"")
def test_any_bytes_are_refused(content: bytes) -> None:
    """
    Nothing but `MalformedCaseFile` is raised for what is no case file.
    """
    with pytest.raises(MalformedCaseFile):
        check(content)


def test_there_is_a_limit_to_what_is_read() -> None:
    """
    An archive that never ends is given up.
    """
    few = ContainerLimits(entries=100, entry_bytes=1000, total_bytes=10_000)

    with pytest.raises(MalformedCaseFile):
        check_case_file(io.BytesIO(CONTENT), verify, limits=few)
    assert CASE_FILE_LIMITS.entries > 999


def test_an_endless_manifest_is_not_kept() -> None:
    """
    A member that is kept in memory is refused for its size before it is read.
    """
    members = [{"name": "manifest.json", "text": "x" * 1024, "times": 2049}]

    with pytest.raises(MalformedCaseFile, match=r"manifest\.json is larger"):
        check(archive(members))


def test_names_of_attachments_are_in_no_repr() -> None:
    """
    A log that shows a manifest shows neither recipient nor names.
    """
    shown = repr(check(CONTENT))

    assert "Bukti" not in shown
    assert "Auditor" not in shown


@pytest.mark.parametrize(
    ("text", "spans", "covered"),
    [
        ("Saya Budi Santoso.", [(5, 17)], f"Saya {BAR}."),
        ("Saya Budi Santoso.", [(5, 9), (10, 17)], f"Saya {BAR}."),
        ("Ani dan Budi", [(8, 12), (0, 3)], f"{BAR} dan {BAR}"),
        ("Budi", [(0, 2), (1, 4)], BAR),
        ("Budi", [(0, 400)], BAR),
        ("Budi", [(4, 9), (2, 2)], "Budi"),
        ("a\n\nb", [(0, 1), (3, 4)], BAR),
    ],
)
def test_a_bar_tells_no_length(
    text: str, spans: list[tuple[int, int]], covered: str
) -> None:
    """
    A short name and a long one look alike, and so do one word and three.
    """
    assert covered == cover(text, spans)


@given(
    st.text(st.characters(categories=["L"]), max_size=60),
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=6),
)
def test_what_is_covered_is_gone(text: str, spans: list[tuple[int, int]]) -> None:
    """
    Letters outside of all passages stay in their order, and no others.
    """
    black = {place for begin, end in spans for place in range(begin, end)}
    left = "".join(one for place, one in enumerate(text) if place not in black)

    assert left == cover(text, spans).replace(BAR, "")
