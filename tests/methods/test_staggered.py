import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.methods import group_time, staggered

SHARED = Path(__file__).parents[2] / "../shared/reference/did"
COLUMNS = {"unit": "unit", "time": "time", "value": "value", "first": "first"}


def made(groups=((6, 8), (9, 8), (0, 14)), periods=12, noise=1.0, effect=None, seed=0):
    """One row a unit and period; ``groups``: (first period, units); effect(start, since) added."""
    rng = np.random.default_rng(seed)
    first = np.repeat([start for start, _ in groups], [units for _, units in groups])
    y = (
        rng.normal(0, 3, (len(first), 1))
        + rng.normal(0, 1, periods)
        + noise * rng.standard_normal((len(first), periods))
    )
    for unit, start in enumerate(first):
        if start and effect:
            y[unit, start:] += [effect(start, since) for since in range(periods - start)]
    unit, time = np.indices(y.shape)
    columns = {"unit": unit, "time": time, "value": y, "first": np.repeat(first, periods)}
    return pd.DataFrame({name: np.ravel(column) for name, column in columns.items()})


def estimate(table, **options):
    return staggered.estimate(table, **COLUMNS, **{"second": False} | options)


def growing(start, since):
    return 0.5 * (since + 1) + 0.1 * start


def arrays(table):
    wide = table.pivot(index="unit", columns="time", values="value")
    first = table.groupby("unit")["first"].first().to_numpy()
    return wide.to_numpy(), np.where(first == 0, wide.shape[1], first)


@pytest.fixture(scope="module")
def counties():
    if not SHARED.is_dir():
        pytest.skip("shared folder absent")
    table = pd.read_csv(SHARED / "mpdta.csv")
    columns = {"unit": "countyreal", "time": "year", "value": "lemp", "first": "first.treat"}
    return staggered.estimate(table, **columns, small_sample=False)


def test_county_employment_as_published(counties):
    """Callaway & Sant'Anna (2021), README of did 2.5.1: simple -0.0400, dynamic -0.0772, by group -0.0310 and
    ATT(g, t); analytic standard errors within 1 %."""
    told = counties.aggregates.set_index("estimand")
    published = {"att_simple": (-0.0399513, 0.012034), "att_dynamic": (-0.0772398, 0.019965),
                 "att_group": (-0.0310183, 0.012446)}  # fmt: skip
    for name, (value, error) in published.items():
        assert told.loc[name, "estimate"] == pytest.approx(value, abs=5e-5)
        assert told.loc[name, "se"] == pytest.approx(error, rel=0.01)
    cells = counties.cells.set_index(["group", "time"])["estimate"]
    for place, value in {(2004, 2004): -0.0105, (2004, 2005): -0.0704, (2004, 2006): -0.1373, (2004, 2007): -0.1008,
                         (2006, 2006): -0.0046, (2006, 2007): -0.0412, (2007, 2007): -0.0261,
                         (2006, 2004): 0.0065, (2007, 2004): 0.0305, (2007, 2006): -0.0311}.items():  # fmt: skip
        assert cells[place] == pytest.approx(value, abs=5e-5)
    assert counties.effect.estimand == "att_simple"


def test_county_employment_as_four_programs_compute_it(counties):
    expected = json.loads((SHARED / "expected.json").read_text())
    events, groups = counties.events.set_index("horizon"), counties.groups.set_index("group")
    for table, part in ((events, expected["event"]), (groups, expected["group"])):
        for key, (value, error) in part.items():
            assert table.loc[int(key), "estimate"] == pytest.approx(value, abs=5e-5)
            assert table.loc[int(key), "se"] == pytest.approx(error, rel=0.01)
    calendar = counties.aggregates.set_index("estimand").loc["att_calendar", "estimate"]
    assert calendar == pytest.approx(np.mean(list(expected["calendar"].values())), abs=5e-5)


@pytest.mark.parametrize("control", staggered.CONTROLS)
def test_estimates_and_errors_are_those_of_diff_diff(control):
    from diff_diff import CallawaySantAnna

    table = made(effect=growing)
    ours = estimate(table, control=control, small_sample=False)
    theirs = CallawaySantAnna(control_group=f"{control}_treated").fit(table, "value", "unit", "time", "first")
    assert ours.effect.effect == pytest.approx(theirs.overall_att, abs=1e-9)
    assert ours.effect.se == pytest.approx(theirs.overall_se, rel=1e-6)
    events = theirs.aggregate("event_study").to_dataframe().set_index("event_time")
    mine = ours.events.set_index("horizon")
    assert mine["estimate"].to_numpy() == pytest.approx(events.loc[mine.index, "att"].to_numpy(), abs=1e-9)
    assert mine["se"].to_numpy() == pytest.approx(events.loc[mine.index, "se"].to_numpy(), rel=1e-6)


