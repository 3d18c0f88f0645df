"""Sheets for one reader each: nobody else is named, small groups stay hidden, every code has its words."""

import dataclasses
import re
from html import unescape

import made_decisions
import numpy as np
import pandas as pd
import pytest
from made_raters import calibrated as fitted
from made_raters import scores

from sqlib import feedback_packs, forms, style, words
from sqlib.errors import MethodRefused
from sqlib.methods import rater_fit
from sqlib.methods.criterion_profile import criterion_profile
from sqlib.methods.standing import tiers_of

both = pytest.mark.parametrize("language", words.LANGUAGES)
NASTY = '<script>alert(1)</script>&"'
VERDICTS = ("severe", "lenient", "in_line", "cannot_tell")


def full_name(person: str) -> str:
    """A name that holds neither the id nor the name of anybody else."""
    return f"Person-{person.upper()}."


@pytest.fixture(scope="module")
def result():
    return fitted(scores())


@pytest.fixture(scope="module")
def profile():
    """Everybody in three teams; p00 is good at c0 and weak in c1."""
    data = scores()
    own = data["ratee_id"].eq("p00")
    data["score"] += np.where(own & data["criterion_id"].eq("c0"), 3, 0)
    data["score"] -= np.where(own & data["criterion_id"].eq("c1"), 3, 0)
    return criterion_profile(data, ratee="ratee_id", rater="rater_id", criterion="criterion_id", score="score")


@pytest.fixture(scope="module")
def decided(result):
    return tiers_of(result, rule={"cuts": {"A": 71, "B": 70, "C": 0}})


def made(build, *results, language="en", name=full_name, **options) -> list[dict]:
    with style.theme():
        return list(build(*results, language=language, name=name, **options))


def text(sheet: dict) -> str:
    """The sheet as read: without pictures and markup."""
    return unescape(re.sub(r"<[^>]*>", " ", re.sub(r"<img[^>]*>", "", sheet["html"])))


def said(kind: str, *path: str, language="en", **values) -> str:
    return words.text("feedback_packs", kind, *path, language=language, **values)


# ---------------------------------------------------------------- one reader each


@both
def test_a_sheet_names_its_reader_and_nobody_else(result, profile, language):
    for build, more, ids in (
        (feedback_packs.people, [profile], result.ratees["ratee_id"]),
        (feedback_packs.raters, [], result.raters["rater_id"]),
    ):
        sheets = made(build, result, *more, language=language)
        assert [sheet["name"] for sheet in sheets] == [full_name(person) for person in ids]
        everybody = [*result.ratees["ratee_id"], *result.raters["rater_id"]]
        for sheet, own in zip(sheets, ids, strict=True):
            whole = sheet["html"] + sheet["title"] + sheet["name"]
            assert full_name(own) in sheet["title"]
            others = [name for person in everybody if person != own for name in (person, full_name(person))]
            shown = re.sub(r'base64,[^"]*', "", whole)
            assert [name for name in others if name in shown] == []


def test_colleagues_are_dots_only_where_there_are_enough_of_them(result):
    others = len(result.ratees) - 1
    for build, known in ((feedback_packs.people, others), (feedback_packs.raters, len(result.raters) - 1)):
        shown, hidden = (made(build, result, min_group=least) for least in (known, known + 1))
        assert all("<img" in sheet["html"] for sheet in shown) and not any("<img" in sheet["html"] for sheet in hidden)
        kind = shown[0]["kind"]
        assert all(said(kind, "few", least=words.Quantity(known + 1)) in text(sheet) for sheet in hidden)


def test_people_of_another_part_are_no_colleagues(result):
    apart = result.ratees.assign(part=np.where(result.ratees["ratee_id"] < "p04", 2, 1))
    few, many = (
        [sheet for sheet in made(feedback_packs.people, dataclasses.replace(result, ratees=apart), min_group=5)
         if (sheet["name"] < full_name("p04")) == side] for side in (True, False)
    )  # fmt: skip
    assert len(few) == 4 and not any("<img" in sheet["html"] for sheet in few)
    assert all("<img" in sheet["html"] for sheet in many)


def test_who_has_no_score_gets_no_sheet(result):
    blank = result.ratees.assign(calibrated=result.ratees["calibrated"].where(result.ratees["ratee_id"] != "p00"))
    sheets = made(feedback_packs.people, dataclasses.replace(result, ratees=blank))
    assert len(sheets) == len(result.ratees) - 1 and full_name("p00") not in {sheet["name"] for sheet in sheets}


@both
def test_names_and_criteria_are_escaped(result, profile, decided, language):
    named = dataclasses.replace(profile, table=profile.table.assign(criterion=NASTY))
    for sheets in (
        made(feedback_packs.people, result, named, language=language, name=lambda person: NASTY + person),
        made(feedback_packs.raters, result, language=language, name=lambda person: NASTY + person),
        made(feedback_packs.meeting, result, decided, language=language, name=lambda person: NASTY + person),
    ):
        assert sheets and not any("<script" in sheet["html"] for sheet in sheets)
    (sheet,) = made(feedback_packs.meeting, result, decided, language=language, name=lambda person: NASTY + person)
    assert NASTY in text(sheet)


# ---------------------------------------------------------------- what is said


