"""
Whatever is sent to the running service: a clear page, nothing stored, and it goes on.

A page is clear if it has a heading in Indonesian and the size of all pages.  What is
no HTTP at all is refused by gunicorn before the site sees it, with a page of its own.
"""

import http.client
import re
import socket
from collections.abc import Iterator, Mapping

import pytest
from support.server import Service, made_service
from support.visitor import FORM_TYPE, Page, Upload, Visitor, multipart

from source_app.wire import SMALLEST_PAGE_BYTES

pytestmark = pytest.mark.journey

MEBIBYTE = 1024 * 1024
LARGEST_FILE = 5 * MEBIBYTE
MANY_FIELDS = {f"field-{number}": "x" for number in range(10_000)}

KEEP_TEXT = ("/report/write", "/case/message")
MALFORMED = "Formulir tidak utuh"
STALE = "Formulir sudah tidak berlaku"
TOO_LARGE = "Kiriman terlalu besar"
NOT_A_PAGE = "Halaman tidak ada"
NOT_TO_BE_OPENED = "Halaman ini tidak dapat dibuka begitu saja"
SIGN_IN = "Buka laporan Anda"
NOT_RECOGNISED = "Kata sandi ini tidak kami kenali."


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One running service for all that is bad."""
    with made_service(tmp_path_factory.mktemp("service")) as made:
        made.start()
        yield made


@pytest.fixture(scope="module")
def reporter(service: Service) -> Visitor:
    """A signed-in reporter with a report."""
    visitor = service.visitor()
    visitor.draw_codename()
    assert 200 == visitor.send_report().status
    return visitor


@pytest.fixture(scope="module")
def not_recognised(service: Service) -> bytes:
    """What the page says to seven words of the list that are nobody's codename."""
    return apart_from_tokens(service.visitor().sign_in(" ".join(["kebun"] * 7)))


@pytest.fixture
def nothing_stored(service: Service, reporter: Visitor) -> Iterator[None]:
    """Look that the test changes nothing, and that the service is well after it."""
    before = stored(service)
    yield
    assert before == stored(service)
    assert_well(service)


def stored(service: Service) -> list[tuple[object, ...]]:
    """Return what is stored of the reporters."""
    with service.opened() as server, server.drop.database.reading() as connection:
        return [
            tuple(row)
            for statement in (
                "SELECT number, sha256 FROM intake ORDER BY number",
                "SELECT count(*) FROM intake_chunk",
                "SELECT slot, sealed FROM mailbox ORDER BY slot",
            )
            for row in connection.exec_driver_sql(statement)
        ]


def assert_well(service: Service) -> None:
    """See that the service answers, and has written no traceback into its log."""
    assert 200 == service.visitor().get("/").status
    assert "Traceback" not in service.log.read_text()


def assert_clear(page: Page, status: int, heading: str) -> None:
    """See that a page says what it should, and nothing from inside."""
    assert (status, heading) == (page.status, heading_of(page))
    assert SMALLEST_PAGE_BYTES == page.wire_bytes
    assert not re.search(r"Traceback|werkzeug|site-packages|Exception", page.text)


def heading_of(page: Page) -> str:
    """Return the heading of a page."""
    found = re.search(r"<h1>(.*?)</h1>", page.text, re.DOTALL)
    return found[1].strip() if found else ""


def apart_from_tokens(page: Page) -> bytes:
    """Return a page without what is different in every form."""
    return re.sub(rb'value="[^"]*"', b"", page.body).rstrip()


def refused_files(page: Page) -> dict[str, str]:
    """Return the reasons by the names of the files that a page says were refused."""
    return dict(re.findall(r"<li><b>(.*?)</b>: (.*?)</li>", page.text))


