"""Figures: an Axes that shows what the Result says, in either language, and leaves nothing behind."""

import io
import tomllib
import warnings
from pathlib import Path

import made_pages
import made_results as made
import matplotlib
import numpy as np
import pandas as pd
import pytest

from sqlib import figures, style, words
from sqlib.figures import marks
from sqlib.methods import segments
from sqlib.methods.satisfaction import satisfaction

NAMES = tomllib.loads((Path(__file__).parent / "data" / "figures.toml").read_text(encoding="utf-8"))
PLOTS = {  # figure -> its plot, and a result it may have to draw
    "response": (figures.plot_response, "silent"),
    "level": (figures.plot_levels, "missed"),
    "change": (figures.plot_change, "higher"),
    "weak_points": (figures.plot_priority, "act_now"),
    "themes": (figures.plot_themes, "rising"),
    "theme_trends": (figures.plot_theme_trends, "trend_up"),
    "demand": (figures.plot_demand, "open"),
    "internal_consistency": (figures.plot_internal_consistency, "reliable"),
    "questionnaire": (figures.plot_questionnaire, "flagged"),
    "terms": (figures.plot_terms, "typical"),
    "coding_accuracy": (figures.plot_coding_accuracy, "accurate"),
    "drivers": (figures.plot_drivers, "ranked"),
    "gain": (figures.plot_impact, "gain"),
    "penalty_reward": (figures.plot_penalty_reward, "basic"),
    "kano": (figures.plot_kano, "must_be"),
}
APPRAISED = {  # the same of the other page
    "tiers": (figures.plot_calibration, "hang_on_rater"),
    "bands": (figures.plot_tiers, "told_apart"),
    "fairness": (figures.plot_rater_fairness, "rates_lower"),
    "sources": (figures.plot_score_sources, "look_again"),
    "criteria": (figures.plot_appraisal_criteria, "duplicate"),
    "follow_up": (figures.plot_appraisal_follow_up, "missed"),
    "rewards": (figures.plot_reward_consistency, "reversed"),
    "after_reward": (figures.plot_after_reward, "within_regression"),
}
IMPROVED = {  # and of the third
    "register": (figures.plot_register_completeness, "incomplete"),
    "implementation": (figures.plot_implementation, "partly_carried_out"),
    "effects": (figures.plot_effects, "some_work"),
    "portfolio": (figures.plot_portfolio, "below_promise"),
    "unanswered": (figures.plot_unanswered_results, "unanswered"),
    "suggestions": (figures.plot_suggestion_funnel, "ideas_lost"),
    "measure_views": (figures.plot_measure_views, "found_useful"),
    "detectable": (figures.plot_detectable_effects, "not_seen_in_time"),
    "placebos": (figures.plot_placebos, "told_apart"),
}
EVERY = {("feedback_analysis", key): plot for key, plot in PLOTS.items()}
EVERY |= {("appraisal_calibration", key): plot for key, plot in APPRAISED.items()}
EVERY |= {("improvement_effect", key): plot for key, plot in IMPROVED.items()}
# Figures that are told what the code book calls its themes.
NAMED = {"themes", "theme_trends", "demand", "coding_accuracy"}
every_plot = pytest.mark.parametrize(("stem", "key"), EVERY)
both = pytest.mark.parametrize("language", words.LANGUAGES)


def drawn(key: str, result=None, language="en", stem="feedback_analysis", **options):
    """The Axes, drawn to the end; a missing glyph, or any other warning, is an error."""
    plot, verdict = EVERY[stem, key]
    if key in NAMED:
        options = {"labels": NAMES["labels"] if language == "zh" else made.LABELS} | options
    with style.theme(), warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = plot(made_pages.made(stem, key, verdict) if result is None else result, language=language, **options)
        ax.figure.savefig(io.BytesIO(), format="png")
    return ax


def dots(ax) -> list[tuple[float, float]]:
    """Where single dots stand, in the order drawn."""
    lines = [line for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in lines]


def bars(ax) -> list[tuple[float, float]]:
    """Ends of the intervals, in the order drawn."""
    lines = [
        line for line in ax.lines if line.get_marker() == "None" and line.get_zorder() == 2 and len(line.get_xdata())
    ]
    return [tuple(map(float, line.get_xdata())) for line in lines]


def names(ax) -> list[str]:
    """Names of the rows from the top down."""
    return [label.get_text() for label in ax.get_yticklabels()]


def said(*path: str, **values) -> str:
    """A label of the figures' words, in English."""
    return words.text("figures", *path, language="en", **values)


