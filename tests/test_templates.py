"""The blank template: its own headers and drop-downs are what the contract reads back."""

import openpyxl
import pytest

from sqlib import contracts
from sqlib.errors import ArgumentError


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("table", contracts.names())
def test_every_header_of_the_template_is_read_as_its_column(tmp_path, table, language):
    contract = contracts.load(table)
    book = openpyxl.load_workbook(contracts.template(contract, tmp_path / "t.xlsx", language))
    sheet = book.worksheets[0]
    headers = [cell.value for cell in sheet[1]]
    assert [contracts.match(header, contract) for header in headers] == list(contract.columns)
    assert all(
        cell.comment and cell.comment.text.startswith(contract.columns[name].note[language])
        for cell, name in zip(sheet[1], contract.columns, strict=True)
    )
    assert len(book.sheetnames) == 3


def test_drop_downs_offer_the_levels_and_refuse_others_where_the_column_is_closed(tmp_path):
    contract = contracts.load("cases")
    book = openpyxl.load_workbook(contracts.template(contract, tmp_path / "t.xlsx", "zh"))
    rules = {
        next(iter(rule.sqref.ranges)).min_col - 1: rule for rule in book.worksheets[0].data_validations.dataValidation
    }
    names = list(contract.columns)
    closed, opened = rules[names.index("status")], rules[names.index("channel")]
    assert (closed.errorStyle or "stop", opened.errorStyle) == ("stop", "warning")
    place = names.index("status") + 1
    offered = [row[place - 1].value for row in book.worksheets[2].iter_rows(min_row=2) if row[place - 1].value]
    assert offered == [level.label["zh"] for level in contract.columns["status"].levels.values()]
    assert names.index("case_id") not in rules


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError) as raised:
        contracts.template(contracts.load("cases"), tmp_path / "file" / "t.xlsx", "en")
    assert raised.value.code == "workbook.unwritable" and raised.value.exit_status == 2
