"""
Does a table of rows look like noise?

The judge who is asked here knows how replies are sealed, and looks where a bare
HPKE message with X-Wing would give itself away (docs/adr/0002): at the numbers
in its ML-KEM ciphertext and at the X25519 share behind them.  What the judge says
of real noise is wrong less than once in a thousand million runs for 64 rows.
"""

import math
import zlib
from collections import Counter
from collections.abc import Sequence

MLKEM_CIPHERTEXT_BYTES = 1088
_Q = 3329  # ML-KEM's modulus, FIPS 203
_U_BYTES, _U_BITS = 960, 10  # FIPS 203, table 2: k = 3, d_u = 10
_V_BITS = 4  # d_v = 4
_P = 2**255 - 19  # Curve25519, RFC 7748
_A = 486662
_BLOCK_BYTES = 16


def signs_of_life(rows: Sequence[bytes], *, share_at: int = 0) -> list[str]:
    """
    Say what tells these rows from noise, or nothing.

    Args:
        rows: At least 64, all of the same size.

        share_at: Where an HPKE message would begin.
    """
    found = []
    if fixed_bits(rows):
        found.append("bits that never change")
    if not 64 < byte_spread(rows) < 512:
        found.append("bytes are not evenly spread")
    blocks = [
        row[place : place + _BLOCK_BYTES]
        for row in rows
        for place in range(0, len(row), _BLOCK_BYTES)
    ]
    if len(set(blocks)) != len(blocks):
        found.append("a block comes back")
    if any(len(zlib.compress(row)) < len(row) for row in rows):
        found.append("a row can be compressed")
    evidence = [mlkem_evidence_bits(row[share_at:]) for row in rows]
    if sum(evidence) > 0:
        found.append("ML-KEM ciphertexts")
    x25519_at = share_at + MLKEM_CIPHERTEXT_BYTES
    if all(is_on_curve(row[x25519_at : x25519_at + 32]) for row in rows):
        found.append("X25519 shares")
    return found


def fixed_bits(rows: Sequence[bytes]) -> int:
    """Count the bits that are the same in every row."""
    always = never = (1 << (8 * len(rows[0]))) - 1
    for row in rows:
        number = int.from_bytes(row, "big")
        always &= number
        never &= ~number
    return (always | never).bit_count()


def byte_spread(rows: Sequence[bytes]) -> float:
    """Return chi-squared of the byte values: 255 on average, with sigma 23."""
    counts = Counter(b"".join(rows))
    expected = sum(counts.values()) / 256
    return sum((counts[value] - expected) ** 2 / expected for value in range(256))


def mlkem_evidence_bits(row: bytes) -> float:
    """
    Weigh a beginning: how much likelier is it under ML-KEM than under noise?

    Returns:
        The logarithm of the likelihood ratio in bits.
    """
    u = _numbers(row[:_U_BYTES], _U_BITS)
    v = _numbers(row[_U_BYTES:MLKEM_CIPHERTEXT_BYTES], _V_BITS)
    return sum(map(_U_WEIGHT.__getitem__, u)) + sum(map(_V_WEIGHT.__getitem__, v))


def expected_evidence_bits() -> tuple[float, float]:
    """Return what a ciphertext weighs on average, and what noise weighs."""
    real = noise = 0.0
    for bits, count in ((_U_BITS, 768), (_V_BITS, 256)):
        preimages = _preimages(bits)
        for value, weight in enumerate(_weights(bits)):
            real += count * weight * preimages[value] / _Q
            noise += count * weight / 2**bits
    return real, noise


def is_on_curve(share: bytes) -> bool:
    """Tell whether 32 bytes can be an X25519 share: half of all numbers cannot."""
    u = int.from_bytes(share, "little")
    # Euler's criterion: v^2 = u^3 + A u^2 + u has a solution.
    return u < _P and pow(u * (u * u + _A * u + 1), (_P - 1) // 2, _P) == 1


def _numbers(packed: bytes, bits: int) -> list[int]:
    whole, mask = int.from_bytes(packed, "little"), (1 << bits) - 1
    return [(whole >> place) & mask for place in range(0, 8 * len(packed), bits)]


def _preimages(bits: int) -> Counter[int]:
    # FIPS 203, equation 4.7: Compress rounds x * 2^d / q, ties cannot occur.
    return Counter((2 * x * 2**bits + _Q) // (2 * _Q) % 2**bits for x in range(_Q))


def _weights(bits: int) -> list[float]:
    preimages = _preimages(bits)
    return [math.log2(preimages[n] * 2**bits / _Q) for n in range(2**bits)]


_U_WEIGHT, _V_WEIGHT = _weights(_U_BITS), _weights(_V_BITS)
