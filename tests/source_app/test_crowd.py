"""What somebody meets at a crowded door: their text, and a page that says so."""

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from support.site import Keys, Site, running_site
from support.visitor import Page, Upload, Visitor, page_of

from fairness.circuits import CIRCUIT, KEY_BYTES
from fairness.waiting import Line
from source_app import crowd
from source_app.crowd import Generosity

REQUESTS = 40
SIGN_INS = 6
GENEROSITY = Generosity(
    requests=REQUESTS, derivations=SIGN_INS, upload_mebibytes=2, patience_seconds=0.05
)
FILE_BYTES = 5 * 1024 * 1024
TEXT = "Tulisan yang panjang dan tidak boleh hilang"


@pytest.fixture
def impatient(tmp_path: Path, keys: Keys) -> Iterator[Site]:
    """A site where nobody waits for long."""
    with running_site(tmp_path, keys, generosity=GENEROSITY) as site:
        yield site


def on_circuit(site: Site, circuit: str) -> Visitor:
    """Open a browser window whose requests come on one circuit."""
    client = site.app.test_client(use_cookies=False)

    def transport(
        method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Page:
        answer = client.open(
            path,
            method=method,
            headers=dict(headers),
            data=body,
            environ_overrides={CIRCUIT: circuit},
        )
        return page_of(answer.status_code, list(answer.headers), answer.get_data())

    return Visitor(transport)


@contextmanager
def full(site: Site, what: str) -> Iterator[None]:
    """Hold every place of one kind."""
    with ExitStack() as stack:
        if what == "derivations":
            for _ in range(crowd.DERIVATIONS.places):
                stack.enter_context(site.crowd.deriving({}, Line.FIRST))
        elif what == "seals":
            for _ in range(crowd.SEALS.places):
                stack.enter_context(site.crowd.sealing({}, Line.FIRST))
        else:
            small = {"CONTENT_LENGTH": "1"}
            for _ in range(crowd.UPLOADS.places):
                stack.enter_context(site.crowd.uploading(small, None))  # type: ignore[arg-type]
        yield


def assert_asked_to_wait(page: Page) -> None:
    """It says so, when to come back, and is of the size of all pages."""
    assert (503, "60") == (page.status, page.headers.get("retry-after"))
    assert "Terlalu banyak permintaan datang pada saat yang sama" in page.text
    assert page.wire_bytes in (32 * 1024, 64 * 1024)


def test_a_report_comes_back_with_its_text(impatient: Site) -> None:
    """
    A report that cannot be sealed now is shown again; sent again, it is accepted once.
    """
    reporter = impatient.visitor()
    reporter.draw_codename()
    form = reporter.get("/report/write").hidden("/report/write")
    content = {**form, "title": "Judul uji", "what": TEXT, "go": "send"}

    with full(impatient, "seals"):
        page = reporter.post("/report/write", content)

    assert_asked_to_wait(page)
    assert TEXT in page.text
    assert [] == impatient.sealed_items()
    again = {**page.hidden("/report/write"), "go": "send"}
    assert again["token"] == form["token"]
    assert 200 == reporter.post("/report/write", again).status
    [item] = impatient.opened_items()
    assert item.report is not None
    assert TEXT == item.report.what


def test_a_report_of_an_ended_visit_comes_back_with_its_text(impatient: Site) -> None:
    """The same when the codename that was typed cannot be looked at."""
    reporter = impatient.visitor()
    codename = reporter.draw_codename()
    form = reporter.get("/report/write").hidden("/report/write")
    stranger = impatient.visitor()
    stranger.get("/")
    content = {**form, "title": "Judul uji", "what": TEXT, "go": "send"}
    token = stranger.get("/report/start").hidden("/report/start")["csrf_token"]

    with full(impatient, "derivations"):
        page = stranger.post(
            "/report/write", {**content, "csrf_token": token, "codename": codename}
        )

    assert_asked_to_wait(page)
    assert TEXT in page.text
    assert [] == impatient.sealed_items()


@pytest.mark.parametrize("what", ["seals", "derivations"])
def test_a_message_comes_back_with_its_text(impatient: Site, what: str) -> None:
    """Whether it is the seal that has to wait, or the codename of an ended visit."""
    reporter = impatient.visitor()
    codename = reporter.draw_codename()
    reporter.send_report()
    form = reporter.get("/case/").hidden("/case/message")
    content = {**form, "text": TEXT, "go": "as-it-is"}
    if what == "derivations":
        reporter = impatient.visitor()
        token = reporter.get("/report/start").hidden("/report/start")["csrf_token"]
        content |= {"csrf_token": token, "codename": codename}

    with full(impatient, what):
        page = reporter.post("/case/message", content)

    assert_asked_to_wait(page)
    assert TEXT in page.text
    assert 1 == len(impatient.sealed_items())
    assert 200 == reporter.post("/case/message", content).status
    assert TEXT == impatient.opened_items()[1].message


def test_signing_in_is_asked_to_wait(impatient: Site) -> None:
    """
    Right, wrong or malformed: in a crowd all get the same page, and nobody is let in.
    """
    reporter = impatient.visitor()
    codename = reporter.draw_codename()
    reporter.send_report()

    with full(impatient, "derivations"):
        pages = [
            impatient.visitor().sign_in(typed)
            for typed in (codename, codename.upper(), "satu dua tiga")
        ]

    for page in pages:
        assert_asked_to_wait(page)
    assert 1 == len({page.wire_bytes for page in pages})
    assert "Judul uji" in impatient.visitor().sign_in(codename).text


def test_a_new_codename_is_not_lost(impatient: Site) -> None:
    """Whoever has to wait with their words retyped keeps the same codename."""
    visitor = impatient.visitor()
    with full(impatient, "derivations"):
        codename = visitor.draw_codename()
        assert codename in visitor.get("/report/codename").text
        form = visitor.get("/report/retype")
        first, second = re.findall(r"Kata nomor (\d)", form.text)[-2:]
        words = codename.split()
        content = {
            **form.hidden("/report/retype"),
            "first_word": words[int(first) - 1],
            "second_word": words[int(second) - 1],
        }
        assert_asked_to_wait(visitor.post("/report/retype", content))

    assert 200 == visitor.post("/report/retype", content).status
    assert 200 == visitor.send_report().status
    assert 1 == len(impatient.sealed_items())


def test_documents_are_asked_to_wait_before_they_are_read(impatient: Site) -> None:
    """An upload without a place is answered with the page, and changes nothing."""
    reporter = impatient.visitor()
    reporter.draw_codename()
    reporter.send_report()

    with full(impatient, "uploads"):
        page = reporter.send_files(Upload("a.bin", b"a"))

    assert_asked_to_wait(page)
    assert 1 == len(impatient.sealed_items())
    assert 200 == reporter.send_files(Upload("a.bin", b"a")).status


def test_an_upload_beyond_the_allowance_arrives_whole(impatient: Site) -> None:
    """
    Ten times what a circuit may bring in a minute is accepted, file by file.
    """
    reporter = on_circuit(impatient, "one")
    reporter.draw_codename()
    reporter.send_report()
    files = [Upload(f"{number}.bin", bytes(FILE_BYTES)) for number in range(4)]

    assert 200 == reporter.send_files(*files).status

    sent = tuple((file.name, file.content) for file in files)
    assert sent == impatient.opened_items()[1].files


def test_one_circuit_uses_up_its_own_allowance_only(impatient: Site) -> None:
    """
    A flood on one circuit gets the page; a reporter on another signs in.
    """
    reporter = impatient.visitor()
    codename = reporter.draw_codename()
    reporter.send_report()
    hostile = on_circuit(impatient, "hostile")

    guesses = [hostile.sign_in(f"kata {number}") for number in range(SIGN_INS + 2)]
    flood = [hostile.get("/") for _ in range(REQUESTS)]

    assert [200] * SIGN_INS == [page.status for page in guesses[:SIGN_INS]]
    for page in (*guesses[SIGN_INS:], flood[-1]):
        assert_asked_to_wait(page)
    assert "Judul uji" in on_circuit(impatient, "reporter").sign_in(codename).text


@pytest.mark.parametrize(
    ("language", "heading"),
    [("id", "Terlalu ramai saat ini"), ("en", "Too crowded at the moment")],
)
def test_who_is_not_let_in_reads_why_in_their_language(
    impatient: Site, language: str, heading: str
) -> None:
    """The page is made beforehand, carries the usual headers, and gives no cookie."""
    visitor = on_circuit(impatient, "one")
    usual = visitor.get("/")
    visitor.get(f"/language/{language}")
    page = [visitor.get("/") for _ in range(REQUESTS)][-1]

    assert (503, "60") == (page.status, page.headers["retry-after"])
    assert 32 * 1024 == page.wire_bytes
    assert heading in page.text
    assert "set-cookie" not in page.headers
    assert usual.headers.keys() - {"set-cookie"} == page.headers.keys() - {
        "retry-after"
    }


def test_an_upload_lets_others_go_first_between_slices() -> None:
    """
    It passes its place on after each slice, and more often beyond the allowance.
    """
    door = crowd.Crowd(Generosity(upload_mebibytes=20), pseudonym_key=bytes(KEY_BYTES))
    for circuit, passed in (("one", [16, *range(21, 41)]), (None, [16, 32])):
        environ = {CIRCUIT: circuit}
        with door.uploading(environ, io.BytesIO(bytes(40 * crowd.MEBIBYTE))) as stream:
            places: list[float] = []
            turn = stream._turn  # type: ignore[attr-defined]
            turn.pass_on = lambda later_seconds, places=places: places.append(
                later_seconds
            )
            read = []
            for mebibyte in range(1, 41):
                before = len(places)
                assert crowd.MEBIBYTE == len(stream.read(crowd.MEBIBYTE))
                read += [mebibyte] * (len(places) - before)
        assert passed == read, circuit
        # Whoever has brought much stands further back; nobody who is not counted.
        assert (sorted(places), circuit is None) == (places, places[-1] == 0.0)


def test_one_circuit_has_so_many_requests_at_once(impatient: Site) -> None:
    """The ninth at the same moment is turned away, and the next one later is not."""
    environ = {CIRCUIT: "one"}
    with ExitStack() as stack:
        for _ in range(crowd.REQUESTS_AT_ONCE):
            stack.enter_context(impatient.crowd.admitted(environ))
        assert 503 == on_circuit(impatient, "one").get("/").status
        assert 200 == on_circuit(impatient, "other").get("/").status
    assert 200 == on_circuit(impatient, "one").get("/").status
