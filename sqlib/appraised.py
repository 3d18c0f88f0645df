"""The appraisals of a period as methods take them: judged ratings by others, self-ratings, scores by formula, and all
that makes a total."""

import pandas as pd

from sqlib import answers

POINTS = (0.0, 100.0)  # what mixed scales are put on
RATING = ["ratee_id", "rater_id", "criterion_id", "score", "period", "rated_on", "team", "department", "site",
          "rater_role", "rater_source", "comment", "weight", "scale_min", "scale_max", "appraisal_id"]  # fmt: skip
WHOLE = "–"  # the criterion of a rating that names none: one overall rating
PLACES = ["team", "department", "site", "manager_id"]
SCHEME = {"ratee_id": "ratee", "criterion_id": "criterion", "rater_id": "rater", "rater_role": "role",
          "scale_max": "full_marks", "scale_min": "low", "reported_total": "reported"}  # fmt: skip
MOVES = ("deduction", "bonus", "veto")
ACCOUNT = ["kind", "rows", "people"]


def placed(appraisals: pd.DataFrame, staff: pd.DataFrame | None) -> pd.DataFrame:
    """Appraisals with ``kind`` (judged | formula | deduction | bonus | veto), the ratee's team, department and site of
    the day, ``rated_on`` where only the cycle is known, and the rater where the role says it is the line manager.

    ``rater_source``: named | line_manager | missing.
    """
    kind = (
        appraisals["criterion_type"].fillna("judged").where(~appraisals["scoring"].isin(MOVES), appraisals["scoring"])
    )
    frame = appraisals.assign(kind=kind, rated_on=appraisals["rated_on"].fillna(appraisals["counted_on"]))
    posts = answers.posts(frame["ratee_id"], frame["counted_on"], staff)
    for name in ("team", "department", "site"):
        own = frame[name] if name in frame else pd.Series(pd.NA, index=frame.index, dtype="str")
        frame[name] = posts[name].fillna(own)
    manager = posts["manager_id"].where(frame["rater_role"].eq("manager").fillna(False) & frame["rater_id"].isna())
    source = frame["rater_id"].notna().map({True: "named", False: "missing"}).mask(manager.notna(), "line_manager")
    return frame.assign(rater_id=frame["rater_id"].fillna(manager), rater_source=source)


def _own(frame: pd.DataFrame) -> pd.Series:
    return frame["rater_role"].eq("self").fillna(False) | frame["rater_id"].eq(frame["ratee_id"]).fillna(False)


def _judged(frame: pd.DataFrame) -> pd.Series:
    return frame["kind"].eq("judged") & frame["score"].notna()


def mixed(frame: pd.DataFrame) -> bool:
    """Were the judged criteria scored on different scales?"""
    return len(frame.loc[_judged(frame), ["scale_min", "scale_max"]].drop_duplicates()) > 1


def scale(frame: pd.DataFrame) -> tuple[float, float] | None:
    """The scale of the judged ratings as read: the client's own where there is one, else points of 100."""
    if mixed(frame):
        return POINTS
    ends = frame.loc[_judged(frame), ["scale_min", "scale_max"]].dropna()
    return (float(ends.iloc[0, 0]), float(ends.iloc[0, 1])) if len(ends) else None


def judged(frame: pd.DataFrame) -> pd.DataFrame:
    """Judged ratings by others whose rater is known, columns ``RATING``; ``score`` on the scale of :func:`scale`."""
    return _ratings(frame, _judged(frame) & ~_own(frame) & frame["rater_id"].notna())


def self_ratings(frame: pd.DataFrame) -> pd.DataFrame:
    """What people judged of themselves, on the scale of the others."""
    return _ratings(frame, _judged(frame) & _own(frame))


def formula_scores(frame: pd.DataFrame) -> pd.DataFrame:
    """Scores computed from data, as delivered."""
    return frame.loc[frame["kind"].eq("formula") & frame["score"].notna(), RATING].reset_index(drop=True)


def scheme_scores(frame: pd.DataFrame) -> pd.DataFrame:
    """Every row that makes a total, as ``scheme.totals`` takes it; who rated himself has the role self."""
    named = frame.assign(rater_role=frame["rater_role"].mask(_own(frame), "self")).rename(columns=SCHEME)
    kept = [*SCHEME.values(), "kind", "score", "period", "weight", "reported_tier", "team", "department", "site"]
    used = named["score"].notna() | named["reported"].notna() | named["reported_tier"].notna()
    return named.loc[used, kept].reset_index(drop=True)


def account(frame: pd.DataFrame) -> pd.DataFrame:
    """Where the rows went, columns ``ACCOUNT``: judged, self, formula, deduction, bonus, veto, no_rater, no_score."""
    kind = (
        frame["kind"]
        .mask(_judged(frame) & frame["rater_id"].isna(), "no_rater")
        .mask(_judged(frame) & _own(frame), "self")
    )
    kind = kind.mask(frame["score"].isna(), "no_score")
    found = frame.groupby(kind.rename("kind"), sort=True).agg(rows=("kind", "size"), people=("ratee_id", "nunique"))
    return found.reset_index()[ACCOUNT]


def _ratings(frame: pd.DataFrame, kept: pd.Series) -> pd.DataFrame:
    rows = frame[kept]
    rows = rows.assign(score=rows["points"]) if mixed(frame) else rows
    months = rows["rated_on"].dt.strftime("%Y-%m")
    rows = rows.assign(criterion_id=_filled(rows["criterion_id"], WHOLE), period=_filled(rows["period"], months))
    return rows.loc[rows["score"].notna(), RATING].reset_index(drop=True)


def _filled(column: pd.Series, value) -> pd.Series:
    return column.astype("str").fillna(value) if column.isna().any() else column


VIEWS = {  # what a page may read beside the table itself
    "judged": judged,
    "self_ratings": self_ratings,
    "formula_scores": formula_scores,
    "scheme_scores": scheme_scores,
    "appraisal_account": account,
    "phrase_ratings": None,  # by the phrases a person approved, see phrase_levels
}
