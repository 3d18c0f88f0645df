"""The batch benchmark without its timings: the reference page, the arithmetic of ratios and bounds, comparisons."""

import ast
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import batch  # noqa: E402
from batch_runs import arms, outputs, own_load, worker, workloads  # noqa: E402

from sqlib import notebook  # noqa: E402


def runs(**seconds: float) -> list[arms.Run]:
    """One run of each arm, cold as fast as steady."""
    names = {name.replace("_", "-"): value for name, value in seconds.items()}
    return [arms.Run("heavy", name, 12, value, value, value, 0.0) for name, value in names.items()]


def test_the_reference_page_has_the_promised_shape():
    nb = notebook.read(workloads.HEAVY)
    code = [cell.source for cell in nb.cells if cell.cell_type == "code"]
    assert (len(nb.cells), len(code)) == (25, 21)
    assert sum("plt.subplots(" in source for source in code) == 6
    assert sum("subplots(2, 2" in source for source in code) == 1
    assert sum("n_boot=draws, seed=seed" in source for source in code) == 2
    assert sum(".fit(" in source for source in code) == 3
    assert sum(".style." in source for source in code) == 6
    assert {parameter.name: parameter.default for parameter in notebook.parameters(nb)}["draws"] == 200
    assert nb == notebook.normalise(nb)
    assert not any(cell.get("outputs") for cell in nb.cells)


def test_answers_repeat_and_differ_between_clients():
    frame = workloads.answers(1)
    assert len(frame) == 20_000
    assert frame.equals(workloads.answers(1))
    assert not frame.equals(workloads.answers(2))
    assert frame.nunique()[["team", "region", "product", "channel", "segment"]].to_list() == [12, 8, 6, 4, 3]


def test_the_shell_loop_and_the_product_are_given_the_same_reports(tmp_path):
    workload = workloads.heavy(2, tmp_path / "data")
    arms.ARMS["shell"].command(workload, workload.reports, tmp_path)
    said = (tmp_path / "loop.sh").read_text(encoding="utf-8")
    arguments = arms.ARMS["product"].command(workload, workload.reports, tmp_path)
    jobs = json.loads((tmp_path / "jobs.yaml").read_text(encoding="utf-8"))
    assert said.count("papermill ") == said.count("jupyter nbconvert") == len(jobs) == 2
    assert all(job["parameters"]["answers_csv"] in said and job["output"] in said for job in jobs)
    assert arguments[arguments.index("--jobs") + 1] == "2"


@given(st.lists(st.floats(0, 1e4), min_size=3, max_size=30).map(sorted))
def test_steady_is_what_follows_the_first_report_of_each_process(ended):
    assert arms.steady(ended, 2) == pytest.approx((ended[-1] - ended[1]) / (len(ended) - 2))


def test_nothing_is_left_out_where_every_report_starts_anew():
    assert arms.steady([1.0, 2.0], 0) is None
    assert arms.steady([1.0, 2.0], 2) is None


def test_ratios_are_of_medians():
    found = [*runs(shell=12, product=2), *runs(shell=14, product=1), *runs(shell=13, product=30)]
    assert batch.ratios(found, "cold", "shell") == {"shell": 1, "product": 2 / 13}
    assert batch.ratios(found, "cold", "floor-2") == {}


def test_bounds():
    every = ["shell", "stock", "product", "floor-2"]
    assert batch.missed(runs(shell=12, stock=2.1, product=1.9, floor_2=1.6), every, 1.2) == []
    missed = batch.missed(runs(shell=12, stock=2.3, product=2.1, floor_2=1.6), every, 1.2)
    assert len(missed) == 5
    assert "1.31 times the floor" in missed[0]
    assert batch.missed(runs(shell=12, stock=2.3, product=2.1, floor_2=2), every, 0) == []
    assert batch.missed(runs(shell=12), ["shell", "product"], 1.2) == ["heavy: product was not measured"]


