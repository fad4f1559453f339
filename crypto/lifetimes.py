"""
Lifetimes: until when a key in a file is good, for those who must renew it in time.

    key file --scratch keyring, thrown away--> good until a day, or the reason why not

Whether somebody certified the key is not asked: these are keys that a person has
compared on paper, such as the one that backups are sealed to.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from crypto.admission import unfit_because
from crypto.fingerprint import Fingerprint
from crypto.gpg import end_of_day
from crypto.openpgp import Keyring


class Purpose(Enum):
    """What a key is needed for; the letter that gpg has for it."""

    SEALING = "e"
    SIGNING = "s"
    CERTIFYING = "c"


@dataclass(frozen=True)
class Lifetime:
    """
    How long a key is good for its purpose.

    Attributes:
        fingerprint: Of the primary key.

        ends: The day from which it is not good any more; None if never.

        unfit_because: Why it is not good on the day that was asked for, or None.
    """

    fingerprint: Fingerprint
    ends: date | None
    unfit_because: str | None


def lifetime_in(key_file: bytes, purpose: Purpose, *, today: date) -> Lifetime:
    """
    Say how long the one public key in a file is good.

    Raises:
        KeyNotAdmitted: If the file is not exactly one public key.
    """
    with tempfile.TemporaryDirectory(prefix="bisik-keys-") as name:
        keyring = Keyring(Path(name))
        # Ultimate trust in a keyring that ends with this block.
        fingerprint = keyring.trust_organisation(key_file)
        return lifetime_of(keyring.listed(fingerprint, today=today), purpose, today)


def lifetime_of(listed: Mapping[str, Any], purpose: Purpose, today: date) -> Lifetime:
    """
    Say how long a listed key is good.

    Args:
        listed: In python-gnupg's listing, made for the end of *today*.

        purpose: What for.

        today: The day on which it should be.
    """
    parts = _parts(listed, purpose)
    ends = [end for end in (_end(part) for part in parts) if end is not None]
    last = max(ends) if ends and len(ends) == len(parts) else None
    primary = _end(listed)
    return Lifetime(
        fingerprint=Fingerprint(listed["fingerprint"]),
        ends=min((end for end in (primary, last) if end is not None), default=None),
        unfit_because=_reason(listed, purpose, parts, today),
    )


def _reason(
    listed: Mapping[str, Any],
    purpose: Purpose,
    parts: list[Mapping[str, Any]],
    today: date,
) -> str | None:
    if purpose is Purpose.SEALING or listed["trust"] in ("e", "r"):
        return unfit_because(listed, now=end_of_day(today))
    return None if parts else "nothing in it is good for that today"


def _parts(listed: Mapping[str, Any], purpose: Purpose) -> list[Mapping[str, Any]]:
    """Return the primary key and the subkeys that can do it, and are good."""
    letter = purpose.value
    whole = [listed, *listed.get("subkey_info", {}).values()]
    return [
        part
        for part in whole
        if letter in (part["cap"] or "") and part["trust"] not in tuple("erind")
    ]


def _end(listed: Mapping[str, Any]) -> date | None:
    expires = listed["expires"]
    return datetime.fromtimestamp(int(expires), UTC).date() if expires else None
