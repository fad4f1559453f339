"""The doctor on a server: one screen, the truth, and what to do."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from support.command import NOON, World
from support.deaddrop_samples import sealed_item
from support.machine import GIB, NO_SWAP, Debian, shown
from support.mail_server import certified
from support.reporters import DAY

from ops.doctor import Finding, Verdict, examine_machine, examine_server
from ops.doctor.certificates import examine_certificates
from ops.doctor.finding import from_json, to_json
from ops.doctor.units import read_units
from ops.doctor.upkeep import read_upgrades
from ops.machine import Machine, Room, room_at, run_command
from ops.server import DATABASE, open_server
from ops.upgrade_record import Phase, UpgradeRecord

Spoil = Callable[[Debian], object]


@pytest.fixture
def debian(tmp_path: Path) -> Debian:
    """A machine that is well."""
    made = Debian(tmp_path / "debian")
    made.dated(NOON)
    return made


def not_well(findings: list[Finding]) -> list[tuple[Verdict, str, str]]:
    """Return what is to be looked at, or mended."""
    return [
        (one.verdict, one.subject, one.said)
        for one in findings
        if one.verdict is not Verdict.GOOD
    ]


def test_a_machine_that_is_well(debian: Debian) -> None:
    """Nothing is to be done, and every subject was looked at."""
    findings = list(examine_machine(debian.machine, DAY))
    assert [] == not_well(findings)
    assert {"services", "disk", "swap", "backup", "upgrades", "AppArmor"} == {
        one.subject for one in findings
    }


@pytest.mark.parametrize(
    ("spoil", "verdict", "said"),
    [
        (
            lambda d: d.units.update(
                {"bisik-site.service": shown("bisik-site.service", active="failed")}
            ),
            Verdict.BAD,
            "bisik-site.service has failed (exit-code)",
        ),
        (
            lambda d: d.units.update(
                {"bisik-tidy.timer": shown("bisik-tidy.timer", active="inactive")}
            ),
            Verdict.BAD,
            "bisik-tidy.timer is inactive",
        ),
        (
            lambda d: d.units.update(
                {
                    "bisik-notify.timer": shown(
                        "bisik-notify.timer", active="inactive", file="enabled"
                    )
                }
            ),
            Verdict.BAD,
            "bisik-notify.timer is inactive",
        ),
        (
            lambda d: d.units.update(
                {"tor@default.service": shown("tor@default.service", "not-found", "")}
            ),
            Verdict.BAD,
            "systemd does not know tor@default.service",
        ),
        (
            lambda d: (d.root / "run/systemd/system").rmdir(),
            Verdict.LOOK,
            "systemd does not run here",
        ),
        (
            lambda d: d.write(
                "/proc/swaps", NO_SWAP + "/dev/sda2 partition 1048572 0 -2\n"
            ),
            Verdict.BAD,
            "memory is written in the clear to /dev/sda2",
        ),
        (
            lambda d: [
                d.write("/proc/swaps", NO_SWAP + "/dev/zram0 partition 9 0 -2\n"),
                d.write("/sys/block/zram0/backing_dev", "/dev/sdb\n"),
            ],
            Verdict.BAD,
            "memory is written in the clear to /dev/zram0",
        ),
        (
            lambda d: d.rooms.update({d.root: Room(0, GIB // 2, None)}),
            Verdict.BAD,
            "0.5 GiB are free",
        ),
        (
            lambda d: d.rooms.update({d.root: Room(0, 3 * GIB, None)}),
            Verdict.LOOK,
            "3.0 GiB are free",
        ),
        (
            lambda d: d.rooms.update({d.root: Room(0, 50 * GIB, 12)}),
            Verdict.BAD,
            "only 12 more files can be made",
        ),
        (lambda d: d.dated(NOON - 4 * 86400), Verdict.LOOK, "is 4 days old"),
        (lambda d: d.dated(NOON - 8 * 86400), Verdict.BAD, "is 8 days old"),
        (
            lambda d: d.write("/etc/bisik/operator.asc", "nonsense"),
            Verdict.BAD,
            "operator.asc: the file is not an OpenPGP key",
        ),
        (
            lambda d: setattr(d, "upgrades", None),
            Verdict.LOOK,
            "apt-get does not answer",
        ),
        (
            lambda d: setattr(
                d,
                "upgrades",
                "Inst tor [0.4.9.1-1] (0.4.9.2-1 Debian-Security:12/oldstable-security "
                "[amd64])\nInst bash [1] (2 Debian:12.15/oldstable [amd64])\n",
            ),
            Verdict.LOOK,
            "1 security upgrades wait: tor",
        ),
        (
            lambda d: d.write("/run/reboot-required", ""),
            Verdict.LOOK,
            "an upgrade counts only after a reboot",
        ),
        (
            lambda d: d.write("/sys/module/apparmor/parameters/enabled", "N\n"),
            Verdict.LOOK,
            "this kernel does not support it",
        ),
        (
            lambda d: d.write(
                "/sys/kernel/security/apparmor/profiles", "system_tor (enforce)\n"
            ),
            Verdict.BAD,
            "not in force: bisik-site",
        ),
    ],
)
def test_what_is_not_well_is_told_with_a_way_out(
    debian: Debian, spoil: Spoil, verdict: Verdict, said: str
) -> None:
    """The thing by name, and what to do."""
    spoil(debian)
    findings = list(examine_machine(debian.machine, DAY))
    (found,) = [one for one in findings if said in one.said]
    assert verdict is found.verdict
    assert found.way_out


def test_certificates_of_the_database_are_told_before_they_end(
    debian: Debian, tmp_path: Path
) -> None:
    """Where there are any; and what is none is named."""
    made, _key = certified(tmp_path, "db.example.test")
    certificate = made.read_text()
    end = x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc
    debian.write("/etc/bisik/database/machine.crt", certificate)
    for days, verdict in ((61, None), (60, Verdict.LOOK), (30, Verdict.BAD)):
        day = end.date() - timedelta(days=days)
        found = list(examine_certificates(debian.machine, day))
        assert [verdict or Verdict.GOOD] == [one.verdict for one in found]
    debian.write("/etc/bisik/database/authority.crt", "nonsense")
    findings = examine_certificates(debian.machine, end.date())
    assert any("authority.crt is not a certificate" in one.said for one in findings)


@pytest.mark.parametrize(
    ("current", "record", "verdict", "said"),
    [
        ("0.10.0", None, Verdict.GOOD, "0.10.0 serves"),
        ("0.9.0", None, Verdict.LOOK, "0.9.0 serves, and 0.10.0 is installed"),
        ("0.8.0", None, Verdict.BAD, "none counts that is here"),
        (
            "0.10.0",
            UpgradeRecord(
                phase=Phase.CHANGING, before="0.9.0", after="0.10.0", directory=None
            ),
            Verdict.BAD,
            "an upgrade to 0.10.0 has not come to its end (changing)",
        ),
    ],
)
def test_the_release_that_counts(
    debian: Debian,
    current: str,
    record: UpgradeRecord | None,
    verdict: Verdict,
    said: str,
) -> None:
    """Which one it is, whether a newer one is here, and whether one is half done."""
    for version in ("0.9.0", "0.10.0"):
        debian.write(f"/opt/bisik/releases/{version}/bin/bisik", "")
    root = debian.root / "opt/bisik"
    (root / "current").symlink_to(f"releases/{current}")
    if record is not None:
        record.write(root)
    findings = examine_machine(debian.machine, DAY)
    (found,) = [one for one in findings if one.subject == "release"]
    assert verdict is found.verdict
    assert said in found.said
    assert (verdict is Verdict.GOOD) == (not found.way_out)


@pytest.mark.parametrize(
    ("device", "uuid"),
    [("/dev/dm-0", "CRYPT-PLAIN-swap"), ("/dev/dm-1", "CRYPT-LUKS2-1234-swap")],
)
def test_swap_under_a_key_is_well(debian: Debian, device: str, uuid: str) -> None:
    """And so is compressed memory; a volume that is only mapped is not."""
    name = Path(device).name
    zram = "/dev/zram0 partition 9 0 -2\n"
    debian.write("/proc/swaps", f"{NO_SWAP}{device} partition 9 0 -2\n{zram}")
    debian.write(f"/sys/block/{name}/dm/uuid", uuid)
    assert [] == not_well(list(examine_machine(debian.machine, DAY)))
    debian.write(f"/sys/block/{name}/dm/uuid", "LVM-abcd")
    (found,) = not_well(list(examine_machine(debian.machine, DAY)))
    assert device in found[2]


def test_each_file_system_is_told_once(debian: Debian) -> None:
    """Folders of one file system are one line."""
    debian.rooms[debian.root / "boot"] = Room(7, 300 << 20, None)
    findings = examine_machine(debian.machine, DAY)
    disks = [one for one in findings if one.subject == "disk"]
    assert 2 == len(disks)
    assert all(one.verdict is Verdict.GOOD for one in disks)


def test_keys_beside_the_server_are_told_before_they_end(
    debian: Debian, world: World
) -> None:
    """The certificate that backups are sealed to ends like an officer's."""
    with open_server(world.server, world.edge) as server:
        certificate = server.drop.officers.list()[0].certificate
        ends = server.keyring.admit(certificate, today=DAY).expires
    assert ends is not None
    debian.write("/etc/bisik/operator.asc", certificate.decode())
    for days, verdict in ((61, None), (60, Verdict.LOOK), (30, Verdict.BAD)):
        day = ends - timedelta(days=days)
        debian.dated(NOON + (day - DAY).days * 86400)
        found = not_well(list(examine_machine(debian.machine, day)))
        said = f"the key that backups are sealed to (operator.asc) ends on {ends}"
        assert ([(verdict, "keys", said)] if verdict else []) == found
    after = list(examine_machine(debian.machine, ends + timedelta(days=1)))
    assert any("expired" in one.said for one in after)


