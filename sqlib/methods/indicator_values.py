"""Indicators computed from the records period by period, and held against what the client reports.

A definition is data (``profiles/<profile>/indicators.toml``): conditions are parsed by ``filters``, never evaluated as
code, and everything else is chosen from a fixed vocabulary. Intervals: Wilson's for proportions, Wilson's on the scale
for means (Student's without one), Student's for an index, exact Poisson for counts and rates, each on the answers that
several of one customer are worth; Kaplan-Meier's median for durations, open cases counted as still running.

References: Wilson (1927) JASA 22:209; Korn & Graubard (1998) Survey Methodology 24:193 (answers of one customer);
Garwood (1936) Biometrika 28:437; ``survival`` for durations. Checked against ``proportions``, ``means`` and scipy.
"""

import numpy as np
import pandas as pd

from sqlib import filters, value_periods
from sqlib.errors import MethodRefused
from sqlib.methods import means, proportions, samples, survival

VALUES = ["indicator_id", "unit_id", "period_start", "period_end", "value", "numerator", "denominator", "n", "low",
          "high"]  # fmt: skip
KEYS = ["indicator_id", "unit_id", "period_start", "period_end"]
RECONCILED = [*KEYS, "recomputed", "low", "high", "reported", "difference", "within_rounding", "verdict"]
SERIES = [*KEYS, "frequency", "time", "value", "numerator", "denominator", "n", "low", "high", "used", "other"]
FREQUENCY = {"week": "W-SUN", "month": "M", "quarter": "Q"}
TIMES = 100  # a share in percent
HOUR, DAY = pd.Timedelta(hours=1), pd.Timedelta(days=1)
NEVER_NEGATIVE = ("proportion", "count", "rate", "duration")


