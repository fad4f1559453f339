"""
How the units are confined, judged without a booted machine.

What they then really can and cannot do is in tests/deployment/test_sealed.py.
"""

import re
from pathlib import Path

import pytest
from support.units import DEPLOYMENT, SEALED, exposure, parse_profiles, with_units

# Of systemd-analyze(1), from 0 to 10.
BEST = 0.1
# Root must act as the owner of the server directory there, and change links.
AS_ROOT = 1.5


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the units as on a server."""
    with_units(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", SEALED)
def test_a_sealed_unit_is_as_tight_as_it_goes(root: Path, name: str) -> None:
    """
    Nothing is left open but Unix sockets, by which visitors come, and the device of the
    clock, which systemd adds where it protects the clock.
    """
    good, open_still = exposure(root, f"{name}.service", threshold=BEST)

    assert good
    assert {"RestrictAddressFamilies_AF_UNIX", "DeviceAllow"} == open_still.keys()


def test_recovery_is_tight_for_what_it_does(root: Path) -> None:
    """
    What must run as root has no network, and few of root's privileges.
    """
    good, open_still = exposure(root, "bisik-recover.service", threshold=AS_ROOT)

    assert good
    assert "PrivateNetwork" not in open_still


@pytest.mark.parametrize(
    "setting",
    ["PrivateNetwork=yes", "CapabilityBoundingSet=", "RestrictAddressFamilies=AF_UNIX"],
)
def test_a_weaker_unit_is_noticed(root: Path, setting: str) -> None:
    """
    The judge is no rubber stamp: without one setting, the site does not pass.
    """
    sealed = root / "etc/systemd/system/bisik-site.service.d/sealed.conf"
    text = sealed.read_text()
    assert f"\n{setting}\n" in text
    sealed.write_text(text.replace(f"\n{setting}\n", "\n"))

    good, _open_still = exposure(root, "bisik-site.service", threshold=BEST)

    assert not good


def test_every_unit_keeps_to_what_is_common(root: Path) -> None:
    """
    A unit that somebody adds is confined before they have thought of it.
    """
    added = root / "etc/systemd/system/bisik-later.service"
    added.write_text("[Service]\nExecStart=/bin/true\n")
    elsewhere = added.with_name("other.service")
    elsewhere.write_text(added.read_text())

    _good, open_still = exposure(root, added.name, threshold=10)
    _good, of_others = exposure(root, elsewhere.name, threshold=10)

    for setting in ("NoNewPrivileges", "MemoryDenyWriteExecute", "PrivateDevices"):
        assert setting in of_others
        assert setting not in open_still


def test_memory_stays_in_memory() -> None:
    """
    No unit of Bisik leaves a core file, or is swapped out.
    """
    common = DEPLOYMENT / "systemd/bisik-.service.d/common.conf"
    assert {"LimitCORE=0", "MemorySwapMax=0"} <= set(common.read_text().splitlines())


@pytest.mark.parametrize(
    ("file", "profiles"),
    [
        ("bisik", SEALED),
        ("bisik-backup", ("bisik-backup",)),
        ("bisik-notify", ("bisik-notify-seal", "bisik-notify", "bisik-notify-tor")),
    ],
)
def test_profiles_are_read(file: str, profiles: tuple[str, ...]) -> None:
    """
    apparmor_parser(8) understands one for each of the units, which ask for it.
    """
    done = parse_profiles(DEPLOYMENT / "apparmor", file)

    assert 0 == done.returncode, done.stderr
    text = (DEPLOYMENT / "apparmor" / file).read_text()
    assert profiles == tuple(
        line.split()[1] for line in text.splitlines() if line.startswith("profile ")
    )
    for name in profiles:
        asking = [
            path
            for path in (f"{name}.service", "sealed.conf")
            for line in (DEPLOYMENT / "systemd" / path).read_text().splitlines()
            if line in ("AppArmorProfile=-%N", f"AppArmorProfile=-{name}")
        ]
        assert asking


def test_the_profile_of_the_backup_gives_what_its_unit_has() -> None:
    """
    The same capabilities: no more would be used, and with less there is no backup.
    """
    unit = (DEPLOYMENT / "systemd/bisik-backup.service").read_text().splitlines()
    (bounding,) = (line for line in unit if line.startswith("CapabilityBoundingSet="))
    profile = (DEPLOYMENT / "apparmor/bisik-backup").read_text()
    assert set(bounding.partition("=")[2].split()) == {
        f"CAP_{name.upper()}"
        for name in re.findall(r"^  capability (\w+),$", profile, re.MULTILINE)
    }


def test_a_broken_profile_is_noticed(tmp_path: Path) -> None:
    """
    A rule that nobody understands does not pass.
    """
    broken = (DEPLOYMENT / "apparmor/bisik").read_text()
    (tmp_path / "bisik").write_text(broken.replace("}", "  /tmp/** everything,\n}", 1))
    (tmp_path / "abstractions").symlink_to(DEPLOYMENT / "apparmor/abstractions")

    assert 0 != parse_profiles(tmp_path).returncode


def test_what_tor_may_do_more_is_read(tmp_path: Path) -> None:
    """
    The addition to Debian's profile of tor is understood inside of a profile.
    """
    (tmp_path / "abstractions").symlink_to(DEPLOYMENT / "apparmor/abstractions")
    (tmp_path / "bisik").write_text(
        "include <tunables/global>\n"
        "profile system_tor {\n  include if exists <abstractions/bisik-tor>\n}\n"
    )

    assert 0 == parse_profiles(tmp_path).returncode
