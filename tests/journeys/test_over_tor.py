"""
Reporters and officers over Tor itself: six hops, circuits, descriptors and all.

Everything here runs on one private network, and on one server behind it.
"""

import hashlib
import os
import re
import socket
import time
from pathlib import Path

import pytest
from support import walk
from support.firefox import running_firefox
from support.onions import Onions
from support.visitor import Upload, Visitor, multipart

from casework.item import ATTACHMENT_BYTES
from ops.doctor import Verdict

pytestmark = [pytest.mark.journey, pytest.mark.slow]

MANY = 40
# A service begun anew is known to the network after some seconds.
AGAIN_SECONDS = 60.0
SHUT_OUT_SECONDS = 10.0
# RFC 1928, section 6.
GENERAL_FAILURE, HOST_UNREACHABLE = 1, 4
NOTHING = r"SOCKS reply|hung up|timed out"
NOBODY = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"


def reported(onions: Onions, user: str) -> Visitor:
    """Report over a circuit of one's own."""
    visitor = onions.reporter(user).visitor(onions.site)
    visitor.draw_codename()
    assert "sudah kami terima" in visitor.send_report().text
    return visitor


@pytest.mark.browser
def test_a_reporter_in_firefox(onions: Onions, tmp_path: Path) -> None:
    """
    At "Safest", through Tor, a person reports, sends 5 MB, and comes back.
    """
    picture = tmp_path / "bukti.bin"
    picture.write_bytes(os.urandom(ATTACHMENT_BYTES))
    folder = tmp_path / "firefox"
    folder.mkdir()
    with running_firefox(
        folder,
        f"http://{onions.site}",
        width=1000,
        height=800,
        socks_port=onions.reporter_tor.socks_port,
    ) as firefox:
        assert not firefox.runs_scripts()
        words = walk.draw_codename(firefox)
        walk.write_report(firefox, title="Lewat Tor", what="Baris “satu”: 東京.")
        walk.send_report(firefox)
        assert "sudah kami terima" in firefox.text("h1")
        walk.send_files(firefox, [picture])
        assert "sudah disegel" in firefox.text(".notice")
        firefox.click("aside.side form[action='/case/sign-out'] button")
        walk.sign_in(firefox, words)
        assert "bukti.bin" in firefox.text("main")

    report, files = onions.service.opened_items()[-2:]
    assert report.report is not None
    assert "Baris “satu”: 東京." == report.report.what
    assert (("bukti.bin", picture.read_bytes()),) == files.files


def test_a_cut_in_the_middle_of_an_upload(onions: Onions) -> None:
    """
    Nothing of it is stored, and the reporter sends it once more.
    """
    reporter = reported(onions, "cut")
    before = onions.service.counts()
    form = reporter.get("/case/").hidden("/case/files")
    content_type, body = multipart(
        form, [Upload("x.bin", os.urandom(ATTACHMENT_BYTES))]
    )
    cookies = "; ".join(f"{key}={value}" for key, value in reporter.cookies.items())
    with onions.reporter("cut").connect(onions.site) as stream:
        head = {
            "Host": onions.site,
            "Cookie": cookies,
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
        }
        lines = [f"{name}: {value}\r\n" for name, value in head.items()]
        stream.sendall(f"POST /case/files HTTP/1.1\r\n{''.join(lines)}\r\n".encode())
        stream.sendall(body[: len(body) // 2])
    assert before == onions.service.counts()
    answer = reporter.upload("/case/files", form, [Upload("x.bin", b"again")])
    assert "sudah disegel" in answer.text
    assert before[0] + 1 == onions.service.counts()[0]
    assert (("x.bin", b"again"),) == onions.service.opened_items()[-1].files


def test_tor_restarts_while_somebody_is_signed_in(onions: Onions) -> None:
    """
    The visit goes on as if nothing had been, as soon as there is a way in again.
    """
    reporter = reported(onions, "restart")
    onions.tor.kill()
    onions.tor.restart()
    onions.wait_until_well()
    onions.reporter("restart").connect_soon(onions.site, seconds=AGAIN_SECONDS).close()
    assert "sudah disegel" in reporter.send_message("Masih di sini.").text
    assert "Masih di sini." == onions.service.opened_items()[-1].message


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "kemensos.go.id"}, 421),
        ({"Host": "127.0.0.1"}, 421),
        ({"X-Tor2web": "encrypted"}, 421),
    ],
)
def test_only_one_door(onions: Onions, headers: dict[str, str], status: int) -> None:
    """
    Another name, or a gateway from the open web, gets advice and no site.
    """
    with onions.reporter().connection(onions.site) as connection:
        connection.request("GET", "/", headers={"Host": onions.site, **headers})
        answer = connection.getresponse()
        assert status == answer.status
        assert ("Onion-Location", None) == (
            "Onion-Location",
            answer.getheader("Onion-Location"),
        )
        answer.read()


