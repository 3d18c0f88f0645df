"""Audiences: the same numbers for everybody, and to nobody what is not theirs, in no output and no file."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from client_folder import make
from hypothesis import given, settings
from hypothesis import strategies as st
from test_page import ALL, HEAD, answers, base, everything, firm, plain, records, run, shown  # noqa: F401

from sqlib import audiences, page, words
from sqlib.errors import ArgumentError
from sqlib.methods import satisfaction, segments

TEAMS = ("North", "South", "West")
OWN = {"team": {"team": "North"}}
STAFF = ("Greta Holm", "Tom Larkin", "Ines Valdez")
PHONE = "13800138000"
CASES = "case_id,customer_id,created_at,team,staff_id\n" + "".join(
    f"K{i},C{i:03},2026-08-02,{TEAMS[i % 3]},{STAFF[i % 3]}\n" for i in range(9)
)


@dataclasses.dataclass(frozen=True)
class Made:
    table: pd.DataFrame
    n: int = 1


def weak(*cells) -> Made:
    rows = [(family, cell, number) for number, (family, cell) in enumerate(cells)]
    return Made(pd.DataFrame(rows, columns=["family", "cell", "estimate"]))


@pytest.fixture
def who(tmp_path):
    said = answers(
        comment=lambda i: ("", f"{firm(i % 60)} is slow, call {PHONE}", "fine", f"{STAFF[i % 3]} is slow")[i % 4]
    )
    files = {"f__csv": said, "c__csv": base(), "k__csv": CASES}
    blocks = ALL.split("[[tables.")
    kept = "".join(f"[[tables.{block}" for block in blocks if block.startswith(("feedback]", "customers", "cases")))
    return make(tmp_path / "acme", kept, HEAD, **files)


def numbered(who, own="North"):
    return audiences.among(audiences.load("team", team=own), {"team": TEAMS}, who)


# ---------------------------------------------------------------- the cut


def test_every_audience_is_declared_whole():
    assert set(audiences.names()) == {"management", "team", "client", "internal"} == set(page.AUDIENCES)
    for name in audiences.names():
        audience = audiences.load(name, team="x")
        assert all(audience.told(language) for language in words.LANGUAGES)
        assert audience.names == (name == "internal") == audience.withheld


def test_management_sees_a_result_as_it_is(who):
    result = weak(("team", "North"), ("segment", "shop"))
    assert audiences.cut(result, audiences.load("management")).table.equals(result.table)


def test_a_client_sees_no_team_nor_staff(who):
    result = weak(("team", "North"), ("segment", "shop"), ("team * segment", "North * shop"))
    assert audiences.cut(result, audiences.load("client")).table["cell"].tolist() == ["shop"]
    frame = pd.DataFrame({"team": ["North"], "staff_id": ["S1"], "n": [1]})
    assert audiences.cut(frame, audiences.load("client")).columns.tolist() == ["n"]


def test_a_team_sees_itself_and_numbered_peers(who):
    result = weak(*(("team", team) for team in TEAMS), ("team * segment", "South * shop"), ("segment", "South"))
    seen = audiences.cut(result, numbered(who)).table["cell"]
    assert seen[0] == "North" and sorted(seen[1:3]) == ["peer:1", "peer:2"] and seen[3] == f"{seen[1]} * shop"
    assert seen[4] == "South"  # a segment that happens to be called so
    assert audiences.without_peers(audiences.cut(result, numbered(who))).table["cell"].tolist() == ["North", "South"]


def test_peers_are_worded_in_both_languages():
    assert words.cell("team", "peer:2", "en") == "Peer Team 2"
    assert words.cell("team", "peer:2", "zh").endswith("2") and "peer" not in words.cell("team", "peer:2", "zh")


def test_ids_become_pseudonyms(who):
    frame = pd.DataFrame({"customer_id": ["C001", None], "feedback_id": ["F1", "F2"], "n": [1, 2]})
    told = audiences.disguised(frame, who)
    assert told["customer_id"][0].startswith("C-") and pd.isna(told["customer_id"][1])
    assert told["feedback_id"].str.match("R-[A-Z2-7]{10}").all() and told["n"].tolist() == [1, 2]


@pytest.mark.parametrize(("team", "code"), [("", "page.team_missing"), ("Nroth", "page.unknown_team")])
def test_a_team_report_must_know_its_team(who, team, code):
    with pytest.raises(ArgumentError) as caught:
        page.open("feedback_analysis", str(who.folder), audience="team", team=team, language="en")
    assert caught.value.code == code and all(caught.value.parts("zh").values())


# ---------------------------------------------------------------- the whole page


@pytest.mark.parametrize("audience", ["management", "team", "client", "internal"])
def test_what_is_not_theirs_is_in_no_output_and_no_file(who, shown, tmp_path, audience):  # noqa: F811
    """A script that knows every planted name, phone and id searches all that is made."""
    out = tmp_path / "out"
    run(who.folder, audience=audience, out_dir=str(out), **OWN.get(audience, {}))
    files = sorted(out.rglob("*.csv"))
    text = everything(shown) + "".join(f"{path.name}\n{path.read_text(encoding='utf-8-sig')}" for path in files)
    assert files and audiences.load(audience, team="North").told("en") in plain(shown)
    ids = [f"C{i:03}" for i in range(60)] + [f"F08{i:03}" for i in range(60)]
    personal = [*(firm(i) for i in range(60)), PHONE, *STAFF, *ids]
    found = [known for known in personal if re.search(rf"(?<![\w-]){re.escape(known)}(?!\w)", text)]
    assert bool(found) == (audience == "internal"), found
    teams = {team for team in TEAMS if re.search(rf"\b{team}\b", text)}
    assert teams == {"team": {"North"}, "client": set()}.get(audience, set(TEAMS))


def test_every_audience_reads_the_same_numbers(who, shown, tmp_path):  # noqa: F811
    made = {}
    for audience in ("management", "client", "team"):
        run(who.folder, audience=audience, out_dir=str(tmp_path / audience), **OWN.get(audience, {}))
        made[audience] = pd.read_csv(tmp_path / audience / "tables" / "feedback_analysis" / "weak_points.csv")
    whole = made["management"].set_index(["family", "cell"])
    for audience in ("client", "team"):
        own = made[audience][~made[audience]["cell"].str.startswith(words.PEER)].set_index(["family", "cell"])
        pd.testing.assert_frame_equal(own, whole.loc[own.index])
    assert len(made["team"]) == len(whole) > len(made["client"]) > 0


def test_nobody_is_told_that_nothing_was_found_where_something_is_kept_from_them(who, shown):  # noqa: F811
    score = lambda i: "1" if TEAMS[i % 3] == "South" else "5"  # noqa: E731
    (who.folder / "raw" / "f.csv").write_text(answers(score=score), encoding="utf-8")
    told = {}
    for audience in ("management", "client", "team"):
        shown.clear()
        run(who.folder, audience=audience, **OWN.get(audience, {}))
        told[audience] = {one["key"]: one for one in records(shown, page.FINDING)}
    assert told["management"]["weak_points"]["subject"] == "team=South"
    assert "weak_points" not in told["client"] and "weak_points" not in told["team"]
    assert told["client"]["level"] == told["management"]["level"]


# ---------------------------------------------------------------- what the totals give away


@settings(max_examples=25, deadline=None)
@given(
    teams=st.lists(st.integers(1, 12), min_size=2, max_size=5),
    unnamed=st.integers(0, 8),
    seed=st.integers(0, 10_000),
)
def test_no_small_group_is_left_between_a_total_and_its_parts(teams, unnamed, seed):
    """Total of one table less the cells another shows: nobody, or at least ``min_group`` people."""
    draw = np.random.default_rng(seed)
    team = np.repeat([f"T{i}" for i in range(len(teams))], teams).tolist() + [None] * unnamed
    n = len(team) + 20
    rows = pd.DataFrame({"team": team + ["T0"] * 20, "segment": draw.choice(["a", "b", "c"], n, p=[0.7, 0.2, 0.1])})
    rows = rows.assign(satisfied=draw.random(n) < 0.7, cluster=[f"c{i}" for i in range(n)], metric="csat")
    rows = rows.assign(score=np.where(rows["satisfied"], 5.0, 2.0), scale_min=1.0, scale_max=5.0)
    weak_points = segments.weak_points(rows, outcome="satisfied", cells=["team", "segment"], cluster="cluster")
    level = satisfaction.satisfaction(rows).table.set_index("indicator").loc["csat"]
    for _, cells in weak_points.table.groupby("family"):
        rest = level["n"] - cells.loc[cells["verdict"] != "hidden", "n"].sum()
        assert rest == 0 or rest >= weak_points.min_group


# ---------------------------------------------------------------- people


def test_people_stand_under_names_inside_the_house_and_under_pseudonyms_elsewhere(who):
    pair = {"first_staff_id": ["A1", "A2"], "second_staff_id": ["A2", None], "estimate": [1.0, 2.0]}
    made = Made(pd.DataFrame(pair))
    inside = audiences.faced(made, who, {"A1": "Greta Holm"}).table
    assert inside["first_staff_id"].tolist() == ["Greta Holm", "A2"] and pd.isna(inside["second_staff_id"][1])
    outside = audiences.faced(made, who, None).table
    assert outside["first_staff_id"][1] == outside["second_staff_id"][0]  # one person, one pseudonym
    assert outside["first_staff_id"].str.match(r"P-[A-Z2-7]{10}$").all() and outside["estimate"].tolist() == [1.0, 2.0]
    assert made.table["first_staff_id"].tolist() == ["A1", "A2"]
