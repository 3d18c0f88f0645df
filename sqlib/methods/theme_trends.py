"""Theme trends: how often each theme of the comments was raised month by month, and whether it is rising.

A month is the unit of the test: logistic regression of the monthly share on time, its variance inflated by what the
months vary beyond chance (quasi-binomial, never below 1), t on the degrees of freedom of the months. From two years on
every calendar month has its own level, so that only same months are compared and a season is no trend; below that a
season cannot be told from a trend, which the caution ``season`` says. Second method: Kendall's test on the monthly
shares, within calendar months where there are two years (seasonal Kendall).

References: McCullagh & Nelder (1989) Generalized Linear Models, 4.5 (overdispersion); Hirsch, Slack & Smith (1982)
Water Resources Research 18:107 (seasonal Kendall). False alarms and power: ``benchmarks/questionnaire.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import proportions, samples
from sqlib.methods.themes import code_comments

SHORTEST = 12  # months from the first to the last: less is a part of a year
FEWEST_MONTHS = 8  # months with comments enough
SEASONS = 24  # months from which same months can be compared
FEWEST = 20  # comments with the theme over the whole history
MOST = 50_000  # comments that are read; of more, a sample is

COLUMNS = [
    "theme", "comments", "estimate", "low", "high", "n", "clusters", "first_share", "last_share", "per_year",
    "per_year_low", "per_year_high", "odds_ratio", "dispersion", "p_value", "p_second", "p_adjusted", "verdict",
]  # fmt: skip
_ROUNDS = 50


@dataclass(frozen=True)
class ThemeTrendsResult:
    """Result of :func:`theme_trends`. Shares in 0..1.

    ``table``, one row per theme in the order of the code book, columns ``COLUMNS``: comments (that carry it, in the
    months used); estimate (their share of n comments), low, high, clusters; first_share and last_share (fitted, at an
    average season); per_year (change of the share in a year at its average level) with limits; odds_ratio (a year);
    dispersion (variance between months over that of chance, at least 1); p_value, p_second, p_adjusted
    (Benjamini-Hochberg over the themes tested); verdict: trend_up | trend_down | no_signal | too_short (less than
    twelve months, or under eight with enough comments) | too_few (under 20 comments with the theme).

    ``months``, one row per theme and month: theme, month (its first day), comments, n, estimate, low, high, hidden
    (under ``min_group`` people commented: no number is given, and the month is not used).

    ``n`` comments used of those ``read``, out of ``given`` (with a text and a date); ``seed`` of the sample; ``first``
    and ``last`` month used; ``span`` months from one to the other; ``undated`` comments without a date; ``comparisons``
    themes tested; ``seasonal``: were same months compared? ``cautions`` among season (under two years), undated
    (comments without a date), hidden_months, sampled (not all comments given were read).
    """

    table: pd.DataFrame
    months: pd.DataFrame
    n: int
    read: int
    given: int
    seed: int
    first: pd.Timestamp
    last: pd.Timestamp
    span: int
    undated: int
    comparisons: int
    seasonal: bool
    confidence: float
    cautions: tuple[str, ...]


def theme_trends(
    comments, *, text, codebook, exclude=None, date="received_at", cluster=None, min_group=5, confidence=0.95,
    most=MOST, seed=0,
) -> ThemeTrendsResult:  # fmt: skip
    """Monthly share of comments that raise each theme over the whole history, and the test of its trend.

    Parameters
    ----------
    comments : one row per comment of the history; blanks are left out
    text, codebook, exclude : as in :func:`sqlib.methods.themes.code_comments`
    date : column of the day a comment came in
    cluster : customer; None = every comment its own
    most : comments read; of more, a simple random sample of the whole history (``seed``)

    Raises MethodRefused: theme_trends.no_comments, themes.no_codebook, samples.unknown_column.
    """
    samples.require(comments, text, date, cluster)
    said = comments[comments[text].fillna("").astype(str).str.strip().ne("")]
    dated = said[said[date].notna()]
    given, undated = len(dated), len(said) - len(dated)
    dated = dated.iloc[samples.drawn(given, most, seed)]
    frame = pd.DataFrame({"month": pd.to_datetime(dated[date]).dt.to_period("M")}, index=dated.index)
    frame["who"] = np.arange(len(dated)) if cluster is None else dated[cluster].to_numpy()
    shown = frame.groupby("month")["who"].nunique() >= max(min_group, 1)
    if not shown.any():
        raise MethodRefused("theme_trends.no_comments", column=text, rows=len(comments), least=min_group)
    carried = _carried(dated, text, codebook, exclude)
    used = frame["month"].map(shown).to_numpy(dtype=bool)
    every = shown.index[shown]
    months = _months(frame, carried, shown, 1 - confidence)
    span = (every.max() - every.min()).n + 1
    enough = span >= SHORTEST and len(every) >= FEWEST_MONTHS
    counted = months[~months["hidden"]]
    rows = [
        {"theme": theme}
        | _level(frame[used], carried.loc[used, theme], 1 - confidence)
        | (_trend(counted[counted["theme"] == theme], span >= SEASONS, confidence) if enough else {})
        for theme in carried
    ]
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    table["p_adjusted"] = samples.adjusted(table["p_value"])
    table["verdict"] = _verdicts(table, enough, 1 - confidence)
    cautions = {"season": span < SEASONS, "undated": undated > 0, "hidden_months": not shown.all()}
    cautions["sampled"] = len(dated) < given
    return ThemeTrendsResult(
        table=table,
        months=months,
        n=int(used.sum()),
        read=len(dated),
        given=given,
        seed=seed,
        first=every.min().to_timestamp(),
        last=every.max().to_timestamp(),
        span=span,
        undated=undated,
        comparisons=int(table["p_value"].notna().sum()),
        seasonal=span >= SEASONS,
        confidence=confidence,
        cautions=tuple(code for code, holds in cautions.items() if holds),
    )


def _carried(dated, text, codebook, exclude):
    """Boolean table: comment by theme."""
    found = code_comments(dated.reset_index(drop=True), text=text, codebook=codebook, exclude=exclude)
    carried = np.zeros((len(dated), len(codebook)), dtype=bool)
    carried[found["row"], pd.Index(codebook).get_indexer(found["theme"])] = True
    return pd.DataFrame(carried, index=dated.index, columns=list(codebook))


# --- monthly shares --------------------------------------------------------------------------------------------


def _level(frame, hit, level):
    """Share over all months used."""
    marked = frame.assign(hit=hit.astype(float))
    ((_, sample),) = samples.split(marked, marked["hit"], cluster="who")
    estimate, information = proportions.information_of(sample)
    low, high = proportions.interval(estimate, information, level)
    row = {"estimate": float(estimate), "low": float(low), "high": float(high)}
    return row | {"comments": int(sample.value.sum()), "n": sample.n, "clusters": sample.clusters}


def _months(frame, carried, shown, level):
    """Long table of theme and month; all themes of a month at once."""
    parts = []
    for month, rows in frame.groupby("month").indices.items():
        row = {"theme": list(carried), "month": month.to_timestamp(), "n": len(rows), "hidden": not shown[month]}
        if shown[month]:
            owner = pd.factorize(frame["who"].to_numpy()[rows])[0]
            sample = samples.Sample(carried.to_numpy()[rows].T.astype(float), owner, None)
            estimate, information = proportions.information_of(sample)
            low, high = proportions.interval(estimate, information, level)
            row |= {"comments": sample.value.sum(-1).astype(int), "estimate": estimate, "low": low, "high": high}
        parts.append(pd.DataFrame(row))
    columns = ["theme", "month", "comments", "n", "estimate", "low", "high", "hidden"]
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)


# --- the trend of one theme ---------------------------------------------------------------------------------------


def _trend(months, seasonal, confidence):
    """Slope, limits and both p values of one theme; nothing where it is too rare or its months leave nothing to fit."""
    hits, n = months["comments"].to_numpy(dtype=float), months["n"].to_numpy(dtype=float)
    if hits.sum() < FEWEST or hits.sum() > n.sum() - FEWEST:
        return {}
    ordinal = months["month"].dt.year.to_numpy() * 12 + months["month"].dt.month.to_numpy()
    years = (ordinal - ordinal.mean()) / 12
    season = months["month"].dt.month.to_numpy() if seasonal else np.zeros(len(months), dtype=int)
    fitted = slope(hits, n, years, season)
    if fitted is None:
        return {}
    value, error, df, dispersion = fitted
    t = samples.t_value(1 - confidence, df)
    share = hits.sum() / n.sum()
    weight = share * (1 - share)
    base = np.log(share / (1 - share)) - value * np.average(years, weights=n)
    first, last = 1 / (1 + np.exp(-(base + value * np.array([years.min(), years.max()]))))
    from scipy.special import stdtr

    return {
        "first_share": first, "last_share": last, "per_year": value * weight,
        "per_year_low": (value - t * error) * weight, "per_year_high": (value + t * error) * weight,
        "odds_ratio": float(np.exp(value)), "dispersion": dispersion,
        "p_value": float(2 * stdtr(df, -abs(value) / error)), "p_second": kendall(hits / n, ordinal, season),
    }  # fmt: skip


def slope(hits, n, years, season):
    """(slope of the logit a year, its standard error, degrees of freedom, dispersion); None where nothing is left.

    A calendar month seen once, or without a hit or a miss, says nothing about the slope and is left out. Checked
    against the quasi-binomial generalised linear model of statsmodels.
    """
    whole = pd.DataFrame({"hits": hits, "miss": n - hits, "season": season, "one": 1}).groupby("season")
    told = (whole[["hits", "miss"]].transform("sum").min(axis=1) > 0) & (whole["one"].transform("sum") > 1)
    told = told.to_numpy()
    hits, n, years, season = hits[told], n[told], years[told], season[told]
    design = np.column_stack([years, season[:, None] == np.unique(season)]) if told.any() else np.empty((0, 1))
    df = design.shape[0] - design.shape[1]
    if df < 3:
        return None
    beta = np.zeros(design.shape[1])
    beta[1:] = np.log(hits.sum() / (n - hits).sum())
    for _ in range(_ROUNDS):
        share = np.clip(1 / (1 + np.exp(-design @ beta)), 1e-9, 1 - 1e-9)
        information = design.T @ (design * (n * share * (1 - share))[:, None])
        step = np.linalg.solve(information, design.T @ (hits - n * share))
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    pearson = ((hits - n * share) ** 2 / (n * share * (1 - share))).sum()
    dispersion = max(1.0, pearson / df)
    return beta[0], float(np.sqrt(dispersion * np.linalg.inv(information)[0, 0])), df, dispersion


def kendall(shares, ordinal, season):
    """P value of Kendall's test of trend, summed over the seasons (one season: Mann-Kendall); ties corrected.

    Checked against scipy's tau without ties and a direct count.
    """
    total, variance = 0.0, 0.0
    for each in np.unique(season):
        own = shares[season == each][np.argsort(ordinal[season == each])]
        size = len(own)
        total += sum(np.sign(own[i + 1 :] - own[i]).sum() for i in range(size - 1))
        ties = np.unique(own, return_counts=True)[1]
        variance += (size * (size - 1) * (2 * size + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    if variance <= 0:
        return np.nan
    from scipy.special import ndtr

    return float(min(1.0, 2 * ndtr(-max(abs(total) - 1, 0) / np.sqrt(variance))))


def _verdicts(table, enough, act_at):
    moved = table["p_adjusted"] <= act_at
    cases = {
        "too_short": pd.Series(not enough, index=table.index),
        "too_few": table["p_value"].isna(),
        "trend_up": moved & (table["per_year"] > 0),
        "trend_down": moved & (table["per_year"] < 0),
    }
    return np.select(list(cases.values()), list(cases), default="no_signal")
