"""What the courier's site is built from; made at the outer edge and passed in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from flask import current_app

from casework.profile import Profile
from crypto.openpgp import Keyring
from deaddrop import DeadDrop
from fairness.allowances import Allowances
from fairness.circuits import Pseudonyms
from journalist_app.courier.signing_in import SignIn


@dataclass(frozen=True)
class Services:
    """
    The parts of a running courier.

    Attributes:
        hosts: Names under which the site may be called; empty for any.

        today: The day it is, in the institution's time zone.

        release_day: The day on which answers that come in now appear; None for at
            once.

        allowances: What each circuit has had of late.

        pseudonyms: What circuits are called there.
    """

    drop: DeadDrop
    keyring: Keyring
    sign_in: SignIn
    profile: Profile
    spool_directory: Path
    secret_key: bytes = field(repr=False)
    hosts: tuple[str, ...]
    today: Callable[[], date]
    release_day: Callable[[], date | None]
    allowances: Allowances
    pseudonyms: Pseudonyms


def services() -> Services:
    """Return the parts of the running courier."""
    found: Services = current_app.extensions["courier"]
    return found
