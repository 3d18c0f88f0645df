from collections import deque

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlib.methods import rating_design, rating_graph, rating_plan, ratings

COMPONENTS = {"rater": 0.09, "ratee_rater": 0.0, "residual": 0.49}


def coded(pairs, group=None, criteria=1):
    """Ratings of (ratee, rater) pairs; scores play no part."""
    frame = pd.DataFrame([(f"p{p:02}", f"r{r:02}", k) for p, r in pairs for k in range(criteria)],
                         columns=["ratee", "rater", "criterion"])  # fmt: skip
    frame["score"] = np.arange(len(frame)) % 7.0
    frame["team"] = None if group is None else frame["ratee"].map({f"p{p:02}": name for p, name in group.items()})
    named = {"criterion": "criterion" if criteria > 1 else None, "group": None if group is None else "team"}
    return ratings.coded(frame, ratee="ratee", rater="rater", score="score", **named)


def chain(links, teams=6, people=5):
    """Home teams, each rated by its own rater; the next rater also rates `links` people of it."""
    own = [(t * people + k, t) for t in range(teams) for k in range(people)]
    return own + [((t - 1) * people + k, t) for t in range(1, teams) for k in range(links)]


def team_of(teams=6, people=5):
    return {t * people + k: f"T{t}" for t in range(teams) for k in range(people)}


def reached(pairs, start):
    """Nodes reached from one node of the graph, breadth first."""
    seen, queue = {start}, deque([start])
    while queue:
        kind, node = queue.popleft()
        for ratee, rater in pairs:
            ends = (("p", ratee), ("r", rater))
            other = ends[1] if ends[0] == (kind, node) else ends[0] if ends[1] == (kind, node) else None
            if other and other not in seen:
                seen.add(other)
                queue.append(other)
    return seen


def parts_by_hand(pairs):
    left, found = {("p", ratee) for ratee, _ in pairs}, []
    while left:
        part = reached(pairs, min(left))
        found.append(sorted(node for kind, node in part if kind == "p"))
        left -= part
    return sorted(found)


pairs_drawn = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 6)), min_size=2, max_size=30, unique=True).filter(
    lambda pairs: len({ratee for ratee, _ in pairs}) > 1
)


def with_plan(pairs, found, rows=None):
    plan = found.links_to_add if rows is None else rows
    return pairs + [(int(p[1:]), int(r[1:])) for p, r in zip(plan["ratee_id"], plan["rater_id"], strict=True)]


@given(pairs_drawn)
@settings(max_examples=150, deadline=None)
def test_parts_are_those_of_a_search_by_hand_and_the_joining_ratings_one_fewer(pairs):
    found = rating_design.design(coded(pairs))
    by_hand = parts_by_hand(pairs)
    parts = found.ratees.groupby("part")["ratee_id"].agg(lambda ids: sorted(int(i[1:]) for i in ids))
    assert sorted(parts) == by_hand and found.parts == len(by_hand)
    assert found.connected == (len(by_hand) == 1)
    sizes = found.ratees["part"].value_counts().sort_index()
    assert (np.diff(sizes) <= 0).all()
    joins = found.links_to_add[found.links_to_add["purpose"] == "join"]
    assert len(joins) == len(by_hand) - 1
    assert len(parts_by_hand(with_plan(pairs, found, joins))) == 1


@given(pairs_drawn)
@settings(max_examples=150, deadline=None)
def test_ratings_to_add_are_new_and_leave_no_part_behind(pairs):
    found = rating_design.design(coded(pairs))
    asked = with_plan([], found)
    assert len(set(asked)) == len(asked) and not set(asked) & set(pairs)
    again = rating_design.design(coded(pairs + asked))
    assert again.connected
    assert again.blocks <= found.blocks
    if found.blocks == found.parts == 1:
        assert found.links_to_add.empty


@given(pairs_drawn)
@settings(max_examples=150, deadline=None)
def test_bridges_are_the_judgements_whose_removal_splits(pairs):
    r = coded(pairs)
    given_ = rating_graph.incidence(r.rater, r.ratee, len(r.rater_ids), len(r.ratee_ids))
    expected = []
    for ratee, rater in pairs:
        rest = [pair for pair in pairs if pair != (ratee, rater)]
        sides = [sum(kind == "p" for kind, _ in reached(rest, end)) for end in (("p", ratee), ("r", rater))]
        if ("r", rater) not in reached(rest, ("p", ratee)) and min(sides) >= 2:
            expected.append((f"r{rater:02}", f"p{ratee:02}", min(sides)))
    found = [(r.rater_ids[a], r.ratee_ids[b], n) for a, b, n in rating_graph.bridges(given_)]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("grouped", [False, True])
