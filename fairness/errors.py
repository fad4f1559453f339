"""Why somebody is asked to wait."""


class AskedToWait(Exception):
    """Too much is asked of this site at the moment; nothing has changed."""


class Crowded(AskedToWait):
    """Too many wait already, or it took too long."""


class AllowanceSpent(AskedToWait):
    """This circuit has had its share of this minute."""
