"""The processes inside some arms: papermill in one process or two, and the plain-Python floor.

    python benchmarks/batch_runs/worker.py papermill|floor REPORTS.json OUT PROCESSES

``papermill`` calls ``papermill.execute_notebook`` as anybody would; which kernel answers is for the environment to say.
``floor`` is what no runner of notebooks can undercut: the code cells in one warm process, no kernel, no messages, no
notebook written. Both make their HTML by ``sqlib.render``.
"""

import ast
import contextlib
import io
import json
import sys
from base64 import b64encode
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from sqlib import notebook, render  # before papermill: it keeps nbformat from a slow optional import

ROOT = Path(__file__).resolve().parents[2]


def papermill(report: dict, out: Path) -> None:
    """One report by papermill: the executed notebook and its HTML."""
    import papermill

    executed = out / f"{report['name']}.ipynb"
    papermill.execute_notebook(report["notebook"], str(executed), report["parameters"], cwd=str(ROOT))
    render.html(executed, executed.with_suffix(".html"), language=report["language"])


def floor(report: dict, out: Path) -> None:
    """One report without a kernel: the HTML alone."""
    nb = notebook.read(report["notebook"])
    run_cells(nb, report["parameters"])
    render.html(nb, out / f"{report['name']}.html", language=report["language"])


def run_cells(nb, parameters: dict) -> None:
    """Execute the code cells in a namespace of their own; each cell gets the outputs a kernel would send."""
    namespace = {"__name__": "__main__"}
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs = _outputs(cell.source, namespace)
            if "parameters" in notebook.tags(cell):
                namespace |= parameters


def _outputs(source: str, namespace: dict) -> list:
    """What one cell prints, displays, ends with and has drawn."""
    shell, said = _shell(), io.StringIO()
    with contextlib.redirect_stdout(said):
        last = _execute(source, namespace)
    shown = [("display_data", bundle["data"], bundle["metadata"]) for bundle in shell.display_pub.outputs]
    shell.display_pub.outputs.clear()
    if last is not None:
        shown.append(("execute_result", *shell.display_formatter.format(last)))
    shown += [("display_data", *shell.display_formatter.format(figure)) for figure in _figures()]
    printed = [{"output_type": "stream", "name": "stdout", "text": said.getvalue()}] if said.getvalue() else []
    return [notebook.NotebookNode(output) for output in (*printed, *(_bundle(*each) for each in shown))]


def _bundle(kind: str, data: dict, about: dict) -> dict:
    """A display as the notebook keeps it: bytes in base64, a result with its count."""
    kept = {mime: b64encode(value).decode() if isinstance(value, bytes) else value for mime, value in data.items()}
    count = {"execution_count": None} if kind == "execute_result" else {}
    return {"output_type": kind, "data": notebook.NotebookNode(kept), "metadata": notebook.NotebookNode(about)} | count


def _execute(source: str, namespace: dict):
    """Run a cell; the value of its last expression, unless a semicolon ends it."""
    body = ast.parse(source).body
    ends = body and isinstance(body[-1], ast.Expr)
    last = ast.Expression(body.pop().value) if ends else None
    exec(compile(ast.Module(body, []), "<cell>", "exec"), namespace)
    value = eval(compile(last, "<cell>", "eval"), namespace) if last else None
    return None if source.rstrip().endswith(";") else value


def _figures() -> list:
    """The open figures, which are closed as at the end of a cell."""
    from matplotlib import pyplot

    figures = [pyplot.figure(number) for number in pyplot.get_fignums()]
    pyplot.close("all")
    return figures


@cache
def _shell():
    """IPython's display machinery, set up as the inline back end does it; it executes nothing."""
    import matplotlib
    from IPython.core.displaypub import CapturingDisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.core.pylabtools import select_figure_formats
    from traitlets.config import Config

    matplotlib.use("agg")
    quiet = Config({"HistoryManager": {"enabled": False}})
    shell = InteractiveShell.instance(user_module=sys.modules["__main__"], config=quiet)
    shell.display_pub = CapturingDisplayPublisher()
    select_figure_formats(shell, {"png"}, bbox_inches="tight")
    return shell


def main(kind: str, reports: str, out: str, processes: str) -> None:
    """Every report of the list, in as many processes as asked for; one process is this one."""
    work = {"papermill": papermill, "floor": floor}[kind]
    todo = json.loads(Path(reports).read_text(encoding="utf-8"))
    if int(processes) == 1:
        for report in todo:
            work(report, Path(out))
        return
    with ProcessPoolExecutor(int(processes), mp_context=get_context("spawn")) as pool:
        list(pool.map(work, todo, [Path(out)] * len(todo)))


if __name__ == "__main__":
    main(*sys.argv[1:])
