"""
Enrolments: how an officer's desk introduces itself.

    desk  --enrolment-->  keeper of the organisation's key  --certified-->  server

One small JSON file makes the whole way.  The desk writes it with its bare public
key; the keeper of the organisation's key replaces the key by the same one with a
certification; the server admits the officer.  Nothing in it is secret.

Specified in docs/spec/enrolment.md.  This module does no I/O.
"""

from typing import Annotated, Literal, Self

from pydantic import Field

from casework import strict
from casework.errors import CaseworkError
from casework.strict import Identity, StrictModel
from casework.text import CleanLine

OFFICER_NAME_CHARACTERS = 100
# An armored key of 256 KiB, and what JSON adds to its line ends.
CERTIFICATE_CHARACTERS = 256 * 1024
ENROLMENT_BYTES = 512 * 1024

OfficerName = Annotated[
    str, Field(min_length=1, max_length=OFFICER_NAME_CHARACTERS), CleanLine
]


# A public key in ASCII armor (RFC 9580, section 6.2).
Certificate = Annotated[
    str,
    Field(
        min_length=1,
        max_length=CERTIFICATE_CHARACTERS,
        pattern=r"^[\x20-\x7e\n]*$",
    ),
]


class MalformedEnrolment(CaseworkError):
    """The file is not an enrolment as a desk writes it."""


class Enrolment(StrictModel):
    """
    An officer who is to be, or has been, certified.

    Attributes:
        name: As the other officers know them; it may be a function.

        desk_id: Chosen at random by the desk, once and for all.

        certificate: The officer's public key, armored.
    """

    version: Literal[1] = 1
    name: OfficerName
    desk_id: Identity
    certificate: Annotated[Certificate, Field(repr=False)]

    def to_json(self) -> bytes:
        """Write an enrolment file."""
        return strict.render(self)

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """
        Read an enrolment file.

        Raises:
            MalformedEnrolment: If it is not exactly as `to_json` writes it, but
                for white space and the order of keys.
        """
        return strict.parse(
            cls, content, limit_bytes=ENROLMENT_BYTES, malformed=MalformedEnrolment
        )

    def certified(self, certificate: bytes) -> Self:
        """
        Return the enrolment with the certified key in place of the bare one.

        Raises:
            MalformedEnrolment: If *certificate* is not armored.
        """
        content = self.model_copy(
            update={"certificate": certificate.decode("ascii", "replace")}
        )
        # model_copy checks nothing; what is written must be readable.
        return self.parse(content.to_json())
