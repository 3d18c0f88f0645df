"""Hidden groups stay hidden: what one reader holds in all tables together gives no small group away.

The attacker knows every number shown, every total, how the groups lie in each other, and that one customer gave one
answer. What the equations between shown and hidden numbers leave open is found by linear programming.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from sqlib.methods import (
    demand,
    internal_consistency,
    questionnaire,
    response,
    satisfaction,
    segments,
    term_groups,
    terms,
)

LEAST = 5
SEEDS = range(12)
CODEBOOK = {"parking": ["parking"], "app": ["app"], "hours": ["opening hours"]}
FAMILIES = ["segment", "office", "team", "channel"]


def client(seed: int) -> pd.DataFrame:
    """A customer base with small groups; teams lie in offices. ``answered`` customers gave one answer each."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(60, 220))
    shares = rng.dirichlet(np.full(6, 0.6))
    team = rng.choice([f"t{number}" for number in range(6)], count, p=shares)
    base = pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(count)],
            "segment": rng.choice(list("abcde"), count, p=rng.dirichlet(np.full(5, 0.5))),
            "team": team,
            "office": [f"o{int(name[1:]) // 2}" for name in team],
            "channel": rng.choice(["phone", "web", "post"], count, p=[0.7, 0.25, 0.05]),
            "answered": rng.random(count) < rng.uniform(0.3, 0.9),
            "satisfied": (rng.random(count) < rng.uniform(0.4, 0.9)).astype(float),
        }
    )
    wishes = [*CODEBOOK, "", "", ""]
    base["comment"] = [f"please, {CODEBOOK.get(wish, ['nothing'])[0]}" for wish in rng.choice(wishes, count)]
    return base


def reach(unknown: int, equations: list[tuple[list[int], float]], upper: float) -> np.ndarray:
    """Smallest and largest value of each unknown count (0 or more) that the equations allow: array (unknown, 2)."""
    matrix = np.zeros((len(equations), unknown))
    for row, (places, _) in enumerate(equations):
        matrix[row, places] = 1
    right = [total for _, total in equations]
    ends = []
    for place in range(unknown):
        cost = np.eye(unknown)[place]
        found = [linprog(sign * cost, A_eq=matrix, b_eq=right, bounds=(0, upper)).fun for sign in (1, -1)]
        ends.append([found[0], -found[1]])
    return np.array(ends)


def attacked(table: pd.DataFrame, families: dict[str, float], n: str, nested=()) -> pd.DataFrame:
    """Hidden rows with the least and most people they may hold; ``families``: name -> total; ``nested``: sums of rows.

    ``table``: family, cell, ``n`` (NaN = hidden), true.
    """
    hidden = table.index[table[n].isna()]
    place = {row: at for at, row in enumerate(hidden)}
    sets = [(table.index[table["family"] == name].tolist(), [], total) for name, total in families.items()]
    equations = []
    for rows, minus, total in [*sets, *((parts, [whole], 0.0) for whole, parts in nested)]:
        shown = table.loc[[row for row in rows if row not in place], n].sum()
        whole = table.loc[[row for row in minus if row not in place], n].sum()
        if not any(row in place for row in minus):
            equations.append(([place[row] for row in rows if row in place], total + whole - shown))
    equations = [each for each in equations if each[0]]
    ends = reach(len(hidden), equations, sum(families.values()))
    return table.loc[hidden].assign(least=ends[:, 0] if len(ends) else [], most=ends[:, 1] if len(ends) else [])


def open_still(found: pd.DataFrame) -> bool:
    """No hidden group of fewer than LEAST people is known to the man."""
    small = found[found["true"].between(1, LEAST - 1)]
    return bool((small["most"] - small["least"] > 0.99).all())


@pytest.mark.parametrize("seed", SEEDS)
def test_no_small_cell_of_the_weak_points_can_be_worked_out(seed):
    base = client(seed)
    answers = base[base["answered"]]
    result = segments.weak_points(
        answers, outcome="satisfied", cells=FAMILIES, adjust=["segment"], cluster="customer_id", min_group=LEAST
    )
    table = result.table
    true = {(name, cell): (answers[name] == cell).sum() for name in FAMILIES for cell in answers[name].unique()}
    table["true"] = [true[pair] for pair in zip(table["family"], table["cell"], strict=True)]
    rows = {pair: row for row, pair in zip(table.index, zip(table["family"], table["cell"], strict=True), strict=True)}
    nested = [
        (rows["office", office], [rows["team", team] for team in part["team"].unique()])
        for office, part in answers.groupby("office")
    ]
    assert (table["n"].isna() | (table["true"] >= LEAST)).all()
    assert open_still(attacked(table, dict.fromkeys(FAMILIES, float(result.n)), "n", nested))