def texts(ax) -> str:
    return " ".join(text.get_text() for text in ax.figure.findobj(matplotlib.text.Text))


def colours(ax) -> list:
    return [line.get_color() for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1]


# ---------------------------------------------------------------- what every figure keeps to


@every_plot
@both
def test_a_plot_returns_an_axes_without_title_in_the_readers_language(stem, key, language):
    ax = drawn(key, language=language, stem=stem)
    assert isinstance(ax, matplotlib.axes.Axes) and ax.get_title() == "" and ax.get_xlabel()
    han = any("\u3400" <= letter <= "\u9fff" for letter in ax.get_xlabel())
    assert han == (language == "zh")


@every_plot
@both
def test_the_font_holds_every_letter_of_the_figure(stem, key, language):
    ax = drawn(key, language=language, stem=stem)
    fonts = {text.get_fontname() for text in ax.figure.findobj(matplotlib.text.Text)}
    assert fonts == {style.FONT}


def test_a_missing_glyph_would_be_noticed():
    with pytest.raises(UserWarning, match=r"Glyph .* missing"):
        drawn("themes", labels={"slow": "\U0001f9ea", "fee": "x"})


@every_plot
def test_the_axes_given_is_the_one_drawn_on(stem, key):
    figure = matplotlib.figure.Figure()
    left, right = figure.subplots(1, 2)
    assert drawn(key, ax=right, stem=stem) is right
    assert not left.has_data() and right.has_data()
    assert len(figure.axes) == 2


@every_plot
def test_nothing_global_is_left_behind(stem, key):
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams)
    drawn(key, stem=stem)
    assert plt.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


@every_plot
def test_both_languages_draw_the_same(stem, key):
    zh, en = (drawn(key, language=language, stem=stem) for language in words.LANGUAGES)
    assert dots(zh) == dots(en) and bars(zh) == bars(en)
    assert zh.get_xlim() == en.get_xlim() and zh.get_ylim() == en.get_ylim()


@every_plot
def test_everything_drawn_lies_inside_the_axes(stem, key):
    ax = drawn(key, stem=stem)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert all(left <= x <= right and bottom <= y <= top for x, y in dots(ax))
    assert all(left <= end <= right for pair in bars(ax) for end in pair if np.isfinite(end))


@every_plot
def test_a_plot_changes_no_result(stem, key):
    result = made_pages.made(stem, key, EVERY[stem, key][1])
    before = {name: frame.copy() for name, frame in vars(result).items() if isinstance(frame, pd.DataFrame)}
    drawn(key, result, stem=stem)
    assert before
    for name, frame in before.items():
        pd.testing.assert_frame_equal(getattr(result, name), frame)


# ---------------------------------------------------------------- levels


def test_levels_draw_this_period_raked_and_before_with_the_target():
    now, margins = made.answers(60, 40), {"segment": pd.Series({"small": 0.7, "large": 0.3})}
    now["segment"] = np.where(np.arange(100) % 2, "small", "large")
    result = satisfaction(now, made.answers(50, 50, start=500), margins=margins, targets={"csat": 0.85})
    row = result.table.iloc[0]
    ax = drawn("level", result)
    assert dots(ax) == [(row[key], height) for key, height in (("estimate", 2), ("raked", 1), ("previous", 0))]
    assert bars(ax) == [tuple(row[[f"{key}low", f"{key}high"]]) for key in ("", "raked_", "previous_")]
    assert names(ax) == [said("level", key, n=100) for key in ("estimate", "raked", "previous")]
    assert 0.85 in [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1]
    assert said("target", target="85%") in texts(ax)


def test_levels_leave_out_what_is_not_to_be_had():
    ax = drawn("level", made.level())
    assert (len(dots(ax)), names(ax)) == (1, [said("level", "estimate", n=100)])
    assert said("target", target="") not in texts(ax)


def test_one_customer_has_a_dot_and_no_interval():
    alone = satisfaction(made.answers(3, 1, customers=1))
    assert np.isnan(alone.table["low"].iloc[0])
    ax = drawn("level", alone)
    assert dots(ax) == [(0.75, 0.0)] and np.isnan(bars(ax)).all()


# ---------------------------------------------------------------- change


def test_changes_read_in_points_share_an_axis():
    rows = [made.answers(*counts, start=start) for counts, start in (((80, 20), 0), ((50, 50), 500))]
    nps = [made.answers(*counts, metric="nps", scale=(0.0, 10.0), start=900) for counts in ((30, 70), (60, 40))]
    now, before = (pd.concat(pair, ignore_index=True) for pair in zip(rows, nps, strict=True))
    table = satisfaction(now, before).table.set_index("indicator")
    ax = drawn("change", satisfaction(now, before))
    points = table.loc[["csat", "nps"]]
    assert dots(ax) == [(points["change"]["csat"] * 100, 1.0), (points["change"]["nps"], 0.0)]
    palette = style.palette()
    assert colours(ax) == [palette["good"], palette["bad"]]
    assert 0.0 in [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() != "-"]


