"""The executed notebook as one self-contained HTML page: the core findings first, code hidden, nothing loaded.

The arrangement is made here, the look in ``style/report/`` and the fixed words in ``words/report.toml``:

cover (H1, report record) → contents → summary (cells tagged ``headline``) → H2 sections of H3 moves → appendix
(cells tagged ``appendix``, and what follows the headlines before the next H2) → signature.
"""

import functools
import html as markup
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from nbformat import NotebookNode

from sqlib import notebook
from sqlib.errors import ArgumentError, SqlibError

_PACKAGE = Path(__file__).parent
_STYLE = _PACKAGE / "style"
PROSE, OUTPUT = 0, 9  # beside the levels 1, 2, 3 of a heading
_HIDDEN = {"parameters", "injected-parameters", "remove-cell", "remove-output"}


@dataclass(frozen=True)
class Piece:
    """A heading (its level and text), a stretch of prose, or what one code cell shows."""

    level: int
    html: str
    tags: frozenset[str] = frozenset()
    absent: tuple[str, ...] = ()


@dataclass
class Move:
    """An H3 and what stands under it; ``title`` is empty for what precedes the first H3 of a section."""

    title: str
    pieces: list[Piece] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


@dataclass
class Section:
    """An H2 and its moves; ``title`` is empty for what precedes the first H2."""

    title: str
    moves: list[Move]


@dataclass
class Outline:
    """The page in reading order."""

    title: str
    lead: list[Piece]
    summary: list[Piece]
    sections: list[Section]
    appendix: list[Piece]


def html(nb_or_path: NotebookNode | str | Path, out_path: str | Path, *, language: str) -> Path:
    """Write the report of an executed notebook; the same notebook gives the same bytes.

    Parameters
    ----------
    nb_or_path : executed notebook, or its file; Markdown cells of other languages are left out
    out_path : the HTML file; it is replaced in one step or not touched
    language : ``zh`` or ``en``

    Raises
    ------
    SqlibError : ``render.target_locked`` where another program holds the file
    ArgumentError : ``render.unwritable`` where the folder takes no file
    """
    nb = nb_or_path if isinstance(nb_or_path, NotebookNode) else notebook.read(nb_or_path)
    nb = notebook.keep_language(nb, language)
    record = notebook.harvest(nb)["report"]
    resources = {"page": outline(nb), "record": record, "words": words("report", language), "language": language}
    text, _ = _exporter().from_notebook_node(nb, resources)
    return write(out_path, text)


def write(path: str | Path, text: str) -> Path:
    """Text into a file by way of a neighbour, so that a reader never meets half of it; errors as in ``html``."""
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        if part.exists():
            part.unlink()
        raise ArgumentError("render.unwritable", where=path, got=error.strerror) from error
    try:
        os.replace(part, path)
    except OSError as error:
        part.unlink()
        raise SqlibError("render.target_locked", where=path, got=error.strerror) from error
    return path


def words(stem: str, language: str) -> dict:
    """The fixed words of one page in one language."""
    return tomllib.loads((_PACKAGE / "words" / f"{stem}.toml").read_text(encoding="utf-8"))[language]


@functools.cache
def palette() -> dict[str, dict[str, str]]:
    """``colours`` and ``tints``: meaning -> hex."""
    return tomllib.loads((_STYLE / "palette.toml").read_text(encoding="utf-8"))


@functools.cache
def _exporter():
    """One exporter a process: building it and compiling the template cost more than a page."""
    from nbconvert.exporters.templateexporter import TemplateExporter

    exporter = TemplateExporter(
        template_name="report",
        template_file="index.html.j2",
        extra_template_basedirs=[str(_STYLE)],
        extra_template_paths=[str(_STYLE)],
    )
    exporter.environment.globals["palette"] = palette()
    exporter.register_filter("cssstring", _css_string)
    return exporter


def _css_string(text: str) -> str:
    """The inside of a CSS string: all but letters and digits as code points, so that no text can end it."""
    return "".join(c if c.isalnum() else f"\\{ord(c):x} " for c in text)


