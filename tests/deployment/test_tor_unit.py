"""
How tor is confined, judged without a booted machine.

What it then really can and cannot do is in tests/deployment/test_hardening.py.
"""

import shutil
import subprocess
from pathlib import Path

import jinja2
import pytest
from support.pages import ROOT
from support.units import exposure

TEMPLATES = ROOT / "ansible" / "roles" / "tor" / "templates"
UNIT = "tor@default.service"
# Debian's own, of the package tor.
DEBIAN_UNIT = Path("/lib/systemd/system") / UNIT
DEBIAN_PROFILES = Path("/etc/apparmor.d")
# Of systemd-analyze(1), from 0 to 10.
GOOD = 2.5


def rendered(name: str) -> str:
    """Write a template as the role does."""
    template = jinja2.Template(
        (TEMPLATES / name).read_text(), undefined=jinja2.StrictUndefined
    )
    text: str = template.render(
        ansible_managed="of a test", tor_directory="/var/lib/tor/bisik"
    )
    return text


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with Debian's unit."""
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    shutil.copy(DEBIAN_UNIT, units / UNIT)
    return tmp_path


def test_debians_unit_alone_would_not_do(root: Path) -> None:
    """
    The judge is no rubber stamp: what Debian ships is not as tight.
    """
    good, _open_still = exposure(root, UNIT, threshold=GOOD)

    assert not good


def test_tor_is_confined(root: Path) -> None:
    """
    With what the role adds, tor is well below what is asked for; it keeps the network.
    """
    added = root / f"etc/systemd/system/{UNIT}.d/60-bisik.conf"
    added.parent.mkdir()
    added.write_text(rendered("tor.service.j2"))

    good, open_still = exposure(root, UNIT, threshold=GOOD)

    assert good
    assert "PrivateNetwork" in open_still
    for setting in ("UserOrDynamicUser", "NoNewPrivileges", "PrivateUsers"):
        assert setting not in open_still
    assert [] == [name for name in open_still if name.startswith("Capability")]


@pytest.mark.parametrize("release", [True, False])
def test_the_profile_can_be_read(tmp_path: Path, release: bool) -> None:
    """
    Debian's profile of tor takes what the role adds, before the release is there too.
    """
    profiles = tmp_path / "apparmor.d"
    shutil.copytree(DEBIAN_PROFILES, profiles)
    (profiles / "local" / "system_tor").write_text(rendered("apparmor.j2"))
    shared = profiles / "abstractions" / "bisik-tor"
    shared.unlink(missing_ok=True)
    if release:
        shutil.copy(ROOT / "deployment/apparmor/abstractions/bisik-tor", shared)

    done = subprocess.run(
        [
            *("apparmor_parser", "--skip-kernel-load", "--skip-cache"),
            *(f"--base={profiles}", profiles / "system_tor"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, False) == (done.returncode, "error" in done.stderr.lower()), done
