"""Opening in a test: what is sealed and what comes out are bytes."""

from pathlib import Path
from tempfile import NamedTemporaryFile

from crypto.opening import SecretKeyring


def opened(keys: SecretKeyring, sealed: bytes) -> bytes:
    """Return what is in a message; raises `CannotOpen`."""
    with NamedTemporaryFile() as file:
        file.write(sealed)
        file.flush()
        return keys.open(Path(file.name), reader=lambda plaintext: plaintext.read())
