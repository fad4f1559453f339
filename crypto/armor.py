"""
ASCII armor: OpenPGP as text, for mail and for people (RFC 9580, section 6).

    -----BEGIN PGP MESSAGE-----
                                      an empty line: no headers
    base64, 64 letters a line
    =CRC24
    -----END PGP MESSAGE-----

The checksum protects nothing, and RFC 9580 (6.1) would do without it.  But GnuPG 2.2
takes an armor without one for damaged whenever the base64 ends without "=", which is
for every third length.
"""

import base64
from typing import Final

COLUMNS: Final = 64
MESSAGE: Final = "MESSAGE"
PUBLIC_KEY_BLOCK: Final = "PUBLIC KEY BLOCK"

# RFC 9580, section 6.1.1.
_CRC24_START: Final = 0xB704CE
_CRC24_GENERATOR: Final = 0x864CFB


def armored_lines(content: bytes, *, kind: str) -> list[str]:
    """
    Armor what is in OpenPGP's binary form.

    Args:
        content: Whole packets.

        kind: MESSAGE or PUBLIC_KEY_BLOCK.

    Returns:
        The lines, without their ends.
    """
    encoded = base64.b64encode(content).decode("ascii")
    checksum = base64.b64encode(_crc24(content).to_bytes(3, "big")).decode("ascii")
    return [
        f"-----BEGIN PGP {kind}-----",
        "",
        *(encoded[at : at + COLUMNS] for at in range(0, len(encoded), COLUMNS)),
        f"={checksum}",
        f"-----END PGP {kind}-----",
    ]


def _crc24(content: bytes) -> int:
    crc = _CRC24_START
    for byte in content:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1000000 | _CRC24_GENERATOR
    return crc
