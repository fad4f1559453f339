"""The release: which one counts, and whether an upgrade was cut short."""

from collections.abc import Iterator, Sequence

from ops.doctor.finding import Finding, Verdict
from ops.errors import OpsError
from ops.machine import Machine
from ops.releases import INSTALLED_AT, Releases
from ops.upgrade_record import UpgradeRecord


def examine_release(machine: Machine) -> Iterator[Finding]:
    """Look at the releases of this machine; nothing is said where there are none."""
    releases = Releases(machine.path(INSTALLED_AT))
    installed = releases.list()
    if not installed:
        return
    try:
        record = UpgradeRecord.read(releases.root)
    except (OpsError, OSError) as error:
        yield Finding(
            Verdict.BAD, "release", str(error), "run, as root: bisik release recover"
        )
        return
    yield from judge_release(releases.current(), installed, record)


def judge_release(
    current: str | None, installed: Sequence[str], record: UpgradeRecord | None
) -> Iterator[Finding]:
    """
    Judge which release counts.

    Args:
        current: The version that does; None if none does.

        installed: All versions, the newest last.

        record: Of an upgrade that is under way, or was cut short.
    """
    if record is not None:
        yield Finding(
            Verdict.BAD,
            "release",
            f"an upgrade to {record.after} has not come to its end ({record.phase})",
            "if none is under way, as root: bisik release recover",
        )
    if current is None or current not in installed:
        yield Finding(
            Verdict.BAD,
            "release",
            f"none counts that is here; installed: {', '.join(installed)}",
            f"run, as root: bisik release activate {installed[-1]}",
        )
    elif current != installed[-1]:
        yield Finding(
            Verdict.LOOK,
            "release",
            f"{current} serves, and {installed[-1]} is installed",
            f"run, as root: bisik release activate {installed[-1]}",
        )
    elif record is None:
        yield Finding(Verdict.GOOD, "release", f"{current} serves")
