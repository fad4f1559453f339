"""
Accounts: what an officer is handed once, to sign in to the courier with.

A passphrase of six words from the codenames' list (72 bits), a QR code that fits on a
terminal, and a user name that is easy to type.
"""

import unicodedata
from collections.abc import Callable

from reportlab.graphics.barcode import qrencoder

from crypto.wordlist import Wordlist

PASSPHRASE_WORDS = 6
USER_NAME_CHARACTERS = 40
_QUIET = 2  # Light modules around the code; scanners of telephones accept it.


def random_passphrase(words: Wordlist, entropy: Callable[[int], bytes]) -> str:
    """Draw a passphrase."""
    drawn = []
    for _ in range(PASSPHRASE_WORDS):
        # The list has 4,096 words: twelve bits, of two bytes, each word as likely.
        number = int.from_bytes(entropy(2), "big") % len(words.words)
        drawn.append(words.words[number])
    return " ".join(drawn)


def simple_user_name(name: str) -> str:
    """Make a name easy to type: small letters without accents, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    kept = "".join(
        character if character.isalnum() else "-" for character in plain.casefold()
    )
    return "-".join(part for part in kept.split("-") if part)[:USER_NAME_CHARACTERS]


def qr_for_terminal(text: str) -> str:
    """Draw a QR code with half blocks, dark on light on every terminal."""
    code = qrencoder.QRCode(None, qrencoder.QRErrorCorrectLevel.L)
    code.addData(text)
    code.make()
    size = code.getModuleCount()
    dark = [
        [
            0 <= row < size and 0 <= column < size and bool(code.isDark(row, column))
            for column in range(-_QUIET, size + _QUIET)
        ]
        for row in range(-_QUIET, size + _QUIET + 1)
    ]
    lines = []
    for upper, lower in zip(dark[0::2], dark[1::2], strict=False):
        cells = "".join(
            {(True, True): "█", (True, False): "▀", (False, True): "▄"}.get(pair, " ")
            for pair in zip(upper, lower, strict=True)
        )
        # Black on white, and back to the terminal's own colours.
        lines.append(f"\x1b[30;107m{cells}\x1b[0m")
    return "\n".join(lines)
