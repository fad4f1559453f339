"""The server directory: whether it opens, and what is in it.  As its owner only."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from casework.errors import CaseworkError
from casework.notice import MalformedNotice
from crypto.errors import CryptoError
from crypto.lifetimes import Purpose, lifetime_of
from deaddrop import DeadDropError
from ops.acting import told_by_owner
from ops.doctor.daily import (
    WAITING_STEPS_WEEKS,
    arrived_before,
    judge_calendar,
    judge_mailbox,
    judge_notice,
    judge_record,
    judge_tidying,
    judge_waiting,
)
from ops.doctor.finding import Finding, Verdict, from_json, to_json
from ops.doctor.keys import KeyLife, judge_keys, judge_officers
from ops.doctor.posting import judge_recipients
from ops.doctor.storage import file_systems, judge_memory, judge_rooms
from ops.edge import Edge
from ops.errors import OpsError
from ops.noticing import read_notice
from ops.officer_keys import list_officers
from ops.server import Server, memory_of, open_server
from ops.tidying import tidied_on

EXTEND_ORGANISATION: Final = (
    "at the keeper's machine: bisik organisation extend; then: bisik organisation trust"
)


def examine_server_as_owner(directory: Path, edge: Edge) -> Sequence[Finding]:
    """
    Look at the server directory as its owner, while root stays root for the rest.

    Root that opened the dead drop itself would leave files of root's in it.
    """
    try:
        return from_json(
            told_by_owner(directory, lambda: to_json(examine_server(directory, edge)))
        )
    except OpsError as error:
        return [
            Finding(Verdict.BAD, "server directory", str(error), "look as its owner")
        ]


def examine_server(directory: Path, edge: Edge) -> Iterator[Finding]:
    """Look at the server directory: database, keys, calendar, disk."""
    yield from judge_rooms(file_systems(edge.machine, [directory]))
    try:
        with open_server(directory, edge) as server:
            yield Finding(Verdict.GOOD, "dead drop", "it opens")
            yield from _examine(server, edge)
    except (CaseworkError, CryptoError, DeadDropError, OpsError, OSError) as error:
        yield Finding(
            Verdict.BAD,
            "server directory",
            str(error) or type(error).__name__,
            "mend it, then look again; is this the user that the service runs as?",
        )


def _examine(server: Server, edge: Edge) -> Iterator[Finding]:
    today = server.today(edge)
    memory = memory_of(server.settings, edge)
    yield judge_memory(memory, edge.machine.room(memory))
    yield from judge_officers(
        list_officers(server.drop, server.keyring, today=today), today
    )
    yield from _organisation(server, today)
    yield from judge_recipients(server.directory, today)
    yield judge_calendar(server.calendar, today)
    yield _notice(server, today)
    yield judge_tidying(tidied_on(server.directory), today)
    yield from judge_waiting(_behind(server, today))
    records = server.drop.records
    yield judge_record(records.count(), records.first_fault())
    yield judge_mailbox(
        server.drop.mailbox.rows(), knows_dummies=server.drop.mailbox.knows_dummies()
    )


def _organisation(server: Server, today: date) -> Iterator[Finding]:
    fingerprint = server.keyring.organisation()
    if fingerprint is None:
        yield Finding(
            Verdict.BAD,
            "organisation",
            "this server does not know its key: nobody counts as an officer",
            "run: bisik organisation trust organisation.asc",
        )
        return
    listed = server.keyring.listed(fingerprint, today=today)
    life = lifetime_of(listed, Purpose.CERTIFYING, today)
    yield from judge_keys(
        "organisation",
        [KeyLife("the organisation's key", life.ends, life.unfit_because)],
        today=today,
        way_out=EXTEND_ORGANISATION,
    )


def _notice(server: Server, today: date) -> Finding:
    try:
        return judge_notice(read_notice(server.directory), today)
    except MalformedNotice as error:
        return Finding(Verdict.BAD, "notice", str(error), "run: bisik notice clear")


def _behind(server: Server, today: date) -> dict[int, tuple[str, ...]]:
    names = {officer.desk_id: officer.name for officer in server.drop.officers.list()}
    return {
        weeks: tuple(
            sorted(
                names[desk_id]
                for desk_id in server.drop.desks.waited_for(
                    arrived_through=arrived_before(today, weeks)
                )
                if desk_id in names
            )
        )
        for weeks in WAITING_STEPS_WEEKS
    }
