"""Comments worth proposing for quotation: a few a theme, readable, from groups too large to point at anyone."""

import hashlib
import re

import pandas as pd

from sqlib import masking, name_forms
from sqlib.methods import themes

A_THEME = 3  # proposals
SHORTEST, BEST, LONGEST = 6, 25, 80  # words: a Chinese character counts as one

COLUMNS = ["row", "theme", "masked"]


def excerpts(comments, *, text, score, codebook, exclude, groups, cluster, names, language, min_group) -> pd.DataFrame:
    """Comments to propose, one row each: row (index label of ``comments``), theme, masked.

    Parameters
    ----------
    comments : one row per comment
    text, score, cluster : columns of the comment, of the score given with it and of who wrote it
    codebook, exclude : as in ``themes.code_comments``
    groups : columns of which no group of fewer than ``min_group`` writers may be quoted from
    names : everybody known, to be masked
    language : of the marks

    Themes that fewer than ``min_group`` people raise are left out. The same comments give the same proposals: those
    with least masked, of the best length, critical ones (below the median score) and others in turn, one a writer and
    theme, each comment once.
    """
    kept = comments[comments[text].notna() & ~_small(comments, groups, cluster, min_group)]
    coded = themes.code_comments(kept, text=text, codebook=codebook, exclude=exclude)
    raised = coded.assign(who=kept[cluster].reindex(coded["row"]).to_numpy())
    heard = raised.groupby("theme", sort=False)["who"].transform("nunique") >= min_group
    said = raised[heard].merge(kept[[text, score]], left_on="row", right_index=True)
    if said.empty:
        return pd.DataFrame(columns=COLUMNS)
    told = said.assign(comment=said[text], critical=said[score] < kept[score].median())
    ranked = _ranked(told, list(codebook), names, language)
    return ranked.groupby("theme", sort=False).head(A_THEME)[COLUMNS].reset_index(drop=True)


def _small(comments: pd.DataFrame, groups: list[str], cluster: str, min_group: int) -> pd.Series:
    """Comments of a group so small that its members would recognise each other."""
    small = pd.Series(False, index=comments.index)
    for group in groups:
        parts = [part.strip() for part in group.split("*")]
        if set(parts) <= set(comments):
            writers = comments.groupby(parts, dropna=False)[cluster].transform("nunique")
            small |= writers < min_group
    return small


def _ranked(said: pd.DataFrame, order: list[str], names, language: str) -> pd.DataFrame:
    """Readable comments, the best of each theme first; themes in the order of the code book."""
    masked, length = masking.mask_all(said["comment"], names, language), said["comment"].map(_length)
    lots = said["comment"].map(lambda comment: hashlib.sha256(comment.encode()).hexdigest())
    told = said.assign(masked=masked, changed=masked != said["comment"], off=(length - BEST).abs(), lot=lots)
    best = told[length.between(SHORTEST, LONGEST)].sort_values(["changed", "off", "lot"], kind="stable")
    once = best.drop_duplicates("row").drop_duplicates(["theme", "who"]).drop_duplicates(["theme", "masked"])
    turn = once.groupby(["theme", "critical"]).cumcount()
    place = once["theme"].map(order.index)
    ranked = once.assign(place=place, turn=turn, kind=~once["critical"])
    return ranked.sort_values(["place", "turn", "kind"], kind="stable")


def _length(comment: str) -> int:
    """Words of a comment; a Chinese character counts as one."""
    han = len(name_forms.HAN.findall(comment))
    return han + len(re.findall(r"[^\W\d_]+", name_forms.HAN.sub(" ", comment)))
