"""One release takes over from another: in order, or not at all, wherever it is cut."""

import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from support.upgrading import Premises

from ops.database_copy import Undecided, refuse_undecided
from ops.host import AlteredRelease, ProgramFailed
from ops.in_use import BeingUpgraded, StillInUse, in_use
from ops.releases import UnknownRelease
from ops.server import SETTINGS
from ops.upgrade import (
    COURIER,
    SITE,
    OneWayOnly,
    UpgradeFailed,
    UpgradeTakenBack,
    UpgradeUndone,
    recover,
)
from ops.upgrade_record import RECORD, MalformedUpgradeRecord, Phase, UpgradeRecord

BEFORE, AFTER = "1.0", "1.1"
REPORTS = 50
STEPS = ["verify", "back up", "stop", "copy", "migrate", "try", "open", "start", "look"]
CHANGES = {
    "os.remove",
    "os.rename",
    "os.symlink",
    "sqlite3.connect",
    "subprocess.Popen",
}
"""What Python says of itself before it does it (sys.addaudithook)."""


@pytest.fixture
def premises(tmp_path: Path) -> Premises:
    """A machine with a dead drop, on which 1.0 counts and 1.1 is installed."""
    made = Premises(tmp_path, tmp_path / "server")
    made.prepare()
    made.server.mkdir(mode=0o700)
    (made.server / SETTINGS).write_text("version = 1\n")
    with closing(sqlite3.connect(made.database)) as database, database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE report (number INTEGER PRIMARY KEY)")
        database.executemany(
            "INSERT INTO report VALUES (?)", [(number,) for number in range(REPORTS)]
        )
    made.install_stand_in(BEFORE, known=["1"], reader="1")
    made.install_stand_in(AFTER, known=["1", "2"], reader="1")
    made.releases.switch(BEFORE)
    return made


def reports(premises: Premises) -> tuple[list[int], bool]:
    """Return the reports that are there, and whether the table is the new one."""
    with closing(sqlite3.connect(premises.database)) as database:
        assert [("ok",)] == database.execute("PRAGMA integrity_check").fetchall()
        numbers = [n for (n,) in database.execute("SELECT number FROM report")]
        columns = [row[1] for row in database.execute("PRAGMA table_info(report)")]
    return sorted(numbers), "wide" in columns


def assert_at_one_end(premises: Premises) -> bool:
    """Make sure that nothing is half done; return whether the new release counts."""
    counts = premises.releases.current()
    assert counts in {BEFORE, AFTER}
    assert (list(range(REPORTS)), counts == AFTER) == reports(premises)
    assert not (premises.releases.root / RECORD).exists()
    refuse_undecided(premises.database)
    assert {"deaddrop.db", SETTINGS, "upgrade.lock"} >= {
        path.name for path in premises.server.iterdir()
    }
    return counts == AFTER


def test_a_release_takes_over_step_by_step(premises: Premises) -> None:
    """
    The steps come in their order, the tables are the new ones, and all reports stay.
    """
    told: list[str] = []

    done = premises.upgrade(tell=told.append, backup=("backup", "make")).activate(AFTER)

    assert done
    assert STEPS == told
    assert [
        f"stop {SITE} {COURIER}",
        "daemon-reload",
        f"reset-failed {SITE} {COURIER}",
        f"start {SITE} {COURIER}",
    ] == premises.asked()
    assert assert_at_one_end(premises)


def test_a_release_that_counts_already_changes_nothing(premises: Premises) -> None:
    """
    Whoever is not sure may ask once more: no site stops for it.
    """
    assert not premises.upgrade().activate(BEFORE)

    assert [] == premises.asked()
    assert not assert_at_one_end(premises)


def test_the_first_release_needs_no_server_directory(tmp_path: Path) -> None:
    """
    Before there is anything to serve, a release is verified, and counts.
    """
    premises = Premises(tmp_path, tmp_path / "server")
    premises.prepare()
    premises.install_stand_in(AFTER, known=["1"], reader="1")

    assert premises.upgrade(backup=("backup", "make")).activate(AFTER)

    assert AFTER == premises.releases.current()
    assert not premises.server.exists()


def test_releases_are_listed_by_number(premises: Premises) -> None:
    """
    0.10 is later than 0.9, and what is half installed is no release.
    """
    for version in ("0.10", "0.9"):
        premises.install_stand_in(version, known=[], reader="")
    (premises.releases.root / "releases/2.0/lib").mkdir(parents=True)

    assert ["0.9", "0.10", BEFORE, AFTER] == premises.releases.list()


