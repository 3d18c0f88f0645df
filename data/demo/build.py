"""Build a demo client from one seed: the untouched exports such a firm really sends.

``python data/demo/build.py [--client jiahe] [--seed 20260928] [--out data/demo]`` writes ``<out>/<client>/raw/`` and
``truth.toml``: how much of everything was planted, counted. ``world.py`` draws the clean tables, this file makes them
ugly: title rows, merged cells, total lines, six spellings of a date, worded scales, a month exported twice, and rows
that are wrong in one stated way. The bytes follow from the seed.
"""

import argparse
import csv
import io
import shutil
from datetime import datetime
from pathlib import Path

import pandas as pd
import xlsxwriter
from world import HERE, SEED, load_world, simulate

PERIOD, PREVIOUS = ("2026-07-01", "2026-10-01"), ("2026-04-01", "2026-07-01")
OVERLAP = ("2026Q2", "2026Q3", "2026-06-01")  # the second export begins in the last month of the first
REPEATED_LINES = [20, 60, 100]  # lines of the WeChat export written twice
UNLINKED = "unlinked_name"  # a row that is usable, but of no customer in the list
CASE_BEFORE, CASE_AFTER = pd.Timedelta(days=7), pd.Timedelta(days=30)  # as sqlib.methods.call_back
STAMP = datetime(2026, 9, 30, 18, 0)  # creation time of every workbook
FULL_WIDTH = str.maketrans("0123456789", "".join(chr(0xFF10 + k) for k in range(10)))


def write(tables: dict[str, pd.DataFrame], folder: Path, client: str = "jiahe") -> dict:
    """Write the clean tables as ugly exports below ``folder/raw``; return what was planted, counted file by file."""
    world, raw = load_world(client), Path(folder) / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    files = {}
    for export in (_customers, _surveys, _phone, _wechat, _invitations, _cases):
        files |= export(world, tables, raw)
    return {**facts(world, tables), "files": files}


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
        region=_alternating(frame["region"], {7: lambda region: words["nothing"]}, every=60),
        monthly_fee=_alternating(frame["monthly_fee"], fees),
        start_date=_dated(frame["start_date"], words["dates"]),
        end_date=_dated(frame["end_date"], words["dates"]),
    )
    frame, counts = _spoil(world, "customers", frame, ("customer_id", "8{:02d}"))
    counts |= {
        "dates_as_text": int(frame[["start_date", "end_date"]].map(_is_text).sum().sum()),
        "fees_as_text": int(frame["monthly_fee"].map(_is_text).sum()),
        "missing_codes": int((frame["region"] == words["nothing"]).sum()),
        "merged_cells": frame["team"].nunique(),
    }
    fee = int(tables["customers"]["monthly_fee"].sum())
    total = _total(words, "team", "customer_id", len(frame)) | {"monthly_fee": fee}
    return _book(world, "customers", frame, raw, counts, total, merge="team")


def _surveys(world: dict, tables: dict, raw: Path) -> dict:
    """One wide file a quarter in GBK, levels in words; the last file repeats the last month of the one before."""
    frame, items = _survey(world, tables), world["dimensions"]["names"]
    frame, _ = _spoil(world, "survey", frame, ("feedback_id", "WJ9{:04d}"), blank=items)
    quarter = frame["_when"].dt.to_period("Q").astype(str)
    files = {}
    for label in sorted(quarter.unique()):
        repeated = (quarter == OVERLAP[0]) & (frame["_when"] >= OVERLAP[2]) & (label == OVERLAP[1])
        rows = frame[(quarter == label) | repeated]
        counts = {rule: int(n) for rule, n in rows["_flaw"].value_counts().drop("").items()}
        counts |= {
            "repeated_rows": int(repeated.sum()),
            "full_width_cells": int(rows[["customer_id", "recommend"]].map(_is_full_width).sum().sum()),
            "blank_items": int((frame.loc[quarter == label, items] == "").sum().sum()),
        }
        total = _total(world["spelling"], "feedback_id", "customer_id", len(rows))
        files |= _text(world, "survey", rows, raw, counts, total, label)
    return files


def _survey(world: dict, tables: dict) -> pd.DataFrame:
    """The answered questionnaires as text, one column an item; ``_when`` decides the file."""
    words, frame = world["spelling"], tables["feedback"].query("channel == 'online'").reset_index(drop=True)
    levels = dict(enumerate(words["levels"], start=1))
    items = tables["feedback_items"].assign(word=tables["feedback_items"]["score"].map(levels))
    wide = items.pivot(index="feedback_id", columns="item_id", values="word")
    frame = frame.join(wide, on="feedback_id").fillna({name: "" for name in [*wide, "comment"]})
    return frame.assign(
        received_at=_spelt(frame["received_at"], words["times"]),
        customer_id=_alternating(frame["customer_id"], {29: _full_width}, every=97),
        score=frame["score"].map(levels),
        recommend=_alternating(frame["recommend"].astype(int).astype(str), {13: _full_width}, every=41),
        _when=frame["received_at"],
    )


