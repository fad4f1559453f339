"""
What people do with a deployed server, over Tor; and the end of its power meanwhile.
"""

import random
import threading
from functools import partial

from support.lab.deployed import Deployed
from support.sending_on import Ledger, Reporter
from support.visitor import Upload

REPORTERS = 3


def assert_served(server: Deployed, name: str) -> None:
    """
    Go a reporter's and an officer's way.

    A report with a file arrives at the desk; its answer is read with the codename.
    """
    server.wait_until_reached()
    reporter = server.visitor(name)
    codename = reporter.draw_codename()
    assert "sudah kami terima" in reporter.send_report(title=name).text
    answer = reporter.send_files(Upload("bukti.txt", name.encode()))
    assert "sudah disegel" in answer.text

    courier = server.courier_visitor()
    bundle = server.ministry.fetch(courier)
    assert bundle is not None
    report, files = server.ministry.open_items(bundle)[-2:]
    assert report.report is not None
    assert name == report.report.title
    assert (("bukti.txt", name.encode()),) == files.files
    text = f"Jawaban: {name}"
    assert 200 == server.ministry.answer(courier, bundle, text, title=name).status

    later = server.visitor(f"{name}-later")
    assert text in later.sign_in(codename).text


def send_until_power_cut(server: Deployed, seconds: float) -> Ledger:
    """Let reporters send one thing after the other, and cut the power meanwhile."""
    ledger = Ledger()
    reporters = [
        Reporter(
            partial(server.visitor, f"crowd-{number}"), ledger, random.Random(number)
        )
        for number in range(REPORTERS)
    ]
    for reporter in reporters:
        reporter.draw()
    cut = threading.Event()
    threads = [
        threading.Thread(target=reporter.work, args=[cut]) for reporter in reporters
    ]
    for thread in threads:
        thread.start()
    # Nobody sets it: that is how long they have.
    cut.wait(seconds)
    server.cut_power()
    cut.set()
    for thread in threads:
        thread.join()
    return ledger


def assert_nothing_lost(server: Deployed, ledger: Ledger) -> None:
    """Let the officer fetch all that came, and compare it with what was sent."""
    server.wait_until_reached()
    courier = server.courier_visitor()
    bundle = server.ministry.fetch(courier)
    assert bundle is not None, "nothing is there"
    ledger.compare(server.ministry.open_items(bundle))
    # The next bundle begins after it.
    assert 200 == server.ministry.answer(courier, bundle, "Diterima.").status


def empty_intake(server: Deployed) -> None:
    """Let the officer fetch what is there, so that the next bundle begins after it."""
    server.wait_until_reached()
    courier = server.courier_visitor()
    bundle = server.ministry.fetch(courier)
    if bundle is not None and server.ministry.open_items(bundle):
        assert 200 == server.ministry.answer(courier, bundle, "Diterima.").status
