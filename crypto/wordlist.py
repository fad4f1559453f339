"""
Word lists: the words that codenames are made of, and how a slip is mended.

There is one list for each language that a reporter can read, 4,096 words each,
in words/*.txt.  Two rules make them forgiving:

    no word is the beginning of another:  where one word ends is never in doubt
    no two words are one slip apart:      one slip never makes another word

A slip is one letter too many, one missing, one wrong, or two neighbours swapped:

    rendag --> rendang     (a letter is missing)
    pyaung --> payung      (two neighbours are swapped)
    wcxlan --> None        (one slip does not explain it)

A mistyped word can still lie one slip from two words of the list.  Then it is not
mended: a guess would open nothing and would leave the person puzzled.

The rules are checked in tests/crypto/test_wordlist.py; where the words come from
is told in words/README.md.  The lists never change: somebody's codename is made
of every word.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from string import ascii_lowercase

LANGUAGES = ("id", "en")


@dataclass(frozen=True)
class Wordlist:
    """
    The words of one language.

    Attributes:
        language: ISO 639-1 code of the language.

        words: The words in alphabetical order.
    """

    language: str
    words: tuple[str, ...] = field(repr=False)
    _known: frozenset[str] = field(init=False, repr=False, compare=False)
    _longest: int = field(init=False, repr=False, compare=False)  # letters

    def __post_init__(self) -> None:
        # A frozen dataclass can only set what it derives in this way.
        object.__setattr__(self, "_known", frozenset(self.words))
        object.__setattr__(self, "_longest", max(map(len, self.words), default=0))

    def __contains__(self, untrusted_word: object) -> bool:
        """Tell whether a word stands on the list, letter for letter."""
        return untrusted_word in self._known

    def mend(self, untrusted_word: str) -> str | None:
        """
        Find the word that somebody meant.

        Args:
            untrusted_word: One word as it was typed, in lower case.

        Returns:
            The word itself if it is on the list; else the only word of the list
            that is one slip away; else nothing.
        """
        if untrusted_word in self._known:
            return untrusted_word
        if len(untrusted_word) > self._longest + 1:
            # Spares the work on what no single slip can explain.
            return None
        meant = self._known.intersection(_one_slip_away(untrusted_word))
        return meant.pop() if len(meant) == 1 else None


@cache
def load_wordlist(language: str) -> Wordlist:
    """
    Read the list of a language, once per process.

    Args:
        language: One of `LANGUAGES`.

    Raises:
        ValueError: If there is no list of this language.
    """
    # The name becomes part of a file name, so only known ones get that far.
    if language not in LANGUAGES:
        raise ValueError(f"no word list of language {language!r}")
    file = resources.files("crypto") / "words" / f"{language}.txt"
    return Wordlist(language, tuple(file.read_text(encoding="utf-8").split()))


def _one_slip_away(word: str) -> Iterator[str]:
    """Make every text that one slip turns into *word*, or that *word* turns into."""
    for place in range(len(word) + 1):
        before, after = word[:place], word[place:]
        for letter in ascii_lowercase:
            yield before + letter + after
            yield before + letter + after[1:]
        yield before + after[1:]
        yield before + after[1:2] + after[:1] + after[2:]
