"""The balance of rows: every data row of every file is used or accounted for."""

import pandas as pd

from sqlib.errors import SqlibError

OUT = ["filtered", "excluded", "superseded", "duplicate", "blank_or_total", "missing_score"]
OUT += ["default_praise", "quarantined"]
CLASSES = ["excluded", "superseded", "duplicate", "missing_score", "default_praise", "quarantined", "usable"]
COUNTS = ["file", "raw_rows", "unpivot_factor", *OUT, "usable"]


def counts(read: pd.DataFrame, files: pd.Series, classes: dict[str, pd.Series]) -> pd.DataFrame:
    """One row per file, in rows after unpivoting but for ``raw_rows``, ``blank_or_total`` and ``filtered``.

    classes : class of ``CLASSES`` -> row by row, does it belong there? A class left out holds no row.

    Raises
    ------
    SqlibError : ``tables.balance`` where raw rows x unpivot factor are not the sum of the rest
    """
    found = pd.DataFrame({name: rows.groupby(files).sum() for name, rows in classes.items()})
    table = read.set_index("file").join(found.reindex(columns=CLASSES)).fillna(dict.fromkeys(CLASSES, 0))
    table = table.reset_index()[COUNTS].astype({name: "int64" for name in COUNTS[1:]})
    for row in table.itertuples():
        left = (row.raw_rows - row.blank_or_total - row.filtered) * row.unpivot_factor
        right = sum(getattr(row, name) for name in CLASSES)
        if left != right:
            raise SqlibError("tables.balance", where=row.file, got=left, counted=right)
    return table


def balance(counted: pd.DataFrame, files: pd.Series, inside: pd.Series) -> pd.DataFrame:
    """Where the rows of each file went, all counted after unpivoting; the last row (file = "") is the total.

    rows = used + outside_window + filtered + excluded + superseded + duplicate + blank_or_total + missing_score +
    default_praise + quarantined; ``excluded`` are rows a person left out
    """
    factor = counted["unpivot_factor"]
    table = pd.DataFrame({"file": counted["file"], "rows": counted["raw_rows"] * factor})
    used = inside.groupby(files).sum().reindex(counted["file"]).fillna(0).astype("int64").to_numpy()
    table = table.assign(used=used, outside_window=counted["usable"] - used)
    for name in OUT:
        table[name] = counted[name] * (factor if name in ("filtered", "blank_or_total") else 1)
    total = table.drop(columns="file").sum().to_frame().T.assign(file="")
    return pd.concat([table, total], ignore_index=True)[list(table)]
