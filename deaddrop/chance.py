"""
Chance: uniform numbers and orders from a source of random bytes.

The source is passed in (`os.urandom` in service, a seeded one in tests), so that
nothing in this package is random behind its caller's back.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

Entropy = Callable[[int], bytes]
"""Gives as many random bytes as asked for, as `os.urandom` does."""

_T = TypeVar("_T")


class Chance:
    """Draws from *entropy* without bias."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def bytes(self, size: int) -> bytes:
        """Return *size* random bytes."""
        drawn = self._entropy(size)
        if len(drawn) != size:
            raise ValueError("the source of entropy ran short")
        return drawn

    def below(self, bound: int) -> int:
        """Return a number from 0 to *bound* - 1, each as likely as the others."""
        if bound < 1:
            raise ValueError("the bound must be at least 1")
        bits = (bound - 1).bit_length()
        while True:
            drawn = int.from_bytes(self.bytes((bits + 7) // 8), "big")
            drawn >>= -bits % 8
            # Numbers beyond the bound are drawn again; folding them back with a
            # remainder would favour the small ones.
            if drawn < bound:
                return drawn

    def shuffled(self, items: Iterable[_T]) -> list[_T]:
        """Return *items* in a random order (Fisher and Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order
