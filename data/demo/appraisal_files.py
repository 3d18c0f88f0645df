"""The appraisals of jiahe as the firm keeps them: wide sheets a quarter, names instead of ids, cells as text, levels in
words, deductions with and without a minus. ``write`` is called by ``build.py``."""

from pathlib import Path

import numpy as np
import pandas as pd
from appraisal_world import quarter
from ugly import (
    alternating,
    dated,
    full_width,
    is_full_width,
    is_text,
    spelt,
    spoil,
    total_line,
    write_book,
    write_text,
)

SIGNED = "2026Q1"  # in this quarter deductions were typed with a minus


def write(world: dict, tables: dict[str, pd.DataFrame], raw: Path) -> dict:
    """Write every export below ``raw``; return what was planted, counted file by file."""
    files = {}
    for export in (_staff, _scores, _roundup, _words, _figures, _rewards, _inspections, _pulse, _communications):
        files |= export(world, tables, raw)
    return files


def kept(world: dict, tables: dict[str, pd.DataFrame]) -> dict:
    """Rows a right reading keeps: of appraisals every score, every blank beside a remark, all that is counted."""
    model, sheets = world["model"], tables["scores"]
    remark = sheets["comment"].notna() & ~sheets["comment"].isin(world["remarks"]["nothing"])
    scores = sheets[model["sheet"]].notna() | remark.to_numpy()[:, None]
    words = len(tables["words"]) * len(model["worded"])
    overall = tables["roundup"][["own", "lead", "peer"]].notna()
    counted = len(tables["figures"]) * len(world["scheme"]["counted"])
    found = {"appraisals": int(scores.sum().sum()) + words + int(overall.sum().sum()) + counted}
    names = ("staff", "rewards", "inspections", "pulse", "communications")
    return found | {name: len(tables[name]) for name in names}


def facts(world: dict, tables: dict[str, pd.DataFrame]) -> dict:
    """What a right reading finds of the period and of the firm, before any method."""
    sheets, figures = tables["scores"], tables["figures"]
    model, now = world["model"], [table[_now(table)] for table in (sheets, figures)]
    scores = now[0].melt(["ratee", "rater"], model["sheet"], value_name="score").dropna(subset="score")
    overall = tables["roundup"].loc[_now(tables["roundup"])]
    tiers = tables["totals"].query("quarter == '2026Q3'")["tier"].value_counts()
    return {
        "sheets": len(now[0]),
        "scores": len(scores),
        "overall": int(overall[["lead", "peer"]].notna().sum().sum()),
        "worded": int(_now(tables["words"]).sum()) * len(model["worded"]),
        "own": int(overall["own"].notna().sum()),
        "raters": sheets["rater"].nunique() + len(world["panel"]["peers"]),
        "ratees": sheets["ratee"].nunique(),
        "unlinked": sheets.loc[sheets["team"] == world["staff"]["branch_name"], "ratee"].nunique(),
        "results": len(now[1]),
        "talks": int(now[1]["talk_on"].notna().sum()),
        "appeals": int(now[1]["appeal"].sum()),
        "upheld": int(now[1]["upheld"].sum()),
        "vetoes": int(now[1]["veto"].sum()),
        "remarks": int((now[0]["comment"].notna() & ~now[0]["comment"].isin(world["remarks"]["nothing"])).sum()),
        "tiers": {name: int(tiers.get(name, 0)) for name in sorted(tiers.index)},
        "rewards": tables["rewards"].query("quarter == '2026Q3'")["what"].value_counts().sort_index().to_dict(),
        "by_rater": scores.groupby("rater").size().to_dict(),
    }


def _now(table: pd.DataFrame) -> pd.Series:
    return quarter(table["month"]) == "2026Q3"


