"""
The message: one size and the same headers, whatever it says and to whom.

    text, filled up with spaces to 2,048 bytes
      --sealed to one certificate, not compressed-->  OpenPGP
      --armored, as PGP/MIME, filled up to 8,192 bytes-->  the message

Somebody who sees it pass, or keeps the mailbox, sees the same thing every day.  The
date is the day's midnight, the subject says nothing, and no header names this machine
or a program.

PGP/MIME is RFC 3156, armor is RFC 9580 section 6, headers are RFC 5322.  The subject is
that of RFC 9788 for a message whose own subject is sealed.  What lies behind the last
boundary is ignored by mail programs (RFC 2046, section 5.1.1).
"""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from crypto.armor import MESSAGE, armored_lines
from crypto.fingerprint import parse_fingerprint
from crypto.recipients import sealing_to_stranger
from ops.notifying.errors import MessageTooLarge
from ops.notifying.recipients import Recipient
from ops.notifying.wording import News, words

TEXT_BYTES: Final = 2048
MESSAGE_BYTES: Final = 8192
SUBJECT: Final = "[...]"
ID_BYTES: Final = 16
_LINE_END: Final = "\r\n"
_FILLING: Final = "=" * 62 + _LINE_END

# RFC 5322 has English names, whatever the locale.
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


@dataclass(frozen=True)
class Envelope:
    """
    Who writes to whom, and when, as the headers say it.

    Attributes:
        sender: An address.

        recipient: An address.

        day: The day; no header has an hour.
    """

    sender: str
    recipient: str
    day: date


def plaintext(news: News, recipient: Recipient) -> bytes:
    """
    Return what is sealed: a MIME entity of exactly 2,048 bytes.

    Raises:
        MessageTooLarge: If there is too much to say.
    """
    paragraphs = words(news, recipient.audience).split("\n")
    wrapped = [
        line
        for paragraph in paragraphs
        for line in (textwrap.wrap(paragraph, 72) or [""])
    ]
    head = ["Content-Type: text/plain; charset=us-ascii", ""]
    content = _LINE_END.join([*head, *wrapped, ""]).encode("ascii")
    if len(content) + len(_LINE_END) > TEXT_BYTES:
        raise MessageTooLarge(MessageTooLarge.__doc__)
    filled = content.ljust(TEXT_BYTES - len(_LINE_END), b" ")
    return filled + _LINE_END.encode("ascii")


def seal(
    news: News, recipient: Recipient, *, sender: str, entropy: Callable[[int], bytes]
) -> bytes:
    """
    Make the message of a day for somebody: exactly 8,192 bytes.

    Args:
        news: What there is to say.

        recipient: To whom.

        sender: The address it comes from.

        entropy: For its name and its boundary.

    Raises:
        RecipientRefused: If the certificate has expired, was revoked, or cannot
            encrypt.

        KeyNotAdmitted, SealingFailed: As their sentences say.

        MessageTooLarge: If it does not fit.
    """
    sealed = bytearray()
    with sealing_to_stranger(
        recipient.certificate.encode("ascii"),
        fingerprint_on_paper=parse_fingerprint(recipient.fingerprint),
        sink=sealed.extend,
        day=news.day,
    ) as sealing:
        sealing.write(plaintext(news, recipient))
    envelope = Envelope(sender, recipient.address, news.day)
    return wrap(bytes(sealed), envelope, entropy=entropy)


def wrap(
    sealed: bytes, envelope: Envelope, *, entropy: Callable[[int], bytes]
) -> bytes:
    """
    Put an OpenPGP message into a mail of exactly 8,192 bytes.

    Raises:
        MessageTooLarge: If it does not fit.
    """
    boundary = entropy(ID_BYTES).hex()
    # Of the sender's host, which is in the line above it anyway.
    host = envelope.sender.rpartition("@")[2]
    lines = [
        f"From: <{envelope.sender}>",
        f"To: <{envelope.recipient}>",
        f"Date: {_midnight(envelope.day)}",
        f"Subject: {SUBJECT}",
        f"Message-ID: <{entropy(ID_BYTES).hex()}@{host}>",
        # So that nobody's program answers it (RFC 3834).
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";',
        f' boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: application/pgp-encrypted",
        "",
        "Version: 1",
        "",
        f"--{boundary}",
        'Content-Type: application/octet-stream; name="encrypted.asc"',
        "",
        *armored_lines(sealed, kind=MESSAGE),
        "",
        f"--{boundary}--",
        "",
    ]
    return _filled(_LINE_END.join(lines))


def _filled(text: str) -> bytes:
    missing = MESSAGE_BYTES - len(text)
    if missing < len(_LINE_END):
        raise MessageTooLarge(MessageTooLarge.__doc__)
    whole, rest = divmod(missing, len(_FILLING))
    if 0 < rest < len(_LINE_END):
        # A line is two bytes at least: one of the others is a byte shorter for it.
        whole, rest = whole - 1, rest + len(_FILLING)
    last = "=" * (rest - len(_LINE_END)) + _LINE_END if rest else ""
    return (text + _FILLING * whole + last).encode("ascii")


def _midnight(day: date) -> str:
    name, month = _DAYS[day.weekday()], _MONTHS[day.month - 1]
    return f"{name}, {day.day:02} {month} {day.year:04} 00:00:00 +0000"
