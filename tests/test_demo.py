"""The demo client: its bytes follow from the seed, and what its README says is planted is there."""

import csv
import io
import re
import sys
import tomllib
from datetime import datetime
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "data" / "demo"
JIAHE = DEMO / "jiahe"
sys.path[:0] = [str(DEMO), str(ROOT / "benchmarks")]

import build  # noqa: E402
import demo_power  # noqa: E402
import world  # noqa: E402

from sqlib import client, contracts, intake  # noqa: E402
from sqlib import tables as typed  # noqa: E402

WORLD = world.load_world("jiahe")
TRUTH = tomllib.loads((JIAHE / "truth.toml").read_text(encoding="utf-8"))
WORDS, EXPORT = WORLD["spelling"], WORLD["export"]
RULES = {flaw["rule"] for flaws in WORLD["flaws"].values() for flaw in flaws} - {build.UNLINKED}


@pytest.fixture(scope="module")
def tables():
    return world.simulate()


# ---------------------------------------------------------------- bytes


def test_bytes_follow_from_the_seed(tmp_path):
    build.main(["--out", str(tmp_path)])
    made = {path.name: path.read_bytes() for path in (tmp_path / "jiahe" / "raw").iterdir()}
    kept = {path.name: path.read_bytes() for path in (JIAHE / "raw").iterdir()}
    assert made.keys() == kept.keys()
    assert [name for name in kept if made[name] != kept[name]] == []
    for name in ("truth.toml", "client.toml"):
        assert (tmp_path / "jiahe" / name).read_bytes() == (JIAHE / name).read_bytes()


def test_small_enough_to_commit():
    files = [path for path in DEMO.rglob("*") if path.is_file() and ".sqlib-cache" not in path.parts]
    sizes = [path.stat().st_size for path in files]
    assert sum(sizes) <= 15e6
    assert max(sizes) <= 5e6


def test_a_new_table_changes_no_other(tables, monkeypatch):
    changed = {**WORLD, "case": {**WORLD["case"], "a_month": 0.2}}
    monkeypatch.setattr(world, "load_world", lambda client: changed)
    again = world.simulate()
    for name in ("customers", "invitations", "feedback", "feedback_items"):
        pd.testing.assert_frame_equal(again[name], tables[name])
    assert len(again["cases"]) > len(tables["cases"])


# ---------------------------------------------------------------- the files, read by a reader of the test's own


def lines(export: str, label: str = "") -> list[dict]:
    """Every line below the header, under contract column names."""
    spec = EXPORT[export]
    path = JIAHE / "raw" / spec["file"].format(label)
    if path.suffix == ".csv":
        found = list(csv.reader(io.StringIO(path.read_bytes().decode(spec["encoding"]), newline="")))
    else:
        sheet = openpyxl.load_workbook(path)[spec["sheet"]]
        found = [["" if cell is None else cell for cell in row] for row in sheet.iter_rows(values_only=True)]
    header = found[len(spec["title"])]
    assert header == list(spec["columns"].values())
    return [dict(zip(spec["columns"], row, strict=True)) for row in found[len(spec["title"]) + 1 :]]


def quarters() -> list[str]:
    stem = EXPORT["survey"]["file"].split("{}")[0]
    return sorted(path.stem.removeprefix(stem) for path in (JIAHE / "raw").glob(f"{stem}*"))


def truth(export: str, label: str = "") -> dict:
    return TRUTH["files"][EXPORT[export]["file"].format(label)]


def day(cell) -> datetime | None:
    """The day a cell names, whatever its spelling; None for a day that does not exist."""
    if isinstance(cell, datetime):
        return cell
    digits = re.findall(r"\d+", cell)
    parts = [digits[0][:4], digits[0][4:6], digits[0][6:]] if len(digits[0]) == 8 else digits[:3]
    try:
        return datetime(*map(int, parts))
    except ValueError:
        return None


def without_total(rows: list[dict]) -> list[dict]:
    return [row for row in rows if WORDS["total"] not in row.values()]


def conflicting(rows: list[dict], key: str) -> int:
    """Rows that share a key with a row of other content."""
    contents = {}
    for row in rows:
        contents.setdefault(row[key], set()).add(tuple(map(str, row.values())))
    return sum(len(content) for content in contents.values() if len(content) > 1)


