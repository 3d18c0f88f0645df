"""The companion of a page, in this process: small client folders, the code cells of the committed page run on them."""

import csv
import hashlib
import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from client_folder import write

from sqlib import account, fragments, notebook, page, words
from sqlib.accounts import feedback as feedback_account
from sqlib.errors import ArgumentError, ClientError, MethodRefused
from sqlib.reading import Absent

ROOT = Path(__file__).parents[1]
HEAD = """[client]
name = "Acme"
languages = ["en"]
data_until = 2026-09-30
[period]
default = "2026Q3"
[privacy]
demo_key = "key"
"""
FEEDBACK = '[[tables.feedback]]\nfiles = ["raw/f.csv"]\nconstants = { metric = "csat", scale_min = 1, scale_max = 5 }\n'
PLAIN = '[[tables.feedback]]\nfiles = ["raw/f.csv"]\n'
ITEMS = (
    '[[tables.feedback_items]]\nfiles = ["raw/q.csv"]\nconstants = { metric = "csat", scale_min = 1, scale_max = 5 }\n'
)
CUSTOMERS = '[[tables.customers]]\nfiles = ["raw/c.csv"]\n'
INVITATIONS = '[[tables.invitations]]\nfiles = ["raw/i.csv"]\n'
CASES = '[[tables.cases]]\nfiles = ["raw/k.csv"]\n'

COLUMNS = ("feedback_id", "received_at", "customer_id", "team", "segment", "score", "comment")
LETTERS = "ABCDEFGHIJ"


