"""
Training: what tells an installation for practice from a real one.

    installation id, 16 bytes    |mark, 8|random, 8|     training
                                 |random, 16       |     a real one

The id is in every bundle and every outbox, and encrypted in every casebook, so that
none of them can be taken for the other kind: desks refuse bundles, and servers refuse
outboxes, of another installation anyway.  A real id has the mark once in 2**64 times.

Specified in docs/spec/training.md.
"""

import hashlib
from collections.abc import Callable

INSTALLATION_BYTES = 16
MARK = hashlib.sha256(b"bisik/v1/training").digest()[:8]


def training_installation(entropy: Callable[[int], bytes]) -> bytes:
    """Draw the id of an installation for training."""
    return MARK + entropy(INSTALLATION_BYTES - len(MARK))


def is_training(installation: bytes | None) -> bool:
    """Tell whether an installation is for training; one not yet known is not."""
    return installation is not None and installation.startswith(MARK)
