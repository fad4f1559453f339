"""Suppression: what is hidden stays hidden, even from those who know how it is done."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.suppression import SMALLEST_SHOWN, hidden, is_small

Shown = tuple[int | None, ...]

# How far every total is tried for breakdowns of so many counts.
TRIED = {2: 60, 3: 40, 4: 28, 5: 22, 6: 16}


def shown(counts: Sequence[int]) -> Shown:
    """Return what is published of a breakdown."""
    unseen = hidden(counts)
    return tuple(
        None if place in unseen else count for place, count in enumerate(counts)
    )


def splits(parts: int, total: int) -> Iterator[tuple[int, ...]]:
    """List every breakdown of a total."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in splits(parts - 1, total - first):
            yield (first, *rest)


def possible(published: Shown, total: int) -> list[set[int]]:
    """
    Say what each hidden count can be, from what is published and by sums alone.

    Knows nothing of how it was hidden but that small counts never are shown.
    """
    left = total - sum(count for count in published if count is not None)
    alone = sum(count is None for count in published) == 1
    return [
        {count} if count is not None else {left} if alone else set(range(left + 1))
        for count in published
    ]


@pytest.mark.parametrize("parts", TRIED)
def test_whoever_knows_the_rule_finds_four_values_for_every_hidden_count(
    parts: int,
) -> None:
    """
    Breakdowns that look the same when they are published differ in each hidden count.

    Every breakdown of every total is made, and those are put together that nobody can
    tell apart who has the total, the table and this program.
    """
    for total in range(SMALLEST_SHOWN, TRIED[parts]):
        alike: dict[Shown, list[tuple[int, ...]]] = defaultdict(list)
        for counts in splits(parts, total):
            alike[shown(counts)].append(counts)
        for published, candidates in alike.items():
            for place, count in enumerate(published):
                if count is None:
                    values = {counts[place] for counts in candidates}
                    assert len(values) >= 4, (published, total, candidates)


@given(st.lists(st.integers(0, 60), min_size=2, max_size=12))
def test_no_small_count_is_shown_and_none_follows_from_sums(counts: list[int]) -> None:
    """
    Subtracting everything that is shown from the total leaves more than one answer.
    """
    total = sum(counts)
    published = shown(counts)
    assert not any(count is not None and is_small(count) for count in published)
    if is_small(total):
        return  # Then not even the total is published.
    for count, values in zip(published, possible(published, total), strict=True):
        assert count is not None or len(values) >= 4


@given(st.lists(st.one_of(st.just(0), st.integers(5, 60)), min_size=2, max_size=12))
def test_nothing_is_hidden_without_need(counts: list[int]) -> None:
    """Where no count is small, all are shown."""
    assert frozenset() == hidden(counts)


def test_the_first_large_count_covers_a_small_one() -> None:
    """The one that stands first is taken, whatever the others are."""
    assert (None, None, 0, 25) == shown([12, 3, 0, 25])
    assert (None, 40, 0, None) == shown([30, 40, 0, 1])


def test_one_and_five_in_six_cannot_be_told_apart() -> None:
    """Where nothing can cover a small count, all is hidden, what is zero too."""
    assert shown([1, 5, 0]) == shown([5, 1, 0]) == shown([2, 4, 0]) == (None,) * 3
