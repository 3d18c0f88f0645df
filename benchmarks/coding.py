"""How well the shipped code books code labelled reviews: precision, recall and F1 per aspect, with Wilson intervals.

Chinese: 300 restaurant reviews with 18 aspects labelled by hand (ASAP; mentioned = label is not -2). The code book was
written from general knowledge of the trade and corrected on ``train`` and ``dev``; ``test`` was only counted. English:
airline lounge reviews carry ratings, not labels, so only plausibility can be shown: comments with a theme of complaint
go with a lower rating of that attribute. Needs the data folder ``shared`` beside the project.
"""

import argparse
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd

from sqlib.methods.proportions import wilson
from sqlib.methods.themes import code_comments

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
BOOK = ROOT / "sqlib" / "profiles" / "{}" / "codebook.toml"
ALL_ROUND = "environment"  # the publisher labels a plain mention of the surroundings as all four aspects of them
ASPECTS = {  # aspect of the publisher -> themes that speak of it
    "location_traffic": ["transport"],
    "location_distance_from_business_district": ["district"],
    "location_easy_to_find": ["finding"],
    "service_wait_time": ["waiting"],
    "service_waiters_attitude": ["attitude"],
    "service_parking_convenience": ["parking"],
    "service_serving_speed": ["speed"],
    "price_level": ["price"],
    "price_cost_effective": ["value"],
    "price_discount": ["discount"],
    "environment_decoration": ["decor", ALL_ROUND],
    "environment_noise": ["noise", ALL_ROUND],
    "environment_space": ["space", ALL_ROUND],
    "environment_cleaness": ["cleanliness", ALL_ROUND],
    "dish_portion": ["portion"],
    "dish_taste": ["taste"],
    "dish_look": ["look"],
    "dish_recommendation": ["recommend"],
}
GENERAL = {  # group of aspects -> themes of the general code book
    "service": ["waiting", "attitude"],
    "price": ["price"],
    "environment": ["environment"],
    "dish": ["quality"],
}
LOUNGE = {
    "staff_service": "attitude",
    "cleanliness": "cleanliness",
    "catering": "taste",
    "wifi_connectivity": "facilities",
    "comfort": "space",
}


def book(profile: str) -> dict:
    """``codebook`` and ``exclude`` of a shipped profile."""
    themes = tomllib.loads(Path(str(BOOK).format(profile)).read_text(encoding="utf-8"))["themes"]
    return {
        "codebook": {theme: entry["phrases"] for theme, entry in themes.items()},
        "exclude": {theme: entry.get("exclude", []) for theme, entry in themes.items()},
    }


def carried(texts: pd.Series, profile: str) -> pd.DataFrame:
    """Boolean table: comment by theme."""
    found = code_comments(texts.to_frame("text"), text="text", **book(profile))
    return pd.crosstab(found["row"], found["theme"]).reindex(texts.index, fill_value=0).gt(0)


def agreement(said: pd.DataFrame, coded: pd.DataFrame) -> pd.DataFrame:
    """Per column: how many carry it by hand and by machine, precision, recall (with limits) and F1."""
    rows = {}
    for name in said:
        hand, machine = said[name].to_numpy(), coded[name].to_numpy()
        both = (hand & machine).sum()
        rows[name] = {
            "by_hand": hand.sum(),
            "coded": machine.sum(),
            "f1": 2 * both / max(hand.sum() + machine.sum(), 1),
        }
        for measure, n in (("precision", machine.sum()), ("recall", hand.sum())):
            low, high = wilson(both, n)
            rows[name] |= {
                measure: both / n if n else np.nan,
                f"{measure}_low": float(low),
                f"{measure}_high": float(high),
            }
    order = ["by_hand", "coded", "precision", "precision_low", "precision_high", "recall", "recall_low", "recall_high"]
    return pd.DataFrame(rows).T[[*order, "f1"]]


def restaurants(splits: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(labelled by hand, coded) by aspect for the reviews of some splits, and their text as a column ``text``."""
    reviews = pd.read_csv(DATA / "zh_restaurant_aspects_asap" / "asap_samples.csv")
    reviews = reviews[reviews["split"].isin(splits)].reset_index(drop=True)
    themes = carried(reviews["reviewbody"], "hospitality")
    coded = pd.DataFrame({aspect: themes.reindex(columns=of).eq(True).any(axis=1) for aspect, of in ASPECTS.items()})
    return reviews[list(ASPECTS)].ne(-2), coded.assign(text=reviews["reviewbody"])


def grouped(frame: pd.DataFrame) -> pd.DataFrame:
    """Groups of aspects: any of them."""
    groups = {name: [aspect for aspect in ASPECTS if aspect.startswith(name)] for name in
              ("location", "service", "price", "environment", "dish")}  # fmt: skip
    return pd.DataFrame({name: frame[aspects].any(axis=1) for name, aspects in groups.items()})


def pooled(said: pd.DataFrame, coded: pd.DataFrame) -> pd.DataFrame:
    """All decisions on all aspects as one column (intervals take them as independent)."""
    names = list(said)
    return agreement(*(pd.DataFrame({"all": frame[names].to_numpy().ravel()}) for frame in (said, coded)))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--splits", default="train,dev,test", help="which splits, comma separated")
    chosen = options.parse_args().splits.split(",")
    if not DATA.is_dir():
        print(f"skipped: shared folder absent ({DATA.name})")
        return 0
    pd.set_option("display.width", 160, "display.max_columns", 20, "display.precision", 3)
    for name in chosen:
        said, coded = restaurants([name])
        parts = [agreement(said, coded), agreement(grouped(said), grouped(coded)), pooled(said, coded)]
        print(f"\n{name}: {len(said)} restaurant reviews, code book hospitality\n{pd.concat(parts)}")
        general = carried(coded["text"], "general")
        plain = pd.DataFrame({group: general.reindex(columns=of).eq(True).any(axis=1) for group, of in GENERAL.items()})
        print(f"\n{name}: code book general\n{agreement(grouped(said)[list(GENERAL)], plain)}")
    print(f"\nairline lounges: mean rating (1-5) with and without the theme, code book hospitality\n{lounges()}")
    return 0


def lounges() -> pd.DataFrame:
    """Share of the lounge reviews that carry each theme, and the rating of its attribute with it and without."""
    reviews = pd.read_csv(DATA / "en_skytrax_reviews" / "lounge.csv")
    themes = carried(reviews["content"].astype(str), "hospitality")
    rows = {}
    for attribute, theme in LOUNGE.items():
        rows[attribute] = {"theme": theme, "share": themes[theme].mean()}
        rows[attribute] |= _means(reviews[f"{attribute}_rating"], themes[theme])
    return pd.DataFrame(rows).T


def _means(rating: pd.Series, carries: pd.Series) -> dict:
    return {"with": rating[carries].mean(), "without": rating[~carries].mean()}


if __name__ == "__main__":
    sys.exit(main())
