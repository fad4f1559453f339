"""
Access: the desk answers one browser, the one that was given the one-time link.

    terminal --link, once--> browser --cookie--> every request after that

Other people on the same machine can connect to the port, too.  Without the link, which
only the terminal shows, they get nothing but a page that says so.
"""

import hmac
import secrets
import threading
from collections.abc import Callable

TOKEN_BYTES = 32
COOKIE = "bisik-desk"


class Access:
    """The link that is not used yet, and the browser that has used one."""

    def __init__(self, entropy: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """
        Args:
            entropy: Gives random bytes.
        """
        self._entropy = entropy
        self._guard = threading.Lock()
        self._link: str | None = None
        self._cookies: list[str] = []

    def new_link(self) -> str:
        """Make the next one-time link's token; an unused one before it is void."""
        with self._guard:
            self._link = self._entropy(TOKEN_BYTES).hex()
            return self._link

    def redeem(self, untrusted_token: str) -> str | None:
        """Take a link's token and return a cookie, once; None for anything else."""
        with self._guard:
            if self._link is None or not _same(self._link, untrusted_token):
                return None
            self._link = None
            cookie = self._entropy(TOKEN_BYTES).hex()
            self._cookies.append(cookie)
            return cookie

    def admits(self, untrusted_cookie: str) -> bool:
        """Tell whether a cookie is one that was given for a link."""
        with self._guard:
            return any(_same(cookie, untrusted_cookie) for cookie in self._cookies)

    def end(self) -> None:
        """Let nobody in any more who was let in before."""
        with self._guard:
            self._cookies.clear()


def _same(one: str, untrusted: str) -> bool:
    return hmac.compare_digest(one.encode(), untrusted.encode("utf-8", "replace"))
