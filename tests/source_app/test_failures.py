"""Bad weather: each failure has its own page, and nothing is stored."""

import threading
from datetime import date
from pathlib import Path

import pytest
from support.site import Keys, Site, running_site
from support.visitor import Page, Upload, Visitor


def attempt(site: Site, visitor: Visitor) -> Page:
    """Send a message and say what came of it."""
    form = visitor.get("/case/").hidden("/case/message")
    return visitor.post("/case/message", {**form, "text": "Pesan"}, follow=False)


def test_no_officer_closes_the_form(tmp_path: Path, keys: Keys) -> None:
    """
    Without an officer who could read it, no codename is given out at all.
    """
    with running_site(tmp_path, keys, officers=0) as site:
        window = site.visitor()
        form = window.get("/report/start").hidden("/report/start")

        page = window.post("/report/start", form)

        assert 503 == page.status
        assert "Laporan belum dapat diterima" in page.text


def test_expired_officers_close_the_form_and_are_named_to_the_operator(
    site: Site, reporter: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    """
    When the last key has expired nothing is accepted, and the log says which.
    """
    site.today = date(2028, 1, 3)

    page = attempt(site, reporter)

    assert 503 == page.status
    assert "Laporan belum dapat diterima" in page.text
    assert site.keys.officers[0] in caplog.text
    assert 1 == len(site.sealed_items())
    site.today = date(2026, 11, 25)
    assert 303 == attempt(site, reporter).status


def test_missing_gpg_is_said_and_heals(
    site: Site, reporter: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without gpg nothing is accepted; when it is back, everything is.
    """
    with monkeypatch.context() as patched:
        patched.setenv("PATH", "/nonexistent")
        page = attempt(site, reporter)

    assert 503 == page.status
    assert "Penyegelan sedang terganggu" in page.text
    assert 1 == len(site.sealed_items())
    assert 303 == attempt(site, reporter).status


def test_full_database_is_said_and_heals(site: Site, reporter: Visitor) -> None:
    """
    A database that cannot grow refuses the item whole and takes the next one.
    """
    database = site.drop.database
    before = site.sealed_items()
    with database.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def limit(count: int) -> None:
        database.engine.dispose()
        with database.writing() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {count}")

    limit(pages + 8)
    page = reporter.send_files(Upload("a.bin", bytes(4 * 1024 * 1024)))

    assert 503 == page.status
    assert "Penyimpanan sedang terganggu" in page.text
    assert before == site.sealed_items()
    limit(1_000_000)
    assert 200 == reporter.send_files(Upload("a.bin", b"a")).status


def test_log_says_nothing_of_what_was_written(
    site: Site, reporter: Visitor, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip  # The formatter would put one argument on each line.
    """
    An error in our own code is logged by its place, without a word of the reporter's.
    """

    def broken(*arguments: object, **options: object) -> None:
        raise RuntimeError("RAHASIA-PELAPOR")

    monkeypatch.setattr(site.cases, "_commit", broken)

    page = attempt(site, reporter)

    assert 500 == page.status
    assert "RAHASIA" not in caplog.text + page.text
    assert "RuntimeError" in caplog.text


def test_two_tabs_lose_nothing(site: Site, reporter: Visitor) -> None:
    """
    Eight messages sent at the same moment all arrive, and all are in the history.
    """
    forms = [reporter.get("/case/").hidden("/case/message") for _ in range(8)]
    pages: list[Page] = []

    def send(number: int) -> None:
        window = site.visitor()
        window.cookies = dict(reporter.cookies)
        content = {**forms[number], "text": f"pesan-{number}"}
        pages.append(window.post("/case/message", content))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    history = reporter.get("/case/").text
    assert [200] * 8 == [page.status for page in pages]
    assert all(f"pesan-{number}" in history for number in range(8))
    arrived = {item.message for item in site.opened_items()[1:]}
    assert {f"pesan-{number}" for number in range(8)} == arrived


def test_long_reports_fit_the_history(site: Site, visitor: Visitor) -> None:
    """
    A report of nine full answers takes several slots and comes back whole.
    """
    visitor.draw_codename()
    import random

    letters = random.Random(1)
    answers = {
        name: "".join(letters.choices("abcdefghij kl", k=19_990)).strip()
        for name in ("what", "where", "when", "who", "why", "how", "how_much")
    }

    assert 200 == visitor.send_report(**answers).status

    history = visitor.get("/case/").text
    assert all(answer in history for answer in answers.values())


def test_too_long_answer_is_refused_and_kept_on_the_page(
    site: Site, visitor: Visitor
) -> None:
    """
    One letter too many is named, nothing is cut, and the text is still there.
    """
    visitor.draw_codename()
    long = "x" * 20_001

    page = visitor.send_report(what=long)

    assert 422 == page.status
    assert long in page.text
    assert "Terlalu panjang" in page.text
    assert [] == site.sealed_items()