def answers(n=60, *, drop=(), months=("2026-05", "2026-08"), **columns) -> str:
    """``n`` answers a month as CSV; ``columns`` replace a column by a function of the answer's number."""
    lines = []
    for month in months:
        for i in range(n):
            row = {
                "feedback_id": f"F{month[-2:]}{i:03}",
                "received_at": f"{month}-{i % 28 + 1:02}",
                "customer_id": f"C{(i * 7 + int(month[-1])) % 47:03}",
                "team": ("North", "South", "West")[i % 3],
                "segment": ("shop", "office")[i // 2 % 2],
                "score": str((5, 4, 2, 5, 3)[(i + int(month[-1])) % 5]),
                "comment": ("much too slow", "", "friendly staff", "fine")[i % 4],
            }
            lines.append(row | {name: make(i) for name, make in columns.items()})
    kept = [name for name in COLUMNS if name not in drop]
    text = io.StringIO()
    writer = csv.DictWriter(text, kept, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def firm(i: int) -> str:
    return f"Firm {LETTERS[i % 10]}{LETTERS[i // 10]}son Ltd"


def base(prefix="C", start="2024-01-01", segment=True) -> str:
    rows = [(f"{prefix}{i:03}", firm(i), ("shop", "office")[i % 2] if segment else "", start) for i in range(60)]
    return "customer_id,customer_name,segment,start_date\n" + "".join(",".join(row) + "\n" for row in rows)


INVITED = "invitation_id,customer_id,sent_at\n" + "".join(f"I{i},C{i:03},2026-07-01\n" for i in range(60))
OPENED = "case_id,customer_id,created_at\nK1,C001,2026-08-02\nK2,C002,2026-08-09\n"
ASKED = "feedback_id,item_id,score\n" + "".join(
    f"F08{i:03},{item},{i % 5 + 1}\n" for i in range(60) for item in ("speed", "care")
)
WHOLE = {"f__csv": answers(), "c__csv": base(), "i__csv": INVITED, "k__csv": OPENED, "q__csv": ASKED}
ALL = FEEDBACK + ITEMS + CUSTOMERS + INVITATIONS + CASES


@pytest.fixture
def shown(monkeypatch) -> list:
    """Every output of the page so far: bundle and metadata."""
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw, metadata: outputs.append((bundle, metadata)))
    return outputs


def run(folder: Path, stem="feedback_analysis", **parameters) -> page.Page:
    """The code cells of a committed page, as a kernel would run them."""
    space = {}
    for cell in notebook.read(ROOT / "notebooks" / f"{stem}.ipynb").cells:
        if cell.cell_type == "code":
            exec(cell.source, space)
            if "parameters" in notebook.tags(cell):
                space |= {"client_dir": str(folder), "language": "en"} | parameters
    return space["p"]


def records(shown: list, mime: str) -> list[dict]:
    return [bundle[mime] for bundle, _ in shown if mime in bundle]


def plain(shown: list) -> str:
    return "\n".join(bundle["text/plain"] for bundle, _ in shown)


def everything(shown: list) -> str:
    """All a reader or a program could find in the outputs, images apart."""
    return json.dumps([{k: v for k, v in b.items() if k != "image/png"} | {"meta": m} for b, m in shown], default=str)


def reasons(shown: list) -> list[str]:
    return [record["reason"] for record in records(shown, page.ABSENT)]


# ---------------------------------------------------------------- parameters

WRONG = {
    "language": [("fr", "page.not_one_of"), (None, "page.not_one_of")],
    "audience": [("boss", "page.not_one_of")],
    "min_group": [(value, "page.wrong_type") for value in ("5", True, 2.5)] + [(0, "page.out_of_range")],
    "confidence": [(value, "page.out_of_range") for value in (1.0, 0.4, float("nan"))]
    + [(value, "page.wrong_type") for value in ("0.9", 95)],
    "seed": [(1.5, "page.wrong_type"), (-1, "page.out_of_range")],
    "as_of": [("30/09/2026", "page.not_a_date"), ("2026-02-30", "page.not_a_date"), (20260930, "page.wrong_type")],
    "compare_to": [(2025, "page.wrong_type"), ("last", "periods.unknown_comparison")],
    "period": [(text, "periods.unknown") for text in ("2026Q5", "2026-13")]
    + [("2026-09-30..2026-07-01", "periods.reversed")],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value", "code"), [(name, *case) for name, cases in WRONG.items() for case in cases])
def test_a_wrong_parameter_is_named_with_a_remedy(tmp_path, name, value, code):
    write(tmp_path / "acme", FEEDBACK, HEAD, **WHOLE)
    with pytest.raises(ArgumentError) as refused:
        page.open("template", str(tmp_path / "acme"), **{name: value})
    assert (refused.value.code, refused.value.exit_status) == (code, 2)
    for language in words.LANGUAGES:
        parts = refused.value.parts(language)
        assert {"what", "got", "remedy"} <= set(parts)
        assert str(value) in parts["got"]
        assert name in "".join(parts.values())


def test_no_period_anywhere_is_said_with_the_file_that_lacks_it(tmp_path):
    write(tmp_path / "acme", FEEDBACK, HEAD.replace('default = "2026Q3"', ""), **WHOLE)
    with pytest.raises(ArgumentError) as refused:
        page.open("template", str(tmp_path / "acme"))
    assert refused.value.code == "page.no_period" and refused.value.exit_status == 2
    assert "acme/client.toml" in refused.value.text("zh")


def test_a_broken_client_file_stops_the_page_before_anything_is_shown(tmp_path, shown):
    write(tmp_path / "acme", FEEDBACK, HEAD + "[tragets]\ncsat = 0.9\n", **WHOLE)
    with pytest.raises(ClientError) as refused:
        page.open("template", str(tmp_path / "acme"))
    assert "tragets" in refused.value.text("en") and shown == []


def test_a_year_may_come_as_a_number_as_stock_papermill_passes_it(tmp_path):
    write(tmp_path / "acme", FEEDBACK, HEAD, **WHOLE)
    opened = page.open("template", str(tmp_path / "acme"), 2026)
    assert (opened.period.text, opened.before.text) == ("2026", "2025")


@pytest.mark.parametrize(
    ("head", "given", "day"),
    [
        (HEAD, "", "2026-09-30"),
        (HEAD.replace("data_until = 2026-09-30\n", ""), "", "2026-06-30"),
        (HEAD, "2026-08-15", "2026-08-15"),
    ],
)
def test_the_day_the_data_are_seen_from(tmp_path, head, given, day):
    """``as_of``, else ``data_until``, else the last day of the period; never today."""
    write(tmp_path / "acme", FEEDBACK, head, **WHOLE)
    assert page.open("template", str(tmp_path / "acme"), "2026Q2", as_of=given).as_of == pd.Timestamp(day)


def test_rows_after_the_day_seen_from_are_set_aside(tmp_path):
    write(tmp_path / "acme", FEEDBACK, HEAD, **WHOLE)
    whole, cut = (page.open("template", str(tmp_path / "acme"), as_of=day) for day in ("", "2026-08-15"))
    assert feedback_account.set_aside(whole) == 0
    late = len(whole.read("feedback")) - len(cut.read("feedback"))
    assert (
        late
        == feedback_account.set_aside(cut)
        == (whole.read("feedback")["received_at"] > "2026-08-15 23:59").sum()
        > 0
    )


def test_a_relative_folder_is_tried_in_the_working_folder_then_in_the_root(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "catalogue.toml").write_text("", encoding="utf-8")
    write(tmp_path / "data" / "acme", FEEDBACK, HEAD, **WHOLE)
    write(tmp_path / "notebooks" / "here", FEEDBACK, HEAD, **WHOLE)
    monkeypatch.chdir(tmp_path / "notebooks")
    assert page.open("template", "data/acme").client.folder == tmp_path / "data" / "acme"
    assert page.open("template", "here").client.folder == tmp_path / "notebooks" / "here"
    with pytest.raises(ArgumentError) as missing:
        page.open("template", "data/none")
    where = missing.value.parts("en")["where"]
    assert str(tmp_path / "notebooks" / "data" / "none") in where and str(tmp_path / "data" / "none") in where


# ---------------------------------------------------------------- what the client has not got

NO_SEGMENT = {"f__csv": answers(drop=["segment"]), "c__csv": base(segment=False)}
POOR = {  # what is missing -> blocks, files, reasons told, figures drawn, findings stored
    "customers": (FEEDBACK + CASES, WHOLE, 7, 6, {"level", "change", "weak_points", "themes", "call_back"}),
    "items, cases, invitations": (FEEDBACK + CUSTOMERS, WHOLE, 6, 7, {"level", "response", "call_back"}),
    "comments": (FEEDBACK, {"f__csv": answers(comment=lambda i: "")}, 8, 3, {"level", "weak_points", "call_back"}),
    "a comment column": (FEEDBACK, {"f__csv": answers(drop=["comment"])}, 8, 3, {"level"}),
    "comments of any theme": (FEEDBACK, {"f__csv": answers(comment=lambda i: "zzz")}, 7, 4, {"level"}),
    "dates": (FEEDBACK, {"f__csv": answers(drop=["received_at"])}, 8, 5, {"level", "change"}),
    "the period before": (FEEDBACK, {"f__csv": answers(months=["2026-08"])}, 7, 5, {"level", "change"}),
    "the period": (FEEDBACK, {"f__csv": answers(months=["2025-01"])}, 3, 0, set()),
    "any row": (FEEDBACK, {"f__csv": "feedback_id,score\n"}, 3, 0, set()),
    "ids": (FEEDBACK, {"f__csv": answers(drop=["customer_id", "feedback_id"])}, 7, 6, {"level", "weak_points"}),
    "cells": (FEEDBACK, {"f__csv": answers(drop=["team", "segment"])}, 8, 5, {"level", "call_back"}),
    "segments of customers": (FEEDBACK + CUSTOMERS, WHOLE | NO_SEGMENT, 7, 6, {"level"}),
    "customers under contract": (FEEDBACK + CUSTOMERS, WHOLE | {"c__csv": base(start="2027-01-01")}, 7, 6, {"level"}),
    "dissatisfied customers": (FEEDBACK, {"f__csv": answers(score=lambda i: "5")}, 7, 6, {"level", "call_back"}),
    "more than one answer": (FEEDBACK, {"f__csv": answers(1)}, 3, 0, set()),
    "scores": (PLAIN, {"f__csv": answers(drop=["score"])}, 9, 3, {"themes"}),
}  # fmt: skip


@pytest.mark.parametrize("missing", POOR)
def test_a_client_without(tmp_path, shown, missing):
    """Nothing crashes, each reason is told once, and no figure is empty."""
    blocks, files, told, figures, keys = POOR[missing]
    write(tmp_path / "acme", blocks, HEAD, **files)
    run(tmp_path / "acme")
    assert len(set(reasons(shown))) == len(reasons(shown)) == told, reasons(shown)
    stored = {finding["key"] for finding in records(shown, page.FINDING)}
    assert stored >= keys and (keys or not stored)
    assert len(records(shown, "image/png")) == figures
    assert all(_inked(picture) for picture in records(shown, "image/png"))
    assert plain(shown).count("Figure ") >= figures
    assert records(shown, page.REPORT)[0]["reliability"] in "ABCD"
    assert not re.search(r"\bnan\b|>None<|\{\w+\}|<NA>|\bNaT\b", "".join(records(shown, "text/html")))


def _inked(png: bytes) -> bool:
    from matplotlib.image import imread

    pixels = imread(io.BytesIO(png))[..., :3]
    return (pixels < 0.9).any(axis=2).mean() > 0.005


@pytest.mark.parametrize(("head", "aside"), [(HEAD, 20), (HEAD.replace("data_until = 2026-09-30\n", ""), 0)])
def test_a_later_date_is_an_error_only_where_somebody_said_how_far_the_data_reach(tmp_path, shown, head, aside):
    write(tmp_path / "acme", FEEDBACK, head, f__csv=answers(20, months=("2026-05", "2026-08", "2026-11")))
    opened = run(tmp_path / "acme")
    (balance,) = account.balance(opened).to_dict("records")
    assert (balance["quarantined"], balance["outside_window"], balance["used"]) == (aside, 40 - aside, 20)


def test_undated_data_say_so_and_claim_no_change(tmp_path, shown):
    write(tmp_path / "acme", FEEDBACK, HEAD, f__csv=answers(drop=["received_at"]))
    opened = run(tmp_path / "acme")
    assert "2026Q3" in opened.say("strip", "undated", period="2026Q3") and opened.undated()
    assert opened.say("strip", "undated", period="2026Q3") in plain(shown)
    (change,) = [finding for finding in records(shown, page.FINDING) if finding["key"] == "change"]
    assert change["verdict"] == "not_comparable" and change["estimate"] is None
    assert opened.say("limit", "undated") in "".join(records(shown, "text/html"))
    assert len(opened.read("feedback")) == 120  # all of them, no date is invented


# ---------------------------------------------------------------- absent in, absent out


@pytest.fixture
def opened(tmp_path, shown) -> page.Page:
    write(tmp_path / "acme", FEEDBACK, HEAD, **WHOLE)
    return page.open("feedback_analysis", str(tmp_path / "acme"), language="en", confidence=0.9, seed=3)


def test_what_is_absent_passes_silently_and_is_told_once(opened, shown):
    gone = opened.read("customers")
    assert isinstance(gone, Absent)
    assert opened.read("customers", optional=True) is None and opened.read("cases", optional=True) is None
    for value in (gone, Absent("customers", "no_table", dict(gone.values))):
        assert opened.run(len, value) == opened.run(len, by=value) == gone
    opened.figure("response", gone, None)
    opened.table("response", gone)
    opened.headline("response", gone)
    assert reasons(shown) == [gone.reason("en")] and len(shown) == 1


def test_a_method_that_refuses_makes_its_part_absent_with_its_own_reason(opened, shown):
    def refusing(rows):
        raise MethodRefused("response.empty_base")

    for _ in range(2):
        assert isinstance(opened.run(refusing, 1), Absent)
    assert reasons(shown) == [MethodRefused("response.empty_base").parts("en")["what"]]


def test_any_other_error_of_a_method_is_not_swallowed(opened):
    with pytest.raises(ZeroDivisionError):
        opened.run(lambda: 1 / 0)


def test_a_method_gets_the_settings_it_knows_and_the_call_decides(opened):
    assert opened.run(lambda rows, confidence, seed=0: (rows, confidence, seed), 1) == (1, 0.9, 3)
    assert opened.run(lambda *, min_group=1: min_group) == 5
    assert opened.run(lambda confidence: confidence, confidence=0.8) == 0.8


# ---------------------------------------------------------------- one whole client, whose feedback names its customers


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Run the page on that client; each reader's outputs are made once."""
    root, made = tmp_path_factory.mktemp("whole"), {}
    by_name = answers().replace("customer_id", "customer_name")
    by_name = re.sub(r",C(\d{3}),", lambda match: f",{firm(int(match[1]))},", by_name)
    write(root / "acme", ALL, HEAD, **WHOLE | {"f__csv": by_name})

    def run_for(language="en", audience="management") -> tuple[list, Path]:
        out = root / f"{language}-{audience}"
        if out not in made:
            outputs = []
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(
                    "IPython.display.display", lambda bundle, raw, metadata: outputs.append((bundle, metadata))
                )
                run(root / "acme", language=language, audience=audience, out_dir=str(out))
            made[out] = outputs
        return made[out], out

    return run_for


def test_figures_and_tables_are_numbered_in_their_order_and_evidence_points_to_them(whole):
    shown, _ = whole()
    for kind in ("Figure", "Table"):
        numbers = [int(n) for n in re.findall(rf"^{kind} (\d+)  ", plain(shown), re.M)]
        assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 5
    labels = set(re.findall(r"^((?:Figure|Table) \d+)  ", plain(shown), re.M))
    for finding in records(shown, page.FINDING):
        named = re.findall(r"(?:Figure|Table) \d+", finding["parts"].get("evidence", ""))
        assert set(named) <= labels
        assert named or finding["key"] == "call_back"  # its table is in the internal version only


def test_a_figure_carries_its_conclusion_as_alt_text_and_its_n(whole):
    shown, _ = whole()
    figures = [place for place, (bundle, _) in enumerate(shown) if "image/png" in bundle]
    assert len(figures) == 11
    for place in figures:
        assert shown[place][1]["image/png"]["alt"] == shown[place - 1][0]["text/plain"]
        assert re.search(r"Source: Acme, 2026Q3; n = \d+$", shown[place + 1][0]["text/plain"])


def test_both_languages_store_the_same_findings_and_tables(whole):
    runs = [whole(language) for language in words.LANGUAGES]
    kept = [[{**finding, "parts": None} for finding in records(shown, page.FINDING)] for shown, _ in runs]
    assert kept[0] == kept[1] and len(kept[0]) >= 6
    trees = [{path.name: path.read_bytes() for path in out.rglob("*.csv")} for _, out in runs]
    assert trees[0] == trees[1] and "weak_points.csv" in trees[0]


@pytest.mark.parametrize("audience", ["management", "internal"])
def test_names_come_back_in_the_internal_version_only_and_in_no_file(whole, audience):
    shown, out = whole(audience=audience)
    names = [firm(i) for i in range(60)]
    assert any(name in everything(shown) for name in names) == (audience == "internal")
    files = "".join(path.read_text(encoding="utf-8") for path in out.rglob("*.csv"))
    assert files and not [name for name in names if name in files]
    assert (out / "tables" / "feedback_analysis" / "call_back.csv").exists() == (audience == "internal")


@pytest.mark.parametrize("audience", ["management", "internal"])
def test_the_page_never_prints_a_path_and_comments_to_nobody_outside(whole, audience):
    shown, out = whole(audience=audience)
    assert str(out.parent) not in everything(shown) and out.parent.name not in everything(shown)
    assert "raw/f.csv" in everything(shown)  # named relative to the client's own folder
    assert ("much too slow" in everything(shown)) == (audience == "internal")  # beside the customer to call back


# ---------------------------------------------------------------- files


def test_without_out_dir_nothing_is_written_but_the_clients_own_cache(tmp_path, shown, monkeypatch):
    write(tmp_path / "acme", ALL, HEAD, **WHOLE)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    run(tmp_path / "acme")
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    made = {path.relative_to(tmp_path).parts[:2] for path in after.keys() - before.keys()}
    assert made == {("acme", ".sqlib-cache")}
    assert {path: after[path] for path in before} == before


def test_tables_are_written_without_live_formulas_and_shown_without_live_markup(tmp_path, shown):
    team = ('=HYPERLINK("x")', "<script>alert(1)</script>", "@SUM(A1)")
    write(tmp_path / "acme", FEEDBACK, HEAD, f__csv=answers(team=lambda i: team[i % 3]))
    run(tmp_path / "acme", out_dir=str(tmp_path / "out"))
    folder = tmp_path / "out" / "tables" / "feedback_analysis"
    assert {path.stem for path in folder.iterdir()} >= {"satisfaction", "change", "weak_points", "themes"}
    cells = [cell for path in folder.iterdir() for row in csv.reader(path.open(encoding="utf-8-sig")) for cell in row]
    live = [cell for cell in cells if cell.startswith(("=", "@", "+", "\t")) or re.match(r"-[^\d.]", cell)]
    assert live == [] and {f"'{team[0]}", f"'{team[2]}", team[1]} <= set(cells)
    html = "".join(records(shown, "text/html"))
    assert "<script" not in html and "&lt;script&gt;" in html


def test_what_the_page_read_is_kept_for_the_record_of_the_run(tmp_path, shown):
    write(tmp_path / "acme", FEEDBACK, HEAD, f__csv=answers(n=60))
    (tmp_path / "out").mkdir()
    run(tmp_path / "acme", out_dir=str(tmp_path / "out"))
    told = json.loads((tmp_path / "out" / page.READ).read_text(encoding="utf-8"))
    assert told["inputs"] == {"raw/f.csv": hashlib.sha256((tmp_path / "acme/raw/f.csv").read_bytes()).hexdigest()}
    (row,) = told["rows"]
    assert (row["table"], row["file"], row["used"] > 0) == ("feedback", "raw/f.csv", True)
    assert row["rows"] == sum(value for name, value in row.items() if name not in ("table", "file", "rows"))


# ---------------------------------------------------------------- the account of the data


@pytest.mark.parametrize(
    ("used", "lost", "dated", "base_known", "grade", "gaps"),
    [
        (100, 0, True, True, "A", []), (100, 0.02, True, True, "A", []), (100, 0.03, True, True, "B", ["rows_lost"]),
        (29, 0, True, True, "B", ["few_answers"]), (100, 0.12, True, True, "C", ["rows_lost"]),
        (100, 0, False, True, "C", ["undated"]), (20, 0, True, False, "C", ["no_base", "few_answers"]),
        (9, 0, True, True, "D", ["no_answers"]),
    ],
)  # fmt: skip
def test_grade_of_a_report_and_what_lowered_it(used, lost, dated, base_known, grade, gaps):
    assert feedback_account.grade(used, lost, dated=dated, base_known=base_known) == (grade, gaps)


def test_the_cover_names_what_lowered_the_grade(tmp_path, shown):
    write(tmp_path / "acme", FEEDBACK, HEAD, f__csv=answers())
    run(tmp_path / "acme")
    (record,) = records(shown, page.REPORT)
    assert record["reliability"] == "C" and "There is no list of customers." in record["reliability_sentence"]


def test_every_row_of_every_file_is_accounted_for(tmp_path, shown):
    broken = (
        answers().replace("F08001,2026-08-02", "F08001,2026-02-31") + "F08000" + answers().splitlines()[61][6:] + "\n"
    )
    write(tmp_path / "acme", ALL, HEAD, **WHOLE | {"f__csv": broken})
    opened = page.open("feedback_analysis", str(tmp_path / "acme"), language="en")
    table = account.balance(opened)
    parts = [
        "used",
        "outside_window",
        "filtered",
        "superseded",
        "duplicate",
        "blank_or_total",
        "missing_score",
        "quarantined",
    ]
    assert (table[parts].sum(axis=1) == table["rows"]).all()
    lines = {f"raw/{name[0]}.csv": WHOLE[name].count("\n") - 1 for name in WHOLE} | {
        "raw/f.csv": broken.count("\n") - 1
    }
    assert dict(zip(table["file"], table["rows"], strict=True)) == lines
    feedback = table.set_index("file").loc["raw/f.csv"]
    assert (feedback["quarantined"], feedback["duplicate"], feedback["used"]) == (1, 1, 59)
    assert account.totals(opened)["rows"].sum() == sum(lines.values())


def test_limits_name_what_these_data_lack(tmp_path):
    write(tmp_path / "acme", FEEDBACK, HEAD, f__csv=answers(drop=["customer_id", "received_at"]))
    opened = page.open("feedback_analysis", str(tmp_path / "acme"), language="en")
    said = account.limits(opened, ())
    for code in ("non_response", "cause", "person", "undated", "no_population", "no_weight", "no_clusters"):
        assert opened.say("limit", code) in said
    assert len(said) == len(set(said)) == 7


def test_every_audience_and_grade_has_its_words(tmp_path):
    write(tmp_path / "acme", FEEDBACK, HEAD, **WHOLE)
    for language in words.LANGUAGES:
        opened = page.open("template", str(tmp_path / "acme"), language=language)
        for audience in page.AUDIENCES:
            record = account.record(opened, "template", "Title", audience)
            assert record["audience"] and record["confidentiality"] and record["language"] == language
    assert set(fragments.PARTS) <= set(words.entry("page", "part"))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_strip_says_which_levels_count_and_what_they_are_worth(tmp_path, language):
    def said(scales: str) -> str:
        rows = "".join(f"C{i},{1 + i % 5},2026-07-01\n" for i in range(20))
        block = '[[tables.feedback]]\nfiles = ["raw/a.csv"]\nconstants = { scale_min = 1, scale_max = 5 }\n'
        head = f'[client]\nname = "x"\n[privacy]\ndemo_key = "k"\n[scales.csat]\n{scales}\n'
        folder = write(tmp_path / "x", block, head, a__csv="customer_id,score,received_at\n" + rows)
        opened = page.open("feedback_analysis", str(folder), "2026Q3", language)
        return feedback_account.line(opened)

    say = {"language": language, "low": "1", "high": "5"}
    assert said("top = [4, 5]") == words.text("page", "strip", "satisfied", least="4", **say)
    listed = words.Listing(("3", "5"))
    assert said("top = [3, 5]") == words.text("page", "strip", "satisfied_levels", levels=listed, **say)
    assert said('best = "low"') == words.text("page", "strip", "satisfied_low", most="2", **say)
    linear = words.text("page", "strip", "linear", language=language, worst="1", best="5")
    assert said('top = [4, 5]\npoints = "linear"').endswith(linear)
    assert all(figure in said('points = { "5" = 100, "4" = 80 }') for figure in ("100", "80"))


# ---------------------------------------------------------------- the parts beside the overall score

KANO = "feedback_id,item_id,kano_functional,kano_dysfunctional\n" + "".join(
    f"F08{i:03},app,1,{3 + i % 3}\n" for i in range(60)
)


def test_ratings_hold_the_items_beside_the_overall_score(tmp_path, shown):
    write(tmp_path / "acme", ALL, HEAD, **WHOLE)
    page_open = page.open("feedback_analysis", str(tmp_path / "acme"), language="en")
    rated = page_open.read("ratings")
    assert (len(rated), page_open.items, page_open.item_scale) == (60, ["speed", "care"], (1.0, 5.0))
    assert rated.columns.tolist() == ["feedback_id", "cluster", "score", "speed", "care"]


@pytest.mark.parametrize(
    ("blocks", "changed", "table", "code"),
    [
        (FEEDBACK, {}, "ratings", "no_parts"),
        (FEEDBACK + ITEMS, {"q__csv": "feedback_id,item_id,score\nX,a,3\n"}, "ratings", "no_parts"),
        (
            FEEDBACK.replace("csat", "nps").replace("scale_min = 1", "scale_min = 0") + ITEMS,
            {},
            "ratings",
            "no_overall",
        ),
        (FEEDBACK + ITEMS, {}, "kano", "no_kano"),
        (FEEDBACK, {}, "kano", "no_kano"),
    ],
)
def test_what_stands_beside_the_overall_score_may_be_absent(tmp_path, shown, blocks, changed, table, code):
    write(tmp_path / "acme", blocks, HEAD, **WHOLE | changed)
    page_open = page.open("feedback_analysis", str(tmp_path / "acme"), language="en")
    gone = page_open.read(table)
    assert isinstance(gone, Absent) and gone.code == code
    assert all(gone.reason(language) for language in words.LANGUAGES)
    if table == "ratings":
        assert page_open.items == page_open.item_scale == gone


def test_kano_answers_need_no_score(tmp_path, shown):
    block = '[[tables.feedback_items]]\nfiles = ["raw/q.csv"]\n'
    write(tmp_path / "acme", FEEDBACK + block, HEAD, **WHOLE | {"q__csv": KANO})
    page_open = page.open("feedback_analysis", str(tmp_path / "acme"), language="en")
    pairs = page_open.read("kano")
    assert len(pairs) == 60 and set(pairs["feature"]) == {"app"} and "cluster" in pairs
    assert page_open.read("ratings").code == "no_parts"


def test_a_figure_without_an_estimate_is_left_out_and_its_caption_says_why(tmp_path, shown):
    few = "feedback_id,item_id,score\n" + "".join(f"F08{i:03},{item},{1 + i % 5}\n" for i in range(12) for item in "ab")
    write(tmp_path / "acme", FEEDBACK + ITEMS, HEAD, **WHOLE | {"q__csv": few})
    run(tmp_path / "acme")
    stored = {finding["key"]: finding["verdict"] for finding in records(shown, page.FINDING)}
    assert stored["internal_consistency"] == "too_few"
    assert not any("plot_internal_consistency" in text for text in plain(shown).splitlines() if "<plot" in text)


def test_sharp_figures_and_typed_tables_are_written_where_the_job_lays_folders_for_them(tmp_path, shown):
    write(tmp_path / "acme", FEEDBACK, HEAD, f__csv=answers(n=60))
    files = {}
    for out in (tmp_path / "plain", tmp_path / "one", tmp_path / "two"):
        if out.name != "plain":
            for kind in ("figures", "typed"):
                (out / kind / "template").mkdir(parents=True)
        run(tmp_path / "acme", "template", out_dir=str(out))
        files[out.name] = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    tables = {name for name in files["plain"] if name != page.READ}
    assert tables and all(name.startswith("tables/") for name in tables)
    typed = {f"typed/template/{Path(name).stem}.parquet" for name in tables}
    figures = {name for name in files["one"] if name.startswith("figures/")}
    assert len(figures) == len(records(shown, "image/png")) / 3 > 0
    assert files["one"].keys() - figures == tables | typed | {page.READ}
    assert sorted(figures)[0] == "figures/template/01_level.png"
    for name in figures | typed:
        assert files["one"][name].read_bytes() == files["two"][name].read_bytes()
    assert all(b"Software" not in files["one"][name].read_bytes() for name in figures)


def test_a_sharp_figure_has_the_dots_of_print_and_a_typed_table_its_types(tmp_path, shown):
    from PIL import Image

    write(tmp_path / "acme", FEEDBACK, HEAD, f__csv=answers(n=60))
    for kind in ("figures", "typed"):
        (tmp_path / "out" / kind / "template").mkdir(parents=True)
    run(tmp_path / "acme", "template", out_dir=str(tmp_path / "out"))
    (picture, *_) = sorted((tmp_path / "out/figures/template").iterdir())
    with Image.open(picture) as image:
        assert [round(dots) for dots in image.info["dpi"]] == [300, 300]
    frame = pd.read_parquet(tmp_path / "out/typed/template/satisfaction.parquet")
    assert frame["estimate"].dtype == "float64" and frame["n"].dtype.kind in "iu"
