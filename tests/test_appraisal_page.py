"""The page on appraisals, in this process: what is planted is found, nobody is named, poor data are met."""

import csv
import random
import re
import tomllib
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from client_folder import write
from test_demo_appraisal import MODEL, WORLD, lines
from test_demo_report import numbers
from test_page import _inked, everything, reasons, records, run

from sqlib import page, words
from sqlib.errors import ArgumentError
from sqlib.formats import headings

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "data" / "demo"
STEM = "appraisal_calibration"
PLANTED = WORLD["planted"]
REVIEWERS = ("E133", "E149", "E165", "F01")  # of northbridge: severe, lenient, central tendency, halo (see its README)
HANDED_OVER = {  # table -> columns later pages may rely on
    "ratees": "ratee_id n_ratings n_raters raw corrected calibrated se low high band tier p_tier changed_by",
    "raters": "rater_id n severity se low high spread infit outfit halo",
    "variance_components": "component estimate low high",
    "reliability": "coefficient estimate low high n",
    "tiers": "tier people_raw people expected_right expected_wrong money_raw money",
    "links_to_add": "rater_id ratee_id ratings joins se_before se_after",
    "fairness": "dimension rater_id group n people estimate low high verdict",
}
UNFILLED = re.compile(r"\bnan\b|\binf\b|>None<|\{\w+\}|<NA>|\bNaT\b")


def texts(drawn) -> list[str]:
    from matplotlib.text import Text

    return [text.get_text() for text in drawn.findobj(Text)]


def made(folder: Path, out: Path, *, stem: str = STEM, **parameters) -> dict:
    """The page run once: its outputs, the words in its figures and the folder of its tables."""
    found = {"shown": [], "drawn": [], "tables": out / "tables" / stem}
    out.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "IPython.display.display", lambda bundle, raw, metadata: found["shown"].append((bundle, metadata))
        )
        patch.setattr(page.Page, "_print", lambda self, key, drawn: found["drawn"].extend(texts(drawn)))
        found["page"] = run(folder, stem, out_dir=str(out), **parameters)
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The page on a demo client; each version is made once."""
    kept = {}

    def version(client="jiahe", language="en", audience="management") -> dict:
        key = (client, language, audience)
        if key not in kept:
            out = tmp_path_factory.mktemp("-".join(key))
            kept[key] = made(DEMO / client, out, period="2026Q3", language=language, audience=audience)
        return kept[key]

    return version


def findings(found: dict) -> dict[str, dict]:
    return {record["key"]: record for record in records(found["shown"], page.FINDING)}


def rows(found: dict, name: str) -> pd.DataFrame:
    return pd.read_csv(found["tables"] / f"{name}.csv", encoding="utf-8-sig")


def html(found: dict) -> str:
    return "\n".join(records(found["shown"], "text/html"))


def people(client: str) -> tuple[set[str], set[str]]:
    """(names, ids) of everybody of a demo client's staff."""
    if client == "jiahe":
        listed = lines("staff")
        return {row["staff_name"] for row in listed}, {row["staff_id"] for row in listed}
    listed = pd.read_excel(DEMO / client / "raw" / "staff list.xlsx", dtype=str, engine="openpyxl")
    return set(listed["Name"]), set(listed["Employee no"]) | {"F01", "F02", "Q01"}


# ---------------------------------------------------------------- both languages, both audiences


@pytest.mark.parametrize("audience", ["management", "internal"])
def test_findings_and_tables_are_the_same_in_both_languages(demo, audience):
    zh, en = (demo(language=language, audience=audience) for language in words.LANGUAGES)
    bare = [{key: {**record, "parts": None} for key, record in findings(each).items()} for each in (zh, en)]
    assert bare[0] == bare[1] and len(bare[0]) >= 14
    files = [{path.name: path.read_bytes() for path in each["tables"].iterdir()} for each in (zh, en)]
    assert files[0] == files[1] and len(files[0]) >= 12


def test_every_number_of_the_page_is_the_same_in_both_languages(demo):
    zh, en = (numbers(BeautifulSoup(html(demo(language=language)), "html.parser")) for language in words.LANGUAGES)
    assert zh == en and zh.total() > 800


def test_nothing_is_left_unfilled_in_either_language(demo):
    for found in (demo(language=language, audience="internal") for language in words.LANGUAGES):
        assert not UNFILLED.search(html(found)) and not UNFILLED.search("\n".join(found["drawn"]))
        assert len(set(reasons(found["shown"]))) == len(reasons(found["shown"]))
        assert all(_inked(picture) for picture in records(found["shown"], "image/png"))


