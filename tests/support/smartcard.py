"""
Key pairs as they are after `keytocard`: gpg's home has a stub, the card has the key.

    before  (private-key (ecc (curve ..)(flags ..)(q #..#)(d #..#)))
    after   (shadowed-private-key (ecc (curve ..)(flags ..)(q #..#)
                (shadowed t1-v1 (#serial number# OPENPGP.2))))

gpg-agent keeps such a stub for each key of a card, whether the card is in a reader or
not, and gpg lists the card's serial number (GnuPG's agent/keyformat.txt, "Shadowed
Private Key Format", and doc/DETAILS, field 15).  So a listing of a card's keys is real
without a card; only using them is not possible.
"""

import re
from pathlib import Path

# Of an OpenPGP card (its application identifier), as the test cards of GnuPG have it.
SERIAL_NUMBER = "D2760001240102000005000000010000"
_KEY = re.compile(
    rb"\(private-key \(ecc (\(curve [^)]*\)\s*(?:\(flags [^)]*\)\s*)?"
    rb"\(q\s[^)]*\))",
    re.DOTALL,
)


def move_to_card(home: Path, keygrip: str, *, slot: int) -> None:
    """
    Leave of a private key in *home* what a card leaves.

    Args:
        home: The GNUPGHOME; the key has no passphrase, and no agent runs.

        keygrip: Of the key.

        slot: Of the card: 1 signs, 2 opens, 3 authenticates.
    """
    path = home / "private-keys-v1.d" / f"{keygrip}.key"
    public = _KEY.search(path.read_bytes())
    assert public is not None
    stub = (
        b"Key: (shadowed-private-key (ecc %s(shadowed t1-v1 (#%s# OPENPGP.%d))))\n"
        % (b" ".join(public[1].split()), SERIAL_NUMBER.encode(), slot)
    )
    path.write_bytes(stub)
