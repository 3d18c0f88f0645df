"""Sheets of the appraisal for one reader each: a person, a rater, the calibration meeting.

A person sees their own score with its interval among nameless colleagues, a rater their own severity among nameless
raters; only the meeting reads names. No sheet proposes a consequence for anybody.
"""

import base64
import io
import math
from collections.abc import Callable, Iterator
from html import escape

import pandas as pd

from sqlib import fragments, style, words
from sqlib.errors import MethodRefused
from sqlib.figures.peers import plot_peers
from sqlib.methods.criterion_profile import CriterionProfileResult
from sqlib.methods.rater_calibration import CalibrationResult
from sqlib.methods.tiers import TierResult
from sqlib.words import Estimate, Listing, Quantity, Term

WIDE = 20  # points of a scale from which one decimal is enough
AGENDA = 6  # people listed for discussion on the printed sheet, one page; the workbook holds everybody
MOST = 1000  # people who get a sheet at a time: about a minute and a half
HELD = ["person", "group", "total_raw", "total", "total_low", "total_high", "tier_raw", "tier", "p_tier"]  # workbook
STEP = 0.01  # of the scale: a shift below this share is called none


def people(
    calibrated: CalibrationResult, profile: CriterionProfileResult | None = None, *, language: str,
    name: Callable[[str], str], min_group: int = 5,
) -> Iterator[dict]:  # fmt: skip
    """One sheet a person: own calibrated score, what moved it, stronger and weaker criteria, room for the talk.

    Colleagues who may be compared appear as dots where there are at least ``min_group`` of them.
    Raises MethodRefused: feedback_packs.too_many (more than ``MOST`` people).
    """
    if len(calibrated.ratees) > MOST:
        raise MethodRefused("feedback_packs.too_many", most=f"{MOST:,}", people=f"{len(calibrated.ratees):,}")
    unit = _unit(calibrated)
    for row in calibrated.ratees.itertuples():
        if math.isnan(row.calibrated):
            continue
        own = Estimate(row.calibrated, row.low, row.high, unit, int(row.n_ratings), calibrated.confidence)
        others = calibrated.ratees[
            calibrated.ratees["part"].eq(row.part) & calibrated.ratees["ratee_id"].ne(row.ratee_id)
        ]
        say = _speaker("person", language)
        shown = [
            fragments.strip([
                (_number(row.calibrated, unit, language), say("strip", "calibrated")),
                (say("strip", "range_value", low=Quantity(row.low, unit), high=Quantity(row.high, unit)),
                 say("strip", "range", confidence=Quantity(calibrated.confidence, "percent", 0))),
                (str(int(row.n_raters)), say("strip", "raters")),
                (str(int(row.n_ratings)), say("strip", "ratings")),
            ]),
            fragments.paragraph("caption", say("caption", score=own)),
            *_among(own, others["calibrated"].dropna(), min_group, language, say),
            fragments.paragraph("text", say("moved", _moved(row, calibrated), raw=Quantity(row.raw, unit),
                                            corrected=Quantity(row.corrected, unit),
                                            shift=Quantity(row.corrected - row.raw, unit, signed=True))),
            _heading(say("strengths", "heading")),
            fragments.listing(_strengths(row.ratee_id, profile, unit, say)),
            _heading(say("reading", "heading")),
            fragments.listing([say("reading", part) for part in ("interval", "raters", "dots", "not_said")]),
            _heading(say("talk", "heading")), _blank(say("talk", "noted")), _blank(say("talk", "next")),
        ]  # fmt: skip
        yield _sheet("person", name(row.ratee_id), say("title", name=name(row.ratee_id)), shown)