def test_the_attack_finds_what_is_hidden_badly():
    """With small cells alone hidden, as one would do first, some of twelve clients is laid open."""
    opened = []
    for seed in SEEDS:
        answers = client(seed).query("answered")
        sizes = answers["segment"].value_counts()
        table = pd.DataFrame({"family": "segment", "cell": sizes.index, "true": sizes.to_numpy()})
        table["n"] = table["true"].where(table["true"] >= LEAST)
        opened.append(not open_still(attacked(table, {"segment": float(len(answers))}, "n")))
    assert sum(opened) >= 2


@pytest.mark.parametrize("seed", SEEDS)
def test_response_does_not_tell_what_the_weak_points_hide(seed):
    base = client(seed)
    answers = base[base["answered"]]
    by = ["segment", "office", "channel"]
    result = response.response(base, answers, by=by, min_group=LEAST)
    table = result.table.rename(columns={"dimension": "family", "group": "cell"})
    pairs = list(zip(table["family"], table["cell"], strict=True))
    table["true"] = [(answers[name] == cell).sum() for name, cell in pairs]
    hidden = table["answered"].isna()
    assert hidden[table["true"].between(1, LEAST - 1)].all()
    assert table.loc[hidden, [*response.TELLING]].isna().all(axis=None)
    assert open_still(attacked(table, dict.fromkeys(by, float(result.answered)), "answered"))
    weak = segments.weak_points(answers, outcome="satisfied", cells=by, cluster="customer_id", min_group=LEAST).table
    both = weak.merge(table[["family", "cell", "answered", "true"]], on=["family", "cell"], how="outer")
    both["n"] = both["n"].fillna(both["answered"])
    assert open_still(attacked(both, dict.fromkeys(by, float(len(answers))), "n"))


@pytest.mark.parametrize("seed", SEEDS)
def test_needs_by_group_against_needs_of_all(seed):
    base = client(seed)
    answers = base[base["answered"]]
    result = demand.demand(
        answers, text="comment", codebook=CODEBOOK, cluster="customer_id", by=["segment", "office"], min_group=LEAST
    )
    totals = result.table.set_index("topic")["comments"]
    for topic, part in result.segments.dropna(subset=["topic"]).groupby("topic"):
        said = answers[answers["comment"].str.contains(CODEBOOK[topic][0])]
        table = part.rename(columns={"dimension": "family", "group": "cell"}).reset_index(drop=True)
        pairs = list(zip(table["family"], table["cell"], strict=True))
        table["true"] = [(said[name] == cell).sum() for name, cell in pairs]
        assert table.loc[table["true"].between(1, LEAST - 1), "comments"].isna().all()
        families = dict.fromkeys(table["family"].unique(), float(totals[topic]))
        assert open_still(attacked(table, families, "comments"))


