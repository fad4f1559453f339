"""
What the command refuses, and the way out.

    bisik: error: what is wrong, by name
    bisik: hint: what to do about it

An error of any package becomes these lines and exit code 1.  The way out is
known here and nowhere else, because only here is it known which command runs.
What only a server meets is in `ops.server_refusals`, which no desk has, and what only
a desk meets in `ops.desk_refusals`, which no server has.
"""

import inspect
from dataclasses import dataclass
from typing import Any

import click

from casework.deadlines import MalformedCalendar
from casework.errors import CaseworkError
from casework.profile import MalformedProfile
from crypto.admission import KeyNotAdmitted, SecretKeyRefused
from crypto.errors import CryptoError
from crypto.gpg import GpgMissing
from crypto.openpgp import OrganisationRefused, SignatureRefused
from crypto.recipients import FingerprintNotThatOfTheKey


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


class ScratchOnDisk(OpsError):
    """The folder to restore into is not in memory."""


class SealedCaseFile(OpsError):
    """The case file is sealed: only its recipient can open it."""


class CaseFileNotSigned(OpsError):
    """The case file is not signed by an officer whom the organisation certified."""


class NoBundles(OpsError):
    """There is no bundle in this folder."""


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


_KINDS = (CaseworkError, CryptoError, OpsError, OSError)
_HINTS = (
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

    def about(self, thing: str) -> "Refusal":
        """Name what it is about, where several things could be meant."""
        return Refusal(f"{thing}: {self.message}", self.hint)

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
