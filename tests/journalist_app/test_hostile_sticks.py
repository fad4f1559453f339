"""Sticks, servers and colleagues that mean harm: each is named, and nothing changes."""

import base64
import io
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from support.bundles import rewritten, swapped
from support.deaddrop_samples import read_everything
from support.hostile_outboxes import (
    archive_of,
    eventful_outbox,
    flipped,
    hostile_outboxes,
)
from support.office import NAMES, Office
from support.reporters import DAY, Reporter, Sealer, entry_of, make_bundle

from casework import strict
from casework.bundle import BUNDLE_LIMITS, BundleManifest, MalformedBundle
from casework.errors import CaseworkError
from casework.journal import FIRST, Admitted, Event, Noted
from casework.parcel import SignedEvent, write_parcel
from crypto.container import BLOCK_BYTES
from crypto.errors import CryptoError
from deaddrop import DeadDropError
from journalist_app.courier.errors import CourierError
from journalist_app.workstation import casebook
from journalist_app.workstation.acting import act, state_of
from journalist_app.workstation.backing_up import restore_backup, write_backup
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import UnusableBackup
from journalist_app.workstation.import_report import Verdict
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.recovery_code import RecoveryCode, parse_recovery_code

ANI, BUDI, CITRA = NAMES
VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "container.json").read_text("utf-8")
)
# Refused by the small limits of the vectors.  A bundle's are larger, so these archives
# are whole, and what is in them is named because nothing announces it.
WITHIN_A_BUNDLES_LIMITS = {
    "size: one byte over the limit of a member",
    "count: a member too many",
    "end: zeros beyond the limit of the archive",
}
# Threads reserve room that they never use; what is really used is measured.
ADDRESS_BYTES = 4 * 1024**3
RESIDENT_BYTES = 200 * 1024**2
SECONDS = 120


def everything_of(desk: Desk) -> tuple[object, ...]:
    """Return every row of the casebook and every file around the desk."""
    with desk.casebook.transaction() as connection:
        rows = [
            (table.name, [tuple(row) for row in connection.execute(select(table))])
            for table in casebook.metadata.sorted_tables
        ]
    files = sorted(
        str(path)
        for path in desk.path.parent.rglob("*")
        # gpg makes and removes locks as it likes.
        if "gnupg" not in path.parts and "colleagues" not in path.parts
    )
    return (*rows, files)


