"""Build a demo client from one seed: the untouched exports such a firm really sends.

``python data/demo/build.py [--client jiahe] [--seed 20260928] [--out data/demo]`` writes ``<out>/<client>/raw/`` and
``truth.toml``: how much of everything was planted, counted. ``world.py`` draws the clean tables, this file makes them
ugly with ``ugly.py``: title rows, merged cells, total lines, six spellings of a date, worded scales, a month exported
twice, and rows that are wrong in one stated way; ``appraisal_world.py`` and ``appraisal_files.py`` do the same for the
appraisals, ``improvement.py`` for measures and indicators. The bytes follow from the seed.
"""

import argparse
import shutil
from pathlib import Path

import appraisal_files
import appraisal_world
import improvement
import pandas as pd
from ugly import (
    alternating,
    as_toml,
    dated,
    full_width,
    is_full_width,
    is_text,
    spelt,
    spoil,
    total_line,
    two_lines,
    write_book,
    write_text,
)
from world import HERE, SEED, load_world, simulate

PERIOD, PREVIOUS = ("2026-07-01", "2026-10-01"), ("2026-04-01", "2026-07-01")
OVERLAP = ("2026Q2", "2026Q3", "2026-06-01")  # the second export begins in the last month of the first
REPEATED_LINES = [20, 60, 100]  # lines of the WeChat export written twice
UNLINKED = "unlinked_name"  # a row that is usable, but of no customer in the list
CASE_BEFORE, CASE_AFTER = pd.Timedelta(days=7), pd.Timedelta(days=30)  # as sqlib.methods.call_back


def write(tables: dict[str, pd.DataFrame], folder: Path, client: str = "jiahe") -> dict:
    """Write the clean tables as ugly exports below ``folder/raw``; return what was planted, counted file by file."""
    world, raw = load_world(client), Path(folder) / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    files = {}
    for export in (_customers, _surveys, _phone, _wechat, _invitations, _cases):
        files |= export(world, tables, raw)
    return {**facts(world, tables), "files": files}


def write_appraisals(seed: int, folder: Path, client: str) -> dict:
    """Write the appraisals of the client beside its other exports; return what was planted, counted."""
    world, tables = load_world(f"{client}_appraisal"), appraisal_world.simulate(seed, client)
    files = appraisal_files.write(world, tables, Path(folder) / "raw")
    rows = appraisal_files.kept(world, tables)
    return {"rows": rows, "appraisal": appraisal_files.facts(world, tables), "files": files}


def write_improvement(seed: int, feedback: pd.DataFrame, folder: Path, client: str) -> dict:
    """Write measures, indicators and what belongs to them; return what was planted, counted."""
    tables = improvement.simulate(seed, client, feedback)
    return {"rows": improvement.kept(client, tables), "files": improvement.write(client, tables, Path(folder) / "raw")}


def facts(world: dict, tables: dict[str, pd.DataFrame]) -> dict:
    """Rows a right reading keeps; answers, cells, themes and low scores of the period, before any method."""
    answers, before = (_within(tables["feedback"], *span) for span in (PERIOD, PREVIOUS))
    strangers = sum(len(flaw["rows"]) for flaw in world["flaws"]["wechat"] if flaw["rule"] == UNLINKED)
    families = {family: answers.groupby(family)["score"] for family in ("team", "segment", "channel")}
    return {
        "rows": {name: len(table) + strangers * (name == "feedback") for name, table in tables.items()},
        "period": {
            "answers": len(answers) + strangers,
            "unlinked": strangers,
            "linked": len(answers),
            "satisfied": int((answers["score"] >= 4).sum()),
            "customers": answers["customer_id"].nunique(),
            "comments": int(answers["comment"].notna().sum()),
            "answers_of_na": int((answers["customer_id"] == "NA").sum()),
            **_low(answers, tables["cases"]),
        },
        "previous": {"linked": len(before), "satisfied": int((before["score"] >= 4).sum())},
        "cells": {family: group.size().to_dict() for family, group in families.items()},
        "satisfied": {family: group.agg(lambda s: int((s >= 4).sum())).to_dict() for family, group in families.items()},
        "base": _active(tables["customers"])["segment"].value_counts().sort_index().to_dict(),
        "answered": answers.groupby("segment")["customer_id"].nunique().to_dict(),
        "themes": {name: _themes(world, span) for name, span in (("previous", before), ("period", answers))},
    }


