import numpy as np
import pandas as pd
import pytest
from made_ratings import ANXIETY, long

from sqlib.errors import MethodRefused
from sqlib.methods.agreement import fleiss_kappa, kendall_w, weighted_kappa

NAMES = {"unit": "ratee", "rater": "rater", "score": "score"}
# Fleiss (1971) Psychological Bulletin 76:378, Table 1: how many of 6 psychiatrists gave a patient each diagnosis
DIAGNOSES = [
    (0, 0, 0, 6, 0), (0, 3, 0, 0, 3), (0, 1, 4, 0, 1), (0, 0, 0, 0, 6), (0, 3, 0, 3, 0), (2, 0, 4, 0, 0),
    (0, 0, 4, 0, 2), (2, 0, 3, 1, 0), (2, 0, 0, 4, 0), (0, 0, 0, 0, 6), (1, 0, 0, 5, 0), (1, 1, 0, 4, 0),
    (0, 3, 3, 0, 0), (1, 0, 0, 5, 0), (0, 2, 0, 3, 1), (0, 0, 5, 0, 1), (3, 0, 0, 1, 2), (5, 1, 0, 0, 0),
    (0, 2, 0, 4, 0), (1, 0, 2, 0, 3), (0, 0, 0, 0, 6), (0, 1, 0, 5, 0), (0, 2, 0, 1, 3), (2, 0, 0, 4, 0),
    (1, 0, 0, 4, 1), (0, 5, 0, 1, 0), (4, 0, 0, 0, 2), (0, 2, 0, 4, 0), (1, 0, 5, 0, 0), (0, 0, 0, 0, 6),
]  # fmt: skip


def diagnoses() -> pd.DataFrame:
    return long([[code for code, times in enumerate(row) for _ in range(times)] for row in DIAGNOSES])


def row(result):
    return result.table.iloc[0]


def test_fleiss_published_kappa():
    """Fleiss (1971): .430; irr 0.84.1: .430244520060141, z 17.6518305829914."""
    found = row(fleiss_kappa(diagnoses(), **NAMES))
    assert found["estimate"] == pytest.approx(0.430244520060141, abs=1e-6)
    assert found["statistic"] == pytest.approx(17.6518305829914, abs=1e-6)
    assert found["low"] < 0.35 and found["high"] > 0.5 and found["n"] == 30


def test_weighted_kappa_as_irr_and_statsmodels_have_it():
    """irr 0.84.1, kappa2(anxiety[, 1:2], "squared"); the standard error of Fleiss, Cohen & Everitt by statsmodels."""
    from statsmodels.stats.inter_rater import cohens_kappa

    scores = np.array(ANXIETY)
    counts = np.zeros((6, 6))
    np.add.at(counts, (scores[:, 0] - 1, scores[:, 1] - 1), 1)
    for ours, theirs in (("quadratic", "quadratic"), ("linear", "linear"), ("none", None)):
        found, other = row(weighted_kappa(*scores[:, :2].T, weights=ours)), cohens_kappa(counts, wt=theirs)
        assert found["estimate"] == pytest.approx(other.kappa, abs=1e-12)
        assert [found["low"], found["high"]] == pytest.approx([other.kappa_low, other.kappa_upp], abs=1e-5)
        assert found["statistic"] == pytest.approx(other.z_value, abs=1e-9)
    assert row(weighted_kappa(*scores[:, :2].T))["estimate"] == pytest.approx(0.29676511954993, abs=1e-9)


def pairs(counts) -> tuple[list, list]:
    """Two raters' levels from their table of counts."""
    cells = [(i, j) for i, row in enumerate(counts) for j, times in enumerate(row) for _ in range(times)]
    return tuple(map(list, zip(*cells, strict=True)))


@pytest.mark.parametrize(
    ("counts", "weights", "kappa", "error"),
    [
        # Landis & Koch (1977) Biometrics 33:159, multiple sclerosis by two neurologists; vcd, `Kappa(MSPatients)`
        ([[38, 5, 0, 1], [33, 11, 3, 0], [10, 14, 5, 6], [3, 7, 3, 10]], "none", 0.2079, 0.05046),
        ([[38, 5, 0, 1], [33, 11, 3, 0], [10, 14, 5, 6], [3, 7, 3, 10]], "linear", 0.3797, 0.0517),
        ([[5, 3, 0, 0], [3, 11, 4, 0], [2, 13, 3, 4], [1, 2, 4, 14]], "none", 0.2965, 0.0785),
        # Fleiss, Cohen & Everitt (1969) Psychological Bulletin 72:323, the example: .429, standard error .054
        ([[106, 10, 4], [22, 28, 10], [2, 12, 6]], "none", 0.429, 0.054),
        # Cohen (1968) Psychological Bulletin 70:213, Table 1: .492
        ([[88, 10, 2], [14, 40, 6], [18, 10, 12]], "none", 0.492, 0.051),
        # Gwet (2014) Handbook of Inter-Rater Reliability, as the package irrCAC has it
        ([[40, 4, 4, 17], [6, 25, 2, 13], [4, 1, 21, 12], [15, 5, 9, 45]], "none", 0.432, 0.046),
        ([[40, 4, 4, 17], [6, 25, 2, 13], [4, 1, 21, 12], [15, 5, 9, 45]], "linear", 0.407, 0.053),
        ([[40, 4, 4, 17], [6, 25, 2, 13], [4, 1, 21, 12], [15, 5, 9, 45]], "quadratic", 0.383, 0.066),
    ],
)
def test_published_tables(counts, weights, kappa, error):
    found = row(weighted_kappa(*pairs(counts), weights=weights))
    digits = 10.0 ** -len(f"{kappa:g}".split(".")[1])
    assert found["estimate"] == pytest.approx(kappa, abs=0.51 * digits)
    assert (found["high"] - found["low"]) / (2 * 1.959964) == pytest.approx(error, abs=6e-4)


