"""The root of everything that can go wrong in `casework`."""


class CaseworkError(Exception):
    """A step of the case work was refused, and nothing was changed by it."""