@functools.cache
def _markdown():
    """Markdown -> HTML as nbconvert does it, without the ¶ links; raw HTML passes, the prose is our own."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    return MarkdownWithMath(renderer=IPythonRenderer(escape=False, exclude_anchor_links=True)).render


def outline(nb: NotebookNode) -> Outline:
    """The cells of one language in the order of the report."""
    body, summary, appendix, titles = [], [], [], []
    current = body
    for piece in _pieces(nb):
        if "headline" in piece.tags:
            summary.append(piece)
            current = appendix
        elif "appendix" in piece.tags:
            appendix.append(piece)
        elif piece.level == 1:
            titles.append(piece.html)
        else:
            current = body if piece.level == 2 else current
            current.append(piece)
    lead = list(takewhile(lambda piece: piece.level == PROSE, body))
    sections = [_section(title, pieces) for title, pieces in _split(body[len(lead) :], 2)]
    return Outline(" ".join(titles), lead, [p for p in summary if p.html], sections, [p for p in appendix if p.html])


def _pieces(nb: NotebookNode) -> Iterator[Piece]:
    for cell in nb.cells:
        marks = frozenset(notebook.tags(cell))
        if cell.cell_type == "markdown":
            yield from (Piece(level, text, marks) for level, text in _prose(cell.source))
        elif cell.cell_type == "code" and not marks & _HIDDEN:
            reasons = [record["reason"] for record in notebook.records(cell.outputs, notebook.ABSENT)]
            piece = Piece(OUTPUT, _shown(cell.outputs), marks, tuple(reasons))
            if piece.html or piece.absent:
                yield piece


def _prose(source: str) -> Iterator[tuple[int, str]]:
    """A Markdown cell as headings (level 1 to 3, inner HTML) and the prose between them (level 0)."""
    parts = re.split(r"<h([123])>(.*?)</h\1>", _markdown()(source), flags=re.DOTALL)
    for prose, level, heading in zip(parts[0::3], [*parts[1::3], None], [*parts[2::3], None], strict=True):
        if prose.strip():
            yield PROSE, _tidy(prose.strip())
        if level:
            yield int(level), heading


def _split(pieces: list[Piece], level: int) -> list[tuple[str, list[Piece]]]:
    """Groups that begin at each heading of a level; the first, untitled one only where it holds something."""
    groups = [("", [])]
    for piece in pieces:
        if piece.level == level:
            groups.append((piece.html, []))
        else:
            groups[-1][1].append(piece)
    return groups if groups[0][1] else groups[1:]


def _section(title: str, pieces: list[Piece]) -> Section:
    """A section whose absent moves are replaced by their reason, each reason once."""
    said, moves = set(), []
    for heading, inside in _split(pieces, 3):
        move = Move(heading, inside, [r for p in inside for r in p.absent if r not in said])
        move.reasons = list(dict.fromkeys(move.reasons))
        said.update(move.reasons)
        outputs = [piece for piece in inside if piece.level == OUTPUT]
        if outputs and not any(piece.html for piece in outputs):
            move.title, move.pieces = "", []
        moves.append(move)
    return Section(title, moves)


def _shown(outputs: list[NotebookNode]) -> str:
    """HTML and images of a cell; streams, tracebacks and plain text stay in the notebook."""
    bundles = [o for o in outputs if o.output_type in ("display_data", "execute_result")]
    return _tidy("\n".join(filter(None, map(_fragment, bundles))))


def _fragment(output: NotebookNode) -> str:
    if notebook.ABSENT in output.data:
        return ""
    if "text/html" in output.data:
        return output.data["text/html"]
    if "image/png" in output.data:
        return _image(output.data["image/png"], output.metadata.get("image/png", {}))
    return ""


def _image(png: str, about: dict) -> str:
    """An image with its alt text and, where the metadata tell it, its size in CSS pixels (it may be drawn at 2x)."""
    size = "".join(f' {side}="{about[side]}"' for side in ("width", "height") if side in about)
    alt = markup.escape(about.get("alt", ""))
    return f'<img src="data:image/png;base64,{"".join(png.split())}" alt="{alt}"{size}>'


_PARAGRAPH = r'<p class="sq-{}">(?:(?!</p>).)*</p>'
_FIGURE = re.compile(
    rf"(?:{_PARAGRAPH.format('caption')}\s*)?<img [^>]*>(?:\s*{_PARAGRAPH.format('figure-label')})?", re.DOTALL
)
_TABLE = re.compile(r'(?:<p class="sq-table-label">((?:(?!</p>).)*)</p>\s*)?(<table\b[^>]*>)(.*?</table>)', re.DOTALL)

# Minus sign, digits, percent; en dash or full-width tilde between; in text, not inside a tag.
_RANGE = re.compile(r"\u2212?\d[\d.,]*%?[\u2013\uff5e]\u2212?\d[\d.,]*%?(?![^<]*>)")


def _tidy(fragment: str) -> str:
    """Figures and tables as a browser, a screen reader and a printer want them.

    A figure holds caption, image and label together; a table gets its label as caption, the scope of its header cells
    and a frame that scrolls on a narrow screen. Customer text is escaped before it comes here, so no tag is its own.
    """
    framed = _FIGURE.sub(r'<figure class="sq-figure">\g<0></figure>', fragment)
    return unbroken(_TABLE.sub(_table, framed))


def unbroken(fragment: str) -> str:
    """Intervals such as 74%\u201382% stay on one line; attributes are left alone."""
    return _RANGE.sub(r'<span class="sq-range">\g<0></span>', fragment)


def _table(match: re.Match) -> str:
    label, opening, rest = match.groups()
    caption = f'<caption class="sq-table-label">{label}</caption>' if label else ""
    head, closing, body = rest.rpartition("</thead>")
    scoped = _scope(head, "col") + closing + _scope(body, "row")
    return f'<div class="sq-scroll" tabindex="0">{opening}{caption}{scoped}</div>'


def _scope(rows: str, scope: str) -> str:
    return re.sub(r"<th\b(?![^>]*\bscope=)", f'<th scope="{scope}"', rows)
