"""What moved between two versions: rows, numbers, verdicts, and the cause read off the recorded hashes."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from nbformat import v4

from sqlib import comparing, difference, notebook, versions, words
from sqlib.errors import ArgumentError, SqlibError

FINDING = {
    "finding_id": "feedback_analysis.level.csat", "stem": "feedback_analysis", "key": "level", "subject": "csat",
    "estimate": 0.8, "low": 0.7, "high": 0.9, "unit": "percent", "n": 200, "reference": 0.85, "target": 0.85,
    "verdict": "unclear", "strength": "weak", "cautions": "",
}  # fmt: skip
BASIS = {
    "inputs": {"raw/a.csv": "a" * 64, "raw/b.csv": "b" * 64},
    "rows": [
        {"table": "feedback", "file": "raw/a.csv", "rows": 100, "used": 98, "duplicate": 2, "quarantined": 0},
        {"table": "feedback", "file": "raw/b.csv", "rows": 50, "used": 50, "duplicate": 0, "quarantined": 0},
    ],
    "settings": {"mapping": {"client.toml": "c" * 64}, "corrections": {}, "judgement": {}},
    "parameters": {"compare_to": "previous"},
    "page": "d" * 64,
    "package": {"version": "0.1.0", "sha256": "e" * 64},
    "libraries": {"numpy": "2.0"},
}
TABLE = pd.DataFrame(
    {
        "indicator": ["csat", "nps"], "unit": ["percent", "nps"], "estimate": [0.8, 20.0], "low": [0.7, 10.0],
        "high": [0.9, 30.0], "n": [200, 150], "verdict": ["unclear", "no_target"],
    }
)  # fmt: skip


def version(folder: Path, basis: dict = BASIS, table: pd.DataFrame | None = TABLE, **finding) -> Path:
    """A folder as a run leaves it."""
    place = folder / "management"
    (place / "tables" / "feedback_analysis").mkdir(parents=True)
    record = FINDING | finding
    cell = v4.new_code_cell("", outputs=[v4.new_output("display_data", data={notebook.FINDING: record})])
    notebook.write(v4.new_notebook(cells=[cell]), place / "feedback_analysis.zh.ipynb")
    if table is not None:
        table.to_csv(place / "tables" / "feedback_analysis" / "satisfaction.csv", index=False, encoding="utf-8-sig")
    job = {"stem": "feedback_analysis", "audience": "management", "status": "done", "basis": basis}
    (folder / "run.json").write_text(json.dumps({"jobs": [job]}), encoding="utf-8")
    return folder


def compared(tmp_path, **after) -> difference.Difference:
    return difference.compare(version(tmp_path / "before"), version(tmp_path / "after", **after))


def rows(frame: pd.DataFrame) -> list[tuple]:
    return [tuple(row) for row in frame.itertuples(index=False)]


def test_the_same_twice_differs_in_nothing(tmp_path):
    found = compared(tmp_path)
    assert [len(part) for part in (found.causes, found.rows, found.numbers, found.verdicts)] == [0, 0, 0, 0]


CAUSES = [
    ({"inputs": BASIS["inputs"] | {"raw/a.csv": "f" * 64}}, ("input", "raw/a.csv", "changed")),
    ({"inputs": BASIS["inputs"] | {"raw/c.csv": "f" * 64}}, ("input", "raw/c.csv", "appeared")),
    ({"inputs": {"raw/a.csv": "a" * 64}}, ("input", "raw/b.csv", "vanished")),
    ({"settings": BASIS["settings"] | {"mapping": {"client.toml": "f" * 64}}}, ("mapping", "client.toml", "changed")),
    ({"settings": BASIS["settings"] | {"corrections": {"c.csv": "f" * 64}}}, ("corrections", "c.csv", "appeared")),
    ({"settings": BASIS["settings"] | {"judgement": {"q.xlsx": "f" * 64}}}, ("judgement", "q.xlsx", "appeared")),
    ({"settings": BASIS["settings"] | {"brand": {"brand.toml": "f" * 64}}}, ("brand", "brand.toml", "appeared")),
    ({"settings": BASIS["settings"] | {"pseudonyms": {"KEY": "f" * 64}}}, ("pseudonyms", "KEY", "appeared")),
    ({"parameters": {"compare_to": "none"}}, ("parameter", "compare_to", "changed")),
    ({"page": "f" * 64}, ("page", "feedback_analysis", "changed")),
    ({"package": {"version": "0.1.0", "sha256": "f" * 64}}, ("package", "sqlib", "changed")),
    ({"libraries": {"numpy": "2.1"}}, ("library", "numpy", "changed")),
]


@pytest.mark.parametrize(("changed", "cause"), CAUSES, ids=[cause[0] + "-" + cause[2] for _, cause in CAUSES])
def test_each_cause_is_told_alone(tmp_path, changed, cause):
    found = compared(tmp_path, basis=BASIS | changed)
    assert rows(found.causes[["kind", "subject", "change"]]) == [cause]


def test_a_version_without_record_is_told_as_such(tmp_path):
    assert list(compared(tmp_path, basis={}).causes["kind"]) == ["unrecorded"]


def test_rows_are_counted_before_and_after_and_files_told_by_their_bytes(tmp_path):
    balance = [
        BASIS["rows"][0] | {"used": 97, "quarantined": 1},
        {"table": "feedback", "file": "raw/c.csv", "rows": 7, "used": 7},
    ]
    after = BASIS | {"rows": balance, "inputs": {"raw/a.csv": "a" * 64, "raw/c.csv": "f" * 64}}
    found = compared(tmp_path, basis=after).rows.set_index("file")
    assert found["change"].to_dict() == {"raw/a.csv": "same", "raw/b.csv": "vanished", "raw/c.csv": "appeared"}
    a = found.loc["raw/a.csv"]
    assert (a["used_before"], a["used_after"], a["quarantined_before"], a["quarantined_after"]) == (98, 97, 0, 1)
    assert found.loc["raw/b.csv", "used_before"] == 50 and pd.isna(found.loc["raw/b.csv", "used_after"])


def test_a_number_that_moved_inside_and_outside_the_earlier_interval(tmp_path):
    numbers = compared(tmp_path, estimate=0.85, n=210).numbers
    assert rows(numbers[["row", "column", "before", "after", "unit", "inside"]]) == [
        ("level.csat", "estimate", 0.8, 0.85, "percent", "yes"),
        ("level.csat", "n", 200.0, 210.0, "count", ""),
    ]
    shutil.rmtree(tmp_path / "before")
    shutil.rmtree(tmp_path / "after")
    assert list(compared(tmp_path, estimate=0.95).numbers["inside"]) == ["no"]


def test_verdicts_and_strength_that_moved(tmp_path):
    found = compared(tmp_path, verdict="missed", strength="strong").verdicts
    assert rows(found[["table", "row", "column", "before", "after"]]) == [
        ("", "level.csat", "verdict", "unclear", "missed"),
        ("", "level.csat", "strength", "weak", "strong"),
    ]


def test_a_finding_or_row_that_came_or_went(tmp_path):
    found = compared(tmp_path, finding_id="feedback_analysis.level.nps", table=TABLE.iloc[[0]]).verdicts
    assert rows(found[["row", "column", "before", "after"]]) == [
        ("level.csat", "", "present", "absent"),
        ("level.nps", "", "absent", "present"),
        ("nps", "", "present", "absent"),
    ]


def test_cells_that_moved_with_their_unit_and_noise_that_did_not(tmp_path):
    table = TABLE.assign(estimate=[0.8 + 1e-9, 40.0], verdict=["unclear", "met"])
    found = compared(tmp_path, table=table)
    assert rows(found.numbers[["table", "row", "column", "before", "after", "unit", "inside"]]) == [
        ("satisfaction", "nps", "estimate", 20.0, 40.0, "nps", "no")
    ]
    assert rows(found.verdicts[["row", "column", "after"]]) == [("nps", "verdict", "met")]


def test_a_table_that_is_gone_is_one_line(tmp_path):
    found = compared(tmp_path, table=None)
    assert rows(found.verdicts[["table", "row", "before", "after"]]) == [("satisfaction", "", "present", "absent")]
    assert found.numbers.empty


def test_a_row_is_named_by_as_few_columns_as_tell_rows_apart():
    frame = pd.DataFrame({"family": ["a", "a"], "cell": ["x", "y"], "kind": ["k", "k"], "n": ["1", "2"]})
    assert difference._keys(frame, frame) == ["family", "cell"]
    twice = pd.DataFrame({"theme": ["a", "a"], "n": ["1", "2"]})
    assert list(difference._named(twice, difference._keys(twice, twice))) == ["a", "a #2"]
    ids = pd.DataFrame({"feedback_id": ["1", "2"], "score": ["3", "4"]})
    assert difference._keys(ids, ids) == ["feedback_id"]


# ---------------------------------------------------------------- in words


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("screen", [True, False])
def test_every_code_is_worded(tmp_path, language, screen):
    table = TABLE.assign(estimate=[0.81, 40.0], n=[1, 2], verdict=["met", "met"])
    basis = BASIS | CAUSES[0][0] | {"rows": [BASIS["rows"][0] | {"used": 1}]}
    found = compared(tmp_path, basis=basis, table=table, estimate=0.5, verdict="missed", strength="strong")
    sheets = comparing.sheets(found, language, screen)
    assert {key: len(frame) > 0 for key, frame in sheets.items()} == dict.fromkeys(sheets, True)
    text = "\n".join(frame.to_csv() for frame in sheets.values())
    for code in ("missed", "unclear", "_before", "input,", "level_csat"):
        assert code not in text
    assert ("98 → 1" in text) == screen and ("80%" in text) == screen


def test_every_code_has_its_word():
    said = words.catalogue("difference")
    assert {cause[0] for _, cause in CAUSES} | {"unrecorded", "finding"} == set(said["kind"])
    columns = {*difference.CAUSES, *difference.NUMBERS, *difference.VERDICTS, "file"}
    assert columns == set(said["headings"])
    assert set(difference.COUNTS) <= set(words.entry("problems", "balance"))
    assert {*difference.MEASURES, *difference.CODES} == set(said["column"])


def test_the_versions_compared(tmp_path):
    place = tmp_path / "2026Q3"
    version(place)
    with pytest.raises(ArgumentError) as refused:
        comparing._last(place, "draft")
    assert refused.value.code == "comparing.nothing_before"
    for name in ("V1.0", "V1.1"):
        (place / "final" / name).mkdir(parents=True)
    assert (comparing._last(place, "draft"), comparing._last(place, "V1.1")) == ("V1.1", "V1.0")
    assert comparing.named(place, "draft", "--to") == place
    with pytest.raises(ArgumentError) as unknown:
        comparing.named(place, "V2.0", "--from")
    assert unknown.value.exit_status == 2 and "V1.1" in unknown.value.parts("en")["remedy"]
    with pytest.raises(SqlibError) as touched:
        comparing.named(place, "V1.0", "--from")
    assert touched.value.code == "versions.changed"
    assert versions.upcoming(place) == "V1.2"
