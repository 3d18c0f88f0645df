"""What followed an appraisal: talks held in time, appeals upheld, comments that say something, packs read.

Everything is counted from the client's own records, so the counts are exact; the intervals say what the next period
may look like under the same habits. Talks not yet held on ``as_of`` are no failures: the share held by a day is
Kaplan and Meier's (1958, JASA 53:457), and a talk counts as late only once its term is over.
"""

import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib import disclosure
from sqlib.errors import MethodRefused
from sqlib.methods import means, proportions, samples

LEAST_TEXT = 8  # Chinese characters, or Latin words counted twice, below which a comment has no substance
COPIED = 2  # people of whom a rater says word for word the same
FEW_APPEALS = 3  # upheld appeals below which nothing is said of the raters
TOPICS = ("appraisal", "evaluation")

MEASURES = (
    "talk_in_time", "appealed", "upheld", "substance", "copied", "delivered", "read", "useful", "understood"
)  # fmt: skip
COLUMNS = [
    "measure", "successes", "n", "clusters", "estimate", "low", "high", "unit", "target", "p_value", "p_second",
    "verdict",
]  # fmt: skip
TEAMS = ["team", "people", "due", "successes", "n", "estimate", "low", "high", "open", "median_days", "verdict"]
SEVERITY = ["severity", "severity_low", "severity_high"]
RATERS = ["rater_id", "people", "appeals", "upheld", "commented", "substance", "substance_low", "substance_high",
          "copied", *SEVERITY]  # fmt: skip


@dataclass(frozen=True)
class AppraisalFollowUpResult:
    """``table``, one row a measure the data hold, columns ``COLUMNS``: talk_in_time (of the talks whose term is over,
    or held), appealed (of the people appraised), upheld (of the appeals decided), substance and copied (of the
    comments a rater owed: one a person; of those written), delivered (of the packs meant), read (of those delivered),
    useful (mean 1–5), understood. ``successes`` and ``n`` are exact counts; verdict: met | missed | unclear | no_target
    for talk_in_time, else no_target; hidden (pulse of fewer than ``min_group`` answers).

    ``teams``, columns ``TEAMS``: people, due (term over or talk held), successes, n, estimate with limits, open (due
    and not held), median_days (Kaplan–Meier; NaN while fewer than half were held); verdict as above or hidden;
    empty where no talk is due.
    ``curve``: day, held (share of talks held by then), low, high, at_risk. ``raters``, columns ``RATERS``: per rater
    people appraised, appeals about their ratings, upheld, comments of substance and copied (shares), severity against
    the other raters.
    ``severity``: one row, estimate (mean severity of the raters of people whose appeal was upheld, less that of
    everybody else's), low, high, n, n_upheld, p_value; empty where fewer than 3 appeals were upheld or no severities
    are known.

    ``n`` people appraised (person by period), ``open`` talks due and not held, ``within`` days; ``cautions`` among
    few_clusters, talk_before_result, no_dates (of results, or of any talk), future_talk (after as_of: taken as not yet
    held).
    """

    table: pd.DataFrame
    teams: pd.DataFrame
    curve: pd.DataFrame
    raters: pd.DataFrame
    severity: pd.DataFrame
    n: int
    open: int
    within: int
    target: float
    confidence: float
    min_group: int
    cautions: tuple[str, ...]


def appraisal_follow_up(
    appraisals, *, as_of, within, team="team", target=None, raters=None, communications=None, pulse=None, stock=(),
    topics=TOPICS, min_group=5, confidence=0.95, seed=0,
) -> AppraisalFollowUpResult:  # fmt: skip
    """Count what followed the appraisals.

    Parameters
    ----------
    appraisals : one row a score: period, ratee_id, rater_id; result_on and feedback_talk_on (dates), appeal and
        appeal_upheld (0/1), comment, rater_role and `team` are used where they stand
    as_of : the day up to which the records speak; within : days from the result to the talk; target : share in time
    raters : ``raters`` of a calibration: rater_id, severity (low, high), difference (likewise, shown where there);
        None: nothing is said of severity
    communications : topic, audience_n, reached_n, acknowledged_n; those whose topic is in `topics` are packs
    pulse : about, useful (1–5), understood (0/1); those about one of `topics`
    stock : phrases that say nothing ("keep it up"), in any writing; a comment that is one of them has no substance
    min_group : teams of fewer people are hidden, and answers of fewer

    The talk is the manager's, a comment the rater's, none on oneself: people of one are a cluster, where there are 10
    or more; fewer tell nothing of how they differ, so people then count singly, with the caution few_clusters.
    Raises MethodRefused: appraisal_follow_up.nothing
    (no row with a person), samples.*. Checked against the remission times of Freireich et al. (1963).
    """
    samples.require(appraisals, "period", "ratee_id", "rater_id")
    rows = appraisals.dropna(subset=["ratee_id", "period"])
    if rows.empty:
        raise MethodRefused("appraisal_follow_up.nothing", rows=len(appraisals))
    people = _people(rows, team, pd.Timestamp(as_of), within)
    by_others = rows[rows["rater_id"] != rows["ratee_id"]]
    comments = _comments(by_others, stock)
    listed = [
        *_shares(_due(people), ("in_time",), ("talk_in_time",), "holder", confidence, target),
        *_shares(people, ("appeal", "upheld"), ("appealed", "upheld"), None, confidence),
        *_shares(comments, ("substance", "copied"), ("substance", "copied"), "rater_id", confidence),
        *_packs(communications, topics, confidence),
        *_answers(pulse, topics, min_group, confidence),
    ]
    return AppraisalFollowUpResult(
        table=pd.DataFrame(listed, columns=COLUMNS),
        teams=_teams(people, target, min_group, confidence),
        curve=_curve(people, confidence),
        raters=_raters(by_others, people, comments, raters, confidence),
        severity=_severity(by_others, people, raters, confidence, seed),
        n=len(people),
        open=int(people["open"].sum()),
        within=within,
        target=np.nan if target is None else float(target),
        confidence=confidence,
        min_group=min_group,
        cautions=_cautions(people),
    )


