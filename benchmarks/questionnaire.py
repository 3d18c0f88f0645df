"""Do the intervals of alpha and omega cover, and does the trend test stay silent where nothing moves?

    python benchmarks/questionnaire.py [--runs 2000] [--only alpha|omega|trend]

One line per situation: what was reached and the bounds it must keep. Exit status 1 if one is missed.
"""

import argparse
import sys

import numpy as np
import pandas as pd

from sqlib.methods import internal_consistency, theme_trends

CUTS = {"even": (-1.2, -0.4, 0.4, 1.2), "skewed": (-2.0, -1.6, -1.0, -0.2)}
KNOWN = 400_000  # rows the true coefficient is read from


def scores(rng, n, *, loadings, cuts, each=1):
    """(answers on 1..5, customer): one factor, `each` answers a customer who shares half of his factor."""
    owner = np.arange(n) // each
    factor = rng.standard_normal(n)
    if each > 1:
        factor = (factor + rng.standard_normal(n)[owner]) / np.sqrt(2)
    loadings = np.asarray(loadings)
    latent = factor[:, None] * loadings + rng.standard_normal((n, len(loadings))) * np.sqrt(1 - loadings**2)
    return np.digitize(latent, CUTS[cuts]).astype(float), owner


SCALES = {"even items": (0.7,) * 5, "uneven items": (0.9, 0.8, 0.6, 0.5, 0.3), "ten items": (0.6,) * 10}


def known(loadings, cuts):
    """Covariance matrix of so many answers that its coefficient may be called the true one."""
    return np.cov(scores(np.random.default_rng(1), KNOWN, loadings=loadings, cuts=cuts)[0].T)


def alpha_intervals(x, owner):
    """Limits by three ways: ours, Bonett's and Feldt's."""
    from scipy.stats import f, norm

    n, k = x.shape
    estimate = internal_consistency.alpha(np.cov(x.T))
    half = norm.ppf(0.975) * np.sqrt(2 * k / ((k - 1) * (n - 2)))
    ends = f.ppf([0.975, 0.025], n - 1, (n - 1) * (k - 1))
    return {
        "ours": internal_consistency.alpha_interval(x, owner, 0.05),
        "bonett": (1 - (1 - estimate) * np.exp(half), 1 - (1 - estimate) * np.exp(-half)),
        "feldt": tuple(1 - (1 - estimate) * ends),
    }


def alpha_coverage(runs, seed=0):
    """Coverage of 95 % intervals of alpha; only ours is held to bounds."""
    for place, (name, loadings) in enumerate(SCALES.items()):
        for cuts in CUTS:
            truth = internal_consistency.alpha(known(loadings, cuts))
            for n, each in ((40, 1), (100, 1), (400, 1), (120, 3)):
                rng = np.random.default_rng([seed, place, n, each])
                hits = {"ours": 0, "bonett": 0, "feldt": 0}
                for _ in range(runs):
                    x, owner = scores(rng, n, loadings=loadings, cuts=cuts, each=each)
                    if (x.std(0) == 0).any():
                        continue
                    for way, (low, high) in alpha_intervals(x, owner).items():
                        hits[way] += low <= truth <= high
                reached = {way: count / runs for way, count in hits.items()}
                bounds = (0.88 if n == 40 else 0.90, 0.985)
                yield f"alpha {name}, {cuts}, n {n}, {each} each", reached.pop("ours"), bounds, reached


def omega_coverage(runs, seed=0):
    """Coverage of 95 % intervals of omega."""
    for place, (name, loadings) in enumerate(SCALES.items()):
        for cuts in CUTS:
            truth = internal_consistency.omega(known(loadings, cuts))
            for n, each in ((100, 1), (400, 1), (120, 3)):
                rng = np.random.default_rng([seed, place, n, each])
                hits = 0
                for run in range(runs):
                    x, owner = scores(rng, n, loadings=loadings, cuts=cuts, each=each)
                    row = internal_consistency._omega_row(x, owner, internal_consistency._draws(x, owner, run), 0.95)
                    hits += row["omega_low"] <= truth <= row["omega_high"]
                yield f"omega {name}, {cuts}, n {n}, {each} each", hits / runs, (0.88, 0.99), {}


