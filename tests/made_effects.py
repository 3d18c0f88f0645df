"""Effects of a made register, one result for every verdict of every finding; evaluated once."""

import dataclasses
import functools

import made_measures as made
import numpy as np
import pandas as pd

from sqlib.methods import effect_card, effects
from sqlib.methods.detectable_effects import detectable_effects
from sqlib.methods.reconciliation import reconciliation

AS_OF = pd.Timestamp("2025-12-31")
OPEN = {"cannot_tell": "interval_holds_nothing", "too_early": "too_few_after", "not_as_planned": "fidelity"}
HARM = ("worse", "effective_with_side_effect")
NAMES = {"A": "Fix at once", "B": "Complaints"}


def _series():
    rng = np.random.default_rng(6)
    step = np.arange(48) >= 24
    parts = [made.values({"": 70 + made.ar(rng, 48) + 5 * step}, indicator="A"),
             made.values({"": 20 + made.ar(rng, 48)}, indicator="B")]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _register():
    return made.measures(
        {"measure_id": "M1", "name": "Van stock", "baseline": 70.0, "goal": 75.0, "balancing_indicator_id": "B"},
        {"measure_id": "M2", "name": "Poster", "indicator_id": "B", "baseline": 20.0, "goal": 30.0, "units": "North"},
    )


@functools.cache
def judged() -> effects.EffectsResult:
    known = made.indicators("A", "B")
    return effects.evaluate(_register(), known, _series(), as_of=AS_OF, worth={"A": 2.0, "B": 2.0},
                            no_season=("A", "B"), no_trend=("A", "B"))  # fmt: skip


def _told(verdict, **more):
    """All measures with one verdict."""
    table = judged().effects
    table = table.assign(verdict=verdict, reason=OPEN.get(verdict), strength="none" if verdict in OPEN else "moderate")
    return dataclasses.replace(judged(), effects=table.assign(**more))


def card(verdict) -> effect_card.CardResult:
    found = effect_card.cards(_told(verdict), _register(), NAMES, money={"A": 100.0}, hours={"A": 2.0})
    return found[0]


def silent() -> effect_card.CardResult:
    """Of a measure without an indicator."""
    register = made.measures({"name": "Poster", "indicator_id": None, "units": "North; South"})
    result = effects.evaluate(register, made.indicators("A"), _series(), as_of=AS_OF)
    return effect_card.cards(result, register, {})[0]


def promises(*shares, sd=0.05):
    """Promises of 10 each kept to these shares."""
    rows = judged().effects.iloc[[0] * max(len(shares), 1)].reset_index(drop=True)
    effect = pd.Series(shares or [np.nan], dtype=float) * 10
    rows = rows.assign(measure_id=[f"M{k}" for k in range(len(rows))], effect=effect, low=effect - 20 * sd,
                       high=effect + 20 * sd, promised=10.0, primary=True, p_value=0.01 if shares else np.nan,
                       direction="up")  # fmt: skip
    return effects.portfolio.portfolio(rows[["measure_id", "indicator_id", "effect", "low", "high", "p_value",
                                             "direction", "primary", "promised"]])  # fmt: skip


def reconciled(difference=0.0, recomputed=True):
    own = _series().query("indicator_id == 'A'")
    other = own.assign(value=own["value"].round(1) + difference, low=np.nan, high=np.nan)
    return reconciliation(own.assign(value=own["value"].round(1)), other if recomputed else other.iloc[:0])


def ahead(worth):
    return detectable_effects(
        _series(), _register(), worth={"A": worth, "B": worth} if worth else None, no_trend=("A", "B")
    )


def still():
    """Indicators that never move."""
    return detectable_effects(_series().assign(value=1.0), worth={"A": 1.0, "B": 1.0})


VERDICTS = {
    "effects": {"some_harm": lambda: _told("worse"), "some_work": lambda: _told("effective", sustained="fading"),
                "none_shown": lambda: _told("cannot_tell")},
    "placebos": {"told_apart": judged, "none_found": lambda: _told("cannot_tell", placebo_rank=0.5)},
    "card": {verdict: functools.partial(card, verdict) for verdict in
             ("effective", "probably_effective", "no_effect_worth_having", "worse", "effective_with_side_effect",
              *OPEN)},
    "portfolio": {"below_promise": lambda: promises(0.2, 0.3, 0.25, 0.3, 0.2),
                  "above_promise": lambda: promises(1.7, 1.8, 1.75, 1.8, 1.7),
                  "unclear": lambda: promises(0.2, 1.9, 0.9), "too_few": lambda: promises(0.5),
                  "no_promises": lambda: promises()},
    "detectable": {"seen_in_time": lambda: ahead(8.0), "not_seen_in_time": lambda: ahead(0.1),
                   "no_goals": lambda: ahead(None), "too_short": still},
    "indicators": {"agree": reconciled, "differs": lambda: reconciled(0.4),
                   "not_recomputable": lambda: reconciled(recomputed=False)},
}  # fmt: skip
