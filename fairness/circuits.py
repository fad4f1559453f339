"""
Circuits: which requests came the same way, without knowing which way.

Tor says it (docs/spec/tor.md), `ops.circuits` reads it, and a request carries it in
its environment for as long as it lasts.  Here it becomes a pseudonym:

    pseudonym = HMAC-SHA256(key of this process, circuit), 16 bytes

The key is drawn at the start of the process and is kept nowhere, so that a pseudonym
found in its memory names no circuit in the memory of tor.
"""

import hashlib
import hmac
from typing import NewType

Circuit = NewType("Circuit", str)
"""Equal for requests of one circuit; means nothing once the circuit has ended."""

CIRCUIT = "bisik.circuit"
"""Where a request's environment has its circuit, or None without Tor."""

Pseudonym = NewType("Pseudonym", bytes)

KEY_BYTES = 32
PSEUDONYM_BYTES = 16


class Pseudonyms:
    """What circuits are called in this process."""

    def __init__(self, key: bytes) -> None:
        """
        Args:
            key: 32 random bytes of this process.

        Raises:
            ValueError: If *key* has another length.
        """
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of pseudonyms must be {KEY_BYTES} bytes")
        self._key = key

    def of(self, circuit: Circuit | None) -> Pseudonym | None:
        """Return what a circuit is called; None where nobody can be told apart."""
        if circuit is None:
            return None
        digest = hmac.digest(self._key, circuit.encode("utf-8"), hashlib.sha256)
        return Pseudonym(digest[:PSEUDONYM_BYTES])
