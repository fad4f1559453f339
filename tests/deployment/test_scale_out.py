"""
Two databases on machines of their own: who gets in, and what is left when one dies.

The tests tell one story, and follow one another.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.lab.container import Container
from support.lab.databases import CERTIFICATES, Databases, running_databases, soon
from support.server import Service, made_service

pytestmark = [
    pytest.mark.deployment,
    pytest.mark.slow,
    pytest.mark.postgres,
]

ACKNOWLEDGED = "sudah kami terima"
# The idle connection of stunnel ends in 120 seconds at most.
HONEST_SECONDS = 130.0
BOTH_DISKS = "reports are acknowledged when they are on both disks"
LOG = "/var/lib/postgresql/15/main/pg_wal"


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    """A primary, a replica and a web machine."""
    with running_databases() as running:
        yield running


@pytest.fixture(scope="module")
def service(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The reporters' site on these databases."""
    base = tmp_path_factory.mktemp("scale-out")
    with made_service(base, database=databases.url) as made:
        made.start()
        yield made


def test_a_second_run_changes_nothing(databases: Databases) -> None:
    """The playbook leaves both databases and the way to them as they are."""
    again = databases.play()
    assert {"first": (), "second": (), "web": ()} == {
        name: recap.changed_tasks for name, recap in again.items()
    }
    assert 0 == sum(recap.changed for recap in again.values())


def test_each_machine_is_what_it_should_be(databases: Databases) -> None:
    """One is the primary, the other follows, and reports wait for both disks."""
    assert BOTH_DISKS in databases.first.run("bisik-database status")
    assert "second is the replica, first is the primary" in databases.second.run(
        "bisik-database status"
    )
    assert "second|quorum" == databases.query(
        databases.first,
        "SELECT application_name, sync_state FROM pg_stat_replication",
    )


