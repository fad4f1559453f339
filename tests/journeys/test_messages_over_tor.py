"""
The daily message over Tor itself: from the server, as it is deployed, to a mail server
that is an onion service, on a private network.
"""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.mail_server import PASSWORD, MailServer, running_mail_server
from support.mailboxes import Mailbox
from support.onions import short_folder
from support.pages import ROOT
from support.reporters import DAY

from ops.notifying.errors import NotSent
from ops.notifying.mail import MailSettings, Security
from ops.notifying.message import MESSAGE_BYTES
from ops.notifying.posting import Posted, post_all, read_posted
from ops.notifying.recipients import Audience, Recipient
from ops.notifying.sealing import seal_for_all
from ops.notifying.wording import Health, News
from tor.control import wait_until_in_network
from tor.network import PrivateNetwork
from tor.program import TorProcess, find_tor
from tor.torrc import quoted, socket_path

pytestmark = [
    pytest.mark.journey,
    pytest.mark.slow,
    # Behind an onion service there is no TLS.
    pytest.mark.filterwarnings("ignore:Requiring AUTH while:UserWarning"),
]

SHIPPED = ROOT / "deployment/tor/bisik-notify.torrc"
READY_SECONDS = 90.0
SENT_SECONDS = 90.0
PAUSE_SECONDS = 0.5


@dataclass
class Way:
    """The way from a server to a mail server."""

    server: MailServer
    address: str
    socks: Path
    folder: Path

    def settings(self) -> MailSettings:
        """As mail.toml would have them."""
        return MailSettings(
            server=self.address,
            port=587,
            security=Security.ONION,
            sender="harian@example.test",
            user="bisik",
            socks=str(self.socks),
        )


@pytest.fixture
def way(tor_network: PrivateNetwork) -> Iterator[Way]:
    """A mail server behind an onion service, and the sending tor, as it is shipped."""
    with ExitStack() as running:
        folder = running.enter_context(short_folder())
        server = running.enter_context(running_mail_server(folder, Security.ONION))
        behind, sending = folder / "behind", folder / "sending"
        for made in (behind, sending, behind / "service", sending / "run"):
            made.mkdir(mode=0o700)
        network = list(tor_network.torrc_lines)
        torrc = [
            f"DataDirectory {quoted(behind)}",
            f'ControlSocket "{socket_path(behind / "control")}"',
            *("CookieAuthentication 1", "SocksPort 0"),
            f"HiddenServiceDir {quoted(behind / 'service')}",
            f"HiddenServicePort 587 127.0.0.1:{server.port}",
            *network,
        ]
        running.enter_context(run_tor(behind, torrc))
        wait_until_in_network(behind / "control", seconds=READY_SECONDS)
        shipped = SHIPPED.read_text()
        for there, here in (
            ("/run/bisik-notify-tor", sending / "run"),
            ("/var/lib/bisik-notify-tor", sending / "state"),
        ):
            assert there in shipped
            shipped = shipped.replace(there, str(here))
        running.enter_context(run_tor(sending, [shipped, *network]))
        address = (behind / "service/hostname").read_text().strip()
        yield Way(server, address, sending / "run/socks", folder)


def run_tor(folder: Path, lines: list[str]) -> TorProcess:
    """Run a tor of a private network."""
    torrc = folder / "torrc"
    torrc.write_text("\n".join([*lines, ""]))
    return TorProcess(torrc, log=folder / "log", program=find_tor())


def test_a_message_goes_out_through_tor(way: Way) -> None:
    """
    The shipped torrc takes streams at one Unix socket; the onion service is reached by
    its name; the message is opened with its reader's own key.
    """
    folder = way.folder
    reader = Mailbox.made(folder / "reader", "a7f3k@example.test")
    outgoing, state, credentials = (folder / name for name in ("out", "was", "secret"))
    for made in (outgoing, state, credentials):
        made.mkdir()
    (credentials / "mail-password").write_text(PASSWORD)
    recipient = Recipient(
        address=reader.address,
        audience=Audience.OPERATOR,
        fingerprint=reader.fingerprint,
        certificate=reader.certificate,
    )
    settings = way.settings()
    refused = seal_for_all(
        News(DAY, something=True, health=Health.WELL),
        (recipient,),
        outgoing,
        sender=settings.sender,
        entropy=os.urandom,
    )
    assert {} == refused
    # Until the network knows the service, sending fails, and is tried again.
    until = time.monotonic() + SENT_SECONDS
    while not way.server.taken:
        assert time.monotonic() < until
        time.sleep(PAUSE_SECONDS)
        with suppress(NotSent):
            assert 1 == post_all(
                outgoing, settings, credentials=credentials, state=state
            )
    assert Posted(DAY) == read_posted(state)
    assert [] == list(outgoing.glob("*.eml"))
    (taken,) = way.server.taken
    assert MESSAGE_BYTES == len(taken.content)
    assert "[127.0.0.1]" == taken.greeting
    opened = reader.opened(taken.content)
    assert "ADA kiriman yang belum diambil" in opened
    assert "Server: nothing is wrong." in opened
    mode = way.socks.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert 0 == mode & 0o007
    reader.close()
