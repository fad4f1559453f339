"""What the site does for a reporter, without its pages."""

from pathlib import Path

from support.reporters import DAY, REPORT

from casework import history
from casework.history import Sent
from casework.item import ItemKind, ItemWriter
from crypto.keys import ReporterKeys
from ops.edge import Edge
from ops.server import open_server
from source_app.answers import collect_answers
from source_app.reporting import Cases, OpenState


def send(
    directory: Path,
    edge: Edge,
    keys: ReporterKeys,
    *,
    token: str,
    message: str | None = None,
    kind: ItemKind | None = None,
    files: tuple[tuple[str, bytes], ...] = (),
) -> None:
    """Send a report, or a message if there is one, by way of a server directory."""
    kind = kind or (ItemKind.REPORT if message is None else ItemKind.MESSAGE)

    def fill(writer: ItemWriter, opened: OpenState) -> Sent:
        if message is None:
            writer.add_report(REPORT)
        else:
            writer.add_message(message)
        sent = tuple(writer.add_file(*file) for file in files)
        return Sent(
            kind=kind,
            day=DAY,
            sequence=history.next_sequence(opened.state),
            title=REPORT.title,
            text=message or REPORT.what,
            files=sent,
        )

    with open_server(directory, edge) as server:
        cases = Cases(
            drop=server.drop,
            keyring=server.keyring,
            profile=server.profile,
            calendar=server.calendar,
            spool_directory=server.spool_directory,
            follow=lambda: server.synchronise(edge),
        )
        cases.accept(keys, kind=kind, day=DAY, language="id", token=token, fill=fill)


def answers(directory: Path, edge: Edge, keys: ReporterKeys) -> list[str]:
    """Return the texts of the answers a reporter finds."""
    with open_server(directory, edge) as server:
        found = collect_answers(server.drop, keys, {}).found
    return [answer.reply.letter.text for answer in found]