@pytest.mark.parametrize("client", ["jiahe", "northbridge"])
def test_the_management_version_names_nobody_and_shows_no_id(demo, client):
    found, (names, ids) = demo(client), people(client)
    assert len(names) >= 30 and len(ids) >= 30
    files = "".join(path.read_text(encoding="utf-8-sig") for path in found["tables"].iterdir())
    for text in (everything(found["shown"]), html(found), "\n".join(found["drawn"]), files):
        assert text and sorted(name for name in names if name in text) == []
        assert sorted(set(re.findall(r"\b[A-Z]\d{2,3}\b", text)) & ids) == []


def test_the_internal_version_names_people_and_makes_a_sheet_for_each_reader(demo):
    found, (names, _) = demo(audience="internal"), people("jiahe")
    assert sum(name in html(found) for name in names) >= 25
    sheets = Counter(sheet["kind"] for sheet in records(found["shown"], page.SHEET))
    assert sheets == {"person": 30, "rater": 12, "meeting": 1}
    assert records(demo()["shown"], page.SHEET) == []


@pytest.mark.parametrize("table", HANDED_OVER)
def test_what_later_pages_rely_on_is_handed_over(demo, table):
    frame = rows(demo(), table)
    assert set(HANDED_OVER[table].split()) <= set(frame) and len(frame)


def test_every_column_of_every_table_has_its_heading(demo):
    for path in demo(audience="internal")["tables"].iterdir():
        header = next(csv.reader(path.open(encoding="utf-8-sig")))
        assert [name for name in header if not headings.of_column(STEM, path.stem, name, header).known] == [], path.name


@pytest.mark.parametrize("audience", ["client", "team"])
def test_the_page_is_for_the_house_only(audience):
    with pytest.raises(ArgumentError) as refused:
        page.open(STEM, str(DEMO / "jiahe"), "2026Q3", audience=audience, team=MODEL["group"])
    assert refused.value.code == "catalogue.not_for_audience"


# ---------------------------------------------------------------- what is planted is found


@pytest.fixture(scope="module")
def inside(demo):
    return demo(audience="internal")


def rater(found: dict, name: str, table="raters") -> pd.Series:
    return rows(found, table).set_index("rater_id").loc[name]


def planted(kind: str) -> str:
    (who,) = (name for name, plan in PLANTED.items() if kind in plan and (kind != "severity" or len(plan) == 1))
    return who


def test_the_severe_and_the_lenient_rater_are_found_with_the_planted_points(inside):
    for name, plan in PLANTED.items():
        row = rater(inside, name)
        if set(plan) == {"severity"}:
            assert row["verdict"] == ("severe" if plan["severity"] > 0 else "lenient")
            assert row["low"] < plan["severity"] < row["high"]
            assert row["difference_low"] < plan["severity"] < row["difference_high"]
        else:
            assert row["verdict"] not in ("severe", "lenient")
    assert findings(inside)["severity"]["verdict"] == "differ"


def test_central_tendency_halo_and_drift_are_found_at_the_raters_they_are_planted_in(inside):
    flags = rows(inside, "rater_fit").set_index("rater_id")["flags"].fillna("")
    central, halo, drift = planted("spread"), planted("halo"), planted("drift")
    assert flags[flags.str.contains("central_tendency")].index.tolist() == [central]
    assert set(flags[flags.str.contains("halo")].index) in ({halo}, {halo, central})
    assert flags[flags.str.contains("drifting")].index.tolist() == [drift]
    row = rater(inside, central)
    assert row["spread_low"] < PLANTED[central]["spread"] < row["spread_high"] < 1
    row = rater(inside, drift, "rater_fit")
    assert row["drift_low"] < PLANTED[drift]["drift"] < row["drift_high"]
    told = {key: findings(inside)[key]["verdict"] for key in ("spread", "halo", "drift")}
    assert told == {"spread": "central_tendency", "halo": "halo", "drift": "drifting"}


def test_unfairness_to_the_outpost_is_found_and_no_other(inside):
    table, who = rows(inside, "fairness"), planted("against")
    lower = table[table["verdict"] == "rates_lower"]
    assert lower[["rater_id", "group"]].to_numpy().tolist() == [[who, MODEL["group"]]]
    assert lower["low"].item() < -PLANTED[who]["against"] < lower["high"].item()
    assert set(table.loc[table["verdict"] == "rates_higher", "rater_id"]) <= {who}
    assert findings(inside)["fairness"]["verdict"] == "rates_lower"