def test_mean_scores_are_drawn_where_nothing_is_read_in_points():
    now, before = (made.answers(*counts, metric="ces", scale=(1.0, 7.0)) for counts in ((80, 20), (20, 80)))
    for best, tone in (("high", "good"), ("low", "bad")):
        result = satisfaction(now, before, best={"ces": best})
        ax = drawn("change", result)
        assert dots(ax) == [(result.table["change"].iloc[0], 0.0)]
        assert colours(ax) == [style.palette()[tone]]


# ---------------------------------------------------------------- response


@both
def test_response_draws_the_two_shares_of_every_group(language):
    groups = dict(zip(NAMES["groups"], ((100, 4), (60, 50), (40, 20)), strict=True))
    result = made.responded(groups)
    ax = drawn("response", result, language)
    widths = [(patch.get_width(), patch.get_y() + patch.get_height() / 2) for patch in ax.patches]
    heights = np.arange(3)[::-1]
    base = list(zip(result.table["base_share"], heights + 0.18, strict=True))
    answered = list(zip(result.table["answer_share"], heights - 0.18, strict=True))
    assert np.allclose([pair for pair in widths if np.isfinite(pair[0])], base + answered)
    assert names(ax) == list(result.table["group"])
    silent = words.entry("common", "verdict", "silent")
    assert f"{silent['mark']} {silent[language]}" in texts(ax)


def test_response_where_nobody_answered():
    result = made.responded({"small": (10, 0), "large": (20, 0)})
    assert result.table["answer_share"].isna().all()
    assert len(names(drawn("response", result))) == 2


# ---------------------------------------------------------------- weak points


def test_priority_draws_crude_and_adjusted_of_every_cell_that_is_shown():
    result = made.mixed()
    table = result.table.sort_values("adjusted")
    ax = drawn("weak_points", result)
    heights = np.arange(len(table))[::-1]
    below = list(zip(table["crude"], heights - 0.17, strict=True))
    above = list(zip(table["adjusted"], heights + 0.17, strict=True))
    assert np.allclose(dots(ax), below + above)
    ends = [*zip(table["crude_low"], table["crude_high"], strict=True)]
    ends += [*zip(table["adjusted_low"], table["adjusted_high"], strict=True)]
    assert np.allclose(bars(ax), ends)
    assert [name.split()[0 if "(" in name.split()[1] else 1] for name in names(ax)] == list(table["cell"])


def test_priority_marks_and_colours_by_verdict():
    ax = drawn("weak_points")
    mark = words.entry("common", "verdict", "act_now")["mark"]
    assert names(ax)[0] == said("cell", mark=mark, cell="a", n=80)
    assert colours(ax)[len(names(ax))] == style.palette()["bad"]


def test_priority_leaves_hidden_cells_out():
    result = made.cells({"a": (30, 10), "b": (2, 1), "c": (1, 1), "d": (30, 10)})
    shown = result.table[result.table["verdict"].ne("hidden")]
    ax = drawn("weak_points", result)
    assert len(names(ax)) == len(shown) == 2 and len(dots(ax)) == 4


def test_priority_parts_the_families_and_names_each():
    rows = made.answers(120, 60).assign(team=["a", "b", "c"] * 60, channel=["phone", "online"] * 90)
    result = segments.weak_points(rows, outcome="satisfied", cells=["team", "channel"], cluster="cluster")
    ax = drawn("weak_points", result)
    assert len(dots(ax)) == 10 and {"Team", "Channel"} <= set(texts(ax).split())
    assert [line.get_ydata()[0] for line in ax.lines if list(line.get_xdata()) == [0, 1]] == [1.5]
    assert any("Phone" in name for name in names(ax))


# ---------------------------------------------------------------- themes


def test_themes_draw_both_periods_most_frequent_first():
    result = made.made("themes", "rising")
    row = result.table.set_index("theme").loc["slow"]
    ax = drawn("themes", result)
    assert names(ax) == ["Slow replies"]
    assert dots(ax) == [(row["previous"], -0.2), (row["estimate"], 0.12)]
    assert bars(ax) == [(row["previous_low"], row["previous_high"]), (row["low"], row["high"])]
    assert colours(ax)[1] == style.palette()["warn"]
    assert said("before") in texts(ax)


