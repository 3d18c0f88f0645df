"""Published interventions as a client would hand them in: client.toml and tables, made from the shared data."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from client_folder import write
from typed import SHARED

from sqlib import client, periods
from sqlib.methods import effects, indicator_values
from sqlib.reading import Reading

DATA = SHARED / "data"
HEAD = '[client]\nname = "{name}"\nlanguages = ["en"]\ndata_until = {until}\n[privacy]\ndemo_key = "key"\n'
BLOCK = '[[tables.{table}]]\nfiles = ["raw/{table}.csv"]\n'


@dataclass(frozen=True)
class Intervention:
    """Tables of one published intervention; ``extra``: lines of client.toml below ``[[tables.indicator_values]]``;
    ``plan``: those of ``[improvement]``."""

    name: str
    until: str
    measure: dict
    indicator: dict
    series: pd.DataFrame | None = None
    people: pd.DataFrame | None = None
    extra: str = ""
    plan: str = ""


def shared(*path) -> pd.DataFrame:
    return pd.read_csv(DATA.joinpath(*path))


def opened(folder: Path, one: Intervention) -> Reading:
    """The folder as a page reads it."""
    return Reading(client.load(written(folder, one)), periods.parse(one.until[:4]), None, pd.Timestamp(one.until), "en")


def judged(folder: Path, one: Intervention) -> effects.EffectsResult:
    """The verdicts as a page would come to them: read from the folder, joined, evaluated."""
    reading = opened(folder, one)
    plan, series = reading.improvement, indicator_values.series(None)
    if one.series is not None:
        values = reading.read("indicator_values", window="history")
        series = indicator_values.series(values, indicators=reading.indicators)
    people = reading.read("pre_post") if one.people is not None else None
    return effects.evaluate(reading.read("measures"), reading.indicators, series, as_of=reading.as_of, people=people,
                            worth=plan.worth_having, calendar=plan.terms, no_trend=plan.no_trend)  # fmt: skip


def written(folder: Path, one: Intervention) -> Path:
    tables = {"measures": pd.DataFrame([one.measure]), "indicators": pd.DataFrame([one.indicator]),
              "indicator_values": one.series, "pre_post": one.people}  # fmt: skip
    files = {f"{name}__csv": table.to_csv(index=False) for name, table in tables.items() if table is not None}
    blocks = "".join(BLOCK.format(table=name) + (one.extra + "\n") * (name == "indicator_values")
                     for name, table in tables.items() if table is not None)  # fmt: skip
    return write(folder / one.name, one.plan + blocks, HEAD.format(name=one.name, until=one.until), **files)


def _measure(indicator: str, start: str, **more) -> dict:
    return {"measure_id": "M1", "name": "measure", "indicator_id": indicator, "start_on": start, "status": "running",
            "trigger": "planned"} | more  # fmt: skip


def _indicator(name: str, unit: str, direction: str, kind: str) -> dict:
    return {"indicator_id": name, "name": name, "unit": unit, "direction": direction, "data_type": kind}


def restaurants() -> Intervention:
    """Card & Krueger (1994): employment of restaurants before and after the minimum wage rose in New Jersey."""
    rows = shared("did_card_krueger", "card_krueger.csv")
    waves = [rows[rows["d"] == wave].set_index("id") for wave in (0, 1)]
    people = pd.DataFrame({"measure_id": "M1", "subject_id": [f"R{k}" for k in waves[0].index],
                           "arm": waves[0]["nj"].map({1: "treated", 0: "comparison"}), "before": waves[0]["fte"],
                           "after": waves[1]["fte"].reindex(waves[0].index), "chosen_by": "other"})  # fmt: skip
    return Intervention("restaurants", "1992-12-31", _measure("employment", "1992-04-01"),
                        _indicator("employment", "full-time equivalents", "up", "mean"), people=people)  # fmt: skip


def cigarettes() -> Intervention:
    """Abadie, Diamond & Hainmueller (2010): California's tobacco programme of January 1989, yearly, 38 other states."""
    wide = shared("interventions_causalpy", "california_prop99.csv")
    states = ", ".join(f'"{name}"' for name in wide.columns[1:])
    extra = f'columns = {{ "Year" = "period" }}\nconstants = {{ indicator_id = "packs" }}\n' \
            f'unpivot = {{ columns = [{states}], name = "unit_id", value = "value" }}'  # fmt: skip
    return Intervention("cigarettes", "2000-12-31", _measure("packs", "1989-01-01", units="California"),
                        _indicator("packs", "packs", "down", "mean"), series=wide, extra=extra)  # fmt: skip


