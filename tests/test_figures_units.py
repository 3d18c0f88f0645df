"""Figures of designs that compare units: they draw what the Result holds, in either language, without a warning."""

import io
import warnings

import matplotlib
import numpy as np
import pandas as pd
import pytest

from sqlib import figures, style, words
from sqlib.methods import difference_in_differences as did
from sqlib.methods import group_time, staggered

both = pytest.mark.parametrize("language", words.LANGUAGES)


def panel(units, periods=24, seed=0) -> pd.DataFrame:
    unit, time = np.indices((units, periods))
    value = 50 + np.random.default_rng(seed).standard_normal((units, periods))
    return pd.DataFrame({"unit": unit.ravel(), "time": time.ravel(), "value": value.ravel()})


def few(units=8, treated=2):
    table = panel(units).assign(unit=lambda rows: "u" + rows["unit"].astype(str))
    names = {f"u{number}" for number in range(treated)}
    return did.compare(table, unit="unit", time="time", value="value", treated=names, start=12)


def late(estimand="att_simple", periods=24):
    table = panel(30, periods)
    table["first"] = np.select([table["unit"] < 8, table["unit"] < 16], [periods // 2, periods // 2 + 4], 0)
    columns = {"unit": "unit", "time": "time", "value": "value", "first": "first"}
    return staggered.estimate(table, **columns, estimand=estimand, second=False)


def drawn(plot, result, language="en"):
    with style.theme(), warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = plot(result, language=language)
        ax.figure.savefig(io.BytesIO(), format="png")
    return ax


def texts(ax) -> str:
    return " ".join(text.get_text() for text in ax.figure.findobj(matplotlib.text.Text))


def dots(ax) -> np.ndarray:
    """Data of every dot, (dots, 2)."""
    return np.vstack([line.get_xydata() for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata())])


@both
@pytest.mark.parametrize("estimand", group_time.ESTIMANDS)
def test_the_overall_effect_is_named_by_its_estimand(language, estimand):
    ax = drawn(figures.plot_event_study, late(estimand), language)
    name = words.text("figures", "event_study", estimand, language=language, value="|").partition("|")[0]
    assert name.strip() in texts(ax)


def test_every_horizon_has_its_estimate_and_its_band():
    result = late()
    ax = drawn(figures.plot_event_study, result)
    assert np.sort(dots(ax), axis=0) == pytest.approx(
        np.sort(result.events[["horizon", "estimate"]].to_numpy(dtype=float), axis=0)
    )
    tops = sorted(bar.get_y() + bar.get_height() for bar in ax.patches)
    assert tops == pytest.approx(sorted(result.events["band_high"]))


def test_far_horizons_are_not_drawn():
    ax = drawn(figures.plot_event_study, late(periods=72))
    assert np.abs(dots(ax)[:, 0]).max() == 24


@both
@pytest.mark.parametrize(("units", "treated"), [(8, 2), (44, 12)])
def test_every_unit_is_a_dot_at_its_change_and_the_sides_are_told(language, units, treated):
    result = few(units, treated)
    ax = drawn(figures.plot_unit_differences, result, language)
    assert np.sort(dots(ax)[:, 0]) == pytest.approx(np.sort(result.changes["change"]))
    for name, n in (("treated", treated), ("compared", units - treated)):
        assert words.text("figures", f"unit_differences_{name}", language=language, n=n) in texts(ax)


def test_few_units_are_named_treated_first_from_the_top():
    result = few()
    names = [label.get_text() for label in drawn(figures.plot_unit_differences, result).get_yticklabels()]
    assert set(names[:2]) == {"u0", "u1"} and sorted(names) == sorted(result.changes["unit"])
