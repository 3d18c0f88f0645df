import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods import proportions
from sqlib.methods.kano import COLUMNS, classes, kano

PAIRS = {"M": (3, 5), "O": (1, 5), "A": (1, 3), "I": (3, 3), "R": (3, 1), "Q": (1, 1)}


def answers(*, segment=None, **features):
    """feature -> {class letter: number of answers}."""
    rows = [
        (name, *PAIRS[letter], segment)
        for name, counts in features.items()
        for letter in "".join(letter * count for letter, count in counts.items())
    ]
    table = pd.DataFrame(rows, columns=["feature", "present", "absent", "segment"])
    return table.assign(who=table.groupby("feature").cumcount())


def found(rows, **options):
    settings = {"cluster": "who", "replicates": 500} | options
    return kano(rows, feature="feature", functional="present", dysfunctional="absent", **settings)


def test_the_evaluation_table():
    """Kano et al. (1984), as printed in Berger et al. (1993): rows if present, columns if absent, like … dislike."""
    printed = ["Q A A A O", "R I I I M", "R I I I M", "R I I I M", "R R R R Q"]
    for first, row in enumerate(printed, start=1):
        for second, letter in enumerate(row.split(), start=1):
            assert classes([first], [second])[0] == letter
            assert classes([6 - first], [6 - second], like=5)[0] == letter


def test_the_edge_grip_of_a_ski():
    """Sauerwein, Bailom, Matzler & Hinterhuber (1996), The Kano model: how to delight your customers, p. 320: A 7 %,
    O 32.3 %, M 49.3 %, I 9.5 %, R .3 %, Q 1.5 % is must-be, better .40, worse -.83."""
    shares = {"A": 70, "O": 323, "M": 493, "I": 95, "R": 3, "Q": 15}
    row = found(answers(grip=shares)).table.iloc[0]
    assert (row["class"], row["verdict"]) == ("must_be", "must_be")
    assert row["better"] == pytest.approx(0.40, abs=0.005) and row["worse"] == pytest.approx(-0.83, abs=0.005)


def test_counts_shares_and_strengths():
    counts = {"M": 60, "O": 40, "A": 20, "I": 25, "R": 3, "Q": 2}
    result = found(answers(hotline=counts))
    row = result.table.iloc[0]
    assert list(result.table.columns) == COLUMNS
    names = ["must_be", "one_dimensional", "attractive", "indifferent", "reverse", "questionable"]
    assert row[names].tolist() == list(counts.values())
    assert row["better"] == pytest.approx(60 / 145) and row["worse"] == pytest.approx(-100 / 145)
    assert row["category_strength"] == pytest.approx(20 / 150) and row["second"] == "one_dimensional"
    assert row["total_strength"] == pytest.approx(120 / 150)
    assert [row["must_be_low"], row["must_be_high"]] == pytest.approx([*map(float, proportions.wilson(60, 150))])
    assert [row["better_low"], row["better_high"]] == pytest.approx([*map(float, proportions.wilson(60, 145))])
    assert [-row["worse_high"], -row["worse_low"]] == pytest.approx([*map(float, proportions.wilson(100, 145))])
    assert sum(row[f"{name}_probability"] for name in names) == pytest.approx(1)
    assert row["category_strength_low"] < row["category_strength"] < row["category_strength_high"]
    assert (result.n, result.respondents, result.missing) == (150, 150, 0)


def test_probability_of_a_class_is_that_of_the_multinomial():
    row = found(answers(x={"M": 55, "A": 45, "I": 20}), replicates=4000).table.iloc[0]
    drawn = np.random.default_rng(1).multinomial(120, np.array([55, 45, 20]) / 120, size=200_000)
    first = (drawn.argmax(1) == 0).mean()
    assert row["must_be_probability"] == pytest.approx(first, abs=0.03)
    assert row["verdict"] == "unclear"


def test_ties_go_to_the_greater_effect():
    row = found(answers(x={"I": 40, "A": 40, "M": 40})).table.iloc[0]
    assert row["class"] == "must_be" and row["category_strength"] == 0 and row["verdict"] == "unclear"


def test_answers_of_one_customer_settle_less():
    rows = answers(x={"M": 75, "A": 45})
    alone, together = (found(rows.assign(who=who)).table.iloc[0] for who in (np.arange(120), np.arange(120) // 15))
    assert together["probability"] < alone["probability"]
    assert together["better_high"] - together["better_low"] > alone["better_high"] - alone["better_low"]


def test_under_a_hundred_answers_no_class():
    result = found(answers(x={"M": 80, "A": 20}, y={"M": 79, "A": 20}))
    assert result.table["verdict"].tolist() == ["must_be", "too_few"]
    assert result.table.loc[1, ["better", "class", "must_be_share"]].isna().all() and result.table.loc[1, "n"] == 99
    assert result.cautions == ("features_too_few",)


def test_by_segment_each_its_own_class():
    large = answers(x={"M": 100, "A": 20}, segment="large")
    small = answers(x={"A": 100, "M": 20}, segment="small").assign(who=lambda rows: rows["who"] + 500)
    tiny = answers(x={"A": 3}, segment="tiny").assign(who=lambda rows: rows["who"] + 900)
    table = found(pd.concat([large, small, tiny], ignore_index=True), by="segment").table
    assert table["segment"].tolist() == ["large", "small"]
    assert table["verdict"].tolist() == ["must_be", "attractive"]


def test_classes_are_corrected_over_the_features():
    features = {f"f{place}": {"M": 58, "A": 42, "I": 20} for place in range(8)}
    table = found(answers(**features)).table
    assert (table["p_adjusted"] >= table["p_value"]).all()
    assert (table["verdict"].eq("must_be") == (table["p_adjusted"] <= 0.05)).all()


def test_incomplete_pairs_are_counted_and_a_turned_scale_is_noticed():
    rows = answers(x={"O": 120, "I": 10})
    rows.loc[0, "absent"] = np.nan
    rows.loc[1, "present"] = 7
    assert (found(rows).missing, found(rows).n) == (2, 128)
    turned = rows.assign(present=6 - rows["present"], absent=6 - rows["absent"])
    assert "mostly_reverse" in found(turned).cautions
    assert found(turned, like=5).table["verdict"][0] == "one_dimensional"
    assert "questionable" in found(answers(x={"Q": 20, "M": 100})).cautions


@pytest.mark.parametrize(
    ("rows", "options", "code"),
    [
        (answers(x={"M": 99}), {}, "kano.too_few_answers"),
        (answers(x={"M": 120}).assign(absent=np.nan), {}, "kano.no_pairs"),
        (answers(x={"M": 120}), {"like": 3}, "kano.unknown_scale"),
    ],
)
def test_refusals(rows, options, code):
    with pytest.raises(MethodRefused) as caught:
        found(rows, **options)
    assert caught.value.code == code
    assert all(caught.value.text(language) for language in ("zh", "en"))
