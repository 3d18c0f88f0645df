"""One file of one source block: from its grid to text under contract names, with its log, problems and counts."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sqlib import exports, headers, mapping, pseudonyms, readers, repairs
from sqlib.client import Source
from sqlib.contracts import Contract
from sqlib.errors import ClientError
from sqlib.faults import listed, nearest

SEVERITY = {  # rule code of every problem met before typing -> severity; worded in words/problems.toml
    "column_claimed_twice": "warning",
    "column_not_in_file": "warning",
    "column_replaced": "warning",
    "filter_not_comparable": "warning",
    "header_only": "warning",
    "header_twice": "error",
    "header_unknown": "error",
    "name_ambiguous": "warning",
    "name_unmatched": "warning",
    "option_numbers": "info",
    "query_no_rows": "warning",
    "quote_unclosed": "warning",
    "record_too_long": "warning",
    "record_too_short": "warning",
    "sheet_hidden": "info",
    "sheet_not_read": "info",
    "undecodable": "warning",
}
REPAIRS = (  # rule code of every repair logged before typing
    "blank_line_removed",
    "column_mapped",
    "duplicate_header_renamed",
    "encoding_decoded",
    "excel_error_cleared",
    "full_width_digits",
    "header_line_removed",
    "merged_cells_filled",
    "missing_code",
    "name_pseudonymised",
    "recoded",
    "title_rows_skipped",
    "total_line_removed",
    "whitespace_trimmed",
)


@dataclass
class Part:
    """One file while it is read.

    body : text, "" where empty; headers as in the file, made unique
    lines : line of each row of the body in the file
    columns : header -> contract column
    """

    file: str  # relative to the client's folder
    place: str  # block in client.toml and file, for messages
    source: Source
    contract: Contract
    body: pd.DataFrame
    lines: pd.Series
    head: int = 1  # line of the header
    columns: dict[str, str] = field(default_factory=dict)
    log: list[pd.DataFrame] = field(default_factory=list)
    problems: list[pd.DataFrame] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def problem(self, rule: str, **values) -> None:
        usual = {"severity": SEVERITY[rule], "used": SEVERITY[rule] != "error"}
        self.problems.append(repairs.problem(self.contract.name, self.file, rule, **(usual | values)))

    def logged(self, rule: str, rows, column="", before="", after="") -> None:
        self.log.append(repairs.log(self.file, rows, column, before, after, rule))


def read(folder: Path, path: Path, source: Source, contract: Contract, where: str) -> Part:
    """Grid, header, repairs that need no contract, and which header means which column."""
    file = path.relative_to(folder).as_posix()
    place = f"{folder.name}/{file}"
    grid = readers.read(path, place, source.sheet, source.encoding)
    if source.header_row and source.header_row > grid.lines[-1]:
        raise ClientError("intake.header_row", where=place, got=source.header_row, last=int(grid.lines[-1]))
    first, last = headers.find(grid, mapping.known(source, contract, where), source.header_row)
    names, repeated = mapping.unique(headers.names(grid.cells, first, last))
    body = grid.cells.iloc[last + 1 :].set_axis(names, axis=1).reset_index(drop=True)
    lines = pd.Series(grid.lines[last + 1 :], dtype="int64")
    part = Part(file, f"{where} ({file})", source, contract, body, lines, int(grid.lines[last]))
    _note(part, grid, (first, last), repeated)
    _repair(part)
    _note_widths(part, grid, last)
    part.source = exports.applied(source, part.body, contract, place)
    meant = mapping.names(part.body, repeated, part.source, contract)
    part.columns = meant.columns
    if numbers := exports.numbered(part.source, part.body):
        part.problem("option_numbers", column="score", value=listed(numbers), count=len(numbers))
    if not part.columns and not part.source.unpivot:
        part.problem("header_unknown", row=part.head, value=" | ".join(names))
    for rule, header, _, best in meant.unclear:
        part.problem(rule, row=part.head, column=header, value=f"{header} | {best}")
    return part


def _note(part: Part, grid: readers.Grid, head: tuple[int, int], repeated: dict[str, str]) -> None:
    """What was met on the way to the body goes into the log and the problems."""
    for rule, line, value, count in grid.notes:
        if rule in REPAIRS:
            part.logged(rule, line, before=value, after="utf-8")
        else:
            part.problem(rule, row=line, value=value, count=count)
    titles = [" ".join(filter(None, dict.fromkeys(grid.cells.iloc[row]))) for row in range(head[0])]
    if titles:
        part.logged("title_rows_skipped", grid.lines[: head[0]], before=titles)
    for name, header in repeated.items():
        part.logged("duplicate_header_renamed", part.head, name, header, name)
    for top, left, bottom, right in grid.merged:
        for row in range(max(top, head[1] + 1), bottom + 1):
            filled = [part.body.columns[place] for place in range(left, right + 1) if (row, place) != (top, left)]
            if filled and (value := grid.cells.iat[top, left]):
                part.logged("merged_cells_filled", int(grid.lines[row]), filled, "", value)


def _repair(part: Part) -> None:
    """Spaces, failed formulas; blank and total lines, headers pasted again; empty columns without a name."""
    part.body, log = repairs.trim(part.body, part.lines, part.file)
    part.body, more = repairs.clear_errors(part.body, part.lines, part.file)
    part.log += log + more
    part.counts["raw_rows"] = len(part.body)
    if part.body.empty:
        part.problem("query_no_rows" if part.source.query else "header_only", row=part.head)
    blank, total = repairs.useless_lines(part.body)
    again = part.body.eq(list(part.body.columns)).all(axis=1)
    useless = blank | total | again
    for rule, lines in (("blank_line_removed", blank), ("total_line_removed", total), ("header_line_removed", again)):
        if lines.any():
            texts = part.body[lines].agg(lambda row: " ".join(filter(None, row)), axis=1)
            part.logged(rule, part.lines[lines], before=texts)
    part.counts["blank_or_total"] = int(useless.sum())
    nameless = [name for name in part.body if name.startswith("(") and (part.body[name] == "").all()]
    part.body = part.body[~useless].drop(columns=nameless)
    part.lines = part.lines[~useless]


def _note_widths(part: Part, grid: readers.Grid, head: int) -> None:
    """Records with more or fewer cells than the header: an unquoted delimiter or line end in a text."""
    if grid.widths is None:
        return
    named = [position for position, text in enumerate(grid.cells.iloc[head]) if text.strip()]
    wanted = named[-1] + 1 if named else 0
    below = slice(head + 1, None)
    longer = (grid.cells.iloc[below, wanted:] != "").any(axis=1).to_numpy()
    shorter = grid.widths[below] < wanted
    for rule, off in (("record_too_long", longer), ("record_too_short", shorter)):
        rows = part.lines[off[part.body.index]]
        if len(rows):
            part.problem(rule, row=int(rows.iloc[0]), value=readers.some(rows.tolist()), count=len(rows))


def check_declared(source: Source, parts: list[Part], where: str) -> None:
    """Every header that ``columns`` names is in some file of the block; a file without it is a problem.

    Raises
    ------
    ClientError : ``intake.header_missing`` with the nearest header there is
    """
    for name in source.columns:
        without = [part for part in parts if mapping.find(name, list(part.body.columns)) is None]
        if len(without) == len(parts):
            there = list(dict.fromkeys(header for part in parts for header in part.body.columns))
            values = {"got": name, "nearest": nearest(name, there), "headers": listed(there)}
            raise ClientError("intake.header_missing", where=where, file=parts[0].file, **values)
        for part in without:
            part.problem("column_not_in_file", column=name)


def mapped(part: Part) -> pd.DataFrame:
    """The body under contract names: filter, constants, unpivot, recode, missing codes, half-width codes."""
    source, body = part.source, part.body
    if source.filter:
        kept, odd = mapping.keep(body, part.columns, source, part.place)
        if odd.any():
            row, count = int(part.lines[odd].iloc[0]), int(odd.sum())
            part.problem("filter_not_comparable", row=row, value=source.filter, count=count)
        body = body[kept]
    part.counts["filtered"] = len(part.body) - len(body)
    names = _names(part)
    frame = _renamed(part, body, names)
    for column, value in source.constants.items():
        _replaced(part, frame, column)
        frame[column] = pd.Series(value, index=frame.index, dtype="str")
    part.counts["unpivot_factor"] = len(source.unpivot.columns) if source.unpivot else 1
    if source.unpivot:
        for column in (source.unpivot.name, source.unpivot.value, *source.unpivot.labelled()):
            _replaced(part, frame, column)
        frame = mapping.unpivot(frame, source, names, part.place)
    frame = _cleaned(part, frame.reset_index(drop=True))
    part.unknown = [name for name in frame if name not in part.contract.columns and not name.startswith("source_")]
    return frame


def _names(part: Part) -> dict[str, str]:
    """Header -> column of the frame: contract names; a header nobody mapped that is spelt like one gets brackets."""
    taken = {*part.contract.columns, "source_file", "source_row"}
    return {header: part.columns.get(header, f"({header})" if header in taken else header) for header in part.body}


def _renamed(part: Part, body: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    for header, column in part.columns.items():
        if header != column:
            part.logged("column_mapped", 0, header, header, column)
    frame = pd.DataFrame({names[header]: body[header].mask(body[header] == "") for header in body}, index=body.index)
    return frame.assign(source_file=part.file, source_row=part.lines.reindex(body.index))


def _replaced(part: Part, frame: pd.DataFrame, column: str) -> None:
    if column in frame:
        header = mapping.by_header(part.columns, column)
        part.problem("column_replaced", row=part.head, column=column, value=header, count=len(frame))


def _cleaned(part: Part, frame: pd.DataFrame) -> pd.DataFrame:
    """Repairs that depend on what the column is."""
    wide = part.source.unpivot
    items = {wide.value: frame[wide.name]} if wide else {}
    for column in [name for name in frame if name in part.contract.columns]:
        header = items.get(column, mapping.by_header(part.columns, column))
        kind, codes = part.contract.columns[column].type, part.source.recode.get(column, {})
        steps = {
            "full_width_digits": lambda cells, kind=kind: repairs.half_width(cells) if kind in mapping.CODES else cells,
            "recoded": lambda cells, codes=codes: mapping.recode(cells, codes) if codes else cells,
            "missing_code": lambda cells, kind=kind: mapping.clear_missing(cells, kind, part.source.missing),
        }
        for rule, change in steps.items():
            before, frame[column] = frame[column], change(frame[column])
            part.log += repairs.changes(before, frame[column], frame["source_row"], part.file, header, rule)
    return frame


def hidden(part: Part) -> pd.DataFrame:
    """The log of one file without the names of people and customers."""
    log = repairs.joined(part.log, repairs.LOG).drop_duplicates(ignore_index=True)  # unpivoted rows repeat their cells
    for header, column in part.columns.items():
        declared = part.contract.columns[column]
        if declared.identifies:
            cells = (log["column"] == header) & ~log["rule"].isin(["column_mapped", "duplicate_header_renamed"])
            for side in ("before", "after"):
                wordy = ~log[side].str.contains(r"\d", regex=True) | (declared.type == "name")
                log[side] = log[side].mask(cells & wordy & (log[side] != ""), pseudonyms.HIDDEN)
    return log