@pytest.mark.parametrize("fails", ["migrate", "try"])
def test_a_release_that_fails_leaves_everything_as_it_was(
    premises: Premises, fails: str
) -> None:
    """
    A failed migration or trial is told, the copy is put back, the old release serves.
    """
    premises.install_stand_in(AFTER, known=["1", "2"], reader="2", fails=(fails,))

    with pytest.raises(
        UpgradeUndone, match=r"want it so; nothing has changed, and 1\.0"
    ):
        premises.upgrade().activate(AFTER)

    assert not assert_at_one_end(premises)
    assert [COURIER, SITE] == premises.running()


def test_a_release_that_does_not_start_is_taken_back(premises: Premises) -> None:
    """
    After the opening only the code goes back: the database stays as it is.
    """
    (premises.services / f"start-fails-with-{AFTER}").touch()

    with pytest.raises(UpgradeTakenBack, match=r"1\.0 serves again, and nothing"):
        premises.upgrade().activate(AFTER)

    assert BEFORE == premises.releases.current()
    assert (list(range(REPORTS)), True) == reports(premises)
    assert not (premises.releases.root / RECORD).exists()
    assert [COURIER, SITE] == premises.running()


def test_a_release_that_nobody_can_replace_stays(premises: Premises) -> None:
    """
    If the release before cannot work with the tables, the new one stays, as told.
    """
    premises.install_stand_in(AFTER, known=["1", "2"], reader="2")
    (premises.services / f"start-fails-with-{AFTER}").touch()

    with pytest.raises(UpgradeFailed, match=r"1\.1 stays"):
        premises.upgrade().activate(AFTER)

    assert assert_at_one_end(premises)


def test_without_a_backup_nothing_is_stopped(premises: Premises) -> None:
    """
    If the sealed backup fails, the upgrade does not begin.
    """
    premises.install_stand_in(BEFORE, known=["1"], reader="1", fails=("backup",))

    with pytest.raises(ProgramFailed, match="bisik backup make failed"):
        premises.upgrade(backup=("backup", "make")).activate(AFTER)

    assert [] == premises.asked()
    assert not assert_at_one_end(premises)


def test_an_altered_release_is_refused(premises: Premises) -> None:
    """
    What dpkg says of the package's files is said, and nothing is stopped.
    """
    (premises.services / "altered").write_text("??5??????   /opt/bisik/x\n")

    with pytest.raises(AlteredRelease, match=r"not as it was packaged: .*/opt/bisik/x"):
        premises.upgrade().activate(AFTER)

    assert [] == premises.asked()
    assert not assert_at_one_end(premises)


@pytest.mark.parametrize("version", ["9.9", "../releases/1.1", ""])
def test_an_unknown_release_is_refused(premises: Premises, version: str) -> None:
    """
    A name that is no installed version is refused before anything is stopped.
    """
    with pytest.raises(UnknownRelease):
        premises.upgrade().activate(version)

    assert [] == premises.asked()
    assert not assert_at_one_end(premises)


def test_what_cannot_be_undone_is_refused(premises: Premises) -> None:
    """
    On PostgreSQL, a release with whose tables the one before cannot work is refused.
    """
    (premises.server / SETTINGS).write_text(
        'version = 1\ndatabase = "postgresql://bisik@nowhere.invalid/bisik"\n'
    )
    premises.install_stand_in(AFTER, known=["1", "2"], reader="2")

    with pytest.raises(OneWayOnly, match=r"1\.0 cannot work with the tables of 1\.1"):
        premises.upgrade().activate(AFTER)

    assert [] == premises.asked()
    assert BEFORE == premises.releases.current()