ALL = [("customers", ""), ("phone", ""), ("wechat", ""), ("invitations", ""), ("cases", "")]
ALL += [("survey", label) for label in quarters()]


@pytest.mark.parametrize(("export", "label"), ALL)
def test_rows_and_total_lines(export, label):
    rows = lines(export, label)
    assert len(rows) == truth(export, label)["raw_rows"]
    assert len(rows) - len(without_total(rows)) == truth(export, label)["total_rows"]


@pytest.mark.parametrize("label", quarters())
def test_flaws_of_a_survey(label):
    rows, said, last = without_total(lines("survey", label)), truth("survey", label), pd.Timestamp("2026-10-01")
    days = [day(row["received_at"]) for row in rows]
    assert sum(row["score"] not in WORDS["levels"] for row in rows) == said.get("unknown_level", 0)
    assert days.count(None) == said.get("not_a_date", 0)
    assert sum(d is not None and d >= last for d in days) == said.get("not_after_as_of", 0)
    wide = sum(any(0xFF10 <= ord(c) <= 0xFF19 for c in row["customer_id"] + row["recommend"]) for row in rows)
    assert wide <= said["full_width_cells"] <= 2 * wide
    assert wide > 0


def test_one_month_is_exported_twice_word_for_word():
    before, after = ({tuple(row.values()) for row in without_total(lines("survey", q))} for q in build.OVERLAP[:2])
    both = before & after
    assert len(both) == truth("survey", build.OVERLAP[1])["repeated_rows"] > 30
    times = [day(dict(zip(EXPORT["survey"]["columns"], row, strict=True))["received_at"]) for row in both]
    assert {(d.year, d.month) for d in times} == {(2026, 6)}


def test_flaws_of_the_call_backs():
    rows, said = lines("phone"), truth("phone")
    score = [int(re.sub(r"\D", "", str(row["score"]))) for row in rows]
    days = [day(row["received_at"]) for row in rows]
    assert sum(not 1 <= s <= 5 for s in score) == said["score_on_scale"]
    assert days.count(None) == said["not_a_date"]
    assert sum(d is not None and d >= datetime(2026, 10, 1) for d in days) == said["not_after_as_of"]
    assert conflicting(rows, "feedback_id") == said["duplicate_id_conflict"]
    assert sum(isinstance(row["score"], str) for row in rows) == said["scores_as_text"]


def test_flaws_of_the_wechat_ratings():
    rows, said = lines("wechat"), truth("wechat")
    fold = str.maketrans(WORDS["brackets"])
    known = {row["customer_name"].translate(fold) for row in without_total(lines("customers"))}
    assert sum(not 1 <= int(row["score"]) <= 5 for row in rows) == said["score_on_scale"]
    assert [day(row["received_at"]) for row in rows].count(None) == said["not_a_date"]
    assert sum(row["customer_name"].translate(fold) not in known for row in rows) == said["unlinked_name"]
    assert len(rows) - len({tuple(row.values()) for row in rows}) == said["repeated_rows"]
    assert sum("(" in row["customer_name"] for row in rows) == said["names_in_half_width"] > 0
    assert sum("\n" in row["comment"] for row in rows) == said["comments_over_two_lines"] > 0


def test_flaws_of_the_customer_list():
    rows, said = without_total(lines("customers")), truth("customers")
    starts = [row["start_date"] for row in rows]
    assert conflicting(rows, "customer_id") == said["duplicate_id_conflict"]
    assert [day(start) for start in starts].count(None) == said["not_a_date"]
    text = starts + [row["end_date"] for row in rows]
    assert sum(isinstance(cell, str) and cell != "" for cell in text) == said["dates_as_text"]
    assert sum(isinstance(row["monthly_fee"], str) for row in rows) == said["fees_as_text"]
    assert sum(row["region"] == WORDS["nothing"] for row in rows) == said["missing_codes"]
    assert [row["customer_id"] for row in rows].count("NA") == 1
    assert {"007", "001"} < {row["customer_id"] for row in rows}
    sheet = openpyxl.load_workbook(JIAHE / "raw" / EXPORT["customers"]["file"])[EXPORT["customers"]["sheet"]]
    tall = [cells for cells in sheet.merged_cells.ranges if cells.max_row > cells.min_row]
    assert len(tall) == said["merged_cells"] == 5


