"""Build the demo client Northbridge: the untouched exports of an English facilities firm, from one seed.

``python data/demo/northbridge.py [--seed 20260915] [--out data/demo]`` writes ``<out>/northbridge/raw/`` and
``truth.toml``. What is planted stands in ``northbridge.toml`` beside this file: which parts of the service drive the
overall score, which themes rise, which wish appeared, which team fell behind. Each table has a stream of its own.
"""

import argparse
import csv
import io
from datetime import datetime
from pathlib import Path

import improvement
import northbridge_appraisal
import numpy as np
import pandas as pd
import xlsxwriter
from ugly import as_toml
from world import HERE, _pick, _stream, load_world

SEED = 20260915
CLIENT = "northbridge"
STAMP = datetime(2026, 9, 30, 18, 0)  # creation time of every workbook
PERIOD = ("2026-07-01", "2026-10-01")
HALVES = ["2024H1", "2024H2", "2025H1", "2025H2", "2026H1", "2026H2"]
OVERLAP = 120  # last rows of one half-year export that stand again in the next
MISSPELT = 0.004  # share of rows whose team is written the other way
STAFF_PER_TEAM = 8


def simulate(seed: int = SEED) -> dict[str, pd.DataFrame]:
    """Clean tables: customers (sites), staff, feedback, feedback_items, kano, cases; ``theme``, ``need`` and ``_…``
    columns are the truth behind the comments and scores."""
    world = load_world(CLIENT)
    customers = _customers(world, _stream(seed, "customers"))
    staff = _staff(world, _stream(seed, "staff"))
    feedback = _feedback(world, customers, _stream(seed, "feedback"))
    scores, items = _scores(world, feedback, _stream(seed, "scores"))
    feedback = feedback.assign(score=scores)
    feedback = feedback.assign(**_comments(world, feedback, staff, _stream(seed, "comments")))
    survey = feedback["channel"].eq("survey").to_numpy()
    return {
        "customers": customers,
        "staff": staff,
        "feedback": feedback,
        "feedback_items": feedback.loc[survey, ["feedback_id"]].join(items[survey]),
        "kano": _kano(world, customers, _stream(seed, "kano")),
        "cases": _cases(world, customers, _stream(seed, "cases")),
    }


def simulate_staff(seed: int = SEED) -> pd.DataFrame:
    """The table of staff alone."""
    return _staff(load_world(CLIENT), _stream(seed, "staff"))


def _customers(world: dict, rng: np.random.Generator) -> pd.DataFrame:
    names, n = world["names"], world["world"]["sites"]
    group = np.minimum((world["world"]["groups"] * rng.random(n) ** 1.3).astype(int), world["world"]["groups"] - 1)
    segment = _pick(rng, world["world"]["groups"], names["segment_weights"])[group]
    places = [f"{a} {b}" for a in names["site_first"] for b in names["site_last"]]
    site = [f"{places[k % len(places)]} {k // len(places) + 1}" for k in np.argsort(rng.random(n), kind="stable")]
    organisation = [f"{names['last'][k % 14]} {names['organisations'][k // 14 % 10]} {k // 140 + 1}" for k in group]
    return pd.DataFrame({
        "customer_id": [f"S{k:04d}" for k in range(1001, 1001 + n)],
        "customer_name": site,
        "customer_group": organisation,
        "segment": np.array(names["segments"])[segment],
        "region": np.array(names["regions"])[_pick(rng, n, [3, 4, 3])],
        "start_date": pd.Timestamp("2019-01-01") + pd.to_timedelta((rng.random(n) * 2400).astype(int), unit="D"),
        "monthly_fee": np.round(np.exp(6.6 + 0.5 * rng.standard_normal(n)) / 10).astype(int) * 10,
    })  # fmt: skip


def _staff(world: dict, rng: np.random.Generator) -> pd.DataFrame:
    """Eight people a team; the last is in the list twice, under two spellings of one number."""
    names = world["names"]
    teams = [f"{line} {region}" for line in names["lines"] for region in names["regions"]]
    people = [f"{a} {b}" for a in names["first"] for b in names["last"]]
    people = [people[k] for k in np.argsort(rng.random(len(people)), kind="stable")]
    n = len(teams) * STAFF_PER_TEAM
    table = pd.DataFrame({
        "staff_id": [f"E{k}" for k in range(101, 101 + n)],
        "staff_name": people[:n],
        "team": np.repeat(teams, STAFF_PER_TEAM),
        "department": [team.split(" ")[0] for team in np.repeat(teams, STAFF_PER_TEAM)],
        "role": np.where(np.arange(n) % STAFF_PER_TEAM == 0, "Supervisor", "Engineer"),
        "hired_on": pd.Timestamp("2015-01-05") + pd.to_timedelta((rng.random(n) * 3800).astype(int), unit="D"),
    })  # fmt: skip
    again = table.iloc[[-1]].assign(staff_id=f"E-{100 + n}")
    return pd.concat([table, again], ignore_index=True)