def compute(
    definitions: dict[str, dict],
    tables: dict[str, pd.DataFrame],
    *,
    frequency: str = "month",
    unit: str | None = None,
    start=None,
    end=None,
    as_of=None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Every definition whose table is there, one row an indicator, unit and whole period: columns ``VALUES``.

    Parameters
    ----------
    definitions : id -> definition; tables : "feedback", "cases" and, for rates, "customers", as read
    frequency : week (Monday to Sunday) | month | quarter; unit : column of teams or sites, None: the whole firm
    start, end : first and last day asked for; as_of : last day of the data, up to which open cases are followed
        (default: the last time in the table); periods that are not over by then are left out

    ``value``, ``low`` and ``high`` are in the unit of the definition (percent of 100, hours); ``numerator`` of a mean
    is its sum and of a duration the cases that ended; ``n`` counts records. Periods without a record have n = 0 and no
    value. A definition of which a column it ``needs`` is empty throughout, or without any record, gives no row.

    Raises MethodRefused: ``indicator_values.frequency``, ``.kind``, ``.column`` (a definition names what is not there).
    """
    if frequency not in FREQUENCY:
        raise MethodRefused("indicator_values.frequency", got=frequency)
    parts = [pd.DataFrame(columns=VALUES)]
    for name, definition in definitions.items():
        if _computable(definition, tables):
            found = _indicator(name, definition, tables, frequency, unit, start, end, as_of, 1 - confidence)
            parts.append(found if found["n"].any() else found[:0])
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)[VALUES]


def _computable(definition: dict, tables: dict) -> bool:
    """Are the tables there, and does somebody keep the columns without which a count of none would mean nothing?"""
    needed = [definition["table"], *([definition["exposure"]] if "exposure" in definition else [])]
    if not set(needed) <= set(tables):
        return False
    frame = tables[definition["table"]]
    return all(name in frame and frame[name].notna().any() for name in definition.get("needs", []))


def _indicator(name, definition, tables, frequency, unit, start, end, as_of, alpha) -> pd.DataFrame:
    frame = tables[definition["table"]]
    if definition["kind"] not in _KINDS:
        raise MethodRefused("indicator_values.kind", where=name, got=definition["kind"])
    needed = [definition["date"], *([unit] if unit else [])]
    if lacking := [column for column in needed if column not in frame]:
        raise MethodRefused("indicator_values.column", where=name, got=lacking[0])
    frame = frame[frame[definition["date"]].notna()]
    last = _last(frame, definition, as_of)
    frame = _derived(frame, last)
    frame = frame[_holds(frame, definition.get("base", ""), name)]
    grid = _grid(frame[definition["date"]], frequency, start, end, last)
    units = sorted(frame[unit].dropna().unique()) if unit else [""]
    cells = pd.MultiIndex.from_product([units, grid], names=["unit_id", "period"])
    rows = pd.DataFrame({
        "unit_id": frame[unit] if unit else "",
        "period": frame[definition["date"]].dt.to_period(FREQUENCY[frequency]),
    }, index=frame.index)  # fmt: skip
    found = _KINDS[definition["kind"]](name, definition, frame, rows, cells, tables, last, alpha)
    return _laid_out(name, found, cells)


def _last(frame, definition, as_of) -> pd.Timestamp:
    """The last moment the data reach."""
    if as_of is not None:
        return pd.Timestamp(as_of).normalize() + DAY
    times = [frame[name].max() for name in (definition["date"], *_ends(definition)) if name in frame]
    return max((time for time in times if pd.notna(time)), default=pd.Timestamp(0)).normalize() + DAY


def _ends(definition) -> list[str]:
    return [*definition.get("ended", []), *definition.get("stock", [])]


def _grid(dates: pd.Series, frequency: str, start, end, last) -> pd.PeriodIndex:
    """Every whole period from the first to the last asked for, or met, that is over."""
    if dates.empty:
        return pd.PeriodIndex([], freq=FREQUENCY[frequency])
    first, until = pd.Timestamp(start) if start is not None else dates.min(), min(pd.Timestamp(end or last), last)
    grid = pd.period_range(first, until, freq=FREQUENCY[frequency])
    whole = (grid.end_time < last) & ((start is None) | (grid.start_time >= pd.Timestamp(first).normalize()))
    return grid[whole & (grid.end_time.normalize() <= until)]


def _laid_out(name: str, found: pd.DataFrame, cells: pd.MultiIndex) -> pd.DataFrame:
    frame = found.reindex(cells).reset_index()
    bounds = {"period_start": frame["period"].dt.start_time, "period_end": frame["period"].dt.end_time.dt.normalize()}
    frame = frame.assign(indicator_id=name, **{key: time.astype("datetime64[us]") for key, time in bounds.items()})
    return frame.assign(n=frame["n"].fillna(0).astype("int64"))[VALUES]


# --- conditions and derived columns ---------------------------------------------------------------------------------


def _holds(frame: pd.DataFrame, condition: str, name: str) -> pd.Series:
    """Row by row: does a condition hold? Cells are compared as text, empty ones are ''."""
    if not condition:
        return pd.Series(True, index=frame.index)
    tree = filters.parse(condition, name)
    for leaf in filters.columns(tree):
        if leaf.column not in frame:
            raise MethodRefused("indicator_values.column", where=name, got=leaf.column)
    return filters.keep(tree, lambda column: _texts(frame[column]))[0]


def _texts(cells: pd.Series) -> pd.Series:
    if cells.dtype.kind == "M":
        return cells.dt.strftime("%Y-%m-%d %H:%M:%S").fillna("").astype("str")
    if cells.dtype.kind == "f":
        return cells.map("{:.10f}".format, na_action="ignore").astype("str").fillna("")
    return cells.astype("str").fillna("").str.replace(r"^(True|False)$", lambda found: found[0].lower(), regex=True)


def _derived(frame: pd.DataFrame, last: pd.Timestamp) -> pd.DataFrame:
    """Cases with what follows from their times; other tables as they are."""
    if "created_at" not in frame:
        return frame
    nothing = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us]")
    times = {name: frame.get(name, nothing) for name in ("first_response_at", "resolved_at", "closed_at", "due_at",
             "reopened_at")}  # fmt: skip
    created, done = frame["created_at"], times["resolved_at"].fillna(times["closed_at"])
    allowed = pd.to_numeric(frame.get("sla_hours", pd.Series(np.nan, index=frame.index)))
    due = times["due_at"].fillna(created + pd.to_timedelta(allowed, unit="h"))
    return frame.assign(
        **times,
        response_hours=_hours(created, times["first_response_at"]),
        resolution_hours=_hours(created, done),
        over_hours=(done.fillna(last) - due) / HOUR,
        followed_days=(last - created) / DAY,
        again_days=_again(frame),
    )


def _hours(first: pd.Series, second: pd.Series) -> pd.Series:
    """Calendar hours between two times; none where both are days without a time."""
    days = (first == first.dt.normalize()) & (second == second.dt.normalize())
    return ((second - first) / HOUR).mask(days)


def _again(frame: pd.DataFrame) -> pd.Series:
    """Days to the next case of the same customer and issue type."""
    if not {"customer_id", "issue_type"} <= set(frame):
        return pd.Series(np.nan, index=frame.index)
    rows = frame.dropna(subset=["customer_id", "issue_type"]).sort_values("created_at", kind="stable")
    following = rows.groupby(["customer_id", "issue_type"], sort=False)["created_at"].shift(-1)
    return ((following - rows["created_at"]) / DAY).reindex(frame.index)


# --- one kind each: a frame indexed by unit and period, value to high ------------------------------------------------


def _proportion(name, definition, frame, rows, cells, tables, last, alpha):
    hits = _holds(frame, definition["counts"], name).astype(float)
    found = _moments(hits, _customers(frame), rows)
    share = found["sum"] / found["n"]
    low, high = proportions.score_limits(share.to_numpy(), _worth(found, share * (1 - share), alpha), alpha)
    times = TIMES if definition["unit"] == "percent" else 1
    return _row(share * times, low * times, high * times, found["sum"], found["n"], found["n"])


def _mean(name, definition, frame, rows, cells, tables, last, alpha):
    value = pd.to_numeric(frame[definition["value"]]).astype(float)
    found, scale = _moments(value, _customers(frame), rows), _scale(frame)
    estimate, error = found["sum"] / found["n"], np.sqrt(found["variance"])
    spread = (found["squares"] / found["n"]).to_numpy()
    n = np.where(found["variance"] > 0, spread / found["variance"].where(found["variance"] > 0), found["clusters"])
    df = (found["clusters"] - 1).clip(lower=1).to_numpy(dtype=float)
    error = error.where(found["variance"] > 0)
    low, high = means.interval((estimate.to_numpy(), error.to_numpy(), df, n), alpha, scale)
    few = found["clusters"].to_numpy() < 2
    low, high = (np.where(few, np.nan, limit) for limit in (low, high))
    return _row(estimate, low, high, found["sum"], found["n"], found["n"])


def _index(name, definition, frame, rows, cells, tables, last, alpha):
    """Promoters (9, 10) less detractors (0 to 6), in points of 100: a mean of +1, 0, -1."""
    score = pd.to_numeric(frame[definition["value"]])
    sign = (score >= 9).astype(float) - (score <= 6)
    return _hundredfold(_mean(name, {**definition, "value": "sign"}, frame.assign(sign=sign, scale_min=-1.0,
                             scale_max=1.0), rows, cells, tables, last, alpha))  # fmt: skip


def _hundredfold(found: pd.DataFrame) -> pd.DataFrame:
    return found.assign(**{name: found[name] * TIMES for name in ("value", "low", "high")})


def _count(name, definition, frame, rows, cells, tables, last, alpha):
    if "stock" in definition:
        events = _stock(definition, frame, rows, cells)
    else:
        hits = _holds(frame, definition.get("counts", ""), name)
        events = rows[hits].groupby(["unit_id", "period"]).size().reindex(cells, fill_value=0)
    low, high = poisson_limits(events.to_numpy(), alpha)
    return _row(events.astype(float), low, high, events, pd.Series(np.nan, index=cells), events)


def _stock(definition, frame, rows, cells) -> pd.Series:
    """Cases begun and not ended by the end of each period."""
    done = pd.concat([frame[name] for name in definition["stock"]], axis=1).min(axis=1)
    periods, found = cells.get_level_values("period").unique(), {}
    ends = periods.end_time.to_numpy()
    for unit_id in cells.get_level_values("unit_id").unique():
        own = (rows["unit_id"] == unit_id).to_numpy()
        begun, ended = np.sort(frame.loc[own, definition["date"]].to_numpy()), np.sort(done[own].dropna().to_numpy())
        found[unit_id] = np.searchsorted(begun, ends, side="right") - np.searchsorted(ended, ends, side="right")
    values = np.concatenate([found[unit_id] for unit_id in cells.get_level_values("unit_id").unique()] or [[]])
    return pd.Series(values, index=cells, dtype="int64")


def _rate(name, definition, frame, rows, cells, tables, last, alpha):
    hits = _holds(frame, definition["counts"], name)
    events = rows[hits].groupby(["unit_id", "period"]).size().reindex(cells, fill_value=0)
    exposed = _exposed(tables[definition["exposure"]], cells)
    per = definition["per"] / exposed.where(exposed > 0)
    low, high = (limit * per for limit in poisson_limits(events.to_numpy(), alpha))
    return _row(events * per, low, high, events, exposed, events)


def _exposed(customers: pd.DataFrame, cells: pd.MultiIndex) -> pd.Series:
    """Customers under contract on the last day of each period: of the unit where the base knows it, else of all."""
    ends, units = cells.get_level_values("period").end_time, cells.get_level_values("unit_id")
    counts = []
    for end, unit_id in zip(ends, units, strict=True):
        own = pd.Series(True, index=customers.index)
        if unit_id != "" and "team" in customers:
            own &= customers["team"].eq(unit_id).fillna(False)
        for column, gone in (("start_date", pd.Series.gt), ("end_date", pd.Series.le)):
            own &= ~gone(customers[column], end) if column in customers else True  # an open date excludes nobody
        counts.append(own.sum())
    return pd.Series(counts, index=cells, dtype=float)


def _duration(name, definition, frame, rows, cells, tables, last, alpha):
    ends = pd.concat([frame[column] for column in definition["ended"]], axis=1).bfill(axis=1).iloc[:, 0]
    hours = ((ends.fillna(last) - frame[definition["start"]]) / HOUR).clip(lower=0)
    found = {}
    for cell, at in rows.groupby(["unit_id", "period"]).indices.items():
        done = ends.iloc[at].notna().to_numpy()
        found[cell] = (*survival.median(hours.iloc[at].to_numpy(), done, confidence=1 - alpha), done.sum(), len(at))
    frame = pd.DataFrame.from_dict(found, orient="index", columns=["value", "low", "high", "numerator", "n"])
    frame.index = pd.MultiIndex.from_tuples(frame.index, names=cells.names) if len(frame) else cells[:0]
    return frame.assign(denominator=frame["n"])


_KINDS = {"proportion": _proportion, "mean": _mean, "index": _index, "count": _count, "rate": _rate,
          "duration": _duration}  # fmt: skip


def _row(value, low, high, numerator, denominator, n) -> pd.DataFrame:
    parts = {"value": value, "low": low, "high": high, "numerator": numerator, "denominator": denominator, "n": n}
    return pd.DataFrame(parts, index=value.index)


def _customers(frame: pd.DataFrame) -> pd.Series:
    """Whose record it is; a record of nobody known stands alone."""
    alone = pd.Series([f"#{place}" for place in range(len(frame))], index=frame.index)
    return frame["customer_id"].astype("str").fillna(alone) if "customer_id" in frame else alone


def _scale(frame: pd.DataFrame) -> tuple[float, float] | None:
    """The one scale of the scores; None where there are several or none."""
    if not {"scale_min", "scale_max"} <= set(frame):
        return None
    ends = frame[["scale_min", "scale_max"]].dropna().drop_duplicates()
    return tuple(ends.iloc[0]) if len(ends) == 1 else None


def _moments(value: pd.Series, customer: pd.Series, rows: pd.DataFrame) -> pd.DataFrame:
    """By unit and period: n, sum, squares about the mean, clusters (customers), variance of the mean over them."""
    data = rows.assign(value=value, customer=customer).dropna(subset=["value", "unit_id"])
    by = data.groupby(["unit_id", "period"])["value"]
    residual = data["value"] - by.transform("mean")
    own = residual.groupby([data["unit_id"], data["period"], data["customer"]]).sum() ** 2
    totals = own.groupby(level=[0, 1]).agg(["sum", "size"])
    found = pd.DataFrame({"n": by.size(), "sum": by.sum(), "squares": (residual**2).groupby(
        [data["unit_id"], data["period"]]).sum(), "clusters": totals["size"]})  # fmt: skip
    correction = found["clusters"] / (found["clusters"] - 1).where(found["clusters"] > 1)
    return found.assign(variance=totals["sum"] * correction / found["n"] ** 2)


def _worth(found: pd.DataFrame, spread: pd.Series, alpha) -> np.ndarray:
    """Independent answers a share is worth: all where nobody answered twice, else fewer, at least one a customer."""
    worth = (spread / found["variance"].where(found["variance"] > 0)).fillna(found["clusters"])
    worth = worth.clip(upper=found["n"]).where(found["clusters"] < found["n"], found["n"])
    few = found["clusters"] < found["n"]
    ratio = samples.t_value(alpha, (found["n"] - 1).clip(lower=1)) / samples.t_value(
        alpha, (found["clusters"] - 1).clip(lower=1)
    )
    return worth.mask(few, worth * ratio**2).to_numpy(dtype=float)


def poisson_limits(events, alpha):
    """Garwood's exact limits of a Poisson mean. Checked against Garwood (1936): 5 events, 1.6235 to 11.6683."""
    from scipy.special import gammaincinv

    events = np.asarray(events, dtype=float)
    low = np.where(events > 0, gammaincinv(np.maximum(events, 1), alpha / 2), 0.0)
    return low, gammaincinv(events + 1, 1 - alpha / 2)


# --- what the client reports ----------------------------------------------------------------------------------------


def reconcile(
    recomputed: pd.DataFrame, reported: pd.DataFrame, *, indicators: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Every reported value beside the recomputed one, columns ``RECONCILED``.

    A difference is ``within_rounding`` where it is at most half a unit of the last decimal the client writes in that
    series; shares written as fractions of 1 are compared in percent. ``verdict``: agree | differs | not_recomputable.
    ``indicators`` says by which name or shipped definition the two sides are the same (:func:`identified`).
    """
    said = _keyed(identified(reported, indicators)).dropna(subset=["value"])
    both = said.merge(_keyed(identified(recomputed, indicators)), on=KEYS, how="left", suffixes=("", "_own"))
    by = [both["indicator_id"], both["unit_id"]]
    small = both["value"].abs().groupby(by).transform("max") <= 1
    factor = np.where(small & (both["value_own"].abs().groupby(by).transform("median") > 1), TIMES, 1)
    value, digits = both["value"] * factor, both["value"].map(_decimals).groupby(by).transform("max")
    rounding = 0.5 * factor * 10.0**-digits
    difference = value - both["value_own"]
    within = difference.abs() <= rounding + 1e-9
    verdict = np.select([both["value_own"].isna(), within], ["not_recomputable", "agree"], "differs")
    return both.assign(
        recomputed=both["value_own"], low=both["low_own"], high=both["high_own"], reported=value,
        difference=difference, within_rounding=within, verdict=verdict,
    )[RECONCILED]  # fmt: skip


def _keyed(values: pd.DataFrame) -> pd.DataFrame:
    """Values with every key and interval column, units and times in one type."""
    numbers = {name: values.get(name, pd.Series(np.nan, index=values.index)) for name in VALUES[4:]}
    times = {name: values[name].astype("datetime64[us]") for name in KEYS[2:]}
    unit = values["unit_id"].fillna("").astype("str")
    return values[["indicator_id"]].astype("str").assign(unit_id=unit, **times, **numbers)


def _decimals(value: float) -> int:
    text = f"{value:.10f}".rstrip("0")
    return len(text.split(".")[1])


def series(
    reported: pd.DataFrame | None, recomputed: pd.DataFrame | None = None, *, indicators: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One row an indicator, unit and period for the effect engine, columns ``SERIES`` and, where ``indicators`` is
    given, name, unit, direction, data_type.

    A series is the client's own where it has one (``used`` = reported), else the recomputed (``used`` = recomputed):
    never a mixture, since two ways of counting inside one series look like an effect. ``other`` is the value the other
    source has. ``time`` counts periods of the series from 0; one that lacks has no row. Of a value repeated the first
    is taken; impossible values (:func:`impossible`) are left out. The whole firm has ``unit_id`` "".
    """
    own = _keyed(_own_values(reported, indicators)) if reported is not None else pd.DataFrame(columns=VALUES)
    made = _keyed(identified(recomputed, indicators)) if recomputed is not None else pd.DataFrame(columns=VALUES)
    parts = [part.assign(used=name) for name, part in (("reported", own), ("recomputed", made)) if len(part)]
    if not parts:
        return pd.DataFrame(columns=SERIES)
    both = pd.concat(parts, ignore_index=True).dropna(subset=["value"]).drop_duplicates([*KEYS, "used"])
    both = both.assign(frequency=value_periods.kinds(both)).dropna(subset=["frequency"])
    by = [both[name] for name in ("indicator_id", "unit_id", "frequency")]
    chosen = both["used"] == both["used"].eq("reported").groupby(by).transform("any").map(
        {True: "reported", False: "recomputed"}
    )
    kept = both[chosen].merge(
        both.loc[~chosen, [*KEYS, "value"]].rename(columns={"value": "other"}), on=KEYS, how="left"
    )
    place = value_periods.place(kept["period_start"], kept["frequency"])
    first = place.groupby([kept["indicator_id"], kept["unit_id"], kept["frequency"]]).transform("min")
    kept = kept.assign(time=(place - first).astype("int64"))
    kept = kept.sort_values(["indicator_id", "unit_id", "frequency", "time"], ignore_index=True)[SERIES]
    if indicators is None:
        return kept
    said = indicators.drop_duplicates("indicator_id")[["indicator_id", "name", "unit", "direction", "data_type"]]
    return kept.merge(said, on="indicator_id", how="left")


def _own_values(reported: pd.DataFrame, indicators) -> pd.DataFrame:
    """The client's values under the ids of the indicators; a value that lacks follows from its parts."""
    frame = identified(reported, indicators)
    if indicators is not None:
        frame = _of_hundred(frame[~frame.index.isin(impossible(frame, indicators).index)], indicators)
    if not {"numerator", "denominator"} <= set(frame):
        return frame
    unit = frame["indicator_id"].map(_column(indicators, "unit"))
    times = unit.map({"percent": 100, "per_hundred": 100, "per_thousand": 1000}).fillna(1)
    parts = frame["numerator"] / frame["denominator"].where(frame["denominator"] > 0) * times
    return frame.assign(value=frame["value"].fillna(parts))


def _of_hundred(frame: pd.DataFrame, indicators) -> pd.DataFrame:
    """Per cent written as fractions (the percent cells of a workbook), told by a target above 1 that no value comes
    near, as numbers of 100."""
    if "target" not in indicators or "value" not in frame:
        return frame
    name = frame["indicator_id"]
    percent, target = name.map(_column(indicators, "unit")) == "percent", name.map(_column(indicators, "target"))
    largest = frame["value"].abs().groupby(name).transform("max")
    fractions = percent & (largest <= 1) & (pd.to_numeric(target, errors="coerce") > 1)
    return frame.assign(value=frame["value"] * np.where(fractions, TIMES, 1))


def identified(values: pd.DataFrame, indicators: pd.DataFrame | None) -> pd.DataFrame:
    """Values under the id of their indicator, where they name it, or its shipped definition, instead."""
    if indicators is None:
        return values
    known = {}
    for column in ("definition_id", "name_en", "name"):
        if column in indicators:
            rows = indicators.dropna(subset=[column])
            known |= dict(zip(rows[column].str.strip(), rows["indicator_id"], strict=True))
    known |= {name: name for name in indicators["indicator_id"]}
    said = values["indicator_id"].str.strip()
    return values.assign(indicator_id=said.map(known).fillna(said))


def _column(indicators, column: str) -> dict:
    return {} if indicators is None else dict(zip(indicators["indicator_id"], indicators[column], strict=True))


def impossible(values: pd.DataFrame, indicators: pd.DataFrame) -> pd.DataFrame:
    """Rows that no counting gives: below 0 (proportion, count, rate, duration) or above 100 % (proportion)."""
    frame = identified(values, indicators)
    kind, unit = (frame["indicator_id"].map(_column(indicators, name)) for name in ("data_type", "unit"))
    below = kind.isin(NEVER_NEGATIVE) & (frame["value"] < 0)
    above = kind.eq("proportion") & (frame["value"] > unit.map({"share": 1.0}).fillna(100.0))
    return values[below | above]
