"""
Smartcards: why one did not do it, for a person who can mend that.

    gpg - gpg-agent - scdaemon - pcscd - reader - card
             |           |         |        |      |
          always    installed?  running? there?  in it, the right one, PIN not blocked?

gpg says "No such device" or "Bad PIN" about most of it.  After a failure, and only
then, the agent is asked what it sees, link by link.  Nothing is tried with a PIN, so
that looking never uses up one of the few tries that a card allows.

The commands are those of scdaemon (GnuPG's manual, "Scdaemon Commands"); the error
codes are libgpg-error's.  The serial number of an OpenPGP card is its application
identifier ("OpenPGP application on ISO Smart Card Operating Systems", version 3.4,
section 4.2.1).
This module does no I/O: whom to ask comes as an argument.
"""

from collections.abc import Callable, Iterator

# GPG_ERR_NO_SCDAEMON; the upper bits of a code say who found the error.
_NO_PROGRAM = 119
_CODE_BITS = 0xFFFF
# In an application identifier: manufacturer and number of the card, in hexadecimal.
_MANUFACTURER, _NUMBER = slice(16, 20), slice(20, 28)
_OPENPGP = "D276000124"
_IDENTIFIER_DIGITS = 32
# In "+1+64+64+64+3+0+3": behind a flag and three lengths, tries left with the PIN.
_TRIES_FIELD = 5
_ATTEMPTS = 15
_PAUSE_SECONDS = 0.2


def shown_number(serial_number: str) -> str:
    """Return a card's number as GnuPG shows it and as it is printed on many cards."""
    if serial_number.startswith(_OPENPGP) and len(serial_number) == _IDENTIFIER_DIGITS:
        return f"{serial_number[_MANUFACTURER]} {serial_number[_NUMBER]}"
    return serial_number


def why_card_failed(ask_agent: Callable[[str], bytes], serial_number: str) -> str:
    """
    Say what is wrong with a card that did not open or sign.

    Args:
        ask_agent: Says one line to gpg-agent and returns what it answers.

        serial_number: Of the card that has the key, as gpg lists it.

    Returns:
        A sentence that names the card and the way out.
    """
    card = shown_number(serial_number)
    lines = list(_lines(ask_agent("SCD SERIALNO")))
    if any(_is_error(line, _NO_PROGRAM) for line in lines):
        return (
            f"the key is on smartcard {card}, and this machine has no program for "
            "smartcards: install scdaemon"
        )
    found = [line.split()[2] for line in lines if _has_number(line)]
    if not found:
        readers = ask_agent("SCD GETINFO reader_list")
        if not any(line.startswith("D ") for line in _lines(readers)):
            return (
                f"the key is on smartcard {card}, and no card reader is found: plug it "
                "in; if it is, install pcscd and libccid"
            )
        return (
            f"the key is on smartcard {card}, which is not in the reader: put it in, "
            "and do it again"
        )
    if serial_number not in found:
        return (
            f"the key is on smartcard {card}, and another one is in the reader "
            f"({shown_number(found[0])}): change them, and do it again"
        )
    left = _tries_left(ask_agent("SCD GETATTR CHV-STATUS"))
    if left == 0:
        return (
            f"the PIN of smartcard {card} is blocked: set a new one with the admin "
            "PIN, by gpg --card-edit"
        )
    return (
        f"smartcard {card} did not do it: the PIN was wrong, or nobody typed it; "
        f"tries left: {'unknown' if left is None else left}"
    )


def wait_for_card(
    ask_agent: Callable[[str], bytes], *, pause: Callable[[float], object]
) -> bool:
    """
    Wait a moment for a card that is there, and may be busy.

    pcscd resets a card when a program leaves it, and lets nobody else near meanwhile.
    To whoever comes then, there is no card, and the agent would ask for one.

    Args:
        ask_agent: Says one line to gpg-agent and returns what it answers.

        pause: Lets so many seconds pass.

    Returns:
        Whether there is a card, whichever.
    """
    for _ in range(_ATTEMPTS):
        answer = list(_lines(ask_agent("SCD SERIALNO")))
        if "OK" in answer:
            return True
        if any(_is_error(line, _NO_PROGRAM) for line in answer):
            return False
        pause(_PAUSE_SECONDS)
    return False


def _lines(answer: bytes) -> Iterator[str]:
    yield from answer.decode("utf-8", "replace").splitlines()


def _has_number(line: str) -> bool:
    words = line.split()
    return len(words) > 2 and words[:2] == ["S", "SERIALNO"]


def _is_error(line: str, code: int) -> bool:
    words = line.split()
    return (
        len(words) > 1
        and words[0] == "ERR"
        and words[1].isdecimal()
        and int(words[1]) & _CODE_BITS == code
    )


def _tries_left(answer: bytes) -> int | None:
    for line in _lines(answer):
        if line.startswith("S CHV-STATUS "):
            fields = line.removeprefix("S CHV-STATUS ").split("+")
            if len(fields) > _TRIES_FIELD and fields[_TRIES_FIELD].isdecimal():
                return int(fields[_TRIES_FIELD])
    return None
