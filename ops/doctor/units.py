"""
Units: whether systemd runs what it should.

`systemctl show` prints a block of properties for each unit, also for those that are
not there.  A site that nobody has called yet is not running, and its socket is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ops.doctor.finding import Finding, Verdict
from ops.machine import Machine

PROPERTIES: Final = ("Id", "LoadState", "ActiveState", "Result", "UnitFileState")
RUNS_SYSTEMD: Final = "/run/systemd/system"

MUST_BE_ACTIVE: Final = (
    "bisik-site.socket",
    "bisik-courier.socket",
    "bisik-tidy.timer",
    "bisik-backup.timer",
    "bisik-doctor.timer",
    "tor@default.service",
)
MUST_NOT_FAIL: Final = (
    "bisik-site.service",
    "bisik-courier.service",
    "bisik-tidy.service",
    "bisik-backup.service",
    "bisik-recover.service",
    "nftables.service",
    "apparmor.service",
)
# What is off by default.
IF_ENABLED: Final = ("bisik-notify.timer", "bisik-counters.timer")


@dataclass(frozen=True)
class UnitState:
    """How systemd describes a unit."""

    loaded: bool
    active: str
    result: str
    enabled: bool


def ask_systemd(machine: Machine) -> dict[str, UnitState] | None:
    """Ask for the state of all our units; None if systemd does not run here."""
    if not machine.path(RUNS_SYSTEMD).is_dir():
        return None
    said = machine.run(
        [
            *("systemctl", "show", "--no-pager"),
            f"--property={','.join(PROPERTIES)}",
            *MUST_BE_ACTIVE,
            *MUST_NOT_FAIL,
            *IF_ENABLED,
        ]
    )
    return None if said is None else read_units(said)


def read_units(said: str) -> dict[str, UnitState]:
    """Read what `systemctl show` prints."""
    found = {}
    for block in said.split("\n\n"):
        properties = dict(
            line.split("=", 1) for line in block.splitlines() if "=" in line
        )
        if "Id" in properties:
            found[properties["Id"]] = UnitState(
                loaded=properties.get("LoadState") == "loaded",
                active=properties.get("ActiveState", ""),
                result=properties.get("Result", ""),
                enabled=properties.get("UnitFileState") == "enabled",
            )
    return found


def judge_units(states: Mapping[str, UnitState] | None) -> Iterator[Finding]:
    """Judge the units of this server."""
    if states is None:
        yield Finding(
            Verdict.LOOK,
            "services",
            "systemd does not run here, or does not answer",
            "see to it yourself that both sites, tor and the daily work run",
        )
        return
    missing = [
        name for name in MUST_BE_ACTIVE if name not in states or not states[name].loaded
    ]
    if len(missing) == len(MUST_BE_ACTIVE):
        yield Finding(
            Verdict.LOOK,
            "services",
            "systemd knows none of Bisik's units",
            "install the server with the playbook: ansible/README.md",
        )
        return
    wrong = [*_inactive(states), *_failed(states)]
    for name in missing:
        yield Finding(
            Verdict.BAD,
            "services",
            f"systemd does not know {name}",
            "run the playbook again",
        )
    yield from wrong
    if not missing and not wrong:
        yield Finding(Verdict.GOOD, "services", "all are active, none has failed")


def _inactive(states: Mapping[str, UnitState]) -> Iterator[Finding]:
    for name, state in states.items():
        must = (name in MUST_BE_ACTIVE and state.loaded) or (
            name in IF_ENABLED and state.enabled
        )
        if must and state.active not in ("active", "failed"):
            yield Finding(
                Verdict.BAD,
                "services",
                f"{name} is {state.active or 'not active'}",
                f"run: systemctl enable --now {name}",
            )


def _failed(states: Mapping[str, UnitState]) -> Iterator[Finding]:
    for name, state in states.items():
        if state.active == "failed":
            yield Finding(
                Verdict.BAD,
                "services",
                f"{name} has failed ({state.result})",
                f"see why: journalctl --unit {name}; then: systemctl restart {name}",
            )
