"""
What is installed: units, updates, confinement, backups and the keys beside them.

It looks at Debian and at folders that belong to root; who may not see something is
told so.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Final

from crypto.errors import CryptoError
from crypto.lifetimes import Purpose, lifetime_in
from ops.backups.settings import MalformedBackupSettings, read_backup_settings
from ops.doctor.certificates import examine_certificates
from ops.doctor.daily import judge_backup
from ops.doctor.finding import Finding, Verdict
from ops.doctor.keys import KeyLife, judge_keys
from ops.doctor.release import examine_release
from ops.doctor.storage import (
    file_systems,
    judge_rooms,
    judge_swap,
    swap_in_the_clear,
)
from ops.doctor.units import ask_systemd, judge_units
from ops.doctor.upkeep import (
    APPARMOR,
    PROFILES,
    ask_apt,
    judge_apparmor,
    judge_reboot,
    judge_upgrades,
    lists_made_on,
)
from ops.machine import Machine

BACKUPS: Final = Path("/var/backups/bisik")
# docs/spec/backup.md; a file that is half written is hidden.
_BACKUP: Final = re.compile(r"bisik-(\d{4}-[01]\d-[0-3]\d)(?:-\d+)?\.gpg")
PLACES: Final = (Path("/"), Path("/var"), Path("/boot"), BACKUPS)
# As the roles have taken them from the release.
PROFILE_FILES: Final = (
    "/etc/apparmor.d/bisik",
    "/etc/apparmor.d/bisik-backup",
    "/etc/apparmor.d/bisik-notify",
)
TORS_PROFILE: Final = "system_tor"
RELEASE_KEY: Final = "/etc/bisik/release.asc"
BRING_KEY: Final = "bring its newer copy, by the playbook"


def examine_machine(machine: Machine, today: date) -> Iterator[Finding]:
    """Look at the machine: services, upgrades, disks, backups."""
    yield from examine_release(machine)
    yield from judge_units(ask_systemd(machine))
    yield from judge_rooms(file_systems(machine, map(machine.path, PLACES)))
    yield judge_swap(swap_in_the_clear(machine.text("/proc/swaps") or "", machine))
    yield judge_backup(newest_backup(machine), today)
    yield from _keys(machine, today)
    yield from examine_certificates(machine, today)
    yield from judge_upgrades(
        ask_apt(machine), fetched=lists_made_on(machine), today=today
    )
    yield from judge_reboot(machine)
    yield judge_apparmor(
        machine.text(APPARMOR), machine.text(PROFILES), wanted=_profiles(machine)
    )


def newest_backup(machine: Machine) -> date | None:
    """Return the day of the newest backup that this user can see, by its name."""
    try:
        names = [path.name for path in machine.path(BACKUPS).iterdir()]
    except OSError:
        return None
    days = []
    for found in filter(None, map(_BACKUP.fullmatch, names)):
        with suppress(ValueError):  # Of the thirtieth of February nobody made one.
            days.append(date.fromisoformat(found[1]))
    return max(days, default=None)


def _keys(machine: Machine, today: date) -> Iterator[Finding]:
    lives = []
    keys = {RELEASE_KEY: ("the key that signs releases", Purpose.SIGNING)}
    try:
        recipients = read_backup_settings(machine).recipients
    except (MalformedBackupSettings, OSError) as error:
        yield Finding(Verdict.BAD, "keys", str(error), "run the playbook again")
        recipients = ()
    for path in recipients:
        name = f"the key that backups are sealed to ({Path(path).name})"
        keys[path] = (name, Purpose.SEALING)
    for path, (name, purpose) in keys.items():
        try:
            content = machine.path(path).read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Finding(
                Verdict.LOOK,
                "keys",
                f"{path}: {error.strerror}",
                "run bisik doctor as root",
            )
            continue
        try:
            life = lifetime_in(content, purpose, today=today)
        except CryptoError as error:
            yield Finding(Verdict.BAD, "keys", f"{path}: {error}", BRING_KEY)
        else:
            lives.append(KeyLife(name, life.ends, life.unfit_because))
    yield from judge_keys("keys", lives, today=today, way_out=BRING_KEY)


def _profiles(machine: Machine) -> set[str]:
    """Name the profiles that are to be in force: ours, and that of tor."""
    names = {
        line.split()[1]
        for path in PROFILE_FILES
        for line in (machine.text(path) or "").splitlines()
        if line.startswith("profile ") and len(line.split()) > 1
    }
    return names | {TORS_PROFILE} if names else set()