def _within(rows: pd.DataFrame, start: str, end: str) -> pd.DataFrame:
    return rows[(rows["received_at"] >= start) & (rows["received_at"] < end)]


def _active(customers: pd.DataFrame) -> pd.DataFrame:
    return customers[(customers["start_date"] < PERIOD[1]) & ~(customers["end_date"] < PERIOD[0])]


def _low(answers: pd.DataFrame, cases: pd.DataFrame) -> dict:
    """Low scores, and those of a customer without a case near in time."""
    low = answers[answers["score"] <= 2]
    near = low.merge(cases[["customer_id", "created_at"]], on="customer_id")
    gap = near["created_at"] - near["received_at"]
    followed = near.loc[(gap >= -CASE_BEFORE) & (gap <= CASE_AFTER), "feedback_id"].nunique()
    return {"low": len(low), "low_without_case": len(low) - followed}


def _themes(world: dict, answers: pd.DataFrame) -> dict:
    return {
        theme: int(answers["theme"].str.split().map(lambda found, theme=theme: theme in found).sum())
        for theme in world["themes"]
    }


# ---------------------------------------------------------------- one function an export


def _customers(world: dict, tables: dict, raw: Path) -> dict:
    """Sorted by team, each team written once in a merged cell; fees in yuan or ten thousand yuan."""
    words, frame = world["spelling"], tables["customers"].sort_values(["team", "customer_id"], ignore_index=True)
    fees = {3: lambda fee: words["wan"].format(fee / 10000), 11: words["yuan"].format}
    frame = frame.assign(
        customer_group=frame["customer_group"].fillna(""),
        region=alternating(frame["region"], {7: lambda region: words["nothing"]}, every=60),
        monthly_fee=alternating(frame["monthly_fee"], fees),
        start_date=dated(frame["start_date"], words["dates"]),
        end_date=dated(frame["end_date"], words["dates"]),
    )
    frame, counts = spoil(world, "customers", frame, ("customer_id", "8{:02d}"))
    counts |= {
        "dates_as_text": int(frame[["start_date", "end_date"]].map(is_text).sum().sum()),
        "fees_as_text": int(frame["monthly_fee"].map(is_text).sum()),
        "missing_codes": int((frame["region"] == words["nothing"]).sum()),
        "merged_cells": frame["team"].nunique(),
    }
    fee = int(tables["customers"]["monthly_fee"].sum())
    total = total_line(words, "team", "customer_id", len(frame)) | {"monthly_fee": fee}
    return write_book(world, "customers", frame, raw, counts, total, merge="team")


def _surveys(world: dict, tables: dict, raw: Path) -> dict:
    """One wide file a quarter in GBK, levels in words; the last file repeats the last month of the one before."""
    frame, items = _survey(world, tables), world["dimensions"]["names"]
    frame, _ = spoil(world, "survey", frame, ("feedback_id", "WJ9{:04d}"), blank=items)
    quarter = frame["_when"].dt.to_period("Q").astype(str)
    files = {}
    for label in sorted(quarter.unique()):
        repeated = (quarter == OVERLAP[0]) & (frame["_when"] >= OVERLAP[2]) & (label == OVERLAP[1])
        rows = frame[(quarter == label) | repeated]
        counts = {rule: int(n) for rule, n in rows["_flaw"].value_counts().drop("").items()}
        counts |= {
            "repeated_rows": int(repeated.sum()),
            "full_width_cells": int(rows[["customer_id", "recommend"]].map(is_full_width).sum().sum()),
            "blank_items": int((frame.loc[quarter == label, items] == "").sum().sum()),
        }
        total = total_line(world["spelling"], "feedback_id", "customer_id", len(rows))
        files |= write_text(world, "survey", rows, raw, counts, total, label)
    return files


def _survey(world: dict, tables: dict) -> pd.DataFrame:
    """The answered questionnaires as text, one column an item; ``_when`` decides the file."""
    words, frame = world["spelling"], tables["feedback"].query("channel == 'online'").reset_index(drop=True)
    levels = dict(enumerate(words["levels"], start=1))
    items = tables["feedback_items"].assign(word=tables["feedback_items"]["score"].map(levels))
    wide = items.pivot(index="feedback_id", columns="item_id", values="word")
    frame = frame.join(wide, on="feedback_id").fillna({name: "" for name in [*wide, "comment"]})
    return frame.assign(
        received_at=spelt(frame["received_at"], words["times"]),
        customer_id=alternating(frame["customer_id"], {29: full_width}, every=97),
        score=frame["score"].map(levels),
        recommend=alternating(frame["recommend"].astype(int).astype(str), {13: full_width}, every=41),
        _when=frame["received_at"],
    )


