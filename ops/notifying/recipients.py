"""
Recipients: who gets a message a day, and the certificate it is sealed to.

    recipients.json    in the server directory, mode 0600

A notification certificate is not the key of a desk: that one is on a machine without a
network, and this message is to be read where mail is.  Whoever seizes the server reads
the addresses, so they should not be names; nothing here says which officer has which.
"""

import re
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from journalist_app.durable import new_file
from ops.notifying.errors import (
    MalformedRecipients,
    RecipientExists,
    UnknownRecipient,
    UnusableRecipient,
)

RECIPIENTS: Final = "recipients.json"
LONGEST_ADDRESS: Final = 254  # RFC 5321, section 4.5.3.1.3, without the brackets.
MOST_RECIPIENTS: Final = 100
# Of RFC 5321 what is plain: no quotes, no comments, no other letters.
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*"
)


class Audience(Enum):
    """For whom a message is; only operators are told how the server is."""

    OFFICER = "officer"
    OPERATOR = "operator"


class Recipient(BaseModel):
    """
    Somebody who gets a message a day.

    Attributes:
        address: Of a mailbox.

        audience: What is told.

        fingerprint: Of the certificate, as it was compared.

        certificate: The public key, armored.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    address: str
    audience: Audience
    fingerprint: Annotated[str, Field(pattern="^[0-9A-F]{40}$")]
    certificate: Annotated[str, Field(repr=False, max_length=400_000)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    version: Literal[1] = 1
    recipients: Annotated[tuple[Recipient, ...], Field(max_length=MOST_RECIPIENTS)] = ()


def parse_address(untrusted_text: str) -> str:
    """
    Read an address that can stand in a header and in an SMTP command as it is.

    Raises:
        UnusableRecipient: If it cannot.
    """
    text = untrusted_text.strip()
    if len(text) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(text):
        raise UnusableRecipient(UnusableRecipient.__doc__)
    return text


def read_recipients(directory: Path) -> tuple[Recipient, ...]:
    """
    Return the recipients of a server, in the order of their addresses.

    Raises:
        MalformedRecipients: If the file was changed by hand, and is wrong.
    """
    path = directory / RECIPIENTS
    try:
        file = _File.model_validate_json(path.read_bytes())
        for recipient in file.recipients:
            parse_address(recipient.address)
    except FileNotFoundError:
        return ()
    except (ValidationError, UnusableRecipient):
        raise MalformedRecipients(f"{path} is not as it must be") from None
    return tuple(sorted(file.recipients, key=lambda one: one.address))


def add_recipient(directory: Path, recipient: Recipient) -> None:
    """
    Add somebody.

    Raises:
        RecipientExists: If the address is taken; nothing is changed.

        UnusableRecipient: If there are too many.
    """
    present = read_recipients(directory)
    if recipient.address in {one.address for one in present}:
        raise RecipientExists(RecipientExists.__doc__)
    if len(present) >= MOST_RECIPIENTS:
        raise UnusableRecipient(f"there are {MOST_RECIPIENTS} recipients already")
    _write(directory, [*present, recipient])


def remove_recipient(directory: Path, address: str) -> None:
    """
    Remove somebody.

    Raises:
        UnknownRecipient: If there is nobody of this address.
    """
    present = read_recipients(directory)
    kept = [one for one in present if one.address != address]
    if len(kept) == len(present):
        raise UnknownRecipient(UnknownRecipient.__doc__)
    _write(directory, kept)


def _write(directory: Path, recipients: Sequence[Recipient]) -> None:
    file = _File(recipients=tuple(recipients))
    with new_file(directory / RECIPIENTS, replace=True) as out:
        out.write(file.model_dump_json(indent=1).encode())