def test_the_slow_import_is_taken_off_the_shell_loop_alone():
    seconds = {"shell": 12.0, "product": 2.0}
    assert batch._faster(seconds, seconds, "product", 2.0) == [5, 5]
    assert batch._faster(seconds, seconds, "shell", 2.0) == [1, 1]
    assert "6.0  6.0  5.0  5.0" in batch.table(runs(shell=12, product=2, floor_2=1.6), 1.0)


def test_a_noisy_run_is_made_again_and_given_up_at_last(monkeypatch, capsys):
    loads = iter([0.5, 0.1, 0.5, 0.5, 0.5])
    monkeypatch.setattr(arms, "run", lambda arm, *_: arms.Run("heavy", arm.name, 1, 1, 1, 1, next(loads)))
    workload = workloads.Workload("heavy", [], workloads.jobs_file)
    found = batch.measure(workload, ["shell", "product"], 1, batch.QUIET, Path())
    assert [(run.arm, run.other) for run in found] == [("shell", 0.1)]
    assert capsys.readouterr().out.count("discarded") == 4


def test_the_load_of_others_is_what_is_not_our_own():
    before, after = own_load.Mark(0, 10, 100), own_load.Mark(10, 14, 105)
    assert after.cost(before) == (10, 4, 0.1)
    assert own_load.Mark(10, 14, 103).cost(before)[2] == 0  # ticks of the two counters need not fall together


@pytest.fixture
def no_shell_left():
    """IPython's shell is one a process: other tests must not meet it."""
    yield
    type(worker._shell()).clear_instance()
    worker._shell.cache_clear()


def test_the_floor_gives_a_cell_what_a_kernel_would_send(no_shell_left):
    source = [
        "from IPython.display import display\nfrom matplotlib import pyplot",
        "scale = 1",
        "display({'image/png': b'x'}, raw=True)\nprint('said')\nscale * 2",
        "pyplot.plot([scale, 2]);",
    ]
    cells = [notebook.nbformat.v4.new_code_cell(text) for text in source]
    cells[1].metadata["tags"] = ["parameters"]
    nb = notebook.nbformat.v4.new_notebook(cells=cells)
    worker.run_cells(nb, {"scale": 3})
    said, shown, result = cells[2].outputs
    assert (said.text, shown.data["image/png"], result.data["text/plain"]) == ("said\n", "eA==", "6")
    assert [list(output.data) for output in cells[3].outputs] == [["text/plain", "image/png"]]


def executed(place: Path, text: str, count: int | None = 1, images: int = 1) -> Path:
    """A report of an arm: one cell with one styled table, and its HTML."""
    place.mkdir()
    result = notebook.nbformat.v4.new_output("display_data", {"text/html": text})
    cell = notebook.nbformat.v4.new_code_cell("1", outputs=[result], execution_count=count)
    notebook.write(notebook.nbformat.v4.new_notebook(cells=[cell]), place / "one.ipynb")
    (place / "one.html").write_text(text + '<img src="data:image/png;base64,">' * images, encoding="utf-8")
    return place


def test_outputs_are_compared_without_drawn_ids(tmp_path):
    report = workloads.Report("one", "", {}, "en", "one.html")
    places = {name: executed(tmp_path / name, f"<i id='T_{drawn}'>1</i>") for name, drawn in
              {"shell": "0a1b2", "single": "c3d4e", "stock": "00000"}.items()}  # fmt: skip
    assert outputs.compare(report, places) == []
    places["stock"] = executed(tmp_path / "other", "<i id='T_11111'>2</i>", images=2)
    assert [said.split(" of ")[0] for said in outputs.compare(report, places)] == [
        "one: outputs", "one: pages", "one: numbers",
    ]  # fmt: skip
    (places["single"] / "one.html").unlink()
    assert outputs.compare(report, places) == ["single left no HTML of one"]


def test_a_cell_that_did_not_run_is_told(tmp_path):
    with pytest.raises(AssertionError, match="did not run"):
        outputs.cells(executed(tmp_path / "half", "", count=None) / "one.ipynb")


def test_every_part_states_what_it_is():
    parts = [ROOT / "benchmarks" / "batch.py", *(ROOT / "benchmarks" / "batch_runs").glob("*.py")]
    assert all(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in parts)
