"""What the courier can refuse."""


class CourierError(Exception):
    """The courier did not carry it, and nothing was changed."""


class ForeignOutbox(CourierError):
    """The outbox is for another installation; nothing of it was applied."""


class NotTheirDesk(CourierError):
    """The officer who signed the outbox does not have the desk it names."""