def test_flaws_of_invitations_and_cases():
    invited = without_total(lines("invitations"))
    assert sum(row["customer_id"] == "" for row in invited) == truth("invitations")["required_missing"]
    rows, said = lines("cases"), truth("cases")
    both = [(row["created_at"], row["resolved_at"]) for row in rows if row["resolved_at"] != ""]
    assert sum(day(b) < day(a) for a, b in both) == said["resolved_before_created"]
    assert sum(day(row["created_at"]) >= datetime(2026, 10, 1) for row in rows) == said["not_after_as_of"]
    assert conflicting(rows, "case_id") == said["duplicate_id_conflict"]


def test_readme_states_every_planted_flaw():
    text = (JIAHE / "README.md").read_text(encoding="utf-8")
    stated = {
        (file, code): int(count) for file, code, count in re.findall(r"^\| (\S+) \| `(\w+)` \| (\d+) \|", text, re.M)
    }
    planted = {}
    for file, counts in TRUTH["files"].items():
        name = re.sub(r"20\d\dQ\d", "*", file)
        for code, count in counts.items():
            planted[name, code] = planted.get((name, code), 0) + count
    assert stated == {key: count for key, count in planted.items() if count}


def test_readme_states_the_cells():
    text = (JIAHE / "README.md").read_text(encoding="utf-8")
    for family in ("team", "segment", "channel"):
        for cell, n in TRUTH["cells"][family].items():
            assert re.search(rf"^\| {family} \| {cell} \| {n} \| {TRUTH['satisfied'][family][cell]} \|", text, re.M)


# ---------------------------------------------------------------- the files, read by the workbench


@pytest.fixture(scope="module")
def read():
    """Every table of the client, typed and checked."""
    jiahe = client.load(JIAHE)
    as_of = pd.Timestamp(jiahe.data_until)
    return {
        name: typed.build(intake.read(jiahe, name, contracts.load(name)), contracts.load(name), jiahe, as_of)
        for name in jiahe.tables
    }


@pytest.mark.parametrize("name", list(TRUTH["rows"]))
def test_a_right_reading_keeps_exactly_the_good_rows(read, name):
    assert len(read[name].frame) == TRUTH["rows"][name]


@pytest.mark.parametrize("name", ["customers", "feedback", "invitations", "cases"])
def test_every_row_set_aside_is_a_planted_one(read, name):
    problems = read[name].problems.query("severity == 'error'")
    found = problems.groupby([problems["file"].str.removeprefix("raw/"), "rule"])["count"].sum().to_dict()
    files = {file.removeprefix("raw/") for file in read[name].counts["file"]}
    planted = {(f, rule): n for f in files for rule, n in TRUTH["files"][f].items() if rule in RULES}
    assert found == planted


def test_answers_read_back_are_the_answers_written(read, tables):
    answers = read["feedback"].frame.set_index("feedback_id")
    truth = tables["feedback"].set_index("feedback_id")
    known = answers.loc[truth.index]
    assert (known["score"] == truth["score"]).all()
    assert (known["team"] == truth["team"]).all()
    assert (known["received_at"].dt.normalize() == truth["received_at"].dt.normalize()).all()
    assert (known["customer_id"].nunique(), answers["customer_id"].isna().sum()) == (truth["customer_id"].nunique(), 0)
    items = read["feedback_items"].frame.set_index(["feedback_id", "item_id"])["score"].sort_index()
    assert (items == tables["feedback_items"].set_index(["feedback_id", "item_id"])["score"].sort_index()).all()


# ---------------------------------------------------------------- the truths


def test_the_period_is_as_the_issue_asks(tables):
    period, cells = TRUTH["period"], TRUTH["cells"]
    assert 150 <= period["answers"] <= 240
    assert cells["team"][WORLD["teams"]["weak"]] >= 40
    assert max(len(WORLD["dimensions"]["names"]), *map(len, cells.values())) <= 5
    assert period["answers_of_na"] >= 1
    assert period["low_without_case"] >= 5
    share = TRUTH["answered"][WORLD["segments"]["silent"]] / sum(TRUTH["answered"].values())
    base = TRUTH["base"][WORLD["segments"]["silent"]] / sum(TRUTH["base"].values())
    assert share < base / 2
    assert 0.55 <= tables["feedback"]["comment"].notna().mean() <= 0.65