# --- people: one row a person and period -----------------------------------------------------------------------


def _people(rows, team, as_of, within):
    """ratee_id, period, team, holder; days to the talk and whether held by ``as_of``, due, in_time; appeal, upheld."""
    keys = ["ratee_id", "period"]
    whole = rows.groupby(keys, sort=True)
    found = whole.size().rename("ratings").reset_index()
    result, talk = (_dates(rows, whole, name) for name in ("result_on", "feedback_talk_on"))
    held = talk.notna() & (talk <= as_of)
    days = (talk.where(held, as_of) - result).dt.days.astype(float)
    known = result.notna() & (result <= as_of) & talk.notna().any()  # no day at all: talks are not recorded
    held, days = held & known, days.where(known)
    due = known & (held | (days > within))
    found = found.assign(team=_first(rows, whole, team), holder=_holder(rows, found, keys), held=held,
                         early=days < 0, days=days.clip(lower=0), due=due, open=due & ~held,
                         future=talk.notna() & (talk > as_of), known=known)  # fmt: skip
    found["in_time"] = (held & (days <= within)).astype(float).where(due)
    for name, column in (("appeal", "appeal"), ("upheld", "appeal_upheld")):
        found[name] = (
            whole[column].max().astype("Float64").to_numpy(float, na_value=np.nan) if column in rows else np.nan
        )
    found["upheld"] = found["upheld"].where(found["appeal"].eq(1))
    return found


def _dates(rows, whole, name):
    """Earliest date of every person."""
    if name not in rows:
        return pd.Series(pd.NaT, range(whole.ngroups), dtype="datetime64[ns]")
    return (
        pd.to_datetime(rows[name]).groupby([rows["ratee_id"], rows["period"]], sort=True).min().reset_index(drop=True)
    )


def _first(rows, whole, name):
    return whole[name].first().to_numpy() if name in rows else pd.NA


def _holder(rows, found, keys):
    """Who owes the talk: the manager among a person's raters, else the one who rated most."""
    leads = rows["rater_role"].eq("manager") if "rater_role" in rows else pd.Series(False, rows.index)
    counted = rows.assign(_leads=leads).groupby([*keys, "rater_id"])["_leads"].agg(["any", "size"]).reset_index()
    last = counted.sort_values(["any", "size"], kind="stable").drop_duplicates(keys, keep="last")
    return found[keys].merge(last, on=keys, how="left")["rater_id"].to_numpy()


def _due(people):
    return people[people["due"]]


# --- shares ----------------------------------------------------------------------------------------------------


def _shares(rows, columns, measures, cluster, confidence, target=None):
    """A row of the table for every column that holds anything."""
    if cluster is not None and rows[cluster].nunique() < samples.FEW_CLUSTERS:
        cluster = None
    told = [(column, name) for column, name in zip(columns, measures, strict=True) if rows[column].notna().any()]
    return [_share(rows, column, name, cluster, confidence, target) for column, name in told]


def _share(rows, column, measure, cluster, confidence, target=None):
    found = proportions.share(rows, outcome=column, cluster=cluster, target=target, confidence=confidence).table.iloc[0]
    row = {name: found[name] for name in COLUMNS if name in found}
    return row | {"measure": measure, "unit": "percent", "verdict": _verdict(found, target)}


