import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods.demand import demand
from sqlib.methods.themes import themes

BOOK = {"app": ["an app"], "parking": ["parking"], "delivery": ["delivery"]}
rng = np.random.default_rng(0)


def comments(now: dict[str, int], before: dict[str, int] | None = None) -> pd.DataFrame:
    """Text -> how many comments, of this period and the one before."""
    rows = [("current", text) for text, count in now.items() for _ in range(count)]
    rows += [("previous", text) for text, count in (before or {}).items() for _ in range(count)]
    table = pd.DataFrame(rows, columns=["window", "comment"])
    return table.assign(who=range(len(table)), segment=np.where(np.arange(len(table)) % 3, "small", "large"))


TABLE = comments({"an app": 20, "parking": 12, "fine": 100}, {"an app": 5, "parking": 12, "fine": 100})


def found(table=TABLE, **options):
    return demand(table, text="comment", codebook=BOOK, period="window", cluster="who", **options)


def register(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["topic", "decision", "reason", "measure", "decided_on"])


def test_the_numbers_are_those_of_the_themes():
    own = themes(TABLE, text="comment", codebook=BOOK, period="window", cluster="who").table
    table = found().table
    for name in ("comments", "estimate", "low", "high", "previous", "difference", "p_adjusted"):
        pd.testing.assert_series_equal(table[name], own[name])
    assert table["change"].to_list() == own["verdict"].to_list()


def test_every_topic_is_decided_declined_open_or_too_few():
    decided = register(("app", "do", "", "an app by May", "2026-03-01"), ("parking", "no", "no room", "", "2026-03-01"))
    assert found().table["verdict"].to_list() == ["open", "open", "too_few"]
    result = found(decisions=decided)
    assert result.table["verdict"].to_list() == ["decided", "recorded_no", "too_few"] and result.open == 0
    assert result.table["measure"].iloc[0] == "an app by May"
    later = found(decisions=register(("app", "later", "budget of next year", "", None)))
    assert later.table["verdict"].to_list() == ["deferred", "open", "too_few"]


@pytest.mark.parametrize("decision", ["no", "later"])
def test_a_no_without_its_reason_is_no_recorded_no(decision):
    result = found(decisions=register(("app", decision, " ", "", None)))
    assert result.table["verdict"].iloc[0] == "open" and "unreasoned" in result.cautions
    assert "unreasoned" not in found().cautions


def test_the_last_decision_counts():
    rows = register(("app", "no", "costs", "", "2026-05-01"), ("app", "do", "", "build it", "2026-01-01"))
    assert found(decisions=rows).table["verdict"].iloc[0] == "recorded_no"
    undated = register(("app", "no", "costs", "", None), ("app", "do", "", "build it", None))
    assert found(decisions=undated).table["verdict"].iloc[0] == "decided"


def test_a_row_nobody_filled_in_is_no_decision():
    assert found(decisions=register(("app", None, "", "", None))).table["verdict"].iloc[0] == "open"


def test_unmet_demand_of_a_segment():
    result = found(by=["segment"], decisions=register(("parking", "no", "no room", "", None)))
    unmet = result.segments[result.segments["topic"].isna()].set_index("group")
    now = TABLE[TABLE["window"] == "current"]
    share = now["comment"].eq("an app").groupby(now["segment"]).mean()
    assert unmet["estimate"].to_dict() == pytest.approx(share.to_dict())
    assert set(result.segments["topic"].dropna()) == {"app", "parking"}


def test_small_segments_are_hidden():
    table = TABLE.assign(segment=np.where(np.arange(len(TABLE)) < 3, "tiny", TABLE["segment"]))
    rows = found(table, by=["segment"]).segments
    assert (rows.loc[rows["group"] == "tiny", "verdict"] == "hidden").all()
    assert rows.loc[rows["verdict"] == "hidden", ["n", "people", "comments", "estimate"]].isna().all(axis=None)
    assert (rows[rows["verdict"] == "hidden"].groupby("topic", dropna=False)["group"].nunique() >= 2).all()


def test_a_register_that_does_not_fit_is_refused():
    with pytest.raises(MethodRefused, match="heliport"):
        found(decisions=register(("heliport", "do", "", "", None)))
    with pytest.raises(MethodRefused, match="perhaps"):
        found(decisions=register(("app", "perhaps", "", "", None)))


def test_of_many_comments_a_seeded_sample_of_each_period_is_read_and_said():
    result, whole = found(most=60, by=["segment"]), found(by=["segment"])
    assert (result.comments, result.given, "sampled" in result.cautions) == (60, 132, True)
    assert (whole.comments, whole.given) == (132, 132) and "sampled" not in whole.cautions
    assert result.table["previous_comments"].sum() <= 60 and (result.segments["n"].dropna() <= 60).all()
    pd.testing.assert_frame_equal(result.table, found(most=60, by=["segment"]).table)