def test_the_breakdown_as_seen_is_that_of_diff_diff(counties):
    from diff_diff import CallawaySantAnna, HonestDiD

    table = pd.read_csv(SHARED / "mpdta.csv")
    fit = CallawaySantAnna(base_period="universal").fit(table, "lemp", "countyreal", "year", "first.treat")
    theirs = HonestDiD(method="relative_magnitude").breakdown_value(fit.aggregate("event_study"), tol=0.001)
    told = counties.effect.details.set_index("name")["estimate"]
    assert told["breakdown_as_seen"] == pytest.approx(theirs, abs=0.005)
    assert counties.breakdown < told["breakdown_as_seen"] and "fragile" in counties.effect.cautions


def test_the_imputation_is_the_mean_of_what_unit_and_period_effects_leave():
    """By hand: two-way effects fitted by least squares to untreated cells, the rest predicted."""
    table = made(effect=growing)
    y, first = arrays(table)
    unit, time = np.indices(y.shape)
    treated = time >= first[:, None]
    design = np.hstack([np.eye(len(y))[unit.ravel()], np.eye(y.shape[1])[time.ravel()]])
    keep = ~treated.ravel()
    fit = np.linalg.lstsq(design[keep], y.ravel()[keep], rcond=None)[0]
    expected = (y.ravel() - design @ fit)[~keep].mean()
    other = estimate(table, second=True).imputation
    assert other.effect == pytest.approx(expected) and (other.design, other.estimand) == ("imputation", "att_simple")
    assert other.low < other.effect < other.high and other.se < estimate(table).effect.se


def test_two_groups_and_two_periods_are_welch():
    from scipy import stats

    table = made(((1, 5), (0, 12)), periods=2)
    wide = table.pivot(index="unit", columns="time", values="value")
    change = (wide[1] - wide[0]).to_numpy()
    plain = stats.ttest_ind(change[:5], change[5:], equal_var=False)
    effect = estimate(table).effect
    ends = plain.confidence_interval(0.95)
    assert (effect.df, effect.p_value) == pytest.approx((plain.df, plain.pvalue))
    assert (effect.low, effect.high) == pytest.approx((ends.low, ends.high))


def test_every_estimand_is_its_mean_of_the_true_effects():
    table = made(noise=0, effect=growing)
    told = estimate(table).aggregates.set_index("estimand")["estimate"]
    cells = [(start, start + since, growing(start, since)) for start in (6, 9) for since in range(12 - start)]
    cells = pd.DataFrame(cells, columns=["group", "time", "effect"])
    assert told["att_simple"] == pytest.approx(cells["effect"].mean())
    horizon = cells["time"] - cells["group"]
    assert told["att_dynamic"] == pytest.approx(cells.groupby(horizon)["effect"].mean().mean())
    assert told["att_group"] == pytest.approx(cells.groupby("group")["effect"].mean().mean())
    assert told["att_calendar"] == pytest.approx(cells.groupby("time")["effect"].mean().mean())


@pytest.mark.parametrize("estimand", group_time.ESTIMANDS)
def test_the_effect_is_the_estimand_asked_for_by_name(estimand):
    found = estimate(made(effect=growing), estimand=estimand)
    row = found.aggregates.set_index("estimand").loc[estimand]
    assert (found.effect.estimand, found.effect.effect) == (estimand, row["estimate"])


def test_growing_effects_are_found_and_the_plain_regression_misses_them():
    """300 runs, four groups whose effects grow; 4,000 runs in benchmarks/effects.py."""
    groups, held, plain = ((3, 6), (6, 6), (9, 6), (12, 6), (0, 12)), [], []
    true, first = arrays(made(groups, 16, noise=0, effect=growing))
    truth = group_time.aggregate(group_time.cells(true, first), "att_simple").estimate[0]
    for seed in range(300):
        y, first = arrays(made(groups, 16, effect=growing, seed=seed))
        part = group_time.aggregate(group_time.cells(y, first), "att_simple")
        row = group_time.interval(part.estimate, *group_time.errors(part.influence, first), 0.95).iloc[0]
        held.append((row["estimate"], row["low"] <= truth <= row["high"]))
        plain.append(group_time.two_way(y, first))
    mean, covered = np.mean(held, axis=0)
    assert abs(mean / truth - 1) < 0.05 and 0.91 <= covered <= 0.99
    assert np.mean(plain) / truth - 1 < -0.2