def talk(service: Service, sent: bytes) -> Page:
    """Send bytes, hang up, and listen."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(line)
        answer.begin()
        return Page(answer.status, dict(answer.getheaders()), answer.read())


def request_head(visitor: Visitor, path: str, headers: Mapping[str, str]) -> bytes:
    """Write the head of a POST as the visitor's browser would."""
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    lines = [f"{name}: {value}" for name, value in headers.items()]
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Cookie: {cookies}", *lines]
    return "\r\n".join([*lines, "", ""]).encode()


def files_form(reporter: Visitor) -> dict[str, str]:
    """Return the hidden fields of the form for attachments."""
    return reporter.get("/case/").hidden("/case/files")


@pytest.mark.parametrize(
    "codename",
    [
        "",
        "satu dua tiga",
        "rusa kebun payung rusa kebun payung rusa",
        " ".join(["rusa"] * 10_000),
        "\0" * 7,
        "rusa\0kebun",
        "' OR 1=1 --",
        "\N{RIGHT-TO-LEFT OVERRIDE}\N{PILE OF POO}" * 140,
        "x" * MEBIBYTE,
    ],
    ids=lambda codename: f"{len(codename)} {codename[:12]!a}",
)
@pytest.mark.usefixtures("nothing_stored")
def test_wrong_codename(service: Service, codename: str, not_recognised: bytes) -> None:
    """
    Whatever is wrong with a codename, the answer is the same.
    """
    page = service.visitor().sign_in(codename)

    assert_clear(page, 200, SIGN_IN)
    assert NOT_RECOGNISED in page.text
    assert not_recognised == apart_from_tokens(page)


def test_control_characters_are_taken_out(service: Service) -> None:
    """
    Null bytes and their like are no reason to lose a report; they are left out.
    """
    visitor = service.visitor()
    visitor.draw_codename()

    page = visitor.send_report(title="Ju\0dul\x1b[31m", what="Satu\0\r\nDua\x85")

    assert "Laporan Anda sudah kami terima." == heading_of(page)
    report = service.opened_items()[-1].report
    assert report is not None
    assert ("Judul[31m", "Satu\nDua") == (report.title, report.what)
    assert_well(service)


def test_strange_file_names(service: Service, reporter: Visitor) -> None:
    """
    A file is kept whatever it is called, under a name that leads nowhere.
    """
    names = {
        "../../../etc/passwd": "passwd",
        "C:\\Windows\\calc.exe": "C_Windowscalc.exe",
        "/dev/null": "null",
        "..": "berkas",
        "": "berkas",
        "-rf": "rf",
        ".htaccess": "htaccess",
        "nol\0.txt": "nol.txt",
        "foto\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe": "fotogpj.exe",
        "sama.txt": "sama.txt",
        "Sama.txt": "Sama.txt",
        "a" * 251 + ".pdf": "a" * 86 + ".pdf",
        "\N{LATIN SMALL LETTER E WITH ACUTE}" * 125 + ".jpeg": "é" * 42 + ".jpeg",
    }
    uploads = [Upload(name, name.encode() + b".") for name in names]

    page = reporter.send_files(*uploads)

    assert (200, {}) == (page.status, refused_files(page))
    expected = [
        (kept, upload.content)
        for kept, upload in zip(names.values(), uploads, strict=True)
    ]
    assert expected == list(service.opened_items()[-1].files)
    assert_well(service)


@pytest.mark.parametrize(
    ("size_bytes", "reason"),
    [
        (0, "berkasnya kosong; tidak disimpan"),
        (LARGEST_FILE + 1, "lebih besar dari batas untuk satu dokumen; tidak disimpan"),
        (
            201 * MEBIBYTE,
            "lebih besar dari batas untuk satu dokumen; tidak disimpan",
        ),
    ],
)
@pytest.mark.usefixtures("nothing_stored")
def test_file_of_a_wrong_size(reporter: Visitor, size_bytes: int, reason: str) -> None:
    """
    An empty file, and one that is too large, are refused by name.
    """
    page = reporter.send_files(Upload("bukti.bin", bytes(size_bytes)))

    assert 422 == page.status
    assert {"bukti.bin": reason} == refused_files(page)


