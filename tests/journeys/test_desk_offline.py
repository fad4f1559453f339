"""A whole case on two desks that have no network, driven in a real browser."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from support import desk_walk
from support.hostile_files import pdf
from support.office import NAMES, Office, make_office_template, running_office
from support.reporters import Reporter

from casework.outbox import read_outbox
from casework.profile import shipped_profile
from casework.reply import CaseStatus
from journalist_app.workstation.desk import Institution

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.slow]

ANI, BUDI, _CITRA = NAMES


def sit_down(office: Office, name: str, stick: Path, what: str) -> bytes:
    """Let an officer work, away from every network; return their outbox."""
    for left in stick.iterdir():
        left.unlink()
    (stick / "bundle.tar").write_bytes(office.bundle_for(name))
    command = [
        *("unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"),
        *(sys.executable, desk_walk.__file__),
        *(str(office.folder_of(name)), str(stick), what),
    ]
    said = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert "done" in said.stdout.splitlines(), said.stdout + said.stderr
    (outbox,) = stick.glob("outbox-*.tar")
    return outbox.read_bytes()


def test_a_case_from_import_to_closing(tmp_path: Path) -> None:
    """
    One officer verifies and proposes, another one agrees; the reporter hears of it.
    """
    calendar = resources.files("casework").joinpath("calendars/indonesia.csv")
    institution = Institution(shipped_profile(), calendar.read_text("utf-8"))
    template = make_office_template(tmp_path / "template", institution)
    stick = tmp_path / "stick"
    stick.mkdir()
    reporter = Reporter("pelapor")
    with running_office(tmp_path, template, ANI, BUDI) as office:
        office.send(reporter.write(files=[("Surat.pdf", pdf())]), to=(ANI, BUDI))
        desk_ids = {name: desk.desk_id for name, desk in office.desks.items()}
        office.close_desks()
        slots: dict[bytes, bytes] = {}
        for name, what in ((ANI, "first"), (BUDI, "second")):
            outbox = sit_down(office, name, stick, what)
            # The desks go by this machine's clock, which may be in another zone.
            office.apply(outbox, today=datetime.now(UTC).date() + timedelta(days=1))
            with (tmp_path / "outbox.tar").open("wb+") as file:
                file.write(outbox)
                file.seek(0)
                slots |= dict(read_outbox(file, lambda *_: None).slots())

    told = [reporter.open_reply(slots, desk_ids[name]).letter for name in (ANI, BUDI)]
    assert [CaseStatus.REGISTERED, CaseStatus.CONCLUDED] == [
        letter.status for letter in told
    ]
    assert told[0].registration_number is not None
    assert told[0].registration_number == told[1].registration_number
