"""Exports, killed anywhere; for the server see test_killed_apply.py."""

import io
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.office import NAMES, Office
from support.reporters import DAY, Reporter

from casework.journal import Noted
from casework.reply import ReplyKind
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
