"""What can go wrong with Tor; each docstring is the sentence that a person reads."""


class TorError(Exception):
    """Tor cannot do what was asked of it."""


class TorMissing(TorError):
    """The program tor is not on this machine."""


class TorRefused(TorError):
    """Tor does not accept this configuration."""


class TorNotRunning(TorError):
    """No tor answers at this control socket."""


class NetworkNotReady(TorError):
    """The private Tor network did not come up in time."""


class TorUnreachable(TorError):
    """Tor did not get into the real network in time."""


class MalformedClientKey(TorError):
    """A client's public key is 52 letters and digits of base 32 for 32 bytes."""


class UnsafeAuthorization(TorError):
    """Without a valid client file tor would let everybody in."""
