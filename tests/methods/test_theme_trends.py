import made_results as made
import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods import proportions
from sqlib.methods.theme_trends import kendall, slope, theme_trends

BOOK = {"slow": ["slow"], "fee": ["fee"]}


def comments(rng, months, a_month, rates, season=0.0) -> pd.DataFrame:
    """`a_month` comments a month; themes raised at those rates, with a yearly wave of that height in logits."""
    month = np.arange(months).repeat(a_month)
    said = np.full(len(month), "x", dtype=object)
    for name, rate in rates.items():
        logit = np.log(rate / (1 - rate)) + season * np.sin(2 * np.pi * month / 12)
        said = np.where(rng.random(len(month)) < 1 / (1 + np.exp(-logit)), said + f" {name}", said)
    days = pd.period_range("2024-01", periods=months, freq="M").to_timestamp().to_numpy()[month]
    return pd.DataFrame({"comment": said, "received_at": days, "who": rng.integers(0, len(month), len(month))})


def found(table, **options):
    return theme_trends(table, text="comment", codebook=BOOK, **options)


@pytest.mark.parametrize("seasonal", [False, True])
def test_slope_against_a_quasi_binomial_model(seasonal):
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    n = rng.integers(60, 200, 30).astype(float)
    hits = np.round(n * np.clip(rng.normal(0.3, 0.1, 30), 0.05, 0.9))
    years, season = (np.arange(30) - 14.5) / 12, np.arange(30) % 12 if seasonal else np.zeros(30, dtype=int)
    design = np.column_stack([years, season[:, None] == np.unique(season)]).astype(float)
    model = sm.GLM(hits / n, design, family=sm.families.Binomial(), var_weights=n).fit(scale="X2")
    value, error, df, dispersion = slope(hits, n, years, season)
    assert (value, error) == pytest.approx((model.params[0], model.bse[0]), rel=1e-6)
    assert dispersion == pytest.approx(model.scale, rel=1e-6) and dispersion > 2
    assert df == 30 - design.shape[1]


def test_months_that_vary_less_than_chance_do_not_narrow_the_interval():
    n, hits = np.full(24, 100.0), np.full(24, 20.0)
    _, error, _, dispersion = slope(hits, n, (np.arange(24) - 11.5) / 12, np.zeros(24))
    assert dispersion == 1.0 and error == pytest.approx(1 / np.sqrt(16 * ((np.arange(24) - 11.5) ** 2).sum() / 144))


def test_a_calendar_month_without_a_hit_says_nothing():
    rng = np.random.default_rng(0)
    hits, n, years = rng.integers(5, 20, 36).astype(float), np.full(36, 100.0), np.arange(36) / 12
    season = np.arange(36) % 12
    hits[season == 3] = 0
    kept = season != 3
    assert slope(hits, n, years, season) == pytest.approx(slope(hits[kept], n[kept], years[kept], season[kept]))


def test_kendall_against_a_direct_count_and_scipy():
    from scipy.stats import kendalltau, norm

    rng = np.random.default_rng(2)
    shares, order = rng.random(20), np.arange(20)
    pairs = [np.sign(shares[j] - shares[i]) for i in range(20) for j in range(i + 1, 20)]
    assert sum(pairs) / 190 == pytest.approx(kendalltau(order, shares).statistic)
    z = (abs(sum(pairs)) - 1) / np.sqrt(20 * 19 * 45 / 18)
    assert kendall(shares, order, np.zeros(20)) == pytest.approx(2 * norm.sf(z))
    assert kendall(np.ones(20), order, np.zeros(20)) != kendall(shares, order, np.zeros(20))


def test_seasonal_kendall_compares_same_months_only():
    season = np.arange(36) % 12
    waves = 0.3 + 0.2 * np.sin(2 * np.pi * season / 12)
    assert kendall(waves + np.arange(36) / 1000, np.arange(36), season) < 0.001
    assert np.isnan(kendall(waves, np.arange(36), season)) or kendall(waves, np.arange(36), season) > 0.9


