"""The picture of the placebo units: one line a unit that fits, the treated one named with its rank."""

import io
import warnings

import numpy as np
import pandas as pd
import pytest

from sqlib import style, words
from sqlib.figures import plot_placebo_units
from sqlib.methods import synthetic_control


@pytest.fixture(scope="module")
def panel():
    unit, time = np.indices((14, 24))
    value = 50 + np.random.default_rng(2).standard_normal((14, 24)) + 9 * (unit == 3) * time
    return pd.DataFrame({"unit": [f"u{k}" for k in unit.ravel()], "time": time.ravel(), "value": value.ravel()})


def drawn(result, **options):
    with style.theme(), warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = plot_placebo_units(result, **options)
        ax.figure.savefig(io.BytesIO(), format="png")
    return ax


@pytest.mark.parametrize("fit", [synthetic_control.compare, synthetic_control.sdid])
@pytest.mark.parametrize("language", words.LANGUAGES)
def test_each_unit_is_a_line_and_bad_fits_are_counted(panel, fit, language):
    result = fit(panel, unit="unit", time="time", value="value", treated={"u0"}, start=16)
    ax = drawn(result, start=16, language=language)
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    assert named[0] == words.text("figures", "placebo_units_others", language=language, n=12)
    told = {"unit": "u0", "rank": int(result.placebos.loc[0, "rank"]), "n": 14}
    assert named[1] == words.text("figures", "placebo_units_treated", result.effect.design, language=language, **told)
    assert named[2] == words.text("figures", "placebo_units_hidden", language=language, n=1, times=5)
    lines = [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == 24]
    assert len(lines) == 13
    own = result.gaps.loc[result.gaps["treated"], "gap"].to_numpy()
    assert sum(np.array_equal(line, own) for line in lines) == 1 and not ax.get_title()


def test_periods_keep_the_names_given(panel):
    result = synthetic_control.compare(panel, unit="unit", time="time", value="value", treated={"u0"}, start=16)
    ax = drawn(result, when=[f"W{k}" for k in range(24)])
    assert [tick.get_text() for tick in ax.get_xticklabels()][:2] == ["W0", "W3"] and not ax.get_xlabel()
