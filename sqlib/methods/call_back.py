"""Customers to call back: a low score and no case opened for it."""

from dataclasses import dataclass

import pandas as pd

LOW_PART = 0.25  # a score in the lowest quarter of its scale is low (1 and 2 of 1-5, 1-3 of 1-10); NPS: a detractor
DETRACTOR = 6
CASE_BEFORE = pd.Timedelta(days=7)  # the case that the score complains about may be open already
CASE_AFTER = pd.Timedelta(days=30)


@dataclass(frozen=True)
class CallBackResult:
    """``table``: feedback_id, customer_id, received_at, metric, score, comment; the lowest scores first.

    ``low`` answers with a low score, ``without_case`` of them with no case of that customer from 7 days before to
    30 days after, ``n`` answers with a score. Where there is no table of cases, or no low score has both a customer and
    a date to match one by, all of them are listed: caution ``no_cases``.
    """

    table: pd.DataFrame
    low: int
    without_case: int
    n: int
    cautions: tuple[str, ...]


def call_back(
    answers: pd.DataFrame, cases: pd.DataFrame | None = None, *, best: dict[str, str] | None = None
) -> CallBackResult:
    """List the low scores nobody seems to have followed up.

    Parameters
    ----------
    answers : metric, score, scale_min, scale_max, customer_id, received_at, comment, feedback_id
    cases : customer_id, created_at; None where the client has no table of cases
    best : metric -> "high" or "low", which end of the scale is good
    """
    scored = answers[answers["score"].notna()]
    low = scored[_is_low(scored, best or {})]
    matched = cases is not None and (low.empty or low[["customer_id", "received_at"]].notna().all(axis=1).any())
    listed = low[~_has_case(low, cases)] if matched else low
    columns = ["feedback_id", "customer_id", "received_at", "metric", "score", "comment"]
    table = listed.assign(_depth=_goodness(listed, best or {})).sort_values(["_depth", "feedback_id"])[columns]
    cautions = () if matched else ("no_cases",)
    return CallBackResult(table.reset_index(drop=True), len(low), len(listed), len(scored), cautions)


def _goodness(scored: pd.DataFrame, best: dict[str, str]) -> pd.Series:
    """Place on the scale, 0 worst to 1 best."""
    place = (scored["score"] - scored["scale_min"]) / (scored["scale_max"] - scored["scale_min"])
    turned = scored["metric"].map(best).eq("low")
    return place.where(~turned, 1 - place)


def _is_low(scored: pd.DataFrame, best: dict[str, str]) -> pd.Series:
    promoter = scored["metric"].eq("nps")
    return (promoter & scored["score"].le(DETRACTOR)) | (~promoter & _goodness(scored, best).le(LOW_PART))


def _has_case(low: pd.DataFrame, cases: pd.DataFrame) -> pd.Series:
    pairs = (
        low[["customer_id", "received_at"]]
        .reset_index(names="_row")
        .merge(cases[["customer_id", "created_at"]].dropna(), on="customer_id")
    )
    gap = pairs["created_at"] - pairs["received_at"]
    near = pairs[(gap >= -CASE_BEFORE) & (gap <= CASE_AFTER)]
    return pd.Series(low.index.isin(near["_row"]), index=low.index)