def signed_in(onions: Onions) -> Visitor:
    """Sign in to the courier as its officer does, with a recovery code."""
    with onions.service.opened() as server:
        fingerprint = server.drop.officers.list()[0].fingerprint
    said = onions.service.bisik("officers", "account", fingerprint)
    code = re.findall(r"^  ([0-9a-f]{20})$", said, re.MULTILINE)[0]
    officer = onions.officer().visitor(onions.courier)
    form = officer.get("/enter").hidden()
    page = officer.post(
        "/enter",
        {
            **form,
            "user_name": re.findall(r"^User name +(.*)$", said, re.MULTILINE)[0],
            "passphrase": re.findall(r"^Passphrase +(.*)$", said, re.MULTILINE)[0],
            "code": code,
        },
    )
    assert 200 == page.status
    return officer


def test_an_officer_fetches_a_bundle(onions: Onions, tmp_path: Path) -> None:
    """
    With the key the courier answers, and what it gives the desk can open.
    """
    reported(onions, "bundle")
    officer = signed_in(onions)
    found = re.search(r'href="(/bundle/[^"]+)"', officer.get("/").text)
    assert found is not None
    bundle = tmp_path / "bundle.tar"
    bundle.write_bytes(officer.get(found[1]).body)
    assert "Judul uji" in onions.service.bisik("desk", "import", bundle) + (
        onions.service.bisik("desk", "list")
    )


def test_without_a_key_nobody_gets_in(onions: Onions) -> None:
    """
    Somebody who knows the address and has no key reaches nothing.

    They can tell it from an address where nothing is, because the network keeps the
    (sealed) descriptor; docs/threat-model.md says so.
    """
    assert 0 == onions.officer("look").reply(onions.courier)
    stranger = onions.reporter("stranger")
    assert GENERAL_FAILURE == stranger.reply(onions.courier)
    assert HOST_UNREACHABLE == stranger.reply(NOBODY)


def test_a_revoked_officer_is_out_at_once(onions: Onions) -> None:
    """
    Open circuit and cached descriptor notwithstanding; reporters notice nothing.
    """
    officer = onions.officer("revoked")
    half = f"GET /enter HTTP/1.1\r\nHost: {onions.courier}\r\n".encode()
    bystander = onions.reporter("bystander").connect(onions.site)
    bystander.sendall(half.replace(onions.courier.encode(), onions.site.encode()))
    with officer.connect(onions.courier) as stream:
        # The server waits for the other half, and does not hang up by itself.
        stream.sendall(half)
        onions.service.bisik("officers", "revoke-access", "petugas-uji")
        begun = time.monotonic()
        stream.settimeout(SHUT_OUT_SECONDS)
        assert b"" == drained(stream)
    with pytest.raises(OSError, match=NOTHING):
        officer.connect(onions.courier, seconds=SHUT_OUT_SECONDS).close()
    assert time.monotonic() - begun < 2 * SHUT_OUT_SECONDS
    for user in ("revoked", "revoked-new-circuit"):
        # As for somebody who never had a key.
        assert GENERAL_FAILURE == onions.officer(user).reply(onions.courier)
    with bystander:
        bystander.sendall(b"Connection: close\r\n\r\n")
        assert drained(bystander).startswith(b"HTTP/1.1 404 ")

    said = onions.service.bisik("officers", "access")
    assert "Nobody can reach the courier." in said
    onions.service.bisik(
        "officers", "grant-access", "petugas-uji", onions.officer_key.public_key
    )
    officer.connect_soon(onions.courier, seconds=AGAIN_SECONDS).close()


