"""One sealed message a day, the same whatever there is to say."""

import email
import email.policy
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.command import World
from support.deaddrop_samples import sealed_item, seeded
from support.mail_server import (
    MAIL_HOST,
    PASSWORD,
    SENDER,
    USER,
    MailServer,
    running_mail_server,
    running_socks,
)
from support.mailboxes import Mailbox
from support.onions import short_folder
from support.reporters import DAY

from ops.notifying.errors import MalformedMailSettings, MessageTooLarge
from ops.notifying.mail import MailSettings, Security
from ops.notifying.message import (
    MESSAGE_BYTES,
    TEXT_BYTES,
    Envelope,
    plaintext,
    seal,
    wrap,
)
from ops.notifying.posting import Posted, read_posted
from ops.notifying.recipients import Audience, Recipient
from ops.notifying.wording import Health, News, words
from ops.server import open_server

# It does not see that it is inside TLS, and behind an onion service there is none.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while:UserWarning")

ANI, BUDI = "a7f3k@example.test", "b2q9x@example.test"


@pytest.fixture(scope="module")
def ani() -> Iterator[Mailbox]:
    """An officer with a key of elliptic curves, as gpg makes it today."""
    with short_folder() as folder:
        mailbox = Mailbox.made(folder / "ani", ANI, algorithm="future-default")
        yield mailbox
        mailbox.close()


@pytest.fixture(scope="module")
def budi() -> Iterator[Mailbox]:
    """An operator with an RSA key."""
    with short_folder() as folder:
        mailbox = Mailbox.made(folder / "budi", BUDI, algorithm="rsa3072")
        yield mailbox
        mailbox.close()


class Post:
    """A server that sends messages, and everything it needs for that."""

    def __init__(
        self, world: World, server: MailServer, socks: Path, security: Security
    ) -> None:
        self.world = world
        self.socks = socks
        self.server = server
        self.folder = world.path
        self.outgoing = world.path / "outgoing"
        self.state = world.path / "state"
        self.credentials = world.path / "credentials"
        for folder in (self.outgoing, self.state, self.credentials):
            folder.mkdir()
        (self.credentials / "mail-password").write_text(f"{PASSWORD}\n")
        self.settings = world.path / "mail.toml"
        # Of an onion service it does not matter which, until there is one.
        first = Security.TLS if security is Security.ONION else security
        self.configure(first, socks=socks)

    def configure(self, security: Security = Security.TLS, **changed: object) -> None:
        """Write mail.toml."""
        fields = {
            "server": MAIL_HOST,
            "port": 465,
            "security": security.value,
            "sender": SENDER,
            "user": USER,
            "authorities": str(self.server.authorities),
            **{key: str(value) for key, value in changed.items()},
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in fields.items()]
        self.settings.write_text("\n".join(["version = 1", *lines, ""]))

    def add(self, mailbox: Mailbox, audience: str) -> str:
        """Add a recipient."""
        path = self.folder / f"{audience}.asc"
        path.write_text(mailbox.certificate)
        return self.world.done(
            *("notify", "recipients", "add", path, "--address", mailbox.address),
            *("--fingerprint", mailbox.fingerprint, "--for", audience),
        )

    def seal(self, world: World | None = None) -> str:
        """Seal the day's messages."""
        return (world or self.world).done(
            *("notify", "seal", "--settings", self.settings),
            *("--outgoing", self.outgoing, "--health", self.folder / "health"),
        )

    def send(self, *, refused: bool = False) -> str:
        """Send them, as systemd does."""
        result = self.world.bisik(
            *("notify", "send", "--settings", self.settings),
            *("--outgoing", self.outgoing, "--state", self.state),
            env={"CREDENTIALS_DIRECTORY": str(self.credentials)},
        )
        assert int(refused) == result.exit_code, result.output
        assert PASSWORD not in result.output
        return result.output

    @property
    def waiting(self) -> list[bytes]:
        """The sealed messages."""
        return [path.read_bytes() for path in sorted(self.outgoing.glob("*.eml"))]


@pytest.fixture
def post(world: World, request: pytest.FixtureRequest) -> Iterator[Post]:
    """A world with a mail server, behind what stands for tor."""
    security: Security = getattr(request, "param", Security.TLS)
    with ExitStack() as running:
        folder = running.enter_context(short_folder())
        server = running.enter_context(running_mail_server(folder, security))
        ports = {MAIL_HOST: server.port, "abc.onion": server.port}
        socks = running.enter_context(running_socks(folder, ports))
        yield Post(world, server, socks, security)