def test_the_uniform_band_is_wider_than_each_interval_and_repeats():
    first, again = (estimate(made(), seed=3).events for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert (first["band_high"] > first["high"]).all() and (first["band_low"] < first["low"]).all()


def test_the_joint_p_of_the_time_before_sees_groups_that_part():
    table = made()
    parting = table["value"] + 2.0 * table["time"] * (table["first"] > 0)
    assert estimate(table).pre_p > 0.05
    found = estimate(table.assign(value=parting))
    assert found.pre_p < 0.01 and "pre_trend" in found.effect.cautions and found.breakdown < 1.5


def test_the_path_parts_from_the_observed_by_the_effect():
    effect = estimate(made(((6, 8), (0, 14)), noise=0.1, effect=lambda start, since: 2.0)).effect
    gap = effect.path.set_index("time")["observed"] - effect.path.set_index("time")["expected"]
    assert gap[gap.index >= 6].mean() == pytest.approx(effect.effect)
    assert gap[5] == 0 and abs(gap[gap.index < 6]).max() < 0.5
    assert (effect.n_before, effect.n_after, effect.treated, effect.compared) == (6, 6, 8, 14)


def test_dates_may_be_text_and_a_start_between_periods_counts_from_the_next():
    table = made()
    plain = estimate(table)
    months = {code: f"2025-{code + 1:02}" for code in range(12)}
    text = table.assign(
        time=table["time"].map(months), first=table["first"].map(lambda code: months[code] if code else None)
    )
    named = estimate(text)
    assert named.effect.effect == plain.effect.effect and list(named.groups["group"]) == ["2025-07", "2025-10"]
    between = estimate(table.assign(first=table["first"].where(table["first"] == 0, table["first"] - 0.5)))
    assert between.effect.effect == plain.effect.effect


def test_units_that_cannot_take_part_are_left_out_and_counted():
    table = made(((0, 14), (6, 8), (9, 2)))
    table.loc[(table["unit"] == 3) & (table["time"] == 4), "value"] = np.nan
    table.loc[table["unit"] == 14, "first"] = -1
    found = estimate(table)
    told = found.effect.details.set_index("name")["estimate"]
    assert (told["units_incomplete"], told["units_always"], told["units_small_group"]) == (1, 1, 2)
    assert (found.effect.treated, found.effect.compared) == (7, 13) and "units_left_out" in found.effect.cautions


def spoiled(kind):
    table = made()
    if kind == "two_starts":
        return table.assign(first=table["first"].mask((table["unit"] == 0) & (table["time"] > 3), 7))
    if kind == "no_before":
        return table.assign(first=table["first"].mask(table["first"] > 0, -1))
    if kind == "small_groups":
        return made(((6, 2), (9, 2), (0, 14)))
    if kind == "too_few_compared":
        return made(((6, 8), (0, 9)))
    return table.assign(value=table["value"].mask((table["first"] > 0) & (table["time"] == table["unit"] % 12)))


@pytest.mark.parametrize("kind", ["two_starts", "no_before", "small_groups", "too_few_compared", "all_incomplete"])
def test_bad_input_is_refused_by_name(kind):
    with pytest.raises(MethodRefused) as caught:
        estimate(spoiled(kind))
    assert caught.value.code == f"staggered.{kind}" and caught.value.text("en") and caught.value.text("zh")


@pytest.mark.parametrize(
    ("options", "code"), [({"estimand": "att"}, "unknown_estimand"), ({"control": "x"}, "unknown_control")]
)
def test_an_unknown_choice_is_refused(options, code):
    with pytest.raises(MethodRefused) as caught:
        estimate(made(), **options)
    assert caught.value.code == f"staggered.{code}"


def test_all_treated_alike_none_treated_and_duplicates_are_refused():
    for table, code in (
        (made(((6, 8), (9, 8))), "staggered.too_few_compared"),
        (made(((0, 14),)), "unit_panel.none_treated"),
        (pd.concat([made(), made().head(1)]), "unit_panel.duplicates"),
        (made().assign(value=1.0), "unit_panel.constant"),
    ):
        with pytest.raises(MethodRefused) as caught:
            estimate(table)
        assert caught.value.code == code


def test_not_yet_treated_units_stand_in_where_nobody_stays_untreated():
    found = estimate(made(((4, 8), (7, 8), (10, 14)), effect=growing), control="not_yet")
    assert found.cells.query("horizon >= 0")["time"].max() == 9 and found.effect.effect > 0.5
    assert list(found.groups["group"]) == [4, 7] and found.aggregates.notna().all(axis=None)


def test_diff_diff_is_loaded_only_for_the_second_opinion():
    code = "import sys; from sqlib.methods import staggered; sys.exit('diff_diff' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0
