"""The half-yearly reviews of Northbridge and the bonuses they led to; see ``northbridge_appraisal.toml``.

Supervisors review their own team and some of the next region, a manager and an auditor see some of every team; one
engineer on two criteria is all that joins Plumbing to the others. ``raters.py`` turns what is planted into scores.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from raters import given
from ugly import spoil, write_text
from world import _shuffled, _stream, load_world

WORLD = "northbridge_appraisal"


def simulate(staff: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Clean tables: reviews (long, self-reviews too), rewards, ability (one row a person reviewed)."""
    world = load_world(WORLD)
    people = _people(world, staff, _stream(seed, "ability"))
    reviews = _reviews(world, staff, people, _stream(seed, "reviews"))
    own = _own(world, people, _stream(seed, "self"))
    reviews = _written(world, pd.concat([reviews, own], ignore_index=True), _stream(seed, "remarks"))
    return {
        "reviews": reviews,
        "ability": people,
        "rewards": _rewards(world, people, reviews, _stream(seed, "rewards")),
    }


def _people(world: dict, staff: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The engineers reviewed: ratee, team, department, place in the team, ability in points."""
    plan = world["reviews"]
    rows = staff[staff["department"].isin(plan["lines"]) & (staff["role"] == "Engineer")]
    place = rows.groupby("team").cumcount()
    rows = rows.assign(place=place)[place < plan["people"]].rename(columns={"staff_id": "ratee"})
    ability = world["model"]["ability"] * rng.standard_normal(len(rows))
    return rows[["ratee", "team", "department", "place"]].assign(ability=ability).reset_index(drop=True)


def supervisors(staff: pd.DataFrame) -> dict[str, str]:
    """Team -> id of its supervisor."""
    return staff[staff["role"] == "Supervisor"].set_index("team")["staff_id"].to_dict()


def _pairs(world: dict, staff: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """ratee, rater, role, criterion of one round."""
    plan, lead = world["reviews"], supervisors(staff)
    parts = [people.assign(rater=people["team"].map(lead), role="supervisor")]
    for line in plan["lines"]:
        teams = [team for team in people["team"].unique() if team.startswith(line)]
        for team, after in zip(teams, teams[1:] + teams[:1], strict=True):
            seen = people[(people["team"] == after) & (people["place"] < plan["cross"])]
            parts.append(seen.assign(rater=lead[team], role="other"))
    for manager, lines in plan["managers"].items():
        seen = people[people["department"].isin(lines) & (people["place"] >= plan["people"] - plan["managed"])]
        parts.append(seen.assign(rater=manager, role="manager"))
    linked = people[~people["department"].eq(plan["thin"]["line"])]
    parts.append(linked[linked["place"] < plan["audited"]].assign(rater=plan["auditor"], role="auditor"))
    pairs = pd.concat(parts).merge(pd.DataFrame({"criterion": list(world["model"]["criteria"])}), how="cross")
    thin = people[people["department"] == plan["thin"]["line"]].head(plan["thin"]["people"])
    thin = thin.assign(rater=plan["auditor"], role="auditor")
    thin = thin.merge(pd.DataFrame({"criterion": plan["thin"]["criteria"]}), how="cross")
    return pd.concat([pairs, thin], ignore_index=True)


def _reviews(world: dict, staff: pd.DataFrame, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The reviews by others; ``score`` 1 … 5, missing where not observed."""
    rounds = pd.DataFrame({"round": world["reviews"]["rounds"], "period": range(len(world["reviews"]["rounds"]))})
    rows = _pairs(world, staff, people).merge(rounds, how="cross").assign(group="-")
    lead = supervisors(staff)
    planted = {lead.get(team, team): what for team, what in world["planted"].items()}
    score = pd.Series(given(rows, world["model"], planted, rng)).round().clip(1, 5)
    return rows.assign(score=score.mask(rng.random(len(rows)) < world["reviews"]["missing"]))


def _own(world: dict, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    model, criteria = world["model"], pd.DataFrame({"criterion": list(world["model"]["criteria"])})
    rounds = pd.DataFrame({"round": world["reviews"]["rounds"], "period": range(len(world["reviews"]["rounds"]))})
    rows = people.merge(criteria, how="cross").merge(rounds, how="cross").assign(role="self", group="-")
    level = model["mean"] + rows["ability"] + rows["criterion"].map(model["criteria"]) + model["self"]["lenient"]
    score = (level + model["self"]["noise"] * rng.standard_normal(len(rows))).round().clip(1, 5)
    return rows.assign(rater=rows["ratee"], score=score)


def _written(world: dict, rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Days, remarks (on the first criterion of a review), one-to-ones, ids."""
    words, n = world["words"], len(rows)
    rows = rows.iloc[_shuffled(rng, n)].sort_values("round", kind="stable", ignore_index=True)
    pair = rows.groupby(["round", "rater", "ratee"]).ngroup().to_numpy()
    per_pair, per_person = rng.random((pair.max() + 1, 5))[pair], rows.groupby(["round", "ratee"]).ngroup().to_numpy()
    end = pd.PeriodIndex(rows["round"], freq="M").end_time.normalize()
    first = rows["criterion"].eq(next(iter(world["model"]["criteria"]))) & rows["role"].ne("self")
    said = [_remark(words, score, draw) for score, draw in zip(rows["score"], per_pair, strict=True)]
    talk = rng.random((per_person.max() + 1, 2))[per_person]
    talk_on = end - pd.to_timedelta((12 * talk[:, 1]).astype(int), unit="D")
    return rows.assign(
        rated_on=end - pd.to_timedelta(14 + (14 * per_pair[:, 0]).astype(int), unit="D"),
        comment=pd.Series(said, dtype=object).where(first & (per_pair[:, 1] < words["commented"])),
        talk_on=pd.Series(talk_on).where(talk[:, 0] < 0.8),
        review_id=[f"R{k:05d}" for k in range(1, n + 1)],
    )


def _remark(words: dict, score: float, draw: np.ndarray) -> str:
    kind = "plain" if draw[2] >= words["substance"] else "good" if score >= 4 else "bad"
    return words[kind][int(draw[3] * len(words[kind]))]


def _rewards(world: dict, people: pd.DataFrame, reviews: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Bonuses of each round by forced distribution within the line, on raw means; a few are paid above their grade."""
    plan, parts = world["rewards"], []
    edges = np.cumsum([tier["share"] for tier in plan["tiers"]])
    for name in world["reviews"]["rounds"]:
        judged = reviews[(reviews["round"] == name) & reviews["role"].ne("self")]
        rows = people.assign(total=people["ratee"].map(judged.groupby("ratee")["score"].mean()), period=name)
        rank = rows.groupby("department")["total"].rank(ascending=False, method="first")
        share = rank / rows.groupby("department")["total"].transform("size")
        rows["paid"] = np.searchsorted(edges + 1e-9, share)
        middle = rows.index[rows["paid"] == 1]
        rows.loc[middle[_shuffled(rng, len(middle))[: plan["unlike"]]], "paid"] = 0
        parts.append(rows)
    rows = pd.concat(parts, ignore_index=True)
    tier = rows["paid"].map(dict(enumerate(plan["tiers"])))
    rows = rows.assign(tier=[each["name"] for each in tier], amount=[each["money"] for each in tier]).query(
        "amount > 0"
    )
    day = pd.PeriodIndex(rows["period"], freq="M").end_time.normalize()
    return rows.assign(on=day, reward_id=[f"B{k:04d}" for k in range(1, len(rows) + 1)]).reset_index(drop=True)


# ---------------------------------------------------------------- files


def write(tables: dict[str, pd.DataFrame], raw: Path) -> dict:
    """Write the two exports below ``raw``; return what was planted, counted."""
    world = load_world(WORLD)
    return _review_file(world, tables["reviews"], raw) | _bonus_file(world, tables["rewards"], raw)


def _review_file(world: dict, reviews: pd.DataFrame, raw: Path) -> dict:
    """One long CSV: 03/04/2026 is 3 April, N/A where nothing was observed, its last lines written twice."""
    words = world["words"]
    frame = reviews.assign(
        period=reviews["round"],
        role=reviews["role"].map(words["role"]),
        score=[words["nothing"] if pd.isna(score) else int(score) for score in reviews["score"]],
        rated_on=reviews["rated_on"].dt.strftime("%d/%m/%Y"),
        talk_on=reviews["talk_on"].dt.strftime("%d/%m/%Y").fillna(""),
        comment=reviews["comment"].fillna(""),
    )
    frame, counts = spoil(world, "reviews", frame, ("review_id", "R9{:04d}"))
    overlap = world["reviews"]["overlap"]
    counts |= {"repeated_rows": overlap, "not_observed": int(reviews["score"].isna().sum())}
    return write_text(world, "reviews", pd.concat([frame, frame.tail(overlap)]), raw, counts)


def _bonus_file(world: dict, rewards: pd.DataFrame, raw: Path) -> dict:
    words = world["words"]
    frame = rewards.assign(
        staff_id=rewards["ratee"],
        on=rewards["on"].dt.strftime("%d/%m/%Y"),
        type=words["bonus"],
        basis=rewards["period"].map(words["basis"].format),
    )
    frame, counts = spoil(world, "rewards", frame, ("reward_id", "B9{:03d}"))
    return write_text(world, "rewards", frame, raw, counts)


def kept(tables: dict[str, pd.DataFrame]) -> dict:
    """Rows a right reading keeps: every score, and a blank beside a remark or a one-to-one."""
    rows = tables["reviews"]
    says = rows[["score", "talk_on"]].notna().any(axis=1) | (rows["comment"].notna() & rows["comment"].ne("n/a"))
    return {"appraisals": int(says.sum()), "rewards": len(tables["rewards"])}


def facts(tables: dict[str, pd.DataFrame]) -> dict:
    """What a right reading finds of the last round, before any method."""
    last = tables["reviews"]["round"].max()
    now = tables["reviews"][tables["reviews"]["round"] == last]
    judged = now[now["role"].ne("self")].dropna(subset="score")
    rewards = tables["rewards"]
    return {
        "judged": len(judged),
        "own": int(now["role"].eq("self").sum()),
        "raters": judged["rater"].nunique(),
        "ratees": judged["ratee"].nunique(),
        "talks": now.loc[now["talk_on"].notna(), "ratee"].nunique(),
        "rewards": rewards.loc[rewards["period"] == last, "tier"].value_counts().sort_index().to_dict(),
        "by_rater": judged.groupby("rater").size().to_dict(),
    }
