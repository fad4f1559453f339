"""The `bisik` command, called as a person does, on the folders of one test."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner, Result
from support.reporters import DAY

from crypto.fingerprint import Fingerprint, parse_fingerprint
from journalist_app.workstation.desk import read_record
from ops.cli import cli
from ops.commands.introducing import read_enrolment
from ops.edge import Edge
from ops.newcomer import OFFICER
from ops.organisation import certify_enrolment

NOON = datetime(DAY.year, DAY.month, DAY.day, 5, tzinfo=UTC).timestamp()
DAY_SECONDS = 24 * 60 * 60


@dataclass(frozen=True)
class World:
    """Folders of one test, and the command to work on them."""

    path: Path
    edge: Edge

    @property
    def server(self) -> Path:
        """The server directory."""
        return self.path / "server"

    @property
    def desk(self) -> Path:
        """The desk of the one officer."""
        return self.path / "desk"

    @property
    def organisation(self) -> Path:
        """The organisation's key."""
        return self.path / "organisation"

    @property
    def officer(self) -> str:
        """The officer's name."""
        return OFFICER

    @property
    def fingerprint(self) -> Fingerprint:
        """Of the officer's key."""
        return parse_fingerprint(read_record(self.desk).fingerprint)

    def at(self, days: int) -> "World":
        """Return the same folders, some days later."""
        later = self.edge.now() + days * DAY_SECONDS
        return World(self.path, replace(self.edge, now=lambda: later))

    def bisik(
        self,
        *arguments: object,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run the command and return what came of it."""
        folders = {
            "BISIK_DIRECTORY": str(self.server),
            "BISIK_DESK": str(self.desk),
        }
        result = CliRunner().invoke(
            cli,
            [str(argument) for argument in arguments],
            obj=self.edge,
            input=stdin,
            env={**folders, **(env or {})},
        )
        # Whatever happens, nobody at a terminal is shown a traceback.
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        return result

    def done(self, *arguments: object, stdin: str = "") -> str:
        """Run the command, which must succeed, and return what it said."""
        result = self.bisik(*arguments, stdin=stdin)
        assert 0 == result.exit_code, result.output
        return result.stdout

    def refused(self, *arguments: object, stdin: str = "") -> str:
        """Run the command, which must refuse, and return its error."""
        result = self.bisik(*arguments, stdin=stdin)
        assert 1 == result.exit_code, result.output
        lines = result.stderr.splitlines()
        assert lines[0].startswith("bisik: error: "), lines
        assert all(line.startswith("bisik: hint: ") for line in lines[1:]), lines
        return result.stderr

    def certify(self, enrolment: Path, to: Path) -> None:
        """Certify an enrolment, as its keeper would."""
        introduced = read_enrolment(enrolment)
        desk = read_record(enrolment.parent)
        certified = certify_enrolment(
            self.organisation,
            introduced,
            fingerprint_read_out=parse_fingerprint(desk.fingerprint),
            passphrase=None,
            today=DAY,
        )
        to.write_bytes(certified.to_json())