@pytest.mark.usefixtures("nothing_stored")
def test_form_of_no_files(reporter: Visitor) -> None:
    """
    A form without a file says that nothing was in it.
    """
    page = reporter.send_files()

    assert_clear(page, 422, "Laporan Anda")


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("path", ["/case/files", "/case/message"])
def test_ten_thousand_fields(reporter: Visitor, path: str) -> None:
    """
    A form of ten thousand parts is refused as a whole, even if its token is good.
    """
    form = reporter.get("/case/").hidden(path)
    good = {**form, "text": "Pesan"}

    page = reporter.upload(path, {**good, **MANY_FIELDS}, [Upload("a", b"a")])

    if path == "/case/files":
        assert_clear(page, 400, MALFORMED)
    else:
        assert_clear(page, 413, TOO_LARGE)


@pytest.mark.usefixtures("nothing_stored")
def test_ten_thousand_fields_without_a_token(reporter: Visitor) -> None:
    """
    Ten thousand fields of a common form are no way around its token.
    """
    assert_clear(reporter.post("/case/message", MANY_FIELDS), 422, "Laporan Anda")


@pytest.mark.usefixtures("nothing_stored")
def test_text_that_is_too_large(reporter: Visitor) -> None:
    """
    Three megabytes of text are refused with a page, not with a broken connection.
    """
    form = reporter.get("/case/").hidden("/case/message")

    page = reporter.post("/case/message", {**form, "text": "x" * 3 * MEBIBYTE})

    assert_clear(page, 413, TOO_LARGE)


@pytest.mark.parametrize(
    ("path", "status", "heading"),
    [("/case/files", 400, STALE), ("/case/message", 413, TOO_LARGE)],
)
@pytest.mark.usefixtures("nothing_stored")
def test_large_form_gets_its_answer(
    reporter: Visitor, path: str, status: int, heading: str
) -> None:
    """
    A form that is refused at its first field is heard out, so that its page is seen.
    """
    form = {**reporter.get("/case/").hidden(path), "csrf_token": "x"}

    page = reporter.upload(path, form, [Upload("a", bytes(LARGEST_FILE))] * 4)

    assert_clear(page, status, heading)


@pytest.mark.usefixtures("nothing_stored")
def test_files_of_somebody_unknown(service: Service, reporter: Visitor) -> None:
    """
    Whose visit ended before their documents arrived is asked to sign in again.
    """
    stranger = service.visitor()

    page = stranger.upload(
        "/case/files", files_form(reporter), [Upload("a", bytes(LARGEST_FILE))] * 4
    )

    assert_clear(page, 200, SIGN_IN)
    assert "kunjungan Anda berakhir" in page.text


@pytest.mark.parametrize("missing", ["csrf_token", "token", "csrf_token token"])
@pytest.mark.usefixtures("nothing_stored")
def test_files_without_hidden_fields(reporter: Visitor, missing: str) -> None:
    """
    Without its hidden fields no file is taken.
    """
    form = files_form(reporter)
    for name in missing.split():
        del form[name]

    page = reporter.upload("/case/files", form, [Upload("a", b"a")])

    assert 400 == page.status
    assert heading_of(page) in (MALFORMED, STALE)


@pytest.mark.usefixtures("nothing_stored")
def test_files_before_hidden_fields(reporter: Visitor) -> None:
    """
    Hidden fields that come behind a file come too late.
    """
    content_type, body = multipart(files_form(reporter), [Upload("a", b"a")])
    boundary, _, rest = body.partition(b"\r\n")
    *fields, file, end = rest.split(boundary)
    turned = boundary + b"\r\n" + file + boundary + boundary.join(fields)
    turned = turned.replace(boundary + b"Content", boundary + b"\r\nContent")

    page = reporter.raw(
        "POST", "/case/files", {"Content-Type": content_type}, turned + boundary + end
    )

    assert 400 == page.status
    assert heading_of(page) in (MALFORMED, STALE)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
