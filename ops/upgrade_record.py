"""
The record of an upgrade: how far it got, for whoever comes after a power cut.

    (none)  ->  stopping  ->  changing  ->  opening  ->  (none)
                    undone by `recover`      finished by `recover`

A file beside the link to the release that counts, replaced as a whole and flushed, so
that it is always one of these.  `opening` is the decision: what was acknowledged from
then on is in the changed database alone, which nothing is put back over any more.

Specified in docs/spec/release.md.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from journalist_app.durable import new_file, remove_partials_of, sync_directory
from ops.errors import OpsError

RECORD = "upgrade.json"
_RECORD_BYTES = 16 * 1024


class MalformedUpgradeRecord(OpsError):
    """The file upgrade.json is not one that this software wrote."""


class Phase(StrEnum):
    """How far it got."""

    STOPPING = "stopping"
    """The sites stop, and a copy of the database is made; nothing has changed."""

    CHANGING = "changing"
    """The copy is whole, and the database is being changed and tried."""

    OPENING = "opening"
    """The new release counts, whatever happens."""


class UpgradeRecord(BaseModel):
    """
    What is noted.

    Attributes:
        before: The release that counted; None for the first one.

        after: The release that shall count.

        directory: The server directory; None if there is none yet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    version: Literal[1] = 1
    phase: Phase
    before: str | None
    after: str
    directory: Annotated[str, Field(pattern="^/")] | None

    @classmethod
    def read(cls, root: Path) -> "UpgradeRecord | None":
        """
        Read what was noted; None if no upgrade is under way.

        Raises:
            MalformedUpgradeRecord: If it cannot be understood.
        """
        try:
            with (root / RECORD).open("rb") as file:
                untrusted_text = file.read(_RECORD_BYTES)
        except FileNotFoundError:
            return None
        try:
            return cls.model_validate_json(untrusted_text)
        except ValidationError:
            raise MalformedUpgradeRecord(MalformedUpgradeRecord.__doc__) from None

    def write(self, root: Path) -> None:
        """Note it durably, in place of what was noted before."""
        with new_file(root / RECORD, replace=True) as file:
            file.write(self.model_dump_json().encode() + b"\n")

    def at(self, phase: Phase) -> "UpgradeRecord":
        """Return the same, further on."""
        return self.model_copy(update={"phase": phase})


def forget_record(root: Path) -> None:
    """Note durably that no upgrade is under way."""
    remove_partials_of(root / RECORD)
    (root / RECORD).unlink(missing_ok=True)
    sync_directory(root)
