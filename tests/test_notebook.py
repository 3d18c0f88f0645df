"""The notebook as a document: parameters, languages, records, the form that is committed."""

import copy
import subprocess
import sys

import nbformat
import pytest
import sample_page
from nbformat import v4

from sqlib import notebook
from sqlib.errors import SqlibError


def test_read_names_the_missing_and_the_broken_file(tmp_path):
    with pytest.raises(SqlibError) as missing:
        notebook.read(tmp_path / "none.ipynb")
    assert missing.value.code == "notebook.missing"
    half = tmp_path / "half.ipynb"
    half.write_text('{"cells": [', encoding="utf-8")
    for text in ('{"cells": [', "[1, 2]", '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}'):
        half.write_text(text, encoding="utf-8")
        with pytest.raises(SqlibError) as broken:
            notebook.read(half)
        assert broken.value.code == "notebook.unreadable"
        assert all(set(broken.value.parts(language)) == {"what", "where", "got", "remedy"} for language in ("zh", "en"))


def test_harvest_returns_records_in_the_order_of_the_page():
    harvested = notebook.harvest(sample_page.notebook("zh"))
    assert harvested["report"]["stem"] == "feedback_analysis"
    assert [finding["key"] for finding in harvested["findings"]] == ["strong", "moderate", "weak", "none"]
    assert [record["table"] for record in harvested["absent"]] == ["invitations", "invitations"]


def test_harvest_takes_the_last_report_record_and_none_is_an_empty_dict():
    nb = sample_page.notebook("zh")
    record = {"stem": "later"}
    nb.cells.append(v4.new_code_cell(outputs=[v4.new_output("display_data", data={notebook.REPORT: record})]))
    assert notebook.harvest(nb)["report"] == record
    assert notebook.harvest(v4.new_notebook()) == {"report": {}, "findings": [], "absent": [], "sheets": []}


def test_keep_language_drops_the_other_prose_and_leaves_the_original():
    nb = sample_page.notebook("zh")
    before = copy.deepcopy(nb)
    kept = notebook.keep_language(nb, "zh")
    prose = [cell for cell in nb.cells if cell.cell_type == "markdown"]
    assert len(kept.cells) == len(nb.cells) - len(prose) // 2
    assert not any("lang-en" in notebook.tags(cell) for cell in kept.cells)
    kept.cells[0].source = "changed"
    assert nb == before


def test_parameters_are_the_annotated_commented_literals():
    source = (
        'client_dir: str = "data/demo"  # folder of the client\n'
        'period: str = "#1"\n'
        "min_group: int = -5  # smallest group shown # twice\n"
        'cells: list[str] = [\n    "team",  # inner\n    "segment",\n]  # cuts\n'
    )
    nb = v4.new_notebook(cells=[v4.new_code_cell(source, metadata={"tags": ["parameters"]})])
    assert notebook.parameters(nb) == [
        ("client_dir", "str", "data/demo", "folder of the client"),
        ("period", "str", "#1", ""),
        ("min_group", "int", -5, "smallest group shown # twice"),
        ("cells", "list[str]", ["team", "segment"], "cuts"),
    ]
    assert notebook.parameters(v4.new_notebook()) == []


@pytest.mark.parametrize("line", ["period = 1", "period: str", "period: str = name", "import os", "p.x: int = 1"])
def test_parameters_refuse_what_is_no_annotated_literal(line):
    nb = v4.new_notebook(cells=[v4.new_code_cell(f"a: int = 1\n{line}", metadata={"tags": ["parameters"]})])
    with pytest.raises(SqlibError) as refused:
        notebook.parameters(nb)
    assert refused.value.code == "notebook.parameter_not_literal"
    assert refused.value.values == {"line": 2, "got": line}


def test_normalise_keeps_what_can_be_compared_and_only_that():
    nb = sample_page.notebook("zh")
    nb.cells[2].metadata.update(collapsed=True)
    light = notebook.normalise(nb)
    nbformat.validate(light)
    code = [cell for cell in light.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not any("injected-parameters" in notebook.tags(cell) for cell in light.cells)
    assert all(set(cell.metadata) <= {"tags"} for cell in light.cells)
    assert set(light.metadata) == {"kernelspec", "language_info"}
    figure = next(o for cell in code for o in cell.outputs if "image/png" in o.get("metadata", {}))
    assert figure.data == {"text/plain": "<Figure size 640x480>"}
    assert figure.metadata["image/png"]["alt"]
    assert notebook.harvest(light) == notebook.harvest(nb)


def test_normalise_is_stable_and_tells_a_cell_that_never_ran():
    first, second = (notebook.normalise(sample_page.notebook("zh")) for _ in range(2))
    assert nbformat.writes(first) == nbformat.writes(second) == nbformat.writes(notebook.normalise(first))
    assert len({cell.id for cell in first.cells}) == len(first.cells)
    nb = v4.new_notebook(cells=[v4.new_code_cell("a"), v4.new_code_cell("b", execution_count=9)])
    assert [cell.execution_count for cell in notebook.normalise(nb).cells] == [None, 1]


def test_normalise_renumbers_a_result_with_its_cell():
    result = v4.new_output("execute_result", data={"text/plain": "1"}, execution_count=9)
    nb = v4.new_notebook(cells=[v4.new_code_cell("1", outputs=[result], execution_count=9)])
    assert notebook.normalise(nb).cells[0].outputs[0].execution_count == 1


@pytest.mark.parametrize("module", ["notebook", "render", "portfolio"])
def test_the_slow_optional_import_of_the_validator_is_blocked(module):
    code = f"import sys; from sqlib import {module}; print(sys.modules['rfc3987_syntax'], 'lark' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["None", "False"]


def test_write_gives_the_same_bytes_on_every_system(tmp_path):
    nb = notebook.normalise(sample_page.notebook("zh"))
    path = notebook.write(nb, tmp_path / "page.ipynb")
    assert path.read_bytes().endswith(b"\n}\n") and b"\r" not in path.read_bytes()
    assert notebook.read(path) == nb