def test_the_unlinked_branch_is_not_ranked_and_gets_bands_and_ratings_to_add(inside):
    table, branch = rows(inside, "ratees"), WORLD["staff"]["branch_name"]
    lead = table.loc[table["group"] == branch, "part"].unique()
    assert len(lead) == 1 and set(table.loc[table["part"] == lead[0], "group"]) == {branch}
    assert table.groupby("part").size().tolist() == [25, 5]
    assert table["band"].notna().all() and table["calibrated"].notna().all()
    assert findings(inside)["design"]["verdict"] == "unlinked" and findings(inside)["calibration"]["verdict"] == "apart"
    (branch_lead,) = rows(inside, "raters").query("part == @lead[0]")["rater_id"]
    assert pd.isna(rater(inside, branch_lead)["severity"])  # cannot be told from ability
    added = rows(inside, "links_to_add")
    joining = added[added["purpose"] == "join"]
    assert len(joining) and joining["ratings"].gt(0).all() and (joining["rater_part"] != joining["ratee_part"]).all()
    assert (added["se_after"] < added["se_before"]).all()


def test_those_who_changed_are_found_and_the_one_judged_unlike_the_data(inside):
    moved = rows(inside, "reliable_change").set_index("ratee_id")["verdict"]
    up, down = (next(name for name, plan in WORLD["movers"].items() if plan["points"] * sign > 0) for sign in (1, -1))
    assert (moved[up], moved[down]) == ("moved_up", "moved_down")
    assert set(moved.index[moved.isin(("moved_up", "moved_down"))]) == {up, down}
    odd = rows(inside, "sources").set_index("ratee_id")
    assert odd.loc[next(iter(WORLD["unlike"])), "verdict"] == "look_again"


def test_raw_totals_and_tiers_are_the_clients_own_a_veto_included(inside):
    said = tomllib.loads((DEMO / "jiahe" / "truth.toml").read_text(encoding="utf-8"))["appraisal"]["tiers"]
    table = rows(inside, "tiers").set_index("tier")["people_raw"]
    assert table.to_dict() == said
    (vetoed,) = (who for who, month in WORLD["scheme"]["veto"] if month >= "2026-07")
    row = rows(inside, "tier_people").set_index("ratee_id").loc[vetoed]
    assert (row["tier_raw"], row["tier"], row["p_tier"]) == ("C", "C", 1.0)


def test_self_ratings_are_never_pooled(inside):
    judged, own = (inside["page"].read(name) for name in ("judged", "self_ratings"))
    assert len(own) and len(judged)
    assert not judged["rater_role"].eq("self").any() and (judged["rater_id"] != judged["ratee_id"]).all()
    assert (own["rater_id"] == own["ratee_id"]).all()
    assert rows(inside, "raters")["n"].sum() == len(judged)
    assert rows(inside, "ratees")["n_ratings"].sum() == len(judged)


def test_northbridge_finds_its_raters_and_refuses_the_joint_ranking(demo):
    found = demo("northbridge", audience="internal")
    assert findings(found)["design"]["verdict"] == "thin" and findings(found)["calibration"]["verdict"] == "apart"
    table = rows(found, "raters").set_index("rater_id")
    flags = rows(found, "rater_fit").set_index("rater_id")["flags"].fillna("")
    severe, lenient, central, halo = REVIEWERS
    assert table.index[table["verdict"] == "severe"].tolist() == [severe]
    assert table.index[table["verdict"] == "lenient"].tolist() == [lenient]
    assert table.loc[severe, "low"] < 1.1 < table.loc[severe, "high"]
    assert "central_tendency" in flags[central] and "halo" in flags[halo]


def test_no_consequence_for_a_person_is_proposed(demo):
    asked = " ".join(record["parts"].get("decision", "") for record in findings(demo()).values()).lower()
    assert asked and not re.search(r"\b(dismiss|demote|fire|cut pay|punish|deduct)\b", asked)


# ---------------------------------------------------------------- poor clients

HEAD = """[client]
name = "Acme"
languages = ["en"]
data_until = 2026-09-30
[period]
default = "2026Q3"
[privacy]
demo_key = "key"
"""
RULES = """[appraisal]
tiers = [{ name = "A", min = 80, money = 1000 }, { name = "B", min = 0, money = 0 }]
"""
BLOCK = '[[tables.appraisals]]\nfiles = ["raw/a.csv"]\nconstants = { scale_min = 0, scale_max = 100 }\n'
FIVES = BLOCK.replace("scale_min = 0, scale_max = 100", "scale_min = 1, scale_max = 5")
COLUMNS = ("ratee_id", "rater_id", "criterion_id", "period", "team", "score")


