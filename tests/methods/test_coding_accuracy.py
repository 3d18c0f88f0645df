import numpy as np
import pandas as pd
import pytest

from sqlib import coding
from sqlib.errors import MethodRefused
from sqlib.methods import proportions
from sqlib.methods.coding_accuracy import COLUMNS, coding_accuracy

BOOK = {"slow": ["slow"], "fee": ["fee"], "rare": ["rare"]}
TRUE = {"slow": 0.25, "fee": 0.1, "rare": 0.04}
HIT, FALSE = 0.85, 0.02  # a comment with the theme says its word; one without does


def population(rng, n=4000) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(comments, what each truly carries)."""
    true = pd.DataFrame({theme: rng.random(n) < share for theme, share in TRUE.items()})
    said = {theme: rng.random(n) < np.where(true[theme], HIT, FALSE) for theme in TRUE}
    text = pd.DataFrame({theme: np.where(says, theme, "fine") for theme, says in said.items()}).agg(" ".join, axis=1)
    return pd.DataFrame({"feedback_id": [f"f{i}" for i in range(n)], "comment": text}), true


def hand_coded(comments, true, size=200, seed=0) -> pd.DataFrame:
    carried = pd.DataFrame({theme: comments["comment"].str.contains(theme) for theme in BOOK})
    drawn = coding.draw(carried, size, seed)
    return drawn.join(true).assign(feedback_id=comments.loc[drawn.index, "feedback_id"])


def judged(comments, hand, **options):
    return coding_accuracy(hand, comments, text="comment", codebook=BOOK, **options)


def simple(rng, n=120) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every comment coded by hand, in one layer: plain shares."""
    comments, true = population(rng, n)
    return comments, true.assign(feedback_id=comments["feedback_id"], layer="1", layer_size=10_000)


def test_with_one_layer_the_measures_are_plain_shares():
    comments, hand = simple(np.random.default_rng(1))
    result = judged(comments, hand)
    assert list(result.table.columns) == COLUMNS and result.sample == 120
    row = result.table.set_index("theme").loc["slow"]
    human, machine = hand["slow"], comments["comment"].str.contains("slow")
    both = (human & machine).sum()
    assert [row["by_hand"], row["coded"], row["both"]] == [human.sum(), machine.sum(), both]
    assert row["precision"] == pytest.approx(both / machine.sum())
    assert row["recall"] == pytest.approx(both / human.sum())
    assert row["f1"] == pytest.approx(2 * both / (human.sum() + machine.sum()))
    for measure, n, near in (("precision", machine.sum(), 0.01), ("recall", human.sum(), 0.03)):
        low, high = proportions.wilson(both, n)
        assert [row[f"{measure}_low"], row[f"{measure}_high"]] == pytest.approx([float(low), float(high)], abs=near)


def test_kappa_and_f1_are_those_of_scikit_learn():
    from sklearn.metrics import cohen_kappa_score, f1_score

    comments, hand = simple(np.random.default_rng(2))
    row = judged(comments, hand).table.set_index("theme").loc["slow"]
    machine = comments["comment"].str.contains("slow")
    assert row["kappa"] == pytest.approx(cohen_kappa_score(hand["slow"], machine))
    assert row["f1"] == pytest.approx(f1_score(hand["slow"], machine))


def test_fleiss_variance_of_kappa():
    """The limits agree with the large-sample variance in statsmodels (Fleiss, Cohen & Everitt 1969)."""
    from statsmodels.stats.inter_rater import cohens_kappa

    comments, hand = simple(np.random.default_rng(3), 400)
    row = judged(comments, hand.assign(layer_size=1e9)).table.set_index("theme").loc["slow"]
    machine = comments["comment"].str.contains("slow")
    known = cohens_kappa(pd.crosstab(hand["slow"], machine).to_numpy())
    assert row["kappa"] - row["kappa_low"] == pytest.approx(1.96 * known["std_kappa"], rel=0.01)