def test_planted_effects_are_in_the_worlds():
    """Over twelve worlds: the weak team lies 28 points below its like, the spurious one at no distance from it."""
    rows = pd.concat(world.simulate(seed)["feedback"] for seed in range(12))
    rows = rows[rows["received_at"] >= WORLD["effect"]["weak_from"]].assign(good=lambda t: t["score"] >= 4)
    teams, segments = WORLD["teams"], WORLD["segments"]
    ordinary = rows["segment"] != segments["hard"]
    weak, spurious = (rows["team"] == teams[name] for name in ("weak", "spurious"))
    usual = rows.loc[ordinary & ~weak, "good"].mean()
    assert rows.loc[ordinary & weak, "good"].mean() - usual == pytest.approx(WORLD["effect"]["weak_team"], abs=0.04)
    hard = rows.loc[~ordinary & ~weak & ~spurious, "good"].mean()
    assert hard - usual == pytest.approx(WORLD["effect"]["hard_segment"], abs=0.05)
    assert rows.loc[~ordinary & spurious, "good"].mean() == pytest.approx(hard, abs=0.05)


def test_the_committed_world_shows_what_is_planted():
    verdict = demo_power.flagged(world.SEED).set_index(["family", "cell"])["verdict"]
    assert verdict["team", WORLD["teams"]["weak"]] == "act_now"
    assert list(verdict.index[verdict == "act_now"]) == [("team", WORLD["teams"]["weak"])]
    assert "hidden" not in set(verdict)


def test_answers_of_one_owner_are_correlated():
    rng = np.random.default_rng(5)
    owner = pd.Series(np.repeat(np.arange(20000), 2))
    first, second = world._latent(owner, WORLD["world"]["correlation"], rng).reshape(-1, 2).T
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(WORLD["world"]["correlation"], abs=0.03)
    assert np.var(first) == pytest.approx(1, abs=0.04)


def test_levels_keep_the_chance_of_satisfaction():
    latent = np.random.default_rng(6).standard_normal(40000)
    score = world._levels(latent, np.full(40000, 0.62), world.LOW_LEVELS, world.HIGH_LEVELS) + 1
    assert set(score) == {1, 2, 3, 4, 5}
    assert np.mean(score >= 4) == pytest.approx(0.62, abs=0.01)
    assert np.mean(score == 1) == pytest.approx(0.38 * world.LOW_LEVELS[0], abs=0.01)


# ---------------------------------------------------------------- code books


@pytest.mark.parametrize("profile", ["accounting", "general"])
def test_code_book_is_complete(profile):
    folder = ROOT / "sqlib" / "profiles" / profile
    themes = tomllib.loads((folder / "codebook.toml").read_text(encoding="utf-8"))["themes"]
    assert 8 <= len(themes) <= 12
    for theme in themes.values():
        assert set(theme["label"]) == {"zh", "en"}
        assert len(theme["phrases"]) == len(set(theme["phrases"]))
        assert any(phrase.isascii() for phrase in theme["phrases"])
        assert any(not phrase.isascii() for phrase in theme["phrases"])
    label = tomllib.loads((folder / "profile.toml").read_text(encoding="utf-8"))["label"]
    assert set(label) == {"zh", "en"}


def test_code_book_finds_the_planted_themes(tables):
    """Most, not all: some sentences are worded outside the book on purpose."""
    book = tomllib.loads((ROOT / "sqlib/profiles/accounting/codebook.toml").read_text(encoding="utf-8"))["themes"]
    rows = tables["feedback"].dropna(subset="comment")
    planted = found = 0
    for theme in WORLD["themes"]:
        true = rows["theme"].str.split().map(lambda names, theme=theme: theme in names)
        hit = rows["comment"].map(lambda text, theme=theme: any(phrase in text for phrase in book[theme]["phrases"]))
        planted, found = planted + true.sum(), found + (true & hit).sum()
    assert 0.9 <= found / planted < 1