def _phone(world: dict, tables: dict, raw: Path) -> dict:
    """A workbook several people keep: scores as 4 or with their unit, dates as dates or as text."""
    words, frame = world["spelling"], tables["feedback"].query("channel == 'phone'").reset_index(drop=True)
    frame = frame.assign(
        received_at=_dated(frame["received_at"].dt.normalize(), words["dates"]),
        score=_alternating(frame["score"], {0: words["score"].format, 1: words["score"].format}, every=5),
        ease=frame["ease"].astype(int),
        comment=frame["comment"].fillna(""),
    )
    frame, counts = _spoil(world, "phone", frame, ("feedback_id", "HF8{:04d}"))
    counts |= {"scores_as_text": int(frame["score"].map(_is_text).sum())}
    return _book(world, "phone", frame, raw, counts)


def _wechat(world: dict, tables: dict, raw: Path) -> dict:
    """Names instead of ids, some in half-width brackets; comments over two lines; three lines exported twice."""
    words, frame = world["spelling"], tables["feedback"].query("channel == 'wechat'").reset_index(drop=True)
    names = frame["customer_id"].map(tables["customers"].set_index("customer_id")["customer_name"])
    brackets = str.maketrans(words["brackets"])
    frame = frame.assign(
        received_at=_spelt(frame["received_at"], words["times"][:1]),
        customer_name=_alternating(names, {0: lambda name: name.translate(brackets)}, every=2),
        comment=_alternating(frame["comment"].fillna(""), {5: _two_lines}, every=20),
    )
    frame, counts = _spoil(world, "wechat", frame, ("feedback_id", "WX8{:04d}"))
    frame = frame.loc[frame.index.repeat(1 + frame.index.isin(REPEATED_LINES))]
    counts |= {
        "repeated_rows": len(REPEATED_LINES),
        "names_in_half_width": int(frame["customer_name"].str.contains("(", regex=False).sum()),
        "comments_over_two_lines": int(frame["comment"].str.contains("\n").sum()),
    }
    return _text(world, "wechat", frame, raw, counts)


def _invitations(world: dict, tables: dict, raw: Path) -> dict:
    words, frame = world["spelling"], tables["invitations"]
    frame = frame.assign(
        sent_at=_spelt(frame["sent_at"], words["times"][:2]),
        responded=frame["responded"].map(dict(enumerate(words["flag"]))),
        feedback_id=frame["feedback_id"].fillna(""),
    )
    frame, counts = _spoil(world, "invitations", frame, ("invitation_id", "YQ9{:04d}"))
    return _text(world, "invitations", frame, raw, counts, _total(words, "invitation_id", "customer_id", len(frame)))


def _cases(world: dict, tables: dict, raw: Path) -> dict:
    frame, counts = _spoil(world, "cases", tables["cases"].drop(columns="answers"), ("case_id", "GD8{:04d}"))
    return _book(world, "cases", frame.where(frame.notna(), ""), raw, counts)


# ---------------------------------------------------------------- making cells ugly


