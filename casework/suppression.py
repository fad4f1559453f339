"""
Suppression: which counts of a breakdown are not shown, so that nobody is singled out.

    12   3   0   25          total 40, which is published
     |   |   |    |
     *   *   0   25          3 is small; 12 is hidden, or 40 - 25 would tell it

A count of 1 to 4 is small.  It is hidden, and so are further counts, in the order in
which they are given, until those that are hidden are more together than small counts
could be.  Where that cannot be had, all of them are hidden, zeros included.

One sign stands for everything that is hidden.  With "<5" for some and another sign for
the others, 1 and 5 in a total of 6 could be told at once.  As it is, whoever knows the
total, all that is shown and this very rule still finds four values possible for every
hidden count, at least: tests/casework/test_suppression.py tries them all.

A minimum frequency rule with secondary suppression: Hundepool et al., Statistical
Disclosure Control (Wiley, 2012) and the ESSNet handbook, chapters 4 and 5.  Specified
in docs/spec/statistics.md.
"""

from collections.abc import Sequence

# Counts below this one are small.  The handbook's chapter 5 has 3 to 10 in use; with
# 5, colleagues of whom two have reported do not find each other in the figures.
SMALLEST_SHOWN = 5


def is_small(count: int) -> bool:
    """Tell whether a count says too much about those who are in it."""
    return 0 < count < SMALLEST_SHOWN


def hidden(counts: Sequence[int]) -> frozenset[int]:
    """
    Say which counts of one breakdown must not be shown.

    Args:
        counts: In a fixed order that does not depend on them.  Their total must be
            shown by itself only when it is not small.

    Returns:
        Their positions.
    """
    found = {position for position, count in enumerate(counts) if is_small(count)}
    if not found:
        return frozenset()
    others = [
        position for position, count in enumerate(counts) if count >= SMALLEST_SHOWN
    ]
    largest_small = SMALLEST_SHOWN - 1
    while (
        len(found) < 2
        or sum(counts[position] for position in found) <= len(found) * largest_small
    ):
        if not others:
            return frozenset(range(len(counts)))
        found.add(others.pop(0))
    return frozenset(found)
