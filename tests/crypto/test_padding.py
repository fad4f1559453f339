"""Padding: how few sizes there are, and what they cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.padding import (
    LARGEST_POWER_OF_TWO_BYTES,
    SMALLEST_ITEM_BYTES,
    item_size,
    padme,
    solid_size,
)

KIB, MIB = 1024, 1024 * 1024


@pytest.mark.parametrize(
    ("size", "padded"),
    [
        (0, 0),
        (1, 1),
        (8, 8),
        (9, 10),  # Exponent 3, two bits long: the last 3 - 2 bits become zero.
        (129, 144),  # The dearest of all: 11.6 %.
        (1000, 1024),
        (65_537, 67_584),
        (16 * MIB + 1, 16 * MIB + 512 * KIB),
        (200 * MIB, 200 * MIB),
        (200 * MIB + 1, 204 * MIB),
    ],
)
def test_padme(size: int, padded: int) -> None:
    """
    Sizes worked out by hand from algorithm 1 of the paper.
    """
    assert padded == padme(size)


@pytest.mark.parametrize(
    ("size", "padded"),
    [
        (0, 64 * KIB),
        (1, 64 * KIB),
        (64 * KIB, 64 * KIB),
        (64 * KIB + 1, 128 * KIB),
        (128 * KIB, 128 * KIB),
        (5 * MIB, 8 * MIB),
        (16 * MIB, 16 * MIB),
        (16 * MIB + 1, 16 * MIB + 512 * KIB),
        (213_909_504, 213_909_504),
    ],
)
def test_item_size(size: int, padded: int) -> None:
    """
    Both sides of every border.
    """
    assert padded == item_size(size)


def test_few_sizes_below_the_border() -> None:
    """
    Everything up to 16 MiB has one of nine sizes.
    """
    sizes = {item_size(size) for size in range(0, 16 * MIB + 1, 512)}

    assert {64 * KIB << doubling for doubling in range(9)} == sizes


def test_dearest_padding() -> None:
    """
    Padmé never adds more than 11.7 %.
    """
    added = max((padme(size) - size) / size for size in range(1, 1 << 16))

    assert 15 / 129 == added < 0.117


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 40))
def test_larger_never_looks_smaller(one: int, other: int) -> None:
    """
    Padding adds and never cuts, keeps the order, and adds nothing twice.
    """
    small, large = sorted((one, other))
    for pad in (padme, item_size):
        assert small <= pad(small) <= pad(large)
        assert pad(large) == pad(pad(large))


@given(st.integers(0, 1 << 40))
def test_items_are_whole_blocks(size: int) -> None:
    """
    An item's size is whole tar blocks, and above 16 MiB at most 3.2 % more.
    """
    padded = item_size(size)

    assert 0 == padded % 512
    assert SMALLEST_ITEM_BYTES <= padded
    if size > LARGEST_POWER_OF_TWO_BYTES:
        assert padded <= size * 1.032


def test_negative_size() -> None:
    """
    There is no such size.
    """
    with pytest.raises(ValueError, match="negative"):
        padme(-1)


@given(
    solid=st.binary(max_size=300),
    zeros=st.integers(min_value=0, max_value=5 * 64 * KIB),
)
def test_solid_size(solid: bytes, zeros: int) -> None:
    """The zeros at the end are counted off, those before anything else are not."""
    content = solid + bytes(zeros)
    assert len(content.rstrip(b"\0")) == solid_size(content)