def _spelt(times: pd.Series, patterns: list[str], step: int = 1) -> pd.Series:
    """Times as text, the patterns in turn; missing becomes empty."""

    def text(k, t):
        return patterns[k // step % len(patterns)].format(y=t.year, m=t.month, d=t.day, h=t.hour, n=t.minute)

    return pd.Series([text(k, t) if pd.notna(t) else "" for k, t in enumerate(times)], times.index, dtype=object)


def _dated(days: pd.Series, patterns: list[str]) -> pd.Series:
    """True dates and text in turn, as when several people keep one workbook."""
    text = _spelt(days, patterns, step=2)
    true = (pd.RangeIndex(len(days)) % 2 == 0) & days.notna()
    mixed = [t.to_pydatetime() if is_true else s for t, s, is_true in zip(days, text, true, strict=True)]
    return pd.Series(mixed, days.index, dtype=object)


def _alternating(cells: pd.Series, changes: dict, every: int = 25) -> pd.Series:
    """Every ``every``-th cell, counted from the given places, in another spelling."""
    changed = [changes.get(k % every, lambda cell: cell)(cell) for k, cell in enumerate(cells)]
    return pd.Series(changed, cells.index, dtype=object)


def _full_width(text: str) -> str:
    return text.translate(FULL_WIDTH)


def _is_full_width(cell) -> bool:
    return isinstance(cell, str) and any(digit in FULL_WIDTH.values() for digit in map(ord, cell))


def _two_lines(comment: str) -> str:
    half = len(comment) // 2
    return f"{comment[:half]}\n{comment[half:]}" if half > 5 else comment


def _is_text(cell) -> bool:
    return isinstance(cell, str) and cell != ""


def _total(words: dict, first: str, second: str, rows: int) -> dict:
    """The total line: its word in one column, the number of rows in another."""
    return {first: words["total"], second: rows}


def _spoil(world, export, frame, numbered, blank=()) -> tuple[pd.DataFrame, dict]:
    """Add the rows declared wrong, each a copy of a good late row under a new id; also their number a rule."""
    key, pattern = numbered
    wrong = [(flaw["rule"], row) for flaw in world["flaws"][export] for row in flaw["rows"]]
    frame = frame.astype(object).assign(_flaw="", _place=range(len(frame)))
    parts = [frame]
    for k, (rule, changes) in enumerate(wrong, start=1):
        copy = frame.iloc[[len(frame) - 3 * (len(wrong) + 1 - k)]]
        parts.append(copy.assign(**{key: pattern.format(k)}, **dict.fromkeys(blank, ""), _flaw=rule).assign(**changes))
    both = pd.concat(parts).sort_values("_place", kind="stable", ignore_index=True)
    if "_when" in both:
        both["_when"] = pd.to_datetime(both["_when"])
    return both, {flaw["rule"]: len(flaw["rows"]) for flaw in world["flaws"][export]}


# ---------------------------------------------------------------- writing files


def _layout(world: dict, export: str, frame: pd.DataFrame, total: dict | None) -> tuple[list[str], list[list]]:
    """Header and rows of an export in the order its columns are declared, the total line last."""
    columns = world["export"][export]["columns"]
    rows = frame[list(columns)].to_numpy(dtype=object).tolist()
    return list(columns.values()), rows + ([[total.get(column, "") for column in columns]] if total else [])


def _text(world, export, frame, raw, counts, total=None, label="") -> dict:
    """A CSV as a spreadsheet saves it: titles padded to the width, Windows line ends."""
    spec = world["export"][export]
    header, rows = _layout(world, export, frame, total)
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerows([title.format(label), *[""] * (len(header) - 1)] for title in spec["title"])
    lines.writerows([header, *rows])
    file = spec["file"].format(label)
    (raw / file).write_bytes(out.getvalue().encode(spec["encoding"]))
    return {file: _counts(spec, rows, total, counts)}


def _book(world, export, frame, raw, counts, total=None, merge=None) -> dict:
    """A workbook with merged titles and, for ``merge``, one merged cell for every run of equal values."""
    spec = world["export"][export]
    header, rows = _layout(world, export, frame, total)
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(raw / spec["file"], options) as book:
        book.set_properties({"created": STAMP})
        bold = book.add_format({"bold": True, "align": "center"})
        sheet, top = book.add_worksheet(spec["sheet"]), len(spec["title"])
        sheet.set_column(0, len(header) - 1, 16)
        for line, title in enumerate(spec["title"]):
            sheet.merge_range(line, 0, line, len(header) - 1, title, bold)
        sheet.write_row(top, 0, header, bold)
        _write_rows(book, sheet, top + 1, rows)
        if merge:
            _merge_runs(sheet, frame[merge].tolist(), top + 1, list(spec["columns"]).index(merge), bold)
    return {spec["file"]: _counts(spec, rows, total, counts)}


def _write_rows(book, sheet, top: int, rows: list[list]) -> None:
    day, time = (book.add_format({"num_format": code}) for code in ("yyyy/m/d", "yyyy/m/d h:mm"))
    for line, row in enumerate(rows, start=top):
        for column, cell in enumerate(row):
            if isinstance(cell, datetime):
                sheet.write_datetime(line, column, cell, time if cell.hour else day)
            elif cell != "":
                sheet.write(line, column, cell)


def _merge_runs(sheet, values: list, top: int, column: int, style) -> None:
    first = 0
    for k in range(1, len(values) + 1):
        if k == len(values) or values[k] != values[first]:
            if k - first > 1:
                sheet.merge_range(top + first, column, top + k - 1, column, values[first], style)
            first = k


def _counts(spec: dict, rows: list, total: dict | None, counts: dict) -> dict:
    """``raw_rows`` counts every line below the header, the total line too."""
    return {"raw_rows": len(rows), "title_rows": len(spec["title"]), "total_rows": int(bool(total)), **counts}


# ---------------------------------------------------------------- the command


def as_toml(table: dict, name: str = "") -> str:
    """A nested dict of integers as TOML."""
    lines = [f"{_key(key)} = {value}" for key, value in table.items() if not isinstance(value, dict)]
    head = [f"[{name}]"] if name and lines else []
    below = [as_toml(part, f"{name}.{_key(key)}".lstrip(".")) for key, part in table.items() if isinstance(part, dict)]
    return "\n".join([*head, *lines, *([""] if lines else []), *below])


def _key(text: str) -> str:
    return text if text.isascii() and text.isidentifier() else f'"{text}"'


def main(arguments: list[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--client", default="jiahe", help="name of the world file beside this script")
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--out", type=Path, default=HERE, help="folder that receives <client>/")
    chosen = options.parse_args(arguments)
    folder = chosen.out / chosen.client
    truth = write(simulate(chosen.seed, chosen.client), folder, chosen.client)
    (folder / "truth.toml").write_text(as_toml(truth), encoding="utf-8", newline="\n")
    if folder.resolve() != HERE / chosen.client:
        shutil.copyfile(HERE / chosen.client / "client.toml", folder / "client.toml")


if __name__ == "__main__":
    main()
