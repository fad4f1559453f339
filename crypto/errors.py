"""The root of everything that can go wrong in `crypto`."""


class CryptoError(Exception):
    """A cryptographic step was refused, and nothing was changed by it."""
