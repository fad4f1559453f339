"""
Word lists: 4,096 words a language, chosen so that slips can be mended.

No word of a list is a prefix of another, and no two are one insertion, deletion,
substitution or swap of neighbours apart.  So one slip never turns a word into
another word, and mostly leaves just one word that can have been meant.

The lists, their origin and their licences are in crypto/words/README.md.
"""

import functools
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources

LANGUAGES = ("id", "en")
LIST_WORDS = 4096  # 12 bits a word
LONGEST_WORD = 9  # letters


@dataclass(frozen=True)
class Wordlist:
    """
    The words of one language.

    Attributes:
        language: "id" or "en".

        words: All of them, sorted.
    """

    language: str
    words: tuple[str, ...] = field(repr=False)
    _known: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", frozenset(self.words))

    def __contains__(self, word: object) -> bool:
        return word in self._known

    def mend(self, untrusted_word: str) -> str | None:
        """
        Return the word that was meant.

        Args:
            untrusted_word: In lower case.

        Returns:
            The word itself if it is on the list; else the only word of the list
            that is one slip away; else None.
        """
        if untrusted_word in self._known:
            return untrusted_word
        if len(untrusted_word) > LONGEST_WORD + 1:
            return None
        meant = {word for word in _one_slip_away(untrusted_word) if word in self._known}
        return meant.pop() if len(meant) == 1 else None


@functools.cache
def load_wordlist(language: str) -> Wordlist:
    """
    Load a list that comes with the package.

    Raises:
        ValueError: If there is none for *language*.
    """
    if language not in LANGUAGES:
        raise ValueError(f"there is no word list for {language!r}")
    text = (resources.files("crypto") / "words" / f"{language}.txt").read_text("ascii")
    return Wordlist(language, tuple(text.split()))


def _one_slip_away(word: str) -> Iterator[str]:
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    for head, tail in cuts:
        if tail:
            yield head + tail[1:]  # One letter too many was typed.
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in string.ascii_lowercase:
            yield head + letter + tail  # One letter was left out.
            if tail:
                yield head + letter + tail[1:]