def test_only_a_machine_with_its_certificate_gets_in(
    databases: Databases, tmp_path: Path
) -> None:
    """
    With no certificate, another's, a self-made one, as another user, from another
    place, without TLS or with an older one: PostgreSQL refuses.
    """
    root = Path(f"/proc/{databases.web.leader}/root{CERTIFICATES}")
    for name in ("machine.key", "machine.crt", "authority.crt"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
        (tmp_path / name).chmod(0o600)
    made = "openssl req -x509 -nodes -newkey rsa:2048 -subj /CN=web -days 2"
    databases.web.run(f"cd /root && {made} -keyout made.key -out made.crt")
    for name in ("made.key", "made.crt"):
        (tmp_path / name).write_text(databases.web.run(f"cat /root/{name}"))
        (tmp_path / name).chmod(0o600)
    trust = f"sslmode=verify-full sslrootcert={tmp_path}/authority.crt"
    own = f"{trust} sslcert={tmp_path}/machine.crt sslkey={tmp_path}/machine.key"
    made_up = f"{trust} sslcert={tmp_path}/made.crt sslkey={tmp_path}/made.key"
    none = f"{trust} sslcert={tmp_path}/none sslkey={tmp_path}/none"
    bisik = "user=bisik dbname=bisik"
    web = databases.web

    assert "1\n" == databases.knock(f"{own} {bisik}", machine=web)
    assert "requires a valid client certificate" in databases.knock(
        f"{none} {bisik}", machine=web
    )
    assert "tlsv1 alert unknown ca" in databases.knock(
        f"{made_up} {bisik}", machine=web
    )
    assert "no encryption" in databases.knock(f"sslmode=disable {bisik}", machine=web)
    assert "protocol version" in databases.knock(
        f"{own} ssl_max_protocol_version=TLSv1.2 {bisik}", machine=web
    )
    for user in ("postgres", "repmgr"):
        assert "pg_hba.conf rejects" in databases.knock(
            f"{own} user={user} dbname=bisik", machine=web
        )
    assert "pg_hba.conf rejects" in databases.knock(
        f"{own} user=repmgr dbname=repmgr", machine=web
    )
    assert "pg_hba.conf rejects" in databases.knock(f"{own} {bisik}")
    # A database has a certificate, too, and is no web machine.
    stolen = databases.second.run("cat /etc/postgresql/bisik/machine.key")
    (tmp_path / "machine.key").write_text(stolen)
    other = databases.second.run("cat /etc/postgresql/bisik/machine.crt")
    (tmp_path / "machine.crt").write_text(other)
    assert "certificate authentication failed" in databases.knock(
        f"{own} {bisik}", machine=web
    )


def test_the_sockets_are_for_the_service_alone(databases: Databases) -> None:
    """Who is not in the service's group gets to no socket, and nobody to the key."""
    web = databases.web
    folders = "/run/bisik-database /run/bisik-database/1 /run/bisik-database/2"
    assert (
        3 * ["bisik-database bisik 750"]
        == web.run(f"stat --format '%U %G %a' {folders}").splitlines()
    )
    assert (
        "root root 600"
        == web.run(f"stat --format '%U %G %a' {CERTIFICATES}/machine.key").strip()
    )
    # 1.1 of 10: what it has is a network, to two addresses.
    web.run("systemd-analyze security --threshold=11 bisik-database.service")


def test_the_log_is_kept_short(databases: Databases, service: Service) -> None:
    """
    What was overwritten is in PostgreSQL's log no more, nor is the second at which it
    came, on either machine.
    """
    visitor = service.visitor()
    visitor.draw_codename()
    assert ACKNOWLEDGED in visitor.send_report().text
    commits = (
        f"cd {LOG}; for log in 0*; do"
        " runuser --user=postgres -- /usr/lib/postgresql/15/bin/pg_waldump"
        " --rmgr=Transaction $log 2>/dev/null; done | grep -c COMMIT || true"
    )
    machines = (databases.first, databases.second)
    assert all(0 < int(machine.run(commits)) for machine in machines)

    def nothing_is_left() -> bool:
        for machine in machines:
            machine.run("systemctl start bisik-database-forget.service")
        return ["0", "0"] == [machine.run(commits).strip() for machine in machines]

    # What the replica throws away follows what the primary has said.
    assert soon(nothing_is_left)


def test_nothing_is_taken_while_the_replica_is_away(
    databases: Databases, service: Service
) -> None:
    """
    Without the replica, a report is refused and nothing stored; when it is back, the
    same form is taken.
    """
    visitor = service.visitor()
    visitor.draw_codename()
    before = service.counts()
    databases.second.kill()
    statement = "SELECT count(*) FROM pg_stat_replication"
    assert soon(lambda: "0" == databases.query(databases.first, statement))
    assert 503 == visitor.send_report().status
    assert before == service.counts()

    databases.second.boot()
    assert soon(lambda: "1" == databases.query(databases.first, statement))
    assert ACKNOWLEDGED in visitor.send_report().text
    assert before[0] + 1 == service.counts()[0]


def test_an_operator_may_say_that_one_disk_must_do(
    databases: Databases, service: Service
) -> None:
    """
    While the replica is away, an operator lets the primary go on alone, in so many
    words: reports are taken, and `status` says where they are.  When the replica is
    back, it is told to wait for both disks again.
    """
    first, second = databases.first, databases.second
    visitor = service.visitor()
    visitor.draw_codename()
    second.kill()
    assert soon(lambda: "no report is taken" in _status(first))
    assert 503 == visitor.send_report().status
    refused = first.tried("bisik-database without-replica")
    assert "nobody has said that second is off" in refused.stderr
    assert 503 == visitor.send_report().status

    first.run("bisik-database without-replica --the-other-is-off")
    assert ACKNOWLEDGED in visitor.send_report().text
    said = _status(first)
    assert "second does not answer" in said
    assert "when they are on one disk, this one" in said
    assert "second does not follow" in first.tried("bisik-database with-replica").stderr

    second.boot()
    assert soon(lambda: "see bisik-database with-replica" in _status(first))
    first.run("bisik-database with-replica")
    assert BOTH_DISKS in first.run("bisik-database status")
    assert_the_same_on_both(databases, service)


def test_one_machine_of_two_comes_back(databases: Databases, service: Service) -> None:
    """
    Both lose their power, and the primary comes back alone: it does not start, as it
    cannot know.  Told that the other one is off, it does, and takes reports.
    """
    first, second = databases.first, databases.second
    first.kill()
    second.kill()
    first.boot()
    assert "first is silent, second is silent" in _status(first)

    said = first.run("bisik-database without-replica --the-other-is-off")
    assert "first goes on alone" in said
    visitor = service.visitor(timeout_seconds=HONEST_SECONDS)
    visitor.draw_codename()
    assert ACKNOWLEDGED in visitor.send_report().text

    second.boot()
    assert soon(lambda: "see bisik-database with-replica" in _status(first))
    first.run("bisik-database with-replica")
    assert_the_same_on_both(databases, service)


def test_the_replica_takes_over(databases: Databases, service: Service) -> None:
    """
    The primary loses its power right after a report was acknowledged.  The site refuses
    until the replica is promoted, then goes on without having been restarted: the
    report is there, and a new one is taken.
    """
    visitor = service.visitor(timeout_seconds=HONEST_SECONDS)
    codename = visitor.draw_codename()
    assert ACKNOWLEDGED in visitor.send_report(title="Sebelum listrik padam").text
    databases.first.kill()

    # Somebody who comes in the very second, and waits for an honest answer.
    with ThreadPoolExecutor() as elsewhere:
        early = service.visitor(timeout_seconds=HONEST_SECONDS)
        answer = elsewhere.submit(early.get, "/report/start")
        refused = databases.second.tried("bisik-database promote")
        assert "--the-other-is-off" in refused.stderr
        databases.second.run("bisik-database promote --the-other-is-off")
        assert answer.result().status in (200, 503)

    later = service.visitor(timeout_seconds=HONEST_SECONDS)
    assert "Sebelum listrik padam" in later.sign_in(codename).text
    again = service.visitor()
    again.draw_codename()
    assert ACKNOWLEDGED in again.send_report().text


def test_the_old_primary_comes_back_as_the_replica(
    databases: Databases, service: Service
) -> None:
    """
    Switched on again, it does not start as a second primary; told to rejoin, it follows
    the new one, and reports wait for both disks again.
    """
    first, second = databases.first, databases.second
    first.boot()
    log = "journalctl --unit=postgresql@15-main --output=cat"
    assert soon(lambda: "The other machine is the primary by now" in first.run(log))
    assert "f" == databases.query(second, "SELECT pg_is_in_recovery()")
    assert "inactive" not in second.run("systemctl is-active postgresql@15-main")

    # What was written before both parted is in nobody's log any more, but for what is
    # kept for the machine that was away.
    for _ in range(2):
        second.run("systemctl start bisik-database-forget.service")
    # With a TMPDIR of root's own, as hardened machines have it.
    first.run("install --directory --mode=700 /tmp/user/0")
    said = first.run("TMPDIR=/tmp/user/0 bisik-database rejoin")
    assert "first is the replica of second now.\n" == said
    assert BOTH_DISKS in second.run("bisik-database status")
    assert_the_same_on_both(databases, service)


@pytest.mark.parametrize("missing", ["here", "there"])
def test_a_machine_that_cannot_be_rewound_is_copied_anew(
    databases: Databases, service: Service, missing: str
) -> None:
    """
    The log that the old primary would have to be rewound by is gone, on its own disk
    or on the new primary's.  `rejoin` says so, copies everything, and it follows.
    """
    before = databases.second if missing == "here" else databases.first
    after = databases.first if missing == "here" else databases.second
    before.kill()
    after.run("bisik-database promote --the-other-is-off")
    before.boot()
    if missing == "here":
        before.run(f"rm {LOG}/0*")
    else:
        lose_log(databases, after)

    said = before.run("bisik-database rejoin")

    assert "everything is copied anew" in said
    assert f"{before.name} is the replica of {after.name} now." in said
    assert BOTH_DISKS in after.run("bisik-database status")
    assert_the_same_on_both(databases, service)


def test_a_replica_that_nobody_kept_the_log_for_is_copied_anew(
    databases: Databases, service: Service
) -> None:
    """
    A replica starts, and asks in vain for a log that is gone.  `rejoin` waits for it,
    not for ever, copies everything, and it follows.
    """
    first, second = databases.first, databases.second
    first.kill()
    second.run("bisik-database without-replica --the-other-is-off")
    lose_log(databases, second)
    # As if it were there, which cannot be told beforehand.
    databases.query(
        second, "SELECT pg_create_physical_replication_slot('repmgr_slot_1', true)"
    )
    first.boot()
    assert soon(lambda: "first does not follow" in _status(second))

    said = first.run("bisik-database rejoin")

    assert "everything is copied anew" in said
    assert BOTH_DISKS in second.run("bisik-database status")
    assert_the_same_on_both(databases, service)


def test_both_change_places(databases: Databases, service: Service) -> None:
    """
    On purpose, without a crash: nothing is copied, and the former primary keeps no log
    any more for the machine that followed it.
    """
    first, second = databases.first, databases.second
    second.run("systemctl stop postgresql@15-main")
    first.run("bisik-database promote --the-other-is-off")

    said = second.run("bisik-database rejoin")

    assert "second is the replica of first now.\n" == said
    assert BOTH_DISKS in first.run("bisik-database status")
    slots = "SELECT slot_name, active FROM pg_replication_slots"
    assert "repmgr_slot_2|t" == databases.query(first, slots)
    assert not databases.query(second, slots)
    assert_the_same_on_both(databases, service)


def lose_log(databases: Databases, primary: Container) -> None:
    """Let a primary keep no log for the other machine, and forget what it has."""
    # It is in use until the primary has noticed that the other one is away.
    used = "SELECT count(*) FROM pg_replication_slots WHERE active"
    assert soon(lambda: "0" == databases.query(primary, used))
    drop = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
    databases.query(primary, drop)
    for _ in range(2):
        databases.query(primary, "SELECT pg_switch_wal()")
        primary.run("systemctl start bisik-database-forget.service")


def assert_the_same_on_both(databases: Databases, service: Service) -> None:
    """Make sure that a new report is on both disks, and all others are, too."""
    visitor = service.visitor(timeout_seconds=HONEST_SECONDS)
    visitor.draw_codename()
    assert ACKNOWLEDGED in visitor.send_report().text
    items = str(service.counts()[0])
    statement = "SELECT count(*) FROM intake"
    machines = (databases.first, databases.second)
    assert soon(lambda: {items} == {databases.query(it, statement) for it in machines})


def _status(machine: Container) -> str:
    return machine.tried("bisik-database status").stdout
