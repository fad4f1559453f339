"""A whole server in one sealed file, and a server from it."""

import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.backups import Operator, an_operator, everything_below, listing
from support.command import World
from support.deaddrop_samples import ITEM_BYTES, new_slot, sealed_item, seeded
from support.onion_folder import onion_of, running_tor
from support.onions import short_folder
from support.postgres import running_postgres
from support.reporters import DAY, Reporter
from support.sending import answers, send
from support.server import ROOT

from deaddrop import DeadDrop
from ops.backups.keeping import only_one
from ops.backups.verifying import MEMORY
from ops.edge import Edge
from ops.server import open_server

ANI = Reporter("ani")


@pytest.fixture(scope="module")
def operator() -> Iterator[Operator]:
    """Who can open the backups."""
    with an_operator() as made:
        yield made


@pytest.fixture(scope="module")
def served(prepared: Path, edge: Edge) -> Iterator[Path]:
    """A world with addresses, a client and a report, to copy."""
    with short_folder() as folder:
        path = folder / "world"
        shutil.copytree(prepared, path)
        world = World(path, edge)
        with running_tor(world):
            pass
        said = world.done("desk", "access-key", "--to", path / "key")
        world.done("officers", "grant-access", "petugas-1", said.splitlines()[-1])
        send(world.server, world.edge, ANI.keys, token="0" * 32)
        yield path


@pytest.fixture(scope="module")
def archive(served: Path, edge: Edge, operator: Operator) -> Path:
    """An opened backup of it, for tests that only read it."""
    world = World(served, edge)
    (served / "backups").mkdir()
    return opened(world, operator)


@pytest.fixture
def near(served: Path, world: World) -> Iterator[World]:
    """A copy of it, whose path leaves room for sockets."""
    with short_folder() as folder:
        path = folder / "world"
        ignored = shutil.ignore_patterns("control", "*.sock", "S.*", "backups", "*.tar")
        shutil.copytree(served, path, ignore=ignored)
        (path / "backups").mkdir()
        yield World(path, world.edge)


def make(world: World, operator: Operator, *more: object) -> Path:
    """Make a backup; return its path."""
    said = world.done(*make_words(world, operator), *more)
    return Path(said.partition(", ")[0])


def make_words(world: World, operator: Operator) -> tuple[object, ...]:
    """Return the words of the command."""
    folder = world.path / "backups"
    return ("backup", "make", "--to", folder, "--recipient", operator.certificate)


def opened(world: World, operator: Operator, *more: object) -> Path:
    """Make a backup, and open it."""
    return operator.open(make(world, operator, *more), world.path / "opened.tar")


def test_gpg_and_tar_open_it(near: World, archive: Path) -> None:
    """In twenty years, too: everything is in it, as plain files and SQLite."""
    names = listing(archive)
    assert ["README.txt", "about.json"] == names[:2]
    assert {
        "server/bisik.toml",
        "server/profile.toml",
        "server/calendar.csv",
        "server/keyring/pubring.kbx",
        "deaddrop/000001.sqlite",
        "onion/reporters/hs_ed25519_secret_key",
        "onion/officers/authorized_clients/petugas-1.auth",
    } <= set(names)
    assert "manifest.json" == names[-1]
    folder = near.path / "by-hand"
    folder.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
    assert b"SQLite format 3" in (folder / "deaddrop/000001.sqlite").read_bytes()[:16]
    assert not any("session" in name or "spool" in name for name in names)


def test_its_name_and_size_tell_the_day_alone(near: World, operator: Operator) -> None:
    """Neither the hour nor how many reports there are."""
    first = make(near, operator)
    for number in range(1, 9):
        send(near.server, near.edge, Reporter(f"r{number}").keys, token=f"{number:032}")
    second = make(near, operator)
    assert (f"bisik-{DAY}.gpg", f"bisik-{DAY}-2.gpg") == (first.name, second.name)
    assert first.stat().st_size == second.stat().st_size
    assert first.stat().st_mtime == second.stat().st_mtime
    assert 0o600 == stat.S_IMODE(first.stat().st_mode)


