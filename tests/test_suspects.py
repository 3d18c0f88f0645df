"""Straight-liners and returning texts are named and used."""

import pandas as pd
from typed import TEXTS, built, raw

from sqlib import suspects

LONG = TEXTS["words"]["comment"]


def test_straight_liners_are_counted_among_those_with_enough_items(tmp_path):
    answers = {"same": "44444", "mixed": "44434", "short": "4444"}
    rows = [(person, f"q{item}", score) for person, scores in answers.items() for item, score in enumerate(scores)]
    people, items, scores = (list(part) for part in zip(*rows, strict=True))
    ends = {"scale_min": "1", "scale_max": "5"}
    table = built(tmp_path, raw("feedback_items", feedback_id=people, item_id=items, score=scores, **ends))
    found = table.problems[table.problems["rule"] == "straight_lining"].iloc[0]
    assert (found["value"], found["count"], found["severity"]) == ("1 / 2", 1, "info")
    assert len(table.frame) == 14


def test_returning_texts_need_length_and_different_ids(tmp_path):
    comments = [LONG, LONG, "ok", "ok", LONG + "!"]
    table = built(tmp_path, raw(feedback_id=list("abcde"), comment=comments))
    found = table.problems[table.problems["rule"] == "repeated_text_suspect"]
    assert found[["row", "count"]].to_numpy().tolist() == [[2, 2]] and found["value"].iloc[0].endswith("× 2")
    assert len(table.frame) == 5


def test_rare_values_outside_the_scale_are_slips_not_codes():
    scores = pd.Series([3.0] * 200 + [99.0])
    assert suspects.codes(scores, 1, 5) == {}
    assert suspects.codes(pd.Series([3.0] * 200 + [99.0] * 5), 1, 5) == {99.0: 5}


def test_answers_given_in_less_than_a_third_of_the_median_time_are_named():
    times = [120.0] * 20 + [39.0, 40.0, None]
    frame = pd.DataFrame({"feedback_id": [str(i) for i in range(23)], "answering_seconds": times})
    frame = frame.assign(source_file="a", source_row=range(2, 25), comment=None)
    (note,) = suspects.find("feedback", frame.astype({"comment": "str"})).to_dict("records")
    assert (note["rule"], note["count"], note["row"], note["value"]) == ("answered_too_fast", 1, 22, "< 40 s (120 s)")
    assert note["used"] and suspects.too_fast(frame.iloc[10:]).empty  # too few times for a median
