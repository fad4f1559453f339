r"""
An OpenPGP card without plastic: it answers the commands that GnuPG sends to one.

    gpg - gpg-agent - scdaemon - pcscd - vpcd  -->  APDU  -->  this card
    \_______________ as Debian ships them _____/               our emulation

Keys are imported (`keytocard`) and never come out again; signing and opening need the
user's PIN, changing anything the admin's, and each has three tries.  A card that is
pulled out forgets which PINs it heard, and nothing else.

The application is "Functional Specification of the OpenPGP application on ISO Smart
Card Operating Systems", version 3.4; commands and answers are ISO/IEC 7816-4.  Of it
there is what a desk needs: Ed25519 in the slot that signs, X25519 in the slot that
opens.  There is no RSA, no generation on the card, no authentication key, no reset, no
secure messaging, no command above 255 bytes.  It withstands nobody who attacks it: it
shows what our programs do with a card, and nothing about any card that one can buy.
"""

import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# As every card leaves the factory (section 4.2).
USER_PIN, ADMIN_PIN = "123456", "12345678"
TRIES = 3
# Manufacturer FFFE is for tests; the rest is a number of the card (section 4.2.1).
_SERIAL_NUMBER = "D2760001240103" + "04" + "FFFE" + "{:08}" + "0000"
_AID_PREFIX = bytes.fromhex(_SERIAL_NUMBER[:12])
_PIN_BYTES = 64
# Category 00; selection by name; no chaining, no extended length (section 6.1).
_HISTORICAL = bytes.fromhex("0031c573c00100059000")
# Imports keys, may be told not to forget the PIN, and to use other algorithms
# (section 4.4.3.7).
_CAPABILITIES = bytes.fromhex("34000000000000ff0000")
# Names of keys in commands (section 4.4.3.12), as they come in the data objects.
_SIGNS, _OPENS, _AUTHENTICATES = 0xB6, 0xB8, 0xA4
_SLOTS = (_SIGNS, _OPENS, _AUTHENTICATES)
# Of a new card: RSA of 2048 bits, of which this one knows only the name.
_RSA_2048 = bytes.fromhex("010800001100")
_ED25519 = bytes.fromhex("162b06010401da470f01")
_X25519 = bytes.fromhex("122b060104019755010501")
# PW1 for signing, PW1 for opening, PW3.
_SIGN, _OPEN, _ADMIN = 0x81, 0x82, 0x83
_KEY_BYTES = 32
_NATIVE_POINT = 0x40

# Status words (ISO/IEC 7816-4, table 5 and 6; section 7.1).
_DONE = b"\x90\x00"
_TRIES_LEFT = 0x63C0
_WRONG_LENGTH = b"\x67\x00"
_NOT_VERIFIED = b"\x69\x82"
_BLOCKED = b"\x69\x83"
_WRONG_DATA = b"\x6a\x80"
_NO_FILE = b"\x6a\x82"
_NO_OBJECT = b"\x6a\x88"
_UNKNOWN_COMMAND = b"\x6d\x00"
_NO_CHAINING = b"\x68\x84"

PrivateKey = Ed25519PrivateKey | X25519PrivateKey


class _RefusedError(Exception):
    """A status word that is no success."""