def recipient_of(mailbox: Mailbox, audience: Audience) -> Recipient:
    """Return somebody as a recipient."""
    return Recipient(
        address=mailbox.address,
        audience=audience,
        fingerprint=mailbox.fingerprint,
        certificate=mailbox.certificate,
    )


every_news = st.builds(
    News,
    day=st.dates(date(2026, 1, 1), date(2099, 12, 31)),
    something=st.booleans(),
    health=st.sampled_from(Health),
)


@given(every_news, st.sampled_from(Audience))
def test_what_is_sealed_has_one_size(news: News, audience: Audience) -> None:
    """On every day, whatever there is to say, to officers and to operators."""
    recipient = Recipient(
        address=ANI, audience=audience, fingerprint="A" * 40, certificate=""
    )
    content = plaintext(news, recipient)
    assert TEXT_BYTES == len(content)
    assert content.isascii()
    assert news.day.isoformat() in content.decode()


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    something=st.booleans(),
    health=st.sampled_from(Health),
    days=st.integers(0, 300),
    seed=st.integers(0, 2**32),
)
def test_something_and_nothing_are_alike(
    ani: Mailbox,
    budi: Mailbox,
    something: bool,
    health: Health,
    days: int,
    seed: int,
) -> None:
    """
    Same size and same headers, line by line, whoever gets it: real seals of real keys.
    """
    day = DAY + timedelta(days=days)
    for mailbox, audience in ((ani, Audience.OFFICER), (budi, Audience.OPERATOR)):
        recipient = recipient_of(mailbox, audience)
        pair = [
            seal(
                News(day, either, health),
                recipient,
                sender=SENDER,
                entropy=seeded(seed),
            )
            for either in (something, not something)
        ]
        assert [MESSAGE_BYTES] * 2 == [len(message) for message in pair]
        heads = [message.partition(b"-----BEGIN")[0] for message in pair]
        assert heads[0] == heads[1]
        lines = [list(map(len, message.split(b"\r\n"))) for message in pair]
        # An RSA number may begin with a zero, whatever is sealed.
        if audience is Audience.OFFICER:
            assert lines[0] == lines[1]


@given(st.integers(0, 5_000), st.integers(1, 200))
def test_every_mail_is_filled_up_to_one_size(sealed: int, letters: int) -> None:
    """Or refused, and never longer."""
    envelope = Envelope(SENDER, f"{'a' * letters}@example.test", DAY)
    try:
        message = wrap(bytes(sealed), envelope, entropy=seeded(1))
    except MessageTooLarge:
        assert sealed > 4_500
        return
    assert MESSAGE_BYTES == len(message)
    assert all(len(line) <= 998 for line in message.split(b"\r\n"))
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    *_, part = parsed.walk()
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.rstrip().endswith(b"-----END PGP MESSAGE-----")


def test_headers_tell_nothing(ani: Mailbox) -> None:
    """No hour, no machine, no program, and a subject that is always the same."""
    news = News(DAY, something=True, health=Health.WELL)
    recipient = recipient_of(ani, Audience.OFFICER)
    message = email.message_from_bytes(
        seal(news, recipient, sender=SENDER, entropy=seeded(1)),
        policy=email.policy.default,
    )
    assert {
        *("From", "To", "Date", "Subject", "Message-ID", "MIME-Version"),
        *("Auto-Submitted", "Content-Type"),
    } == set(message.keys())
    assert "[...]" == message["Subject"]
    sent = parsedate_to_datetime(message["Date"])
    assert (news.day, 0, 0, 0) == (sent.date(), sent.hour, sent.minute, sent.second)
    assert socket.gethostname() not in str(message["Message-ID"])
    other = seal(news, recipient, sender=SENDER, entropy=seeded(2))
    assert str(message["Message-ID"]).encode() not in other


@pytest.mark.parametrize(
    "post", [Security.TLS, Security.STARTTLS, Security.ONION], indirect=True
)
def test_a_message_reaches_its_reader(
    post: Post, ani: Mailbox, budi: Mailbox, request: pytest.FixtureRequest
) -> None:
    """Through SOCKS and TLS to the mail server; opened with the recipient's own gpg."""
    if request.node.callspec.params["post"] is Security.ONION:
        post.configure(Security.ONION, socks=post.socks, server="abc.onion")
    post.add(ani, "officer")
    post.add(budi, "operator")
    post.world.bisik("doctor", "--note", post.folder / "health")
    post.seal()
    assert 2 == len(post.waiting)
    post.send()
    assert [] == post.waiting
    taken = {one.recipient: one for one in post.server.taken}
    assert {ANI, BUDI} == set(taken)
    assert {MESSAGE_BYTES} == {len(one.content) for one in taken.values()}
    assert {"[127.0.0.1]"} == {one.greeting for one in taken.values()}
    assert {SENDER} == {one.sender for one in taken.values()}
    to_officer = ani.opened(taken[ANI].content)
    assert "TIDAK ADA kiriman baru" in to_officer
    assert "There is NOTHING new" in to_officer
    assert "Server" not in to_officer
    to_operator = budi.opened(taken[BUDI].content)
    assert "ADA YANG SALAH" in to_operator  # There is no tor.
    assert "SOMETHING IS WRONG" in to_operator
    assert Posted(DAY) == read_posted(post.state)