@pytest.mark.usefixtures("nothing_stored")
def test_upload_that_breaks_off(
    service: Service, reporter: Visitor, share: float
) -> None:
    """
    Of a form that was cut off nothing is stored, wherever the cut was.
    """
    content_type, body = multipart(
        files_form(reporter), [Upload("a", bytes(LARGEST_FILE))] * 2
    )
    head = request_head(
        reporter,
        "/case/files",
        {"Content-Type": content_type, "Content-Length": str(len(body))},
    )

    page = talk(service, head + body[: int(share * len(body))])

    assert_clear(page, 400, MALFORMED)


@pytest.mark.parametrize("cut", ["the end", "its last line", "the boundary"])
@pytest.mark.usefixtures("nothing_stored")
def test_upload_that_is_not_whole(reporter: Visitor, cut: str) -> None:
    """
    A form is refused if its own end is missing, though all that was announced came.
    """
    content_type, body = multipart(files_form(reporter), [Upload("a", b"a" * 1000)])
    if cut == "the end":
        body = body[:-600]
    elif cut == "its last line":
        body = body[: body.rindex(b"\r\n--")]
    else:
        content_type = "multipart/form-data"

    page = reporter.raw("POST", "/case/files", {"Content-Type": content_type}, body)

    assert_clear(page, 400, MALFORMED)


@pytest.mark.parametrize(
    "chunks", [b"", b"zz\r\nx\r\n", b"5\r\nabc", b"3\r\nabc\r\n"], ids=ascii
)
@pytest.mark.usefixtures("nothing_stored")
def test_broken_chunks(service: Service, reporter: Visitor, chunks: bytes) -> None:
    """
    A body whose chunks are broken is refused, and never half a form.
    """
    content_type, body = multipart(files_form(reporter), [Upload("a", b"a")])
    first = f"{len(body):x}\r\n".encode() + body + b"\r\n"
    head = request_head(
        reporter,
        "/case/files",
        {"Content-Type": content_type, "Transfer-Encoding": "chunked"},
    )

    page = talk(service, head + first + chunks)

    # What gunicorn finds wrong with a chunk is no error that the site could know.
    assert page.status in (400, 500)
    assert heading_of(page) in (MALFORMED, "Ada yang salah di pihak kami")


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "text/plain; charset=utf-16",
        FORM_TYPE,
        "multipart/form-data; boundary=",
        f"multipart/form-data; boundary={'x' * 201}",
        "multipart/form-data; boundary=\xff",
        "multipart/mixed; boundary=x",
    ],
)
@pytest.mark.usefixtures("nothing_stored")
def test_wrong_content_type(reporter: Visitor, content_type: str) -> None:
    """
    A form of any other kind than ours is refused at every address.
    """
    body = b'{"title": "a", "what": "b"}\r\n--x\r\n'
    for path in ("/report/start", "/report/write", "/case/files", "/case/message"):
        page = reporter.raw("POST", path, {"Content-Type": content_type}, body)

        if page.status == 422:
            # Shown again, so that nothing typed is lost.
            assert path in KEEP_TEXT
            assert "tekan sekali lagi" in page.text
        else:
            assert 400 == page.status
            assert heading_of(page) in (MALFORMED, STALE)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "BISIK"])
@pytest.mark.usefixtures("nothing_stored")
def test_wrong_method(reporter: Visitor, method: str) -> None:
    """
    Pages are asked for, and forms are sent; nothing else is done with them.
    """
    for path in ("/", "/report/write", "/case/", "/case/files"):
        assert_clear(reporter.raw(method, path, {}, b""), 405, NOT_TO_BE_OPENED)


