import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select
from support.reporters import (
    DAY,
    INSTALLATION,
    REPORT,
    Reporter,
    Sealer,
    entry_of,
    make_bundle,
)

from casework import strict
from casework.bundle import BundleManifest, MalformedBundle, item_name
from casework.item import ItemKind
from crypto.container import ContainerWriter
from journalist_app.workstation import casebook
from journalist_app.workstation.cases import ItemShown, show_case
from journalist_app.workstation.desk import Desk, open_desk
from journalist_app.workstation.errors import ForeignBundle
from journalist_app.workstation.exporting import prepare_outbox
from journalist_app.workstation.import_report import ImportReport, Verdict
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.queueing import list_cases
from journalist_app.workstation.saving import stored_content
from journalist_app.workstation.taking_in import ANOTHER_HAD_THE_NUMBER, MOST_WAITING

EVERY_TABLE = casebook.metadata.sorted_tables


def contents(desk: Desk) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of the casebook, and the names in items/."""
    with desk.casebook.transaction() as connection:
        rows = {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in EVERY_TABLE
        }
    return {
        **rows,
        "files": sorted(
            (path.name,)
            for folder in ("items", "store", "incoming")
            for path in (desk.path / folder).iterdir()
        ),
    }


def verdicts(report: ImportReport) -> dict[str, Verdict]:
    """Return the verdicts by name."""
    return {outcome.name: outcome.verdict for outcome in report.outcomes}


def test_items_are_filed_under_their_cases(
    desk: Desk, sealer: Sealer, ani: Reporter, budi: Reporter
) -> None:
    """Reports of two reporters and a message become two cases with what they sent."""
    items = {
        1: sealer.seal(ani.write(files=[("Foto bukti.pdf", b"%PDF")])),
        2: sealer.seal(budi.write()),
        3: sealer.seal(ani.write(ItemKind.MESSAGE, message="Ada tambahan.")),
    }
    report = import_bundle(desk, make_bundle(items), today=DAY)

    assert report.complete
    assert {f"item {n}": Verdict.NEW for n in items} == verdicts(report)
    assert 2 == len(list_cases(desk, today=DAY))
    shown = show_case(desk, case_name(ani.keys.case_id), today=DAY)
    first, second = shown.thread
    assert isinstance(first, ItemShown)
    assert isinstance(second, ItemShown)
    assert REPORT == first.report
    assert ["Foto bukti.pdf"] == [file.name for file in first.attachments]
    assert "Ada tambahan." == second.message
    assert REPORT.title == shown.summary.title


def test_what_was_opened_is_kept_under_keys_of_the_desk(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """The sealed item is gone once it is in the store, from which it is read again."""
    plaintext = ani.write(files=[("Foto.jpg", bytes(range(256)) * 300)])
    import_bundle(desk, make_bundle({1: sealer.seal(plaintext)}), today=DAY)
    assert [] == [*(desk.path / "items").iterdir(), *(desk.path / "incoming").iterdir()]
    with desk.casebook.transaction() as connection:
        digest = hashlib.sha256(plaintext).digest()
        stored = stored_content(connection, ani.keys.case_id, digest)
    assert plaintext == b"".join(desk.store.read(stored))
    (file,) = (desk.path / "store").iterdir()
    # Padding is counted and not stored.
    assert file.stat().st_size < len(plaintext)


def test_importing_twice_changes_nothing(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """The same bundle again is said to be there already."""
    bundle = make_bundle({1: sealer.seal(ani.write())})
    import_bundle(desk, bundle, today=DAY)
    before = contents(desk)
    bundle.seek(0)
    report = import_bundle(desk, bundle, today=DAY)
    assert {"item 1": Verdict.ALREADY_THERE} == verdicts(report)
    assert report.complete
    assert before == contents(desk)


def test_a_truncated_bundle_gives_its_whole_items(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """A stick pulled out too early: what is whole is filed, the rest is named."""
    items = {n: sealer.seal(ani.write()) for n in (1, 2, 3)}
    whole = make_bundle(items).getvalue()
    cut = whole.index(items[2][:64]) + 1000

    report = import_bundle(desk, io.BytesIO(whole[:cut]), today=DAY)

    assert not report.complete
    assert report.broken_off
    assert {
        "item 1": Verdict.NEW,
        item_name(2): Verdict.DAMAGED,
        item_name(3): Verdict.MISSING,
    } == verdicts(report)
    assert 1 == len(list((desk.path / "store").iterdir()))

    again = import_bundle(desk, io.BytesIO(whole), today=DAY)
    assert again.complete
    assert [Verdict.ALREADY_THERE, Verdict.NEW, Verdict.NEW] == [
        outcome.verdict for outcome in again.outcomes
    ]


def test_a_tampered_item_is_damaged(desk: Desk, sealer: Sealer, ani: Reporter) -> None:
    """One flipped bit is found by the digest; the items around it are kept."""
    items = {n: sealer.seal(ani.write()) for n in (1, 2, 3)}
    announced = [entry_of(number, sealed) for number, sealed in items.items()]
    items[2] = items[2][:-1] + bytes([items[2][-1] ^ 1])
    report = import_bundle(desk, make_bundle(items, announced=announced), today=DAY)
    assert [Verdict.NEW, Verdict.DAMAGED, Verdict.NEW] == [
        outcome.verdict for outcome in report.outcomes
    ]
    assert 2 == len(list((desk.path / "store").iterdir()))


def test_an_item_tampered_with_before_the_bundle_is_unopened(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """When the digest agrees, OpenPGP still refuses; the item is kept, unopened."""
    sealed = sealer.seal(ani.write())
    middle = len(sealed) // 2
    flipped = sealed[:middle] + bytes([sealed[middle] ^ 1]) + sealed[middle + 1 :]
    report = import_bundle(desk, make_bundle({1: flipped}), today=DAY)
    assert {"item 1": Verdict.UNOPENED} == verdicts(report)
    assert () == list_cases(desk, today=DAY)


def test_an_item_for_somebody_else_is_kept(
    desk: Desk, sealer_to_another: Sealer, ani: Reporter
) -> None:
    """What is not sealed to this officer is held, and does not stop the import."""
    sealed = sealer_to_another.seal(ani.write())
    report = import_bundle(desk, make_bundle({1: sealed}), today=DAY)
    assert {"item 1": Verdict.FOR_OTHERS} == verdicts(report)
    assert report.complete
    assert [(f"{entry_of(1, sealed).sha256}.pgp",)] == contents(desk)["files"]


def test_what_is_no_item_is_kept_unopened(desk: Desk, sealer: Sealer) -> None:
    """Anybody can seal anything to an officer; it harms nothing."""
    report = import_bundle(
        desk, make_bundle({1: sealer.seal(b"no item at all")}), today=DAY
    )
    assert {"item 1": Verdict.UNOPENED} == verdicts(report)
    assert () == list_cases(desk, today=DAY)


def test_everything_odd_is_named(desk: Desk, sealer: Sealer, ani: Reporter) -> None:
    """Missing, unannounced and unknown members are named one by one."""
    sealed = {n: sealer.seal(ani.write()) for n in (1, 2, 5)}
    manifest = BundleManifest(
        installation=INSTALLATION.hex(),
        after=0,
        through=2,
        items=(entry_of(1, sealed[1]), entry_of(2, sealed[2])),
    )
    stream = io.BytesIO()
    writer = ContainerWriter(stream.write, day=DAY)
    writer.add("manifest.json", strict.render(manifest))
    writer.add(item_name(1), sealed[1])
    writer.add("items/1.pgp", sealed[1])
    writer.add(item_name(5), sealed[5])
    writer.add("readme.txt", b"hello")
    writer.finish()
    stream.seek(0)

    report = import_bundle(desk, stream, today=DAY)

    assert {
        "item 1": Verdict.NEW,
        item_name(2): Verdict.MISSING,
        "items/1.pgp": Verdict.DUPLICATE,
        item_name(5): Verdict.FOREIGN,
        "readme.txt": Verdict.FOREIGN,
    } == verdicts(report)
    assert not report.complete


def test_another_item_under_a_known_number_is_taken_beside_it(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """A server that was restored gives numbers again: the digest tells which item."""
    first, second = (sealer.seal(ani.write()) for _ in range(2))
    import_bundle(desk, make_bundle({1: first}), today=DAY)
    report = import_bundle(desk, make_bundle({1: second}), today=DAY)
    assert {"item 1": Verdict.OTHER} == verdicts(report)
    assert ANOTHER_HAD_THE_NUMBER == report.outcomes[0].note
    assert 2 == len(contents(desk)["received"]) == len(contents(desk)["content"])
    # The desk signs for the one that the server has now.
    prepare_outbox(desk, today=DAY)
    with desk.casebook.transaction() as connection:
        table = casebook.received
        signed = connection.scalars(
            select(table.c.sha256).where(table.c.reported_in.is_not(None))
        ).all()
    assert [hashlib.sha256(second).digest()] == signed


def test_the_same_bytes_under_two_numbers_are_filed_once(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """A server that repeats itself fills nothing up, and stops nothing."""
    sealed = sealer.seal(ani.write())
    report = import_bundle(
        desk, make_bundle(dict.fromkeys((1, 2, 3), sealed)), today=DAY
    )
    assert report.complete
    assert ["", "known already", "known already"] == [
        one.note for one in report.outcomes
    ]
    assert 1 == len(list((desk.path / "store").iterdir()))


def test_a_foreign_bundle_is_refused(desk: Desk, sealer: Sealer, ani: Reporter) -> None:
    """After the first bundle, those of another installation change nothing."""
    import_bundle(desk, make_bundle({1: sealer.seal(ani.write())}), today=DAY)
    before = contents(desk)
    foreign = make_bundle({2: sealer.seal(ani.write())}, installation=bytes(16))
    with pytest.raises(ForeignBundle):
        import_bundle(desk, foreign, today=DAY)
    assert before == contents(desk)


def test_junk_is_no_bundle(desk: Desk) -> None:
    """A file that is no bundle is refused and binds the desk to nothing."""
    before = contents(desk)
    with pytest.raises(MalformedBundle):
        import_bundle(desk, io.BytesIO(b"\x00" * 5000), today=DAY)
    assert before == contents(desk)


def test_gaps_are_noticed(desk: Desk, sealer: Sealer, ani: Reporter) -> None:
    """Items not fetched, items gone for ever, and gaps within a case are told."""
    items = [sealer.seal(ani.write()) for _ in range(7)]
    import_bundle(desk, make_bundle({2: items[0]}, after=1), today=DAY)
    report = import_bundle(
        desk, make_bundle({5: items[3], 7: items[6]}, after=4), today=DAY
    )
    assert (range(3, 5),) == report.not_fetched
    assert (range(6, 7),) == report.gone
    assert {case_name(ani.keys.case_id): 4} == report.cases_with_gaps


def test_what_was_unopened_is_opened_later(
    desk_path: Path, sealer: Sealer, ani: Reporter
) -> None:
    """Each import tries again to open what is still sealed."""
    hidden = desk_path / "hidden"
    sealed = sealer.seal(ani.write())
    with open_desk(desk_path, passphrase=None, entropy=os.urandom) as desk:
        keys = desk_path / "gnupg" / "private-keys-v1.d"
        keys.rename(hidden)
        keys.mkdir()
        # The agent remembers nothing of a key whose file is gone.
        report = import_bundle(desk, make_bundle({1: sealed}), today=DAY)
        assert {"item 1": Verdict.UNOPENED} == verdicts(report)
        keys.rmdir()
        hidden.rename(keys)
        report = import_bundle(desk, make_bundle({}, after=1), today=DAY)
        assert (1,) == report.opened_later
        assert 1 == len(list_cases(desk, today=DAY))


def test_other_reply_keys_are_not_used(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """An item that names other reply keys is filed, marked, and changes no key."""
    stranger = Reporter("stranger")
    import_bundle(desk, make_bundle({1: sealer.seal(ani.write())}), today=DAY)
    forged = ani.write(
        ItemKind.MESSAGE,
        message="Kirim ke sini.",
        mailbox_key=stranger.keys.mailbox_key.hex(),
        reply_public_key=stranger.private_key.public_bytes().hex(),
    )
    sealed = sealer.seal(forged)
    (outcome,) = import_bundle(
        desk, make_bundle({2: sealed}, after=1), today=DAY
    ).outcomes

    assert "may be forged" in outcome.note
    with desk.casebook.transaction() as connection:
        case = connection.execute(select(casebook.case)).one()
    assert ani.keys.mailbox_key == case.mailbox_key
    assert ani.private_key.public_bytes() == case.reply_public_key
    thread = show_case(desk, case.name, today=DAY).thread
    assert [False, True] == [
        entry.other_keys for entry in thread if isinstance(entry, ItemShown)
    ]


@pytest.mark.parametrize("day", [b"9999-12-31", b"0001-01-01"])
def test_an_item_of_an_impossible_day_stops_no_import(
    desk: Desk, sealer: Sealer, ani: Reporter, day: bytes
) -> None:
    """A forged day leads beyond no calendar's end, and the rest comes in."""
    written = DAY.isoformat().encode()
    forged = Reporter("stranger").write().replace(written, day)
    bundle = make_bundle({1: sealer.seal(forged), 2: sealer.seal(ani.write())})
    report = import_bundle(desk, bundle, today=DAY)
    assert [Verdict.NEW, Verdict.NEW] == [one.verdict for one in report.outcomes]
    assert 2 == len(list_cases(desk, today=DAY))