def sheet(people=16, raters=4, criteria=("care", "skill"), periods=("2026Q2", "2026Q3"), drop=(), score=None) -> str:
    """Ratings as CSV: everybody rated by all raters but one, by all where there are only two."""
    lines, luck = [",".join(name for name in COLUMNS if name not in drop)], random.Random(people)
    for p in range(people):
        for r in range(raters):
            for criterion in criteria:
                for m, period in enumerate(periods):
                    if raters > 2 and (p + m) % raters == r:
                        continue
                    own = 70 + p * 37 % 23 - 3 * (r - 1) + luck.randint(-4, 4)
                    row = {"ratee_id": f"P{p:02}", "rater_id": f"R{r}", "criterion_id": criterion, "period": period,
                           "team": f"T{p % 2}", "score": str(score or own)}  # fmt: skip
                    lines.append(",".join(text for name, text in row.items() if name not in drop))
    return "\n".join(lines) + "\n"


def dated(text: str) -> str:
    """The same with the day of rating in place of the cycle."""
    return text.replace("period", "rated_on").replace("2026Q2", "2026-05-10").replace("2026Q3", "2026-08-10")


POOR = {  # what the client has not got -> rules, block, sheet, findings that are still told, fewest figures
    "any other table": (RULES, BLOCK, sheet(), {"design", "severity", "calibration", "tiers", "reliability"}, 5),
    "a scheme": ("", BLOCK, sheet(), {"design", "severity", "calibration", "reliability"}, 4),
    "criteria": (RULES, BLOCK, sheet(drop=["criterion_id"], criteria=("all",)), {"design", "calibration"}, 3),
    "more than one criterion": (RULES, BLOCK, sheet(criteria=("care",)), {"design", "calibration", "tiers"}, 3),
    "cycles": (RULES, BLOCK, dated(sheet()), {"design", "severity", "calibration", "tiers"}, 3),
    "teams": (RULES, BLOCK, sheet(drop=["team"]), {"design", "severity", "calibration"}, 3),
    "more than one period": (RULES, BLOCK, sheet(periods=("2026Q3",)), {"design", "calibration"}, 3),
    "more than one rater": (RULES, BLOCK, sheet(raters=1), set(), 0),
    "two raters for anybody": (
        RULES, BLOCK, "\n".join(line for at, line in enumerate(sheet(raters=2).splitlines())
                                if at == 0 or f",R{int(line[1:3]) % 2}," in line) + "\n", set(), 0),
    "differences": (RULES, FIVES, sheet(score="5"), set(), 0),
    "more than five people": (RULES, BLOCK, sheet(people=5), set(), 0),
    "raters": (RULES, BLOCK, sheet(drop=["rater_id"]), set(), 0),
    "scores": (RULES, BLOCK, sheet(drop=["score"]), set(), 0),
    "the period": (RULES, BLOCK, sheet(periods=("2025Q1",)), set(), 0),
    "any row": (RULES, BLOCK, ",".join(COLUMNS) + "\n", set(), 0),
}  # fmt: skip


@pytest.mark.parametrize("audience", ["management", "internal"])
@pytest.mark.parametrize("missing", POOR)
def test_a_client_without(tmp_path, missing, audience):
    """Nothing crashes, each reason is told once, and no figure is empty."""
    rules, block, text, keys, figures = POOR[missing]
    write(tmp_path / "acme", block, HEAD + rules, a__csv=text)
    found = made(tmp_path / "acme", tmp_path / "out", audience=audience)
    told, pictures = reasons(found["shown"]), records(found["shown"], "image/png")
    assert told and len(set(told)) == len(told), told
    assert set(findings(found)) >= keys and len(pictures) >= figures
    assert all(_inked(picture) for picture in pictures)
    assert not UNFILLED.search(html(found)), UNFILLED.findall(html(found))
    assert records(found["shown"], page.REPORT)[0]["reliability"] in "ABCD"


def test_what_the_client_wrote_is_shown_escaped_and_written_without_formulas(tmp_path):
    evil = '"=HYPERLINK(1)<script>x</script>"'
    text = sheet().replace("care", evil).replace(",T0,", f",{evil},")
    write(tmp_path / "acme", BLOCK, HEAD + RULES, a__csv=text)
    found = made(tmp_path / "acme", tmp_path / "out", audience="internal")
    assert "<script" not in html(found) + "".join(sheet["html"] for sheet in records(found["shown"], page.SHEET))
    assert "&lt;script" in html(found)
    for path in found["tables"].iterdir():
        cells = [cell for row in csv.reader(path.open(encoding="utf-8-sig")) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "@", "+"))], path.name