def _phone(world: dict, tables: dict, raw: Path) -> dict:
    """A workbook several people keep: scores as 4 or with their unit, dates as dates or as text."""
    words, frame = world["spelling"], tables["feedback"].query("channel == 'phone'").reset_index(drop=True)
    frame = frame.assign(
        received_at=dated(frame["received_at"].dt.normalize(), words["dates"]),
        score=alternating(frame["score"], {0: words["score"].format, 1: words["score"].format}, every=5),
        ease=frame["ease"].astype(int),
        comment=frame["comment"].fillna(""),
    )
    frame, counts = spoil(world, "phone", frame, ("feedback_id", "HF8{:04d}"))
    counts |= {"scores_as_text": int(frame["score"].map(is_text).sum())}
    return write_book(world, "phone", frame, raw, counts)


def _wechat(world: dict, tables: dict, raw: Path) -> dict:
    """Names instead of ids, some in half-width brackets; comments over two lines; three lines exported twice."""
    words, frame = world["spelling"], tables["feedback"].query("channel == 'wechat'").reset_index(drop=True)
    names = frame["customer_id"].map(tables["customers"].set_index("customer_id")["customer_name"])
    brackets = str.maketrans(words["brackets"])
    frame = frame.assign(
        received_at=spelt(frame["received_at"], words["times"][:1]),
        customer_name=alternating(names, {0: lambda name: name.translate(brackets)}, every=2),
        comment=alternating(frame["comment"].fillna(""), {5: two_lines}, every=20),
    )
    frame, counts = spoil(world, "wechat", frame, ("feedback_id", "WX8{:04d}"))
    frame = frame.loc[frame.index.repeat(1 + frame.index.isin(REPEATED_LINES))]
    counts |= {
        "repeated_rows": len(REPEATED_LINES),
        "names_in_half_width": int(frame["customer_name"].str.contains("(", regex=False).sum()),
        "comments_over_two_lines": int(frame["comment"].str.contains("\n").sum()),
    }
    return write_text(world, "wechat", frame, raw, counts)


def _invitations(world: dict, tables: dict, raw: Path) -> dict:
    words, frame = world["spelling"], tables["invitations"]
    frame = frame.assign(
        sent_at=spelt(frame["sent_at"], words["times"][:2]),
        responded=frame["responded"].map(dict(enumerate(words["flag"]))),
        feedback_id=frame["feedback_id"].fillna(""),
    )
    frame, counts = spoil(world, "invitations", frame, ("invitation_id", "YQ9{:04d}"))
    return write_text(
        world, "invitations", frame, raw, counts, total_line(words, "invitation_id", "customer_id", len(frame))
    )


def _cases(world: dict, tables: dict, raw: Path) -> dict:
    frame, counts = spoil(world, "cases", tables["cases"].drop(columns="answers"), ("case_id", "GD8{:04d}"))
    return write_book(world, "cases", frame.where(frame.notna(), ""), raw, counts)


# ---------------------------------------------------------------- the command


def main(arguments: list[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--client", default="jiahe", help="name of the world file beside this script")
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--out", type=Path, default=HERE, help="folder that receives <client>/")
    chosen = options.parse_args(arguments)
    folder = chosen.out / chosen.client
    tables = simulate(chosen.seed, chosen.client)
    truth = write(tables, folder, chosen.client)
    more = write_appraisals(chosen.seed, folder, chosen.client)
    truth |= {name: truth.get(name, {}) | part for name, part in more.items()}
    if (HERE / f"{chosen.client}_improvement.toml").is_file():
        more = write_improvement(chosen.seed, tables["feedback"], folder, chosen.client)
        more["rows"]["pulse"] += truth["rows"]["pulse"]
        truth |= {name: truth[name] | part for name, part in more.items()}
    (folder / "truth.toml").write_text(as_toml(truth), encoding="utf-8", newline="\n")
    if folder.resolve() != HERE / chosen.client:
        shutil.copyfile(HERE / chosen.client / "client.toml", folder / "client.toml")


if __name__ == "__main__":
    main()