def raters(
    calibrated: CalibrationResult, *, language: str, name: Callable[[str], str], min_group: int = 3
) -> Iterator[dict]:
    """One sheet a rater: own severity beside the others', use of the scale, what to try; as coaching."""
    unit, table = _unit(calibrated), calibrated.raters.merge(calibrated.profiles[["rater_id", "flags", "drift"]])
    for row in table.itertuples():
        say = _speaker("rater", language)
        known = not math.isnan(row.difference)
        own = Estimate(row.difference, row.difference_low, row.difference_high, unit, int(row.n),
                       calibrated.confidence, signed=True)  # fmt: skip
        others = table[table["part"].eq(row.part) & table["rater_id"].ne(row.rater_id)]["difference"].dropna()
        flags = [flag for flag in str(row.flags).split(";") if flag]
        shown = [
            fragments.strip([
                (_number(row.difference, unit, language, signed=True), say("strip", "difference")),
                (str(int(row.n_ratees)), say("strip", "people")),
                (str(int(row.n)), say("strip", "ratings")),
            ]),
            fragments.paragraph("caption", say("caption", row.verdict if known else "alone", difference=own)),
            *(_among(own, others, min_group, language, say, zero=True) if known else ()),
            _heading(say("use", "heading")),
            fragments.listing([say("use", flag) for flag in flags] or [say("use", "none")]),
            _heading(say("try", "heading")),
            fragments.listing([say("try", code) for code in _advice(row.verdict if known else "alone", flags)]),
            _heading(say("reading", "heading")),
            fragments.listing([say("reading", part) for part in ("difference", "interval", "not_said")]),
        ]  # fmt: skip
        yield _sheet("rater", name(row.rater_id), say("title", name=name(row.rater_id)), shown)


def meeting(
    calibrated: CalibrationResult, decided: TierResult | None = None, *, language: str, name: Callable[[str], str]
) -> Iterator[dict]:
    """The sheet of the calibration meeting: what may be decided together, whom to talk about, what to arrange; and the
    same as a workbook with room for what the meeting decides. Without tiers nobody's is in question."""
    unit, say = _unit(calibrated), _speaker("meeting", language)
    rows = (_untiered(calibrated.ratees) if decided is None else _agenda(decided.ratees)).assign(
        person=lambda frame: frame["ratee_id"].map(name)
    )
    verdicts = rows["verdict"].value_counts()
    open_cases = rows[rows["verdict"].isin(("changed", "uncertain"))]
    state = "joint" if calibrated.joint_ranking else "apart"
    shown = [
        fragments.strip([
            (str(len(rows) - verdicts.get("not_judged", 0)), say("strip", "judged")),
            *((str(verdicts.get(code, 0)), say("strip", code)) for code in ("changed", "uncertain") if decided),
        ]),
        fragments.paragraph("caption", say("state", state, parts=Quantity(calibrated.ratees["part"].nunique()))),
        *([] if calibrated.pay_wording else [fragments.paragraph("note", say("state", "no_pay"))]),
        _heading(say("agenda", "heading")),
        fragments.listing([say("agenda", part) for part in ("severity", "cases", "rule", "links")]),
        _heading(say("cases", "heading")),
        *([fragments.table(open_cases.head(AGENDA), _columns(unit), language, {})] if len(open_cases) else
          [fragments.paragraph("text", say("cases", "none" if decided else "no_tiers"))]),
        *([fragments.paragraph("note", say("cases", "more", count=Quantity(len(open_cases) - AGENDA)))]
          if len(open_cases) > AGENDA else []),
        _heading(say("links", "heading")),
        fragments.listing(_links(calibrated, name, say)),
        _heading(say("signed", "heading")), _blank(say("signed", "decided")), _blank(say("signed", "present")),
    ]  # fmt: skip
    held = rows[HELD].assign(why=[_why(code, language) for code in rows["changed_by"]])
    form = {"name": "calibration_meeting", "sheets": {"people": _plain(held)}, "about": {}}
    yield _sheet("meeting", say("file"), say("title"), shown) | {"form": form}


# ---------------------------------------------------------------- parts


def _speaker(kind: str, language: str):
    return lambda *path, **values: words.text("feedback_packs", kind, *path, language=language, **values)


def _sheet(kind: str, name: str, title: str, shown: list[str]) -> dict:
    return {"kind": kind, "name": name, "title": title, "html": "\n".join(shown)}


def _unit(calibrated: CalibrationResult) -> str:
    low, high = calibrated.scale or (calibrated.ratees["raw"].min(), calibrated.ratees["raw"].max())
    return "hundred" if high - low > WIDE else "score"


