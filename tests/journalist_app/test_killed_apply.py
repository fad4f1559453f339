"""
The server's applying of an outbox, killed before and after everything that it writes.

    one outbox, applied once to learn what is written --> for each point:
        the database as it was --> apply, killed there --> all or nothing --> again

The points are the statements of the program itself, as SQLAlchemy reports them.
"""

import io
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, event
from support.deaddrop_samples import read_everything
from support.office import (
    DATABASE,
    NAMES,
    Office,
    OfficeTemplate,
    open_drop,
    running_office,
)
from support.postgres import running_postgres
from support.reporters import DAY, Reporter

from casework.item import ItemKind
from casework.journal import Noted
from casework.outbox import read_outbox
from casework.reply import ReplyKind
from deaddrop import DeadDrop
from journalist_app.courier.outboxes import apply_outbox
from journalist_app.workstation.acting import act
from journalist_app.workstation.names import case_name
from journalist_app.workstation.replying import Draft, write_reply

ANI, BUDI, _CITRA = NAMES
WRITING = ("INSERT", "UPDATE", "DELETE")
TABLES = ("intake", "intake_chunk", "holding", "outbox_applied", "officer")


@dataclass(frozen=True)
class Databases:
    """How to have as many databases as there are points, all with the same content."""

    first: str
    copied: Callable[[], str]


@pytest.fixture(params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    """A database for the office, and copies of it, on both kinds."""
    numbers = count(1)
    if request.param == "sqlite":

        def copied() -> str:
            path = tmp_path / f"copy-{next(numbers)}.sqlite"
            shutil.copy(tmp_path / DATABASE, path)
            return f"sqlite:///{path}"

        yield Databases(f"sqlite:///{tmp_path / DATABASE}", copied)
        return
    with running_postgres() as server:
        yield Databases(
            server.create_database("office"),
            lambda: server.create_database(f"copy{next(numbers)}", template="office"),
        )


@dataclass(frozen=True)
class Waiting:
    """An outbox that a server does not have yet."""

    office: Office
    outbox: bytes
    slots: tuple[bytes, ...]
    known_dummies: bytes

    def forget_dummies(self) -> None:
        """Let the server know the dummies that it knew first."""
        (self.office.path / "known-dummies").write_bytes(self.known_dummies)


def waiting_outbox(office: Office) -> Waiting:
    """Let a desk write something of every kind that an outbox has."""
    reporter = Reporter("pelapor")
    office.send(reporter.write(), to=(ANI, BUDI))
    office.exchange()
    office.send(reporter.write(ItemKind.MESSAGE, message="Ada lagi."), to=(ANI, BUDI))
    office.fetch(BUDI)
    office.bring(BUDI)
    office.fetch(ANI)
    name = case_name(reporter.keys.case_id)
    draft = Draft(ReplyKind.ANSWER, "Jawaban.")
    write_reply(office.desks[ANI], name, draft, today=DAY)
    act(office.desks[ANI], name, Noted(text="Catatan."), today=DAY)
    outbox = office.outbox_of(ANI)
    assert outbox is not None
    slots = read_outbox(io.BytesIO(outbox), lambda *_: None).slots()
    known = office.path / "known-dummies"
    return Waiting(office, outbox, tuple(name for name, _ in slots), known.read_bytes())


def apply_apart(
    waiting: Waiting, url: str, *, stop_at: int | None, points: Path
) -> bool:
    """
    Apply the outbox in a process of its own; tell whether it was killed.

    Args:
        waiting: What to apply.

        url: Of the database.

        stop_at: The point at which it kills itself; None to go through.

        points: Where it writes the names of the points that it has passed.
    """
    waiting.forget_dummies()
    process = os.fork()
    if process == 0:
        try:
            _apply_watched(waiting, url, stop_at, points)
        finally:
            os._exit(0)
    _process, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def _apply_watched(
    waiting: Waiting, url: str, stop_at: int | None, points: Path
) -> None:
    passed: list[str] = []

    def pass_point(name: str) -> None:
        if len(passed) == stop_at:
            os.kill(os.getpid(), signal.SIGKILL)
        passed.append(name)

    with closing(open_drop(waiting.office.path, url)) as drop:

        @event.listens_for(Engine, "before_cursor_execute")
        def before(*arguments: object) -> None:
            if (statement := str(arguments[2])).startswith(WRITING):
                pass_point("before " + " ".join(statement.split()[:3]))

        @event.listens_for(Engine, "after_cursor_execute")
        def after(*arguments: object) -> None:
            if (statement := str(arguments[2])).startswith(WRITING):
                pass_point("after " + " ".join(statement.split()[:3]))

        @event.listens_for(Engine, "commit")
        def commit(_connection: object) -> None:
            pass_point("before COMMIT")

        apply_outbox(
            drop,
            waiting.office.keyring,
            io.BytesIO(waiting.outbox),
            today=DAY,
            release_day=None,
        )
        pass_point("applied")
    points.write_text("\n".join(passed), encoding="utf-8")


def rows_of(drop: DeadDrop) -> dict[str, list[tuple[object, ...]]]:
    """Return what an outbox changes, but for the mailbox, where dummies come and go."""
    everything = read_everything(drop)
    return {table: everything[table] for table in TABLES}


@pytest.mark.slow
def test_an_apply_that_is_killed_anywhere_is_all_or_nothing(
    office_template: OfficeTemplate, tmp_path: Path, databases: Databases
) -> None:
    """
    Before its commit nothing of it is there, behind it all; and it comes again.
    """
    points = tmp_path / "points"
    with running_office(
        tmp_path, office_template, ANI, BUDI, url=databases.first
    ) as office:
        waiting = waiting_outbox(office)
        before = rows_of(office.drop)
        office.drop.close()
        assert not apply_apart(waiting, databases.copied(), stop_at=None, points=points)
        names = points.read_text(encoding="utf-8").splitlines()
        # Slots, holdings, what all hold now, parcels, and the outbox's own number.
        for table in ("mailbox", "holding", "intake", "outbox_applied"):
            assert [name for name in names if table in name]
        assert "applied" == names[-1]
        committed = max(n for n, name in enumerate(names) if name == "before COMMIT")

        for number in range(len(names)):
            url = databases.copied()
            assert apply_apart(waiting, url, stop_at=number, points=points)
            with closing(open_drop(tmp_path, url)) as drop:
                whole = number > committed
                assert whole == (before != rows_of(drop)), names[number]
                stored = drop.mailbox.fetch(list(waiting.slots))
                assert (len(waiting.slots) if whole else 0) == len(stored)
                again = apply_outbox(
                    drop,
                    office.keyring,
                    io.BytesIO(waiting.outbox),
                    today=DAY,
                    release_day=None,
                )
                assert whole == again.applied.already_applied
                stored = drop.mailbox.fetch(list(waiting.slots))
                assert len(waiting.slots) == len(stored)