def _each(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of every quarter, one file each."""
    label = pd.Series(quarter(table["month"]), table.index)
    return [(name, table[label == name].reset_index(drop=True)) for name in sorted(label.unique())]


def _month(world: dict, month: pd.Series) -> pd.Series:
    """Months in words or as 2026-07, as two people type them."""
    pattern = world["spelling"]["months"]
    return pd.Series(
        [pattern.format(y=m.year, m=m.month) if k % 3 else str(m) for k, m in enumerate(month)],
        month.index,
        dtype=object,
    )


def _staff(world: dict, tables: dict, raw: Path) -> dict:
    words, frame = world["spelling"], tables["staff"].sort_values(["department", "team", "staff_id"], ignore_index=True)
    frame = frame.assign(
        hired_on=dated(frame["hired_on"], words["dates"]), manager=frame["manager"].fillna(words["nothing"]), left_on=""
    )
    frame, counts = spoil(world, "staff", frame, ("staff_id", "K9{:02d}"))
    counts |= {
        "dates_as_text": int(frame["hired_on"].map(is_text).sum()),
        "merged_cells": frame["department"].nunique(),
    }
    return write_book(world, "staff", frame, raw, counts, merge="department")


def _scores(world: dict, tables: dict, raw: Path) -> dict:
    """One book a quarter; departments in merged cells, some scores with their unit or in full-width digits."""
    words, sheet, files = world["spelling"], world["model"]["sheet"], {}
    for label, frame in _each(tables["scores"]):
        frame = frame.sort_values(["department", "team", "ratee", "period", "rater"], ignore_index=True)
        frame = frame.assign(
            period=_month(world, frame["month"]),
            rater_role=frame["kind"].map(words["roles"]),
            rated_on=dated(frame["rated_on"], words["dates"]),
            comment=frame["comment"].fillna(""),
            **{name: _points(frame[name], words, place) for place, name in enumerate(sheet)},
        )
        frame, counts = _spoilt(world, frame, label)
        cells = frame[sheet]
        counts |= {
            "scores_as_text": int(
                cells.map(lambda cell: is_text(cell) and cell.endswith(words["score"][-1])).sum().sum()
            ),
            "full_width_cells": int(cells.map(is_full_width).sum().sum()),
            "blank_scores": int((cells.eq("") & frame["_flaw"].eq("").to_numpy()[:, None]).sum().sum()),
            "merged_cells": frame["department"].nunique(),
        }
        last = total_line(words, "department", "ratee_name", len(frame))
        files |= write_book(world, "scores", frame, raw, counts, last, merge="department", label=label)
    return files


def _points(scores: pd.Series, words: dict, place: int) -> pd.Series:
    """Whole numbers; some with their unit, some in full-width digits, missing ones empty."""
    whole = scores.map(lambda score: "" if pd.isna(score) else int(score)).astype(object)
    changes = {
        3 + place: lambda cell: words["score"].format(cell) if cell != "" else cell,
        20 + place: lambda cell: full_width(str(cell)),
    }
    return alternating(whole, changes, every=40)


def _spoilt(world: dict, frame: pd.DataFrame, label: str) -> tuple[pd.DataFrame, dict]:
    """The wrong rows stand in the sheets of the last quarter, each with no score but the wrong one."""
    if label == "2026Q3":
        return spoil(world, "scores", frame, blank=[*world["model"]["sheet"], "comment"])
    return frame.astype(object).assign(_flaw=""), {}


def _roundup(world: dict, tables: dict, raw: Path) -> dict:
    """One column a role: own, lead, peer; no peer in the branch."""
    files = {}
    for label, frame in _each(tables["roundup"]):
        whole = {
            name: frame[name].map(lambda s: "" if pd.isna(s) else int(s)).astype(object)
            for name in ("own", "lead", "peer")
        }
        days = dated(frame["rated_on"], world["spelling"]["dates"])
        frame = frame.assign(ratee_id=frame["ratee"], period=_month(world, frame["month"]), rated_on=days, **whole)
        frame["peer_name"] = frame["peer_name"].fillna("")
        counts = {"blank_scores": int((frame[["own", "lead", "peer"]] == "").sum().sum())}
        files |= write_book(world, "roundup", frame.astype(object), raw, counts, label=label)
    return files


def _words(world: dict, tables: dict, raw: Path) -> dict:
    files = {}
    for label, frame in _each(tables["words"]):
        days = spelt(frame["rated_on"], world["spelling"]["dates"][:2])
        frame = frame.assign(ratee_id=frame["ratee"], period=_month(world, frame["month"]), rated_on=days)
        files |= write_text(world, "words", frame, raw, {}, label=label)
    return files


def _figures(world: dict, tables: dict, raw: Path) -> dict:
    """Shares as 97.5%, deductions with a minus in one quarter, talks and appeals beside them."""
    words, files = world["spelling"], {}
    for label, frame in _each(tables["figures"]):
        sign = -1 if label == SIGNED else 1
        frame = frame.assign(
            ratee_id=frame["ratee"],
            period=_month(world, frame["month"]),
            on_time=alternating(frame["on_time"], {k: words["percent"].format for k in range(0, 10, 2)}, every=10),
            errors=(sign * frame["errors"]).where(frame["errors"] > 0, "").astype(object),
            praise=frame["praise"].where(frame["praise"] > 0, "").astype(object),
            veto=np.where(frame["veto"], words["flag"][1], ""),
            result_on=dated(frame["result_on"], words["dates"]),
            talk_on=dated(frame["talk_on"], words["dates"]),
            appeal=np.where(frame["appeal"], words["flag"][1], words["flag"][0]),
            appeal_on=dated(frame["appeal_on"], words["dates"]),
            upheld=np.where(frame["appeal"], np.where(frame["upheld"], *words["upheld"][::-1]), ""),
        )
        counts = {"percent_as_text": int(frame["on_time"].map(is_text).sum())}
        files |= write_book(world, "figures", frame.astype(object), raw, counts, label=label)
    return files


def _rewards(world: dict, tables: dict, raw: Path) -> dict:
    words, spec = world["spelling"], world["export"]["rewards"]
    kinds = {"bonus": "bonus", "error": "penalty", "praise": "praise"}
    frame = tables["rewards"]
    basis = [spec["basis"][what].format(when) for what, when in zip(frame["what"], frame["quarter"], strict=True)]
    frame = frame.assign(
        on=dated(frame["on"], words["dates"]),
        type=frame["what"].map(kinds).map(spec["types"]),
        amount=frame["amount"].astype(object).where(frame["amount"].notna(), ""),
        tier=frame["tier"].fillna(""),
        basis=basis,
        rule=frame["what"].map(spec["rules"]),
    )
    frame, counts = spoil(world, "rewards", frame, ("reward_id", "JC9{:03d}"))
    return write_book(world, "rewards", frame, raw, counts)


def _inspections(world: dict, tables: dict, raw: Path) -> dict:
    words = world["spelling"]
    frame = tables["inspections"].assign(
        staff_id=lambda t: t["ratee"],
        done_at=lambda t: dated(t["done_at"], words["dates"]),
        feedback_on=lambda t: dated(t["feedback_on"], words["dates"]),
        announced=lambda t: t["announced"].map(dict(enumerate(words["flag"]))),
        critical=lambda t: t["critical"].map(dict(enumerate(words["flag"]))),
        score=lambda t: t["score"].astype(int),
    )
    frame, counts = spoil(world, "inspections", frame, ("inspection_id", "ZJ9{:03d}"))
    return write_book(world, "inspections", frame, raw, counts)


def _pulse(world: dict, tables: dict, raw: Path) -> dict:
    words, plan = world["spelling"], world["pulse"]
    frame = tables["pulse"].assign(
        about=plan["about"],
        role=plan["role"],
        on=lambda t: spelt(t["on"], words["dates"][:2]),
        understood=lambda t: t["understood"].map(dict(enumerate(words["flag"]))),
    )
    frame, counts = spoil(world, "pulse", frame, ("pulse_id", "WD9{:02d}"))
    return write_text(world, "pulse", frame, raw, counts)


def _communications(world: dict, tables: dict, raw: Path) -> dict:
    words, spec = world["spelling"], world["export"]["communications"]
    frame = tables["communications"].assign(
        kind=spec["kind"],
        topic=spec["topic"],
        planned_on=lambda t: spelt(t["planned_on"], words["dates"][:2]),
        at=lambda t: spelt(t["at"], spec["times"]),
    )
    frame, counts = spoil(world, "communications", frame, ("comm_id", "FK9{:02d}"))
    return write_text(world, "communications", frame, raw, counts)
