"""The simulation table of effects without its long runs: promises, seeds, the printed grid."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import effects
from benchmarks.effects_parts import common, verdicts


@pytest.mark.parametrize(
    ("value", "error", "status"),
    [(0.95, 0.003, "met"), (0.973, 0.003, "met within error"), (0.98, 0.003, "falls short"),
     (0.90, 0.003, "falls short")],
)  # fmt: skip
def test_a_figure_is_held_against_its_promise(value, error, status):
    assert common.Figure("coverage", value, error, low=0.92, high=0.97).status == status
    assert common.Figure("coverage", value, error).status == "no promise"


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_the_error_of_a_share_is_never_zero(held):
    found = common.share(held, "held")
    assert found.value == np.mean(held) and 0 < found.error <= 0.5


def test_every_cell_has_a_name_of_its_own_since_it_seeds_the_draws():
    names = [f"{part} {cell}" for part, module in effects.PARTS.items() for cell in module.CELLS]
    assert len(set(names)) == len(names)


def test_results_do_not_depend_on_the_number_of_processes():
    chosen = [("units", 0), ("series", 3)]
    one, two = (effects.table(list(effects.told(effects.batches(chosen, 1200), jobs, str))) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert one["runs"].eq(1200).all()


def test_the_grid_marks_what_falls_short():
    cell = common.Cell("coverage", "24/12", None, None)
    figures = [common.Figure("AR(1) 0", 0.95, 0.003, low=0.92), common.Figure("AR(2)", 0.8, 0.003, low=0.9)]
    grid = effects.markdown(effects.table([("series", cell, 4000, figures)]))
    assert "| 24/12 | .950 | **.800** |" in grid and "at least 0.92, at least 0.9; 4,000 runs" in grid


def test_gates_are_passed_one_after_the_other():
    table = pd.DataFrame({
        "low": [1.0, 1.0, 1.0, -1.0], "p_adjusted": [0.01, 0.01, 0.2, 0.2], "second_effect": [1.0, -1.0, 1.0, 1.0],
        "placebo_rank": [0.05, 0.05, 0.05, 0.5], "placebo_dates": 13, "verdict": ["effective", *["cannot_tell"] * 3],
    })  # fmt: skip
    kept = verdicts.passed(table)
    assert [int(held.sum()) for held in kept.values()] == [3, 2, 1, 1, 1]


def test_the_pipeline_calls_a_large_step():
    found = verdicts.judged(1, step=6.0)
    assert found["verdict"].isin(verdicts.GOOD).all() and found["low"].gt(0).all()
