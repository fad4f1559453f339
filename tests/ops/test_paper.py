"""The organisation's key on paper, by the commands that its keeper types."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import Result
from pypdf import PdfReader
from support.command import World
from support.reporters import DAY

from crypto.openpgp import Keyring
from ops.commands.introducing import read_enrolment
from ops.organisation import PUBLIC_KEY, certify_enrolment, read_organisation
from ops.shares import WORDS_IN_SHARE

WORD = re.compile(r"^[a-z]{4,8}$", re.M)


@pytest.fixture
def sheets(world: World, memory: Path) -> Iterator[Path]:
    """The sheets of the organisation's key, in memory."""
    folder = memory / "sheets"
    said = world.done("organisation", "split", world.organisation, "--to", folder)
    assert f"5 sheets are in {folder}" in said
    yield folder
    shutil.rmtree(folder)


def text_of(sheet: Path) -> str:
    """Return what is printed on a sheet."""
    (page,) = PdfReader(BytesIO(sheet.read_bytes())).pages
    return page.extract_text()


def words_of(sheet: Path) -> list[str]:
    """Read the words off a sheet."""
    words = WORD.findall(text_of(sheet))
    assert WORDS_IN_SHARE == len(words)
    return words


def rows(words: Sequence[str]) -> list[str]:
    """Type words as they are asked for, four letters of each."""
    typed = [word[:4] for word in words]
    return [" ".join(typed[at : at + 3]) for at in range(0, len(typed), 3)]


def join(world: World, lines: Sequence[str], *more: str) -> Result:
    """Type the words of sheets."""
    return world.bisik(
        "organisation",
        "join",
        world.organisation / PUBLIC_KEY,
        "--to",
        world.path / "rebuilt",
        *more,
        stdin="".join(f"{line}\n" for line in lines),
    )


def test_paper_and_the_public_key_are_the_key(world: World, sheets: Path) -> None:
    """
    Three sheets bring back a key that certifies an officer whom the server admits,
    under a passphrase of its own.
    """
    lines = [
        line for number in (5, 1, 3) for line in rows(words_of(sheet(sheets, number)))
    ]
    result = join(world, [*lines, "frasa baru", "frasa baru"])
    assert 0 == result.exit_code, result.output
    record = read_organisation(world.path / "rebuilt")
    assert record.protected
    assert read_organisation(world.organisation).fingerprint == record.fingerprint
    certified = certify_enrolment(
        world.path / "rebuilt",
        read_enrolment(world.desk / "enrolment.json"),
        fingerprint_read_out=world.fingerprint,
        passphrase=b"frasa baru",
        today=DAY,
    )
    keyring = Keyring(world.path / "keyring")
    keyring.trust_organisation((world.organisation / PUBLIC_KEY).read_bytes())
    admitted = keyring.admit(certified.certificate.encode(), today=DAY)
    assert world.fingerprint == admitted.fingerprint
    # What was typed unseen is not shown either.
    assert not set(words_of(sheet(sheets, 1))) & set(result.output.split())


def sheet(sheets: Path, number: int) -> Path:
    """Return one of the files."""
    return sheets / f"share-{number}-of-5.pdf"


def test_mistakes_are_named_by_their_place(world: World, sheets: Path) -> None:
    """
    A wrong word, too few of them, an exchanged word and the same sheet twice are
    told, and only that part is typed again.
    """
    first, second, third = (rows(words_of(sheet(sheets, n))) for n in (1, 2, 3))
    exchanged = ["zero" if first[0][:4] != "zero" else "acad", *first[0].split()[1:]]
    lines = [
        *first[:2],
        "beras " + " ".join(first[2].split()[1:]),  # Word 7 is none.
        "two words",
        *first[2:],
        *[" ".join(exchanged), *second[1:]],
        *first,  # The same sheet again.
        *second,
        *third,
    ]
    result = join(world, lines, "--no-passphrase")
    assert 0 == result.exit_code, result.output
    assert "Word 7 is not in the list of words." in result.output
    assert "These were 2 words, not 3." in result.output
    assert "A word of this share is another one than on the paper" in result.output
    assert "was typed before" in result.output
    assert "beras" not in result.output


