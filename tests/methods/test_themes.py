import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods import means, proportions
from sqlib.methods.themes import COLUMNS, code_comments, themes

CASES = tomllib.loads((Path(__file__).parents[1] / "data" / "themes.toml").read_text(encoding="utf-8"))
BOOK = {"codebook": CASES["codebook"], "exclude": CASES["exclude"]}


@pytest.mark.parametrize("case", CASES["comment"], ids=lambda case: case["text"].strip()[:12])
def test_phrases(case):
    found = code_comments(pd.DataFrame({"comment": [case["text"]]}), text="comment", **BOOK)
    assert found["theme"].tolist() == case["themes"]


def test_long_table_keeps_the_labels_of_the_rows():
    comments = pd.DataFrame({"comment": ["slow fee", None, "slow"]}, index=["a", "b", "c"])
    found = code_comments(comments, text="comment", **BOOK)
    assert found.to_dict("list") == {"row": ["a", "a", "c"], "theme": ["slow", "fee", "slow"]}


def test_a_very_long_comment_is_read_to_its_end():
    comments = pd.DataFrame({"comment": ["x " * 150_000 + "slow"]})
    assert code_comments(comments, text="comment", **BOOK)["theme"].tolist() == ["slow"]


def said(now, before=(0, 0), customers=None):
    """`now` = (comments with "slow", comments without), and the same before."""
    texts = [["slow"] * hits + ["fine"] * others for hits, others in (now, before)]
    window = ["current"] * sum(now) + ["previous"] * sum(before)
    data = pd.DataFrame({"comment": [*texts[0], *texts[1]], "window": window})
    return data.assign(customer=np.arange(len(data)) if customers is None else np.arange(len(data)) % customers)


def slow(data, **options):
    result = themes(data, text="comment", **BOOK, **options)
    return result, result.table.set_index("theme").loc["slow"]


def test_shares_are_those_of_proportions():
    result, row = slow(said((12, 48)))
    assert list(result.table.columns) == COLUMNS
    assert result.table["theme"].tolist() == list(BOOK["codebook"])
    assert [row["comments"], row["n"], row["estimate"]] == [12, 60, 0.2]
    np.testing.assert_allclose(row[["low", "high"]].astype(float), proportions.wilson(12, 60))
    assert np.isnan(row["difference"])
    assert row["verdict"] == "no_signal"
    assert (result.comments, result.coded, result.uncoded, result.comparisons) == (60, 12, 48, 0)
    assert result.cautions == ("mostly_uncoded",)


