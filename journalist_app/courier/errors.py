"""
What the courier can refuse.

    CourierError
      +- ForeignOutbox        the outbox is for another installation
      +- NotTheirDesk         whoever signed it has another desk
      +- SignInRefused        name, passphrase or one-time password
      +- UnsatisfiableRange   the bundle does not have the part that is asked for
"""


class CourierError(Exception):
    """The courier did not carry it, and nothing was changed."""


class ForeignOutbox(CourierError):
    """The outbox is for another installation; nothing of it was applied."""


class NotTheirDesk(CourierError):
    """The officer who signed the outbox does not have the desk it names."""


class SignInRefused(CourierError):
    """The name, the passphrase or the one-time password is wrong."""

    def __init__(self, *, wait_seconds: int = 0) -> None:
        """
        Args:
            wait_seconds: How long nothing is looked at; 0 for no wait.
        """
        super().__init__(self.__doc__)
        self.wait_seconds = wait_seconds


class UnsatisfiableRange(CourierError):
    """The bundle has nothing of the part that is asked for."""
