"""Shares without counts are no answers."""

import pytest
from typed import TEXTS, built, raw, rules

from sqlib import aggregates


@pytest.mark.parametrize("header", ["Top-box Percentage", "Response Rate (%)", TEXTS["words"]["percent_header"], "pct"])
def test_headers_of_shares(header):
    assert aggregates.is_share(header)


@pytest.mark.parametrize("header", ["n", "Count", "sample size", TEXTS["words"]["count_header"]])
def test_headers_of_counts(header):
    assert aggregates.is_count(header) and not aggregates.is_share(header)


def test_a_file_of_shares_is_set_aside_whole(tmp_path):
    shares = {"score": ["71", "83"], "dimension": ["a", "b"], "scale_min": "0", "scale_max": "100"}
    table = built(tmp_path, raw(**shares, mapped=("Top-box Percentage",)))
    assert rules(table) == ["aggregates_only"] and table.frame.empty
    assert table.quarantine["problems"].tolist() == ["aggregates_only"] * 2


@pytest.mark.parametrize("more", [{"unknown": ("n",)}, {"comment": ["good", "bad"]}, {"customer_id": ["1", "2"]}])
def test_counts_or_single_respondents_make_it_answers(tmp_path, more):
    table = built(tmp_path, raw(score=["71", "83"], scale_min="0", scale_max="100", mapped=("Satisfied %",), **more))
    assert "aggregates_only" not in rules(table) and len(table.frame) == 2
