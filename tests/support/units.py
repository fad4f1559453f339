"""
The units and profiles of deployment/, laid out as on a server, and who judges them.

    with_units(folder); exposure(folder, "bisik-site.service")
"""

import json
import shutil
import subprocess
from pathlib import Path

from support.pages import ROOT

DEPLOYMENT = ROOT / "deployment"
SEALED = ("bisik-site", "bisik-courier", "bisik-tidy")
# In the same room, where the role notifications is used.
SEALED_FOR_MESSAGES = ("bisik-notify-seal",)
_UNITS = "etc/systemd/system"


def with_units(root: Path) -> Path:
    """
    Lay the units out in a folder, with the drop-ins that the roles link to.

    Returns:
        The folder of the units.
    """
    units = root / _UNITS
    shutil.copytree(DEPLOYMENT / "systemd", units)
    for name in (*SEALED, *SEALED_FOR_MESSAGES):
        folder = units / f"{name}.service.d"
        folder.mkdir()
        shutil.copyfile(units / "sealed.conf", folder / "sealed.conf")
    return units


def exposure(root: Path, unit: str, *, threshold: float) -> tuple[bool, dict[str, str]]:
    """
    Let systemd-analyze(1) judge a unit without a booted machine.

    Args:
        root: A folder with units.

        unit: The name of one.

        threshold: The highest exposure that is good enough, from 0 to 10.

    Returns:
        Whether it is good enough, and what exposes it, by the names of settings.
    """
    done = subprocess.run(
        [
            *("systemd-analyze", "security", "--offline=true", "--json=short"),
            # In tenths of what it prints.
            *(f"--root={root}", f"--threshold={threshold * 10:.0f}", unit),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )
    findings = json.loads(done.stdout)
    return done.returncode == 0, {
        finding["json_field"]: finding["description"]
        for finding in findings
        if not finding["set"]
    }


def parse_profiles(
    folder: Path, name: str = "bisik"
) -> "subprocess.CompletedProcess[str]":
    """Let apparmor_parser(8) read the profiles, without a kernel that has AppArmor."""
    return subprocess.run(
        [
            *("apparmor_parser", "--skip-kernel-load", "--skip-cache"),
            *(f"--Include={folder}", folder / name),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