def test_the_share_of_a_month_is_that_of_proportions():
    rng = np.random.default_rng(0)
    table = comments(rng, 13, 40, {"slow": 0.2, "fee": 0.1}).assign(who=lambda t: rng.integers(0, 100, len(t)))
    months = found(table, cluster="who").months
    own = table[table["received_at"].dt.strftime("%Y-%m") == "2024-03"]
    by_hand = proportions.share(own.assign(hit=own["comment"].str.contains("slow")), outcome="hit", cluster="who")
    row = months[(months["theme"] == "slow") & (months["month"] == pd.Timestamp("2024-03-01"))].iloc[0]
    expected = by_hand.table[["estimate", "low", "high"]].iloc[0].to_list()
    assert row[["estimate", "low", "high"]].to_list() == pytest.approx(expected)


def test_a_month_of_few_people_is_hidden_and_not_used():
    few = pd.DataFrame({"comment": ["slow"] * 4, "received_at": pd.Timestamp("2025-03-05")})
    result = found(pd.concat([comments(np.random.default_rng(0), 14, 30, {"slow": 0.3, "fee": 0.1}), few]))
    last = result.months[result.months["month"] == pd.Timestamp("2025-03-01")]
    assert last["hidden"].all() and last[["comments", "estimate"]].isna().all(axis=None)
    assert result.last == pd.Timestamp("2025-02-01") and result.n == 14 * 30 and "hidden_months" in result.cautions


def test_a_planted_rise_is_found_and_told_a_year():
    table = made.made("theme_trends", "trend_up").table.set_index("theme")
    assert table["verdict"].to_dict() == {"slow": "trend_up", "fee": "no_signal"}
    assert table.loc["slow", "per_year"] == pytest.approx(0.3 / 29 * 12, rel=0.15)
    assert (table.loc["slow", "first_share"], table.loc["slow", "last_share"]) == pytest.approx((0.1, 0.4), abs=0.05)


def test_a_season_is_no_trend_where_same_months_can_be_compared():
    """Twelve and a half waves would look like a rise; 24 months and more compare March with March."""
    flagged = 0
    for seed in range(20):
        table = comments(np.random.default_rng(seed), 30, 60, {"slow": 0.2, "fee": 0.1}, season=1.0)
        flagged += found(table).table["verdict"].isin(["trend_up", "trend_down"]).any()
    assert flagged <= 4


def test_silence_where_nothing_moves():
    """Promised: at most one history in twenty with any alarm; 60 histories."""
    flagged = 0
    for seed in range(60):
        table = comments(np.random.default_rng(1000 + seed), 18, 50, {"slow": 0.2, "fee": 0.1})
        flagged += found(table).table["verdict"].isin(["trend_up", "trend_down"]).any()
    assert flagged <= 8


def test_under_two_years_the_season_caution_stands():
    assert "season" in found(comments(np.random.default_rng(0), 18, 50, {"slow": 0.2, "fee": 0.1})).cautions
    longer = found(comments(np.random.default_rng(0), 24, 50, {"slow": 0.2, "fee": 0.1}))
    assert "season" not in longer.cautions and longer.seasonal


def test_comments_without_a_date_are_counted_and_left_aside():
    table = comments(np.random.default_rng(0), 14, 30, {"slow": 0.2, "fee": 0.1})
    table.loc[table.index[:7], "received_at"] = pd.NaT
    result = found(table)
    assert result.undated == 7 and "undated" in result.cautions and result.n == len(table) - 7


def test_no_month_to_show_is_refused():
    table = comments(np.random.default_rng(0), 14, 4, {"slow": 0.2})
    with pytest.raises(MethodRefused, match="month"):
        found(table)


def test_of_many_comments_a_seeded_sample_is_read_and_said():
    table = comments(np.random.default_rng(5), 24, 200, {"slow": 0.3})
    whole, part = found(table), found(table, most=1200, seed=1)
    assert (part.read, part.given, part.n, "sampled" in part.cautions) == (1200, 4800, 1200, True)
    assert (whole.read, whole.given) == (4800, 4800) and "sampled" not in whole.cautions
    pd.testing.assert_frame_equal(part.table, found(table, most=1200, seed=1).table)
    assert not part.table.equals(found(table, most=1200, seed=2).table)
    row = part.table.iloc[0]
    assert row["low"] < whole.table["estimate"].iloc[0] < row["high"]