def _moments(world: dict, n: int, rng: np.random.Generator) -> pd.Series:
    """Times within the world, in working hours, sorted."""
    first = pd.Timestamp(world["world"]["first_month"])
    days = (pd.Timestamp(world["world"]["as_of"]) - first).days + 1
    minutes = (np.sort(rng.random(n)) * days).astype(int) * 1440 + 480 + (rng.random(n) * 600).astype(int)
    return pd.Series(first + pd.to_timedelta(minutes, unit="min"))


def _feedback(world: dict, customers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Who answered when about which job: a silent segment answers a third as often."""
    counts = {name: world["world"][name] for name in ("portal", "survey", "calls")}
    n, names = sum(counts.values()), world["names"]
    table = pd.DataFrame({"received_at": _moments(world, n, rng)})
    channel = np.repeat(list(counts), list(counts.values()))
    table["channel"] = channel[np.argsort(rng.random(n), kind="stable")]
    heard = np.where(customers["segment"] == world["effect"]["silent"], 1 / 3, 1.0)
    site = customers.iloc[_pick(rng, n, heard)].reset_index(drop=True)
    line = np.array(names["lines"])[_pick(rng, n, names["line_weights"])]
    table = table.join(site[["customer_id", "customer_group", "segment", "region"]]).assign(service_line=line)
    table["team"] = table["service_line"] + " " + table["region"]
    number = table.groupby("channel").cumcount() + 1
    prefix = table["channel"].map({"portal": "P", "survey": "Q", "calls": "A"})
    table["feedback_id"] = prefix + number.map("{:05d}".format)
    within = np.minimum((rng.random(n) * STAFF_PER_TEAM).astype(int), STAFF_PER_TEAM - 1)
    teams = [f"{line} {region}" for line in names["lines"] for region in names["regions"]]
    first = table["team"].map({team: 101 + place * STAFF_PER_TEAM for place, team in enumerate(teams)})
    return table.assign(staff_id="E" + (first + within).astype("str"))


def _scores(world: dict, feedback: pd.DataFrame, rng: np.random.Generator) -> tuple[np.ndarray, pd.DataFrame]:
    """Overall score 1 … 5 of every answer and the six items of every questionnaire, from one latent draw."""
    drivers, effect, n = world["drivers"], world["effect"], len(feedback)
    weight = np.array(drivers["weight"])
    common = np.sqrt(drivers["halo"]) * rng.standard_normal((n, 1))
    latent = common + np.sqrt(1 - drivers["halo"]) * rng.standard_normal((n, len(weight)))
    owner = pd.factorize(feedback["customer_group"])[0]
    own = rng.standard_normal(owner.max() + 1)[owner]
    rest = np.sqrt(world["world"]["correlation"]) * own + drivers["noise"] * rng.standard_normal(n)
    month = feedback["received_at"].dt.month
    weak = feedback["team"].eq(effect["weak_team"]) & feedback["received_at"].ge(effect["weak_from"])
    winter = feedback["service_line"].eq(effect["winter_line"]) & month.isin([12, 1, 2])
    shift = effect["weak"] * weak + effect["winter"] * winter
    overall = latent @ weight + rest + 0.55 + shift.to_numpy()
    items = latent + np.array(drivers["level"]) + 0.6 * shift.to_numpy()[:, None]
    levels = pd.DataFrame(_levels(items, drivers["cuts"]), columns=drivers["names"]).astype("Int64")
    missing = rng.random(levels.shape) < world["world"]["item_missing"]
    return _levels(overall, drivers["cuts"]), levels.mask(missing)


def _levels(latent: np.ndarray, cuts: list[float]) -> np.ndarray:
    return np.searchsorted(cuts, latent) + 1


def _comments(world: dict, feedback: pd.DataFrame, staff: pd.DataFrame, rng: np.random.Generator) -> dict:
    """``theme``, ``need`` and ``comment`` of every answer; missing where nothing was written."""
    n, when = len(feedback), feedback["received_at"]
    written = rng.random(n) < feedback["channel"].map(world["world"]["comment"]).to_numpy()
    low = feedback["score"].le(3).to_numpy()
    theme = _themes(world, low, when, rng)
    need = _needs(world, when, rng)
    draw, who, add = rng.random(n), rng.random(n), rng.random(n)
    names = staff["staff_name"].to_numpy()
    texts = np.full(n, None, dtype=object)
    for k in np.flatnonzero(written):
        said = _phrase(world["text"], theme[k], low[k], draw[k]).format(staff=names[int(who[k] * len(names))])
        if need[k]:
            said += ". Also " + _phrase(world["text"], need[k], False, draw[k])
        if add[k] < world["text"]["contact_share"]:
            said += ", " + _contact(world, draw[k], int(1e6 * who[k]))
        texts[k] = said + "."
    blank = ~written
    return {
        "theme": pd.Series(theme).mask(blank),
        "need": pd.Series(need).mask(blank | (need == "")),
        "comment": pd.Series(texts),
    }


def _themes(world: dict, low: np.ndarray, when: pd.Series, rng: np.random.Generator) -> np.ndarray:
    """One theme an answer; the weight of a rising theme grows evenly from its month to the end of the world."""
    names, end = list(world["themes"]), pd.Timestamp(world["world"]["as_of"])
    weights = np.empty((len(when), len(names)))
    for at, name in enumerate(names):
        spec = world["themes"][name]
        weights[:, at] = np.where(low, spec["low"], spec["high"])
        if "rising_from" in spec:
            start = pd.Timestamp(spec["rising_from"])
            grown = ((when - start) / (end - start)).clip(0, 1).to_numpy()
            weights[:, at] *= 1 + (spec["rising_to"] - 1) * grown
    edges = weights.cumsum(axis=1) / weights.sum(axis=1, keepdims=True)
    return np.array(names, dtype=object)[(rng.random((len(when), 1)) > edges).sum(axis=1)]


def _needs(world: dict, when: pd.Series, rng: np.random.Generator) -> np.ndarray:
    found, draw = np.full(len(when), "", dtype=object), rng.random(len(when))
    for name, spec in world["needs"].items():
        chance = np.where(when >= pd.Timestamp(spec["from"]), spec["after"], spec["before"])
        found = np.where((draw >= 0) & (draw < chance) & (found == ""), name, found)
        draw = draw - chance
    return found


def _phrase(text: dict, name: str, low: bool, draw: float) -> str:
    phrases = text.get(f"{name}_low", text[name]) if low else text[name]
    return phrases[int(draw * len(phrases))]


def _contact(world: dict, draw: float, number: int) -> str:
    phone = f"07{number // 1000:03d} {number:06d}"
    return world["text"]["contact"][int(draw * 3)].format(phone=phone, email=f"site{number % 640}@example.com")


def _kano(world: dict, customers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Answers 1 … 5 to "if it were there" and "if it were not there", long: a row a respondent and feature."""
    n, kano, features = world["world"]["kano"], world["kano"], world["names"]["features"]
    site = customers["customer_id"].to_numpy()[np.argsort(rng.random(len(customers)), kind="stable")[:n]]
    rows = []
    for feature, shares in zip(features, kano["shares"], strict=True):
        kind = np.array(kano["names"])[_pick(rng, n, shares)]
        pair = np.array([kano["classes"][each] for each in kind])
        slip = (rng.random(pair.shape) < kano["slip"]) * np.where(rng.random(pair.shape) < 0.5, 1, -1)
        pair = (pair + slip).clip(1, 5)
        rows.append(pd.DataFrame({
            "feedback_id": [f"K{k:03d}" for k in range(1, n + 1)], "customer_id": site, "feature": feature,
            "functional": pair[:, 0], "dysfunctional": pair[:, 1],
        }))  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def _cases(world: dict, customers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Work orders of the last twelve months; the newest are still open."""
    n, names = world["world"]["cases"], world["names"]
    end = pd.Timestamp(world["world"]["as_of"]) + pd.Timedelta(hours=17)
    start = end - pd.Timedelta(days=365)
    created = start + pd.to_timedelta((np.sort(rng.random(n)) * 365 * 1440).astype(int), unit="min")
    site = customers.iloc[_pick(rng, n, np.ones(len(customers)))].reset_index(drop=True)
    line = np.array(names["lines"])[_pick(rng, n, names["line_weights"])]
    hours = np.exp(2.6 + 1.1 * rng.standard_normal(n))
    first = created + pd.to_timedelta((0.2 * hours * 60 * rng.random(n)).astype(int) + 4, unit="min")
    solved = created + pd.to_timedelta((hours * 60).astype(int) + 6, unit="min")
    done = (solved < end) & (rng.random(n) > 0.01)
    return pd.DataFrame({
        "case_id": [f"WO{k:06d}" for k in range(400001, 400001 + n)],
        "customer_id": site["customer_id"],
        "created_at": created,
        "first_response_at": pd.Series(first).where(first < end),
        "resolved_at": pd.Series(solved).where(done),
        "status": np.where(done, "Closed", "In progress"),
        "issue_type": np.array(names["issues"])[_pick(rng, n, [22, 26, 16, 20, 10, 6])],
        "team": pd.Series(line) + " " + site["region"],
    })  # fmt: skip


# ---------------------------------------------------------------- the exports, as they are sent


def write(tables: dict[str, pd.DataFrame], folder: Path) -> dict:
    """Write the exports below ``folder/raw``; return what was planted, counted."""
    world, raw = load_world(CLIENT), Path(folder) / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    feedback = _misspelt(world, tables["feedback"])
    files = _portal(feedback, raw) | _survey(feedback, tables["feedback_items"], raw)
    files |= _calls(world, feedback, raw) | _kano_book(world, tables["kano"], raw) | _lists(tables, raw)
    return {**facts(world, tables), "files": files}


def _misspelt(world: dict, feedback: pd.DataFrame) -> pd.DataFrame:
    every = round(1 / MISSPELT)
    other = feedback["team"].map(world["names"]["spelt"])
    odd = other.notna() & (np.arange(len(feedback)) % every < 4)
    return feedback.assign(team=feedback["team"].mask(odd, other))


def _portal(feedback: pd.DataFrame, raw: Path) -> dict:
    """A CSV every half-year; each begins with the last rows of the one before."""
    rows = feedback[feedback["channel"] == "portal"]
    half = rows["received_at"].dt.year.astype(str) + "H" + ((rows["received_at"].dt.month > 6) + 1).astype(str)
    columns = {
        "feedback_id": "Rating ID", "customer_id": "Site ID", "received_at": "Submitted", "team": "Team",
        "staff_id": "Engineer", "score": "Stars", "comment": "Comment",
    }  # fmt: skip
    files, before = {}, rows.iloc[:0]
    for label in HALVES:
        part = pd.concat([before, rows[half == label]])
        before = part.tail(OVERLAP)
        part = part.assign(received_at=part["received_at"].dt.strftime("%d/%m/%Y %H:%M"))
        files |= _csv(
            part, columns, raw / f"portal ratings {label}.csv", titles=[f"Northbridge portal ratings {label}"]
        )
    return files


def _survey(feedback: pd.DataFrame, items: pd.DataFrame, raw: Path) -> dict:
    """The questionnaire tool: one wide file a year, overall and six questions."""
    rows = feedback[feedback["channel"] == "survey"].merge(items, on="feedback_id")
    columns = {"feedback_id": "Response ID", "customer_id": "Site ID", "received_at": "Completed", "team": "Team"}
    columns |= {"staff_id": "Engineer", "score": "Overall, how satisfied are you?"}
    columns |= {name: name for name in items if name != "feedback_id"} | {"comment": "What could we do better?"}
    files = {}
    for year, part in rows.groupby(rows["received_at"].dt.year):
        part = part.assign(received_at=part["received_at"].dt.strftime("%Y-%m-%d %H:%M"))
        files |= _csv(part, columns, raw / f"job survey {year}.csv")
    return files


def _calls(world: dict, feedback: pd.DataFrame, raw: Path) -> dict:
    """Account review calls in a workbook: worded scores, a title, a total line."""
    rows = feedback[feedback["channel"] == "calls"]
    words = dict(enumerate(world["levels"]["score"], 1))
    rows = rows.assign(score=rows["score"].map(words))
    columns = {
        "feedback_id": "Call ref", "received_at": "Call date", "customer_id": "Site ID", "team": "Team",
        "score": "Overall satisfaction", "comment": "Remarks",
    }  # fmt: skip
    return _book(
        rows, columns, raw / "account review calls.xlsx", ["Account review calls", "Exported 30/09/2026"], "Total"
    )


def _kano_book(world: dict, kano: pd.DataFrame, raw: Path) -> dict:
    words = dict(enumerate(world["levels"]["kano"], 1))
    rows = kano.assign(functional=kano["functional"].map(words), dysfunctional=kano["dysfunctional"].map(words))
    columns = {
        "feedback_id": "Respondent", "customer_id": "Site ID", "feature": "Feature",
        "functional": "If we offered this", "dysfunctional": "If we did not offer this",
    }  # fmt: skip
    return _book(rows, columns, raw / "new services survey 2026-08.xlsx", [], "")


def _lists(tables: dict[str, pd.DataFrame], raw: Path) -> dict:
    """Sites, staff, work orders."""
    sites = {
        "customer_id": "Site ID", "customer_name": "Site name", "customer_group": "Organisation", "segment": "Sector",
        "region": "Region", "start_date": "Contract start", "monthly_fee": "Monthly fee",
    }  # fmt: skip
    staff = {
        "staff_id": "Employee no", "staff_name": "Name", "team": "Team", "department": "Department", "role": "Role",
        "hired_on": "Start date",
    }  # fmt: skip
    orders = {
        "case_id": "Work order", "customer_id": "Site ID", "created_at": "Raised", "first_response_at": "Responded",
        "resolved_at": "Completed", "status": "Status", "issue_type": "Category", "team": "Team",
    }  # fmt: skip
    cases = tables["cases"].assign(
        **{
            name: tables["cases"][name].dt.strftime("%Y-%m-%d %H:%M")
            for name in ("created_at", "first_response_at", "resolved_at")
        }
    )
    return (
        _book(tables["customers"], sites, raw / "sites.xlsx", ["Sites under contract"], "")
        | _book(tables["staff"], staff, raw / "staff list.xlsx", [], "")
        | _csv(cases, orders, raw / "work orders.csv")
    )


def _csv(rows: pd.DataFrame, columns: dict[str, str], path: Path, titles: list[str] | None = None) -> dict:
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerows([[title] for title in titles or []])
    lines.writerow(columns.values())
    lines.writerows(rows[list(columns)].astype(object).where(rows[list(columns)].notna(), "").to_numpy().tolist())
    path.write_bytes(out.getvalue().encode("utf-8"))
    return {path.name: {"raw_rows": len(rows), "title_rows": len(titles or [])}}


def _book(rows: pd.DataFrame, columns: dict[str, str], path: Path, titles: list[str], total: str) -> dict:
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": STAMP})
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "dd/mm/yyyy"})
        sheet = book.add_worksheet("Export")
        for line, title in enumerate(titles):
            sheet.write_string(line, 0, title, bold)
        sheet.write_row(len(titles), 0, columns.values(), bold)
        for line, row in enumerate(rows[list(columns)].itertuples(index=False), len(titles) + 1):
            for place, value in enumerate(row):
                if isinstance(value, pd.Timestamp):
                    sheet.write_datetime(line, place, value.to_pydatetime().replace(hour=0, minute=0), day)
                elif not pd.isna(value):
                    sheet.write(line, place, value)
        if total:
            sheet.write_string(len(titles) + len(rows) + 1, 0, total)
            sheet.write_number(len(titles) + len(rows) + 1, len(columns) - 2, len(rows))
    return {path.name: {"raw_rows": len(rows) + bool(total), "title_rows": len(titles)}}


# ---------------------------------------------------------------- what is planted


def facts(world: dict, tables: dict[str, pd.DataFrame]) -> dict:
    """Rows a right reading keeps; themes, wishes and levels of the period, before any method."""
    feedback = tables["feedback"]
    now = feedback[(feedback["received_at"] >= PERIOD[0]) & (feedback["received_at"] < PERIOD[1])]
    said = now[now["comment"].notna()]
    return {
        "rows": {name: len(table) for name, table in tables.items()},
        "period": {
            "answers": len(now), "satisfied": int(now["score"].ge(4).sum()), "comments": len(said),
            "customers": now["customer_id"].nunique(),
        },
        "themes": said["theme"].value_counts().sort_index().to_dict(),
        "needs": said["need"].value_counts().sort_index().to_dict(),
        "teams": now.groupby("team").size().to_dict(),
        "satisfied_teams": now["score"].ge(4).groupby(now["team"]).sum().to_dict(),
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--out", type=Path, default=HERE, help="folder that receives northbridge/")
    chosen = options.parse_args(arguments)
    folder = chosen.out / CLIENT
    tables = simulate(chosen.seed)
    truth, reviews = write(tables, folder), northbridge_appraisal.simulate(tables["staff"], chosen.seed)
    truth["rows"] |= northbridge_appraisal.kept(reviews)
    truth["appraisal"] = northbridge_appraisal.facts(reviews)
    truth["files"] |= northbridge_appraisal.write(reviews, folder / "raw")
    improved = improvement.simulate(chosen.seed, CLIENT)
    truth["rows"] |= improvement.kept(CLIENT, improved)
    truth["files"] |= improvement.write(CLIENT, improved, folder / "raw")
    (folder / "truth.toml").write_text(as_toml(truth), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
