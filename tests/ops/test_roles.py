"""Public roles of officers, given and changed by the operator."""

from support.command import World
from support.reporters import REPORT

from casework.profile import Profile, shipped_profile
from ops.commands.showing import _report
from ops.server import open_server


def role_of(world: World) -> str | None:
    """Return the officer's role."""
    with open_server(world.server, world.edge) as server:
        return server.drop.officers.get(world.fingerprint).role


def test_role_is_given_and_changed(world: World) -> None:
    """
    A role of the profile is given to an officer, and shown in the list.
    """
    world.bisik("officers", "role", world.fingerprint, "penelaah")

    assert "penelaah" == role_of(world)
    assert "role  penelaah" in world.bisik("officers", "list").output


def test_unknown_role_is_refused(world: World) -> None:
    """
    A role that the profile has not is refused, and those it has are named.
    """
    before = role_of(world)

    refused = world.bisik("officers", "role", world.fingerprint, "kepala")

    assert 2 == refused.exit_code
    assert "verifikator" in refused.output
    assert before == role_of(world)


def test_migrating_twice_changes_nothing(world: World) -> None:
    """
    A database of this version is left as it is.
    """
    assert "of this version" in world.bisik("migrate").output
    assert "of this version" in world.bisik("migrate").output


def test_officer_is_told_who_must_not_see_a_report() -> None:
    """
    A desk shows the roles that a reporter has excluded, as the profile calls them, and
    nothing if there are none.
    """
    profile = Profile.parse(shipped_profile())
    report = REPORT.model_copy(update={"not_for": ("verifikator", "yang-dulu")})

    text = "\n".join(_report(report, profile))

    assert "roles to see it: Verification officers, yang-dulu" in text
    assert "does not want" not in "\n".join(_report(REPORT, profile))
