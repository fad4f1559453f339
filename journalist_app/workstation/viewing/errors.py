"""
What viewing can refuse.

    ViewingError
      +- SandboxMissing   bubblewrap cannot be run here
      +- CannotShow       the file could not be made into pictures
"""


class ViewingError(Exception):
    """The file was not shown."""


class SandboxMissing(ViewingError):
    """The sandbox cannot be used: install bubblewrap, and allow user namespaces."""


class CannotShow(ViewingError):
    """The file could not be made into pictures."""
