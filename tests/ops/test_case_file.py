"""A case file from the command line, and how its recipient verifies it."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.case_files import members_of
from support.command import World
from support.office import shown_on
from support.reporters import DAY, Reporter
from support.sending import send
from support.telling_files import pdf_with_author

from crypto.certificates import generate_officer_key
from crypto.container import ContainerWriter
from crypto.openpgp import Keyring
from journalist_app.workstation.acting import decide_exposure
from journalist_app.workstation.desk import open_desk

SPEC = Path(__file__).parents[2] / "docs/spec/case-file.md"
FILES = (("Bukti.pdf", pdf_with_author()),)


@dataclass(frozen=True)
class Given:
    """A world with one case, of which something may be given away."""

    world: World
    case: str
    folder: Path

    @property
    def organisation(self) -> Path:
        """The organisation's public key."""
        return self.world.organisation / "organisation.asc"

    def make(self, name: str = "case.tar", *more: object) -> Path:
        """Make a case file."""
        path = self.folder / name
        self.world.done(
            *("desk", "case-file", self.case, "--to", path, "--form", "full"),
            *("--for", "Auditor", *more),
        )
        return path


@pytest.fixture
def given(world: World, tmp_path: Path) -> Given:
    """A case that came in by a bundle, and was looked at."""
    send(world.server, world.edge, Reporter("ani").keys, token="0" * 32, files=FILES)
    bundle = tmp_path / "bundle.tar"
    world.done("courier", "export", "--desk", world.officer, "--to", bundle)
    world.done("desk", "import", bundle)
    (case,) = re.findall(r"^([a-z]{5}-[a-z]{5}) ", world.done("desk", "list"), re.M)
    with open_desk(world.desk, passphrase=None, entropy=os.urandom) as desk:
        decide_exposure(
            desk,
            case,
            shown=shown_on(desk, case),
            findings=0,
            decision="share",
            reason="",
            today=DAY,
        )
    folder = tmp_path / "stick"
    folder.mkdir()
    return Given(world, case, folder)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An auditor's own GnuPG, empty; its agent is ended afterwards."""
    path = tmp_path / "auditor"
    path.mkdir(mode=0o700)
    # The keys of these tests are of one day, whatever day it is here.
    (path / "gpg.conf").write_text(f"faked-system-time {DAY:%Y%m%d}T235959\n")
    yield path
    subprocess.run(
        ["gpgconf", "--homedir", path, "--kill", "all"], check=False, timeout=60
    )


def altered(path: Path, change: dict[str, bytes]) -> Path:
    """Write a case file anew with other members."""
    target = path.with_name("altered.tar")
    with target.open("wb") as file:
        writer = ContainerWriter(file.write, day=DAY)
        for name, content in members_of(path.read_bytes()).items():
            writer.add(name, change.get(name, content))
        writer.finish()
    return target


def test_made_and_verified(given: Given) -> None:
    """The recipient learns who signed, for whom, and that all of it is whole."""
    path = given.folder / "case.tar"
    said = given.world.done(
        *("desk", "case-file", given.case, "--to", path, "--form", "redacted"),
        *("--for", "Inspektorat", "--attachment", "1", "--language", "en"),
    )
    assert hashlib.sha256(path.read_bytes()).hexdigest() in said
    verified = given.world.done(
        "verify-case-file", path, "--organisation", given.organisation
    )

    assert f"{given.world.fingerprint}," in verified
    assert f"Signed by {given.world.officer}" in verified
    assert "for Inspektorat" in verified
    assert "all 3 members are whole" in verified


def test_the_officer_is_told_who_can_read_it(given: Given) -> None:
    """A file that is not sealed is readable by anybody, and the command says so."""
    result = given.world.bisik(
        *("desk", "case-file", given.case, "--to", given.folder / "a.tar"),
        *("--form", "full", "--for", "Auditor"),
    )
    assert 0 == result.exit_code
    assert "Anybody who gets hold of this file can read it" in result.stderr


def test_whatever_was_altered_is_named(given: Given) -> None:
    """Every part of the archive, one by one."""
    path = given.make("case.tar", "--attachment", "1")
    members = members_of(path.read_bytes())
    verify = ("verify-case-file", path.with_name("altered.tar"))
    for name, complaint in (
        ("case-file.pdf", "case-file.pdf is not what was signed"),
        ("files/001.pdf", "files/001.pdf is not what was signed"),
        ("officer.asc", "officer"),
        ("manifest.json", "the content was changed after it was signed"),
        ("manifest.sig", "the signature does not count"),
    ):
        content = members[name]
        changed = (
            content.replace(b"Auditor", b"auditor")
            if name == "manifest.json"
            else content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]
        )
        assert changed != content
        altered(path, {name: changed})
        refused = given.world.refused(*verify, "--organisation", given.organisation)
        assert complaint in refused