def _verdict(row, target) -> str:
    if target is None:
        return "no_target"
    return "met" if row["low"] >= target else "missed" if row["high"] < target else "unclear"


def _packs(communications, topics, confidence):
    """Packs delivered of those meant, and read of those delivered."""
    if communications is None:
        return []
    samples.require(communications, "topic", "audience_n", "reached_n", "acknowledged_n")
    sent = communications[communications["topic"].isin(topics)].reset_index(drop=True)
    steps = {"delivered": ("reached_n", "audience_n"), "read": ("acknowledged_n", "reached_n")}
    rows = {name: _spread_out(sent, *columns) for name, columns in steps.items()}
    return [_share(each, "done", name, None, confidence) for name, each in rows.items() if len(each)]


def _spread_out(sent, done, of):
    """One row a pack: did it get there?"""
    counts = sent[[done, of]].apply(pd.to_numeric).dropna().astype(int)
    wrong = counts[(counts[done] > counts[of]) | (counts[done] < 0)]
    if len(wrong):
        raise MethodRefused("appraisal_follow_up.more_than_all", rows=len(wrong), done=done, of=of)
    many = int(counts[of].sum())
    return pd.DataFrame({"done": (np.arange(many) < counts[done].sum()).astype(float)})


def _answers(pulse, topics, min_group, confidence):
    """Mean usefulness and share that understood; hidden where too few answered."""
    if pulse is None:
        return []
    samples.require(pulse, "about")
    asked = pulse[pulse["about"].isin(topics)]
    rows = _shares(asked, ("understood",), ("understood",), None, confidence) if "understood" in asked else []
    if "useful" in asked and asked["useful"].notna().any():
        found = means.mean(asked, value="useful", scale=(1.0, 5.0), confidence=confidence).table.iloc[0]
        row = {name: found[name] for name in COLUMNS if name in found}
        rows = [row | {"measure": "useful", "unit": "score", "verdict": "no_target"}, *rows]
    blank = dict.fromkeys(("successes", "estimate", "low", "high"), np.nan) | {"verdict": "hidden"}
    return [row | blank if row["n"] < min_group else row for row in rows]


# --- teams and the course of time ------------------------------------------------------------------------------


def _teams(people, target, min_group, confidence):
    if not people["due"].any():
        return pd.DataFrame(columns=TEAMS)
    rows = []
    for name, own in people.groupby("team", sort=False):
        due = _due(own)
        low, high = proportions.wilson(due["in_time"].sum(), len(due), confidence=confidence)
        row = {"team": name, "people": own["ratee_id"].nunique(), "due": len(due), "n": len(due), "low": float(low),
               "high": float(high), "successes": due["in_time"].sum(), "open": own["open"].sum(),
               "median_days": _median(own), "estimate": due["in_time"].mean() if len(due) else np.nan}  # fmt: skip
        rows.append(row | {"verdict": _verdict(row, target) if len(due) else "too_few"})
    table = pd.DataFrame(rows, columns=TEAMS)
    if table.empty:
        return table
    numbers = [name for name in TEAMS if name not in ("team", "people", "verdict")]
    shown = disclosure.suppress(table, n="people", min_group=min_group, numbers=numbers)
    return shown.assign(verdict=shown["verdict"].mask(shown["hidden"], "hidden")).drop(columns="hidden")


def _survival(people):
    """Kaplan–Meier curve of the days to the talk; None where nobody has a result."""
    own = people[people["days"].notna()]
    if own.empty or not own["held"].any():
        return None
    from statsmodels.duration.survfunc import SurvfuncRight

    return SurvfuncRight(own["days"].to_numpy(), own["held"].astype(int).to_numpy())


def _median(people) -> float:
    curve = _survival(people)
    return np.nan if curve is None else float(curve.quantile(0.5))


def _curve(people, confidence):
    """Share of talks held by day; limits on the log-log scale (Kalbfleisch & Prentice 2002, p. 18)."""
    curve = _survival(people)
    if curve is None:
        return pd.DataFrame(columns=["day", "held", "low", "high", "at_risk"])
    left, error = curve.surv_prob, curve.surv_prob_se
    inside = (left > 0) & (left < 1)
    log = np.log(np.where(inside, left, 0.5))
    reach = samples.z_value(1 - confidence) * np.where(inside, error, 0.0) / (np.where(inside, left, 0.5) * log)
    ends = [np.where(inside, np.exp(log * np.exp(side * reach)), left) for side in (-1, 1)]
    low, high = (1 - np.max(ends, axis=0), 1 - np.min(ends, axis=0))
    return pd.DataFrame({"day": curve.surv_times, "held": 1 - left, "low": low, "high": high,
                         "at_risk": curve.n_risk})  # fmt: skip


