"""The gap of the treated unit among those of all units taken for it in turn: would such a gap turn up anyway?"""

import numpy as np

from sqlib import style, words
from sqlib.figures import marks
from sqlib.methods.synthetic_control import SyntheticControl

ROWS = 8  # rows of an ordinary figure it is tall
WORST = 5  # times the treated unit's gap before, above which a placebo shows its bad fit and nothing else
MOST_TICKS = 8


def plot_placebo_units(result: SyntheticControl, *, ax=None, start=None, when=None, language: str = "en",
                       unit: str = "score"):  # fmt: skip
    """Draw observed less expected by period: every placebo thin, the treated unit thick.

    ``start``: first period under the measure, as in the panel; ``when``: names of the periods; ``unit``: a unit of
    words/common.toml. Placebos whose gap before is above five times the treated unit's are counted, not drawn.
    """
    ax, colour = marks.axes(ax, ROWS), style.palette()
    gaps = result.gaps.pivot(index="time", columns=["treated", "unit"], values="gap")
    place = np.arange(len(gaps))
    near = result.placebos[~result.placebos["treated"]]
    near = near.loc[near["pre_rmspe"] <= WORST * result.effect.details.set_index("name").loc["pre_rmspe", "estimate"]]
    if len(near):
        others = gaps[False][near["unit"]].to_numpy()
        ax.plot(place, others, color=colour["neutral"], alpha=0.45, linewidth=0.9, zorder=1)
    hidden = int((~result.placebos["treated"]).sum()) - len(near)
    label = words.text("figures", "placebo_units_others", language=language, n=len(near))
    ax.plot([], [], color=colour["neutral"], linewidth=1.2, label=label)
    rank = words.text("figures", "placebo_units_treated", result.effect.design, language=language,
                      unit=gaps[True].columns[0], rank=int(result.placebos.loc[0, "rank"]),
                      n=len(result.placebos))  # fmt: skip
    ax.plot(place, gaps[True].iloc[:, 0], color=colour["accent"], linewidth=2.4, zorder=3, label=rank)
    if hidden:
        label = words.text("figures", "placebo_units_hidden", language=language, n=hidden, times=WORST)
        ax.plot([], [], linestyle="none", label=label)
    ax.axhline(0, color=colour["muted"], linewidth=1, linestyle=(0, (4, 3)), zorder=2)
    _start(ax, gaps.index, start, language)
    _periods(ax, gaps.index if when is None else when, language, named=when is not None)
    marks.signed_axis(ax, unit, "y", language)
    ax.set_ylabel(marks.say("placebo_units_gap", language))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), fontsize=8, handlelength=1.6, borderaxespad=0.2)
    return ax


def _start(ax, times, start, language) -> None:
    if start is None:
        return
    at = int(np.searchsorted(times, start)) - 0.5
    marks.reference(ax, at)
    ax.annotate(marks.say("placebo_units_start", language), (at, 0), xycoords=ax.get_xaxis_transform(), xytext=(-4, 4),
                textcoords="offset points", ha="right", va="bottom", fontsize=8,
                color=style.palette()["muted"])  # fmt: skip


def _periods(ax, names, language, *, named) -> None:
    at = np.arange(0, len(names), -(-len(names) // MOST_TICKS))
    ax.set_xticks(at, labels=[str(names[k]) for k in at])
    ax.set_xlim(-0.5, len(names) - 0.5)
    ax.set_xlabel("" if named else marks.say("placebo_units_period", language))
