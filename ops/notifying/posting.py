"""
Posting: sending what was sealed, and noting whether that worked.

    outgoing/*.eml --one after another--> mail server; removed when it was taken
    posted.json    the last day on which all of a day's messages went, and how often
                   sending has failed since

The program that does this reads no dead drop and knows no key.  It may be run again:
what was taken is gone from the folder.
"""

import email.parser
import email.utils
import json
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from journalist_app.durable import new_file
from ops.notifying.errors import NoPassword, NotSent
from ops.notifying.mail import MailSettings, Submission
from ops.notifying.recipients import parse_address
from ops.notifying.sealing import SUFFIX, sealed_on

POSTED: Final = "posted.json"
PASSWORD: Final = "mail-password"  # noqa: S105 - Name of a credential.


@dataclass(frozen=True)
class Posted:
    """
    What became of the messages.

    Attributes:
        day: The last day of which all messages went; None if none ever did.

        failures: How often sending has failed since.
    """

    day: date | None = None
    failures: int = 0


def read_posted(folder: Path) -> Posted:
    """Return what `post_all` has noted; nothing if that cannot be read."""
    try:
        noted = json.loads((folder / POSTED).read_bytes())
        day = noted["day"]
        return Posted(
            day=None if day is None else date.fromisoformat(day),
            failures=int(noted["failures"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Posted()


def read_password(credentials: Path | None) -> str:
    """
    Read the password of the mail account.

    Args:
        credentials: The folder that systemd names by CREDENTIALS_DIRECTORY.

    Raises:
        NoPassword: If it is not there.
    """
    try:
        if credentials is None:
            raise FileNotFoundError
        return (credentials / PASSWORD).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise NoPassword(NoPassword.__doc__) from None


def post_all(
    outgoing: Path, settings: MailSettings, *, credentials: Path | None, state: Path
) -> int:
    """
    Send what lies in *outgoing*.

    Args:
        outgoing: As `sealing.seal_for_all` fills it.

        settings: Of the mail server.

        credentials: Where the password is.

        state: A folder of the sender's own, for noting what became of it.

    Raises:
        NotSent: With the reason.  What was not taken stays, and may be tried again.

    Returns:
        How many the server has taken.
    """
    before = read_posted(state)
    day = sealed_on(outgoing)
    waiting = sorted(outgoing.glob(f"*{SUFFIX}"))
    try:
        if waiting:
            _send(waiting, settings, credentials)
    except (NotSent, NoPassword):
        _note(state, Posted(before.day, before.failures + 1))
        raise
    if day is not None:
        _note(state, Posted(day))
    return len(waiting)


def _send(
    waiting: list[Path], settings: MailSettings, credentials: Path | None
) -> None:
    with _plain_failures(), Submission(settings) as submission:
        if settings.user is not None:
            submission.login(settings.user, read_password(credentials))
        for path in waiting:
            message = path.read_bytes()
            sender, recipient = _addresses_in(message)
            submission.sendmail(sender, [recipient], message)
            path.unlink()


def _addresses_in(message: bytes) -> tuple[str, str]:
    headers = email.parser.BytesHeaderParser().parsebytes(message)
    sender, recipient = (
        parse_address(email.utils.parseaddr(str(headers[name]))[1])
        for name in ("From", "To")
    )
    return sender, recipient


@contextmanager
def _plain_failures() -> Iterator[None]:
    """Turn failures into sentences without addresses: they end in a log."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        raise NotSent(
            f"the mail server refuses user or password ({error.smtp_code})"
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise NotSent("the mail server does not offer what is asked of it") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"the mail server refuses ({error.smtp_code})") from None
    except smtplib.SMTPRecipientsRefused as error:
        (code, _said), *_rest = error.recipients.values()
        raise NotSent(f"the mail server refuses a recipient ({code})") from None
    except smtplib.SMTPException as error:
        raise NotSent(f"the mail server fails ({type(error).__name__})") from None
    except OSError as error:
        raise NotSent(
            f"the mail server was not reached: {error.strerror or error}"
        ) from None


def _note(state: Path, posted: Posted) -> None:
    day = posted.day.isoformat() if posted.day else None
    with new_file(state / POSTED, replace=True) as file:
        file.write(json.dumps({"day": day, "failures": posted.failures}).encode())
