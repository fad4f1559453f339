"""Sealing: what is made, and that nothing counts as made when anything failed."""

import os
import resource
import signal
import subprocess
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from support.opening import opened
from support.openpgp_world import World

from crypto.fingerprint import Fingerprint
from crypto.opening import SecretKeyring
from crypto.openpgp import (
    GpgDied,
    GpgMissing,
    Keyring,
    RecipientRefused,
    SealingFailed,
    SealingStalled,
    SinkFailed,
)
from crypto.packets import IncompleteMessage, read_envelope

TODAY = date(2026, 11, 24)
LARGE = bytes(5 * 1024 * 1024)


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """After every test: no gpg, no thread and no open file more than before."""
    threads, files = threading.active_count(), open_files()
    yield
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and (
        threading.active_count() > threads or gpg_processes()
    ):
        time.sleep(0.01)
    assert [] == gpg_processes()
    assert threads >= threading.active_count()
    assert files >= open_files()


def open_files() -> int:
    """Count our open descriptors."""
    return len(list(Path("/proc/self/fd").iterdir()))


def gpg_processes() -> list[int]:
    """Return the gpg processes, dead ones that nobody waited for included."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status = (entry / "stat").read_text()
        except OSError:
            continue
        name, rest = status.rpartition(")")[0], status.rpartition(")")[2].split()
        if name.endswith("(gpg") and int(rest[1]) == os.getpid():
            found.append(int(entry.name))
    return found


def sealed_at_once(keyring: Keyring, content: bytes, *recipients: Fingerprint) -> bytes:
    """Seal bytes in one go."""
    sealed: list[bytes] = []
    with keyring.sealing(list(recipients), sink=sealed.append, day=TODAY) as sealing:
        sealing.write(content)
    return b"".join(sealed)


def until(condition: Callable[[], object]) -> None:
    """Wait for something that another thread or process does."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# What is made.


@pytest.mark.parametrize("size", [0, 1, 2000, 8191, 8192, 65536, 1_000_000])
def test_every_recipient_opens(
    world: World, keyring: Keyring, desk: SecretKeyring, size: int
) -> None:
    """
    What was sealed comes out, byte for byte, whatever its size.
    """
    content = os.urandom(size)
    sealed = sealed_at_once(keyring, content, world.key["ani"], world.key["budi"])

    assert content == opened(desk, sealed)


def test_message_is_what_the_specification_says(world: World, keyring: Keyring) -> None:
    """
    One session key per officer, in the order asked, then one data packet.
    """
    wanted = [world.key["ani"], world.key["budi"]]
    subkeys = [
        keyring.admit(world.file[name], today=TODAY).encryption_subkeys[0][-16:]
        for name in ("ani", "budi")
    ]

    envelope = read_envelope(BytesIO(sealed_at_once(keyring, b"laporan", *wanted)))

    assert sorted(subkeys) == sorted(envelope.recipient_key_ids)
    assert 1 == envelope.protection_version


def test_same_recipient_twice_counts_once(world: World, keyring: Keyring) -> None:
    """
    A key that is named twice gets one session key.
    """
    sealed = sealed_at_once(keyring, b"laporan", world.key["ani"], world.key["ani"])
    assert 1 == len(read_envelope(BytesIO(sealed)).recipient_key_ids)


def test_size_tells_nothing_but_the_size(world: World, keyring: Keyring) -> None:
    """
    Content that would compress well gives as many bytes as content that would not.
    """
    sizes = {
        len(sealed_at_once(keyring, content, world.key["ani"]))
        for content in (bytes(100_000), os.urandom(100_000))
    }
    assert 1 == len(sizes)


def test_inside_there_is_no_name_and_no_hour(world: World, keyring: Keyring) -> None:
    """
    The literal packet has no file name, and its date is the end of the day.
    """
    sealed = sealed_at_once(keyring, b"laporan", world.key["ani"])

    packets = world.gpg("--list-packets", at="20261124T235959", content=sealed).decode()

    noted = int(datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC).timestamp())
    assert f'mode b (62), created {noted}, name=""' in packets
    assert "compressed packet" not in packets


