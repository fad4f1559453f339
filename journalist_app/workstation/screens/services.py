"""What the desk's screens are built from; made at the outer edge and passed in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from flask import current_app

from journalist_app.workstation.desk import Desk
from journalist_app.workstation.screens.access import Access
from journalist_app.workstation.screens.inspections import Inspections
from journalist_app.workstation.screens.jobs import Jobs
from journalist_app.workstation.screens.shown import Shown


@dataclass(frozen=True)
class Services:
    """
    The parts of a running desk.

    Attributes:
        today: The day it is, in the institution's time zone.

        sticks: Returns the folders in which bundles and outboxes are looked for.
    """

    desk: Desk = field(repr=False)
    access: Access = field(repr=False)
    jobs: Jobs = field(repr=False)
    shown: Shown = field(repr=False)
    inspections: Inspections = field(repr=False)
    secret_key: bytes = field(repr=False)
    hosts: tuple[str, ...]
    today: Callable[[], date]
    sticks: Callable[[], tuple[Path, ...]]


def services() -> Services:
    """Return the parts of the running desk."""
    found: Services = current_app.extensions["desk"]
    return found
