"""Exports and the server's applying of outboxes, killed anywhere."""

import io
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from support.deaddrop_samples import read_everything
from support.office import DATABASE, NAMES, Office, open_drop
from support.reporters import DAY, Reporter

from casework.journal import Noted
from casework.reply import ReplyKind
from deaddrop import DeadDrop
from journalist_app.workstation import casebook
from journalist_app.workstation.acting import act, state_of
from journalist_app.workstation.errors import NothingToExport
from journalist_app.workstation.exporting import prepare_outbox, write_again
from journalist_app.workstation.names import case_name
from journalist_app.workstation.replying import Draft, write_reply

ANI, BUDI, CITRA = NAMES
ROUNDS = int(os.environ.get("BISIK_TRUTH_KILLS", "4"))
DRAFT = Draft(ReplyKind.ANSWER, "Jawaban.")

EXPORTER = """
import os, sys
from datetime import date
from pathlib import Path
from journalist_app.durable import new_file
from journalist_app.workstation.desk import open_desk
from journalist_app.workstation.exporting import prepare_outbox, write_again
with open_desk(Path(sys.argv[1]), passphrase=None, entropy=os.urandom) as desk:
    print("open", flush=True)
    made = prepare_outbox(desk, today=date(2026, 11, 24))
    with new_file(Path(sys.argv[2])) as file:
        write_again(desk, made.number, file.write)
"""

APPLIER = """
import os, sys
from datetime import date
from pathlib import Path
from crypto.openpgp import Keyring
from deaddrop import KnownDummies, open_deaddrop
from journalist_app.courier.outboxes import apply_outbox
folder = Path(sys.argv[1])
drop = open_deaddrop(
    f"sqlite:///{folder / sys.argv[3]}",
    known_dummies=KnownDummies(folder / "known-dummies", entropy=os.urandom),
    entropy=os.urandom,
)
keyring = Keyring(folder / "keyring")
with open(sys.argv[2], "rb") as outbox:
    print("open", flush=True)
    apply_outbox(drop, keyring, outbox, today=date(2026, 11, 24), release_day=None)
print("applied", flush=True)
"""


def killed_after(program: str, seconds: float, *arguments: str) -> None:
    """Run a program, and kill it some time after it has begun with its work."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(casebook.__file__).parents[2])},
    )
    with process:
        assert process.stdout is not None
        assert b"open\n" == process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)


@contextmanager
def a_case(office: Office) -> Iterator[str]:
    """A case with three answers and notes that wait on Ani's desk."""
    reporter = Reporter("pelapor")
    office.send(reporter.write(), to=(ANI, BUDI))
    office.exchange()
    name = case_name(reporter.keys.case_id)
    for number in range(3):
        write_reply(office.desks[ANI], name, DRAFT, today=DAY)
        act(office.desks[ANI], name, Noted(text=f"Catatan {number}."), today=DAY)
    yield name


@pytest.mark.slow
def test_a_killed_export_loses_and_doubles_nothing(
    office: Office, tmp_path: Path
) -> None:
    """Whatever it left, the outboxes that there are bring everything, once."""
    chance = random.Random(11)
    with a_case(office) as name:
        for number in range(ROUNDS):
            office.close(ANI)
            folder = str(office.folder_of(ANI))
            seconds = chance.uniform(0.0, 0.6)
            killed_after(EXPORTER, seconds, folder, str(tmp_path / f"{number}.tar"))
            office.open(ANI)
        ani = office.desks[ANI]
        try:
            prepare_outbox(ani, today=DAY)
        except NothingToExport:
            pass
        for path in tmp_path.glob("[0-9].tar"):
            # A file that has its name is whole: the very outbox of the casebook.
            again = io.BytesIO()
            first = office.drop.desks.last_outboxes(ani.desk_id, count=1)
            write_again(ani, max(first) + 1, again.write)
            assert path.read_bytes() == again.getvalue()
        for outbox in unapplied(office):
            office.apply(outbox)
        with pytest.raises(NothingToExport):
            prepare_outbox(ani, today=DAY)
        office.exchange()
        assert 3 == len(state_of(office.desks[BUDI], name).notes)
        assert state_of(ani, name) == state_of(office.desks[BUDI], name)
        known = {path.name for path in (ani.path / "outgoing").iterdir()}
        with ani.casebook.transaction() as connection:
            parcels = connection.execute(casebook.parcel.select()).all()
        assert {f"{row.sha256.hex()}.pgp" for row in parcels} == known


def unapplied(office: Office) -> Iterator[bytes]:
    """Yield what Ani has made and the server does not have."""
    ani = office.desks[ANI]
    number = max(office.drop.desks.last_outboxes(ani.desk_id, count=1))
    with ani.casebook.transaction() as connection:
        made = set(connection.scalars(casebook.outbox.select()))
    while (number := number + 1) in made:
        yield office.outbox_again(ANI, number)


@pytest.mark.slow
def test_a_killed_apply_is_all_or_nothing(office: Office, tmp_path: Path) -> None:
    """The outbox is applied whole or not at all, and comes again without harm."""
    chance = random.Random(12)
    path = tmp_path / "outbox.tar"
    with a_case(office) as name:
        outbox = office.outbox_of(ANI)
        assert outbox is not None
        path.write_bytes(outbox)
        before = rows_of(office.drop)
        backup = office.back_up_server()
        outcomes = set()
        for number in range(ROUNDS):
            office.restore_server(backup)
            office.drop.close()
            # The first time before anything can have been done.
            seconds = chance.uniform(0.0, 0.5) if number else 0.0
            killed_after(APPLIER, seconds, str(tmp_path), str(path), DATABASE)
            with closing(open_drop(tmp_path)) as drop:
                after = rows_of(drop)
            applied = after["outbox_applied"] != before["outbox_applied"]
            outcomes.add(applied)
            if not applied:
                assert before == after
        office.drop = open_drop(tmp_path)
        with closing(office.drop):
            office.apply(outbox)
            assert office.apply(outbox).applied.already_applied
            office.exchange()
            assert 3 == len(state_of(office.desks[BUDI], name).notes)
        assert False in outcomes


def rows_of(drop: DeadDrop) -> dict[str, list[tuple[object, ...]]]:
    """Return what an outbox changes; dummies come and go without meaning."""
    everything = read_everything(drop)
    return {
        table: sorted(everything[table], key=repr)
        for table in ("intake", "intake_chunk", "holding", "outbox_applied", "officer")
    } | {"mailbox": sorted(everything["mailbox"], key=repr)}