def history(rng, *, months, a_month, rates, wobble=0.0, per_customer=1, season=0.0, rise=0.0):
    """Comments of some months; theme k is raised at rates[k]. `wobble`: sd of the months' own logit; `season`: height
    of a yearly wave in logits; `rise`: logits a year of theme 0; answers of one customer copy each other half the time.
    """
    month = np.repeat(np.arange(months), rng.poisson(a_month, months))
    who = rng.integers(0, max(len(month) // per_customer, 1), len(month))
    names = [f"t{place}" for place in range(len(rates))]
    said = np.full(len(month), "x", dtype=object)
    for place, (name, rate) in enumerate(zip(names, rates, strict=True)):
        logit = np.log(rate / (1 - rate)) + wobble * rng.standard_normal(months)
        logit += season * np.sin(2 * np.pi * (np.arange(months) + 12 * rng.random()) / 12)
        logit += (rise * (np.arange(months) - months / 2) / 12) if place == 0 else 0.0
        own, common = rng.random(len(month)), rng.random(len(month))[who]
        copied = rng.random(len(month)) < 0.5 if per_customer > 1 else np.zeros(len(month), dtype=bool)
        raised = np.where(copied, common, own) < 1 / (1 + np.exp(-logit[month]))
        said = np.where(raised, said + f" {name}", said)
    starts = pd.period_range("2024-01", periods=months, freq="M").to_timestamp()
    return pd.DataFrame({"comment": said, "received_at": starts.to_numpy()[month], "who": who}), names


RATES = (0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.04)
NOISE = (0.0, 0.07)  # share of histories with any theme called a trend where none moves; promised .05
TRENDS = {
    "independent, 30 months": (dict(months=30, a_month=100), NOISE),
    "independent, 18 months": (dict(months=18, a_month=100), NOISE),
    "12 months of 60": (dict(months=12, a_month=60), NOISE),
    "customers of 5 comments": (dict(months=30, a_month=100, per_customer=5), NOISE),
    "months vary": (dict(months=30, a_month=300, wobble=0.3), NOISE),
    "months vary, 12 months": (dict(months=12, a_month=300, wobble=0.3), NOISE),
    "a season, 30 months": (dict(months=30, a_month=300, season=0.7), NOISE),
    "few comments, 30 of 25": (dict(months=30, a_month=25), NOISE),
    "power: 5 to 9 in a hundred": (dict(months=30, a_month=100, rise=0.25), None),
    "power: 5 to 11 in a hundred": (dict(months=30, a_month=100, rise=0.35), None),
}


def trend_alarms(runs, seed=0):
    """Share of histories in which a theme is called a trend (power: theme 0 is)."""
    for place, (name, (made, bounds)) in enumerate(TRENDS.items()):
        rng = np.random.default_rng([seed, place])
        rates = (0.07, *RATES[1:]) if bounds is None else RATES
        flagged = 0
        for _ in range(runs):
            comments, names = history(rng, rates=rates, **made)
            book = {each: [each] for each in names}
            table = theme_trends.theme_trends(comments, text="comment", codebook=book, cluster="who").table
            moved = table["verdict"].isin(["trend_up", "trend_down"])
            flagged += moved.iloc[0] if bounds is None else moved.any()
        yield f"trend {name}", flagged / runs, bounds or (0.0, 1.0), {}


PARTS = {"alpha": (alpha_coverage, 1.0), "omega": (omega_coverage, 0.15), "trend": (trend_alarms, 0.25)}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=2000)
    options.add_argument("--only", choices=PARTS)
    given = options.parse_args()
    missed = 0
    for name, (part, share) in PARTS.items():
        for what, reached, (low, high), more in part(int(given.runs * share)) if given.only in (None, name) else ():
            beside = "  ".join(f"{way} {value:.3f}" for way, value in more.items())
            missed += (bad := not low <= reached <= high)
            print(f"{what:45} {reached:.3f}  {low:.2f}..{high:.2f} {'MISSED' if bad else ''} {beside}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