def test_sequoia_opens_and_sees_the_same(
    world: World, keyring: Keyring, tmp_path: Path
) -> None:
    """
    An independent implementation opens the message and finds it as specified.
    """
    sealed, key = tmp_path / "item.pgp", tmp_path / "key.asc"
    sealed.write_bytes(sealed_at_once(keyring, b"laporan", world.key["ani"]))
    key.write_bytes(world.secret_file)

    def sq(*arguments: str) -> str:
        return subprocess.run(
            ["sq", *arguments], capture_output=True, check=True, text=True, timeout=60
        ).stdout

    opened = sq("decrypt", "--recipient-key", str(key), str(sealed))
    dump = sq("packet", "dump", str(sealed))

    assert "laporan" == opened
    assert "Public-Key Encrypted Session Key Packet" in dump
    assert "Pk algo: ECDH" in dump
    assert "Sym. Encrypted and Integrity Protected Data Packet" in dump
    assert 2 == dump.count(" Packet, ")


def test_eight_threads_share_one_home(
    world: World, keyring: Keyring, desk: SecretKeyring
) -> None:
    """
    Reports that arrive at the same time are all sealed, each to itself.
    """
    contents = [bytes([number]) * 2000 for number in range(32)]

    with ThreadPoolExecutor(8) as threads:
        sealed = list(
            threads.map(
                lambda content: sealed_at_once(keyring, content, world.key["ani"]),
                contents,
            )
        )

    for content, message in zip(contents, sealed, strict=True):
        assert content == opened(desk, message)


def test_memory_is_bounded(world: World, keyring: Keyring) -> None:
    """
    Thirty-two megabytes pass through in a few.
    """
    piece = bytes(64 * 1024)
    written = [0]

    def count(chunk: bytes) -> None:
        written[0] += len(chunk)

    tracemalloc.start()
    try:
        with keyring.sealing([world.key["ani"]], sink=count, day=TODAY) as sealing:
            for _ in range(512):
                sealing.write(piece)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert written[0] > 32 * 1024 * 1024
    assert peak < 4 * 1024 * 1024


def test_no_plaintext_on_disk_or_command_line(
    world: World, keyring: Keyring, tmp_path: Path
) -> None:
    """
    Half-way through, gpg and we write to pipes only, and its command line holds
    nothing but options and fingerprints.
    """
    sealed: list[bytes] = []
    before = writable_files(os.getpid())
    with keyring.sealing([world.key["ani"]], sink=sealed.append, day=TODAY) as sealing:
        sealing.write(b"rahasia" * 100_000)
        until(lambda: sealed)
        (process,) = gpg_processes()
        opened_here = writable_files(os.getpid()) - before
        opened_by_gpg = writable_files(process)
        command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")

    # gpg always opens its trust database for writing, and stores trust there.
    trust = str(tmp_path / "server" / "trustdb.gpg")
    assert opened_here | opened_by_gpg <= {"pipe", "/dev/null", trust}
    assert world.key["ani"].encode() in command
    assert not any(b"rahasia" in word for word in command)
    assert b"--output" not in command


def writable_files(process: int) -> set[str]:
    """Return what a process could write to; pipes and sockets by kind only."""
    writable = set()
    for descriptor in Path(f"/proc/{process}/fdinfo").iterdir():
        try:
            flags = int(descriptor.read_text().split("flags:")[1].split()[0], 8)
            target = str(Path(f"/proc/{process}/fd/{descriptor.name}").readlink())
        except OSError:
            continue  # The descriptor that lists the folder is gone again.
        if flags & os.O_ACCMODE != os.O_RDONLY:
            writable.add(target.partition(":[")[0])
    return writable


