"""One estimate with its interval among nameless others: for the sheet of a single person or rater."""

import numpy as np

from sqlib import style
from sqlib.figures import marks

HEIGHT = 1.25  # inches


def plot_peers(value: float, low: float, high: float, others, *, ax=None, language: str = "en", zero: bool = False):
    """Draw the reader's own estimate with its interval, and the others as grey dots that name nobody.

    ``others`` : estimates of the others who may be compared; ``zero`` : mark the zero line of a difference
    """
    from matplotlib.figure import Figure

    if ax is None:
        ax = Figure(figsize=(style.WIDTH, HEIGHT)).add_subplot()
    colour = style.palette()
    others = np.sort(np.asarray(others, dtype=float))
    if zero:
        marks.reference(ax, 0.0)
    ax.plot(others, np.zeros(len(others)), "o", color=colour["neutral"], alpha=0.45, markersize=6, clip_on=False,
            label=marks.say("peers", language))  # fmt: skip
    marks.intervals(ax, [0.55], [value], [low], [high], colour=colour["accent"], size=8, width=3,
                    label=marks.say("yourself", language))  # fmt: skip
    ax.set_ylim(-0.45, 1.0)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    marks.legend(ax, 2)
    return ax