def test_the_paper_of_another_key(world: World, sheets: Path) -> None:
    """
    With another public key nothing is made.
    """
    world.done("organisation", "init", world.path / "other", "--no-passphrase")
    lines = [line for n in (1, 2, 3) for line in rows(words_of(sheet(sheets, n)))]
    result = world.bisik(
        "organisation",
        "join",
        world.path / "other" / PUBLIC_KEY,
        "--to",
        world.path / "rebuilt",
        "--no-passphrase",
        stdin="".join(f"{line}\n" for line in lines),
    )
    assert 1 == result.exit_code
    assert "not the private key of this public key" in result.stderr
    assert not (world.path / "rebuilt").exists()


def test_sheets_are_never_on_a_disk(world: World) -> None:
    """
    A folder that is not in memory is refused before the passphrase is asked for.
    """
    folder = world.path / "sheets"
    said = world.refused("organisation", "split", world.organisation, "--to", folder)
    assert "would be on a disk" in said
    assert "name a folder in memory" in said
    assert not folder.exists()


def test_shares_can_be_copied_by_hand(world: World) -> None:
    """
    Without a printer each share is shown by itself.
    """
    said = world.done(
        "organisation", "split", world.organisation, "--needed", 2, "--count", 2
    )
    first, second = said.split("Share 2 of 2 of the key")
    numbered = re.compile(r"\b\d+ ([a-z]{4,8})\b")
    for part in (first, second):
        assert WORDS_IN_SHARE == len(numbered.findall(part))
    assert set(numbered.findall(first)) != set(numbered.findall(second))


def test_more_needed_than_made(world: World) -> None:
    """
    Three of two are wrong usage.
    """
    result = world.bisik(
        "organisation", "split", world.organisation, "--needed", 3, "--count", 2
    )
    assert 2 == result.exit_code


@pytest.mark.slow
def test_a_protected_key_is_split_with_its_passphrase(
    empty: World, memory: Path
) -> None:
    """
    The passphrase comes from a descriptor or the terminal; a wrong one makes nothing.
    """
    secret = "frasa rahasia organisasi"
    empty.path.mkdir()
    made = empty.bisik(
        "organisation", "init", empty.organisation, stdin=f"{secret}\n{secret}\n"
    )
    assert 0 == made.exit_code, made.output
    folder = memory / "protected"
    call = ("organisation", "split", empty.organisation, "--to", folder)
    wrong = empty.bisik(*call, stdin="salah\n")
    assert 1 == wrong.exit_code
    assert "type the passphrase" in wrong.stderr
    assert not folder.exists()
    assert 0 == empty.bisik(*call, stdin=f"{secret}\n").exit_code
    try:
        modes = [path.stat().st_mode & 0o777 for path in folder.iterdir()]
        assert [0o600] * 5 == modes
    finally:
        shutil.rmtree(folder)


def test_a_sheet_says_what_it_is(world: World, sheets: Path, tmp_path: Path) -> None:
    """
    Which share of which key, in two languages, and the public key, which can be
    scanned: paper alone brings the key back.
    """
    text = text_of(sheet(sheets, 2))
    fingerprint = read_organisation(world.organisation).fingerprint
    assert fingerprint in text.replace(" ", "")
    for said in ("Bagian 2 dari 5", "Share 2 of 5", "bisik organisation join"):
        assert said in text
    picture = tmp_path / "sheet"
    subprocess.run(
        ["pdftoppm", "-r", "200", "-gray", "-singlefile", "-png"]
        + [str(sheet(sheets, 2)), str(picture)],
        check=True,
        timeout=60,
    )
    scanned = subprocess.run(
        ["zbarimg", "--nodbus", "--quiet", "--raw", f"{picture}.png"],
        check=True,
        capture_output=True,
        timeout=60,
        text=True,
    ).stdout
    key = (world.organisation / PUBLIC_KEY).read_text("ascii")
    assert key.split() == scanned.split()


def test_the_organisations_key_is_extended(world: World) -> None:
    """
    A later end reaches a server by the same command that made it trust the key.
    """
    world.done("organisation", "extend", world.organisation, "--until", "2046-01-01")
    key = world.organisation / PUBLIC_KEY
    world.done("organisation", "trust", key)
    (listed,) = [
        line.split(":")
        for line in subprocess.run(
            ["gpg", "--homedir", str(world.server / "keyring"), "--with-colons"]
            + ["--list-keys", read_organisation(world.organisation).fingerprint],
            check=True,
            capture_output=True,
            timeout=60,
            text=True,
        ).stdout.splitlines()
        if line.startswith("pub:")
    ]
    assert "2398377600" == listed[6]
    refused = world.bisik(
        "organisation", "extend", world.organisation, "--until", "2020-01-01"
    )
    assert 2 == refused.exit_code