def test_configuration_files_change_nothing(
    world: World, keyring: Keyring, tmp_path: Path
) -> None:
    """
    A gpg.conf in the home cannot make us trust, compress, armor or add a reader.
    """
    home = tmp_path / "server"
    (home / "gpg.conf").write_text(
        "trust-model always\narmor\ncompress-algo zlib\nthrow-keyids\n"
        f"encrypt-to {world.key['budi']}\n"
    )
    import_untrusted(home, world.file["uncertified"])

    sealed = sealed_at_once(keyring, bytes(100_000), world.key["ani"])

    envelope = read_envelope(BytesIO(sealed))
    assert 1 == len(envelope.recipient_key_ids)
    assert "0" * 16 not in envelope.recipient_key_ids
    assert envelope.size_bytes > 100_000
    with pytest.raises(RecipientRefused):
        sealed_at_once(keyring, b"laporan", world.key["uncertified"])


# What fails.


def import_untrusted(home: Path, file: bytes) -> None:
    """Put a key into a home behind the keyring's back."""
    subprocess.run(
        ["gpg", "--homedir", str(home), "--no-options", "--batch", "--no-autostart"]
        + ["--ignore-time-conflict", "--import"],
        input=file,
        capture_output=True,
        check=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("other", "not in the keyring"),
        ("uncertified", "not certified by the organisation"),
        ("impostor-certified", "not certified by the organisation"),
        ("unwanted", "certification revoked by the organisation"),
        ("expired", "expired on 2026-11-12"),
        ("revoked", "revoked"),
        ("sign-only", "no encryption subkey"),
        ("subkey-expired", "encryption subkey expired on 2026-11-12"),
        ("young", "not valid before 2026-11-26"),
    ],
)
@pytest.mark.parametrize("content", [b"laporan", LARGE], ids=["small", "large"])
def test_unfit_recipient_is_refused(
    world: World,
    keyring: Keyring,
    tmp_path: Path,
    name: str,
    reason: str,
    content: bytes,
) -> None:
    """
    gpg itself refuses a key that is unfit, even between fit ones, and the error
    names the key and the reason, however much was to be sealed.
    """
    if name != "other":
        import_untrusted(tmp_path / "server", world.file[name])
    sealed: list[bytes] = []

    with (
        pytest.raises(RecipientRefused) as refusal,
        keyring.sealing(
            [world.key["ani"], world.key[name], world.key["budi"]],
            sink=sealed.append,
            day=TODAY,
        ) as sealing,
    ):
        sealing.write(content)

    assert f"the key {world.key[name]} is refused: {reason}" == str(refusal.value)
    assert [] == sealed


def test_nobody_to_seal_to(keyring: Keyring) -> None:
    """
    Without a recipient nothing is started.
    """
    with (
        pytest.raises(RecipientRefused, match="nobody"),
        keyring.sealing([], sink=print, day=TODAY),
    ):
        pass


class NetworkGone(Exception):
    """The upload broke off."""


@pytest.mark.parametrize("before", [0, 100, 300_000, len(LARGE)])
@pytest.mark.parametrize("failure", [NetworkGone, KeyboardInterrupt])
def test_writer_fails(
    world: World, keyring: Keyring, before: int, failure: type[BaseException]
) -> None:
    """
    When the upload breaks off, the caller's own exception comes through, and
    what reached the sink is no message.
    """
    sealed: list[bytes] = []

    with (
        pytest.raises(failure),
        keyring.sealing([world.key["ani"]], sink=sealed.append, day=TODAY) as sealing,
    ):
        sealing.write(bytes(before))
        raise failure

    with pytest.raises(IncompleteMessage):
        read_envelope(BytesIO(b"".join(sealed)))


@pytest.mark.parametrize("size", [0, 100, 100_000, len(LARGE)])
def test_sink_fails(world: World, keyring: Keyring, size: int) -> None:
    """
    When the ciphertext cannot be put away, sealing fails with that as the cause.
    """
    failure = OSError("no room")

    def refuse(_chunk: bytes) -> None:
        raise failure

    with (
        pytest.raises(SinkFailed) as refusal,
        keyring.sealing([world.key["ani"]], sink=refuse, day=TODAY) as sealing,
    ):
        sealing.write(bytes(size))

    assert failure is refusal.value.__cause__