def test_a_server_from_a_backup_is_the_same_server(
    near: World, operator: Operator, tmp_path: Path
) -> None:
    """
    The same address, salt and cases: the reporter and the officer go on as before.
    """
    with open_server(near.server, near.edge) as server:
        before = server.installation
    address = onion_of(near).address(onion_of(near).reporters)
    archive = opened(near, operator)
    # The officer fetches after the backup was made, and answers.
    bundle, outbox = tmp_path / "bundle.tar", tmp_path / "outbox.tar"
    near.done("courier", "export", "--desk", near.officer, "--to", bundle)
    near.done("desk", "import", bundle)
    listed = near.done("desk", "list")
    case = re.findall(r"^([a-z]{5}-[a-z]{5}) ", listed, re.MULTILINE)[0]
    near.done("desk", "reply", case, "--text", "-", stdin="Terima kasih.\n")
    near.done("desk", "export", "--to", outbox)
    shutil.rmtree(near.server)

    said = near.done("backup", "restore", archive)

    assert address in said
    assert "officer       Petugas" in said
    with open_server(near.server, near.edge) as server:
        assert before == server.installation
    onion = onion_of(near)
    assert address == onion.address(onion.reporters)
    assert ["petugas-1"] == list(onion.clients.list())
    near.done("courier", "apply", outbox)
    assert ["Terima kasih."] == [
        text.strip() for text in answers(near.server, near.edge, ANI.keys)
    ]
    send(near.server, near.edge, ANI.keys, token="2" * 32, message="Masih ada lagi.")


def test_a_backup_is_verified_by_restoring_it(near: World, archive: Path) -> None:
    """It says what is in it, coarsely, and leaves nothing behind."""
    said = near.done("backup", "verify", archive)
    assert "a server can be made from it" in said
    assert "fewer than 16" in said
    assert [] == list(MEMORY.glob("bisik-verify-*"))


def test_a_sealed_backup_is_not_read(near: World, operator: Operator) -> None:
    """What to type is said; no key is ever asked for here."""
    backup = make(near, operator)
    said = near.refused("backup", "verify", backup)
    assert "gpg --decrypt FILE" in said


def test_a_verification_on_a_disk_has_to_be_wanted(near: World, archive: Path) -> None:
    """Otherwise nothing is written there."""
    scratch = near.path / "scratch"
    scratch.mkdir()
    refused = near.refused("backup", "verify", archive, "--scratch", scratch)
    assert "not in memory" in refused
    words = ("--scratch", scratch, "--on-encrypted-disk")
    near.done("backup", "verify", archive, *words)
    assert [] == list(scratch.iterdir())


def test_nothing_is_ever_replaced(near: World, archive: Path) -> None:
    """Neither a server directory nor the keys of another address."""
    before = everything_below(near.server)
    near.refused("backup", "restore", archive)
    assert before == everything_below(near.server)

    other = near.path / "tor"
    (other / "reporters").mkdir(parents=True)
    (other / "reporters" / "hs_ed25519_secret_key").write_bytes(b"another")
    said = near.refused(
        "backup", "restore", archive, "--directory", near.path / "new", "--onion", other
    )
    assert "keys in the onion folder already" in said
    assert not (near.path / "new").exists()
    assert [] == [path for path in near.path.iterdir() if path.name[:4] == ".new"]


def test_addresses_can_be_in_another_folder(near: World, archive: Path) -> None:
    """As on a server, where the folder is tor's; a second try finds them there."""
    new, other = near.path / "new", near.path / "tor"
    words = ("backup", "restore", archive, "--directory", new, "--onion", other)
    near.done(*words)
    keys = everything_below(other)
    shutil.rmtree(new)
    near.done(*words)
    assert keys == everything_below(other)
    assert f'onion = "{other}"' in (new / "bisik.toml").read_text()


@pytest.mark.parametrize("place", [0.0, 0.2, 0.5, 0.9, 0.999])
def test_a_damaged_backup_makes_nothing(
    near: World, archive: Path, place: float
) -> None:
    """Cut off anywhere or changed anywhere, it is refused, and nothing is left."""
    content = archive.read_bytes()
    broken = near.path / "broken.tar"
    broken.touch()
    end = len(content.rstrip(b"\0"))
    spot = int(end * place)
    new = near.path / "new"
    before = set(near.path.iterdir())
    for damaged in (
        content[:spot],
        content[:spot] + bytes([content[spot] ^ 1]) + content[spot + 1 :],
    ):
        broken.write_bytes(damaged)
        near.refused("backup", "restore", broken, "--directory", new)
        near.refused("backup", "verify", broken)
        assert before == set(near.path.iterdir())


def test_without_addresses_it_has_to_be_wanted(
    world: World, operator: Operator
) -> None:
    """Where tor has made none, nothing is said to be saved."""
    (world.path / "backups").mkdir()
    refused = world.refused(*make_words(world, operator))
    assert "hostname" in refused
    assert [] == list((world.path / "backups").iterdir())
    archive = opened(world, operator, "--without-addresses")
    assert [] == [name for name in listing(archive) if name.startswith("onion")]
    said = world.done("backup", "restore", archive, "--directory", world.path / "new")
    assert "none: they were left out" in said


