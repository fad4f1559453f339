"""Private keys: what opens, what does not, and what is left running."""

import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import pytest
from support.opening import opened
from support.openpgp_world import World

from crypto.agent import AgentHome
from crypto.certificates import generate_officer_key
from crypto.gpg import GpgMissing
from crypto.home import SOCKET_PATH_BYTES
from crypto.opening import (
    CannotOpen,
    CannotSign,
    SecretKeyring,
)
from crypto.openpgp import Fingerprint, Keyring
from crypto.passphrase import UnusablePassphrase

TODAY = date(2026, 11, 24)
LEAVING_AN_AGENT = """
import sys
from pathlib import Path
from crypto.agent import AgentHome
with AgentHome(Path(sys.argv[1])) as agent:
    agent.start()
    print("started", flush=True)
    sys.stdin.read()
"""
PASSPHRASE = b" kata \xc3\xa9 sandi\xff "


def sealed_to(keyring: Keyring, key: Fingerprint, content: bytes) -> bytes:
    """Seal bytes to one key."""
    sealed: list[bytes] = []
    with keyring.sealing([key], sink=sealed.append, day=TODAY) as sealing:
        sealing.write(content)
    return b"".join(sealed)


def sealed_by_hand(home: Path, key: Fingerprint, content: bytes) -> bytes:
    """Seal to a key that nobody certified."""
    return subprocess.run(
        ["gpg", "--homedir", str(home), "--no-options", "--batch", "--no-autostart"]
        + ["--trust-model", "always", "--faked-system-time", "20261124T235959!"]
        + ["--encrypt", "--recipient", key],
        input=content,
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout


def new_officer(home: Path, passphrase: bytes | None = None) -> Fingerprint:
    """Make a key pair with a home of its own."""
    return generate_officer_key(
        home,
        name="Petugas Uji",
        email="petugas@example.test",
        expires_days=365,
        passphrase=passphrase,
        today=TODAY,
    )


def agents_of(home: Path) -> list[str]:
    """Return the command lines of living agents of a home."""
    commands = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().decode()
        except OSError:
            continue
        if "gpg-agent" in command and str(home) in command:
            commands.append(command)
    return commands


def no_agent_soon(home: Path) -> bool:
    """Wait a little for an agent to be gone."""
    deadline = time.monotonic() + 5
    while agents_of(home) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not agents_of(home)


def refused(desk: SecretKeyring, sealed: bytes) -> str:
    """Return the words with which a message is refused."""
    with pytest.raises(CannotOpen) as refusal:
        opened(desk, sealed)
    return str(refusal.value)


def test_changed_item(world: World, keyring: Keyring, desk: SecretKeyring) -> None:
    """
    Whichever part of an item is changed, it does not open.
    """
    sealed = sealed_to(keyring, world.key["ani"], bytes(100_000))
    for place in (0, 1, 5, 20, 60, 96, 97, 100, 200, 50_000, -30, -1):
        changed = bytearray(sealed)
        changed[place] ^= 0x01
        assert refused(desk, bytes(changed))


def test_cut_or_lengthened_item(
    world: World, keyring: Keyring, desk: SecretKeyring
) -> None:
    """
    An item that lacks something, or has more than itself, does not open.
    """
    sealed = sealed_to(keyring, world.key["ani"], bytes(100_000))
    other = sealed_to(keyring, world.key["ani"], b"x")

    for end in (0, 1, 50, 96, 98, 5000, len(sealed) - 1):
        assert refused(desk, sealed[:end])
    assert "follows the end" in refused(desk, sealed + b"\0")
    assert "follows the end" in refused(desk, sealed + other)
    assert refused(desk, other + sealed)


def test_item_for_somebody_else(world: World, keyring: Keyring, tmp_path: Path) -> None:
    """
    Without the right private key nothing opens, and the reason is said.
    """
    new_officer(tmp_path / "other")
    with SecretKeyring(tmp_path / "other") as other:
        words = refused(other, sealed_to(keyring, world.key["ani"], b"laporan"))
    assert "no secret key" in words


def test_other_kinds_of_message(world: World, desk: SecretKeyring) -> None:
    """
    What is not sealed to a key is refused: signed, sealed with a passphrase,
    armored, compressed, plain.
    """
    for arguments in (
        ["--sign", "--local-user", world.key["ani"]],
        ["--passphrase", "kata sandi", "--symmetric"],
        ["--store"],
        ["--armor", "--trust-model", "always", "--encrypt", "-r", world.key["ani"]],
    ):
        message = world.gpg(*arguments, at="20261124T120000", content=b"laporan")
        assert refused(desk, message)
    assert refused(desk, b"laporan")


def test_reader_ends_it(
    world: World, keyring: Keyring, desk: SecretKeyring, tmp_path: Path
) -> None:
    """
    A reader that has enough stops gpg, and what it raised is what is raised.
    """
    enough = ValueError("too much")

    def limited(plaintext: BinaryIO) -> None:
        plaintext.read(200_000)
        raise enough

    sealed = tmp_path / "sealed"
    sealed.write_bytes(sealed_to(keyring, world.key["ani"], bytes(5_000_000)))
    with pytest.raises(ValueError, match="too much") as refusal:
        desk.open(sealed, reader=limited)

    assert enough is refusal.value


def test_gpg_is_heard_before_a_reader(
    world: World, keyring: Keyring, tmp_path: Path
) -> None:
    """
    A reader that finds nothing to read, because gpg gave nothing, is not to blame.
    """
    sealed = tmp_path / "sealed"
    sealed.write_bytes(sealed_to(keyring, world.key["ani"], b"laporan"))

    def particular(plaintext: BinaryIO) -> None:
        raise ValueError(plaintext.read())

    new_officer(tmp_path / "other")
    with (
        SecretKeyring(tmp_path / "other") as other,
        pytest.raises(CannotOpen, match="no secret key"),
    ):
        other.open(sealed, reader=particular)


def test_reader_has_to_read_all(
    world: World, keyring: Keyring, desk: SecretKeyring, tmp_path: Path
) -> None:
    """
    Whether a message is whole is known at its end only, so what was left is refused.
    """
    sealed = tmp_path / "sealed"
    sealed.write_bytes(sealed_to(keyring, world.key["ani"], bytes(5_000_000)))
    with pytest.raises(CannotOpen, match="more was sealed than was read"):
        desk.open(sealed, reader=lambda plaintext: plaintext.read(1000))


def test_compressed_content_is_bounded_by_the_reader(
    world: World, desk: SecretKeyring, tmp_path: Path
) -> None:
    """
    A small message that would grow without end is stopped by the reader as well.
    """
    bomb = world.gpg(
        "--trust-model",
        "always",
        "--compress-algo",
        "zlib",
        "--encrypt",
        "-r",
        world.key["ani"],
        at="20261124T120000",
        content=bytes(50_000_000),
    )
    assert len(bomb) < 100_000

    def limited(plaintext: BinaryIO) -> None:
        raise ValueError(len(plaintext.read(1_000_000)))

    sealed = tmp_path / "sealed"
    sealed.write_bytes(bomb)
    with pytest.raises(ValueError, match="1000000"):
        desk.open(sealed, reader=limited)


def test_reading_fails(desk: SecretKeyring, tmp_path: Path) -> None:
    """
    What is not there, or cannot be read, does not open, and the reason is said.
    """
    for sealed, reason in (
        (tmp_path / "pulled out", "No such file"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(CannotOpen, match=reason):
            desk.open(sealed, reader=lambda plaintext: plaintext.read())


def test_passphrase(tmp_path: Path) -> None:
    """
    The passphrase is used byte for byte; a wrong one, or none, opens nothing.
    """
    home = tmp_path / "home"
    key = new_officer(home, PASSPHRASE)
    sealed = sealed_by_hand(home, key, b"laporan")

    for wrong in (b"salah", PASSPHRASE.strip()):
        with SecretKeyring(home, passphrase=wrong) as desk:
            assert refused(desk, sealed)
            with pytest.raises(CannotSign):
                desk.sign_detached(b"isi", signer=key, day=TODAY)
    with SecretKeyring(home) as desk:
        assert refused(desk, sealed)
    with SecretKeyring(home, passphrase=PASSPHRASE) as desk:
        assert b"laporan" == opened(desk, sealed)
        assert desk.sign_detached(b"isi", signer=key, day=TODAY)
        assert (key,) == desk.fingerprints()


@pytest.mark.parametrize("passphrase", [b"", b"a\nb", b"a\rb", b"a\0b", b"x" * 256])
def test_unusable_passphrase(tmp_path: Path, passphrase: bytes) -> None:
    """
    A passphrase that gpg would understand otherwise is refused beforehand.
    """
    with pytest.raises(UnusablePassphrase):
        SecretKeyring(tmp_path / "home", passphrase=passphrase)
    assert not (tmp_path / "home").exists()


def test_longest_passphrase(tmp_path: Path) -> None:
    """
    255 bytes are used to the last one.
    """
    home = tmp_path / "home"
    longest = b"k" * 254 + b"x"
    key = new_officer(home, longest)
    with (
        SecretKeyring(home, passphrase=longest[:-1]) as desk,
        pytest.raises(CannotSign),
    ):
        desk.sign_detached(b"isi", signer=key, day=TODAY)
    with SecretKeyring(home, passphrase=longest) as desk:
        assert desk.sign_detached(b"isi", signer=key, day=TODAY)


def test_passphrase_is_not_shown(tmp_path: Path) -> None:
    """
    Neither repr nor an error holds it.
    """
    with SecretKeyring(tmp_path / "home", passphrase=b"rahasia") as desk:
        assert "rahasia" not in repr(desk)
        assert "rahasia" not in refused(desk, b"")


@pytest.mark.parametrize("name", ["expired", "revoked"])
def test_unfit_key_does_not_sign(world: World, desk: SecretKeyring, name: str) -> None:
    """
    What nobody would accept is not made.
    """
    with pytest.raises(CannotSign):
        desk.sign_detached(b"isi", signer=world.key[name], day=TODAY)


def test_key_of_somebody_else_does_not_sign(world: World, desk: SecretKeyring) -> None:
    """
    The organisation's private key is in another home.
    """
    with pytest.raises(CannotSign):
        desk.sign_detached(b"isi", signer=world.organisation, day=TODAY)


def test_agent_is_ended(tmp_path: Path) -> None:
    """
    What we caused to start, we end, and closing twice does no harm.
    """
    home = tmp_path / "home"
    key = new_officer(home)
    assert no_agent_soon(home)

    desk = SecretKeyring(home)
    desk.sign_detached(b"isi", signer=key, day=TODAY)
    assert 1 == len(agents_of(home))
    desk.close()
    desk.close()

    assert no_agent_soon(home)


def test_agent_of_others_is_left(tmp_path: Path) -> None:
    """
    An agent that ran before us runs after us.
    """
    home = tmp_path / "home"
    key = new_officer(home)
    with SecretKeyring(home) as owner:
        owner.sign_detached(b"isi", signer=key, day=TODAY)
        with SecretKeyring(home) as guest:
            guest.sign_detached(b"isi", signer=key, day=TODAY)
        assert 1 == len(agents_of(home))
    assert no_agent_soon(home)


def test_agent_of_a_killed_program_is_ended(tmp_path: Path) -> None:
    """
    It may still know the passphrase, so the next program does not use it.
    """
    home = tmp_path / "home"
    key = new_officer(home)
    with subprocess.Popen(
        [sys.executable, "-c", LEAVING_AN_AGENT, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as program:
        assert program.stdout is not None
        assert b"started\n" == program.stdout.readline()
        with AgentHome(home):
            assert 1 == len(agents_of(home)), "somebody lives who uses it"
        program.kill()
    assert 1 == len(agents_of(home)), "it outlives what started it"

    with SecretKeyring(home) as desk:
        assert no_agent_soon(home)
        assert desk.sign_detached(b"isi", signer=key, day=TODAY)
    assert no_agent_soon(home)


def test_long_path(tmp_path: Path) -> None:
    """
    A home whose path is too long for a socket works all the same, and leaves no
    link and no agent behind.
    """
    home = tmp_path / ("panjang" * 12) / ("sekali" * 12)
    assert len(str(home)) > SOCKET_PATH_BYTES

    key = new_officer(home)
    with AgentHome(home) as agent:
        link = agent.path
        assert len(str(link)) < 60
    assert not link.parent.exists()
    with SecretKeyring(home) as desk:
        assert b"laporan" == opened(desk, sealed_by_hand(home, key, b"laporan"))
        short = desk._agent.path
    assert not short.exists()
    assert no_agent_soon(short)


@pytest.mark.parametrize("spare_bytes", range(-2, 4))
def test_path_at_the_limit(spare_bytes: int) -> None:
    """
    A home whose path is just short enough for a socket, or just too long, works.
    """
    length = SOCKET_PATH_BYTES - len("/S.gpg-agent.browser") - spare_bytes
    with TemporaryDirectory(dir="/tmp") as short:
        home = Path(short, "x" * (length - len(short) - 1))
        assert length == len(str(home))

        with SecretKeyring(home) as desk:
            key = new_officer(home)
            assert desk.sign_detached(b"isi", signer=key, day=TODAY)


def test_gpg_is_missing(tmp_path: Path) -> None:
    """
    Without gpg or gpgconf that is what the error says.
    """
    with pytest.raises(GpgMissing):
        SecretKeyring(tmp_path / "home", gpg_binary=str(tmp_path / "gpg"))
    with pytest.raises(GpgMissing):
        AgentHome(tmp_path / "home", gpgconf_binary=str(tmp_path / "gpgconf"))