def test_comments_of_one_customer_widen_the_interval():
    data = said((30, 90)).assign(customer=lambda d: d.index // 6)
    _, alone = slow(data)
    _, together = slow(data, cluster="customer")
    assert together["clusters"] == 20
    assert together["high"] - together["low"] > 1.3 * (alone["high"] - alone["low"])


@pytest.mark.parametrize(
    ("now", "before", "verdict"),
    [
        ((40, 60), (10, 90), "rising"),
        ((10, 90), (40, 60), "falling"),
        ((12, 88), (10, 90), "no_signal"),
        ((2, 98), (2, 98), "too_few"),
    ],
)
def test_change_between_periods(now, before, verdict):
    data = said(now, before)
    result, row = slow(data, period="window")
    assert row["verdict"] == verdict
    assert [row["comments"], row["previous_comments"], row["previous_n"]] == [now[0], before[0], 100]
    if verdict == "too_few":
        assert np.isnan(row["p_value"])
        return
    change = proportions.difference(
        data.assign(hit=data["comment"] == "slow"), outcome="hit", group="window", first="previous", second="current"
    ).table.iloc[0]
    assert [row["difference"], row["difference_low"], row["difference_high"], row["p_value"]] == pytest.approx(
        [change["estimate"], change["low"], change["high"], change["p_value"]]
    )
    assert result.comparisons == 1


def test_p_values_are_corrected_over_the_themes_compared():
    data = said((30, 70), (16, 84))
    data.loc[data["comment"] == "fine", "comment"] = np.where(np.arange(154) % 3 == 0, "a fee", "fine")
    result, row = slow(data, period="window")
    assert result.comparisons == 2
    assert row["p_value"] < 0.05
    assert row["p_adjusted"] == pytest.approx(min(2 * row["p_value"], result.table["p_value"].max()))


def test_other_labels_and_blanks_are_left_aside():
    data = said((10, 20), (5, 25))
    data = pd.concat([data, data.assign(window="older"), data.assign(comment=None)], ignore_index=True)
    result, row = slow(data, period="window")
    assert (row["n"], row["previous_n"], result.blank, result.comments) == (30, 30, 30, 30)


def test_of_many_comments_a_declared_sample_is_read():
    data = said((300, 900), (30, 90))
    result, row = slow(data, period="window", most=400, seed=3)
    assert (result.comments, result.given, result.seed) == (400, 1200, 3) and "sampled" in result.cautions
    assert (row["n"], row["previous_n"]) == (400, 120)
    assert row["low"] < 0.25 < row["high"] and row["comments"] not in (0, 400)
    again, other = slow(data, period="window", most=400, seed=3)[1], slow(data, period="window", most=400, seed=4)[1]
    assert again["comments"] == row["comments"] != other["comments"]
    assert "sampled" not in slow(data, period="window")[0].cautions


def test_scores_beside_a_theme():
    data = said((20, 60)).assign(score=lambda d: np.where(d["comment"] == "slow", 1 + d.index % 3, 5))
    data.loc[0, "score"] = np.nan
    _, row = slow(data, score="score", low_at=2)
    own = data.loc[1:19]
    assert row["scored"] == 19
    assert row["mean_score"] == pytest.approx(own["score"].mean())
    limits = means.mean(own, value="score").table.iloc[0]
    assert [row["mean_score_low"], row["mean_score_high"]] == pytest.approx([limits["low"], limits["high"]])
    assert row["low_share"] == pytest.approx((own["score"] <= 2).mean())
    assert row["low_share_low"] < row["low_share"] < row["low_share_high"]


def test_scores_of_few_people_stay_hidden():
    data = said((20, 60)).assign(score=3, customer=lambda d: np.where(d.index < 20, d.index % 4, 100 + d.index))
    assert np.isnan(slow(data, score="score", cluster="customer")[1]["mean_score"])
    assert slow(data, score="score")[1]["mean_score"] == 3


def test_a_period_column_without_an_earlier_period():
    result, row = slow(said((10, 90)), period="window")
    assert "no_previous" in result.cautions
    assert np.isnan(row["previous"])
    assert row["verdict"] == "no_signal"


def test_noise_rises_rarely():
    """Six themes at the same share in both periods, 60 comments each."""
    rng = np.random.default_rng(7)
    words = [f"theme{i}" for i in range(6)]
    book = {word: [word] for word in words}
    window = np.repeat(["current", "previous"], 60)
    flagged = 0
    for _ in range(60):
        hits = rng.random((120, 6)) < 0.2
        text = [" ".join(np.array(words)[row]) or "none" for row in hits]
        table = themes(pd.DataFrame({"c": text, "w": window}), text="c", codebook=book, period="w").table
        flagged += table["verdict"].isin(["rising", "falling"]).any()
    assert flagged <= 7  # 5 % of 60 is 3; P(more than 7) < .02


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"codebook": {"slow": ["", " "]}}, "themes.no_codebook"),
        ({"codebook": {}}, "themes.no_codebook"),
        ({"text": "nowhere"}, "samples.unknown_column"),
        ({"current": "2031Q1"}, "themes.no_comments"),
    ],
)
def test_refusals_say_what_got_and_remedy(change, code):
    with pytest.raises(MethodRefused) as caught:
        themes(said((10, 90)), **{"text": "comment", "period": "window", **BOOK} | change)
    assert caught.value.code == code
    for language in ("en", "zh"):
        assert {"what", "got", "remedy"} <= set(caught.value.parts(language))