def test_the_key_of_every_operator_is_looked_at(debian: Debian) -> None:
    """Backups would leave the second one out, and nobody would notice."""
    second = "/etc/bisik/operator-2.asc"
    debian.write("/etc/bisik/backup.toml", f'recipients = ["{second}"]\n')
    debian.write(second, "nonsense")
    (found,) = not_well(list(examine_machine(debian.machine, DAY)))
    assert (Verdict.BAD, "keys") == found[:2]
    assert f"{second}: the file is not an OpenPGP key" in found[2]
    debian.write("/etc/bisik/backup.toml", "recipients = 1\n")
    (found,) = not_well(list(examine_machine(debian.machine, DAY)))
    assert "the field 'recipients' of /etc/bisik/backup.toml" in found[2]


def test_the_server_directory_is_looked_at(world: World) -> None:
    """A new server: everything is well but what was never done."""
    found = not_well(list(examine_server(world.server, world.edge)))
    assert [(Verdict.LOOK, "tidying")] == [one[:2] for one in found]
    world.done("tidy")
    findings = list(examine_server(world.server, world.edge))
    assert [] == not_well(findings)
    subjects = {one.subject for one in findings}
    assert {"memory", "organisation", "desks", "mailbox", "calendar"} <= subjects
    assert "the last time was 3 days ago" in world.at(3).bisik("doctor").output