def test_thin_chain_of_six_teams_is_refused_and_three_links_are_enough(grouped):
    group = team_of() if grouped else None
    thin = rating_design.design(coded(chain(1), group))
    assert thin.connected and thin.thin and not thin.joint_ranking and not thin.pay_wording
    assert thin.blocks == 6 and "thin_links" in thin.cautions
    assert not rating_design.design(coded(chain(2), group)).joint_ranking
    sturdy = rating_design.design(coded(chain(3), group))
    assert sturdy.joint_ranking and not sturdy.thin and sturdy.blocks == 1
    assert sturdy.links_to_add.empty and sturdy.cautions == ()


def test_links_of_the_chain_are_counted():
    found = rating_design.design(coded(chain(1), team_of()))
    teams = found.links[found.links["kind"] == "team"]
    assert teams[["first", "second", "shared"]].to_numpy().tolist() == [[f"T{t}", f"T{t + 1}", 1] for t in range(5)]
    assert teams["thin"].all()
    assert len(found.bridges) == 10
    assert len(found.links_to_add) == 10  # five links, two judgements short each
    assert set(found.links_to_add["purpose"]) == {"thicken"}
    again = rating_design.design(coded(with_plan(chain(1), found), team_of()))
    assert again.joint_ranking and not again.thin


def test_branch_nobody_else_rates_is_named_and_joined_by_three_judgements_of_one_rater():
    pairs = [(p, r) for p in range(12) for r in range(3)] + [(12 + p, 3) for p in range(6)]
    group = {p: "A" if p < 12 else "B" for p in range(18)}
    found = rating_design.design(coded(pairs, group, criteria=4))
    assert found.parts == 2 and not found.joint_ranking
    assert found.cautions == ("not_connected", "home_raters", "single_rater_parts")
    assert found.ratees.loc[found.ratees["part"] == 2, "team"].unique().tolist() == ["B"]
    plan = found.links_to_add
    assert plan["purpose"].tolist() == ["join", "thicken", "thicken"]
    assert plan["rater_id"].nunique() == 1 and plan["ratee_id"].nunique() == 3
    assert (plan["ratings"] == 4).all() and (plan["joins"] == "1–2").all()
    assert {plan["rater_team"].iloc[0], plan["ratee_team"].iloc[0]} == {"A", "B"}
    assert rating_design.design(coded(with_plan(pairs, found), group)).joint_ranking


def test_team_of_single_ratees_hanging_on_two_raters_is_no_chain():
    pairs = [(p, r) for p in range(8) for r in range(4)]
    found = rating_design.design(coded([*pairs, (8, 0), (8, 1)]))
    assert found.joint_ranking and found.blocks == 1


def test_two_leaders_rating_the_same_team_do_not_make_it_linked():
    pairs = [(p, r) for p in range(6) for r in (0, 1)] + [(6 + p, r) for p in range(6) for r in (2, 3)] + [(0, 2)]
    found = rating_design.design(coded(pairs))
    assert found.connected and found.blocks == 2 and not found.joint_ranking


def test_a_fifth_across_teams_is_enough_unless_a_team_hangs_on_two():
    own = [(t * 6 + k, t) for t in range(5) for k in range(6)]
    across = [(t * 6 + k, (t + k + 1) % 5) for t in range(5) for k in range(2)]
    found = rating_design.design(coded(own + across, team_of(5, 6)))
    assert 1 - found.home_share == pytest.approx(10 / 40)
    assert found.thin and found.joint_ranking
    hanging = [(30 + k, 5) for k in range(6)] + [(0, 5), (6, 5)]
    found = rating_design.design(coded(own + across + hanging, team_of(6, 6)))
    assert 1 - found.home_share > rating_design.CROSS and not found.joint_ranking


def test_home_share_is_held_against_even_rating():
    even = rating_design.design(coded([(p, r) for p in range(10) for r in range(4)], {p: p % 2 for p in range(10)}))
    assert even.home_share == even.home_expected == 0.5 and even.pay_wording
    np.testing.assert_allclose(even.raters["excess"], 0)
    people = team_of(3, 20)
    own = [(p, int(people[p][1])) for p in people]
    few = [(p, (int(people[p][1]) + 1) % 3) for p in people if p % 20 < 3]
    home = rating_design.design(coded(own + few, people))
    assert home.joint_ranking and not home.pay_wording and "home_raters" in home.cautions
    assert home.home_share == pytest.approx(60 / 69) and home.home_expected == pytest.approx(1 / 3)
    assert home.raters["home"].tolist() == ["T0", "T1", "T2"]


