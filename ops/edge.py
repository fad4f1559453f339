"""The outer edge: the clock and the source of randomness of this machine."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ops.machine import Machine


@dataclass(frozen=True)
class Edge:
    """
    What comes from outside; tests bring their own.

    Attributes:
        now: Seconds since the epoch.

        entropy: Gives as many random bytes as asked for.

        memory: A folder in memory, in place of this machine's usual one.

        machine: What the doctor looks at.

        upgrading: Whether this is a part of an upgrade, which keeps all others away.
    """

    now: Callable[[], float] = time.time
    entropy: Callable[[int], bytes] = os.urandom
    memory: Path | None = None
    machine: Machine = field(default_factory=Machine)
    upgrading: bool = False

    def today(self, zone: ZoneInfo) -> date:
        """Return the day it is in *zone*: an institution's day is a local one."""
        return datetime.fromtimestamp(self.now(), UTC).astimezone(zone).date()
