"""The notebook as a document: its parameters, its languages, the records its outputs carry, its committed form."""

import ast
import hashlib
import io
import json
import sys
import tokenize
from collections import Counter
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

# nbformat's validator tries this optional import, and it compiles a grammar for more than a second in every process.
# None makes the import fail, which the validator expects. This module serves the runner, never a kernel.
sys.modules.setdefault("rfc3987_syntax", None)

import nbformat  # noqa: E402
from nbformat import NotebookNode  # noqa: E402

from sqlib.errors import SqlibError  # noqa: E402

LANGUAGES = ("zh", "en")
REPORT, FINDING, ABSENT, SHEET = (
    f"application/vnd.sqlib.{name}+json" for name in ("report", "finding", "absent", "sheet")
)

_PNG = b'"image/png": "'


class Parameter(NamedTuple):
    """One line of the parameters cell: ``period: str = "2026Q3"  # reporting period``."""

    name: str
    type: str
    default: Any
    help: str


def read(path: str | Path) -> NotebookNode:
    """The notebook in a file, as nbformat 4.

    Raises
    ------
    SqlibError : ``notebook.missing`` where there is no such file, ``notebook.unreadable`` where it is no notebook
    """
    invalid = {}  # nbformat reports a notebook that breaks its schema here instead of raising
    try:
        nb = nbformat.reads(Path(path).read_text(encoding="utf-8"), as_version=4, capture_validation_error=invalid)
    except OSError as error:
        raise SqlibError("notebook.missing", where=path, got=error.strerror) from error
    except (ValueError, AttributeError, nbformat.ValidationError) as error:
        raise SqlibError("notebook.unreadable", where=path, got=str(error).splitlines()[0]) from error
    for error in invalid.values():
        raise SqlibError("notebook.unreadable", where=path, got=str(error).splitlines()[0])
    return nb


def write(nb: NotebookNode, path: str | Path) -> Path:
    """The notebook into a file, UTF-8 with a line feed at the end on every system."""
    Path(path).write_text(f"{nbformat.writes(nb)}\n", encoding="utf-8", newline="\n")
    return Path(path)


def tags(cell: NotebookNode) -> set[str]:
    """The tags of a cell; none is an empty set."""
    return set(cell.metadata.get("tags", ()))


def records(outputs: list[NotebookNode], mime: str) -> list[dict]:
    """What a list of outputs carries under one MIME type, in order."""
    return [output["data"][mime] for output in outputs if mime in output.get("data", ())]


def harvest(nb: NotebookNode) -> dict:
    """The records of an executed notebook.

    Returns
    -------
    ``report`` : the last report record, or an empty dict; ``findings``, ``absent`` and ``sheets`` : lists in the order
    of the page
    """
    outputs = [output for cell in nb["cells"] if cell["cell_type"] == "code" for output in cell["outputs"]]
    reports = records(outputs, REPORT)
    return {
        "report": reports[-1] if reports else {},
        "findings": records(outputs, FINDING),
        "absent": records(outputs, ABSENT),
        "sheets": records(outputs, SHEET),
    }


def glance(path: Path) -> dict:
    """The records of an executed notebook in a file, and ``finished``: when papermill ended it, or None.

    Images are passed over and nothing is validated: a quarter of the time of ``read``.

    Raises
    ------
    SqlibError : ``notebook.unreadable``
    """
    try:
        nb = json.loads(_without_images(path.read_bytes()))
        ended = nb["metadata"].get("papermill", {}).get("end_time")
        return harvest(nb) | {"finished": datetime.fromisoformat(ended) if ended else None}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        got = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        raise SqlibError("notebook.unreadable", where=path, got=got) from error


def _without_images(raw: bytes) -> bytes:
    """The JSON text with empty PNG images; inside a string the quotes of this key would be escaped, so none is hit."""
    first, *rest = raw.split(_PNG)
    return _PNG.join([first, *(part[max(part.find(b'"'), 0) :] for part in rest)])