@pytest.mark.parametrize(
    ("days", "verdict", "weeks"),
    [(14, None, 0), (15, Verdict.LOOK, 2), (40, Verdict.LOOK, 4), (60, Verdict.BAD, 8)],
)
def test_a_desk_that_keeps_items_waiting_is_named(
    world: World, days: int, verdict: Verdict | None, weeks: int
) -> None:
    """Once, by the steps of weeks, and no item is counted."""
    with open_server(world.server, world.edge) as server:
        for number in range(3):
            item = sealed_item(bytes([number]) * 70_000)
            server.drop.intake.accept(item, day=DAY, writes=[])
    later = world.at(days)
    later.done("tidy")
    found = [
        one
        for one in examine_server(later.server, later.edge)
        if one.subject == "desks" and one.verdict is not Verdict.GOOD
    ]
    if verdict is None:
        assert [] == found
        return
    (one,) = found
    assert verdict is one.verdict
    assert (
        f"items have waited for more than {weeks} weeks for the desk of Petugas Coba"
        == one.said
    )


@pytest.mark.parametrize(
    ("trigger", "statement", "line"),
    [
        ("UPDATE", "UPDATE courier_record SET detail = 'nothing' WHERE number = 2", 2),
        ("UPDATE", "UPDATE courier_record SET day = day - 1 WHERE number = 1", 1),
        ("DELETE", "DELETE FROM courier_record WHERE number = 2", 2),
    ],
)
def test_a_record_that_was_altered_is_told(
    world: World, trigger: str, statement: str, line: int
) -> None:
    """By whoever may write to the file itself: in one line, with what to do."""
    with open_server(world.server, world.edge) as server:
        for detail in "abc":
            server.drop.records.append(
                day=DAY, fingerprint="A" * 40, action="fetched", detail=detail
            )
    assert "the courier's 3 lines are a chain" in world.bisik("doctor").output
    with closing(sqlite3.connect(world.server / DATABASE)) as connection, connection:
        connection.execute(f"DROP TRIGGER courier_record_{trigger}")
        connection.execute(statement)
    findings = examine_server(world.server, world.edge)
    (found,) = (one for one in findings if one.subject == "record")
    assert (
        Verdict.BAD,
        f"the courier's record breaks at line {line}: it is missing or was changed",
    ) == (found.verdict, found.said)
    assert "tell all officers" in found.way_out


