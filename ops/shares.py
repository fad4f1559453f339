"""
Shares: a key on paper, of which any few together are the whole and fewer are nothing.

    seed, 32 bytes --SLIP-0039--> 5 shares of 33 words --any 3--> the same seed

A share is 33 words of a list of 1,024 with a checksum of three words, which finds
every mistake in up to three of them.  Fewer shares than needed tell nothing about the
seed.  The words are English, whatever the language of the sheet: four letters tell
each of them from all others.

SLIP-0039: https://github.com/satoshilabs/slips/blob/master/slip-0039.md, made by
shamir-mnemonic, the reference implementation.  Words are secrets: no error here
repeats one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shamir_mnemonic import (
    MnemonicError,
    Share,
    combine_mnemonics,
    generate_mnemonics,
)
from shamir_mnemonic.wordlist import WORDLIST

from ops.errors import OpsError

WORDS_IN_SHARE = 33
TELLING_LETTERS = 4
MOST_SHARES = 16

Words = tuple[str, ...]

_BY_BEGINNING: dict[str, str] = {word[:TELLING_LETTERS]: word for word in WORDLIST}


class UnknownWord(OpsError):
    """This is no word of the list; its first four letters are enough."""


class MistypedShare(OpsError):
    """A word of this share is another one than on the paper; type the share again."""


class ForeignShare(OpsError):
    """This share is of another key, or of another splitting, or was typed before."""


@dataclass(frozen=True)
class ShareTyped:
    """
    A share as it was typed, whose checksum is right.

    Attributes:
        needed: How many shares its key needs.
    """

    _share: Share
    needed: int

    def __repr__(self) -> str:
        return f"ShareTyped(needed={self.needed})"

    def check_goes_with(self, others: Iterable["ShareTyped"]) -> None:
        """
        Make sure that it is one more share of the same splitting.

        Raises:
            ForeignShare: If it is not.
        """
        for other in others:
            if (
                other._share.common_parameters() != self._share.common_parameters()
                or other._share.index == self._share.index
            ):
                raise ForeignShare(ForeignShare.__doc__)

    def words(self) -> str:
        """Return the words, as they are joined."""
        words: str = self._share.mnemonic()
        return words


def split_seed(seed: bytes, *, needed: int, count: int) -> tuple[Words, ...]:
    """
    Split a seed into shares.

    Args:
        seed: 32 bytes.

        needed: How many shares shall be the whole.

        count: How many there shall be.

    Raises:
        ValueError: Unless 2 <= needed <= count <= 16.

    Returns:
        The words of each share.
    """
    if not 2 <= needed <= count <= MOST_SHARES:
        raise ValueError(f"2 to {MOST_SHARES} shares, and not more needed than made")
    (made,) = generate_mnemonics(1, [(needed, count)], seed)
    # Nobody should find out after years that paper does not bring the key back.
    for some in (made[:needed], made[-needed:]):
        if combine_mnemonics(some) != seed:
            raise ValueError("the shares do not give the key back")
    return tuple(tuple(share.split()) for share in made)


def parse_word(untrusted_word: str) -> str:
    """
    Understand a word as it is typed, whole or by its first four letters.

    Raises:
        UnknownWord: If there is none like it.
    """
    typed = untrusted_word.strip().lower()
    word = _BY_BEGINNING.get(typed[:TELLING_LETTERS])
    if word is None or not word.startswith(typed):
        raise UnknownWord(UnknownWord.__doc__)
    return word


def parse_share(words: Sequence[str]) -> ShareTyped:
    """
    Understand a share.

    Raises:
        MistypedShare: If the checksum is wrong.
    """
    try:
        share = Share.from_mnemonic(" ".join(words))
    except MnemonicError:
        # Without its text, which has the first words in it.
        raise MistypedShare(MistypedShare.__doc__) from None
    return ShareTyped(share, share.member_threshold)


def join_shares(shares: Sequence[ShareTyped]) -> bytes:
    """
    Return the seed.

    Raises:
        ForeignShare: If they are not enough shares of one splitting.
    """
    try:
        seed: bytes = combine_mnemonics([share.words() for share in shares])
    except MnemonicError:
        raise ForeignShare(ForeignShare.__doc__) from None
    return seed
