"""The whole way: from an empty folder to an answer that its reporter reads."""

import os
import re
from pathlib import Path

import pytest
from support.command import World
from support.reporters import REPORT, Reporter
from support.sending import answers, send

from casework.item import ItemKind
from casework.journal import ContactOpened, TakenOut
from journalist_app.workstation.acting import state_of
from journalist_app.workstation.desk import open_desk

PASSPHRASE = "kata sandi uji"


def with_passphrase(world: World, variable: str, *arguments: object) -> str:
    """Run a command that reads a passphrase from a file descriptor."""
    reading, writing = os.pipe()
    os.write(writing, f"{PASSPHRASE}\n".encode())
    os.close(writing)
    try:
        result = world.bisik(*arguments, env={variable: str(reading)})
    finally:
        os.close(reading)
    assert 0 == result.exit_code, result.output
    assert PASSPHRASE not in result.output
    return result.stdout


@pytest.mark.journey
@pytest.mark.slow
def test_from_nothing_to_an_answer(empty: World, tmp_path: Path) -> None:
    """Every command of the officers' side, in the order of the guide."""
    world, reporter = empty, Reporter("ani")
    certified = tmp_path / "certified.json"
    bundle, outbox = tmp_path / "bundle.tar", tmp_path / "outbox.tar"
    organisation = "BISIK_ORGANISATION_PASSPHRASE_FD"
    desk = "BISIK_DESK_PASSPHRASE_FD"

    with_passphrase(world, organisation, "organisation", "init", world.organisation)
    made = with_passphrase(world, desk, "desk", "init", world.desk, "--name", "Petugas")
    fingerprint = re.findall(r"Fingerprint: ([0-9A-F]{40})", made)[0]
    enrolment = world.desk / "enrolment.json"
    with_passphrase(
        world,
        organisation,
        *("organisation", "certify", world.organisation, enrolment),
        *("--to", certified, "--fingerprint", fingerprint),
    )
    world.done("init")
    world.done("organisation", "trust", world.organisation / "organisation.asc")
    world.done("officers", "add", certified)
    assert "\n  fit\n" in world.done("officers", "list")

    send(world.server, world.edge, reporter.keys, token="0" * 32)
    send(world.server, world.edge, reporter.keys, token="1" * 32, message="Susulan.")
    assert "2 items" in world.done(
        "courier", "export", "--desk", "Petugas", "--to", bundle
    )

    imported = with_passphrase(world, desk, "desk", "import", bundle)
    assert 2 == imported.count(": new")
    listed = with_passphrase(world, desk, "desk", "list")
    assert REPORT.title in listed
    assert "[2 new] [unanswered]" in listed
    (case,) = re.findall(r"^([a-z]{5}-[a-z]{5}) ", listed, re.MULTILINE)
    shown = with_passphrase(world, desk, "desk", "show", case)
    assert "5 of 7 answered" in shown
    assert "Susulan." in shown
    text = tmp_path / "answer.txt"
    text.write_text("Terima kasih.")
    with_passphrase(world, desk, "desk", "reply", case, "--text-file", text)
    with_passphrase(world, desk, "desk", "export", "--to", outbox)

    applied = world.done("courier", "apply", outbox)
    assert "items deleted from the server  2" in applied
    assert ["Terima kasih."] == answers(world.server, world.edge, reporter.keys)
    assert "applied before" in world.done("courier", "apply", outbox)
    assert ["Terima kasih."] == answers(world.server, world.edge, reporter.keys)


@pytest.mark.journey
def test_attachments_reach_the_officer(world: World, tmp_path: Path) -> None:
    """A file of a report is in a folder of the officer's choice, byte for byte."""
    reporter = Reporter("budi")
    file = ("Foto bukti.jpg", bytes(range(256)) * 300)
    send(world.server, world.edge, reporter.keys, token="0" * 32, files=(file,))
    bundle = tmp_path / "bundle.tar"
    world.done("courier", "export", "--desk", world.officer, "--to", bundle)
    world.done("desk", "import", bundle)
    case = re.findall(r"^([a-z]{5}-[a-z]{5}) ", world.done("desk", "list"), re.M)[0]
    folder, save = tmp_path / "bukti", ("desk", "show", case, "--save")
    assert "say what" in world.refused(*save, folder, "--reason", "-")
    assert not folder.exists()
    world.done(*save, folder, stdin="Ahli forensik.\n")
    (saved,) = folder.iterdir()
    assert file[1] == saved.read_bytes()
    world.done(*save, tmp_path / "lagi", "--reason", "-", stdin="Sekali lagi.\n")
    with open_desk(world.desk, passphrase=None, entropy=world.edge.entropy) as desk:
        taken = [entry.event.action for entry in state_of(desk, case).files_taken]
    assert [
        ((1,), "original", "Ahli forensik."),
        ((1,), "original", "Sekali lagi."),
    ] == [
        (one.positions, one.form, one.reason)
        for one in taken
        if isinstance(one, TakenOut)
    ]
    assert 2 == world.bisik("desk", "show", case, "--reason", "-").exit_code


@pytest.mark.journey
def test_contact_details_are_read_for_a_reason_that_no_command_holds(
    world: World, tmp_path: Path
) -> None:
    """The reason is typed or piped: a command is read by everybody on the machine."""
    keys = Reporter("citra").keys
    send(world.server, world.edge, keys, token="0" * 32)
    send(
        world.server,
        world.edge,
        keys,
        token="1" * 32,
        message="0800-UJI",
        kind=ItemKind.CONTACT,
    )
    bundle = tmp_path / "bundle.tar"
    world.done("courier", "export", "--desk", world.officer, "--to", bundle)
    world.done("desk", "import", bundle)
    case = re.findall(r"^([a-z]{5}-[a-z]{5}) ", world.done("desk", "list"), re.M)[0]
    in_command = world.bisik("desk", "contact", case, "--reason", "Janji temu")
    assert 2 == in_command.exit_code
    assert "0800-UJI" not in in_command.output
    assert "say why" in world.refused("desk", "contact", case, "--reason", "-")
    assert "0800-UJI" in world.done("desk", "contact", case, stdin="Janji temu\n")
    again = world.done("desk", "contact", case, "--reason", "-", stdin="Sekali lagi\n")
    assert "0800-UJI\n" == again
    with open_desk(world.desk, passphrase=None, entropy=world.edge.entropy) as desk:
        opened = state_of(desk, case).contacts_opened
    actions = [entry.event.action for entry in opened]
    reasons = [one.reason for one in actions if isinstance(one, ContactOpened)]
    assert ["Janji temu", "Sekali lagi"] == reasons


@pytest.mark.journey
def test_the_courier_goes_on_where_the_desk_is(world: World, tmp_path: Path) -> None:
    """By default a bundle begins behind what the desk has signed for."""
    reporter = Reporter("ani")
    first, again, second = (tmp_path / f"{n}.tar" for n in "123")
    outbox = tmp_path / "outbox.tar"
    export = ("courier", "export", "--desk", world.officer, "--to")
    send(world.server, world.edge, reporter.keys, token="0" * 32)
    assert "1 items" in world.done(*export, first)
    assert "1 items" in world.done(*export, again)
    world.done("desk", "import", first, again)
    world.done("desk", "export", "--to", outbox)
    world.done("courier", "apply", outbox)
    assert "0 items" in world.done(*export, second)
    assert "no items" in world.done("desk", "import", second)