def test_with_one_layer_the_corrected_share_is_that_of_the_hand_coder():
    comments, hand = simple(np.random.default_rng(4))
    row = judged(comments, hand).table.set_index("theme").loc["slow"]
    assert row["corrected"] == pytest.approx(hand["slow"].mean())
    true_rate = (comments["comment"].str.contains("slow") & hand["slow"]).sum() / hand["slow"].sum()
    false_rate = (comments["comment"].str.contains("slow") & ~hand["slow"]).sum() / (~hand["slow"]).sum()
    rogan_gladen = (row["share"] - false_rate) / (true_rate - false_rate)
    assert row["corrected"] == pytest.approx(rogan_gladen)


def test_weights_undo_the_sampling():
    """Two layers worked out by hand: 40 of 100 coded comments read, 60 of 1,000 others, of which 6 carry the theme."""
    coded = pd.DataFrame({"comment": ["slow"] * 100 + ["fine"] * 1000, "feedback_id": range(1100)})
    drawn = [*range(40), *range(100, 160)]
    hand = pd.DataFrame(
        {"feedback_id": drawn, "layer": ["a"] * 40 + ["b"] * 60, "layer_size": [100] * 40 + [1000] * 60}
    )
    hand["slow"] = [*([True] * 30 + [False] * 10), *([True] * 6 + [False] * 54)]
    row = judged(coded, hand).table.set_index("theme").loc["slow"]
    assert row["precision"] == pytest.approx(30 / 40)
    assert row["recall"] == pytest.approx(30 * 2.5 / (30 * 2.5 + 6 * 1000 / 60))
    assert row["corrected"] == pytest.approx((30 * 2.5 + 6 * 1000 / 60) / 1100)


def test_intervals_cover_what_the_whole_population_would_show():
    """60 draws of 200 comments; .95 promised, P(under 50 of 60 | .95) < .001."""
    rng = np.random.default_rng(5)
    comments, true = population(rng)
    machine = pd.DataFrame({theme: comments["comment"].str.contains(theme) for theme in BOOK})
    inside = {"precision": 0, "recall": 0, "corrected": 0}
    truth = {
        "precision": (true & machine)["slow"].sum() / machine["slow"].sum(),
        "recall": (true & machine)["slow"].sum() / true["slow"].sum(),
        "corrected": true["slow"].mean(),
    }
    for seed in range(60):
        row = judged(comments, hand_coded(comments, true, seed=seed)).table.set_index("theme").loc["slow"]
        for name, value in truth.items():
            inside[name] += row[f"{name}_low"] <= value <= row[f"{name}_high"]
    assert min(inside.values()) >= 50, inside


@pytest.mark.parametrize(
    ("hits", "verdict"),
    [((60, 0, 0), "accurate"), ((10, 50, 10), "inaccurate"), ((12, 3, 2), "unclear"), ((2, 0, 0), "too_few")],
)
def test_verdicts(hits, verdict):
    both, wrong, missed = hits
    text = ["slow"] * (both + wrong) + ["fine"] * (missed + 60)
    human = [True] * both + [False] * wrong + [True] * missed + [False] * 60
    comments = pd.DataFrame({"comment": text, "feedback_id": range(len(text))})
    hand = comments[["feedback_id"]].assign(slow=human, layer="1", layer_size=5000)
    assert judged(comments, hand).table.set_index("theme").loc["slow", "verdict"] == verdict


def test_comments_that_are_gone_are_counted_and_themes_without_a_column_left_out():
    comments, hand = simple(np.random.default_rng(6))
    result = judged(comments.iloc[10:], hand.drop(columns="rare"))
    assert (result.unmatched, result.sample, result.cautions) == (10, 110, ("unmatched",))
    assert result.table["theme"].tolist() == ["slow", "fee"]


def test_a_few_comments_are_refused():
    comments, hand = simple(np.random.default_rng(7))
    with pytest.raises(MethodRefused) as caught:
        judged(comments, hand.head(49))
    assert caught.value.code == "coding_accuracy.too_few" and caught.value.parts("zh")["remedy"]
