"""
A flood on many circuits: reporters who return get through, and nothing is noted.

The running service, on a Unix socket as behind Tor.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.circuits import visitor_on
from support.flood import dripping, flooding
from support.onions import short_folder
from support.server import Service
from support.visitor import Upload

from source_app.crowd import UPLOADS

pytestmark = [pytest.mark.journey, pytest.mark.slow]

GUESSING = range(1000, 1012)
SIGN_INS_PER_MINUTE = 3
# The flood is at its height when so many were made to wait.
REFUSED = 24
REPORTER = 7
# More than there are places in both workers.
DRIPPING = range(5000, 5000 + 2 * UPLOADS.places + 4)


@pytest.fixture
def site(made: Service) -> Iterator[Path]:
    """The socket of a running service."""
    with short_folder() as folder:
        path = folder / "site.sock"
        settings = made.directory / "bisik.toml"
        text, changed = re.subn(
            r"(?m)^circuit_sign_ins_per_minute = \d+$",
            f"circuit_sign_ins_per_minute = {SIGN_INS_PER_MINUTE}",
            settings.read_text(),
        )
        assert 1 == changed
        settings.write_text(text)
        made.start_on_socket(path)
        try:
            yield path
        finally:
            made.kill()


def test_a_returning_reporter_gets_through(made: Service, site: Path) -> None:
    """
    While a flood of sign-ins and uploads fills every line, a reporter who returns signs
    in and sends a message, at the first attempt; the flood is made to wait.

    Afterwards neither log nor server directory knows of any circuit.
    """
    reporter, hostile = visitor_on(site, 1), visitor_on(site, 2)
    codename = reporter.draw_codename()
    assert 200 == reporter.send_report(title="Yang kembali").status
    hostile.draw_codename()
    hostile.send_report()

    with dripping(site, hostile, DRIPPING), flooding(site, GUESSING) as flood:
        while flood.answers[503] < REFUSED:
            assert not flood.over.wait(0.05)
        back = visitor_on(site, REPORTER)
        page = back.sign_in(codename)
        sent = back.send_message("Pesan di tengah banjir")
        made.kill()

    assert (200, True) == (page.status, "Yang kembali" in page.text)
    assert (200, True) == (sent.status, "Pesan di tengah banjir" in sent.text)
    assert {303, 503} == set(flood.answers)
    assert "Pesan di tengah banjir" in [one.message for one in made.opened_items()]
    written = [made.log, *made.base.rglob("*"), *made.memory.rglob("*")]
    for file in written:
        if file.is_file():
            assert b"dead:beef" not in file.read_bytes(), file


def test_two_hundred_megabytes_on_one_circuit(made: Service, site: Path) -> None:
    """
    Forty files of 5 MB in one form arrive whole, several times the allowance.
    """
    reporter = visitor_on(site, 1)
    reporter.draw_codename()
    reporter.send_report()
    files = [Upload(f"{number}.bin", bytes(5_000_000)) for number in range(40)]

    page = reporter.send_files(*files)

    assert (200, True) == (page.status, "39.bin" in page.text)
    made.stop()
    assert 40 == max(len(item.files) for item in made.opened_items())