@pytest.mark.parametrize("size", [100, 100_000, len(LARGE)])
def test_disk_full(world: World, keyring: Keyring, size: int) -> None:
    """
    A disk without room, as the kernel tells it.
    """
    with (
        open("/dev/full", "wb", buffering=0) as full,
        pytest.raises(SinkFailed) as refusal,
        keyring.sealing([world.key["ani"]], sink=full.write, day=TODAY) as sealing,
    ):
        sealing.write(bytes(size))

    assert isinstance(refusal.value.__cause__, OSError)


def test_file_too_large(world: World, keyring: Keyring, tmp_path: Path) -> None:
    """
    A limit that is met half-way: the file is cut, and sealing fails.
    """
    _soft, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    target = tmp_path / "item"
    with open(target, "wb", buffering=0) as file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            with (
                pytest.raises(SinkFailed),
                keyring.sealing(
                    [world.key["ani"]], sink=file_writer(file.write), day=TODAY
                ) as sealing,
            ):
                sealing.write(LARGE)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    with pytest.raises(IncompleteMessage):
        read_envelope(BytesIO(target.read_bytes()))


def file_writer(write: Callable[[bytes], int]) -> Callable[[bytes], None]:
    """Write all of a chunk: a raw file may take less and say so."""

    def write_all(chunk: bytes) -> None:
        while chunk:
            chunk = chunk[write(chunk) :]

    return write_all


@pytest.mark.parametrize("more", [0, 100, len(LARGE)])
def test_gpg_is_killed(world: World, keyring: Keyring, more: int) -> None:
    """
    When the machine kills gpg half-way, sealing fails, whether or not more was
    to come.
    """
    sealed: list[bytes] = []

    with (
        pytest.raises(GpgDied),
        keyring.sealing([world.key["ani"]], sink=sealed.append, day=TODAY) as sealing,
    ):
        sealing.write(bytes(500_000))
        until(lambda: sealed)
        os.kill(gpg_processes()[0], signal.SIGKILL)
        for _ in range(10):
            sealing.write(bytes(more))

    with pytest.raises(IncompleteMessage):
        read_envelope(BytesIO(b"".join(sealed)))


def test_gpg_stops_moving(world: World, keyring: Keyring) -> None:
    """
    A gpg that hangs is ended, and the writer is not kept waiting.
    """
    stalling = keyring.sealing([world.key["ani"]], sink=len, day=TODAY)
    stalling._stall_seconds = 0.5

    with pytest.raises(SealingStalled), stalling as sealing:
        until(gpg_processes)
        os.kill(gpg_processes()[0], signal.SIGSTOP)
        for _ in range(100):
            sealing.write(bytes(64 * 1024))


def test_gpg_hangs_at_the_end(world: World, keyring: Keyring) -> None:
    """
    A gpg that hangs after the last byte is ended too.
    """
    stalling = keyring.sealing([world.key["ani"]], sink=len, day=TODAY)
    stalling._stall_seconds = 0.5

    with pytest.raises(SealingStalled), stalling as sealing:
        sealing.write(b"laporan")
        until(gpg_processes)
        os.kill(gpg_processes()[0], signal.SIGSTOP)


def test_gpg_is_missing(world: World, tmp_path: Path) -> None:
    """
    Without gpg the keyring does not open; when it goes later, sealing fails.
    """
    with pytest.raises(GpgMissing):
        Keyring(tmp_path / "home", gpg_binary=str(tmp_path / "gpg"))

    binary = tmp_path / "gpg"
    binary.symlink_to("/usr/bin/gpg")
    keyring = Keyring(tmp_path / "home", gpg_binary=str(binary))
    keyring.trust_organisation(world.organisation_file)
    keyring.admit(world.file["ani"], today=TODAY)
    binary.unlink()
    with pytest.raises(GpgMissing):
        sealed_at_once(keyring, LARGE, world.key["ani"])


