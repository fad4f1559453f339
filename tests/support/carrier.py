"""
An officer's errand over HTTP: a real courier, a bundle fetched, an outbox brought.

    service.start(site=COURIER)
    with carrier_of(service) as carrier:
        carrier.fetch(address := carrier.bundle_address())
        carrier.bring(carrier.outbox(1, [b"..."]))

What waits in the dead drop, and what goes into an outbox, are random bytes: the courier
cannot tell them from ciphertext, and does not look.
"""

import hashlib
import http.client
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyotp
from support.server import Service
from support.visitor import Page, Upload, Visitor, multipart

from casework.outbox import AnnouncedParcel, AnnouncedSlot, OutboxManifest, write_outbox
from crypto.fingerprint import Fingerprint
from crypto.opening import SecretKeyring
from deaddrop import Officer, SealedItem
from deaddrop.intake import store_item
from ops.serving import make_sign_in

COURIER = ("courier", "serve")
PASSPHRASE = "kuda besi baterai staples"
READ_BYTES = 1024 * 1024
TIMEOUT_SECONDS = 120
# proc(5): makes the peak of resident memory what it is now.
_RESET_PEAK = "5"


@dataclass(frozen=True)
class Fetched:
    """What came of a bundle."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Carrier:
    """An officer who is in at the courier, and their desk."""

    service: Service
    officer: Officer
    desk: int
    visitor: Visitor = field(repr=False)

    def bundle_address(self) -> str:
        """Return where the bundle of now is."""
        found = re.search(r'href="(/bundle/[^"]+)"', self.visitor.get("/").text)
        assert found is not None
        return found[1]

    @contextmanager
    def fetching(self, address: str) -> Iterator[http.client.HTTPResponse]:
        """Begin to download a bundle; the rest is read from what is given."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.service.port, timeout=TIMEOUT_SECONDS
        )
        cookies = "; ".join(f"{k}={v}" for k, v in self.visitor.cookies.items())
        with closing(connection):
            connection.request("GET", address, headers={"Cookie": cookies})
            yield connection.getresponse()

    def fetch(self, address: str) -> Fetched:
        """Download a bundle, and keep nothing of it."""
        digest, size_bytes = hashlib.sha256(), 0
        with self.fetching(address) as answer:
            assert 200 == answer.status
            while piece := answer.read(READ_BYTES):
                digest.update(piece)
                size_bytes += len(piece)
        return Fetched(size_bytes, digest.hexdigest())

    def outbox(
        self, number: int, *, parcels: Sequence[bytes] = (), slots: Sequence[bytes] = ()
    ) -> bytes:
        """Write an outbox of this officer's desk, signed."""
        today = self.service.today
        announced = [AnnouncedSlot.of(os.urandom(32), sealed) for sealed in slots]
        pieces: list[bytes] = []
        with (
            self.service.opened() as server,
            SecretKeyring(self._desk / "gnupg", passphrase=None) as keys,
        ):
            write_outbox(
                pieces.append,
                OutboxManifest(
                    installation=server.installation.installation_id.hex(),
                    desk_id=self.officer.desk_id.hex(),
                    number=number,
                    day=today,
                    slots=tuple(announced),
                    holds=(),
                    parcels=tuple(
                        AnnouncedParcel(
                            size_bytes=len(one), sha256=hashlib.sha256(one).hexdigest()
                        )
                        for one in parcels
                    ),
                ),
                slots,
                sign=lambda content: keys.sign_detached(
                    content, signer=Fingerprint(self.officer.fingerprint), day=today
                ),
                open_parcel=lambda index: [parcels[index]],
            )
        return b"".join(pieces)

    def bring(self, outbox: bytes) -> Page:
        """Upload an outbox."""
        fields = _token(self.visitor.get("/"))
        content_type, body = multipart(
            fields, [Upload("outbox.tar", outbox)], name="outbox"
        )
        return self.visitor.raw("POST", "/outbox", {"Content-Type": content_type}, body)

    def recorded(self, count: int) -> list[tuple[str, str]]:
        """Return the newest lines of the record of this officer, the oldest first."""
        with self.service.opened() as server:
            lines = server.drop.records.last(count)
        return [
            (line.action, line.detail)
            for line in reversed(lines)
            if line.fingerprint == self.officer.fingerprint
        ]

    @property
    def _desk(self) -> Path:
        return self.service.desk(self.desk)


def carrier_of(service: Service, *, desk: int = 1) -> Carrier:
    """Give an officer of a courier that runs an account, and let them in."""
    name = f"Petugas Uji {desk}"
    with service.opened() as server:
        officer = next(one for one in server.drop.officers.list() if one.name == name)
        account = make_sign_in(server, service.edge).make_account(
            officer.fingerprint, f"petugas{desk}", PASSPHRASE
        )
    visitor = service.visitor(timeout_seconds=TIMEOUT_SECONDS)
    answer = visitor.post(
        "/enter",
        {
            **_token(visitor.get("/enter")),
            "user_name": account.user_name,
            "passphrase": PASSPHRASE,
            "code": pyotp.TOTP(account.totp_secret).generate_otp(
                int(time.time()) // 30
            ),
        },
    )
    assert 200 == answer.status, answer.text
    return Carrier(service, officer, desk, visitor)


def _token(page: Page) -> dict[str, str]:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None
    return {"csrf_token": found[1]}


def let_items_wait(service: Service, *, items: int, item_bytes: int) -> None:
    """Put items straight into the dead drop."""
    with service.opened() as server, server.drop.mailbox.changing() as change:
        for _ in range(items):
            sealed = os.urandom(item_bytes)
            item = SealedItem(
                len(sealed),
                hashlib.sha256(sealed).digest(),
                partial(list, [sealed]),
            )
            store_item(change.connection, item, day=service.today)


def growth_bytes(processes: Sequence[int], work: Callable[[], object]) -> int:
    """
    Return by how much one of some processes grew while something was done, at most.

    It is the peak of resident memory (VmHWM) that counts, however short it was.
    """
    for process in processes:
        Path(f"/proc/{process}/clear_refs").write_text(_RESET_PEAK, encoding="ascii")
    before = _peaks_kib(processes)
    work()
    after = _peaks_kib(processes)
    return 1024 * max(after[process] - before[process] for process in processes)


def _peaks_kib(processes: Iterable[int]) -> dict[int, int]:
    peaks = {}
    for process in processes:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
        peaks[process] = int(status.partition("VmHWM:")[2].split()[0])
    return peaks
