"""``sqlib coding``: a random sample of a period's comments, as a workbook to be coded by hand.

The sample is stratified by what the code book found, so that rare themes are met often enough; the coder is not shown
what that was. ``Reading.hand_coded`` reads the workbook back.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from sqlib import client, forms, phrases, project, words
from sqlib.errors import ArgumentError
from sqlib.reading import Absent, Reading

LEAST = 3  # comments a layer is read in, as far as it has them


def write(folder: str | Path, period: str | None, *, size: int = 200, seed: int = 0, language: str = "") -> Path:
    """Draw the sample and write ``coding/<period>.xlsx`` in the client's folder, names and numbers masked; its path.

    Raises
    ------
    ArgumentError : ``coding.exists`` (coding done by hand is never overwritten), ``coding.no_comments``
    """
    who = client.load(project.client_folder(folder))
    chosen = client.reporting_period(who, period, "--period")
    language = language or who.languages[0]
    until = pd.Timestamp(who.data_until) if who.data_until else None
    reading = Reading(who, chosen, None, until, language)
    path = reading.coding_file
    if path.exists():
        raise ArgumentError("coding.exists", where=path, got=path.name)
    rows = sample(reading, size, seed)
    rows["comment"] = reading.masked(rows["comment"])
    about = {"client": who.name, words.text("cli", "coding", "period", language=language): str(chosen)}
    return forms.write("coding", {"comments": rows}, path, language, about=about, columns=reading.coding_columns)


def sample(reading: Reading, size: int, seed: int) -> pd.DataFrame:
    """The rows of the workbook, in random order: feedback_id, comment, layer, layer_size."""
    comments = reading.read("comments")
    if isinstance(comments, Absent):
        raise ArgumentError("coding.no_comments", where=reading.client.id, got=comments.reason("en"))
    said = comments[comments["comment"].notna()].set_index("feedback_id")["comment"]
    carried = phrases.carried(phrases.folded(said), reading.codebook, reading.exclude)
    drawn = draw(carried, size, seed)
    return drawn.rename_axis("feedback_id").reset_index().assign(comment=lambda rows: rows["feedback_id"].map(said))


def draw(carried: pd.DataFrame, size: int, seed: int) -> pd.DataFrame:
    """Draw about ``size`` rows of a boolean table comment by theme: layer and layer_size, by label, in random order.

    A comment's layer is its rarest theme, or none. A layer is read in proportion to the square root of its comments:
    rare themes more closely than common ones, yet none so thinly that one of its comments outweighs all others.
    """
    rng = np.random.default_rng(seed)
    order = carried.sum().sort_values(kind="stable").index
    rarest = carried[order].to_numpy().argmax(axis=1)
    layer = pd.Series(np.where(carried.any(axis=1), rarest + 1, 0), index=carried.index)
    sizes = layer.value_counts().sort_index()
    share = np.sqrt(sizes) / np.sqrt(sizes).sum() * size
    wanted = np.minimum(np.maximum(share.round(), LEAST), sizes).astype(int)
    kept = [rng.choice(layer.index[layer == code], wanted[code], replace=False) for code in sizes.index]
    names = dict(zip(rng.permutation(sizes.index), range(1, len(sizes) + 1), strict=True))  # tell nothing of the theme
    drawn = layer.loc[rng.permutation(np.concatenate(kept))]
    return pd.DataFrame({"layer": drawn.map(names), "layer_size": drawn.map(sizes)})
