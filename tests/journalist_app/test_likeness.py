"""Likeness: reports of one matter are offered to an officer, and others are not."""

from support.casework_samples import vectors
from support.reporters import DAY, Reporter, Sealer, make_bundle

from casework.report import Report
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.searching import LEAST_LIKENESS, find_alike

PAIRS = vectors("likeness.json")


def receive_all(desk: Desk, sealer: Sealer) -> dict[tuple[str, str], str]:
    """Import every report of the vectors once; return case names by pair and side."""
    names: dict[tuple[str, str], str] = {}
    items: dict[int, bytes] = {}
    for pair in PAIRS["alike"] + PAIRS["different"]:
        for side in ("one", "other"):
            reporter = Reporter(f"{pair['name']}, {side}")
            names[pair["name"], side] = case_name(reporter.keys.case_id)
            report = Report.model_validate(pair[side])
            items[len(items) + 1] = sealer.seal(reporter.write(report=report))
    assert import_bundle(desk, make_bundle(items), today=DAY).complete
    return names


def alike(desk: Desk, name: str) -> dict[str, float]:
    """Return the cases that are offered for one, with their shares."""
    found = find_alike(desk, name, today=DAY)
    return {one.case.name: one.share for one in found}


def test_reports_of_one_matter_are_found_and_others_are_not(
    desk: Desk, sealer: Sealer
) -> None:
    """Among all of them at once, from either side, and as like from both."""
    names = receive_all(desk, sealer)
    for pair in PAIRS["alike"]:
        one, other = names[pair["name"], "one"], names[pair["name"], "other"]
        there, back = alike(desk, one), alike(desk, other)
        assert other in there, pair["name"]
        assert there[other] == back[one], pair["name"]
        assert 1.0 > there[other] >= LEAST_LIKENESS
    for pair in PAIRS["different"]:
        one, other = names[pair["name"], "one"], names[pair["name"], "other"]
        assert other not in alike(desk, one), pair["name"]
        assert one not in alike(desk, other), pair["name"]
