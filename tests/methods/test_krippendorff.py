import numpy as np
import pandas as pd
import pytest
from made_ratings import ANXIETY, long

from sqlib.errors import MethodRefused
from sqlib.methods.krippendorff import LEVELS, krippendorff_alpha

NAMES = {"unit": "ratee", "rater": "rater", "score": "score"}
GAP = None
# Krippendorff (2011) Computing Krippendorff's Alpha-Reliability, section C: 4 observers by 12 units
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, GAP, GAP, GAP],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, GAP, 3],
    [GAP, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, GAP],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, GAP],
]
PUBLISHED = {"nominal": 0.743, "ordinal": 0.815, "interval": 0.849, "ratio": 0.797}


def observers() -> pd.DataFrame:
    return long(list(zip(*OBSERVERS, strict=True)))


def row(data, **options):
    return krippendorff_alpha(data, **NAMES, **options).table.iloc[0]


@pytest.mark.parametrize("level", LEVELS)
def test_krippendorffs_own_example(level):
    found = row(observers(), level=level)
    assert found["estimate"] == pytest.approx(PUBLISHED[level], abs=5e-4)
    assert found["low"] < found["estimate"] < found["high"]
    assert (found["n"], found["values"], found["raters"]) == (11, 40, 4)


def test_two_observers():
    """Krippendorff (2011), sections A and B: ten binary data .095, twelve nominal data .692."""
    binary = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
    nominal = [list("aabbdcccedda"), list("babbbccceddd")]
    for data, alpha in ((binary, 0.095), (nominal, 0.692)):
        found = row(long(list(zip(*data, strict=True))), level="nominal")["estimate"]
        assert found == pytest.approx(alpha, abs=5e-4)


def test_five_observers_of_gwet():
    """Gwet (2014) Handbook of Inter-Rater Reliability, five observers of 15 units with gaps; irrCAC: .481."""
    scores = [
        [1, 1, 2, GAP, 2], [1, 1, 0, 1, GAP], [2, 3, 3, 3, GAP], [GAP, 0, 0, GAP, 0], [0, 0, 0, GAP, 0],
        [0, 0, 0, GAP, 0], [1, 0, 2, GAP, 1], [1, GAP, 2, 0, GAP], [2, 2, 2, GAP, 2], [2, 1, 1, 1, GAP],
        [GAP, 1, 0, 0, GAP], [0, 0, 0, 0, GAP], [1, 2, 2, 2, GAP], [3, 3, 2, 2, 3], [1, 1, 1, GAP, 1],
    ]  # fmt: skip
    assert row(long(scores), level="nominal")["estimate"] == pytest.approx(0.481, abs=5e-4)


def test_a_value_that_stands_alone_counts_for_nothing():
    data = observers()
    assert krippendorff_alpha(data, **NAMES).alone == 1
    without = data[data["ratee"] != "u011"]
    assert row(data)["estimate"] == pytest.approx(row(without)["estimate"])


@pytest.mark.parametrize(("level", "irr"), [("ordinal", 0.221847851608359), ("interval", 0.163065545243619)])
def test_complete_data_of_three_raters_and_what_irr_makes_of_it(level, irr):
    """The definition gives .2284 and .1701, as does the Python package krippendorff 0.8; irr 0.84.1 forgets to divide
    the pairs of complete data by m - 1, so that its 60 values count as 120."""
    found = row(long(ANXIETY), level=level)["estimate"]
    assert found == pytest.approx({"ordinal": 0.22838694529, "interval": 0.17009860789}[level], abs=1e-9)
    assert 1 - (1 - found) * (60 * 2 - 1) / (59 * 2) == pytest.approx(irr, abs=1e-6)


def test_alpha_by_pairs():
    """All pairs within units against all pairs of values, written out."""
    rng = np.random.default_rng(0)
    scores = rng.integers(1, 6, (9, 3)).astype(float)
    observed = np.mean(
        [(a - b) ** 2 for unit in scores for i, a in enumerate(unit) for j, b in enumerate(unit) if i != j]
    )
    every = scores.ravel()
    chance = np.mean([(a - b) ** 2 for i, a in enumerate(every) for j, b in enumerate(every) if i != j])
    assert row(long(scores), level="interval")["estimate"] == pytest.approx(1 - observed / chance)


def test_worded_levels():
    words = {1: "poor", 2: "fair", 3: "good", 4: "great", 5: "best"}
    data = observers()
    worded = data.assign(score=data["score"].map(words))
    assert row(worded, order=list(words.values()))["estimate"] == pytest.approx(row(data)["estimate"])
    assert row(worded, level="nominal")["estimate"] == pytest.approx(0.743, abs=5e-4)
    with pytest.raises(MethodRefused, match="order"):
        row(worded)
    with pytest.raises(MethodRefused, match="not declared"):
        row(worded, order=["poor", "fair"])


def test_perfect_agreement_is_one_and_has_no_interval():
    found = row(long([[1, 1], [2, 2], [3, 3]]))
    assert found["estimate"] == 1 and np.isnan(found["low"])


def test_the_interval_covers():
    rng = np.random.default_rng(3)

    def drawn(n):
        latent = 0.75 * rng.standard_normal((n, 1)) + 0.66 * rng.standard_normal((n, 3))
        return np.where(rng.random((n, 3)) < 0.2, np.nan, np.digitize(latent, (-1.0, 0.0, 1.0)))

    truth = row(long(drawn(50_000)), draws=2)["estimate"]
    found = [row(long(drawn(30)), draws=200, seed=k) for k in range(80)]
    assert sum(each["low"] <= truth <= each["high"] for each in found) >= 68


@pytest.mark.filterwarnings("error")
def test_what_is_refused():
    data = observers()
    with pytest.raises(MethodRefused, match="level of measurement"):
        row(data, level="cardinal")
    with pytest.raises(MethodRefused, match="rated by two"):
        row(data.groupby("ratee").head(1).assign(rater=["a", "b"] * 6))
    with pytest.raises(MethodRefused, match="One rater"):
        row(data[data["rater"] == "r1"])
    with pytest.raises(MethodRefused, match="the same"):
        row(data.assign(score=data["score"].where(data["score"].isna(), 3)))
    with pytest.raises(MethodRefused, match="negative"):
        row(data.assign(score=data["score"] - 3), level="ratio")
    with pytest.raises(MethodRefused, match="more than once"):
        row(pd.concat([data, data]))
    with pytest.raises(MethodRefused, match="rated by two"):
        row(data.assign(score=data["score"].where(data.index == 0)).assign(
            score=lambda d: d["score"].where(d.index != 5, 2.0)))  # fmt: skip
