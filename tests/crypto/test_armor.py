"""Armor that other programs read, whatever the length."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.admission import read_key_file
from crypto.armor import COLUMNS, MESSAGE, PUBLIC_KEY_BLOCK, armored_lines


def literal(text: bytes) -> bytes:
    """Return a message that is neither sealed nor signed (RFC 9580, section 5.9)."""
    body = b"b\0" + bytes(4) + text
    assert len(body) < 192
    return b"\xcb" + bytes([len(body)]) + body


@pytest.mark.parametrize("length", [30, 31, 32])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_gpg_reads_every_length(tmp_path: Path, length: int, end: str) -> None:
    """
    Whether the base64 ends with one "=", with two, or with none.
    """
    text = b"x" * length
    done = subprocess.run(
        ["gpg", "--homedir", tmp_path, "--batch", "--decrypt"],
        input=end.join([*armored_lines(literal(text), kind=MESSAGE), ""]).encode(),
        capture_output=True,
        check=False,
    )

    assert (0, text) == (done.returncode, done.stdout), done.stderr


@pytest.mark.parametrize(
    ("content", "checksum"), [(b"", "=twTO"), (b"123456789", "=Ic8C")]
)
def test_the_checksum_is_that_of_the_standard(content: bytes, checksum: str) -> None:
    """
    The start value for nothing at all, and 21CF02, the published check value of
    CRC-24/OPENPGP.
    """
    assert checksum == armored_lines(content, kind=MESSAGE)[-2]


@given(st.binary(max_size=400))
def test_no_line_is_long_and_nothing_is_lost(content: bytes) -> None:
    """
    Lines have 64 letters at most; what a key's armor holds is read back as it was.
    """
    # A packet of user id, after one that begins a public key.
    key = b"\xc6\x01\x04" + b"\xcd\xff" + len(content).to_bytes(4, "big") + content
    lines = armored_lines(key, kind=PUBLIC_KEY_BLOCK)

    assert all(len(line) <= COLUMNS for line in lines[1:-1])
    assert key == read_key_file("\n".join(lines).encode())
