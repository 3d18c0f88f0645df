"""A frame in a Parquet file, read only as far as asked for: some columns, some days, the rows that hold a value.

The file stays open, so that a run which replaces the kept table takes it away from nobody.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from sqlib.errors import SqlibError

GROUP = 250_000  # rows read at a time: bounds the memory beside the rows kept


class Stored:
    """One Parquet file as ``write`` leaves it."""

    def __init__(self, path: Path):
        """Raises OSError or pyarrow.ArrowException where the file is missing or damaged."""
        import pyarrow.parquet as pq

        self._path, self._file = path, pq.ParquetFile(path)

    @property
    def columns(self) -> list[str]:
        return self._file.schema_arrow.names

    def filled(self, column: str) -> bool:
        """Does any row hold a value? Answered by the statistics of the file."""
        at, found = self.columns.index(column), self._file.metadata
        groups = [found.row_group(group) for group in range(found.num_row_groups)]
        return any(each.num_rows and each.column(at).statistics.null_count < each.num_rows for each in groups)

    def rows(self, columns: list[str] | None = None, **kept) -> pd.DataFrame:
        """The same rows and columns, under the same index, as ``cut`` takes out of the whole frame.

        Raises
        ------
        SqlibError : ``stored.damaged``
        """
        import pyarrow as pa

        names = self.columns if columns is None else columns
        asked = list(dict.fromkeys(name for name in (kept.get("dated"), kept.get("present")) if name))
        parts, places, first = [self._file.schema_arrow.empty_table().select(names)], [], 0
        for group in range(self._file.num_row_groups):
            size = self._file.metadata.row_group(group).num_rows
            inside = np.arange(size)
            if asked:
                inside = inside[chosen(self._read(group, asked).to_pandas(), **kept)]
            if len(inside):
                part = self._read(group, names)
                parts.append(part if len(inside) == size else part.take(inside))
                places.append(first + inside)
            first += size
        frame = pa.concat_tables(parts).unify_dictionaries().to_pandas()
        return frame if len(frame) == first else frame.set_axis(np.concatenate([[], *places]).astype("int64"))

    def _read(self, group: int, columns: list[str]):
        """Some columns of some rows as an Arrow table."""
        from pyarrow import ArrowException

        try:
            return self._file.read_row_group(group, columns).select(columns)
        except (ArrowException, OSError) as error:
            raise SqlibError("stored.damaged", where=self._path.name, got=error, place=self._path.parent) from None


def write(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False, row_group_size=GROUP)


def cut(frame: pd.DataFrame, columns: list[str] | None = None, **kept) -> pd.DataFrame:
    """Some columns of the rows ``chosen`` takes, under their index."""
    return frame.loc[chosen(frame, **kept), slice(None) if columns is None else columns]


def chosen(frame: pd.DataFrame, *, dated: str | None = None, start=None, end=None, present: str | None = None):
    """Row by row, as an array: dated in ``start <= t < end``, and with a value in the column ``present``?"""
    inside = np.ones(len(frame), dtype=bool)
    if dated is not None:
        inside &= ((frame[dated] >= start) & (frame[dated] < end)).to_numpy()
    if present is not None:
        inside &= frame[present].notna().to_numpy()
    return inside
