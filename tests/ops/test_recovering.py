"""A lost desk and lost sticks, at the command line."""

import os
import re
import shutil
from pathlib import Path

import pytest
from support.command import World
from support.reporters import Reporter
from support.sending import answers, send

CODE_FD = "BISIK_DESK_RECOVERY_CODE_FD"


def restored(world: World, backup: Path, code: str) -> tuple[int, str]:
    """Restore the desk; return exit code and what was said."""
    reading, writing = os.pipe()
    os.write(writing, f"{code}\n".encode())
    os.close(writing)
    try:
        result = world.bisik(
            "desk", "restore", backup, world.desk, env={CODE_FD: str(reading)}
        )
    finally:
        os.close(reading)
    return result.exit_code, result.output


@pytest.fixture
def case(world: World, tmp_path: Path) -> str:
    """A case on the desk."""
    send(world.server, world.edge, Reporter("ani").keys, token="0" * 32)
    carry_in(world, tmp_path / "bundle-0.tar")
    listed = world.done("desk", "list")
    return str(re.findall(r"^([a-z]{5}-[a-z]{5}) ", listed, re.MULTILINE)[0])


def carry_in(world: World, bundle: Path) -> str:
    """Carry a bundle from the server to the desk."""
    desk = ("--desk", world.officer)
    world.done("courier", "export", *desk, "--to", bundle, "--since", 0)
    return world.done("desk", "import", bundle)


def test_a_lost_desk_is_restored(world: World, case: str, tmp_path: Path) -> None:
    """With file and code it is there again, and goes on after the next bundle."""
    backup = tmp_path / "backup"
    said = world.done("desk", "backup", "--to", backup)
    code = re.findall(r"Recovery code: (\S+)", said)[0]
    assert code not in world.done("desk", "backup", "--to", tmp_path / "another")
    again = ("desk", "backup", "--to", tmp_path / "third", "--show-code")
    assert code in world.done(*again)
    assert "nothing is ever replaced" in world.refused("desk", "backup", "--to", backup)
    shutil.rmtree(world.desk)

    status, refusal = restored(world, backup, code[:-1] + ("A", "B")[code[-1] == "A"])
    assert 1 == status
    assert "wrong letter or digit" in refusal
    assert code[:-1] not in refusal
    assert not world.desk.exists()
    status, said = restored(world, backup, code.lower().replace("-", " "))
    assert (0, True) == (status, "fetch a bundle" in said)

    outbox = tmp_path / "outbox.tar"
    text = tmp_path / "jawaban.txt"
    text.write_text("Sesudah dipulihkan.")
    refusal = world.refused("desk", "reply", case, "--text", text)
    assert "restored from a backup" in refusal
    assert "bisik desk import" in refusal
    assert "restored copy" in carry_in(world, tmp_path / "bundle-1.tar")
    world.done("desk", "reply", case, "--text", text)
    world.done("desk", "export", "--to", outbox)
    world.done("courier", "apply", outbox)
    told = answers(world.server, world.edge, Reporter("ani").keys)
    assert ["Sesudah dipulihkan."] == told


def test_lost_outboxes_are_written_and_applied_at_once(
    world: World, case: str, tmp_path: Path
) -> None:
    """The next bundle names them, a folder holds them, one command applies them."""
    text = tmp_path / "jawaban.txt"
    for number in range(3):
        text.write_text(f"Jawaban {number}.")
        world.done("desk", "reply", case, "--text", text)
        world.done("desk", "export", "--to", tmp_path / f"lost-{number}.tar")
    refusal = world.refused("courier", "apply", tmp_path / "lost-2.tar")
    assert "outbox 1 of this desk has not come" in refusal
    assert "--again" in refusal
    said = carry_in(world, tmp_path / "bundle-1.tar")
    assert ["1", "2", "3"] == re.findall(r"outbox (\d) had not reached", said)

    again = [part for number in (1, 2, 3) for part in ("--again", number)]
    folder = tmp_path / "again"
    world.done("desk", "export", "--to", folder, *again)
    outboxes = sorted(folder.iterdir())
    assert 3 == len(outboxes)
    world.done("courier", "apply", *outboxes)
    told = answers(world.server, world.edge, Reporter("ani").keys)
    assert {"Jawaban 0.", "Jawaban 1.", "Jawaban 2."} == set(told)
    assert 3 == world.done("courier", "apply", *outboxes).count("applied before")


def test_nobody_is_waited_for_whom_nobody_knows(world: World, case: str) -> None:
    """A misspelt name changes nothing."""
    refusal = world.refused("desk", "go-on", "--without", "Petugas Xyz")
    assert "no officer of this name" in refusal
