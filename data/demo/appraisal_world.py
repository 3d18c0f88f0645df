"""The appraisals of the demo client jiahe: who rates whom, what everybody earned, and what is done with the scores.

What is planted stands in ``jiahe_appraisal.toml``; ``raters.py`` turns it into scores. Every table has a stream of its
own, so that none of them changes another or a table of ``world.py``.
"""

import numpy as np
import pandas as pd
from raters import given
from world import SEED, _pick, _stream, load_world

CAPPED = {"errors": "deduction", "praise": "bonus"}
TEAM = 5  # people a team; the branch is one team more


def simulate(seed: int = SEED, client: str = "jiahe") -> dict[str, pd.DataFrame]:
    """Clean tables: staff, scores, roundup, words (wide, as the forms), figures, totals, rewards, inspections, pulse,
    communications; ``truth`` holds what every person earned in every month."""
    world, teams = load_world(f"{client}_appraisal"), load_world(client)["teams"]
    staff = _staff(world, teams, _stream(seed, "staff"))
    truth = _truth(world, teams, staff, _stream(seed, "ability"))
    rated = _rated(world, staff, truth, _stream(seed, "appraisals"))
    tables = {
        "staff": staff,
        "scores": _sheets(world, rated, _stream(seed, "remarks")),
        "roundup": _roundup(world, rated, truth, _stream(seed, "self")),
        "words": _words(world, rated),
        "figures": _figures(world, truth, _stream(seed, "figures")),
        "truth": truth,
    }
    tables["totals"] = totals(world, tables)
    tables["rewards"] = _rewards(world, staff, tables, _stream(seed, "rewards"))
    tables["inspections"] = _inspections(world, staff, truth, _stream(seed, "inspections"))
    tables["pulse"] = _pulse(world, tables["figures"], _stream(seed, "pulse"))
    tables["communications"] = _communications(world, staff, teams, _stream(seed, "communications"))
    return tables


def months(world: dict) -> pd.PeriodIndex:
    return pd.PeriodIndex(world["appraisal"]["months"], freq="M")


def quarter(month: pd.Series) -> pd.Series:
    """2026Q3 of 2026-07 …"""
    return pd.PeriodIndex(month, freq="M").asfreq("Q").astype(str)


# ---------------------------------------------------------------- people


def _staff(world: dict, teams: dict, rng: np.random.Generator) -> pd.DataFrame:
    """Ids K01 … in the order accountants, leads, branch, its lead, managers, quality."""
    spec = world["staff"]
    blocks = [
        ("accountant", spec["accountants"], np.repeat(teams["names"], TEAM), np.repeat(spec["departments"], TEAM)),
        ("lead", spec["leads"], teams["names"], spec["departments"]),
        ("accountant", spec["branch"], [spec["branch_name"]] * TEAM, [spec["branch_name"]] * TEAM),
        ("lead", spec["branch_lead"], [spec["branch_name"]], [spec["branch_name"]]),
        ("manager", spec["managers"], [""] * 2, sorted(set(spec["departments"]))),
        ("quality", spec["quality"], [""] * 2, [spec["quality_department"]] * 2),
    ]
    parts = [
        pd.DataFrame({"kind": kind, "staff_name": names, "team": team, "department": department})
        for kind, names, team, department in blocks
    ]
    staff = pd.concat(parts, ignore_index=True)
    n, branch = len(staff), staff["department"] == spec["branch_name"]
    away = (staff["kind"] == "accountant") & (staff.index % TEAM + 1).isin(spec["outposted"])
    staff["staff_id"] = [f"K{k:02d}" for k in range(1, n + 1)]
    staff["site"] = np.select([branch, away], [spec["branch_name"], spec["outpost"]], spec["office"])
    staff["role"] = staff["kind"].map(spec["roles"])
    staff["hired_on"] = pd.Timestamp("2016-03-01") + pd.to_timedelta((rng.random(n) * 3400).astype(int), unit="D")
    staff["manager"] = _managers(staff)
    return staff