def drained(stream: socket.socket) -> bytes:
    """Read until the other side hangs up."""
    received = b""
    while piece := stream.recv(65536):
        received += piece
    return received


def test_an_open_door_is_shouted_about(onions: Onions) -> None:
    """
    Tor lets everybody in when it finds no valid key, and says nothing: status does.
    """
    folder = onions.onion.officers.directory / "authorized_clients"
    saved = {path: path.read_bytes() for path in folder.iterdir()}
    for path in saved:
        path.write_bytes(b"descriptor:x25519:nonsense\n")
    onions.reload()
    try:
        until = time.monotonic() + AGAIN_SECONDS
        said = ""
        while "EVERYBODY" not in said and time.monotonic() < until:
            said = " ".join(
                finding.said
                for finding in onions.findings()
                if finding.verdict is Verdict.BAD
            )
        assert "EVERYBODY WHO KNOWS THE ADDRESS GETS IN" in said
        assert "is no client's key" in said
        assert 0 == onions.reporter("anybody").reply(onions.courier)
    finally:
        for path, content in saved.items():
            path.write_bytes(content)
        onions.reload()
    onions.wait_until_well()


def test_the_officers_move(onions: Onions) -> None:
    """
    The old address is gone; whoever had access has it at the new one.
    """
    old = onions.courier
    onions.service.bisik("onion", "rotate")
    assert old != onions.courier
    onions.courier_anew()
    onions.wait_until_well()
    onions.hand_out_key()
    onions.officer_tor.process.reload()
    officer = onions.officer("moved")
    officer.connect_soon(onions.courier, seconds=AGAIN_SECONDS).close()
    assert 200 == officer.visitor(onions.courier).get("/enter").status
    assert 0 != onions.officer("behind").reply(old)
    assert 0 != onions.reporter("moved").reply(onions.courier)


def test_the_reporters_site_moves(onions: Onions) -> None:
    """
    Whoever knew the old address finds nobody; a case goes on at the new one.
    """
    reporter = onions.reporter("before").visitor(onions.site)
    codename = reporter.draw_codename()
    reporter.send_report()
    old, courier = onions.site, onions.courier
    onions.service.bisik("onion", "rotate", "--reporters", "--giving-up", old)
    assert old != onions.site
    # It answers to the name that it was started with, until it is started anew.
    onions.site_anew()
    onions.wait_until_well()
    circuit = onions.reporter("after")
    circuit.connect_soon(onions.site, seconds=AGAIN_SECONDS).close()
    opened = circuit.visitor(onions.site).sign_in(codename)
    assert "<h1>Laporan Anda</h1>" in opened.text
    assert 0 != onions.reporter("behind").reply(old)
    # The officers' service has not noticed.
    assert courier == onions.courier
    assert 0 == onions.officer("still").reply(courier)


def test_forty_large_files(onions: Onions) -> None:
    """
    All that a case may hold goes through one circuit, and arrives as it was.
    """
    reporter = reported(onions, "forty")
    files = [
        Upload(f"berkas-{number:02}.bin", os.urandom(ATTACHMENT_BYTES))
        for number in range(MANY)
    ]
    for start in range(0, MANY, 10):
        answer = reporter.send_files(*files[start : start + 10])
        assert "sudah disegel" in answer.text

    sent = [hashlib.sha256(file.content).digest() for file in files]
    arrived = [
        hashlib.sha256(content).digest()
        for item in onions.service.opened_items()[-4:]
        for _name, content in item.files
    ]
    assert sent == arrived


def test_nothing_was_written_about_visits(onions: Onions) -> None:
    """
    After all this the logs know neither circuits nor addresses.
    """
    for log in (onions.service.log, onions.service.base / "tor.log"):
        text = log.read_text()
        assert "dead:beef" not in text
        assert onions.site.removesuffix(".onion") not in text
        assert onions.courier.removesuffix(".onion") not in text