def test_something_to_fetch_is_told(post: Post, ani: Mailbox) -> None:
    """To everybody, with no number; and no longer when every desk has fetched it."""
    post.add(ani, "officer")
    with open_server(post.world.server, post.world.edge) as server:
        server.drop.intake.accept(sealed_item(bytes(70_000)), day=DAY, writes=[])
    post.seal()
    (message,) = post.waiting
    assert "ADA kiriman yang belum diambil" in ani.opened(message)
    with open_server(post.world.server, post.world.edge) as server:
        (desk,) = server.drop.desks.active()
        server.drop.desks.note_collected(desk, 1)
    post.seal(post.world.at(1))
    (message,) = post.waiting
    assert "There is NOTHING new" in ani.opened(message)


def test_there_is_one_message_a_day(post: Post, ani: Mailbox) -> None:
    """Sealing again on the same day makes none; what was not sent is not sent twice."""
    post.add(ani, "officer")
    post.seal()
    first = post.waiting
    post.seal()
    assert first == post.waiting
    post.send()
    post.seal()
    post.send()
    assert 1 == len(post.server.taken)
    post.seal(post.world.at(1))
    post.seal(post.world.at(2))
    assert 1 == len(post.waiting)


def test_nothing_readable_waits(post: Post, budi: Mailbox) -> None:
    """What lies in the folder is sealed, closed to others, and under a random name."""
    post.add(budi, "operator")
    post.seal()
    for path in post.outgoing.iterdir():
        content = path.read_bytes()
        assert b"kiriman" not in content
        assert b"Server" not in content
        assert 0 == path.stat().st_mode & 0o007
        assert BUDI not in path.name


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda p: p.configure(socks="/nonexistent"), "not reached"),
        (
            lambda p: p.configure(server="other.test", socks=p.socks),
            "SOCKS reply 0x04",
        ),
        (
            lambda p: p.settings.write_text(
                "".join(
                    line
                    for line in p.settings.read_text().splitlines(keepends=True)
                    if "authorities" not in line
                )
            ),
            "CERTIFICATE_VERIFY_FAILED",
        ),
        (
            lambda p: p.settings.write_text(
                p.settings.read_text().replace(MAIL_HOST, "abc.onion")
            ),
            "CERTIFICATE_VERIFY_FAILED",
        ),
        (
            lambda p: (p.credentials / "mail-password").write_text("wrong"),
            "refuses user or password (535)",
        ),
        (lambda p: (p.credentials / "mail-password").unlink(), "credentials"),
        (lambda p: p.server.refused.add(ANI), "refuses a recipient (550)"),
    ],
)
def test_a_failure_is_counted_and_nothing_is_lost(
    post: Post, ani: Mailbox, spoil: object, reason: str
) -> None:
    """With a reason that names nobody; the message stays, sealed, and goes later."""
    post.add(ani, "officer")
    post.seal()
    before = post.waiting
    well = post.settings.read_text()
    assert callable(spoil)
    spoil(post)
    said = post.send(refused=True)
    assert reason in said
    assert ANI not in said
    assert before == post.waiting
    assert [] == post.server.taken
    assert Posted(None, failures=1) == read_posted(post.state)
    post.send(refused=True)
    assert Posted(None, failures=2) == read_posted(post.state)
    post.settings.write_text(well)
    post.server.refused.clear()
    (post.credentials / "mail-password").write_text(PASSWORD)
    post.send()
    assert Posted(DAY) == read_posted(post.state)


@pytest.mark.parametrize("post", [Security.ONION], indirect=True)
def test_a_server_without_starttls_gets_nothing(post: Post, ani: Mailbox) -> None:
    """Neither the password nor the message."""
    post.configure(Security.STARTTLS, socks=post.socks)
    post.add(ani, "officer")
    post.seal()
    assert "does not offer what is asked" in post.send(refused=True)
    assert [] == post.server.taken
    assert 1 == len(post.waiting)


