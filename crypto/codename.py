"""
Codenames: how a reporter is recognised without an account.

A codename is seven words drawn from a list of 4,096: 84 bits, and stretched
before anything is derived from it (`crypto.keys`).

    "Rusa-kebun  PAYUNG ..." --NFKC, case, separators--> words --mend--> codename

People type on a phone, under stress, months later.  So a word that is not on
the list but is one slip away from exactly one word of the list is taken for
that word; one that could mean two words, or none, is refused.

Specified in docs/spec/codename.md.  This module does no I/O: randomness and
word lists are passed in.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import NewType

from crypto.errors import CryptoError
from crypto.wordlist import Wordlist

Codename = NewType("Codename", str)

CODENAME_WORDS = 7
# Seven words of nine letters are 69 characters.  Four times that leaves room for
# any decoration; what is longer is refused before any work is spent on it.
LONGEST_INPUT_CHARACTERS = 280

# Letters of any script are kept together, so that "r\u00fcsa" is one wrong word,
# which can be mended, and not two.
_SEPARATORS = re.compile(r"[\W\d_]+")


class MalformedCodename(CryptoError):
    """The codename must be seven words from the list, separated by spaces."""


def draw_codename(
    wordlist: Wordlist, *, choose: Callable[[Sequence[str]], str]
) -> Codename:
    """
    Draw a new codename.

    Args:
        wordlist: The list of the language that the reporter reads.

        choose: Draws one word uniformly; `secrets.choice` outside tests.

    Returns:
        Seven words in lower case, separated by single spaces.
    """
    return Codename(" ".join(choose(wordlist.words) for _ in range(CODENAME_WORDS)))


def parse_codename(untrusted_text: str, wordlists: Sequence[Wordlist]) -> Codename:
    """
    Understand a codename as a person types it.

    Args:
        untrusted_text: What was typed: any case, any separators, with slips.

        wordlists: The lists in use.  All seven words must be of one list.

    Raises:
        MalformedCodename: If it is not seven words of one list, or if a slip
            could mean more than one word.

    Returns:
        The codename exactly as `draw_codename` gave it.
    """
    if len(untrusted_text) > LONGEST_INPUT_CHARACTERS:
        raise MalformedCodename(MalformedCodename.__doc__)
    words = split_words(untrusted_text)
    if len(words) != CODENAME_WORDS:
        raise MalformedCodename(MalformedCodename.__doc__)

    readings: dict[str, int] = {}  # A possible codename and the slips it takes.
    for wordlist in wordlists:
        mended = [wordlist.mend(word) for word in words]
        if None not in mended:
            reading = " ".join(word for word in mended if word)
            slips = sum(a != b for a, b in zip(mended, words, strict=True))
            readings[reading] = slips
    if not readings:
        raise MalformedCodename(MalformedCodename.__doc__)

    fewest = min(readings.values())
    likeliest = [reading for reading, slips in readings.items() if slips == fewest]
    if len(likeliest) != 1:
        raise MalformedCodename(MalformedCodename.__doc__)
    return Codename(likeliest[0])


def contains_codename(untrusted_text: str, wordlists: Sequence[Wordlist]) -> bool:
    """
    Tell whether a text gives away a codename, so that it can be refused.

    Only seven neighbouring words that all stand on one list, letter for letter,
    count: a chance run of that kind in an ordinary sentence is rare, because the
    lists leave out the commonest function words.
    """
    words = split_words(untrusted_text)
    for wordlist in wordlists:
        run = 0
        for word in words:
            run = run + 1 if word in wordlist else 0
            if run == CODENAME_WORDS:
                return True
    return False


def split_words(untrusted_text: str) -> list[str]:
    """Normalise (NFKC), fold the case, and split at everything but letters."""
    folded = unicodedata.normalize("NFKC", untrusted_text).casefold()
    return [word for word in _SEPARATORS.split(folded) if word]
