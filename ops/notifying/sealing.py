"""
Sealing: the day's messages, as files in memory, for whoever may send them.

    outgoing/
        day               the day they are of, written last
        3f9a....eml       one for each recipient, under a random name

What lies there is sealed: there is no queue of plaintext.  A day's messages are sealed
once; those of another day that could not be sent are removed, because two on one day
would stand out.
"""

import json
import os
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from crypto.errors import CryptoError
from journalist_app.durable import new_file
from ops.notifying.message import seal
from ops.notifying.recipients import Recipient
from ops.notifying.wording import Health, News

DAY: Final = "day"
SUFFIX: Final = ".eml"
NAME_BYTES: Final = 16
# The folder has the sender's group (setgid), who must take away what was sent.
MODE: Final = 0o660


def seal_for_all(
    news: News,
    recipients: tuple[Recipient, ...],
    folder: Path,
    *,
    sender: str,
    entropy: Callable[[int], bytes],
) -> Mapping[str, str]:
    """
    Seal a message for each recipient, unless that was done today.

    Args:
        news: What there is to say.

        recipients: To whom.

        folder: In memory.

        sender: The address they come from.

        entropy: For names and boundaries.

    Raises:
        MessageTooLarge: If the words do not fit; then nothing has changed.

    Returns:
        The addresses to which nothing could be sealed, each with the reason.
    """
    if sealed_on(folder) == news.day:
        return {}
    refused: dict[str, str] = {}
    messages = []
    for recipient in recipients:
        try:
            messages.append(seal(news, recipient, sender=sender, entropy=entropy))
        except CryptoError as error:
            refused[recipient.address] = str(error)
    for stale in folder.glob(f"*{SUFFIX}"):
        stale.unlink()
    for message in messages:
        _write(folder / f"{entropy(NAME_BYTES).hex()}{SUFFIX}", message)
    _write(folder / DAY, f"{news.day}\n".encode("ascii"))
    return refused


def sealed_on(folder: Path) -> date | None:
    """Return the day of which the messages are; None if there is none."""
    try:
        return date.fromisoformat((folder / DAY).read_text("ascii").strip())
    except (FileNotFoundError, ValueError):
        return None


def write_health(path: Path, *, day: date, wrong: int) -> None:
    """Note what the doctor found, for `read_health`."""
    health = Health.WRONG if wrong else Health.WELL
    note = {"day": day.isoformat(), "health": health.value}
    with new_file(path, replace=True) as file:
        file.write(json.dumps(note).encode())
        os.fchmod(file.fileno(), 0o644)  # It is for another user.


def read_health(path: Path, *, today: date) -> Health:
    """Return what the doctor found today; what is older says nothing."""
    try:
        note = json.loads(path.read_bytes())
        if note["day"] != today.isoformat():
            return Health.UNKNOWN
        return Health(note["health"])
    except (OSError, ValueError, KeyError, TypeError):
        return Health.UNKNOWN


def _write(path: Path, content: bytes) -> None:
    with new_file(path, replace=True) as file:
        file.write(content)
        os.fchmod(file.fileno(), MODE)
