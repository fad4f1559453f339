"""
Those outside of a server that is deployed: a keeper, an officer, an administrator.

    ministry = Ministry.made(folder)
    ministry.certified            # goes to the server: bisik officers add
    ministry.open_items(bundle)   # what only the officer's keys open

Keeper and desk are folders of this machine, which never see the server; what passes
between them and it are files, and pages of the courier.  Names are test data.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.server import COMMAND, ROOT
from support.site import OpenedItem, open_item
from support.visitor import Page, Upload, Visitor, multipart

from casework.bundle import read_bundle
from crypto.opening import SecretKeyring
from journalist_app.workstation.desk import read_record
from ops.organisation import PUBLIC_KEY
from tor.address import OnionAddress
from tor.authorization import Client, new_client

OFFICER = "Petugas Uji"
ADMINISTRATOR = "admin-uji"


@dataclass(frozen=True)
class Account:
    """What an officer was handed, face to face."""

    user_name: str
    passphrase: str
    codes: list[str]

    @classmethod
    def none(cls) -> "Account":
        """Return what somebody has who was handed nothing yet."""
        return cls(user_name="", passphrase="", codes=[])

    @classmethod
    def read(cls, said: str) -> "Account":
        """Read what `bisik officers account` shows."""
        return cls(
            user_name=re.findall(r"^User name +(.*)$", said, re.MULTILINE)[0],
            passphrase=re.findall(r"^Passphrase +(.*)$", said, re.MULTILINE)[0],
            codes=re.findall(r"^  ([0-9a-f]{20})$", said, re.MULTILINE),
        )

    def enter(self, visitor: Visitor) -> Page:
        """Sign in to the courier, with a recovery code that is used up."""
        form = visitor.get("/enter").hidden()
        page = visitor.post(
            "/enter",
            {
                **form,
                "user_name": self.user_name,
                "passphrase": self.passphrase,
                "code": self.codes.pop(),
            },
        )
        assert 200 == page.status, page.text
        return page


@dataclass(frozen=True)
class Ministry:
    """
    A keeper with the organisation's key, an officer with a desk, an administrator.

    Attributes:
        base: The folder that everything is in.

        administrator: The key pair of whoever may come to the server's ssh.
    """

    base: Path
    administrator: Client

    @classmethod
    def made(cls, base: Path) -> "Ministry":
        """Make the keeper's key, the officer's desk, and certify the officer."""
        ministry = cls(base, new_client(os.urandom))
        ministry.bisik(
            *("organisation", "init", ministry.organisation, "--no-passphrase"),
            *("--name", "Organisasi Uji"),
        )
        ministry.bisik(
            *("desk", "init", ministry.desk, "--no-passphrase", "--name", OFFICER)
        )
        ministry.bisik(
            *("organisation", "certify", ministry.organisation),
            *(ministry.desk / "enrolment.json", "--fingerprint", ministry.fingerprint),
            *("--to", ministry.certified),
        )
        ministry.browser_keys.mkdir(mode=0o700)
        ministry.administrator_keys.mkdir(mode=0o700)
        return ministry

    @property
    def organisation(self) -> Path:
        """The keeper's folder."""
        return self.base / "organisation"

    @property
    def organisation_key(self) -> Path:
        """The public key that a server trusts."""
        return self.organisation / PUBLIC_KEY

    @property
    def desk(self) -> Path:
        """The officer's folder."""
        return self.base / "desk"

    @property
    def certified(self) -> Path:
        """The certified enrolment, for the server."""
        return self.base / "certified.json"

    @property
    def browser_keys(self) -> Path:
        """With the keys by which the officer's tor gets to the courier."""
        return self.base / "browser-keys"

    @property
    def administrator_keys(self) -> Path:
        """With the keys by which an administrator's tor gets to ssh."""
        return self.base / "administrator-keys"

    @property
    def fingerprint(self) -> str:
        """Of the officer's key."""
        return read_record(self.desk).fingerprint

    def bisik(self, *arguments: str | Path) -> str:
        """Run a command as the keeper or officer does, and return what it prints."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env={**os.environ, "BISIK_DESK": str(self.desk)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, f"bisik {arguments}: {done.stdout}"
        return done.stdout

    def access_key(self, courier: OnionAddress) -> str:
        """Make a key for the officer's tor, and return what the operator is told."""
        path = self.browser_keys / "courier.auth_private"
        path.unlink(missing_ok=True)
        said = self.bisik("desk", "access-key", "--address", courier, "--to", path)
        found = re.search(r"\b([A-Z2-7]{52})\b", said)
        assert found, said
        return found[1]

    def keep_administrator_key(self, ssh: OnionAddress) -> None:
        """Let the administrator's tor have its key."""
        path = self.administrator_keys / "ssh.auth_private"
        path.write_text(self.administrator.private_line(ssh))

    def fetch(self, courier: Visitor) -> Path | None:
        """Download the bundle that waits at the courier; None if nothing waits."""
        found = re.search(r'href="(/bundle/[^"]+)"', courier.get("/").text)
        if found is None:
            return None
        bundle = self.base / "bundle.tar"
        bundle.write_bytes(courier.get(found[1]).body)
        return bundle

    def open_items(self, bundle: Path) -> list[OpenedItem]:
        """Open all of a bundle with the officer's keys, in order."""
        with (
            bundle.open("rb") as stream,
            SecretKeyring(self.desk / "gnupg", passphrase=None) as officer,
        ):
            reader = read_bundle(stream)
            return [open_item(officer, b"".join(item.chunks())) for item in reader]

    def answer(
        self, courier: Visitor, bundle: Path, text: str, *, title: str = ""
    ) -> Page:
        """
        Import a bundle, answer a case, and bring the outbox.

        Args:
            courier: The officer, signed in.

            bundle: What was fetched.

            text: The answer.

            title: Of the report that is answered; any, if it is empty.
        """
        self.bisik("desk", "import", bundle)
        # Cases that are due on the same day have no order that a test may count on.
        cases = self.bisik("desk", "list").splitlines()[1:]
        case = next(line.split()[0] for line in cases if title in line)
        letter = self.base / "letter.txt"
        letter.write_text(text)
        self.bisik("desk", "reply", case, "--text-file", letter)
        outbox = self.base / "outbox.tar"
        outbox.unlink(missing_ok=True)
        self.bisik("desk", "export", "--to", outbox)
        form = courier.get("/").hidden("/outbox")
        content_type, body = multipart(
            form, [Upload("outbox.tar", outbox.read_bytes())], name="outbox"
        )
        return courier.raw("POST", "/outbox", {"Content-Type": content_type}, body)
