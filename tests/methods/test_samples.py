import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sqlib.errors import MethodRefused
from sqlib.methods import samples


def frame():
    return pd.DataFrame(
        {"x": [1.0, 0, 1, None, 1], "s": ["a", "b", "a", "c", None], "c": [1, 1, 2, 3, None], "w": [1, 2, 0, 1, 1]}
    )


def test_split_keeps_every_row_with_a_value_in_some_group():
    groups = list(samples.split(frame(), frame()["x"], by="s"))
    assert [s.n for _, s in groups] == [2, 1, 0, 1]
    assert pd.isna(groups[-1][0]["s"])


def test_split_leaves_out_rows_of_weight_zero():
    ((_, sample),) = samples.split(frame(), frame()["x"], cluster="c", weight="w")
    assert sample.value.tolist() == [1, 0, 1]
    assert sample.clusters == 2


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("samples.unknown_column", lambda d: samples.require(d, "no")),
        ("samples.not_numeric", lambda d: samples.numbers(d, "s")),
        ("samples.bad_weight", lambda d: list(samples.split(d, d["x"], weight="c"))),
        ("samples.population_of_groups", lambda d: samples.finite(10, {"s": "a"}, 2)),
        ("samples.population_too_small", lambda d: samples.finite(10, {}, 12)),
    ],
)
def test_refusals_say_what_is_wrong_in_both_languages(code, call):
    with pytest.raises(MethodRefused) as refused:
        call(frame())
    assert refused.value.code == code
    assert all({"what", "got", "remedy"} <= set(refused.value.parts(language)) for language in ("zh", "en"))


def test_options_by_level():
    assert samples.given(0.8, {"s": "a"}) == 0.8
    assert samples.given(pd.Series({"a": 0.7}), {"s": "a"}) == 0.7
    assert np.isnan(samples.given({"a": 0.7}, {"s": "b"}))
    assert samples.given({("a", 1): 0.7}, {"s": "a", "t": 1}) == 0.7


def test_a_finite_base_narrows_180_of_300_to_63_percent():
    """The standard error shrinks to sqrt(1 - 180/300) = .632."""
    assert np.sqrt(samples.finite(300, {}, 180)) == pytest.approx(0.632, abs=5e-4)
    assert samples.finite(pd.Series({"a": 10}), {"s": "a"}, 10) == 0
    assert samples.finite(pd.Series({"a": 10}), {"s": "b"}, 10) == 1


def test_p_value_inverts_students_interval():
    x = np.random.default_rng(0).normal(0.4, 1, 15)
    error = x.std(ddof=1) / np.sqrt(15)
    p = samples.p_value(
        lambda a: (x.mean() - samples.t_value(a, 14) * error, x.mean() + samples.t_value(a, 14) * error), 0
    )
    assert float(p) == pytest.approx(stats.ttest_1samp(x, 0).pvalue, rel=1e-9)


def test_p_value_is_missing_where_the_interval_or_the_reference_is():
    assert np.isnan(samples.p_value(lambda a: (np.nan, np.nan), 0.0))
    assert np.isnan(samples.p_value(lambda a: (0.0, 1.0), np.nan))


def test_adjusted_leaves_missing_out_of_the_family():
    """Benjamini & Hochberg (1995), by hand: .01 * 3, min(.04, .03 * 3 / 2) and .04."""
    p = samples.adjusted(pd.Series([0.01, np.nan, 0.04, 0.03]))
    np.testing.assert_allclose(p, [0.03, np.nan, 0.04, 0.04])


def test_a_sample_is_drawn_only_of_what_is_too_much():
    assert samples.drawn(5, 5, 0).tolist() == [0, 1, 2, 3, 4]
    places = samples.drawn(100, 10, 3)
    assert len(set(places)) == 10 and (np.diff(places) > 0).all() and places.max() < 100
    assert (places == samples.drawn(100, 10, 3)).all() and (places != samples.drawn(100, 10, 4)).any()
