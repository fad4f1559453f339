"""Upkeep: security upgrades, the reboot they want, and AppArmor."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from ops.doctor.finding import Finding, Verdict
from ops.machine import Machine

LISTS: Final = "/var/lib/apt/lists"
OLD_LISTS_DAYS: Final = 3
REBOOT_REQUIRED: Final = "/run/reboot-required"
APPARMOR: Final = "/sys/module/apparmor/parameters/enabled"
PROFILES: Final = "/sys/kernel/security/apparmor/profiles"

# Inst openssl [3.0.15-1] (3.0.17-1 Debian-Security:12/oldstable-security [amd64])
_INSTALLS = re.compile(r"^Inst (\S+) .*\((.*)\)", re.MULTILINE)


@dataclass(frozen=True)
class Upgrades:
    """What apt would install: packages with a security upgrade, and the others."""

    security: tuple[str, ...]
    others: tuple[str, ...]


def ask_apt(machine: Machine) -> Upgrades | None:
    """Ask apt what it would upgrade, by the lists that it has; None if it fails."""
    said = machine.run(
        ["apt-get", "--simulate", "-o", "Debug::NoLocking=1", "dist-upgrade"]
    )
    return None if said is None else read_upgrades(said)


def read_upgrades(said: str) -> Upgrades:
    """Read what `apt-get --simulate` prints."""
    found: dict[str, str] = dict(_INSTALLS.findall(said))
    security = [name for name in found if "security" in found[name].lower()]
    return Upgrades(
        security=tuple(security),
        others=tuple(name for name in found if name not in security),
    )


def lists_made_on(machine: Machine) -> date | None:
    """Return the day on which apt last fetched its lists."""
    try:
        fetched = machine.path(LISTS).stat().st_mtime
    except OSError:
        return None
    return datetime.fromtimestamp(fetched, UTC).date()


def judge_upgrades(
    upgrades: Upgrades | None, *, fetched: date | None, today: date
) -> Iterator[Finding]:
    """Judge whether Debian's security upgrades are here."""
    if upgrades is None:
        yield Finding(
            Verdict.LOOK, "upgrades", "apt-get does not answer", "run: dpkg --audit"
        )
        return
    if fetched is None or (today - fetched).days > OLD_LISTS_DAYS:
        yield Finding(
            Verdict.LOOK,
            "upgrades",
            f"apt has not looked for upgrades since {fetched or 'ever'}",
            "run: apt-get update; then see: systemctl status apt-daily.timer",
        )
    if upgrades.security:
        yield Finding(
            Verdict.LOOK,
            "upgrades",
            f"{len(upgrades.security)} security upgrades wait: "
            f"{', '.join(upgrades.security[:5])}"
            f"{' ...' if len(upgrades.security) > 5 else ''}",
            "run: unattended-upgrade; see: systemctl status apt-daily-upgrade.timer",
        )
    else:
        yield Finding(Verdict.GOOD, "upgrades", "no security upgrade waits")


def judge_reboot(machine: Machine) -> Iterator[Finding]:
    """Judge whether an upgrade counts only from the next boot on."""
    if machine.path(REBOOT_REQUIRED).exists():
        yield Finding(
            Verdict.LOOK,
            "upgrades",
            "an upgrade counts only after a reboot",
            "reboot when few are here: at night, and not right after a report",
        )


def judge_apparmor(
    enabled: str | None, profiles: str | None, *, wanted: Collection[str]
) -> Finding:
    """
    Judge whether the services are confined.

    Args:
        enabled: What the kernel says; None if it has no AppArmor.

        profiles: Those that are loaded, one in a line; None if this user may not see.

        wanted: Names of profiles that are to be loaded.
    """
    if (enabled or "").strip() != "Y":
        return Finding(
            Verdict.LOOK,
            "AppArmor",
            "this kernel does not support it",
            "boot Debian's own kernel; the limits of systemd hold meanwhile",
        )
    if not wanted:
        return Finding(
            Verdict.LOOK, "AppArmor", "no profile of Bisik's is installed here"
        )
    if profiles is None:
        return Finding(
            Verdict.LOOK,
            "AppArmor",
            "this user may not see which profiles are loaded",
            "run bisik doctor as root",
        )
    enforced = {
        line.rsplit(" (", 1)[0]
        for line in profiles.splitlines()
        if line.endswith("(enforce)")
    }
    missing = sorted(set(wanted) - enforced)
    if missing:
        return Finding(
            Verdict.BAD,
            "AppArmor",
            f"not in force: {', '.join(missing)}",
            "run the playbook again; then: systemctl reload apparmor",
        )
    return Finding(Verdict.GOOD, "AppArmor", "all profiles are in force")
