"""People with and without the measure: coverage; the weakest quarter without control; several places pooled."""

from functools import partial

import numpy as np
import pandas as pd

from benchmarks.effects_parts.common import Cell, Figure, mean, share
from sqlib.methods import pre_post
from sqlib.methods.meta_analysis import meta_analysis
from sqlib.methods.samples import t_value

PEOPLE = ((30, 30, 0.5), (60, 60, 0.5), (20, 60, 0.7))  # treated, compared, correlation
TEAMS = ((5, 5, True), (8, 8, True), (5, 15, True), (12, 12, False))  # teams, and whether whole teams are treated
RETESTS = (0.3, 0.5, 0.7)
PLACES = ((3, 0.0), (3, 0.5), (5, 0.5), (10, 0.5), (10, 1.0))  # places, standard deviation between them
PROMISE = {"low": 0.92}


def ancova(rng, treated, compared, correlation, effect=0.0, spread=1.0):
    """The Effect of ``pre_post`` on people whose treated vary ``spread`` times as much after the measure."""
    side = np.repeat([1, 0], [treated, compared])
    before = rng.standard_normal(len(side))
    noise = np.sqrt(1 - correlation**2) * np.where(side, spread, 1.0) * rng.standard_normal(len(side))
    table = pd.DataFrame({"before": before, "after": correlation * before + noise + effect * side, "group": side})
    return pre_post.estimate(table.reset_index(), person="index", before="before", after="after", group="group").effect


def arms(runs, seed, *, treated, compared, correlation) -> pd.DataFrame:
    def held(spread, run):
        found = ancova(np.random.default_rng([seed, run]), treated, compared, correlation, spread=spread)
        return found.low <= 0 <= found.high

    return pd.DataFrame({"even": [held(1.0, run) for run in runs], "uneven": [held(1.5, run) for run in runs]})


def teams(runs, seed, *, treated, compared, whole) -> pd.DataFrame:
    """Teams of 4 to 12 people that share a quarter of the variance; HC3 as if people were independent beside."""
    rows = []
    for run in runs:
        found = _in_teams(np.random.default_rng([seed, run]), treated, compared, whole)
        hc3 = found.details.set_index("name").at["hc3_se", "estimate"]
        half = t_value(0.05, found.treated + found.compared - 3) * hc3
        rows.append({"covered": found.low <= 0 <= found.high, "alone": abs(found.effect) <= half})
    return pd.DataFrame(rows)


def _in_teams(rng, treated, compared, whole):
    size = rng.integers(4, 13, treated + compared)
    team = np.repeat(np.arange(len(size)), size)
    side = (team < treated).astype(int) if whole else rng.integers(0, 2, len(team))
    shared = rng.standard_normal((2, len(size)))[:, team] / 2
    before = shared[0] + np.sqrt(0.75) * rng.standard_normal(len(team))
    after = 0.5 * before + shared[1] + np.sqrt(0.75) * rng.standard_normal(len(team))
    table = pd.DataFrame({"before": before, "after": after, "group": side, "team": team}).reset_index()
    columns = {"person": "index", "before": "before", "after": "after", "group": "group", "cluster": "team"}
    return pre_post.estimate(table, **columns).effect


def weakest(runs, seed, *, retest) -> pd.DataFrame:
    """The weakest quarter of 160 trained with no effect and no control."""
    rows = []
    for run in runs:
        rng = np.random.default_rng([seed, run])
        before = rng.standard_normal(160)
        after = retest * before + np.sqrt(1 - retest**2) * rng.standard_normal(160)
        chosen = np.argsort(before)[:40]
        table = pd.DataFrame({"person": chosen, "before": before[chosen], "after": after[chosen]})
        found = pre_post.describe(table, person="person", before="before", after="after", retest=retest,
                                  everybody=before)  # fmt: skip
        said = found.table.iloc[0]
        rows.append({"gain": said["gain"], "beyond": said["beyond"], "clear": said["low"] > 0,
                     "called": found.verdict != "cannot_tell"})  # fmt: skip
    return pd.DataFrame(rows)


def places(runs, seed, *, k, tau) -> pd.DataFrame:
    """The mean, a further place by the prediction, and the places' own effects by the shrunk ones."""
    rows = []
    for run in runs:
        rng = np.random.default_rng([seed, run])
        true, error = 0.5 + tau * rng.standard_normal(k + 1), rng.uniform(0.2, 0.8, k)
        found = meta_analysis(true[:k] + error * rng.standard_normal(k), error)
        own = found.table["shrunk_low"].le(true[:k]) & found.table["shrunk_high"].ge(true[:k])
        rows.append({"mean": found.low <= 0.5 <= found.high, "shrunk": own.mean(),
                     "prediction": found.prediction_low <= true[k] <= found.prediction_high})  # fmt: skip
    return pd.DataFrame(rows)


def _arms(table) -> list[Figure]:
    return [share(table["even"], "coverage", **PROMISE),
            share(table["uneven"], "treated spread 1.5 times", **PROMISE)]  # fmt: skip


def _teams(table) -> list[Figure]:
    return [share(table["covered"], "coverage", **PROMISE), share(table["alone"], "people taken as independent")]


def _weakest(table) -> list[Figure]:
    return [share(table["called"], "called anything", high=0.0), mean(table["gain"], "gain, sd"),
            mean(table["beyond"], "beyond regression, sd"), share(table["clear"], "gain clear of 0")]  # fmt: skip


def _places(table) -> list[Figure]:
    return [share(table["mean"], "mean", **PROMISE), share(table["prediction"], "a further place", **PROMISE),
            mean(table["shrunk"], "shrunk", **PROMISE)]  # fmt: skip


CELLS = (
    *(Cell("coverage, people", f"{treated}/{compared}, r {correlation}",
           partial(arms, treated=treated, compared=compared, correlation=correlation), _arms, runs=1000, batch=50)
      for treated, compared, correlation in PEOPLE),
    *(Cell("coverage, teams", f"{treated}/{compared}" + ("" if whole else ", people of a team on both sides"),
           partial(teams, treated=treated, compared=compared, whole=whole), _teams, runs=1000, batch=50)
      for treated, compared, whole in TEAMS),
    *(Cell("weakest quarter trained, no effect, no control", f"test-retest {retest}", partial(weakest, retest=retest),
           _weakest, runs=1000, batch=100) for retest in RETESTS),
    *(Cell("coverage, several places", f"{k} places, sd {tau}", partial(places, k=k, tau=tau), _places, runs=1000,
           batch=50) for k, tau in PLACES),
)  # fmt: skip
