"""Keys: the same for the same codename and salt, for ever."""

import dataclasses
import hmac
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given
from hypothesis import strategies as st

from crypto.codename import Codename
from crypto.keys import (
    CHEAPEST,
    RFC_9106_LOW_MEMORY,
    ReporterKeys,
    RootKey,
    Stretcher,
    StretchingCost,
    expand,
)

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "keys.json").read_text()
)
SALT = bytes(range(16))
CODENAME = Codename("samudra pelita gamelan ungu jembatan kaldu lempar")
LABELS = {
    "state_key": ("bisik/v1/state", 32),
    "mailbox_key": ("bisik/v1/mailbox", 32),
    "reply_seed": ("bisik/v1/reply", 32),
    "case_id": ("bisik/v1/case", 16),
    "receipt_key": ("bisik/v1/receipt", 32),
}

# A process of its own, so that nothing else counts.  Linux keeps the highest
# resident size of a process in VmHWM.
CROWD = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from crypto.codename import Codename
from crypto.keys import StretchingCost, Stretcher

def highest_kib():
    with open("/proc/self/status") as status:
        return next(int(s.split()[1]) for s in status if s.startswith("VmHWM"))

threads = 8
stretcher = Stretcher(
    bytes(16),
    cost=StretchingCost(memory_kib=64 * 1024, passes=1),
    at_once=int(sys.argv[1]),
)
together = threading.Barrier(threads)

def arrive(number):
    together.wait()
    return stretcher.stretch(Codename("ungu " * number))

before = highest_kib()
with ThreadPoolExecutor(threads) as crowd:
    roots = set(crowd.map(arrive, range(threads)))
assert threads == len(roots)
print((highest_kib() - before) / (64 * 1024))
"""


def expand_by_hmac(key: bytes, label: str, length: int) -> bytes:
    """HKDF-Expand once more: RFC 5869, section 2.3."""
    output = block = b""
    while len(output) < length:
        count = len(output) // 32 + 1
        block = hmac.digest(key, block + label.encode() + bytes([count]), "sha256")
        output += block
    return output[:length]


def peak_of_a_crowd(at_once: int) -> float:
    """Let eight threads stretch; return the peak in derivations' memory."""
    finished = subprocess.run(
        [sys.executable, "-c", CROWD, str(at_once)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        timeout=120,  # A deadlock would wait for ever.
    )
    return float(finished.stdout)


@pytest.mark.parametrize("vector", VECTORS["keys"], ids=lambda v: v["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    """
    The reference implementation of Argon2 and HMAC gave the same keys.
    """
    cost = StretchingCost(vector["memory_kib"], vector["passes"])
    stretcher = Stretcher(bytes.fromhex(vector["salt"]), cost=cost)

    root = stretcher.stretch(Codename(vector["codename"]))
    keys = ReporterKeys.from_root(root)

    assert vector["root"] == root.hex()
    for name, (label, length) in LABELS.items():
        key = getattr(keys, name)
        assert vector[name] == key.hex()
        assert expand_by_hmac(root, label, length) == key


def test_real_cost_is_the_default() -> None:
    """
    Who says nothing about the cost gets that of RFC 9106, and no other.
    """
    vector = VECTORS["keys"][0]

    root = Stretcher(bytes.fromhex(vector["salt"])).stretch(vector["codename"])

    assert vector["root"] == root.hex()
    assert StretchingCost(memory_kib=65_536, passes=3) == RFC_9106_LOW_MEMORY


def test_argon2id_is_that_of_the_rfc() -> None:
    """
    The library gives the tag of RFC 9106, section 5.3.
    """
    vector = VECTORS["rfc9106"]

    tag = Argon2id(
        salt=bytes.fromhex(vector["salt"]),
        length=32,
        iterations=vector["passes"],
        lanes=vector["lanes"],
        memory_cost=vector["memory_kib"],
        ad=bytes.fromhex(vector["associated_data"]),
        secret=bytes.fromhex(vector["secret"]),
    ).derive(bytes.fromhex(vector["password"]))

    assert vector["tag"] == tag.hex()


def test_expand_is_that_of_the_rfc() -> None:
    """
    HMAC gives the output of RFC 5869, appendix A.1, and `expand` is the same.
    """
    vector = VECTORS["rfc5869"]
    key, label = bytes.fromhex(vector["prk"]), bytes.fromhex(vector["info"])

    first = hmac.digest(key, label + b"\1", "sha256")
    second = hmac.digest(key, first + label + b"\2", "sha256")

    assert bytes.fromhex(vector["okm"]) == (first + second)[:42]
    assert expand_by_hmac(key, "bisik", 42) == expand(key, "bisik", 42)


@given(st.binary(min_size=64, max_size=64))
def test_no_key_tells_another(root: bytes) -> None:
    """
    The five keys of a reporter have nothing in common.
    """
    keys = ReporterKeys.from_root(RootKey(root))

    beginnings = {getattr(keys, name)[:16] for name in LABELS}
    assert len(LABELS) == len(beginnings)


def test_keys_stay_out_of_repr() -> None:
    """
    A log line or a traceback that shows the keys shows none of them.
    """
    keys = ReporterKeys.from_root(RootKey(bytes(64)))

    assert "ReporterKeys()" == repr(keys)
    assert {field.name for field in dataclasses.fields(keys)} == set(LABELS)


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_salt_of_another_length(length: int) -> None:
    """
    Only 16 bytes are a salt.
    """
    with pytest.raises(ValueError, match="16 bytes"):
        Stretcher(bytes(length))


@pytest.mark.parametrize("length", [0, 63, 65])
def test_root_of_another_length(length: int) -> None:
    """
    Only 64 bytes are a root.
    """
    with pytest.raises(ValueError, match="64 bytes"):
        ReporterKeys.from_root(RootKey(bytes(length)))


@pytest.mark.parametrize("at_once", [0, -1])
def test_nobody_at_once(at_once: int) -> None:
    """
    A stretcher that would let everybody wait for ever is refused.
    """
    with pytest.raises(ValueError, match="at least one"):
        Stretcher(SALT, at_once=at_once)


def test_crowd_is_let_in_two_at_a_time() -> None:
    """
    Eight threads finish, and take the memory of at most two derivations.

    Without the limit they take more than four, which shows that the
    measurement would notice.
    """
    assert 4 < peak_of_a_crowd(at_once=8)
    assert 0.9 < peak_of_a_crowd(at_once=2) < 2.5


def test_threads_agree() -> None:
    """
    Derivations side by side do not disturb each other.
    """
    stretcher = Stretcher(SALT, cost=CHEAPEST, at_once=2)
    together = threading.Barrier(8)

    def arrive(_number: int) -> RootKey:
        together.wait(timeout=60)
        return stretcher.stretch(CODENAME)

    with ThreadPoolExecutor(8) as crowd:
        roots = list(crowd.map(arrive, range(8)))

    assert [VECTORS["keys"][3]["root"]] * 8 == [root.hex() for root in roots]


def test_place_is_given_back_after_a_failure() -> None:
    """
    A derivation that fails does not keep the others out.
    """
    stretcher = Stretcher(SALT, cost=CHEAPEST, at_once=1)

    with pytest.raises(UnicodeEncodeError):
        stretcher.stretch(Codename("\u00fcngu"))

    assert VECTORS["keys"][3]["root"] == stretcher.stretch(CODENAME).hex()