def test_the_own_score_what_moved_it_and_the_sides_are_told(result, profile):
    sheets = {sheet["name"]: text(sheet) for sheet in made(feedback_packs.people, result, profile)}
    rows = result.ratees.set_index("ratee_id")
    shift = rows["corrected"] - rows["raw"]
    harmed, spared = shift.idxmax(), shift.idxmin()
    assert "Your raters were severe on the whole" in sheets[full_name(harmed)]
    assert "Your raters were lenient on the whole" in sheets[full_name(spared)]
    for who in (harmed, spared):
        assert f"{rows.loc[who, 'calibrated']:.2f}" in sheets[full_name(who)]
    first = sheets[full_name("p00")]
    assert "“c0” is a relative strength" in first and "“c1” is relatively weak" in first
    assert said("person", "strengths", "unknown") in text(made(feedback_packs.people, result)[0])


def judged(result, verdict, flags=""):
    raters = result.raters.assign(verdict=verdict)
    return dataclasses.replace(result, raters=raters, profiles=result.profiles.assign(flags=flags))


@both
@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_on_a_rater_has_its_words(result, verdict, language):
    for sheet in made(feedback_packs.raters, judged(result, verdict), language=language):
        assert "{" not in text(sheet) and said("rater", "use", "none", language=language) in text(sheet)


@both
@pytest.mark.parametrize("flag", rater_fit.FLAGS)
def test_every_flag_of_a_rater_has_its_words_and_something_to_try(result, flag, language):
    for sheet in made(feedback_packs.raters, judged(result, "in_line", flag), language=language):
        assert said("rater", "use", flag, language=language) in text(sheet)
        assert said("rater", "try", flag, language=language) in text(sheet)


def test_a_rater_alone_is_told_so_and_nothing_of_severity(result):
    blank = result.raters.assign(**dict.fromkeys(("difference", "difference_low", "difference_high"), np.nan))
    for sheet in made(feedback_packs.raters, dataclasses.replace(result, raters=blank)):
        assert said("rater", "caption", "alone") in text(sheet) and "<img" not in sheet["html"]


def test_the_severe_and_the_lenient_read_their_own(result):
    sheets = {sheet["name"]: text(sheet) for sheet in made(feedback_packs.raters, result)}
    assert "lower than the other raters do" in sheets[full_name("r0")]
    assert "higher than the other raters do" in sheets[full_name("r1")]


# ---------------------------------------------------------------- the meeting


@both
def test_the_meeting_talks_of_those_whose_tier_moved_or_is_unsure(result, decided, language):
    (sheet,) = made(feedback_packs.meeting, result, decided, language=language)
    table = decided.ratees.set_index("ratee_id")["verdict"]
    open_cases = table.index[table.isin(("changed", "uncertain"))]
    listed = [person for person in table.index if f">{full_name(person)}<" in sheet["html"]]
    assert len(listed) == min(len(open_cases), feedback_packs.AGENDA) > 0 and set(listed) <= set(open_cases)
    assert said("meeting", "state", "joint", language=language) in text(sheet)


def test_sheets_of_more_people_than_anybody_prints_are_refused(result, monkeypatch):
    monkeypatch.setattr(feedback_packs, "MOST", len(result.ratees) - 1)
    with pytest.raises(MethodRefused, match="one team"):
        made(feedback_packs.people, result)


def test_the_meeting_is_told_of_parts_of_pay_and_of_ratings_to_add(result, decided):
    links = pd.DataFrame({"rater_id": ["r0", "r0"], "ratee_id": ["p01", "p02"], "ratings": [4, 4]})
    halves = result.ratees.assign(part=np.arange(len(result.ratees)) % 2 + 1)  # hardly linked: one part, two blocks
    poor = dataclasses.replace(result, ratees=halves, joint_ranking=False, pay_wording=False, links_to_add=links)
    (sheet,) = made(feedback_packs.meeting, poor, decided)
    assert said("meeting", "state", "apart", parts=words.Quantity(2)) in text(sheet)
    assert said("meeting", "state", "no_pay") in text(sheet)
    assert f"{full_name('r0')} to rate {full_name('p01')}, {full_name('p02')}: 8 ratings." in text(sheet)


@both
@pytest.mark.parametrize("tiered", [True, False])
def test_the_record_of_the_meeting_is_a_form_that_reads_back(result, decided, tiered, language, tmp_path):
    (sheet,) = made(feedback_packs.meeting, result, decided if tiered else None, language=language)
    form, path = sheet["form"], tmp_path / "meeting.xlsx"
    rows = {code: pd.DataFrame(held) for code, held in form["sheets"].items()}
    forms.write(form["name"], rows, path, language, about=form["about"])
    back = forms.read(form["name"], path)["people"]
    assert sorted(back["person"]) == sorted(map(full_name, result.ratees["ratee_id"]))
    assert (back["tier"] != "").all() == tiered and (back[["decision", "reason", "decided_by"]] == "").all(axis=None)
    own = back.set_index("person").loc[full_name("p00")]
    found = result.ratees.set_index("ratee_id").loc["p00"]
    assert float(own["total"]) == round(found["calibrated"], 3)
    if not tiered:
        assert said("meeting", "cases", "no_tiers", language=language) in text(sheet)


def test_every_reason_a_tier_moved_has_its_words():
    codes = set()
    for key, verdict in made_decisions.EVERY:
        if key == "tiers":
            codes |= set(made_decisions.made(key, verdict).ratees["changed_by"].dropna())
    assert codes and all(feedback_packs._why(code, language) for code in codes for language in words.LANGUAGES)
    assert feedback_packs._why(None, "en") == ""


def test_no_sheet_proposes_a_consequence(result, profile, decided):
    for sheets in (
        made(feedback_packs.people, result, profile),
        made(feedback_packs.raters, result),
        made(feedback_packs.meeting, result, decided),
    ):
        whole = " ".join(text(sheet) for sheet in sheets).lower()
        assert not re.search(r"\b(dismiss|demote|punish|bonus cut|fire|warn)\b", whole)