def _number(value: float, unit: str, language: str, **style) -> str:
    return words.number(value, unit, language, **style)


def _among(own: Estimate, others: pd.Series, least: int, language: str, say, zero: bool = False) -> list[str]:
    """The reader's estimate among the others, or why it stands alone: a few dots would name somebody."""
    if len(others) < least:
        return [fragments.paragraph("note", say("few", least=Quantity(least)))]
    drawn, picture = plot_peers(own.value, own.low, own.high, others, language=language, zero=zero), io.BytesIO()
    drawn.figure.savefig(picture, format="png", dpi=style.PRINT / 2, metadata={"Software": None})
    source = base64.b64encode(picture.getvalue()).decode()
    return [f'<img alt="" src="data:image/png;base64,{source}">', fragments.paragraph("figure-label", say("figure"))]


def _moved(row, calibrated: CalibrationResult) -> str:
    low, high = calibrated.scale or (calibrated.ratees["raw"].min(), calibrated.ratees["raw"].max())
    shift = row.corrected - row.raw
    if math.isnan(shift) or abs(shift) < STEP * (high - low):
        return "little"
    return "severe" if shift > 0 else "lenient"


def _strengths(person: str, profile: CriterionProfileResult | None, unit: str, say) -> list[str]:
    table = profile.table[profile.table["ratee_id"] == person] if profile else pd.DataFrame()
    if table.empty:
        return [say("strengths", "unknown")]
    said = []
    for verdict in ("stronger", "weaker"):
        found = table[table["verdict"] == verdict]
        for row in found.itertuples():
            gap = Estimate(row.shrunk, row.shrunk_low, row.shrunk_high, unit, int(row.n), profile.confidence, True)
            said.append(say("strengths", verdict, criterion=row.criterion, gap=gap))
    return said or [say("strengths", "even", criteria=Quantity(len(table)))]


def _advice(verdict: str, flags: list[str]) -> list[str]:
    known = [code for code in (verdict, *flags) if code in ("severe", "lenient", "alone", "central_tendency", "extreme",
                                                            "halo", "drifting", "inconsistent")]  # fmt: skip
    return [*known, "all"]


def _agenda(people: pd.DataFrame) -> pd.DataFrame:
    """Who to talk about first: changed tiers, then those least sure of theirs."""
    order = people["verdict"].map({"changed": 0, "uncertain": 1, "settled": 2}).fillna(3)
    return people.assign(_order=order).sort_values(["_order", "p_tier"], kind="stable").drop(columns="_order")


def _untiered(people: pd.DataFrame) -> pd.DataFrame:
    """The judged scores in place of totals."""
    named = {"raw": "total_raw", "calibrated": "total", "low": "total_low", "high": "total_high"}
    return people.rename(columns=named).assign(
        tier_raw=None, tier=None, p_tier=math.nan, changed_by=None, verdict="no_tiers"
    )


def _why(code, language: str) -> str:
    return "" if not isinstance(code, str) or not code else words.worded(Term("moved_by", code), language)


def _columns(unit: str) -> dict:
    spec = words.entry("feedback_packs", "meeting", "columns")
    return {
        "columns": [
            column | {"format": column["format"].replace("score", {"hundred": "tenth"}.get(unit, unit))}
            for column in spec
        ]
    }


def _links(calibrated: CalibrationResult, name, say) -> list[str]:
    table = calibrated.links_to_add
    if table.empty:
        return [say("links", "none")]
    return [
        say("links", "add", rater=name(rater), people=Listing(tuple(name(ratee) for ratee in rows["ratee_id"])),
            ratings=Quantity(rows["ratings"].sum()))
        for rater, rows in table.groupby("rater_id", sort=False)
    ]  # fmt: skip


def _plain(frame: pd.DataFrame) -> dict[str, list]:
    """Columns as lists of what JSON holds; nothing where there is no value."""
    plain = frame.astype(object).where(frame.notna(), None)
    return {column: [round(cell, 3) if isinstance(cell, float) else cell for cell in plain[column]] for column in plain}


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _blank(label: str) -> str:
    """A labelled line to write on."""
    return f'<p class="sq-note">{escape(label)}</p><div class="sq-blank"></div>'
