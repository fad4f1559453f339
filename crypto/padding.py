"""
Padding: which sizes the world may see.

    64 KiB ... 16 MiB    the next power of two       (9 sizes)
    above 16 MiB         the Padmé size              (at most 3.2 % more)

A report of text and a report with one small photograph look alike, because a
text-only report is by far the commonest and the smallest class is wide enough
for both.  Powers of two would waste too much above 16 MiB, so large items take
the Padmé size instead.

Padmé is from "Reducing Metadata Leakage from Encrypted Files and Communication
with PURBs", Nikitin, Barman, Lueks, Underwood, Hubaux, Ford, PETS 2019,
section 4.  Specified for Bisik in docs/spec/item.md.
"""

SMALLEST_ITEM_BYTES = 64 * 1024
LARGEST_POWER_OF_TWO_BYTES = 16 * 1024 * 1024

_ZEROS = bytes(64 * 1024)


def padme(size_bytes: int) -> int:
    """
    Round *size_bytes* up so that only O(log log size) bits of it remain visible.

    Args:
        size_bytes: Any size from 0 up.

    Raises:
        ValueError: If *size_bytes* is negative.

    Returns:
        The smallest size, not below *size_bytes*, whose binary form has no more
        significant bits than its exponent needs: at most 11.7 % larger.
    """
    if size_bytes < 0:
        raise ValueError("a size cannot be negative")
    if size_bytes < 2:
        return size_bytes
    exponent = size_bytes.bit_length() - 1
    exponent_bits = exponent.bit_length()
    # PURBs, algorithm 1: the last (exponent - exponent_bits) bits become zero.
    mask = (1 << (exponent - exponent_bits)) - 1
    return (size_bytes + mask) & ~mask


def item_size(size_bytes: int) -> int:
    """
    Say how large the plaintext of a sealed item must become.

    Args:
        size_bytes: Size of the archive before padding.

    Returns:
        A power of two from 64 KiB to 16 MiB; above that, the Padmé size.  Always
        a multiple of 512, so that it is whole tar blocks.
    """
    if size_bytes <= SMALLEST_ITEM_BYTES:
        return SMALLEST_ITEM_BYTES
    if size_bytes <= LARGEST_POWER_OF_TWO_BYTES:
        # (n - 1).bit_length() is the exponent of the next power of two.
        return 1 << (size_bytes - 1).bit_length()
    return padme(size_bytes)


def solid_size(content: bytes) -> int:
    """
    Say how many bytes are left of *content* without the zeros at its end.

    `bytes.rstrip` asks about one byte after the other, which takes longer than to
    decrypt them.  Here ever shorter runs of zeros are compared at once.
    """
    size = len(content)
    run = min(size, len(_ZEROS))
    while run:
        if content.endswith(_ZEROS[:run], 0, size):
            size -= run
        else:
            run //= 2
    return size
