"""Improvement measures of a demo client: a register, monthly and weekly indicators with planted effects, suggestions,
nonconformities and short answers about measures.

What is planted stands in ``<client>_improvement.toml``. An indicator of a unit is level + trend + months of a season +
AR(1) noise + what bad spells and measures add; every table and every indicator has a stream of its own. ``simulate``
gives clean tables, ``write`` the files.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from ugly import spelt, spoil, write_book, write_text
from world import _pick, _stream, load_world

KEYS = ["indicator", "unit", "period"]
FREQUENCY = {"month": "M", "week": "W-SUN"}
STEPS = ["accepted_on", "done_on", "verified_on"]


def simulate(seed: int, client: str, feedback: pd.DataFrame | None = None) -> dict[str, pd.DataFrame]:
    """Clean tables: values (indicator, unit, period, value, frequency, n), suggestions, findings, pulse.

    ``feedback`` : received_at and score; ``counted`` is its share of 4 and 5 as the firm reports it
    """
    world = load_world(f"{client}_improvement")
    parts = [_series(world, spec, _stream(seed, f"values {spec['indicator']}")) for spec in world["series"]]
    if feedback is not None:
        parts.append(_counted(world["counted"], feedback))
    return {
        "values": pd.concat(parts, ignore_index=True),
        "suggestions": _suggestions(world, _stream(seed, "suggestions")),
        "findings": _findings(world, _stream(seed, "nonconformities")),
        "pulse": _pulse(world, _stream(seed, "measure pulse")),
    }


def effect(world: dict, indicator: str, unit: str, periods: pd.PeriodIndex) -> np.ndarray:
    """What the measures add to an indicator of a unit in each period."""
    added = np.zeros(len(periods))
    for each in world["effects"]:
        if each["indicator"] == indicator and (not each.get("units") or unit in each["units"]):
            first = pd.Period(each["start"], freq=periods.freq)
            since = np.array([(period - first).n for period in periods])
            length = each.get("over", 1)
            shape = {
                "step": np.ones(len(since)),
                "ramp": np.minimum((since + 1) / length, 1),
                "fade": np.maximum(1 - since / length, 0),
            }[each.get("shape", "step")]
            added += np.where(since >= 0, each["size"] * shape, 0.0)
    return added


def _series(world: dict, spec: dict, rng: np.random.Generator) -> pd.DataFrame:
    kind = FREQUENCY[spec.get("frequency", "month")]
    periods = pd.period_range(spec["first"], world["plan"]["last"][spec.get("frequency", "month")], freq=kind)
    parts = []
    for unit in spec.get("units", [""]):
        level = spec["level"] + spec.get("spread", 0.0) * rng.standard_normal()
        expected = level + spec.get("trend", 0.0) * np.arange(len(periods)) + _season(spec, periods)
        expected = expected + effect(world, spec["indicator"], unit, periods) + _spells(spec, unit, periods)
        value = _drawn(spec, expected, rng)
        parts.append(pd.DataFrame({"indicator": spec["indicator"], "unit": unit, "period": periods, "value": value}))
    return pd.concat(parts, ignore_index=True).assign(frequency=spec.get("frequency", "month"))


def _season(spec: dict, periods: pd.PeriodIndex) -> np.ndarray:
    """More, or less, in the months of the season."""
    season = spec.get("season", {})
    return np.array([season.get(str(period.end_time.month), 0.0) for period in periods])


def _spells(spec: dict, unit: str, periods: pd.PeriodIndex) -> np.ndarray:
    """Bad luck in single months: the months after are as before, whatever anybody does."""
    bad = [spell for spell in spec.get("spells", []) if spell.get("unit", unit) == unit]
    return np.array([sum(spell["size"] for spell in bad if str(period) in spell["periods"]) for period in periods])


def _drawn(spec: dict, expected: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """AR(1) noise about the expectation, or a Poisson count; within the bounds, rounded as the firm reports."""
    if spec.get("kind") == "count":
        return rng.poisson(np.maximum(expected, 0.2)).astype(float)
    noise, shocks, phi = np.empty(len(expected)), rng.standard_normal(len(expected)), spec.get("phi", 0.3)
    noise[0] = shocks[0]
    for k in range(1, len(expected)):
        noise[k] = phi * noise[k - 1] + np.sqrt(1 - phi**2) * shocks[k]
    value = expected + spec["sd"] * noise
    return np.clip(value, spec.get("min", -np.inf), spec.get("max", np.inf)).round(spec.get("decimals", 1))


def _counted(spec: dict, feedback: pd.DataFrame) -> pd.DataFrame:
    """The share of 4 and 5 of each month as the firm reports it: counted right but for the months ``flattered``."""
    month = feedback["received_at"].dt.to_period("M")
    share = (feedback["score"].ge(4).groupby(month).mean() * 100).round(1)
    share = share[share.index <= pd.Period(spec["last"], "M")]
    lifted = share + np.where(share.index.astype(str).isin(spec["flattered"]), spec["by"], 0.0)
    return pd.DataFrame({"indicator": spec["indicator"], "unit": "", "period": share.index, "value": lifted.to_numpy()}
                        ).assign(frequency="month")  # fmt: skip


def _suggestions(world: dict, rng: np.random.Generator) -> pd.DataFrame:
    """Ideas a month; each is taken up with its chance, and takes its time from one step to the next."""
    spec, last = world["suggestions"], pd.Timestamp(world["plan"]["as_of"])
    n = spec["n"]
    first = pd.Timestamp(spec["first"])
    on = pd.Series(first + pd.to_timedelta(np.sort(rng.integers(0, (last - first).days, n)), unit="D"))
    team = np.array(spec["teams"])[_pick(rng, n, spec["weights"])]
    frame = pd.DataFrame(
        {"team": team, "on": on, "title": np.array(spec["titles"])[rng.integers(0, len(spec["titles"]), n)]}
    )
    frame["staff_id"] = [spec["staff"].format(k) for k in rng.integers(1, spec["people"] + 1, n)]
    frame["kind"] = np.array(spec["kinds"])[_pick(rng, n, spec["kind_weights"])]
    before, alive = on, np.ones(n, dtype=bool)
    for step, chance, days in zip(STEPS, spec["chance"], spec["days"], strict=True):
        lag = pd.to_timedelta(np.maximum(rng.exponential(days, n).round(), 1), unit="D")
        alive &= rng.random(n) < chance
        frame[step] = (before + lag).where(alive)
        frame.loc[frame[step] > last, step] = pd.NaT
        alive &= frame[step].notna().to_numpy()
        before = frame[step]
    turned_down = frame["accepted_on"].isna() & (rng.random(n) < spec["rejected"])
    reason = np.array(spec["reasons"])[rng.integers(0, len(spec["reasons"]), n)]
    frame["reason"] = np.where(turned_down, reason, "")
    return frame.assign(suggestion_id=[f"{spec['id']}{k:03d}" for k in range(1, n + 1)])


def _findings(world: dict, rng: np.random.Generator) -> pd.DataFrame:
    """Findings of two years, with owner, due day, closing, verifying; some never leave the first step."""
    spec, last = world["findings"], pd.Timestamp(world["plan"]["as_of"])
    n, first = spec["n"], pd.Timestamp(spec["first"])
    found = pd.Series(first + pd.to_timedelta(np.sort(rng.integers(0, (last - first).days, n)), unit="D"))
    topic = rng.integers(0, len(spec["topics"]), n)
    due = found + pd.Timedelta(days=spec["due"])
    closed = found + pd.to_timedelta(np.maximum(rng.gamma(2.0, spec["days"] / 2, n).round(), 1), unit="D")
    closed = closed.where((rng.random(n) < spec["closed"]) & (closed <= last))
    verified = closed + pd.to_timedelta(rng.integers(7, 45, n), unit="D")
    verified = verified.where((rng.random(n) < spec["verified"]) & (verified <= last))
    return pd.DataFrame({
        "finding_id": [f"{spec['id']}{k:03d}" for k in range(1, n + 1)],
        "source": np.array(spec["sources"])[_pick(rng, n, spec["weights"])],
        "found_on": found, "department": np.array(spec["departments"])[rng.integers(0, len(spec["departments"]), n)],
        "topic": np.array(spec["topics"])[topic], "severity": np.array(spec["severities"])[_pick(rng, n, [6, 3, 1])],
        "cause": np.where(rng.random(n) < 0.6, np.array(spec["causes"])[topic], ""),
        "action": np.where(closed.notna(), np.array(spec["actions"])[topic], ""),
        "owner": np.array(spec["owners"])[rng.integers(0, len(spec["owners"]), n)],
        "due_on": due, "closed_on": closed, "verified_on": verified, "measure_id": "",
    }).pipe(_linked, world)  # fmt: skip


def _linked(findings: pd.DataFrame, world: dict) -> pd.DataFrame:
    """The measures that came of a finding, on both sides."""
    links = {each["finding_id"]: each["measure_id"] for each in world["measures"] if each.get("finding_id")}
    return findings.assign(measure_id=findings["finding_id"].map(links).fillna(""))


def _pulse(world: dict, rng: np.random.Generator) -> pd.DataFrame:
    """Answers about single measures: their mean usefulness is planted."""
    spec, parts = world["pulse"], []
    for measure, mean in spec["useful"].items():
        useful = np.clip(np.round(mean + 0.9 * rng.standard_normal(spec["n"])), 1, 5).astype(int)
        understood = (rng.random(spec["n"]) < spec["understood"]).astype(int)
        comment = np.where(rng.random(spec["n"]) < 0.4, spec["comments"][measure], "")
        on = pd.Timestamp(spec["on"]) + pd.to_timedelta(rng.integers(0, 10, spec["n"]), unit="D")
        parts.append(pd.DataFrame({"ref": measure, "on": on, "useful": useful, "understood": understood,
                                   "comment": comment}))  # fmt: skip
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(pulse_id=[f"{spec['id']}{k:03d}" for k in range(1, len(frame) + 1)])


# ---------------------------------------------------------------- files


def write(client: str, tables: dict[str, pd.DataFrame], raw: Path) -> dict:
    """Write every export below ``raw``; return what was planted, counted file by file."""
    world, files = load_world(f"{client}_improvement"), {}
    values = tables["values"]
    for export, spec in world["export"].items():
        if spec.get("layout") == "periods":
            files |= _by_period(world, export, values[values["frequency"].eq(spec["frequency"])], raw)
        elif spec.get("layout") == "indicators":
            files |= _by_indicator(world, export, values[values["frequency"].eq(spec["frequency"])], raw)
        elif spec.get("layout") == "long":
            files |= _long(world, export, values[values["frequency"].eq(spec["frequency"])], raw)
        else:
            files |= _plain(world, export, tables, raw)
    return files


def _cell(world: dict, indicator: str, value: float, place: int) -> object:
    """Shares as 93.5%, every third as a bare number; nothing where nothing was reported."""
    if pd.isna(value):
        return world["words"]["nothing"]
    whole = int(value) if float(value).is_integer() else float(value)
    return f"{whole}%" if indicator in world["words"]["percent"] and place % 3 else whole


def _by_period(world: dict, export: str, values: pd.DataFrame, raw: Path) -> dict:
    """One row an indicator and unit, one column a month, and an average nobody needs."""
    spec, months = world["export"][export], sorted(values["period"].unique())
    heads = {str(month): world["words"]["month"].format(y=month.year, m=month.month) for month in months}
    wide = values.assign(period=values["period"].astype(str)).pivot(
        index=["indicator", "unit"], columns="period", values="value"
    )
    order = values[["indicator", "unit"]].drop_duplicates()
    wide = wide.reindex(pd.MultiIndex.from_frame(order)).reset_index()
    mean = wide[list(heads)].mean(axis=1).round(2)
    for k, month in enumerate(heads):
        wide[month] = [_cell(world, name, value, k) for name, value in zip(wide["indicator"], wide[month], strict=True)]
    frame = wide.assign(mean=mean).astype(object)
    columns = {"indicator": spec["names"][0], "unit": spec["names"][1], **heads, "mean": spec["names"][2]}
    laid = {**world, "export": {**world["export"], export: {**spec, "columns": columns}}}
    return write_book(laid, export, frame, raw, {"percent_as_text": _percents(frame[list(heads)])})


def _percents(cells: pd.DataFrame) -> int:
    return int(cells.map(lambda cell: isinstance(cell, str) and cell.endswith("%")).sum().sum())


def _by_indicator(world: dict, export: str, values: pd.DataFrame, raw: Path) -> dict:
    """One row a branch and month, one column an indicator; months as Jan-26."""
    spec = world["export"][export]
    wide = values.pivot(index=["unit", "period"], columns="indicator", values="value").reset_index()
    names = list(dict.fromkeys(values["indicator"]))
    for name in names:
        wide[name] = [_cell(world, name, value, k) for k, value in enumerate(wide[name])]
    frame = wide.assign(period=pd.PeriodIndex(wide["period"]).strftime("%b-%y")).astype(object)
    columns = {"unit": spec["names"][0], "period": spec["names"][1], **{name: name for name in names}}
    laid = {**world, "export": {**world["export"], export: {**spec, "columns": columns}}}
    return write_text(laid, export, frame, raw, {"percent_as_text": _percents(frame[names])})


def _long(world: dict, export: str, values: pd.DataFrame, raw: Path) -> dict:
    """One row a week, told by its ISO number; some weeks twice, or of the wrong length."""
    week = [world["words"]["week"].format(y=day.isocalendar().year, w=day.isocalendar().week)
            for day in pd.PeriodIndex(values["period"]).start_time]  # fmt: skip
    value = [int(each) if float(each).is_integer() else each for each in values["value"]]
    frame = values.assign(period=week, value=value, start="", end="")
    frame, counts = spoil(world, export, frame.astype(object))
    return write_text(world, export, frame, raw, counts)


def _plain(world: dict, export: str, tables: dict, raw: Path) -> dict:
    """A register: dates as text in the spellings of the firm, levels in its words."""
    spec, source = world["export"][export], world["export"][export]["table"]
    frame = tables[source] if source in tables else pd.DataFrame(world[source])
    for column in spec["dates"]:
        frame = frame.assign(**{column: spelt(pd.to_datetime(frame.get(column)), world["words"]["dates"])})
    frame = frame.reindex(columns=list(spec["columns"])).astype(object)
    frame = frame.where(frame.notna(), "")
    counts = {}
    if world.get("flaws", {}).get(export):
        frame, counts = spoil(world, export, frame, tuple(spec["numbered"]) if "numbered" in spec else None)
    writer = write_book if "sheet" in spec else write_text
    return writer(world, export, frame, raw, counts)


def kept(client: str, tables: dict[str, pd.DataFrame]) -> dict:
    """Rows a right reading keeps."""
    world = load_world(f"{client}_improvement")
    return {
        "measures": len(world["measures"]),
        "indicators": len(world["indicators"]),
        "indicator_values": int(tables["values"]["value"].notna().sum()),
        "suggestions": len(tables["suggestions"]),
        "nonconformities": len(tables["findings"]),
        "pulse": len(tables["pulse"]),
    }