def test_no_member_that_tar_could_be_fooled_by_gets_in(
    desk: Desk, sealer: Sealer, ani: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Paths that climb, links, devices, sizes that lie: behind a manifest, each is refused
    with its own reason, and nothing changes.
    """
    import_bundle(desk, make_bundle({1: sealer.seal(ani.write())}), today=DAY)
    monkeypatch.chdir(desk.path.parent)
    before = everything_of(desk)
    manifest = make_bundle({}, after=1).getvalue()[: -2 * BLOCK_BYTES]
    for vector in VECTORS["refused"]:
        archive = zlib.decompress(base64.b64decode(vector["archive"]))
        report = import_bundle(desk, io.BytesIO(manifest + archive), today=DAY)
        if vector["name"] in WITHIN_A_BUNDLES_LIMITS:
            assert Verdict.FOREIGN in {one.verdict for one in report.outcomes}
            assert "" == report.broken_off, vector["name"]
        else:
            reason = vector["error"].replace("4096", str(BUNDLE_LIMITS.entry_bytes))
            assert reason in report.broken_off, vector["name"]
        assert not report.complete, vector["name"]
        assert before == everything_of(desk), vector["name"]


SHAPES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a list": lambda document: [document],
    "a number": lambda _document: 17,
    "no installation": lambda document: {**document, "installation": None},
    "items are a mapping": lambda document: {**document, "items": {}},
    "items are numbers": lambda document: {**document, "items": [1, 2, 3]},
    "a fraction": lambda document: {**document, "after": 0.5},
    "true for a number": lambda document: {**document, "version": True},
    "a number as text": lambda document: {**document, "through": "1"},
    "a number without end": lambda document: {**document, "through": 10**400},
    "officers are text": lambda document: {**document, "officers": "semua"},
    "an outbox without a digest": lambda document: {
        **document,
        "applied": {"desk_id": "00" * 16, "number": 3, "sha256": []},
    },
    "more outboxes than there are": lambda document: {
        **document,
        "applied": {"desk_id": "00" * 16, "number": 1, "sha256": ["00" * 32] * 2},
    },
    "outboxes beyond counting": lambda document: {
        **document,
        "applied": {"desk_id": "00" * 16, "number": 2**53, "sha256": ["00" * 32]},
    },
}


def test_a_manifest_of_the_wrong_shape_is_refused(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """Whatever JSON there is, nested as deep as it likes, the desk stays as it was."""
    import_bundle(desk, make_bundle({1: sealer.seal(ani.write())}), today=DAY)
    before = everything_of(desk)
    entry = entry_of(2, b"x")
    good = BundleManifest(
        installation=bytes(range(16)).hex(), after=1, through=2, items=(entry,)
    )
    document = json.loads(strict.render(good))
    contents = [json.dumps(shape(document)).encode() for shape in SHAPES.values()]
    contents += [
        b"[" * 1_000_000,
        b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
        b'{"version": 1, "version": 1}',
        b'{"after": NaN}',
        b"\xff\xfe\x00\x00",
        b"",
        strict.render(good)[:-3],
    ]
    for content in contents:
        with pytest.raises(MalformedBundle):
            import_bundle(desk, archive_of(("manifest.json", content)), today=DAY)
        assert before == everything_of(desk)


def test_officers_whom_nobody_certified_are_named(office: Office) -> None:
    """Foreign keys, junk, somebody else's desk: named, and nobody new is known."""
    ani = office.desks[ANI]
    office.fetch(ANI)
    stranger = office.template.enrolments[CITRA]
    bundle = office.bundle_for(ANI)
    known = json.loads(read_manifest(bundle))["officers"]
    entry = next(one for one in known if one["desk_id"] == stranger.desk_id)
    others = [one for one in known if one is not entry]
    lies = {
        "another desk": {**entry, "desk_id": "ab" * 16},
        "another key": {**entry, "certificate": others[0]["certificate"]},
        "no key": {**entry, "certificate": "bukan kunci"},
    }
    with ani.casebook.transaction() as connection:
        before = connection.execute(select(casebook.officer)).all()
    for lie in lies.values():
        changed = rewritten(io.BytesIO(bundle), officers=(*others, lie))
        report = import_bundle(ani, changed, today=DAY)
        assert any("not taken in" in one.what for one in report.officers)
        office.fetch(ANI)
        with ani.casebook.transaction() as connection:
            assert before == connection.execute(select(casebook.officer)).all()


def read_manifest(bundle: bytes) -> bytes:
    """Return the first member of a bundle."""
    size_bytes = int(bundle[124:135], 8)
    return bundle[BLOCK_BYTES : BLOCK_BYTES + size_bytes]


def test_no_change_of_an_outbox_gets_through(office: Office) -> None:
    """Altered, cut off, reordered, with members too many: refused, nothing applied."""
    outbox = eventful_outbox(office, ANI, BUDI)
    before = read_everything(office.drop)
    for content in hostile_outboxes(outbox):
        with pytest.raises((CaseworkError, CourierError, CryptoError, DeadDropError)):
            office.apply(content)
        assert before == read_everything(office.drop)
    assert 2 == office.apply(outbox).applied.slots_written


def test_events_that_somebody_else_signed_change_no_case(office: Office) -> None:
    """An officer writes as a colleague, or lets themselves in: neither is believed."""
    reporter = Reporter("pelapor")
    office.send(reporter.write(), to=(ANI, BUDI))
    office.exchange()
    name = case_name(reporter.keys.case_id)
    budi, citra = office.desks[BUDI], office.desks[CITRA]

    def event(desk_id: str, **changes: object) -> Event:
        fields: dict[str, object] = {
            "desk_id": desk_id,
            "number": 1,
            "previous": FIRST,
            "clock": 1,
            "day": DAY,
            "case_id": reporter.keys.case_id.hex(),
            "action": Noted(text="Palsu."),
        }
        return Event.model_validate({**fields, **changes})

    citra_id = citra.record.desk_id
    forged = event(office.desks[ANI].record.desk_id)
    herself = event(
        citra_id, action=Admitted(desk_id=citra_id, form="full", members=(citra_id,))
    )
    signed = [
        SignedEvent(
            one.to_json(),
            citra.keys.sign_detached(one.to_json(), signer=citra.fingerprint, day=DAY),
        )
        for one in (forged, herself)
    ]
    signed.append(SignedEvent(b'{"kind": "bukan"}', b"x"))
    plaintext: list[bytes] = []
    write_parcel(plaintext.append, signed, desk_id=citra_id, day=DAY)
    before = state_of(budi, name)
    office.send(b"".join(plaintext), to=(BUDI,))
    report = office.fetch(BUDI)

    assert "1 of officers not known yet, 1 refused" in report.outcomes[-1].note
    assert 1 == report.unverified
    after = state_of(budi, name)
    assert (before.notes, before.admitted, before.members) == (
        after.notes,
        after.admitted,
        after.members,
    )
    assert ["nobody lets themselves in"] == [one.reason for one in after.conflicts]
    act(budi, name, Noted(text="Bukan untuk Citra."), today=DAY)
    office.exchange()
    with citra.casebook.transaction() as connection:
        assert 0 == len(connection.execute(select(casebook.content)).all())


IMPORTER = """
import os, resource, sys
from datetime import date
from pathlib import Path
from journalist_app.workstation.desk import open_desk
from journalist_app.workstation.importing import import_bundle
limit = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
with open_desk(Path(sys.argv[1]), passphrase=None, entropy=os.urandom) as desk:
    with open(sys.argv[2], "rb") as bundle:
        report = import_bundle(desk, bundle, today=date(2026, 11, 24))
for outcome in report.outcomes:
    print(outcome.name, outcome.verdict, sep=": ")
# Not ru_maxrss, which begins with what the process that started this one had.
status = Path("/proc/self/status").read_text(encoding="ascii")
print(int(status.partition("VmHWM:")[2].split()[0]))
"""


@pytest.mark.slow
def test_bombs_do_not_go_off(
    desk_path: Path, tmp_path: Path, sealer: Sealer, ani: Reporter
) -> None:
    """Hundreds of megabytes packed into kilobytes are given up in little memory."""
    bombs = {
        1: packed(sealer, b"\0"),
        2: packed(sealer, ani.write()[:4096] + b"\0"),
        3: sealer.seal(ani.write()),
    }
    bundle = tmp_path / "bundle.tar"
    bundle.write_bytes(make_bundle(bombs).getvalue())
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            IMPORTER,
            str(desk_path),
            str(bundle),
            str(ADDRESS_BYTES),
        ],
        env={**os.environ, "PYTHONPATH": str(Path(casebook.__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    assert [
        "item 1: kept, but cannot be opened",
        "item 2: kept, but cannot be opened",
        "item 3: new",
    ] == done.stdout.splitlines()[:3]
    assert int(done.stdout.splitlines()[3]) * 1024 < RESIDENT_BYTES
    stored = sum(path.stat().st_size for path in (desk_path / "store").iterdir())
    assert stored < 1024**2


def packed(sealer: Sealer, beginning: bytes) -> bytes:
    """Seal 400 MiB that are nearly all zeros, compressed."""
    feed = f"import sys; w = sys.stdout.buffer.write; w({beginning!r}); "
    feed += "[w(bytes(2**20)) for _ in range(400)]"
    with subprocess.Popen([sys.executable, "-c", feed], stdout=subprocess.PIPE) as fed:
        sealed = subprocess.run(
            [
                *("gpg", "--homedir", str(sealer.home), "--batch", "--quiet"),
                *("--trust-model", "always", "--compress-algo", "zlib"),
                *("-z", "9", "-r", str(sealer.officer), "--encrypt"),
            ],
            stdin=fed.stdout,
            capture_output=True,
            check=True,
        ).stdout
    assert len(sealed) < 4 * 1024**2
    return sealed


def test_an_item_that_was_swapped_is_told_and_nothing_is_lost(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """A stick whose manifest was altered with its items brings junk, named as such."""
    bundle = make_bundle({1: sealer.seal(ani.write())}).getvalue()
    report = import_bundle(desk, swapped(bundle, 1, b"junk" * 999), today=DAY)
    assert Verdict.UNOPENED is report.outcomes[0].verdict
    report = import_bundle(desk, io.BytesIO(bundle), today=DAY)
    assert Verdict.OTHER is report.outcomes[0].verdict
    assert "another item had this number" in report.outcomes[0].note


def test_a_backup_that_is_none_makes_no_desk(desk: Desk, tmp_path: Path) -> None:
    """Cut off, changed, of another code, or anything else: refused, and no folder."""
    path = tmp_path / "backup"
    made = write_backup(desk, path, today=DAY)
    content = path.read_bytes()
    target = tmp_path / "restored"
    other = RecoveryCode(bytes(16))
    cases = [
        (content, other),
        (b"", made.code),
        (content[:40], made.code),
        (content[: len(content) // 2], made.code),
        (content[:-1], made.code),
        (content + b"x", made.code),
        *(
            (flipped(content, place), made.code)
            for place in range(0, len(content), len(content) // 9)
        ),
    ]
    for untrusted, code in cases:
        hostile = tmp_path / "hostile"
        hostile.write_bytes(untrusted)
        with pytest.raises(UnusableBackup):
            restore_backup(hostile, target, code)
        assert not target.exists()
    assert [] == [one for one in tmp_path.iterdir() if one.name.startswith(".")]
    restore_backup(path, target, made.code)
    assert (desk.path / "desk.json").read_bytes() == (target / "desk.json").read_bytes()


def test_a_slip_in_a_recovery_code_is_noticed() -> None:
    """Look-alikes are read as what they look like; any other character is refused."""
    code = RecoveryCode(bytes(range(16)))
    text = str(code)
    assert code == parse_recovery_code(text.lower().replace("-", " ").replace("0", "o"))
    for place, character in enumerate(text):
        if character != "-":
            other = "7" if character != "7" else "8"
            with pytest.raises(UnusableBackup):
                parse_recovery_code(text[:place] + other + text[place + 1 :])
    with pytest.raises(UnusableBackup):
        parse_recovery_code(text[:-1])
