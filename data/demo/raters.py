"""How the raters of a demo client give scores: what a person earned, and what each rater makes of it.

A score is the level of the criterion plus what the person does, seen through a rater: severity is taken off; ``spread``
below 1 pulls people to the middle, and what is said of the criteria by its root; with ``halo`` one impression of the
person decides all criteria; ``drift`` makes later periods stricter; ``against`` takes points off people of one group.
All in points of the scale.
"""

import numpy as np
import pandas as pd

ORDINARY = {"severity": 0.0, "spread": 1.0, "halo": False, "drift": 0.0, "against": 0.0}
HALO_NOISE = 0.15  # what is left of the criteria's own differences where one impression decides
HALO_IMPRESSION = 1.5  # impressions of a rater with halo vary this much more


def given(rows: pd.DataFrame, model: dict, raters: dict[str, dict], rng: np.random.Generator) -> np.ndarray:
    """Scores (n,), not rounded.

    rows : ratee, rater, criterion, period (0, 1 …), ability (points from the mean), group of the ratee
    model : mean, criteria {name: points from the mean}, group (taken points off), middle and reach (periods: drift is
        0 at the middle and stays as it is from ``reach`` on), ``sd`` of trait (person × criterion), impression
        (rater × person), mood (rater × person × period), taste (rater × criterion), severity, noise
    raters : id -> what is planted, keys of ``ORDINARY``, the others ordinary
    """
    sd = model["sd"]
    planted = pd.DataFrame([{"rater": r} | ORDINARY | raters.get(r, {}) for r in sorted(rows["rater"].unique())])
    own = np.where(planted["severity"] == 0, sd["severity"] * rng.standard_normal(len(planted)), planted["severity"])
    seen = rows[["rater"]].merge(planted.assign(severity=own), on="rater")
    halo = seen["halo"].to_numpy(dtype=bool)
    each = np.where(halo, HALO_NOISE, 1.0)
    criterion = rows["criterion"].map(model["criteria"]).to_numpy() + sd["trait"] * _drawn(
        rows, ["ratee", "criterion"], rng
    )
    impression = sd["impression"] * _drawn(rows, ["rater", "ratee"], rng) + sd["mood"] * _drawn(
        rows, ["rater", "ratee", "period"], rng
    )
    taste = sd["taste"] * _drawn(rows, ["rater", "criterion"], rng)
    noise = sd["noise"] * rng.standard_normal(len(rows))
    person = rows["ability"].to_numpy() + np.where(halo, HALO_IMPRESSION, 1.0) * impression
    spread = seen["spread"].to_numpy()
    deviation = spread * person + np.sqrt(spread) * each * (criterion + taste + noise)
    later = np.clip(rows["period"].to_numpy() - model["middle"], -model["reach"], model["reach"])
    severity = seen["severity"] + seen["drift"] * later
    against = seen["against"] * (rows["group"].to_numpy() == model["group"])
    return model["mean"] + deviation - severity.to_numpy() - against.to_numpy()


def _drawn(rows: pd.DataFrame, keys: list[str], rng: np.random.Generator) -> np.ndarray:
    """One standard normal draw for every combination of the keys, in the order of the sorted combinations."""
    code = rows.groupby(keys, sort=True).ngroup().to_numpy()
    return rng.standard_normal(code.max() + 1)[code]
