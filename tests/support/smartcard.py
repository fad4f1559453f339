"""
Key pairs as they are after `keytocard`: gpg's home has a stub, the card has the key.

There is the real command, for a card in a reader (support/openpgp_card.py), and what it
leaves in gpg's home, for tests without one:

    before  (private-key (ecc (curve ..)(flags ..)(q #..#)(d #..#)))
    after   (shadowed-private-key (ecc (curve ..)(flags ..)(q #..#)
                (shadowed t1-v1 (#serial number# OPENPGP.2))))

gpg-agent keeps such a stub for each key of a card, whether the card is in a reader or
not, and gpg lists the card's serial number (GnuPG's agent/keyformat.txt, "Shadowed
Private Key Format", and doc/DETAILS, field 15).  So a listing of a card's keys is real
without a card; only using them is not possible.
"""

import re
import subprocess
import time
from pathlib import Path

from crypto.agent import AgentHome
from crypto.smartcard import wait_for_card

# Of an OpenPGP card (its application identifier), as the test cards of GnuPG have it.
SERIAL_NUMBER = "D2760001240102000005000000010000"
_KEY = re.compile(
    rb"\(private-key \(ecc (\(curve [^)]*\)\s*(?:\(flags [^)]*\)\s*)?"
    rb"\(q\s[^)]*\))",
    re.DOTALL,
)


# What an officer types at the prompt of `gpg --edit-key`, as docs/guides/officer.en.md
# says: which key, into which slot, and that gpg is to keep a stub from now on.
OPENING = ("key 1", "keytocard", "2", "save")
SIGNING = ("keytocard", "y", "1", "save")


def keytocard(home: Path, key: str, typed: tuple[str, ...], *, at: str) -> None:
    """
    Move a key to the card that is in the reader, as an officer does.

    Args:
        home: The GNUPGHOME; its pinentry knows the passphrase and the admin PIN.

        key: Primary fingerprint.

        typed: `OPENING` or `SIGNING`.

        at: The time gpg is to believe in, as in "20261124T120000".
    """
    shown = ["--no-tty", "--command-fd", "0", "--status-fd", "1"]
    # Ends the agent that gpg starts.
    with AgentHome(home) as agent:
        assert wait_for_card(agent.ask, pause=time.sleep)
        edited = subprocess.run(
            [
                # By its short path, where that of the home is too long for sockets.
                *("gpg", "--homedir", str(agent.path), *shown),
                *("--faked-system-time", at, "--edit-key", key),
            ],
            input="".join(f"{line}\n" for line in typed),
            capture_output=True,
            text=True,
        )
    assert 0 == edited.returncode, edited.stdout + edited.stderr


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
