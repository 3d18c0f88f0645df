"""Do the intervals of the coding accuracy cover? Populations with known errors of coding, samples as of `sqlib coding`.

Share of draws in which the 95 % interval of precision, recall, F1 and corrected share covers the population's own
value, theme by theme. Exit status 1 where a mean over the themes falls under .92.
"""

import argparse
import sys

import numpy as np
import pandas as pd

from sqlib import coding
from sqlib.methods import coding_accuracy

MEASURES = ("precision", "recall", "f1", "corrected")
THEMES = {"common": 0.3, "middling": 0.12, "scarce": 0.05, "rare": 0.02}


def covered(draws: int, size: int, comments: int, hit: float, false: float, seed: int) -> pd.DataFrame:
    """Theme by measure: share of the draws that cover; NaN draws (too few comments) are left out."""
    rng = np.random.default_rng(seed)
    true = pd.DataFrame({theme: rng.random(comments) < share for theme, share in THEMES.items()})
    said = true.apply(lambda column: rng.random(comments) < np.where(column, hit, false * column.mean()))
    text = said.apply(lambda row: " ".join(said.columns[row]), axis=1) + " fine"
    table = pd.DataFrame({"feedback_id": range(comments), "comment": text})
    both = (true & said).sum()
    truth = pd.DataFrame({"precision": both / said.sum(), "recall": both / true.sum(), "corrected": true.mean()})
    truth["f1"] = 2 * both / (true.sum() + said.sum())
    found = {theme: {name: [] for name in MEASURES} for theme in THEMES}
    for draw in range(draws):
        drawn = coding.draw(said, size, draw)
        hand = drawn.join(true).assign(feedback_id=drawn.index)
        book = {theme: [theme] for theme in THEMES}
        rows = coding_accuracy.coding_accuracy(hand, table, text="comment", codebook=book).table.set_index("theme")
        for theme, row in rows.iterrows():
            for name in MEASURES:
                if row["verdict"] != "too_few":
                    inside = row[f"{name}_low"] <= truth.loc[theme, name] <= row[f"{name}_high"]
                    found[theme][name].append(inside)
    return pd.DataFrame({theme: {name: np.mean(seen) if seen else np.nan for name, seen in by.items()}
                         for theme, by in found.items()}).T  # fmt: skip


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--draws", type=int, default=400)
    draws = options.parse_args().draws
    missed = False
    for size, hit, false in ((200, 0.85, 0.15), (200, 0.6, 0.6), (400, 0.85, 0.15)):
        table = covered(draws, size, 3000, hit, false, seed=size)
        print(f"\n{size} of 3,000 comments, recall {hit}, {draws} draws\n{table.round(3)}")
        print(f"mean {table.mean().round(3).to_dict()}")
        missed |= bool((table.mean() < 0.92).any())
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
