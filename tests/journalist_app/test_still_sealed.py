"""An excluded officer to whom the site still seals: a task until it is done."""

from pathlib import Path

from support.office import NAMES, Office
from support.reporters import DAY, Reporter
from support.screens import Screen

from journalist_app.workstation.acting import exclude
from journalist_app.workstation.names import case_name

ANI, BUDI, _CITRA = NAMES


def test_the_case_page_asks_for_the_operator_until_it_is_done(
    office: Office, tmp_path: Path
) -> None:
    """With the very command; gone once a bundle has told that it was run."""
    reporter, ani = Reporter("pelapor"), office.desks[ANI]
    office.send(reporter.write(), to=(ANI, BUDI))
    office.drop.officers.set_receives(office.desks[BUDI].fingerprint, True)
    office.fetch(ANI)
    name = case_name(reporter.keys.case_id)
    page = f"/cases/{name}/"
    screen = Screen(ani, stick=tmp_path)
    assert "Belum selesai" not in screen.text(page)
    budi = office.desks[BUDI]
    exclude(ani, name, budi.record.desk_id, reason="Terlapor.", today=DAY)
    command = f"bisik officers receives {budi.fingerprint} no"
    assert command in screen.text(page)
    office.drop.officers.set_receives(budi.fingerprint, False)
    assert command in screen.text(page)
    office.fetch(ANI)
    assert "Belum selesai" not in screen.text(page)