# --- comments and raters ---------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """A comment without spaces, punctuation, case and width: what two copies have in common."""
    text = unicodedata.normalize("NFKC", str(text)).casefold()
    return "".join(letter for letter in text if unicodedata.category(letter)[0] in "LN")


def length(text: str) -> int:
    """How much a comment says: Chinese characters, and Latin words counted twice."""
    text = unicodedata.normalize("NFKC", str(text))
    han = sum("CJK" in unicodedata.name(letter, "") for letter in text)
    latin = "".join(" " if "CJK" in unicodedata.name(letter, "") or not letter.isalnum() else letter for letter in text)
    return han + 2 * len(latin.split())


def _comments(rows, stock):
    """One row a rater and person: does what the rater wrote say something, and is it said of others too?"""
    keys = ["rater_id", "ratee_id", "period"]
    text = rows["comment"] if "comment" in rows else pd.Series(pd.NA, rows.index, dtype="string")
    text = text.astype("string").fillna("").str.strip()
    rows = rows[keys].assign(text=text).drop_duplicates()
    whole = rows.groupby(keys, sort=True)["text"].agg(" ".join).reset_index()
    whole["plain"] = whole["text"].map(plain)
    written = whole["plain"].ne("")
    of = whole[written].groupby(["rater_id", "plain"])["ratee_id"].transform("nunique").reindex(whole.index)
    said = {plain(phrase) for phrase in stock}
    copied = of >= COPIED
    enough = (whole["text"].map(length) >= LEAST_TEXT) & ~whole["plain"].isin(said) & ~copied
    enough = enough.astype(float) if written.any() else pd.Series(np.nan, whole.index)
    return whole.assign(written=written, substance=enough,
                        copied=copied.astype(float).where(written))  # fmt: skip


def _raters(rows, people, comments, raters, confidence):
    """What followed the ratings of each rater."""
    pairs = rows[["rater_id", "ratee_id", "period"]].drop_duplicates()
    own = pairs.merge(people[["ratee_id", "period", "appeal", "upheld"]], on=["ratee_id", "period"])
    table = own.groupby("rater_id").agg(
        people=("ratee_id", "nunique"), appeals=("appeal", "sum"), upheld=("upheld", "sum")
    )
    said = comments.groupby("rater_id").agg(
        commented=("written", "sum"), of=("written", "size"), good=("substance", "sum"), copied=("copied", "mean")
    )
    table = table.join(said)
    low, high = proportions.wilson(table["good"], table["of"], confidence=confidence)
    any_comment = comments["written"].any()
    table = table.assign(substance=table["good"] / table["of"], substance_low=low, substance_high=high)
    if not any_comment:
        table[["substance", "substance_low", "substance_high", "copied"]] = np.nan
    known = None if raters is None else raters.set_index("rater_id")
    beside = known is not None and "difference" in known  # what a rater's verdict rests on
    ends = [f"difference{end}" for end in ("", "_low", "_high")] if beside else ["severity", "low", "high"]
    for name, source in zip(SEVERITY, ends, strict=True):
        table[name] = np.nan if known is None else known[source].reindex(table.index)
    return table.reset_index()[RATERS]


def _severity(rows, people, raters, confidence, seed):
    """Are the raters of people whose appeal was upheld more severe than everybody else's?"""
    columns = ["estimate", "low", "high", "n", "n_upheld", "p_value"]
    upheld = people["upheld"].eq(1)
    if raters is None or upheld.sum() < FEW_APPEALS or (~upheld).sum() < FEW_APPEALS:
        return pd.DataFrame(columns=columns)
    own = rows[["rater_id", "ratee_id", "period"]].drop_duplicates()
    own = own.assign(severity=own["rater_id"].map(raters.set_index("rater_id")["severity"]))
    mean = own.groupby(["ratee_id", "period"])["severity"].mean()
    data = people.set_index(["ratee_id", "period"]).assign(
        severity=mean, upheld=np.where(upheld, "upheld", "rest")
    ).reset_index()  # fmt: skip
    if data["severity"].isna().all():
        return pd.DataFrame(columns=columns)
    found = means.difference(data, value="severity", group="upheld", first="rest", second="upheld", cluster="holder",
                             confidence=confidence, seed=seed).table.iloc[0]  # fmt: skip
    return pd.DataFrame([[*found[["estimate", "low", "high", "n", "n_second", "p_value"]]]], columns=columns)


def _cautions(people):
    tests = {
        "few_clusters": people.loc[people["due"], "holder"].nunique() < samples.FEW_CLUSTERS,
        "talk_before_result": people["early"].any(),
        "no_dates": not people["known"].any(),
        "future_talk": people["future"].any(),
    }
    return tuple(code for code, holds in tests.items() if holds)