def test_no_item_is_of_the_office(desk: Desk, sealer: Sealer, ani: Reporter) -> None:
    """Where desks speak of themselves, nobody opens a case."""
    sealed = sealer.seal(ani.write(case_id="00" * 16))
    report = import_bundle(desk, make_bundle({1: sealed}), today=DAY)
    assert [Verdict.UNOPENED] == [one.verdict for one in report.outcomes]
    assert () == list_cases(desk, today=DAY)


def test_nothing_plain_is_on_the_disk(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """Neither a text nor a file nor a name of one can be found in the folder."""
    secret = "RahasiaSekaliTentangBeras"
    items = {
        1: sealer.seal(ani.write(files=[(f"{secret}.txt", secret.encode())])),
        2: sealer.seal(ani.write(ItemKind.MESSAGE, message=secret)),
    }
    import_bundle(desk, make_bundle(items), today=DAY)
    words = [secret.encode(), REPORT.title.encode(), b"SQLite format", ani.keys.case_id]
    for path in desk.path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [word for word in words if word in content], path


IMPORTER = """
import os
import sys
from datetime import date
from pathlib import Path
from journalist_app.workstation.desk import open_desk
from journalist_app.workstation.importing import import_bundle
with open_desk(Path(sys.argv[1]), passphrase=None, entropy=os.urandom) as desk:
    print("open", flush=True)
    with open(sys.argv[2], "rb") as bundle:
        import_bundle(desk, bundle, today=date(2026, 11, 24))
"""


@pytest.mark.slow
def test_a_kill_leaves_whole_items(
    desk_path: Path, tmp_path: Path, sealer: Sealer, ani: Reporter
) -> None:
    """However an import is killed, what is filed is whole, and the rest can follow."""
    # More than are filed at once.
    items = {n: sealer.seal(ani.write()) for n in range(1, MOST_WAITING + 17)}
    bundle = tmp_path / "bundle.tar"
    bundle.write_bytes(make_bundle(items).getvalue())
    chance = random.Random(7)
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", IMPORTER, str(desk_path), str(bundle)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(casebook.__file__).parents[2])},
        )
        with process:
            assert process.stdout is not None
            assert b"open\n" == process.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.5))
            process.send_signal(signal.SIGKILL)
        with open_desk(desk_path, passphrase=None, entropy=os.urandom) as desk:
            rows = contents(desk)
            for case in list_cases(desk, today=DAY):
                assert 0 == case.missing
            filed = {row[0] for row in rows["received"]}
            assert set(range(1, len(filed) + 1)) == filed
    with (
        open_desk(desk_path, passphrase=None, entropy=os.urandom) as desk,
        bundle.open("rb") as stream,
    ):
        assert import_bundle(desk, stream, today=DAY).complete
        rows = contents(desk)
    assert len(items) == len(rows["received"]) == len(rows["files"])
    # Who was killed could not end their agent.
    home = str(desk_path / "gnupg")
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=True)
