"""The blank workbook a client fills in: headers with notes, drop-downs for categories, a dictionary sheet."""

from pathlib import Path

from sqlib import contracts, workbook
from sqlib.contracts import Column, Contract

ROWS = 5_000  # rows that get drop-downs


def write(contract: Contract, path: Path, language: str, words: dict) -> Path:
    """Write the template of one table; ``words`` are those of ``words/contracts.toml``.

    Raises
    ------
    ArgumentError : ``workbook.unwritable``
    """
    import xlsxwriter

    def fill(draft: Path) -> None:
        with xlsxwriter.Workbook(draft, workbook.OPTIONS) as book:
            book.set_properties({"created": workbook.MADE})
            bold, text = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "@"})
            required = book.add_format({"bold": True, "bottom": 1, "bg_color": "#FFF2CC"})
            sheet = book.add_worksheet(contract.title[language])
            sheet.freeze_panes(1, 0)
            dictionary = book.add_worksheet(words["dictionary"])
            lists = book.add_worksheet(words["lists"])
            for place, column in enumerate(contract.columns.values()):
                needed = column.required and not column.default
                sheet.write_string(0, place, column.label[language], required if needed else bold)
                sheet.write_comment(0, place, _comment(column, language, words), {"x_scale": 2})
                sheet.set_column(place, place, 16, text if column.type in ("id", "text", "name") else None)
                _choices(sheet, lists, place, column, language, words)
            workbook.fill(dictionary, contracts.dictionary(contract, language), bold, language)

    return workbook.beside(Path(path), fill)


def _comment(column: Column, language: str, words: dict) -> str:
    needed = words["required"] if column.required and not column.default else words["optional"]
    lines = [column.note[language], f"{words['types'][column.type]} · {column.unit[language]} · {needed}"]
    return "\n".join([*lines, contracts.allowed(column, language)]).strip()


def _choices(sheet, lists, place: int, column: Column, language: str, words: dict) -> None:
    """A drop-down of the levels; other values are refused where the column is closed."""
    levels = [level.label[language] for level in column.levels.values()]
    levels = [words["yes"], words["no"]] if column.type == "flag" else levels
    if not levels:
        return
    for row, label in enumerate([column.label[language], *levels]):
        lists.write_string(row, place, label)
    source = f"='{lists.get_name()}'!{_cell(1, place)}:{_cell(len(levels), place)}"
    strict = "warning" if column.open else "stop"
    sheet.data_validation(1, place, ROWS, place, {"validate": "list", "source": source, "error_type": strict})


def _cell(row: int, place: int) -> str:
    from xlsxwriter.utility import xl_rowcol_to_cell

    return xl_rowcol_to_cell(row, place, row_abs=True, col_abs=True)
