"""
What the command refuses, and the way out.

    bisik: error: what is wrong, by name
    bisik: hint: what to do about it

An error of any package becomes these lines and exit code 1.  The way out is
known here and nowhere else, because only here is it known which command runs.
What only a server meets is in `ops.server_refusals`, which no desk has.
"""

import inspect
from dataclasses import dataclass
from typing import Any

import click

from casework.casefile import CaseFileAltered
from casework.deadlines import MalformedCalendar
from casework.errors import CaseworkError
from casework.profile import MalformedProfile
from crypto.admission import KeyNotAdmitted, SecretKeyRefused
from crypto.errors import CryptoError
from crypto.gpg import GpgMissing
from crypto.opening import CannotSign
from crypto.openpgp import OrganisationRefused, SignatureRefused
from crypto.recipients import FingerprintNotThatOfTheKey
from crypto.seeds import SeedNotRead, SeedRefused
from journalist_app.workstation.errors import (
    ActionRefused,
    DeskError,
    DeskLocked,
    ForeignBundle,
    NoDesk,
    NotEnrolledYet,
    NothingToExport,
    RestoredDesk,
    TrainingMixedUp,
    TypefaceMissing,
    UnknownCase,
    UnusableBackup,
)


class OpsError(Exception):
    """The command did not do it, and nothing was changed."""


class NoServer(OpsError):
    """There is no server directory here."""


class MalformedSettings(OpsError):
    """The file bisik.toml is not as it must be."""


class NoPrivateMemory(OpsError):
    """There is no folder in memory that belongs to this user alone."""


class NoOrganisation(OpsError):
    """There is no organisation's key in this folder."""


class NoOrganisationKey(OpsError):
    """This server does not know the organisation's key yet."""


class FingerprintDiffers(OpsError):
    """The fingerprint is not that of the key in the file."""


class UnknownDeskName(OpsError):
    """No active officer has a desk of this name."""


class NothingToDestroy(OpsError):
    """No subkey of a past month may be destroyed today."""


class SheetsOnDisk(OpsError):
    """The sheets are the key itself, and may only be in memory."""


class SealedCaseFile(OpsError):
    """The case file is sealed: only its recipient can open it."""


class CaseFileNotSigned(OpsError):
    """The case file is not signed by an officer whom the organisation certified."""


class UnusablePassphrase(OpsError):
    """The passphrase could not be read."""


@dataclass(frozen=True)
class Refusals:
    """
    What a person at the command line may meet; anything else is a fault of ours.

    Attributes:
        kinds: The errors.

        hints: The ways out; the first that fits counts.
    """

    kinds: tuple[type[Exception], ...]
    hints: tuple[tuple[type[Exception], str], ...]

    def __or__(self, others: "Refusals") -> "Refusals":
        """Add others; where both fit, ours count."""
        return Refusals(self.kinds + others.kinds, self.hints + others.hints)


_KINDS = (CaseworkError, CryptoError, DeskError, OpsError, OSError)
_HINTS = (
    (NoDesk, "make one with: bisik desk init DIRECTORY --name NAME"),
    (NoOrganisation, "make one with: bisik organisation init DIRECTORY"),
    (SheetsOnDisk, "name a folder in memory, such as /dev/shm/sheets"),
    (SeedNotRead, "type the passphrase that was chosen at bisik organisation init"),
    (SeedRefused, "the public key must be the one that is printed on the sheets"),
    (FingerprintDiffers, "compare it with the officer once more, face to face"),
    (TrainingMixedUp, "restore the desk from its backup"),
    (DeskLocked, "type the passphrase that was chosen at bisik desk init"),
    (ForeignBundle, "each desk belongs to one server; ask where the bundle is from"),
    (NothingToExport, "the last outbox again: bisik desk export --again NUMBER"),
    (NotEnrolledYet, "import a bundle first: bisik desk import BUNDLE"),
    (RestoredDesk, "fetch a bundle made today, and import it: bisik desk import"),
    (UnusableBackup, "try the code again, letter by letter; then an older backup"),
    (UnknownCase, "see the names with: bisik desk list --all"),
    (CannotSign, "if the key has expired: bisik desk keys extend --until DAY"),
    (NothingToDestroy, "the table says why, subkey by subkey"),
    (ActionRefused, "see the case in a browser: bisik desk open"),
    (SealedCaseFile, "open it first: gpg --decrypt FILE > case-file.tar"),
    (CaseFileNotSigned, "ask the organisation who made it, by another way"),
    (CaseFileAltered, "do not rely on it; ask whoever made it for another copy"),
    (TypefaceMissing, "as root: apt-get install fonts-dejavu-core"),
    (
        FingerprintNotThatOfTheKey,
        "compare it with the recipient once more, by voice or on paper",
    ),
    (SecretKeyRefused, "ask the officer for enrolment.json; it has no secret in it"),
    (KeyNotAdmitted, "let the organisation's key certify the enrolment, and retry"),
    (OrganisationRefused, "a server trusts one organisation's key, once and for all"),
    (SignatureRefused, "let the officer export again, or renew an ended key first"),
    (MalformedProfile, "the fields are described in docs/spec/profile.md"),
    (MalformedCalendar, "the file is described in docs/spec/calendar.md"),
    (GpgMissing, "install the Debian packages gnupg and gpg-agent"),
    (FileExistsError, "choose another name; nothing is ever replaced"),
)
REFUSALS = Refusals(_KINDS, _HINTS)
"""What is refused on every machine."""


class Refusal(click.ClickException):
    """A refusal as people see it."""

    def __init__(self, message: str, hint: str | None) -> None:
        super().__init__(message)
        self.hint = hint

    @classmethod
    def of(cls, error: Exception, known: Refusals = REFUSALS) -> "Refusal":
        """Put an error of any package into words."""
        hints = (text for kind, text in known.hints if isinstance(error, kind))
        return cls(_sentence(error), next(hints, None))

    def show(self, file: object = None) -> None:
        """Write the two lines to standard error."""
        click.echo(f"bisik: error: {self.message}", err=True)
        if self.hint:
            click.echo(f"bisik: hint: {self.hint}", err=True)


class BisikGroup(click.Group):
    """The root of a command, which turns errors into refusals."""

    refusals = REFUSALS

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except self.refusals.kinds as error:
            raise Refusal.of(error, self.refusals) from None


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return place + error.strerror.lower()
    text = str(error) or inspect.getdoc(type(error)) or type(error).__name__
    return (text[:1].lower() + text[1:]).rstrip(".")