def test_themes_without_an_earlier_period():
    ax = drawn("themes", made.said((20, 80)))
    assert dots(ax) == [(0.2, 0.12)] and said("before") not in texts(ax)


def test_a_theme_nobody_raised_is_left_out():
    assert made.made("themes", "no_signal").table["theme"].tolist() == ["slow", "fee"]
    assert names(drawn("themes", made.made("themes", "no_signal"))) == ["Slow replies"]


# ---------------------------------------------------------------- drivers, penalties and rewards, needs


def test_drivers_draw_shares_and_colour_the_settled_places():
    for verdict in made.VERDICTS["drivers"]:
        result = made.made("drivers", verdict)
        table = result.table
        ax = drawn("drivers", result)
        assert dots(ax) == list(zip(table["share"], np.arange(len(table))[::-1], strict=True))
        assert bars(ax) == list(zip(table["low"], table["high"], strict=True))
        accent, quiet = style.palette()["accent"], style.palette()["neutral"]
        assert colours(ax) == [accent] * result.settled + [quiet] * (len(table) - result.settled)
    row = table.iloc[0]
    assert names(ax)[0] == said("driver", name=row["driver"], low=row["rank_low"], high=row["rank_high"])


def test_impact_draws_mean_against_share_and_names_every_driver_apart():
    result = made.made("gain", "gain")
    ax = drawn("gain", result)
    assert dots(ax) == list(zip(result.table["mean"], result.table["share"], strict=True))
    assert set(colours(ax)) == {style.palette()["warn"]}  # all of them lie below the declared level
    labels = [text for text in ax.texts if text.get_text() in set(result.table["driver"])]
    heights = sorted(text.get_position()[1] for text in labels)
    assert len(labels) == len(result.table) and np.diff(heights).min() > 0.05 * ax.get_ylim()[1]


def test_penalty_and_reward_stand_on_either_side_of_zero_with_the_class_beside():
    result = made.made("penalty_reward", "basic")
    table = result.table.sort_values("penalty")
    ax = drawn("penalty_reward", result)
    widths = [patch.get_width() for patch in ax.patches]
    assert np.allclose(widths, [*table["penalty"], *table["reward"]])
    assert [x for x, _ in dots(ax)] == [*table["penalty"], *table["reward"]]
    assert words.entry("common", "verdict", "basic")["en"] in [text.get_text() for text in ax.texts]


def test_kano_draws_worse_and_better_the_most_missed_first():
    result = made.made("kano", "must_be")
    table = result.table.sort_values("worse")
    ax = drawn("kano", result)
    assert [x for x, _ in dots(ax)] == [*table["worse"], *table["better"]]
    assert names(ax)[0].startswith("hotline") and ax.get_xlim() == (-1, 1)


# ---------------------------------------------------------------- the marks


def test_rows_run_from_the_top_down_and_leave_room():
    ax = marks.axes(None, 3)
    heights = marks.rows(ax, ["a", "b", "c"])
    assert list(heights) == [2, 1, 0]
    assert ax.get_ylim()[0] < -0.5 and ax.get_ylim()[1] > 2.5


def test_a_new_axes_grows_with_its_rows():
    sizes = [marks.axes(None, rows).figure.get_size_inches() for rows in (1, 2, 20)]
    assert [size[0] for size in sizes] == [style.WIDTH] * 3
    assert sizes[0][1] == sizes[1][1] < sizes[2][1]


def test_axes_write_per_cent_and_points_as_the_text_does():
    ax = marks.axes(None, 2)
    ax.set_xlim(-0.4, 0.4)
    marks.points_axis(ax)
    ax.figure.canvas.draw()
    printed = [label.get_text() for label in ax.get_xticklabels()]
    assert {"\N{MINUS SIGN}20", "0", "+20"} <= set(printed)
    marks.percent_axis(ax)
    ax.set_xlim(0, 1)
    ax.figure.canvas.draw()
    assert {"0%", "20%", "100%"} <= {label.get_text() for label in ax.get_xticklabels()}


def test_ticks_of_a_difference_share_their_decimals():
    from matplotlib.figure import Figure

    for ends, unit, first in (((-1.2, 1.2), "score", "−1.0"), ((-6, 6), "score", "−6"), ((0, 1500), "GBP", "£0")):
        ax = Figure().add_subplot()
        ax.set_xlim(*ends)
        marks.signed_axis(ax, unit)
        shown = [label.get_text() for label in ax.get_xticklabels()]
        assert first in shown and len({len(text.partition(".")[2]) for text in shown}) == 1