def test_kendalls_w_of_siegel():
    """Siegel (1956) Nonparametric Statistics, pp. 230 and 234: six applicants, W .162; ten objects with ties, .828."""
    plain = [[1, 6, 3, 2, 5, 4], [1, 5, 6, 4, 2, 3], [6, 3, 2, 5, 4, 1]]
    ties = [[1, 4.5, 2, 4.5, 3, 7.5, 6, 9, 7.5, 10], [2.5, 1, 2.5, 4.5, 4.5, 8, 9, 6.5, 10, 6.5],
            [2, 1, 4.5, 4.5, 4.5, 4.5, 8, 8, 8, 10]]  # fmt: skip
    for ranks, w in ((plain, 0.162), (ties, 0.828)):
        assert row(kendall_w(long(np.transpose(ranks)), **NAMES))["estimate"] == pytest.approx(w, abs=5e-4)


def test_worded_levels_need_an_order_where_distances_count():
    first, second = ["low", "high", "middle", "low"], ["low", "high", "high", "middle"]
    found = row(weighted_kappa(first, second, levels=["low", "middle", "high"]))
    assert found["estimate"] == pytest.approx(row(weighted_kappa([1, 3, 2, 1], [1, 3, 3, 2]))["estimate"])
    assert row(weighted_kappa(first, second, weights="none"))["coefficient"] == "kappa"
    with pytest.raises(MethodRefused, match="order"):
        weighted_kappa(first, second)
    with pytest.raises(MethodRefused, match="not declared"):
        weighted_kappa(first, second, levels=["low", "high"])


def test_units_with_a_blank_are_left_out_and_counted():
    found = weighted_kappa([1, 2, None, 3, 1], [1, 2, 2, 2, None])
    assert row(found)["n"] == 3 and found.missing == 2 and "incomplete" in found.cautions


def test_kendalls_w_with_ties():
    """irr 0.84.1, kendall(anxiety, correct=TRUE): W .53965687595437."""
    found = row(kendall_w(long(ANXIETY), **NAMES))
    assert found["estimate"] == pytest.approx(0.53965687595437, abs=1e-6)
    assert found["statistic"] == pytest.approx(3 * 19 * 0.53965687595437) and found["df"] == 19
    assert found["low"] < 0.54 < found["high"] and found["p_value"] < 0.05


def test_kendalls_w_of_one_order_is_one_and_of_chance_is_not_significant():
    same = long([[i, 2 * i, i**2] for i in range(1, 12)])
    assert row(kendall_w(same, **NAMES))["estimate"] == pytest.approx(1.0)
    rng = np.random.default_rng(5)
    p = [row(kendall_w(long(rng.random((8, 4))), **NAMES, draws=199, seed=k))["p_value"] for k in range(100)]
    assert 0.01 <= np.mean(np.array(p) <= 0.1) <= 0.2


def test_the_intervals_cover():
    rng, hits = np.random.default_rng(2), {"kappa": 0, "fleiss": 0}

    def drawn(n):
        latent = 0.8 * rng.standard_normal((n, 1)) + 0.6 * rng.standard_normal((n, 3))
        return np.digitize(latent, (-0.8, 0.0, 0.8))

    large = drawn(100_000)
    truth = {"kappa": row(weighted_kappa(*large[:, :2].T))["estimate"],
             "fleiss": row(fleiss_kappa(long(large[:20_000]), **NAMES))["estimate"]}  # fmt: skip
    for _ in range(100):
        scores = drawn(50)
        found = {"kappa": row(weighted_kappa(*scores[:, :2].T)), "fleiss": row(fleiss_kappa(long(scores), **NAMES))}
        for name, each in found.items():
            hits[name] += each["low"] <= truth[name] <= each["high"]
    assert all(each >= 87 for each in hits.values())


@pytest.mark.filterwarnings("error")
def test_what_is_refused():
    data = long(ANXIETY)
    with pytest.raises(MethodRefused, match="weights"):
        weighted_kappa([1, 2], [1, 2], weights="cubic")
    with pytest.raises(MethodRefused, match="differ in number"):
        weighted_kappa([1, 2], [1])
    with pytest.raises(MethodRefused, match="the same"):
        weighted_kappa([3, 3, 3], [3, 3, 3])
    with pytest.raises(MethodRefused, match="Too few"):
        weighted_kappa([1], [2])
    with pytest.raises(MethodRefused, match="as many"):
        fleiss_kappa(data.iloc[1:], **NAMES)
    with pytest.raises(MethodRefused, match="more than once"):
        fleiss_kappa(pd.concat([data, data]), **NAMES)
    with pytest.raises(MethodRefused, match="One rater"):
        kendall_w(data[data["rater"] == "r0"], **NAMES)
    with pytest.raises(MethodRefused, match="Too few"):
        kendall_w(data.iloc[[0, 4, 8]], **NAMES)
    with pytest.raises(MethodRefused, match="the same"):
        kendall_w(data.assign(score=data["score"].where(data["rater"] != "r1", 4)), **NAMES)
