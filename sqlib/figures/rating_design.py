"""Heat map of who rates whom: raters down, people across, parted by team; what hangs together is framed."""

import numpy as np
import pandas as pd

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.rating_design import Design

MOST_RATERS = 20  # beyond them, or beyond so many people, teams stand for their people and for their raters
MOST_PEOPLE = 80
MOST_TEAMS = 40
NAMED = 16  # teams up to which the columns are named, too
WRITTEN = 14  # columns up to which the cells carry their number


def plot_rating_design(result: Design, *, ax=None, language: str = "en"):
    """Draw the number of ratings of every rater and person, people in the order of their parts and teams; in a large
    design of every home team and team, the largest forty. Frames: what may be compared; outlined cells: single
    judgements, outside the rater's own frame, that a part hangs on."""
    people = result.ratees.reset_index()
    people["place"] = pd.factorize(people["team"])[0]  # teams keep the order in which they first stand
    people = people.sort_values(["part", "block", "place", "ratee_id"], kind="stable")
    small = len(result.raters) <= MOST_RATERS and len(people) <= MOST_PEOPLE
    grid, rows, columns, frames, thin = (_people if small else _teams)(result, people)
    ax = marks.axes(ax, len(rows) * (0.9 if small else 0.6) + 2)
    _cells(ax, grid, small, language)
    _frames(ax, frames, grid.shape[0], language)
    _outlined(ax, thin, language)
    ax.set_xlim(-0.6, grid.shape[1] + 0.6)
    ax.set_ylim(grid.shape[0] + 0.2, -0.2)
    ax.set_yticks(np.arange(len(rows)) + 0.5, labels=rows)
    named = columns if small or len(columns) <= NAMED else []
    ax.set_xticks([place for place, _ in named], labels=[name for _, name in named])
    _turn(ax, [name for _, name in named])
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    most = words.number(int(grid.max()), "count", language)
    ax.set_xlabel(words.text("figures", "people_by_team" if small else "rated_team", language=language, most=most))
    ax.set_ylabel(marks.say("rater" if small else "home_team", language))
    marks.legend(ax, 3)
    return ax


def _people(result, people):
    """One row a rater, one column a person."""
    raters = result.raters.reset_index().sort_values(["part", "home", "rater_id"], kind="stable")
    order = people["index"].to_numpy()
    grid = result.incidence.toarray()[np.ix_(raters["index"], order)]
    rows = [str(name) for name in raters["rater_id"]]
    team, block = people["team"].to_numpy(), people["block"].to_numpy()
    columns = [(np.mean(places) + 0.5, str(team[places[0]])) for places in _runs(team, block)]
    frames = [(places[0], places[-1] + 1) for places in _runs(block)]
    at = {name: k for k, name in enumerate(raters["rater_id"])}, {name: k for k, name in enumerate(people["ratee_id"])}
    home = people.groupby("team")["block"].agg(lambda own: own.mode()[0]).reindex(raters["home"]).to_numpy()
    thin = [(at[0][b.rater_id], at[1][b.ratee_id]) for b in result.bridges.itertuples()]
    thin = [(row, column) for row, column in thin if home[row] != block[column]]
    return grid, rows, columns, frames, thin


def _runs(*keys) -> list[np.ndarray]:
    """Positions of every run of equal keys."""
    changes = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return np.split(np.arange(len(keys[0])), np.flatnonzero(changes) + 1)


def _teams(result, people):
    """One row a home team of raters, one column a team of people, the largest in their order of parts."""
    kept = people["team"].value_counts().index[:MOST_TEAMS]
    teams = people[people["team"].isin(kept)].drop_duplicates("team")
    at = {team: k for k, team in enumerate(teams["team"])}
    given = result.incidence.tocoo()
    row = result.raters["home"].map(at).to_numpy(dtype=float)[given.row]
    column = result.ratees["team"].map(at).to_numpy(dtype=float)[given.col]
    shown = np.isfinite(row) & np.isfinite(column)
    grid = np.zeros((len(at), len(at)))
    np.add.at(grid, (row[shown].astype(int), column[shown].astype(int)), given.data[shown])
    names = [str(team) for team in teams["team"]]
    links = result.links[(result.links["kind"] == "team") & result.links["thin"].astype(bool)]
    thin = [(at[a], at[b]) for a, b in zip(links["first"], links["second"], strict=True) if {a, b} <= set(at)]
    frames = [(places[0], places[-1] + 1) for places in _runs(teams["block"].to_numpy())]
    return grid, names, [(k + 0.5, name) for k, name in enumerate(names)], frames, [*thin, *((b, a) for a, b in thin)]


def _cells(ax, grid, small, language) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    colour = style.palette()
    shade = LinearSegmentedColormap.from_list("ratings", [style.sheet()["tints"]["accent"], colour["accent"]])
    shown = np.ma.masked_equal(grid, 0)
    top = max(float(grid.max()), 1.0)
    ax.pcolormesh(
        shown, cmap=shade, vmin=-0.5 * top if small else 0, vmax=top, edgecolor="white", linewidth=1.2 if small else 0.5
    )
    if grid.shape[1] <= WRITTEN:
        for row, column in np.argwhere(grid > 0):
            paint = "white" if grid[row, column] > 0.45 * top else colour["ink"]
            ax.text(column + 0.5, row + 0.5, words.number(int(grid[row, column]), "count", language), ha="center",
                    va="center", fontsize=8, color=paint)  # fmt: skip


def _frames(ax, frames, height, language) -> None:
    """A frame round the columns of every block."""
    from matplotlib.patches import Rectangle

    ink = style.palette()["ink"]
    for number, (left, right) in enumerate(frames):
        label = marks.say("comparable", language) if number == 0 else None
        ax.add_patch(Rectangle((left + 0.04, -0.08), right - left - 0.08, height + 0.16, fill=False, edgecolor=ink,
                               linewidth=1.1, label=label, zorder=3))  # fmt: skip


def _outlined(ax, thin, language) -> None:
    from matplotlib.patches import Rectangle

    paint = style.palette()["series2"]
    for number, (row, column) in enumerate(thin):
        label = marks.say("thin_link", language) if number == 0 else None
        ax.add_patch(Rectangle((column + 0.1, row + 0.1), 0.8, 0.8, fill=False, edgecolor=paint, linewidth=2.2,
                               label=label, zorder=4))  # fmt: skip


def _turn(ax, names) -> None:
    """Slant the names of many teams."""
    if sum(map(len, names)) > 60:
        for label in ax.get_xticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")