def test_another_organisation_has_not_certified_the_officer(
    given: Given, tmp_path: Path
) -> None:
    """A good signature by somebody whom nobody vouches for does not count."""
    path = given.make()
    other = tmp_path / "other"
    given.world.done("organisation", "init", other, "--no-passphrase")
    refused = given.world.refused(
        "verify-case-file", path, "--organisation", other / "organisation.asc"
    )
    assert "not certified by the organisation" in refused


def test_an_expired_key_counts_for_what_it_signed(given: Given) -> None:
    """In twenty years the officer's key has ended; the file is as authentic as ever."""
    path = given.make()
    later = given.world.at(365 * 5)
    said = later.done("verify-case-file", path, "--organisation", given.organisation)
    assert "members are whole" in said


def test_another_officers_key_does_not_stand_in(given: Given, tmp_path: Path) -> None:
    """With a certificate from elsewhere the signature must be of its key."""
    path = given.make()
    (tmp_path / "officer.asc").write_bytes(members_of(path.read_bytes())["officer.asc"])
    good = ("verify-case-file", path, "--organisation", given.organisation)
    given.world.done(*good, "--certificate", tmp_path / "officer.asc")
    refused = given.world.refused(*good, "--certificate", given.organisation)
    assert "the officer's key does not count" in refused


def test_what_is_no_case_file_says_so(given: Given, tmp_path: Path) -> None:
    """A bundle, an empty file, and one that has to be opened first."""
    empty = tmp_path / "empty"
    empty.touch()
    for path in (tmp_path / "bundle.tar", empty):
        given.world.refused(
            "verify-case-file", path, "--organisation", given.organisation
        )
    fingerprint = generate_officer_key(
        tmp_path / "keys",
        name="Auditor Uji",
        email="auditor@example.test",
        expires_days=365,
        passphrase=None,
        today=DAY,
    )
    key = tmp_path / "auditor.asc"
    key.write_bytes(Keyring(tmp_path / "keys").export(fingerprint))
    sealed = given.make("a.tar.pgp", "--seal-to", key, "--fingerprint", fingerprint)
    refused = given.world.refused(
        "verify-case-file", sealed, "--organisation", given.organisation
    )
    assert "sealed: only its recipient can open it" in refused
    assert "gpg --decrypt" in refused


def test_a_seal_needs_both_key_and_fingerprint(given: Given, tmp_path: Path) -> None:
    """Half of it is wrong usage, another fingerprint a refusal; nothing is written."""
    make = (
        *("desk", "case-file", given.case, "--to", given.folder / "a.tar"),
        *("--form", "full", "--for", "Auditor"),
    )
    half = given.world.bisik(*make, "--seal-to", given.organisation)
    assert 2 == half.exit_code
    refused = given.world.refused(
        *make, "--seal-to", given.organisation, "--fingerprint", "AB" * 20
    )
    assert "not that of the key" in refused
    assert [] == list(given.folder.iterdir())


def test_without_a_decision_the_way_out_is_named(world: World, given: Given) -> None:
    """The command cannot ask; it says where to look at the case."""
    send(world.server, world.edge, Reporter("budi").keys, token="1" * 32)
    bundle = given.folder / "b.tar"
    world.done("courier", "export", "--desk", world.officer, "--to", bundle)
    world.done("desk", "import", bundle)
    listed = world.done("desk", "list")
    (case,) = {*re.findall(r"^([a-z]{5}-[a-z]{5}) ", listed, re.M)} - {given.case}
    refused = world.refused(
        *("desk", "case-file", case, "--to", given.folder / "a.tar"),
        *("--form", "full", "--for", "Auditor"),
    )
    assert "look first at what could give the reporter away" in refused
    assert "bisik desk open" in refused


def commands_of_the_spec() -> str:
    """Return the commands for auditors, as the specification prints them."""
    section = SPEC.read_text("utf-8").partition("## 5.")[2]
    return section.partition("```sh\n")[2].partition("```")[0]


def test_an_auditor_needs_none_of_our_programs(
    given: Given, home: Path, tmp_path: Path
) -> None:
    """
    The commands of the specification, word for word, with tar, gpg and sha256sum: they
    accept what we make, and refuse what was altered.
    """
    path = given.make("case.tar", "--attachment", "1")

    def audit(file: Path) -> "subprocess.CompletedProcess[str]":
        folder = tmp_path / f"unpacked-{file.stem}"
        folder.mkdir()
        shutil.copy(file, folder / "case-file.tar")
        shutil.copy(given.organisation, folder / "organisation.asc")
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands_of_the_spec()],
            cwd=folder,
            env={**os.environ, "GNUPGHOME": str(home), "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    good = audit(path)
    assert 0 == good.returncode, good.stderr
    assert f'Good signature from "{given.world.officer}' in good.stderr
    assert 3 == good.stdout.count(": OK")
    # The organisation's certification, checked and found good.
    assert re.search(r"^sig! .*Bisik", good.stdout, re.M)

    changed = altered(path, {"files/001.pdf": b"%PDF-lain"})
    bad = audit(changed)
    assert 0 != bad.returncode
    assert "files/001.pdf: FAILED" in bad.stdout
