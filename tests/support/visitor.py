"""
A visitor of the reporters' site: fills in its forms as a browser without scripts.

Works on a Flask test client and over real HTTP alike, because both are reduced
to one function: request in, status, headers and body out.
"""

import http.client
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode

from flask import Flask
from werkzeug.http import HTTP_STATUS_CODES

# The same in every answer, so that they tell nothing.
ADDED_BY_SERVER = ("server", "date", "connection")
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Page:
    """What the site answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text, entities resolved."""
        return unescape(self.body.decode("utf-8"))

    @property
    def timeless(self) -> bytes:
        """The body without the tokens of its forms, which carry a second, signed."""
        return re.sub(rb'name="csrf_token" value="[^"]+"', b"", self.body)

    @property
    def wire_bytes(self) -> int:
        """How many bytes the answer takes, but for what the server software adds."""
        lines = [f"HTTP/1.1 {self.status} {HTTP_STATUS_CODES[self.status].upper()}"]
        for name, values in self.headers.items():
            if name.lower() not in ADDED_BY_SERVER:
                lines += [f"{name}: {value}" for value in values.split("\n")]
        return len("\r\n".join([*lines, "", ""]).encode()) + len(self.body)

    @property
    def location(self) -> str:
        """Where a redirect leads, "" for none."""
        return self.headers.get("location", "")

    def hidden(self, action: str | None = None) -> dict[str, str]:
        """Return the hidden fields of the form that goes to *action*."""
        text = self.body.decode("utf-8")
        if action is not None:
            found = re.search(
                rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', text, re.S
            )
            assert found, f"there is no form to {action}"
            text = found[1]
        pattern = r'<input type="hidden" name="([^"]+)" value="([^"]*)">'
        return {name: unescape(value) for name, value in re.findall(pattern, text)}


@dataclass(frozen=True)
class Upload:
    """A file chosen in a form."""

    name: str
    content: bytes = field(repr=False)


Transport = Callable[[str, str, Mapping[str, str], bytes], Page]


class Visitor:
    """One browser window: cookies, and the habit of following redirects."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.cookies: dict[str, str] = {}

    @classmethod
    def of(cls, app: Flask) -> "Visitor":
        """Visit an application in this process."""
        client = app.test_client(use_cookies=False)

        def transport(
            method: str, path: str, headers: Mapping[str, str], body: bytes
        ) -> Page:
            answer = client.open(path, method=method, headers=dict(headers), data=body)
            return page_of(answer.status_code, list(answer.headers), answer.get_data())

        return cls(transport)

    @classmethod
    def over_http(cls, port: int, *, timeout_seconds: float = 60) -> "Visitor":
        """Visit a server on the loopback."""

        def transport(
            method: str, path: str, headers: Mapping[str, str], body: bytes
        ) -> Page:
            connection = http.client.HTTPConnection(
                "127.0.0.1", port, timeout=timeout_seconds
            )
            try:
                connection.request(method, path, body or None, dict(headers))
                answer = connection.getresponse()
                return page_of(answer.status, answer.getheaders(), answer.read())
            finally:
                connection.close()

        return cls(transport)

    def get(self, path: str, *, follow: bool = True) -> Page:
        """Ask for a page."""
        return self._request("GET", path, {}, b"", follow)

    def post(
        self,
        path: str,
        fields: Mapping[str, str] | Sequence[tuple[str, str]],
        *,
        follow: bool = True,
    ) -> Page:
        """Send a form; pairs let a field have several values."""
        body = urlencode(fields).encode("ascii")
        return self._request("POST", path, {"Content-Type": FORM_TYPE}, body, follow)

    def upload(
        self,
        path: str,
        fields: Mapping[str, str],
        files: Sequence[Upload],
        *,
        follow: bool = True,
    ) -> Page:
        """Send a form with files, its fields first."""
        content_type, body = multipart(fields, files)
        return self._request("POST", path, {"Content-Type": content_type}, body, follow)

    def raw(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Page:
        """Send exactly these bytes."""
        return self._request(method, path, headers, body, follow=False)

    def _request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        follow: bool,
    ) -> Page:
        sent = dict(headers)
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        page = self._transport(method, path, sent, body)
        for name, value in re.findall(
            r"^([^=]+)=([^;]*)", page.headers.get("set-cookie", ""), re.M
        ):
            self.cookies[name] = value
        if follow and page.status in (302, 303):
            return self._request("GET", page.location, {}, b"", follow)
        return page

    # What a reporter does.

    def draw_codename(self) -> str:
        """Go from the first page to the form; return the codename."""
        start = self.get("/report/start")
        self.post("/report/start", start.hidden("/report/start"))
        shown = self.get("/report/codename").text
        found = re.search(r'class="line">([^<]+)<', shown)
        assert found
        codename = found[1]
        retype = self.get("/report/retype")
        positions = re.findall(r"Kata nomor (\d)", retype.text)[-2:]
        words = codename.split()
        self.post(
            "/report/retype",
            {
                **retype.hidden("/report/retype"),
                "first_word": words[int(positions[0]) - 1],
                "second_word": words[int(positions[1]) - 1],
            },
        )
        return codename

    def send_report(self, **answers: str) -> Page:
        """
        Fill in the report's form and send it, past its check.

        Without the steps in between: a form is the same wherever it is sent from.
        """
        form = self.get("/report/write").hidden("/report/write")
        content = {"title": "Judul uji", "what": "Peristiwa uji", **answers}
        content["go"] = "send"
        return self.post("/report/write", {**form, **content})

    def sign_in(self, codename: str) -> Page:
        """Come back with a codename."""
        form = self.get("/case/sign-in").hidden("/case/sign-in")
        return self.post("/case/sign-in", {**form, "codename": codename})

    def send_message(self, text: str) -> Page:
        """Send a message from the case page."""
        form = self.get("/case/").hidden("/case/message")
        return self.post("/case/message", {**form, "text": text, "go": "as-it-is"})

    def send_files(self, *files: Upload) -> Page:
        """Send attachments from the case page."""
        form = self.get("/case/").hidden("/case/files")
        return self.upload("/case/files", form, files)

    def press(self, action: str) -> Page:
        """Press a button of the case page that needs no words."""
        return self.post(action, self.get("/case/").hidden(action))


def multipart(
    fields: Mapping[str, str], files: Sequence[Upload], *, name: str = "files"
) -> tuple[str, bytes]:
    """Write a multipart form as a browser does; return its type and body."""
    boundary = f"----boundary{secrets.token_hex(8)}"
    pieces = []
    for key, value in fields.items():
        pieces.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"'
            f"\r\n\r\n{value}\r\n".encode()
        )
    for file in files:
        file_name = file.name.replace('"', "%22").encode("utf-8", "surrogateescape")
        pieces += [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; '
            'filename="'.encode(),
            file_name,
            b'"\r\nContent-Type: application/octet-stream\r\n\r\n',
            file.content,
            b"\r\n",
        ]
    pieces.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(pieces)


def page_of(status: int, headers: Sequence[tuple[str, str]], body: bytes) -> Page:
    """Make a page of what came over a wire."""
    # Several cookies come as several headers; one a line keeps them apart.
    merged: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        merged[key] = f"{merged[key]}\n{value}" if key in merged else value
    return Page(status, merged, body)