@pytest.mark.parametrize("path", ["/case/message", "/case/files", "/case/sign-out"])
@pytest.mark.usefixtures("nothing_stored")
def test_address_of_a_form_alone(reporter: Visitor, path: str) -> None:
    """
    Whoever opens the address of a form is told where to begin.
    """
    assert_clear(reporter.get(path), 405, NOT_TO_BE_OPENED)


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/%ff",
        "//evil.example/",
        "/..%2f..%2fetc/passwd",
        "/static/../app.py",
        "/case/answer/x/0/0",
        f"/case/answer/{'0' * 32}/{10**30}/0",
        "/" + "a" * 3000,
    ],
    ids=lambda path: path[:24],
)
@pytest.mark.usefixtures("nothing_stored")
def test_wrong_address(reporter: Visitor, path: str) -> None:
    """
    An address that does not exist has a page that says so.
    """
    assert_clear(reporter.raw("GET", path, {}, b""), 404, NOT_A_PAGE)


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "x",
        "\0",
        "=====",
        "A" * 43 + "=",
        "A" * 2000,
        "\xff\xfe",
        "../../etc",
        '"\\054\\000"',
    ],
    ids=lambda cookie: f"{len(cookie)} {cookie[:12]!a}",
)
@pytest.mark.usefixtures("nothing_stored")
def test_bad_cookies(service: Service, reporter: Visitor, cookie: str) -> None:
    """
    Cookies that we did not give are as good as none.
    """
    visitor = service.visitor()
    visitor.cookies = dict.fromkeys((*reporter.cookies, "lang", "x"), cookie)

    if "\0" in cookie:
        # No browser can send it, and gunicorn refuses it.
        assert 400 == visitor.get("/case/").status
        return

    page = visitor.get("/case/")
    assert_clear(page, 200, SIGN_IN)
    assert "kunjungan Anda berakhir" in page.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Large": "x" * 10_000}, 431),
        ({"Cookie": f"x={'x' * 10_000}"}, 431),
        ({f"X-{number}": "x" for number in range(500)}, 431),
        ({"X-Odd": "\x80\xff"}, 200),
        ({"Accept-Language": "x," * 2000}, 200),
        ({"Content-Length": "-1"}, 400),
        ({"Content-Length": "1", "Transfer-Encoding": "chunked"}, 400),
        ({"Host": "<script>"}, 200),
    ],
    ids=lambda value: ascii(value)[:24],
)
@pytest.mark.usefixtures("nothing_stored")
def test_strange_headers(
    service: Service, headers: Mapping[str, str], status: int
) -> None:
    """
    Headers that are too many, too large or contradict each other are refused.
    """
    page = service.visitor().raw("GET", "/", headers, b"")

    assert status == page.status
    assert "Traceback" not in page.text
    assert "<script>" not in page.text


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: \0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=lambda sent: ascii(sent[:20]),
)
@pytest.mark.usefixtures("nothing_stored")
def test_no_http(service: Service, sent: bytes) -> None:
    """
    What is no HTTP gets a short answer, and leaves no trace in the log.
    """
    log = service.log.read_text()

    page = talk(service, sent)

    assert page.status in (400, 414, 505)
    assert b"Traceback" not in page.body
    assert log == service.log.read_text()


def test_more_than_a_case_may_hold(service: Service) -> None:
    """
    Of 41 files of 5 MB in one form 40 are kept, and the last is refused by name.
    """
    visitor = service.visitor()
    visitor.draw_codename()
    visitor.send_report()
    content = bytes(LARGEST_FILE)
    uploads = [Upload(f"bukti-{number}.bin", content) for number in range(1, 42)]

    page = visitor.send_files(*uploads)

    assert 200 == page.status
    expected = {"bukti-41.bin": "tidak muat lagi di ruang laporan ini; tidak disimpan"}
    assert expected == refused_files(page)
    kept = re.findall(r"<li>(\S+) <span>5(?:,0)? MB</span></li>", page.text)
    assert [upload.name for upload in uploads[:40]] == kept
    with service.opened() as server:
        size_bytes = server.drop.intake.entries()[-1].size_bytes
    assert 40 * LARGEST_FILE < size_bytes < 1.05 * 40 * LARGEST_FILE
    assert_well(service)