def _managers(staff: pd.DataFrame) -> pd.Series:
    """Name of whom each reports to: accountants to the lead of the team, leads to the manager of the department."""
    lead = staff[staff["kind"] == "lead"].set_index("team")["staff_name"]
    manager = staff[staff["kind"] == "manager"].set_index("department")["staff_name"]
    above = staff["team"].map(lead).where(staff["kind"] == "accountant", staff["department"].map(manager))
    return above.where(above != staff["staff_name"])


def _truth(world: dict, teams: dict, staff: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One row an accountant and month: ``ability``, points from the mean; ``measured`` as filings and checks see it."""
    model, people = world["model"], staff[staff["kind"] == "accountant"].reset_index(drop=True)
    own = rng.standard_normal(len(people))
    branch = people["team"] == world["staff"]["branch_name"]
    people["ability"] = np.where(branch, model["branch_ability"], model["ability"]) * own
    people["ability"] += model["weak_team"] * (people["team"] == teams["weak"])
    every = people.merge(pd.DataFrame({"month": months(world)}), how="cross")
    for person, plan in world["movers"].items():
        later = (every["staff_id"] == person) & (every["month"] >= pd.Period(plan["from"], "M"))
        every["ability"] += plan["points"] * later
    unlike = pd.DataFrame.from_dict(world["unlike"], orient="index").reindex(every["staff_id"]).reset_index(drop=True)
    every = every.assign(
        measured=unlike["measured"].fillna(every["ability"]), ability=unlike["judged"].fillna(every["ability"])
    )
    every["period"] = every["month"].map({month: k for k, month in enumerate(months(world))})
    columns = ["staff_id", "staff_name", "team", "department", "site", "month", "period", "ability", "measured"]
    return every[columns].rename(columns={"staff_id": "ratee", "staff_name": "ratee_name", "site": "group"})


# ---------------------------------------------------------------- who rates whom


def _pairs(world: dict, staff: pd.DataFrame) -> pd.DataFrame:
    """period, ratee, rater, kind: every month each accountant is rated by the own lead, one manager and one of
    quality; leads rate some of another team; the branch only by its lead."""
    people = staff[staff["kind"] == "accountant"]
    teams = list(people["team"].unique())[:TEAM]
    leads = staff[staff["kind"] == "lead"].set_index("team")["staff_id"]
    managers, quality = (staff.loc[staff["kind"] == kind, "staff_id"].tolist() for kind in ("manager", "quality"))
    rows = []
    for period in range(len(months(world))):
        rows += [(period, p, leads[team], "lead") for p, team in zip(people["staff_id"], people["team"], strict=True)]
        linked = people[people["team"].isin(teams)]
        for k, person in enumerate(linked["staff_id"]):
            rows.append((period, person, managers[(k + period) % 2], "manager"))
            rows.append((period, person, quality[(k // 2 + period) % 2], "quality"))
        for number, team in enumerate(teams):
            other = linked[linked["team"] == teams[(number + 1 + period % (TEAM - 1)) % TEAM]]["staff_id"].tolist()
            chosen = [other[(2 * period + j + number) % TEAM] for j in range(world["appraisal"]["cross_rows"])]
            rows += [(period, person, leads[team], "lead") for person in chosen]
    return pd.DataFrame(rows, columns=["period", "ratee", "rater", "kind"])


def _rated(world: dict, staff: pd.DataFrame, truth: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Every score of every rater, long: the monthly sheets, the quarter's overall scores and those given in words.

    One row a score: form (sheet, overall, words), period, ratee, rater, kind, criterion, score (not rounded)."""
    model = world["model"]
    pairs = _pairs(world, staff)
    ends = pairs["period"] % 3 == 2
    own = pairs[ends & (pairs["kind"] == "lead")].merge(truth[["ratee", "team"]].drop_duplicates(), on="ratee")
    lead_of = staff[staff["kind"] == "lead"].set_index("staff_id")["team"]
    own = own[own["rater"].map(lead_of) == own["team"]].drop(columns="team")
    peers = _peers(world, truth)
    rows = pd.concat([
        _by(pairs, model["sheet"], "sheet"), _by(own, [model["overall"]], "overall"),
        _by(peers, [model["overall"]], "overall"), _by(peers, model["worded"], "words"),
    ], ignore_index=True)  # fmt: skip
    known = ["ratee", "period", "ratee_name", "team", "department", "group", "month", "ability"]
    rows = rows.merge(truth[known], on=["ratee", "period"], how="left")
    rows["score"] = given(rows, model, world["planted"], rng)
    return rows.merge(staff[["staff_id", "staff_name"]].set_axis(["rater", "rater_name"], axis=1), on="rater")


def _by(pairs: pd.DataFrame, criteria: list[str], form: str) -> pd.DataFrame:
    return pairs.merge(pd.DataFrame({"criterion": criteria}), how="cross").assign(form=form)


def _peers(world: dict, truth: pd.DataFrame) -> pd.DataFrame:
    """The panel: in the last month of a quarter each of the linked teams by one of the two peers, in turn."""
    panel = world["panel"]["peers"]
    linked = truth[(truth["team"] != world["staff"]["branch_name"]) & (truth["period"] % 3 == 2)]
    turn = linked["ratee"].str[1:].astype(int) + linked["period"] // 3
    pairs = linked[["period", "ratee"]].assign(rater=np.array(panel)[turn % 2], kind="peer")
    return pairs[pairs["rater"] != pairs["ratee"]]


# ---------------------------------------------------------------- the forms they fill in


def _sheets(world: dict, rated: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The monthly sheets, one row a sheet with a column a criterion; some scores blank, some sheets with a remark."""
    keys = ["department", "team", "ratee", "ratee_name", "group", "month", "period", "rater", "rater_name", "kind"]
    rows = rated[rated["form"] == "sheet"]
    rows = rows.assign(
        score=rows["score"].round().clip(0, 100).mask(rng.random(len(rows)) < world["appraisal"]["missing"])
    )
    wide = rows.pivot(index=keys, columns="criterion", values="score")[world["model"]["sheet"]].reset_index()
    wide = wide.sort_values(["period", "department", "team", "ratee", "rater"], ignore_index=True)
    day = wide["month"].dt.end_time.dt.normalize() - pd.to_timedelta(3 - (rng.random(len(wide)) * 3).astype(int), "D")
    good = wide[world["model"]["sheet"]].mean(axis=1) > world["model"]["mean"]
    return wide.assign(rated_on=day, comment=_remarks(world, wide["month"], good, rng))


def _remarks(world: dict, month: pd.Series, good: pd.Series, rng: np.random.Generator) -> list[str | None]:
    words, spec, draws = world["remarks"], world["appraisal"], rng.random((len(month), 5))
    found = []
    for when, well, (write, full, which, count, tax) in zip(month, good, draws, strict=True):
        options = words["plain"] if full >= spec["remark_substance"] else words["good" if well else "bad"]
        slots = {"m": when.month, "k": 1 + int(count * 5), "t": words["taxes"][int(tax * len(words["taxes"]))]}
        text = options[int(which * len(options))].format(**slots)
        found.append(text if write < spec["commented"] else None)
    return found


def _roundup(world: dict, rated: pd.DataFrame, truth: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Overall scores of the quarter, one row a person: self, own lead, one peer (none in the branch)."""
    rows = rated[rated["form"] == "overall"].assign(score=lambda t: t["score"].round().clip(0, 100))
    wide = truth[truth["period"] % 3 == 2][["ratee", "ratee_name", "team", "month", "period", "ability"]]
    for kind in ("lead", "peer"):
        part = rows[rows["kind"] == kind].set_index(["ratee", "period"])[["score", "rater", "rater_name"]]
        wide = wide.join(part.set_axis([kind, f"{kind}_id", f"{kind}_name"], axis=1), on=["ratee", "period"])
    plan = world["model"]["self"]
    own = world["model"]["mean"] + wide["ability"] + plan["lenient"] + plan["noise"] * rng.standard_normal(len(wide))
    day = wide["month"].dt.end_time.dt.normalize() - pd.Timedelta(days=2)
    wide = wide.assign(own=own.round().clip(0, 100), rated_on=day, quarter=quarter(wide["month"]))
    return wide.sort_values(["period", "ratee"], ignore_index=True)


def _words(world: dict, rated: pd.DataFrame) -> pd.DataFrame:
    """Levels in words, one row a person of the linked teams and quarter."""
    words, cuts = world["spelling"]["levels"], world["spelling"]["level_from"]
    rows = rated[rated["form"] == "words"]
    rows = rows.assign(score=np.array(words)[np.searchsorted(cuts, rows["score"], side="right")])
    keys = ["ratee", "month", "period", "rater", "rater_name"]
    wide = rows.pivot(index=keys, columns="criterion", values="score").reset_index()
    day = wide["month"].dt.end_time.dt.normalize() - pd.Timedelta(days=1)
    wide = wide.assign(rated_on=day, quarter=quarter(wide["month"]))
    return wide.sort_values(["period", "ratee"], ignore_index=True)


def _figures(world: dict, truth: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """What is counted a month and person, and what became of the result: talk, appeal."""
    plan = world["scheme"]
    on, n = plan["on_time"], len(truth)
    share = on["mean"] + on["slope"] * truth["measured"] + on["noise"] * rng.standard_normal(n)
    errors = rng.poisson(plan["errors"] * np.exp(-0.08 * truth["measured"]))
    veto = pd.Series(list(zip(truth["ratee"], truth["month"].astype(str), strict=True))).isin(map(tuple, plan["veto"]))
    rows = truth[["team", "ratee", "ratee_name", "month", "period"]].assign(
        on_time=share.clip(60, 100).round(1), errors=errors, praise=(rng.random(n) < plan["praise"]).astype(int),
        veto=veto.to_numpy(), result_on=truth["month"].dt.end_time.dt.normalize() + pd.Timedelta(days=4),
    )  # fmt: skip
    last = rows["month"] == months(world)[-1]
    rows["result_on"] = rows["result_on"].mask(last, pd.Timestamp("2026-09-30"))
    rows = rows.assign(**_talks(plan, rows, last, rng))
    return rows.assign(**_appeals(plan, rows, truth["ability"], last, rng)).sort_values(
        ["period", "ratee"], ignore_index=True
    )


def _talks(plan: dict, rows: pd.DataFrame, last: pd.Series, rng: np.random.Generator) -> dict:
    """Held within the days promised, late, or not at all; the talks on the last month lie after the data."""
    talk, draws = plan["talk"], rng.random((len(rows), 3))
    late = draws[:, 1] < talk["late"]
    days = np.where(late, talk["days"] + 1 + 12 * draws[:, 2], 1 + (talk["days"] - 1) * draws[:, 2]).astype(int)
    held = rows["result_on"] + pd.to_timedelta(days, unit="D")
    return {"talk_on": held.where((draws[:, 0] < talk["held"]) & ~last & (held <= pd.Timestamp("2026-09-30")))}


def _appeals(plan: dict, rows: pd.DataFrame, ability: pd.Series, last: pd.Series, rng: np.random.Generator) -> dict:
    """Some appeal within a week of the result, more of those who did badly."""
    spec, draws = plan["appeal"], rng.random((len(rows), 3))
    chance = np.where(ability < ability.quantile(0.3), spec["low"], spec["other"])
    appeal = (draws[:, 0] < chance) & ~last
    day = rows["result_on"] + pd.to_timedelta(1 + (6 * draws[:, 1]).astype(int), unit="D")
    return {"appeal": appeal, "appeal_on": day.where(appeal), "upheld": appeal & (draws[:, 2] < spec["upheld"])}


# ---------------------------------------------------------------- what is done with the scores


def judged(world: dict, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every score by somebody else in points of 100: ratee, rater, month, criterion, score, team, group."""
    model, keys = world["model"], ["ratee", "rater", "month"]
    sheets = tables["scores"].melt(keys, model["sheet"], "criterion", "score")
    words = tables["words"].melt(keys, model["worded"], "criterion", "score")
    words["score"] = words["score"].map(world["spelling"]["points"])
    parts = [
        tables["roundup"][["ratee", f"{kind}_id", "month", kind]].set_axis([*keys, "score"], axis=1)
        for kind in ("lead", "peer")
    ]
    overall = pd.concat(parts).assign(criterion=model["overall"])
    rows = pd.concat([sheets, words, overall]).dropna(subset=["score", "rater"]).astype({"score": float})
    return rows.merge(tables["truth"][["ratee", "team", "group"]].drop_duplicates(), on="ratee")


def totals(world: dict, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """ratee, quarter, total, tier by the scheme: means of the judged scores of a month by weight, filings, less errors,
    plus bonus points; months averaged; a veto sends to the last tier. Raw: nobody has corrected a rater."""
    plan, keys = world["scheme"], ["ratee", "month"]
    counted = tables["figures"].set_index(keys)
    mean = judged(world, tables).groupby([*keys, "criterion"])["score"].mean().unstack()
    mean = mean.assign(**{plan["formula"]: counted["on_time"]})[list(plan["weights"])]
    weights = pd.Series(plan["weights"])
    scored = (mean * weights).sum(axis=1) / (mean.notna() * weights).sum(axis=1)
    off, more = (counted[name].clip(upper=plan["ceiling"][kind]) for name, kind in CAPPED.items())
    month = pd.DataFrame({"total": scored - off + more, "veto": counted["veto"]}).reset_index()
    found = month.assign(quarter=quarter(month["month"])).groupby(["ratee", "quarter"])
    found = found.agg(total=("total", "mean"), veto=("veto", "any")).reset_index()
    cuts = [found["total"] >= tier["min"] for tier in plan["tiers"]]
    tier = pd.Series(np.select(cuts, [tier["name"] for tier in plan["tiers"]], ""), found.index)
    return found.assign(tier=tier.mask(found["veto"], plan["tiers"][-1]["name"])).drop(columns="veto")


def _rewards(world: dict, staff: pd.DataFrame, tables: dict, rng: np.random.Generator) -> pd.DataFrame:
    """Bonus of the quarter by tier, fines for errors, praise; a few like cases are treated unlike."""
    plan, spec = world["scheme"], world["rewards"]
    money = {tier["name"]: tier["money"] for tier in plan["tiers"]}
    bonus = tables["totals"].assign(
        what="bonus", on=lambda t: pd.PeriodIndex(t["quarter"], freq="Q").end_time.normalize()
    )
    for when, due, paid in spec["unlike"]:
        alike = bonus[(bonus["quarter"] == when) & (bonus["tier"] == due)].sort_values("total")
        bonus.loc[alike.index[len(alike) // 2], "tier"] = paid
    bonus = bonus.assign(amount=bonus["tier"].map(money)).query("amount > 0")
    figures = tables["figures"].assign(quarter=quarter(tables["figures"]["month"]))
    fined = figures[(figures["errors"] >= spec["errors"]) & (rng.random(len(figures)) < spec["fined"])]
    harsh = fined["team"] == spec["harsh"]["team"]
    fined = fined.assign(
        what="error", on=fined["result_on"], amount=np.where(harsh, spec["harsh"]["fine"], spec["fine"])
    )
    praised = figures[(figures["praise"] > 0) & (rng.random(len(figures)) < spec["praised"])]
    praised = praised.assign(what="praise", on=praised["result_on"])
    columns = ["ratee", "quarter", "what", "on", "amount", "tier"]
    rows = pd.concat([part.reindex(columns=columns) for part in (bonus, fined, praised)])
    rows = rows.merge(staff[["staff_id", "staff_name"]], left_on="ratee", right_on="staff_id")
    rows = rows.sort_values(["on", "ratee", "what"], ignore_index=True)
    return rows.assign(reward_id=[f"JC{k:04d}" for k in range(1, len(rows) + 1)])


def _inspections(world: dict, staff: pd.DataFrame, truth: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One check a month of everybody in the linked teams by one of quality, three items."""
    plan, share = world["inspection"], world["inspection"]["share"]
    checks = truth[truth["team"] != world["staff"]["branch_name"]].reset_index(drop=True)
    quality = staff.loc[staff["kind"] == "quality", "staff_id"].to_numpy()
    checks["inspector"] = quality[_pick(rng, len(checks), [1, 1])]
    first = checks["month"].dt.start_time
    checks["done_at"] = first + pd.to_timedelta(9 + (18 * rng.random(len(checks))).astype(int), unit="D")
    checks["method"] = np.array(world["export"]["inspections"]["methods"])[_pick(rng, len(checks), [3, 1])]
    checks["announced"] = (rng.random(len(checks)) < 0.2).astype(int)
    checks["feedback_on"] = checks["done_at"] + pd.to_timedelta(1 + (6 * rng.random(len(checks))).astype(int), unit="D")
    checks["feedback_on"] = checks["feedback_on"].where(checks["feedback_on"] <= pd.Timestamp("2026-09-30"))
    checks = checks.sort_values(["done_at", "ratee"], ignore_index=True)
    checks["inspection_id"] = [f"ZJ{k:04d}" for k in range(1, len(checks) + 1)]
    items = pd.DataFrame(
        {"criterion": plan["criteria"], "max_score": plan["max_score"], "item": range(len(plan["criteria"]))}
    )
    rows = checks.merge(items, how="cross")
    part = share["mean"] + share["slope"] * rows["measured"] + share["noise"] * rng.standard_normal(len(rows))
    part = part - rows["inspector"].map(plan["severe"]).fillna(0)
    rows["score"] = (part.clip(0, 1) * rows["max_score"]).round()
    rows["critical"] = (rows["item"] == 1).astype(int)
    notes = np.array(world["export"]["inspections"]["notes"])
    return rows.assign(note=np.where(part < 0.8, notes[_pick(rng, len(rows), [1, 1, 1, 1])], ""))


def _pulse(world: dict, figures: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """A short questionnaire on the appraisal after every quarter: more useful to those who had a talk."""
    plan = world["pulse"]
    rows = (
        figures.assign(quarter=quarter(figures["month"]))
        .groupby(["quarter", "ratee"], as_index=False)["talk_on"]
        .count()
    )
    rows = rows[rng.random(len(rows)) < plan["answers"]].reset_index(drop=True)
    talked = rows["talk_on"] > 1
    draws = rng.random((len(rows), 4))
    level = [np.searchsorted(np.cumsum(plan[key]), draws[:, 0]) + 1 for key in ("useful", "useful_after_talk")]
    chance = np.where(talked, plan["understood_after_talk"], plan["understood"])
    end = pd.PeriodIndex(rows["quarter"], freq="Q").end_time.normalize()
    said = np.array(plan["said"])[(draws[:, 2] * len(plan["said"])).astype(int)]
    rows = pd.DataFrame({
        "ref": rows["quarter"],
        "on": end - pd.to_timedelta((9 * draws[:, 3]).astype(int), unit="D"),
        "useful": np.where(talked, level[1], level[0]).clip(1, 5),
        "understood": (draws[:, 1] < chance).astype(int),
        "comment": np.where(draws[:, 3] < 0.4, said, ""),
    }).sort_values("on", kind="stable", ignore_index=True)  # fmt: skip
    return rows.assign(pulse_id=[f"WD{k:03d}" for k in range(1, len(rows) + 1)])


def _communications(world: dict, staff: pd.DataFrame, teams: dict, rng: np.random.Generator) -> pd.DataFrame:
    """One feedback pack a month and team: sent, reached, read; the weak team's lead sends late and few are read."""
    spec, people = world["export"]["communications"], staff[staff["kind"] == "accountant"]
    rows = people.groupby("team", sort=False, as_index=False).size().rename(columns={"size": "audience"})
    rows = rows.merge(pd.DataFrame({"month": months(world)[:-1]}), how="cross").sort_values(
        "month", kind="stable", ignore_index=True
    )
    weak = rows["team"] == teams["weak"]
    planned = rows["month"].dt.end_time.dt.normalize() + pd.Timedelta(days=6)
    wait = (rng.random(len(rows)) * np.where(weak, 14, 4)).astype(int)
    reached = rng.binomial(rows["audience"], spec["reached"])
    read = rng.binomial(reached, np.where(weak, spec["read"]["weak"], spec["read"]["mean"]))
    sent = planned + pd.to_timedelta(wait, unit="D") + pd.Timedelta(hours=10)
    return rows.assign(
        planned_on=planned, at=sent, reached=reached, read=read,
        comm_id=[f"FK{k:03d}" for k in range(1, len(rows) + 1)],
    )  # fmt: skip
