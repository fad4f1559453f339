"""
Hanging up: a command that ends the session it was typed in.

What ends the administrators' service and begins it anew may come through that service.
It must not end half-way, or nobody would get in any more.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def outliving_hang_up() -> Iterator[None]:
    """Go on to the end of the block when the terminal is gone."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
