"""Nobody gets in by mistake: tor opens a service when it finds no valid key."""

import base64
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tor.authorization import (
    DECOY,
    AuthorizedClients,
    ClientExists,
    ClientKey,
    UnknownClient,
    UnusableClientName,
    client_of,
    new_client,
    parse_client_key,
)
from tor.errors import MalformedClientKey, UnsafeAuthorization

PREFIX = "descriptor:x25519:"
# RFC 7748, section 6.1: Alice's private key and her public one.
ALICE_PRIVATE = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
ALICE_PUBLIC = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"


def write(path: Path, content: bytes) -> None:
    """Write as the command does, as far as it matters here."""
    path.write_bytes(content)


def base32(content: bytes) -> str:
    """Write bytes as tor does."""
    return base64.b32encode(content).decode().rstrip("=")


@pytest.fixture
def clients(tmp_path: Path) -> AuthorizedClients:
    """A new folder, with its decoy."""
    made = AuthorizedClients(tmp_path, write=write)
    made.prepare(os.urandom)
    return made


def folder_of(tmp_path: Path) -> Path:
    """Return where the files are."""
    return tmp_path / "authorized_clients"


def contents(tmp_path: Path) -> dict[str, bytes]:
    """Return every file of the folder."""
    return {path.name: path.read_bytes() for path in folder_of(tmp_path).iterdir()}


def a_key() -> ClientKey:
    """Return the public key of somebody."""
    return new_client(os.urandom).public_key


def test_the_pair_belongs_together() -> None:
    """The public half of the RFC's example is made of its private half."""
    private = bytes.fromhex(ALICE_PRIVATE)
    made = new_client(lambda size: private[:size])
    assert base32(bytes.fromhex(ALICE_PUBLIC)) == made.public_key
    assert base32(private) == made.private_key
    assert made == client_of(made.private_key)


def test_the_secret_half_is_not_shown() -> None:
    """Neither by repr nor in an error."""
    made = new_client(os.urandom)
    assert made.private_key not in repr(made)
    with pytest.raises(MalformedClientKey) as refused:
        client_of(made.private_key + "AAAA")
    assert made.private_key not in str(refused.value)


def test_the_line_for_the_officer() -> None:
    """It is that of tor(1), CLIENT AUTHORIZATION."""
    made = new_client(os.urandom)
    line = f"abc:{PREFIX}{made.private_key}"
    assert line == made.private_line("abc.onion") == made.private_line("abc")


@given(st.binary(min_size=32, max_size=32).filter(any))
def test_every_key_is_read_however_it_is_carried(key: bytes) -> None:
    """Bare or as tor's line, in capitals or not, padded or not."""
    text = base32(key)
    for carried in (text, text.lower(), f"{PREFIX}{text}\n", f" {text}====\n"):
        assert text == parse_client_key(carried)


@given(st.one_of(st.text(), st.text("ABCXYZ234567=", min_size=50, max_size=56)))
@example("")
@example("A" * 52)
@example(PREFIX)
@example("B" * 52)
def test_any_text_is_a_key_or_refused(text: str) -> None:
    """What is accepted has 32 bytes, and is written in one way only."""
    try:
        key = parse_client_key(text)
    except MalformedClientKey:
        return
    decoded = base64.b32decode(key + "====")
    assert (32, key) == (len(decoded), base32(decoded))


def test_there_is_always_a_decoy(clients: AuthorizedClients, tmp_path: Path) -> None:
    """It is nobody's, is not listed, and cannot be revoked or taken."""
    assert ["decoy.auth"] == list(contents(tmp_path))
    assert {} == clients.list()
    with pytest.raises(UnknownClient):
        clients.revoke(DECOY)
    with pytest.raises(UnusableClientName):
        clients.grant(DECOY, a_key())


def test_preparing_again_keeps_what_is_there(
    clients: AuthorizedClients, tmp_path: Path
) -> None:
    """Decoy and clients stay."""
    clients.grant("ani", a_key())
    before = contents(tmp_path)
    clients.prepare(os.urandom)
    assert before == contents(tmp_path)


def test_the_last_client_is_revoked(clients: AuthorizedClients, tmp_path: Path) -> None:
    """Tor still finds a valid key: the decoy's."""
    key = a_key()
    clients.grant("ani", key)
    assert {"ani": key} == clients.list()
    clients.revoke("ani")
    assert {} == clients.list()
    (left,) = contents(tmp_path).values()
    assert left.startswith(PREFIX.encode())
    parse_client_key(left.decode())


def test_a_name_is_given_once(clients: AuthorizedClients, tmp_path: Path) -> None:
    """A second key under the name is refused, and the first stays."""
    clients.grant("ani", a_key())
    before = contents(tmp_path)
    with pytest.raises(ClientExists):
        clients.grant("ani", a_key())
    assert before == contents(tmp_path)


@pytest.mark.parametrize("name", ["", "Ani", "../x", "a/b", ".a", "a.auth", "-a", "ä"])
def test_names_are_plain(clients: AuthorizedClients, tmp_path: Path, name: str) -> None:
    """A name can be no path."""
    with pytest.raises(UnusableClientName):
        clients.grant(name, a_key())
    assert ["decoy.auth"] == list(contents(tmp_path))


SPOILT = {
    "empty": ("ani.auth", b""),
    "garbage": ("ani.auth", b"\xff\x00"),
    "key of another type": ("ani.auth", b"descriptor:ed25519:" + b"B" * 52),
    "basic authorization": ("ani.auth", b"basic:x25519:" + b"B" * 52),
    "key too short": ("ani.auth", f"{PREFIX}{'B' * 51}".encode()),
    "zeros": ("ani.auth", f"{PREFIX}{'A' * 52}".encode()),
    "without its prefix": ("ani.auth", a_key().encode()),
    "private file": ("ani.auth_private", f"{PREFIX}{a_key()}".encode()),
    "left by an editor": ("ani.auth~", f"{PREFIX}{a_key()}".encode()),
}


@pytest.mark.parametrize("case", list(SPOILT))
def test_a_file_that_tor_passes_over_is_noticed(
    clients: AuthorizedClients, tmp_path: Path, case: str
) -> None:
    """Nothing is granted, revoked or listed before somebody has looked at it."""
    name, content = SPOILT[case]
    clients.grant("budi", a_key())
    (folder_of(tmp_path) / name).write_bytes(content)
    before = contents(tmp_path)
    for refused in (
        clients.check,
        clients.list,
        lambda: clients.grant("citra", a_key()),
        lambda: clients.revoke("budi"),
    ):
        with pytest.raises(UnsafeAuthorization):
            refused()
    assert before == contents(tmp_path)


def test_without_the_decoy_or_the_folder_nothing_is_believed(
    clients: AuthorizedClients, tmp_path: Path
) -> None:
    """Both are noticed, and `prepare` brings them back."""
    clients.grant("ani", a_key())
    (folder_of(tmp_path) / "decoy.auth").unlink()
    with pytest.raises(UnsafeAuthorization, match=r"decoy\.auth is missing"):
        clients.revoke("ani")
    assert ["ani.auth"] == list(contents(tmp_path))
    folder_of(tmp_path).rename(tmp_path / "elsewhere")
    with pytest.raises(UnsafeAuthorization, match="cannot be read"):
        clients.check()
    clients.prepare(os.urandom)
    assert {} == clients.list()
