"""
Settings of backups: who opens them, and how long they are kept.

    role backup --writes--> /etc/bisik/backup.toml --read by--> bisik backup make
                                                                bisik doctor

One file for the daily backup, for that before an upgrade and for one made by hand, so
that no operator is left out of any of them.  Specified in docs/spec/backup.md.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from ops.errors import OpsError
from ops.machine import Machine
from ops.settings import parse_toml

PATH: Final = "/etc/bisik/backup.toml"
OPERATOR: Final = "/etc/bisik/operator.asc"
KEEP_DAYS: Final = 7
MOST_DAYS: Final = 31


class MalformedBackupSettings(OpsError):
    """The file backup.toml is not as it must be."""


class BackupSettings(BaseModel):
    """
    The file backup.toml.

    Attributes:
        recipients: Files with the public keys of those who can open backups.

        keep_days: How many days old other backups may be.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    recipients: Annotated[
        tuple[Annotated[str, Field(pattern="^/")], ...], Field(min_length=1)
    ] = (OPERATOR,)
    keep_days: Annotated[int, Field(strict=True, ge=1, le=MOST_DAYS)] = KEEP_DAYS

    @classmethod
    def parse(cls, untrusted_text: str) -> Self:
        """
        Read backup.toml.

        Raises:
            MalformedBackupSettings: Naming the field.
        """
        return parse_toml(
            cls, untrusted_text, name=PATH, malformed=MalformedBackupSettings
        )


def read_backup_settings(machine: Machine) -> BackupSettings:
    """
    Read the settings of this machine; where there are none, the usual ones count.

    Raises:
        MalformedBackupSettings: As its sentence says.

        OSError: If this user may not read them: nobody must be left out for that.
    """
    try:
        content = machine.path(PATH).read_bytes()
    except FileNotFoundError:
        return BackupSettings()
    return BackupSettings.parse(content.decode("utf-8", "replace"))