@dataclass
class OpenPGPCard:
    """
    One card, from the factory.

    Attributes:
        number: Which one it is.

        forces_pin: Whether it wants the PIN before every single signature.

        signatures: How many it has made.

        opened: How often it opened something.
    """

    number: int = 1
    forces_pin: bool = False
    signatures: int = 0
    opened: int = 0
    _pins: dict[int, bytes] = field(
        default_factory=lambda: {_SIGN: USER_PIN.encode(), _ADMIN: ADMIN_PIN.encode()},
        repr=False,
    )
    _left: dict[int, int] = field(
        default_factory=lambda: {_SIGN: TRIES, _ADMIN: TRIES}, repr=False
    )
    _verified: set[int] = field(default_factory=set, repr=False)
    _keys: dict[int, PrivateKey] = field(default_factory=dict, repr=False)
    _algorithms: dict[int, bytes] = field(
        default_factory=lambda: dict.fromkeys(_SLOTS, _RSA_2048), repr=False
    )
    _fingerprints: list[bytes] = field(
        default_factory=lambda: [bytes(20)] * len(_SLOTS), repr=False
    )
    _made: list[bytes] = field(
        default_factory=lambda: [bytes(4)] * len(_SLOTS), repr=False
    )
    _objects: dict[int, bytes] = field(default_factory=dict, repr=False)

    @property
    def answer_to_reset(self) -> bytes:
        """What it says when power comes (ISO/IEC 7816-3): protocol T=1."""
        said = bytes.fromhex("3bda18ff81b1fe751f03") + _HISTORICAL
        check = 0
        for byte in said[1:]:
            check ^= byte
        return said + bytes([check])

    @property
    def _identifier(self) -> bytes:
        return bytes.fromhex(_SERIAL_NUMBER.format(self.number))

    @property
    def tries_left(self) -> int:
        """How often the user's PIN may still be wrong."""
        return self._left[_SIGN]

    @property
    def fingerprints(self) -> tuple[str, str]:
        """Of the keys that sign and open, as GnuPG wrote them on the card."""
        return self._fingerprints[0].hex().upper(), self._fingerprints[1].hex().upper()

    def power_off(self) -> None:
        """Forget which PINs were heard."""
        self._verified.clear()

    def respond(self, untrusted_command: bytes) -> bytes:
        """Return the answer to one command: what it is about, and the status word."""
        if len(untrusted_command) < 4:
            return _WRONG_LENGTH
        kind, instruction, first, second = untrusted_command[:4]
        if kind != 0:
            return _NO_CHAINING
        rest = untrusted_command[4:]
        # Behind the data, or instead of them: how much is expected (case 1 to 4).
        length = rest[0] if len(rest) > 1 else 0
        content = rest[1 : 1 + length]
        if len(content) != length or len(rest) > length + 2:
            return _WRONG_LENGTH
        try:
            return self._act(instruction, first, second, content)
        except _RefusedError as refusal:
            word: bytes = refusal.args[0]
            return word

    def _act(self, instruction: int, first: int, second: int, content: bytes) -> bytes:
        # Section 7.2, by the name of each command.
        match instruction, first, second:
            case 0xA4, 0x04, _:
                self._verified.clear()
                return _DONE if content.startswith(_AID_PREFIX) else _NO_FILE
            case 0xA4, _, _:
                return _NO_FILE
            case 0xCA, _, _:
                return self._read(first << 8 | second) + _DONE
            case 0x20, 0x00, _:
                return self._verify(second, content)
            case 0x24, 0x00, _:
                return self._change_pin(second, content)
            case 0x2C, 0x02, 0x81:
                return self._unblock(content)
            case 0xDA, _, _:
                return self._write(first << 8 | second, content)
            case 0xDB, 0x3F, 0xFF:
                return self._import_key(content)
            case 0x47, 0x81, 0x00:
                return self._public_key(content[0])
            case 0x2A, 0x9E, 0x9A:
                return self._sign(content)
            case 0x2A, 0x80, 0x86:
                return self._agree(content)
        return _UNKNOWN_COMMAND

    def _read(self, name: int) -> bytes:
        """GET DATA, section 7.2.6: an object, or several in one that holds them."""
        status = (
            bytes([not self.forces_pin, _PIN_BYTES, _PIN_BYTES, _PIN_BYTES])
            + bytes([self._left[_SIGN], 0])
            + bytes([self._left[_ADMIN]])
        )
        match name:
            case 0x4F:
                return self._identifier
            case 0x5F52:
                return _HISTORICAL
            case 0xC4:
                return status
            case 0x6E:
                algorithms = [
                    _object(0xC1 + place, self._algorithms[slot])
                    for place, slot in enumerate(_SLOTS)
                ]
                discretionary = [
                    _object(0xC0, _CAPABILITIES),
                    *algorithms,
                    _object(0xC4, status),
                    _object(0xC5, b"".join(self._fingerprints)),
                    _object(0xC6, bytes(60)),
                    _object(0xCD, b"".join(self._made)),
                ]
                inner = _object(0x4F, self._identifier) + _object(0x5F52, _HISTORICAL)
                return _object(0x6E, inner + _object(0x73, b"".join(discretionary)))
            case 0x65:
                about = (0x5B, 0x5F2D, 0x5F35)
                inner = b"".join(
                    _object(tag, self._objects.get(tag, b"")) for tag in about
                )
                return _object(0x65, inner)
            case 0x7A:
                return _object(0x7A, _object(0x93, self.signatures.to_bytes(3, "big")))
            case 0x5E | 0x5F50:
                return self._objects.get(name, b"")
        raise _RefusedError(_NO_OBJECT)

    def _verify(self, which: int, pin: bytes) -> bytes:
        counted = _ADMIN if which == _ADMIN else _SIGN
        if which not in (_SIGN, _OPEN, _ADMIN):
            return _WRONG_DATA
        if not pin:
            if which in self._verified:
                return _DONE
            return (_TRIES_LEFT | self._left[counted]).to_bytes(2, "big")
        self._check(counted, pin)
        self._verified.add(which)
        return _DONE

    def _check(self, counted: int, pin: bytes) -> None:
        """Compare a PIN, and count the times when it is wrong."""
        if self._left[counted] == 0:
            raise _RefusedError(_BLOCKED)
        if not hmac.compare_digest(pin, self._pins[counted]):
            self._verified -= {_ADMIN} if counted == _ADMIN else {_SIGN, _OPEN}
            self._left[counted] -= 1
            left = self._left[counted]
            word = (_TRIES_LEFT | left).to_bytes(2, "big")
            raise _RefusedError(word if left else _BLOCKED)
        self._left[counted] = TRIES

    def _change_pin(self, which: int, content: bytes) -> bytes:
        """CHANGE REFERENCE DATA: the old one, and the new one right behind it."""
        length = len(self._pins[which])
        self._check(which, content[:length])
        self._pins[which] = content[length:]
        return _DONE

    def _unblock(self, new_pin: bytes) -> bytes:
        """RESET RETRY COUNTER, by whoever knows the admin's PIN."""
        self._need(_ADMIN)
        self._pins[_SIGN] = new_pin
        self._left[_SIGN] = TRIES
        return _DONE

    def _write(self, name: int, content: bytes) -> bytes:
        """PUT DATA, section 7.2.8."""
        self._need(_ADMIN)
        match name:
            case 0xC1 | 0xC2 | 0xC3:
                slot = _SLOTS[name - 0xC1]
                self._algorithms[slot] = content
                # Section 4.4.3.10: a key of another algorithm is gone.
                self._keys.pop(slot, None)
            case 0xC4:
                self.forces_pin = content[0] == 0
            case 0xC7 | 0xC8 | 0xC9:
                self._fingerprints[name - 0xC7] = content
            case 0xCE | 0xCF | 0xD0:
                self._made[name - 0xCE] = content
            case 0x5B | 0x5E | 0x5F2D | 0x5F35 | 0x5F50:
                self._objects[name] = content
            case _:
                return _NO_OBJECT
        return _DONE

    def _import_key(self, content: bytes) -> bytes:
        """PUT DATA of an extended header list, section 4.4.3.12."""
        self._need(_ADMIN)
        parts = dict(_parse_objects(dict(_parse_objects(content))[0x4D]))
        (slot,) = set(_SLOTS) & parts.keys()
        # Tags and lengths; what they are about follows together in 5F48.
        template = parts[0x7F48]
        if template[0] != 0x92:
            return _WRONG_DATA
        secret = parts[0x5F48][: template[1]].lstrip(b"\0").rjust(_KEY_BYTES, b"\0")
        if self._algorithms[slot] == _ED25519 and slot == _SIGNS:
            self._keys[slot] = Ed25519PrivateKey.from_private_bytes(secret)
        elif self._algorithms[slot] == _X25519 and slot == _OPENS:
            # GnuPG writes the number with its highest byte first; RFC 7748 does not.
            self._keys[slot] = X25519PrivateKey.from_private_bytes(secret[::-1])
        else:
            return _WRONG_DATA
        if slot == _SIGNS:
            self.signatures = 0
        return _DONE

    def _public_key(self, slot: int) -> bytes:
        """GENERATE ASYMMETRIC KEY PAIR, which also tells the public half of one."""
        if slot not in self._keys:
            return _NO_OBJECT
        point = self._keys[slot].public_key()
        raw = point.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return _object(0x7F49, _object(0x86, raw)) + _DONE

    def _sign(self, content: bytes) -> bytes:
        """PSO: COMPUTE DIGITAL SIGNATURE, section 7.2.10."""
        self._need(_SIGN)
        key = self._keys.get(_SIGNS)
        if not isinstance(key, Ed25519PrivateKey):
            return _NO_OBJECT
        if self.forces_pin:
            self._verified.discard(_SIGN)
        self.signatures += 1
        return key.sign(content) + _DONE

    def _agree(self, content: bytes) -> bytes:
        """PSO: DECIPHER, section 7.2.11: here a step of a key agreement."""
        self._need(_OPEN)
        key = self._keys.get(_OPENS)
        if not isinstance(key, X25519PrivateKey):
            return _NO_OBJECT
        cipher = dict(_parse_objects(content))[0xA6]
        point = dict(_parse_objects(dict(_parse_objects(cipher))[0x7F49]))[0x86]
        if len(point) == _KEY_BYTES + 1 and point[0] == _NATIVE_POINT:
            point = point[1:]
        self.opened += 1
        return key.exchange(X25519PublicKey.from_public_bytes(point)) + _DONE

    def _need(self, which: int) -> None:
        if which not in self._verified:
            raise _RefusedError(_NOT_VERIFIED)


def _object(tag: int, content: bytes) -> bytes:
    """Write a data object (ISO/IEC 7816-4, BER-TLV) below 256 bytes."""
    name = tag.to_bytes(2 if tag > 0xFF else 1, "big")
    length = bytes([len(content)])
    if len(content) > 0x7F:
        length = b"\x81" + length
    return name + length + content


def _parse_objects(content: bytes) -> list[tuple[int, bytes]]:
    """Read data objects one behind the other."""
    found = []
    while content:
        # Five bits that are all set say that the tag goes on.
        tag_bytes = 2 if content[0] & 0x1F == 0x1F else 1
        tag = int.from_bytes(content[:tag_bytes], "big")
        length, start = content[tag_bytes], tag_bytes + 1
        if length == 0x81:
            length, start = content[start], start + 1
        found.append((tag, content[start : start + length]))
        content = content[start + length :]
    return found