@pytest.mark.parametrize(
    "script",
    [
        # Says that all is well and makes nothing.
        "echo '[GNUPG:] END_ENCRYPTION' >&2; cat >/dev/null",
        # Makes a message and says that all is well, and leaves with a fault.
        'echo "[GNUPG:] END_ENCRYPTION" >&2; /usr/bin/gpg "$@"; exit 2',
        # Makes a message and says nothing.
        '/usr/bin/gpg "$@" 2>/dev/null',
        # Cuts the message off and says that all is well.
        '/usr/bin/gpg "$@" | head -c 1000',
        # Adds something.
        '/usr/bin/gpg "$@"; echo more',
        # Makes no OpenPGP.
        "echo '[GNUPG:] END_ENCRYPTION' >&2; cat",
        # Seals to somebody else as well: a key that was not asked for.
        '/usr/bin/gpg "$@" -r BUDI',
        # Goes away at once.
        "exit 0",
    ],
)
def test_a_lying_gpg_is_not_believed(
    world: World, keyring: Keyring, tmp_path: Path, script: str
) -> None:
    """
    Each sign of success alone is not enough.
    """
    binary = tmp_path / "gpg"
    script = script.replace("BUDI", world.key["budi"])
    binary.write_text(
        "#!/bin/bash\n"
        'case "$*" in *--list-config*) exec /usr/bin/gpg "$@";; esac\n' + script + "\n"
    )
    binary.chmod(0o700)
    keyring = Keyring(tmp_path / "server", gpg_binary=str(binary))

    with pytest.raises(SealingFailed):
        sealed_at_once(keyring, bytes(50_000), world.key["ani"])


def test_all_is_well_with_an_honest_wrapper(
    world: World, keyring: Keyring, desk: SecretKeyring, tmp_path: Path
) -> None:
    """
    The wrapper of the test above does not itself make sealing fail.
    """
    binary = tmp_path / "gpg"
    binary.write_text('#!/bin/bash\nexec /usr/bin/gpg "$@"\n')
    binary.chmod(0o700)
    keyring = Keyring(tmp_path / "server", gpg_binary=str(binary))

    sealed = sealed_at_once(keyring, bytes(50_000), world.key["ani"])

    assert bytes(50_000) == opened(desk, sealed)


def test_writing_after_the_end(world: World, keyring: Keyring) -> None:
    """
    What comes too late is refused, and not silently dropped.
    """
    with keyring.sealing([world.key["ani"]], sink=len, day=TODAY) as sealing:
        sealing.write(b"laporan")
    with pytest.raises(SealingFailed):
        sealing.write(b"more")


def test_expiry_counts_on_the_day_of_sealing(world: World, keyring: Keyring) -> None:
    """
    A key that ends within the day is not sealed to on that day, but the day
    before.
    """
    last_good_day = date(2026, 11, 11)
    keyring.admit(world.file["expired"], today=last_good_day)

    assert (world.key["expired"],) == keyring.usable(
        [world.key["expired"]], today=last_good_day
    ).usable
    assert {world.key["expired"]: "expired on 2026-11-12"} == dict(
        keyring.usable(
            [world.key["expired"]], today=last_good_day + timedelta(days=1)
        ).refused
    )


def test_sealing_shows_no_content(world: World, keyring: Keyring) -> None:
    """
    Neither the object nor an error of it shows what is being sealed.
    """
    with (
        pytest.raises(SinkFailed) as refusal,
        keyring.sealing(
            [world.key["ani"]], sink=lambda _chunk: 1 / 0, day=TODAY
        ) as sealing,
    ):
        sealing.write(b"rahasia")
        assert "rahasia" not in repr(sealing)
    assert "rahasia" not in str(refusal.value)