def keep_language(nb: NotebookNode, language: str, languages: tuple[str, ...] = LANGUAGES) -> NotebookNode:
    """A copy without the Markdown cells tagged ``lang-<other>``; untagged and code cells stay."""
    others = {f"lang-{other}" for other in languages if other != language}
    kept = NotebookNode(nb)
    kept.cells = [cell for cell in nb.cells if cell.cell_type != "markdown" or not tags(cell) & others]
    return deepcopy(kept)


def parameters(nb: NotebookNode, strict: bool = True) -> list[Parameter]:
    """The interface a page declares: annotated, commented literals of the cell tagged ``parameters``.

    ``strict`` : a page of the catalogue declares nothing else; of any other notebook plain assignments count as well,
    with the type of their value, and other lines are its own business

    Returns
    -------
    one ``Parameter`` a line, in the order of the cell; an empty list where no cell has the tag

    Raises
    ------
    SqlibError : ``notebook.parameter_not_literal`` for a line that is no annotated assignment of a literal
    """
    source = "\n".join(cell.source for cell in nb.cells if "parameters" in tags(cell))
    comments = _comments(source)
    lines = ast.parse(source).body
    return [_parameter(node, comments) for node in (lines if strict else filter(None, map(_annotated, lines)))]


def _annotated(node: ast.stmt) -> ast.AnnAssign | None:
    """``level = 0.5`` as if ``level: float = 0.5`` stood there; None for a line that gives no name a literal."""
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    try:
        kind = type(ast.literal_eval(node.value)).__name__
    except (AttributeError, TypeError, ValueError):
        return None
    if not isinstance(target, ast.Name):
        return None
    said = getattr(node, "annotation", ast.Name(kind))
    return ast.copy_location(ast.AnnAssign(target, said, node.value, 1), node)


def _parameter(node: ast.stmt, comments: dict[int, str]) -> Parameter:
    try:
        name, kind = node.target.id, ast.unparse(node.annotation)
        return Parameter(name, kind, ast.literal_eval(node.value), comments.get(node.end_lineno, ""))
    except (AttributeError, TypeError, ValueError) as error:
        raise SqlibError("notebook.parameter_not_literal", line=node.lineno, got=ast.unparse(node)) from error


def _comments(source: str) -> dict[int, str]:
    """Line number -> text after the #; tokenized, because a # may also stand inside a string."""
    found = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").rstrip() for t in found if t.type == tokenize.COMMENT}


def normalise(nb: NotebookNode) -> NotebookNode:
    """A copy fit to be committed: a change of a number is a readable difference, a second run is none.

    Images go, their output, alt text and ``text/plain`` stay; execution counts run 1, 2, 3 … over the executed cells
    (a cell that never ran stays without, so that a test can find it); cells keep their tags only and get ids made from
    their content; papermill's injected cell and metadata go.
    """
    cells = [deepcopy(cell) for cell in nb.cells if "injected-parameters" not in tags(cell)]
    executed, seen = 0, Counter()
    for cell in cells:
        cell.metadata = NotebookNode({"tags": sorted(tags(cell))} if tags(cell) else {})
        cell.id = _cell_id(cell, seen)
        if cell.cell_type == "code" and cell.execution_count is not None:
            executed += 1
            cell.execution_count = executed
            cell.outputs = [_light(output, executed) for output in cell.outputs]
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return nbformat.from_dict({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _cell_id(cell: NotebookNode, seen: Counter) -> str:
    content = f"{cell.cell_type}\n{cell.source}"
    seen[content] += 1
    return hashlib.sha256(f"{content}\n{seen[content]}".encode()).hexdigest()[:12]


def _light(output: NotebookNode, count: int) -> NotebookNode:
    if "data" in output:
        output.data = NotebookNode({mime: data for mime, data in output.data.items() if not mime.startswith("image/")})
    if "execution_count" in output:
        output.execution_count = count
    return output


def encrypted():
    """Settings that talk to a kernel under keys of its own: client data never cross the loopback in the clear.

    The kernel logs what is fatal only: being stopped at the end of a page is no error a consultant should read.
    """
    from traitlets.config import Config

    quiet = {"extra_arguments": ["--IPKernelApp.log_level=50"]}
    spoken = {"transport_encryption": "auto", "client_class": "sqlib.provisioner.PromptClient"}
    return Config({"KernelManager": spoken, "NotebookClient": quiet})
