"""Reversed questions: on the items a block lists in ``reverse`` the lowest figure is the best."""

import pandas as pd

from sqlib import supersession
from sqlib.client import Client
from sqlib.errors import ClientError
from sqlib.faults import listed, nearest

WHOLE = "score"  # every score of the block


def rows(frame: pd.DataFrame, client: Client, table: str) -> pd.Series:
    """Row by row: does the score count from the other end?

    Raises
    ------
    ClientError : ``reversals.unknown_item`` with the nearest item there is
    """
    found = pd.Series(False, index=frame.index)
    column = next(name for name in ("item_id", "criterion_id", "dimension") if name in frame)
    for number, source in enumerate(client.tables.get(table, []), 1):
        if not source.reverse:
            continue
        files = [file for file in frame["source_file"].unique() if supersession.named(file, source.files)]
        own = frame["source_file"].isin(files)
        items = list(frame.loc[own, column].dropna().unique())
        for name in source.reverse:
            if name not in (WHOLE, *items):
                where = f"{client.place(table, number)}.reverse"
                near = {"nearest": nearest(name, items), "items": listed(items)}
                raise ClientError("reversals.unknown_item", where=where, got=name, **near)
            found |= own if name == WHOLE else own & frame[column].eq(name).fillna(False)
    return found
