"""The benchmark's own arithmetic and document; nothing here is timed."""

import sys
from pathlib import Path

import pytest

from bench.cases import CASES, Case
from bench.data import Bench
from bench.growth import SERIES, Grown
from bench.measure import Contestant, Failed, Figures, Sample, ratio, ratio_quartiles, run
from bench.report import Machine, Row, render

MEGA = 1_000_000


def figures(name: str, *seconds: float, peak: int = 20 * MEGA) -> Figures:
    return Figures(name, tuple(Sample(each, peak) for each in seconds))


def never(_: Bench) -> list[Contestant]:
    raise AssertionError("nothing is measured here")


def case(*, budget: float = 1.5, memory: int | None = None, extra: float = 0) -> Case:
    return Case("push-large", "push", "200 MB", "boto3 upload", budget, never, memory=memory, extra=extra)


MACHINE = Machine("Linux x86_64", "3.11.2", 2, ("boto3 1.40",), figures("calibration", 0.05, 0.06, 0.05))


def test_the_ratio_is_that_of_the_medians() -> None:
    ours, floor = figures("vsync", 3.0, 2.0, 9.0), figures("floor", 1.0, 5.0, 2.0)
    assert ratio(ours, floor) == pytest.approx(1.5)


def test_the_quartiles_are_those_of_neighbouring_runs() -> None:
    ours, floor = figures("vsync", 2.0, 4.0, 20.0), figures("floor", 1.0, 2.0, 10.0)
    assert ratio_quartiles(ours, floor) == pytest.approx((2.0, 2.0))


def test_one_run_has_no_spread() -> None:
    one = figures("vsync", 2.0)
    assert one.spread == 0
    assert ratio_quartiles(one, figures("floor", 1.0)) == (2.0, 2.0)


@pytest.mark.parametrize(
    ("seconds", "peak", "met"),
    [(1.4, 100 * MEGA, True), (1.6, 100 * MEGA, False), (1.4, 130 * MEGA, False)],
)
def test_a_row_is_met_when_time_and_memory_are(seconds: float, peak: int, *, met: bool) -> None:
    row = Row(case(memory=120 * MEGA), (figures("vsync", seconds, peak=peak), figures("floor", 1.0)))
    assert row.met is met


@pytest.mark.parametrize(("seconds", "met"), [(1.52, True), (1.53, False)])
def test_a_budget_may_have_milliseconds_more(seconds: float, *, met: bool) -> None:
    row = Row(case(extra=0.025), (figures("vsync", seconds), figures("floor", 1.0)))
    assert (row.met, row.budget) == (met, "≤ 1.5 + 25 ms")
    assert "| ≤ 1.5 + 25 ms |" in render(MACHINE, [row], [])


def test_what_is_counted_together_runs_one_after_the_other_on_the_same_input(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("words\n")
    text = "import sys; open('seen', 'a').write(sys.argv[1] + sys.stdin.read())"
    first, *then = ((sys.executable, "-c", text, name) for name in "abc")
    run(Contestant("several", first, tmp_path, {}, then=then, stdin=tmp_path / "words"))
    assert (tmp_path / "seen").read_text() == "awords\nbwords\ncwords\n"


def test_one_failure_of_several_is_a_failure(tmp_path: Path) -> None:
    fine, wrong = ((sys.executable, "-c", f"raise SystemExit({code})") for code in (0, 7))
    with pytest.raises(Failed, match="several exited with 7"):
        run(Contestant("several", fine, tmp_path, {}, then=(wrong,)))


def test_the_guard_is_held_to_every_budget_that_it_has() -> None:
    found = {each.name: (each.budget, round(each.extra, 3)) for each in CASES if "guard" in each.name}
    assert found == {
        "guard-small": (1.3, 0),
        "guard-middle": (1.5, 0),
        "guard-large": (1.5, 0.323),
        "guard-backstop": (1, 0.015),
    }


def test_the_document_says_what_was_measured_and_what_is_over() -> None:
    slow = Row(case(), (figures("vsync", 1.8), figures("floor", 1.0), figures("age + aws s3 cp", 1.5)))
    text = render(MACHINE, [slow], [])
    assert (
        "| push | 200 MB | boto3 upload | 1 | 1800 | 1000 | **1.80** | 1.80 to 1.80 | ≤ 1.5 | **over** |"
        in text
    )
    assert "| push | 200 MB | age + aws s3 cp | 1500 | 1.50 | 1.80 |" in text
    assert "## Memory" not in text


def test_the_document_states_memory_against_its_budget() -> None:
    row = Row(case(memory=120 * MEGA), (figures("vsync", 1.0, peak=66 * MEGA), figures("floor", 1.0)))
    assert "| push | 200 MB | 66 | 20 | ≤ 120 |" in render(MACHINE, [row], [])


def test_the_document_states_the_noise() -> None:
    text = render(MACHINE, [], [])
    assert "3 times between the rows, varied by ±5%" in text
    assert "1.2 times the median" in text


def test_the_document_shows_how_cost_grows() -> None:
    grown = Grown(SERIES[0], [(1000, [figures("push", 0.5), figures("pull", 0.6)])])
    assert "| 1 000 | 500 | 600 | 20 |" in render(MACHINE, [], [grown])


def test_a_quick_run_says_that_it_is_one() -> None:
    quick = Machine("Linux", "3.11.2", 2, (), figures("calibration", 0.1), quick=True)
    assert "no figure to rely on" in render(quick, [], [])


def test_every_row_and_series_has_a_name_of_its_own() -> None:
    names = [each.name for each in CASES] + [each.name for each in SERIES]
    assert len(set(names)) == len(names) > 10
