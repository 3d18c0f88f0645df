import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlib.errors import MethodRefused
from sqlib.methods import unit_panel


def rows(units=3, periods=4) -> pd.DataFrame:
    grid = [(f"u{unit}", time, float(10 * unit + time**2)) for unit in range(units) for time in range(periods)]
    return pd.DataFrame(grid, columns=["unit", "time", "value"])


def wide(table):
    return unit_panel.wide(table, unit="unit", time="time", value="value")


def test_a_long_table_becomes_units_by_periods_in_order():
    table = wide(rows().sample(frac=1, random_state=0))
    assert list(table.index) == ["u0", "u1", "u2"] and list(table.columns) == [0, 1, 2, 3]
    assert table.loc["u2", 3] == 29


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (pd.concat([rows(), rows().head(1)]), "duplicates"),
        (rows(units=1), "one_unit"),
        (rows().assign(value=5), "constant"),
        (rows().assign(value=np.inf), "not_finite"),
    ],
)
def test_a_table_that_cannot_be_compared_is_refused(table, code):
    with pytest.raises(MethodRefused) as caught:
        wide(table)
    assert caught.value.code == f"unit_panel.{code}" and caught.value.text("zh")


@pytest.mark.parametrize(
    ("treated", "compared", "code"),
    [
        ({"u0"}, {"u0", "u1"}, "both_sides"),
        ({"u9"}, None, "unknown_units"),
        (set(), None, "none_treated"),
        ({"u0", "u1", "u2"}, None, "all_treated"),
    ],
)
def test_sides_that_do_not_hold_are_refused(treated, compared, code):
    with pytest.raises(MethodRefused) as caught:
        unit_panel.sides(wide(rows()), treated, compared)
    assert caught.value.code == f"unit_panel.{code}"


def test_only_the_units_named_take_part():
    table, side = unit_panel.sides(wide(rows(units=5)), {"u0"}, {"u3"})
    assert list(table.index) == ["u0", "u3"] and side.tolist() == [True, False]


@pytest.mark.parametrize(
    ("start", "wash_in", "code"), [(0, 0, "no_before"), (4, 0, "no_after"), (2, 2, "no_after"), (2, -1, "bad_wash_in")]
)
def test_a_start_without_a_side_is_refused(start, wash_in, code):
    with pytest.raises(MethodRefused) as caught:
        unit_panel.phases(wide(rows()), start, wash_in)
    assert caught.value.code == f"unit_panel.{code}"


def test_the_run_in_is_left_out():
    before, after = unit_panel.phases(wide(rows()), 2, wash_in=1)
    assert list(before.columns) == [0, 1] and list(after.columns) == [3]


@given(st.integers(0, 11))
def test_a_missing_cell_of_an_additive_table_changes_no_level(gap):
    """Unit plus period effects without noise: levels are the same with any one cell missing."""
    whole = wide(rows())
    holed = whole.mask(np.arange(12).reshape(3, 4) == gap)
    assert unit_panel.levels(holed).to_numpy() == pytest.approx(whole.mean(axis=1).to_numpy())


def test_units_without_a_common_period_are_refused():
    table = pd.DataFrame([[1.0, 2, np.nan, np.nan], [np.nan, np.nan, 3, 4]])
    with pytest.raises(MethodRefused) as caught:
        unit_panel.levels(table)
    assert caught.value.code == "unit_panel.unconnected"