def test_who_gets_messages_can_be_changed(post: Post, ani: Mailbox) -> None:
    """Added once, listed with the end of the key, removed."""
    said = post.add(ani, "officer")
    assert "Whoever seizes this server reads the address" in said
    assert 0o600 == (post.world.server / "recipients.json").stat().st_mode & 0o777
    listed = post.world.done("notify", "recipients", "list")
    assert f"{ANI}  officer  {ani.fingerprint}  good until " in listed
    before = (post.world.server / "recipients.json").read_bytes()
    again = post.folder / "officer.asc"
    words_again = (again, "--fingerprint", ani.fingerprint, "--for", "operator")
    add = ("notify", "recipients", "add", *words_again, "--address")
    assert "already" in post.world.refused(*add, ANI)
    assert "ASCII" in post.world.refused(*add, "ani@example.test\nBcc: x@y.test")
    remove = ("notify", "recipients", "remove")
    assert "no recipient" in post.world.refused(*remove, "nobody@example.test")
    assert before == (post.world.server / "recipients.json").read_bytes()
    post.world.done(*remove, ANI)
    assert "Nobody gets a message" in post.world.done("notify", "recipients", "list")


def test_the_key_of_a_desk_is_refused(post: Post, ani: Mailbox) -> None:
    """It is on a machine without a network; so is a key that nobody has compared."""
    with open_server(post.world.server, post.world.edge) as server:
        (officer,) = server.drop.officers.list()
    path = post.folder / "desk.asc"
    path.write_bytes(officer.certificate)
    add = ("notify", "recipients", "add", path, "--address", ANI, "--for", "officer")
    said = post.world.refused(*add, "--fingerprint", officer.fingerprint)
    assert "the key of a desk" in said
    path.write_text(ani.certificate)
    said = post.world.refused(*add, "--fingerprint", officer.fingerprint)
    assert "not that of the key" in said
    assert not (post.world.server / "recipients.json").exists()


def test_an_ended_key_is_told_and_the_others_get_theirs(
    post: Post, ani: Mailbox
) -> None:
    """By the doctor two months before, and when it has ended by `seal`, too."""
    post.add(ani, "officer")
    listed = post.world.done("notify", "recipients", "list")
    days = (date.fromisoformat(listed.split()[-1]) - DAY).days
    ending = f"messages           that of {ANI} ends on"
    assert ending not in post.world.at(days - 70).bisik("doctor").output
    assert f"LOOK  {ending}" in post.world.at(days - 50).bisik("doctor").output
    late = post.world.at(days + 5).bisik(
        *("notify", "seal", "--settings", post.settings, "--outgoing", post.outgoing)
    )
    assert 1 == late.exit_code
    assert f"Nothing is sealed to {ANI}" in late.output
    assert [] == post.waiting


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("", "server"),
        ('security = "none"', "security"),
        ('security = "onion"', "only for an onion service"),
        ('sender = "Bisik <x@y.test>"', "sender"),
        ("password = 1", "password"),
        ("port = 0", "port"),
        ("=", "not TOML"),
    ],
)
def test_settings_that_will_not_do_are_refused(line: str, fault: str) -> None:
    """By the field, and never its value."""
    whole = {
        "server": '"mail.example.test"',
        "port": "465",
        "security": '"tls"',
        "sender": '"x@y.test"',
    }
    key, _, value = line.partition(" = ")
    fields = {**whole, key: value} if line and line != "=" else {"=": ""}
    text = "\n".join(f"{name} = {value}" for name, value in fields.items())
    if not line:
        text = ""
    with pytest.raises(MalformedMailSettings, match=fault) as refused:
        MailSettings.parse(text)
    assert "Bisik <" not in str(refused.value)


@given(st.text())
def test_any_text_is_settings_or_refused(text: str) -> None:
    """Nothing that can stand in mail.toml ends otherwise."""
    with pytest.raises(MalformedMailSettings):
        MailSettings.parse(text)


@pytest.mark.parametrize("content", ["", "[]", '{"version": 2}', '{"recipients": [1]}'])
def test_spoilt_recipients_are_refused(world: World, content: str) -> None:
    """And named; nothing is sealed to fewer people in silence."""
    (world.server / "recipients.json").write_text(content)
    assert "not as it must be" in world.refused("notify", "recipients", "list")


def test_both_languages_say_the_same() -> None:
    """Each sentence of the one has a counterpart in the other, and no case is named."""
    for health in Health:
        for something in (True, False):
            said = words(News(DAY, something, health), Audience.OPERATOR)
            indonesian, english = said.split("\n\n\n")
            assert indonesian.count("\n\n") == english.count("\n\n") == 3
            assert indonesian != english
            assert said.count(DAY.isoformat()) == 2
            rest = said.replace(DAY.isoformat(), "")
            assert not any(letter.isdigit() for letter in rest)