def test_old_backups_go_when_a_new_one_is_there(
    near: World, operator: Operator
) -> None:
    """And nothing else does; a backup that could not be made removes nothing."""
    folder = near.path / "backups"
    old = [f"bisik-{DAY - timedelta(days=days)}.gpg" for days in (1, 6, 7, 8, 90)]
    for name in (*old, "notes.txt", "bisik-2026-99-99.gpg"):
        (folder / name).touch()
    nobody = near.path / "nobody.asc"
    nobody.write_text("no key")
    near.refused("backup", "make", "--to", folder, "--recipient", nobody)
    assert 7 == len(list(folder.iterdir()))

    made = make(near, operator, "--keep", 7)

    kept = {*old[:3], "notes.txt", "bisik-2026-99-99.gpg", made.name}
    assert kept == {path.name for path in folder.iterdir()}


def test_an_ended_key_is_told_and_left_out(near: World, operator: Operator) -> None:
    """With another one the backup is made; with none it is not."""
    folder = near.path / "backups"
    with an_operator("ended", until="2026-11-10") as ended:
        refused = near.refused(
            "backup", "make", "--to", folder, "--recipient", ended.certificate
        )
        assert "expired" in refused
        assert [] == list(folder.iterdir())
        result = near.bisik(
            *make_words(near, operator), "--recipient", ended.certificate
        )
    assert 0 == result.exit_code
    assert "NOT sealed to" in result.stderr


def test_two_operators_can_open_it(near: World, operator: Operator) -> None:
    """Each of them alone."""
    with an_operator("second") as second:
        made = make(near, operator, "--recipient", second.certificate)
        one = operator.open(made, near.path / "one.tar").read_bytes()
        other = second.open(made, near.path / "other.tar").read_bytes()
    assert one == other


def test_one_backup_at_a_time(near: World, operator: Operator) -> None:
    """What a power-cut has left is removed by the next, and only by the next."""
    folder = near.path / "backups"
    (folder / f".bisik-{DAY}.gpg.x").touch()
    with only_one(folder):
        refused = near.refused(*make_words(near, operator))
    assert "another backup is being made" in refused
    made = make(near, operator)
    assert [made] == list(folder.iterdir())


def test_a_backup_is_of_one_moment_while_reports_come(
    near: World, operator: Operator
) -> None:
    """
    What is in it is the beginning of what was acknowledged: no gap, nothing torn.
    """
    with open_server(near.server, near.edge) as server:
        ended = threading.Event()
        acknowledged: list[int] = []
        writer = threading.Thread(
            target=_write, args=(server.drop, ended, acknowledged)
        )
        writer.start()
        while len(acknowledged) < 5:
            ended.wait(0.01)
        before = len(acknowledged)
        archive = operator.open(_made_beside(near, operator), near.path / "opened.tar")
        ended.set()
        writer.join()
    new = near.path / "new"
    near.done("backup", "restore", archive, "--directory", new)
    with open_server(new, near.edge) as server:
        numbers = [entry.number for entry in server.drop.intake.entries()]
        for number in numbers:
            assert ITEM_BYTES <= sum(map(len, server.drop.intake.read(number)))
    # The report of the fixture is number 1.
    assert [1, *acknowledged][: len(numbers)] == numbers
    assert len(numbers) > before


def _write(drop: DeadDrop, ended: threading.Event, acknowledged: list[int]) -> None:
    entropy = seeded(5)
    while not ended.is_set():
        item = sealed_item(entropy(ITEM_BYTES))
        acknowledged.append(
            drop.intake.accept(item, writes=[new_slot(entropy)], day=DAY)
        )


def _made_beside(world: World, operator: Operator) -> Path:
    """Make a backup in a process of its own, as a timer does."""
    program = (
        "import sys; from pathlib import Path; from ops.cli import cli; "
        "from ops.edge import Edge; "
        "cli(sys.argv[3:], obj=Edge(now=lambda: float(sys.argv[1]), "
        "memory=Path(sys.argv[2])))"
    )
    words = [str(word) for word in make_words(world, operator)]
    place = ["--directory", str(world.server)]
    now, memory = str(world.edge.now()), str(world.edge.memory)
    done = subprocess.run(
        [sys.executable, "-c", program, now, memory, *words, *place],
        capture_output=True,
        check=True,
        text=True,
        cwd=ROOT,
    )
    return Path(done.stdout.partition(", ")[0])


@pytest.mark.postgres
def test_a_server_with_postgres_is_restored(empty: World, operator: Operator) -> None:
    """Into an empty database, and never into one where there is something."""
    with running_postgres() as postgres:
        url, other = (postgres.create_database(name) for name in ("one", "two"))
        empty.done("init", "--database", url)
        with open_server(empty.server, empty.edge) as server:
            before = server.installation
        (empty.path / "backups").mkdir()
        archive = opened(empty, operator, "--without-addresses")
        new = empty.path / "new"
        words = ("backup", "restore", archive, "--directory", new)
        assert "something in this database" in empty.refused(*words)
        assert not new.exists()

        empty.done(*words, "--database", other)

        with open_server(new, empty.edge) as server:
            assert before == server.installation
            assert not server.drop.database.is_sqlite
