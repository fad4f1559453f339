"""What commands take of an officer who is introduced: a fingerprint, an enrolment."""

from pathlib import Path

import click

from casework.enrolment import ENROLMENT_BYTES, Enrolment
from crypto.fingerprint import Fingerprint, MalformedFingerprint, parse_fingerprint


class FingerprintType(click.ParamType[Fingerprint]):
    """A fingerprint as people copy it."""

    name = "fingerprint"

    def convert(
        self,
        value: object,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Fingerprint:
        """Understand what was typed, or refuse it as wrong usage."""
        try:
            return parse_fingerprint(str(value))
        except MalformedFingerprint as error:
            self.fail(str(error), param, ctx)


FINGERPRINT = FingerprintType()


def read_enrolment(path: Path) -> Enrolment:
    """Read an enrolment file; raises `MalformedEnrolment`."""
    with path.open("rb") as file:
        return Enrolment.parse(file.read(ENROLMENT_BYTES + 1))
