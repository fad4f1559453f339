"""Statistics of a desk: from its casebook to the screen and to a file."""

from datetime import date
from pathlib import Path

import pytest
from support.office import NAMES, Office
from support.reporters import DAY, Reporter, Sealer, make_bundle
from support.screens import Screen, words

from casework.item import ItemKind
from casework.reply import CaseStatus
from casework.statistics import Quarter, QuarterNotOver
from journalist_app.workstation.acting import exclude, take_step
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.statistics import (
    final_figures,
    intake_of,
    quarter_figures,
)

NOW = Quarter.of(DAY)
AFTER = NOW.next.first


@pytest.fixture
def many(desk: Desk, sealer: Sealer) -> list[str]:
    """Nine reports, of which one was withdrawn; the names of their cases."""
    reporters = [Reporter(f"pelapor {number}") for number in range(9)]
    items = [sealer.seal(one.write()) for one in reporters]
    items.append(sealer.seal(reporters[0].write(ItemKind.WITHDRAWAL)))
    import_bundle(desk, make_bundle(dict(enumerate(items, start=1))), today=DAY)
    return [case_name(one.keys.case_id) for one in reporters]


def test_a_quarter_is_counted_from_the_casebook(desk: Desk, many: list[str]) -> None:
    """Reports, steps and withdrawals are found; the one withdrawal is hidden."""
    for name in many[:7]:
        take_step(desk, name, CaseStatus.VERIFICATION, reason="", today=DAY)
        after = CaseStatus.NEEDS_COMPLETION
        take_step(desk, name, after, reason="Kapan?", today=DAY)
    made = final_figures(desk, NOW, today=AFTER)
    shown = {
        one.key: {cell.key: cell.count for cell in one.cells} for one in made.breakdowns
    }
    assert 9 == made.received
    assert {"complete": 0, "mostly": 9, "little": 0, "not-here": 0} == shown[
        "completeness"
    ]
    assert {"yes": None, "no": None} == shown["withdrawn"]
    assert {None} == {shown["stage"]["waiting"], shown["stage"]["verification"]}


def test_figures_for_others_are_of_quarters_that_are_over(
    desk: Desk, many: list[str], tmp_path: Path
) -> None:
    """Until then the screen says that they are provisional, and gives no file."""
    with pytest.raises(QuarterNotOver):
        final_figures(desk, NOW, today=NOW.last)
    before = Screen(desk, stick=tmp_path)
    page = before.get(f"/statistics/?quarter={NOW}")
    assert "Triwulan ini belum berakhir" in words(page)
    assert f"{NOW}.csv" not in page.text
    assert 422 == before.get(f"/statistics/{NOW}.csv").status_code

    after = Screen(desk, stick=tmp_path, today=AFTER)
    page = after.get("/statistics/")
    assert "Triwulan ini belum berakhir" not in words(page)
    file = after.get(f"/statistics/{NOW}.csv")
    assert "text/csv; charset=utf-8" == file.headers["Content-Type"]
    assert f"{NOW},{NOW.last},received,all,9," in file.text


def test_a_forged_day_does_not_fill_the_list(
    desk: Desk, sealer: Sealer, tmp_path: Path
) -> None:
    """A report that says it is of the year 1 leaves ten years to choose from."""
    forged = Reporter("kuno").write().replace(str(DAY).encode(), b"0001-01-01")
    bundle = make_bundle({1: sealer.seal(forged)})
    import_bundle(desk, bundle, today=DAY)
    quarters = [*intake_of(desk, today=DAY).received]
    assert 40 == len(quarters)
    assert NOW == quarters[-1]
    assert Quarter.parse("2017-Q1") == quarters[0]
    page = Screen(desk, stick=tmp_path).get("/statistics/")
    assert 40 == page.text.count("<option")


def test_a_quarter_that_is_none_is_not_found(desk: Desk, tmp_path: Path) -> None:
    """Nor is one before the first report."""
    screen = Screen(desk, stick=tmp_path)
    for path in ("?quarter=2026-Q9", "?quarter=1999-Q1", "nothing.csv"):
        assert 404 == screen.get(f"/statistics/{path}").status_code
    assert 200 == screen.get("/statistics/").status_code


def test_intake_names_every_quarter_since_the_first_report(
    desk: Desk, sealer: Sealer
) -> None:
    """A quarter of few reports is there without its number."""
    early = Reporter("pelapor", day=date(2026, 5, 4))
    import_bundle(desk, make_bundle({1: sealer.seal(early.write())}), today=DAY)
    assert {"2026-Q2": None, "2026-Q3": 0, "2026-Q4": 0} == {
        str(quarter): count
        for quarter, count in intake_of(desk, today=DAY).received.items()
    }


def test_every_desk_counts_the_cases_that_it_knows(office: Office) -> None:
    """Whoever stands back from a case does not find it in their figures any more."""
    ani, budi, citra = (office.desks[name] for name in NAMES)
    reporters = [Reporter(f"pelapor {number}") for number in range(6)]
    for one in reporters:
        office.send(one.write(), to=NAMES[:2])
    office.exchange()

    def received() -> list[int | None]:
        made = [quarter_figures(desk, NOW, today=DAY) for desk in (ani, budi, citra)]
        return [one.received for one in made]

    assert [6, 6, 0] == received()
    name = case_name(reporters[0].keys.case_id)
    exclude(budi, name, budi.record.desk_id, reason="Terlapor.", today=DAY)
    assert [6, 5, 0] == received()
