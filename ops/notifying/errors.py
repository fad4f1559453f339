"""What notifications refuse; each docstring is the sentence that a person reads."""

from ops.errors import OpsError


class UnusableRecipient(OpsError):
    """An address is NAME@HOST in ASCII, as short as 254 characters."""


class RecipientExists(OpsError):
    """This address is a recipient already."""


class UnknownRecipient(OpsError):
    """There is no recipient of this address."""


class MalformedRecipients(OpsError):
    """The file of recipients is not as it must be."""


class MalformedMailSettings(OpsError):
    """The file mail.toml is not as it must be."""


class MessageTooLarge(OpsError):
    """A notification does not fit into the size that all of them have."""


class NoPassword(OpsError):
    """The password of the mail account is not among this unit's credentials."""


class NotSent(OpsError):
    """The mail server was not reached, or did not take the messages."""
