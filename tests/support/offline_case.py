"""
A whole case on two desks that have no network, with a browser and a stick.

    reporter -> dead drop -> stick -> desk, browser -> stick -> dead drop -> reporter

Every desk works in a network namespace of its own with nothing but loopback, where
`support.desk_walk` is the officer.  Which program is the desk is up to whoever asks.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

from support import desk_walk
from support.hostile_files import pdf
from support.office import NAMES, Office, make_office_template, running_office
from support.reporters import Reporter

from casework.outbox import read_outbox
from casework.profile import shipped_profile
from casework.reply import CaseStatus
from journalist_app.workstation.desk import Institution

ANI, BUDI, _CITRA = NAMES


@dataclass(frozen=True)
class Workplace:
    """
    How a desk is started.

    Attributes:
        program: What `bisik` is there.

        desk: The desk's folder, as that program sees it.

        stick: The stick's folder, as that program sees it.
    """

    program: Sequence[str]
    desk: str
    stick: str


Settle = Callable[[Path, Path], Workplace]
"""Told the folders of the desk and of the stick, tells how to start the desk."""


def in_place(desk: Path, stick: Path) -> Workplace:
    """Start the desk from this very environment."""
    program = Path(sys.executable).with_name("bisik")
    return Workplace([str(program)], str(desk), str(stick))


def shipped_institution() -> Institution:
    """Return the texts that Bisik ships."""
    calendar = resources.files("casework").joinpath("calendars/indonesia.csv")
    return Institution(shipped_profile(), calendar.read_text("utf-8"))


def assert_case_goes_through(path: Path, settle: Settle) -> None:
    """
    Let one officer verify and propose, and another agree; the reporter hears of both.

    Args:
        path: An empty folder.

        settle: How desks are started.
    """
    template = make_office_template(path / "template", shipped_institution())
    stick = path / "stick"
    stick.mkdir()
    reporter = Reporter("pelapor")
    with running_office(path, template, ANI, BUDI) as office:
        office.send(reporter.write(files=[("Surat.pdf", pdf())]), to=(ANI, BUDI))
        desk_ids = {name: desk.desk_id for name, desk in office.desks.items()}
        office.close_desks()
        slots: dict[bytes, bytes] = {}
        for name, what in ((ANI, "first"), (BUDI, "second")):
            outbox = _sit_down(office, name, stick, what, settle)
            # The desks go by this machine's clock, which may be in another zone.
            office.apply(outbox, today=datetime.now(UTC).date() + timedelta(days=1))
            with (path / "outbox.tar").open("wb+") as file:
                file.write(outbox)
                file.seek(0)
                slots |= dict(read_outbox(file, lambda *_: None).slots())

    told = [reporter.open_reply(slots, desk_ids[name]).letter for name in (ANI, BUDI)]
    assert [CaseStatus.REGISTERED, CaseStatus.CONCLUDED] == [
        letter.status for letter in told
    ]
    assert told[0].registration_number is not None
    assert told[0].registration_number == told[1].registration_number


def _sit_down(
    office: Office, name: str, stick: Path, what: str, settle: Settle
) -> bytes:
    """Let an officer work, away from every network; return their outbox."""
    for left in stick.iterdir():
        left.unlink()
    (stick / "bundle.tar").write_bytes(office.bundle_for(name))
    workplace = settle(office.folder_of(name), stick)
    command = [
        *("unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"),
        *(sys.executable, desk_walk.__file__, what, workplace.desk, workplace.stick),
        *workplace.program,
    ]
    said = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert "done" in said.stdout.splitlines(), said.stdout + said.stderr
    (outbox,) = stick.glob("outbox-*.tar")
    return outbox.read_bytes()
