"""The page on improvement effects, in this process: small clients with odd or missing data get reasons, no numbers."""

import csv
import re

import numpy as np
import pandas as pd
import pytest
from client_folder import write
from test_appraisal_page import UNFILLED, findings, html, made
from test_page import reasons

from sqlib import words
from sqlib.formats import headings

STEM = "improvement_effect"
HEAD = '[client]\nname = "x"\nlanguages = ["zh", "en"]\ndata_until = 2026-09-30\n[privacy]\ndemo_key = "key"\n' \
       '[scales.csat]\nbest = "high"\ntop = [4, 5]\n'  # fmt: skip
HAN = re.compile("[\u4e00-\u9fff]")


def measure(**more) -> dict:
    return {"measure_id": "M1", "name": "Calls", "indicator_id": "K1", "start_on": "2025-10-01", "status": "running",
            "trigger": "planned"} | more  # fmt: skip


def indicator(**more) -> dict:
    return {"indicator_id": "K1", "name": "First answers", "unit": "percent", "direction": "up",
            "data_type": "proportion"} | more  # fmt: skip


def values(n=36, step=5.0, **more) -> pd.DataFrame:
    """Months up to September 2026, higher by ``step`` in the last twelve."""
    noise = np.random.default_rng(0).normal(80, 1.5, n) + step * (np.arange(n) >= n - 12)
    months = pd.period_range(end="2026-09", periods=n, freq="M").astype(str)
    return pd.DataFrame({"indicator_id": "K1", "period": months, "value": noise.round(2)} | more)


def answers() -> pd.DataFrame:
    draw = np.random.default_rng(1)
    days = pd.date_range("2023-10-01", "2026-09-29", periods=900)
    score = np.clip(draw.normal(3.6 + 0.8 * (days >= "2025-10-01"), 0.9).round(), 1, 5).astype(int)
    return pd.DataFrame({"feedback_id": [f"F{k}" for k in range(900)], "received_at": days.strftime("%Y-%m-%d"),
                         "customer_id": [f"C{k % 300}" for k in range(900)], "score": score, "metric": "csat",
                         "scale_min": 1, "scale_max": 5, "kind": "survey", "channel": "online"})  # fmt: skip


def client(folder, plan="", **tables):
    """A folder of these tables; by default one measure, one indicator and its values."""
    whole = {"measures": [measure()], "indicators": [indicator()], "indicator_values": values()} | tables
    files = {name: pd.DataFrame(rows) for name, rows in whole.items() if rows is not None}
    blocks = "".join(f'[[tables.{name}]]\nfiles = ["raw/{name}.csv"]\n' for name in files)
    return write(folder, plan + blocks, HEAD,
                 **{f"{name}__csv": rows.to_csv(index=False) for name, rows in files.items()})  # fmt: skip


def shown(folder, language="en", **tables) -> dict:
    found = made(client(folder / "acme", **tables), folder / "out", stem=STEM, period="2026Q3", language=language)
    assert not UNFILLED.search(html(found) + "\n".join(found["drawn"]))
    return found


def told(found) -> str:
    return re.sub("<[^>]+>", " ", html(found))


POOR = {  # tables that differ, and what the card of the measure says
    "five_points": ({"indicator_values": values(5)}, "the start lies outside the data"),
    "below_nought": ({"indicators": [indicator(direction=None)]}, "which way is good"),
    "not_begun": ({"measures": [measure(start_on="2027-01-01", status="planned")]}, "too early"),
    "both_sides": ({"measures": [measure(units="U0;U1", comparison_units="U1;U2")],
                    "indicator_values": pd.concat([values(unit_id=f"U{k}") for k in range(3)])},
                   "a unit is both treated and comparison"),
}  # fmt: skip
UNSAID = ("worse", "effective", "probably_effective", "effective_with_side_effect", "no_effect_worth_having")


@pytest.mark.parametrize("name", POOR)
def test_poor_data_get_a_reason_and_no_number(tmp_path, name):
    tables, reason = POOR[name]
    found = shown(tmp_path, **tables)
    card = findings(found)["card"]
    assert reason in told(found) and card["verdict"] not in UNSAID and card["estimate"] is None
    assert not HAN.search(told(found) + "\n".join(found["drawn"]))


def test_without_a_register_the_page_is_whole_and_says_so_once(tmp_path):
    found = shown(tmp_path, measures=None)
    assert len([each for each in reasons(found["shown"]) if "Improvement measures" in each]) == 1
    assert {"detectable", "indicators"} <= set(findings(found)) and "card" not in findings(found)


def test_where_nothing_can_be_reckoned_no_figure_of_the_next_measures_is_drawn(tmp_path):
    found = shown(tmp_path, plan='[improvement.indicators]\n"K1" = { worth_having = 2 }\n',
                  indicator_values=values().assign(value=80.0))  # fmt: skip
    assert findings(found)["detectable"]["verdict"] == "too_short"
    assert words.text("figures", "share_of_level", language="en") not in found["drawn"]


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_a_shipped_definition_is_known_by_its_label_and_named_in_the_readers_language(tmp_path, language):
    found = shown(tmp_path, language, measures=[measure(indicator_id="Share satisfied")], feedback=answers(),
                  indicators=None, indicator_values=None)  # fmt: skip
    assert findings(found)["card"]["verdict"] == "effective"
    assert ("Share satisfied" in told(found)) == (language == "en") != bool(HAN.search(told(found)))


def test_an_indicator_is_known_by_its_name_and_two_measures_on_it_are_told_as_such(tmp_path):
    both = [measure(indicator_id="First answers"), measure(measure_id="M2", name="Rota")]
    found = shown(tmp_path, measures=both)
    assert findings(found)["card"]["verdict"] == "cannot_tell" and "began at the same time" in told(found)


def test_hostile_names_are_shown_as_written(tmp_path):
    odd = ["$\\bad{$", "<script>x</script>", "=1+1"]
    found = shown(tmp_path, measures=[measure(measure_id=f"#{k}/\\ {k}", name=name, start_on=f"2025-{k + 4:02}-01")
                                      for k, name in enumerate(odd)])  # fmt: skip
    assert "<script>" not in html(found) and "$\\bad{$" in told(found)
    assert "'=1+1" in (found["tables"] / "effects.csv").read_text(encoding="utf-8-sig")


def test_values_no_counting_gives_are_left_out_and_counted(tmp_path):
    falls = values().assign(value=[-3] + [20 + k % 5 for k in range(35)])
    found = shown(tmp_path, indicators=[indicator(unit="cases", data_type="count")], indicator_values=falls)
    assert found["page"].say("limit", "impossible_values", count=1) in told(found)


def test_ids_of_measures_and_indicators_stay_joinable_and_long_names_leave_room(tmp_path):
    found = shown(tmp_path, measures=[measure(name="very long " * 20)])
    effects = pd.read_csv(found["tables"] / "effects.csv", encoding="utf-8-sig")
    assert effects[["measure_id", "indicator_id"]].to_numpy().tolist() == [["M1", "K1"]]
    assert any(text.endswith("\u2026") for text in found["drawn"])


def test_every_column_handed_over_is_headed_in_both_languages(tmp_path):
    found = shown(tmp_path)
    for path in (found["page"]._out / "tables" / STEM).iterdir():
        header = next(csv.reader(path.open(encoding="utf-8-sig")))
        assert [name for name in header if not headings.of_column(STEM, path.stem, name, header).known] == [], path.name