def test_rater_on_whom_the_scale_hangs():
    own = [(t * 5 + k, t) for t in range(3) for k in range(5)]
    found = rating_design.design(coded(own + [(p, 3) for p in range(15)], team_of(3)))
    assert found.raters["cut_off"].tolist() == [0, 0, 0, 10]


def dense_error(pairs, contrast, variance, m=1):
    """Generalised least squares written out: ratees fixed, raters random."""
    people, raters = (sorted({pair[k] for pair in pairs}) for k in (0, 1))
    x = np.array([[p == q for q in people] for p, _ in pairs], dtype=float)
    z = np.array([[r == q for q in raters] for _, r in pairs], dtype=float)
    noise = variance["ratee_rater"] + variance["residual"] / m
    inverse = np.linalg.inv(noise * np.eye(len(pairs)) + variance["rater"] * z @ z.T)
    return float(contrast @ np.linalg.inv(x.T @ inverse @ x) @ contrast) ** 0.5


@given(pairs_drawn, st.floats(0.01, 2), st.floats(0.05, 2))
@settings(max_examples=60, deadline=None)
def test_predicted_error_is_generalised_least_squares(pairs, rater, residual):
    r = coded(pairs)
    given_ = rating_graph.incidence(r.rater, r.ratee, len(r.rater_ids), len(r.ratee_ids))
    contrast = np.zeros(len(r.ratee_ids))
    contrast[[0, -1]] = 1, -1
    variance = {"rater": rater, "ratee_rater": 0.1, "residual": residual}
    found = rating_plan.standard_error(given_, contrast, variance)
    assert found == pytest.approx(dense_error(sorted(pairs, key=lambda pair: pair[::-1]), contrast, variance), rel=1e-5)


def test_ratings_added_lower_the_error_of_the_link():
    found = rating_design.design(coded(chain(0), team_of()))
    table = rating_design.predicted(found, COMPONENTS)
    assert (table["se_after"] < table["se_before"]).all()
    # two unlinked teams of five: sqrt(2 (.09 + .49 / 5))
    np.testing.assert_allclose(table["se_before"], (2 * (0.09 + 0.49 / 5)) ** 0.5, rtol=1e-6)
    frame = pd.DataFrame({"component": list(COMPONENTS), "estimate": list(COMPONENTS.values())})
    pd.testing.assert_frame_equal(rating_design.predicted(found, frame), table)
    assert found.links_to_add["se_before"].isna().all()


def test_no_rater_is_asked_to_rate_himself():
    pairs = [(p, "a") for p in ("x", "y", "z")] + [(p, "x") for p in ("b", "c", "d")]
    frame = pd.DataFrame(pairs, columns=["ratee", "rater"]).assign(score=range(6))
    found = rating_design.design(ratings.coded(frame, ratee="ratee", rater="rater", score="score"))
    assert len(found.links_to_add) and (found.links_to_add["rater_id"] != found.links_to_add["ratee_id"]).all()


def test_order_of_the_rows_does_not_matter():
    pairs = [*chain(1), (29, 0)]
    one, two = (rating_design.design(coded(rows, team_of())) for rows in (pairs, pairs[::-1]))
    for name in ("ratees", "raters", "links", "bridges", "links_to_add"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))


def test_unknown_groups_stay_with_their_main_rater():
    group = {p: "A" for p in range(4)} | {p: None for p in range(4, 8)}
    found = rating_design.design(coded([(p, 0) for p in range(4)] + [(p, 1) for p in range(4, 8)], group))
    assert found.ratees["team"].tolist() == ["A"] * 4 + ["r01"] * 4


def test_many_ratings_take_a_moment():
    import time

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"ratee": rng.integers(0, 3000, 100_000), "rater": 10**6 + rng.integers(0, 300, 100_000)})
    frame["score"] = rng.normal(size=len(frame))
    r = ratings.coded(frame, ratee="ratee", rater="rater", score="score")
    start = time.perf_counter()
    found = rating_design.design(r)
    assert time.perf_counter() - start < 2 and found.blocks == 1


def test_who_may_be_ranked_together():
    thin = rating_design.design(coded(chain(1), team_of()))
    assert thin.held.all() and (thin.comparable == thin.block).all()
    own = [(t * 6 + k, t) for t in range(5) for k in range(6)]
    across = [(t * 6 + k, (t + k + 1) % 5) for t in range(5) for k in range(2)]
    joint = rating_design.design(coded(own + across, team_of(5, 6)))
    assert not joint.held.any() and (joint.comparable == 0).all()
    hanging = [(30 + k, 5) for k in range(6)] + [(0, 5), (6, 5)]
    found = rating_design.design(coded(own + across + hanging, team_of(6, 6)))
    assert not found.held.any()
    assert (found.comparable == found.block).all() and not found.joint_ranking