def test_a_directory_that_does_not_open_is_told(world: World) -> None:
    """With the reason, and the rest is looked at all the same."""
    (world.server / "calendar.csv").write_text("nonsense")
    result = world.bisik("doctor")
    assert 1 == result.exit_code
    assert "BAD   server directory" in result.output
    assert "ok    services" in result.output


def test_only_what_is_not_well(world: World) -> None:
    """With --quiet; with --json the same for a program."""
    world.done("tidy")
    result = world.bisik("doctor", "--quiet")
    assert 1 == result.exit_code
    assert "ok    " not in result.output
    assert "nobody can reach this server" in result.output
    as_json = world.bisik("doctor", "--json", "--quiet")
    assert 1 == as_json.exit_code
    (entry,) = json.loads(as_json.output)
    assert ("BAD", "tor") == (entry["verdict"], entry["subject"])
    assert "bisik onion torrc" in entry["way_out"]


def test_the_real_machine_is_looked_at(world: World) -> None:
    """
    Whatever this machine is: systemctl, apt-get and /proc are asked, and it ends.
    """
    real = replace(world.edge, machine=Machine())
    findings = list(examine_machine(real.machine, DAY))
    assert {"services", "disk", "swap", "upgrades", "AppArmor"} <= {
        one.subject for one in findings
    }
    assert all(one.way_out for one in findings if one.verdict is Verdict.BAD)


def test_programs_that_fail_say_nothing(tmp_path: Path) -> None:
    """Neither one that is missing, nor one that ends with an error."""
    assert run_command(["/nonexistent"]) is None
    assert run_command(["false"]) is None
    assert "yes\n" == run_command(["echo", "yes"])
    assert room_at(tmp_path / "nothing") is None
    room = room_at(tmp_path)
    assert room is not None
    assert room.free_bytes > 0


@given(st.text())
def test_whatever_programs_print_is_read(said: str) -> None:
    """Nothing that systemctl or apt-get could print ends the doctor."""
    read_units(said)
    read_upgrades(said)


@given(
    st.lists(
        st.builds(Finding, st.sampled_from(Verdict), st.text(), st.text(), st.text())
    )
)
def test_findings_come_back_as_they_were(findings: list[Finding]) -> None:
    """From another process, as JSON."""
    assert findings == from_json(to_json(findings))