def test_a_command_at_work_keeps_upgrades_away(
    premises: Premises, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    While somebody has the dead drop open, it is not changed under their hands.
    """
    monkeypatch.setattr("ops.upgrade._COMMANDS_SECONDS", 0.3)

    with in_use(premises.server), pytest.raises(UpgradeUndone, match="dead drop open"):
        premises.upgrade().activate(AFTER)

    assert not assert_at_one_end(premises)


def test_nobody_writes_while_it_is_open_which_database_counts(
    premises: Premises,
) -> None:
    """
    From the first change to the decision, whoever would open the dead drop is refused.
    """
    refused: dict[str, bool] = {}

    def try_to_use(step: str) -> None:
        try:
            with in_use(premises.server):
                refuse_undecided(premises.database)
            refused[step] = False
        except (BeingUpgraded, Undecided):
            refused[step] = True

    premises.upgrade(tell=try_to_use).activate(AFTER)

    assert {
        step: step in {"copy", "migrate", "try", "open"}
        for step in STEPS
        if step != "back up"
    } == refused


def test_two_upgrades_at_once(
    premises: Premises, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The second is refused, and the first goes on.
    """
    monkeypatch.setattr("ops.upgrade._OTHER_UPGRADES_SECONDS", 0.3)
    refused = []

    def once_more(step: str) -> None:
        if step == "migrate":
            with pytest.raises(StillInUse):
                premises.upgrade().activate(AFTER)
            refused.append(step)

    premises.upgrade(tell=once_more).activate(AFTER)

    assert ["migrate"] == refused
    assert assert_at_one_end(premises)


def _upgrade_until(premises: Premises, last: int) -> int:
    """
    Upgrade in a process that kills itself before its change number *last*.

    Returns:
        The signal that ended it; 0 if it came to its end.
    """
    child = os.fork()
    if child == 0:
        left = last

        def count(event: str, _arguments: object) -> None:
            nonlocal left
            if event in CHANGES:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        code = 1
        try:
            upgrade = premises.upgrade(backup=("backup", "make"))
            sys.addaudithook(count)
            upgrade.activate(AFTER)
            code = 0
        finally:
            os._exit(code)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


@pytest.mark.slow
def test_power_may_be_cut_anywhere(premises: Premises) -> None:
    """
    Killed before each of its changes in turn, an upgrade is brought to one of its ends,
    with every report; and the next attempt succeeds.
    """
    ends = []
    ended_by: int = signal.SIGKILL
    for last in range(1, 200):
        ended_by = _upgrade_until(premises, last)
        if not ended_by:
            break
        # The power is back: nobody but `recover` may do anything yet.
        recover(premises.releases)
        ends.append(assert_at_one_end(premises))
        if ends[-1]:
            _go_back(premises)

    assert signal.SIGKILL != ended_by
    assert assert_at_one_end(premises)
    # First it was undone, later finished, and never the one after the other.
    assert sorted(ends) == ends
    assert {False, True} == set(ends)


def _go_back(premises: Premises) -> None:
    with closing(sqlite3.connect(premises.database)) as database, database:
        database.execute("ALTER TABLE report DROP COLUMN wide")
    premises.releases.switch(BEFORE)


@pytest.mark.slow
def test_recovery_may_be_cut_anywhere(premises: Premises) -> None:
    """
    Putting the copy back, too, is killed before each of its changes, and done again.
    """
    premises.install_stand_in(AFTER, known=["1", "2"], reader="2", fails=("try",))
    cut = 0
    for last in range(1, 200):
        before = len(premises.asked())
        try:
            ended_by = _upgrade_until(premises, last)
        except AssertionError:
            # It was refused in the end, as it must be.
            break
        assert signal.SIGKILL == ended_by
        cut += 1
        for again in range(1, 3):
            child = os.fork()
            if child == 0:
                _recover_until(premises, again)
            os.waitpid(child, 0)
        recover(premises.releases)
        assert not assert_at_one_end(premises)
        assert len(premises.asked()) >= before

    assert cut > 10
    assert not assert_at_one_end(premises)


def _recover_until(premises: Premises, last: int) -> None:
    left = last

    def count(event: str, _arguments: object) -> None:
        nonlocal left
        if event in CHANGES:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        sys.addaudithook(count)
        recover(premises.releases)
    finally:
        os._exit(0)


def test_nothing_to_recover(premises: Premises) -> None:
    """
    Without an upgrade that was cut short, recovery looks and changes nothing.
    """
    assert recover(premises.releases) is None
    assert not assert_at_one_end(premises)


def test_a_decided_upgrade_is_finished(premises: Premises) -> None:
    """
    Cut short after the decision, the new release counts; no copy is put back.
    """
    premises.upgrade().activate(AFTER)
    record = UpgradeRecord(
        phase=Phase.OPENING, before=BEFORE, after=AFTER, directory=str(premises.server)
    )
    record.write(premises.releases.root)
    copy = premises.server / "deaddrop.db.before-upgrade"
    copy.write_bytes(b"what was before")
    premises.releases.switch(BEFORE)

    assert record == recover(premises.releases)

    assert assert_at_one_end(premises)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[" * 10_000,
        '{"version":2,"phase":"opening","before":null,"after":"1.1","directory":null}',
        '{"phase":"elsewhere","before":null,"after":"1.1","directory":null}',
        '{"phase":"opening","before":null,"after":"1.1","directory":"server"}',
    ],
)
def test_a_malformed_record_is_refused(premises: Premises, text: str) -> None:
    """
    What this software has not written is not acted upon.
    """
    (premises.releases.root / RECORD).write_text(text)

    with pytest.raises(MalformedUpgradeRecord):
        recover(premises.releases)

    assert BEFORE == premises.releases.current()
    assert text == (premises.releases.root / RECORD).read_text()