def banks() -> Intervention:
    """Richardson & Troost (2009): banks in business in district 6, which lent easily, and in district 8; monthly."""
    days = shared("interventions_causalpy", "banks.csv")
    months = pd.to_datetime(days[["year", "month", "day"]]).dt.strftime("%Y-%m")
    means = days.groupby(months)[["bib6", "bib8"]].mean().rename_axis("period").reset_index()
    long = means.melt("period", var_name="unit_id").assign(indicator_id="banks")
    measure = _measure("banks", "1930-11-01", units="bib6", trigger="after_bad_period")
    return Intervention("banks", "1933-12-31", measure, _indicator("banks", "banks", "up", "mean"), series=long)


def deaths() -> Intervention:
    """Deaths a month in England and Wales from 2006 (Office for National Statistics); the pandemic from March 2020."""
    rows = shared("interventions_causalpy", "deaths_and_temps_england_wales.csv")
    rows = pd.DataFrame({"period": rows["date"].str[:7], "value": rows["deaths"], "indicator_id": "deaths"})
    return Intervention("deaths", "2022-05-31", _measure("deaths", "2020-03-01", trigger="mandated"),
                        _indicator("deaths", "cases", "down", "count"), series=rows)  # fmt: skip


def classes() -> Intervention:
    """Tennessee STAR, kindergarten: small classes against regular ones, drawn by lot within schools."""
    rows = shared("star_class_size", "star_kindergarten.csv")
    rows = rows[rows["stark"].isin(["small", "regular"])]
    people = pd.DataFrame({"measure_id": "M1", "subject_id": [f"S{k}" for k in rows["student"]],
                           "arm": rows["stark"].map({"small": "treated", "regular": "comparison"}),
                           "after": rows["readk"] + rows["mathk"], "chosen_by": "lot",
                           "team": [f"school {k:.0f}" for k in rows["schoolidk"]]})  # fmt: skip
    return Intervention("classes", "1986-12-31", _measure("score", "1985-09-01"),
                        _indicator("score", "points", "up", "mean"), people=people)  # fmt: skip


def seminar() -> Intervention:
    """JOBS II: depression before and after a seminar for the unemployed, drawn by lot."""
    rows = shared("training_jobs2", "jobs.csv")
    people = pd.DataFrame({"measure_id": "M1", "subject_id": [f"J{k}" for k in rows.index],
                           "arm": rows["treat"].map({1: "treated", 0: "comparison"}), "before": rows["depress1"],
                           "after": rows["depress2"], "chosen_by": "lot"})  # fmt: skip
    plan = '[improvement.indicators]\n"depression" = { worth_having = 0.2 }\n'
    return Intervention("seminar", "1991-12-31", _measure("depression", "1991-03-01"),
                        _indicator("depression", "points", "down", "mean"), people=people, plan=plan)  # fmt: skip


def infections() -> Intervention:
    """Infections with Clostridium difficile per 10,000 days in hospital, 24 months before a measure and 12 after."""
    rows = shared("hospital_spc_qicharts2", "cdi.csv")
    series = pd.DataFrame({"period": rows["month"].str[:7], "value": 1e4 * rows["n"] / rows["days"],
                           "numerator": rows["n"], "denominator": rows["days"],
                           "indicator_id": "infections"})  # fmt: skip
    return Intervention("infections", "2015-10-31", _measure("infections", "2014-11-01"),
                        _indicator("infections", "per 10,000 days", "down", "rate"), series=series)  # fmt: skip


ALL = (restaurants, cigarettes, banks, deaths, classes, seminar, infections)