def scores(seed: int, people: int = 90) -> pd.DataFrame:
    """Answers to four items on 1..5, the low end rare; one person a questionnaire."""
    rng = np.random.default_rng(seed)
    chance = [0.03, 0.05, 0.12, 0.4, 0.4]
    rows = [
        {"feedback_id": f"f{who}", "cluster": f"c{who}", "item": f"q{item}", "score": 1.0 + rng.choice(5, p=chance)}
        for who in range(people) for item in range(4)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(scale_min=1.0, scale_max=5.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_rare_answers_to_an_item_cannot_be_worked_out(seed):
    """Known at most: people in all, and the share that is satisfied. Mean, spread and the ends would give the rest."""
    data = scores(seed)
    health = questionnaire.questionnaire(data, cluster="cluster", min_group=LEAST)
    scale = internal_consistency.internal_consistency(data, scale=None, cluster="cluster", min_group=LEAST)
    rare = [name for name, part in data.groupby("item") if part["score"].value_counts().lt(LEAST).any()]
    tallied = health.tallies.set_index("question")
    for name in rare:
        assert tallied.loc[name, ["n", "people", "estimate"]].isna().all(axis=None)
        assert health.table.set_index("item").loc[name, questionnaire.TELLING].isna().all()
        assert scale.items.set_index("item").loc[name, ["mean", "sd"]].isna().all()
    others = sorted(set(data["item"]) - set(rare))
    assert tallied.loc[others, "n"].notna().all() and scale.items.set_index("item").loc[others, "mean"].notna().all()


def worded(seed: int, change: int = 0) -> pd.DataFrame:
    """Comments of two sides; ``change``: how many of the first side say the rare term, of 1 to 4."""
    rng = np.random.default_rng(seed)
    rows = [
        {"side": side, "who": f"{side}{who}", "terms": [f"w{k}" for k in range(6) if rng.random() < 0.4]}
        for side, people in (("low", 40), ("high", 150)) for who in range(people)
    ]  # fmt: skip
    for number, row in enumerate(rows):
        low = row["side"] == "low"
        row["terms"] = [*row["terms"], *(["rare"] if (number < change if low else number % 5 == 0) else [])]
        row["terms"] += ["filler"] if low and change <= number < LEAST else []  # as many words whoever says them
    return pd.DataFrame(rows)


def test_how_few_say_a_term_changes_nothing_that_is_shown():
    found = [
        terms.terms(worded(1, few), group="side", first="low", second="high", cluster="who", min_group=LEAST).every
        for few in (1, 2, 3, 4)
    ]
    rows = [frame.set_index("term").loc["rare"] for frame in found]
    assert all(np.isnan(row["first"]) and np.isnan(row["first_share"]) and row["second"] > LEAST for row in rows)
    for row in rows[1:]:
        pd.testing.assert_series_equal(row.drop("p_adjusted"), rows[0].drop("p_adjusted"), rtol=1e-2)
    assert rows[0]["verdict"] != "more"


def test_a_difference_is_never_overstated_for_the_hidden():
    """Three of 40 against 1 % of 2000: more than expected, and yet no number of three is read off."""
    said = [{"side": "low", "who": f"l{k}", "terms": ["rare"] if k < 3 else ["w"]} for k in range(40)]
    said += [{"side": "high", "who": f"h{k}", "terms": ["rare"] if k < 20 else ["w"]} for k in range(2000)]
    found = terms.terms(pd.DataFrame(said), group="side", first="low", second="high", cluster="who").every
    row = found.set_index("term").loc["rare"]
    assert row["verdict"] == "no_signal" and row["odds_ratio_low"] <= 1


def test_groups_of_words_of_few_people_hide_words_and_numbers():
    rng = np.random.default_rng(3)
    rows = [{"comment": " ".join(words), "terms": list(words), "who": f"c{number % 60}"} for number, words in enumerate(
        rng.choice([f"w{k}" for k in range(12)], 3, replace=False) for _ in range(240))]  # fmt: skip
    rows += [{"comment": "odd strange queer", "terms": ["odd", "strange", "queer"], "who": "x"} for _ in range(30)]
    found = term_groups.term_groups(
        pd.DataFrame(rows), text="comment", codebook={"none": ["zzz"]}, cluster="who", min_group=LEAST
    ).table
    hidden = found[found["verdict"] == "hidden"]
    assert len(hidden) != 1
    assert hidden[["top_terms", *term_groups.NUMBERS]].isna().all(axis=None)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_total_of_satisfaction_gives_no_small_cell_away(seed):
    """Satisfied answers of hidden cells: total of the firm less the cells shown, whatever the sizes."""
    base = client(seed)
    answers = base[base["answered"]].assign(
        metric="csat", scale_min=1.0, scale_max=5.0, cluster=lambda frame: frame["customer_id"], score=5.0
    )
    level = satisfaction.satisfaction(answers).table.set_index("indicator").loc["csat"]
    result = segments.weak_points(
        answers, outcome="satisfied", cells=["segment"], cluster="customer_id", min_group=LEAST
    ).table
    result["satisfied"] = result["estimate"] * result["n"]
    result["true"] = [(answers["segment"] == cell).sum() for cell in result["cell"]]
    total = level["estimate"] * level["n"]
    found = attacked(result, {"segment": float(total)}, "satisfied")
    together = found["true"].sum()
    rest = total - result["satisfied"].sum()
    if 0.5 < rest < together - 0.5:  # all or none satisfied says so of each, however they are grouped
        assert open_still(found)
