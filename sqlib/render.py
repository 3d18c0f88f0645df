"""The executed notebook as one self-contained HTML page: the core findings first, code hidden, nothing loaded.

The arrangement is made here, the look in ``style/report/`` and the fixed words in ``words/report.toml``:

cover (H1, report record) → contents → summary (cells tagged ``headline``) → H2 sections of H3 moves → appendix (the
H2 that begins with that word, and what follows the headlines before the next H2) → signature.
"""

import base64
import functools
import hashlib
import html as markup
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from sqlib import notebook, style, words
from sqlib.brand import Brand
from sqlib.errors import ArgumentError, SqlibError
from sqlib.notebook import NotebookNode

_STYLE = Path(__file__).parent / "style"
LONG = 24  # rows that a printed page may have to break
WIDE, BROAD = 6, 14  # columns that need small print, or a sheet turned
PROSE, OUTPUT = 0, 9  # beside the levels 1, 2, 3 of a heading
_BOXES = {PROSE: "sq-prose", OUTPUT: "sq-cell"}
_STAMP = re.compile(
    r'(<(?:dd|p class="sq-stamp") data-state=")\w*(">)[^<]*'
)  # customer text is escaped: no tag its own
_HIDDEN = {"parameters", "injected-parameters", "remove-cell", "remove-output"}


@dataclass(frozen=True)
class Piece:
    """A heading (its level and text), a stretch of prose, or what one code cell shows."""

    level: int
    html: str
    tags: frozenset[str] = frozenset()
    absent: tuple[str, ...] = ()

    @property
    def box(self) -> str:
        """CSS class of what it is shown in; empty for a heading."""
        return _BOXES.get(self.level, "")


@dataclass
class Move:
    """An H3 and what stands under it; ``title`` is empty for what precedes the first H3 of a section."""

    title: str
    pieces: list[Piece]
    reasons: list[str]


@dataclass
class Section:
    """An H2 and its moves; what precedes the first H2 gets a title of the page's words."""

    title: str
    moves: list[Move]


@dataclass
class Outline:
    """The page in reading order."""

    title: str
    lead: list[Piece]
    summary: list[Piece]
    sections: list[Section]
    appendix: list[Section]


def html(
    nb_or_path: NotebookNode | str | Path,
    out_path: str | Path,
    *,
    language: str,
    version: str = "",
    state: str = "draft",
    brand: Brand | None = None,
) -> Path:
    """Write the report of an executed notebook; the same notebook gives the same bytes.

    Parameters
    ----------
    nb_or_path : executed notebook, or its file; Markdown cells of other languages are left out
    out_path : the HTML file; it is replaced in one step or not touched
    language : ``zh`` or ``en``
    version, state : printed as the stamp of the page; what nobody has frozen is a ``draft``
    brand : name, logo and colours of the cover; without one the workbench's own colours

    Raises
    ------
    SqlibError : ``render.target_locked`` where another program holds the file
    ArgumentError : ``render.unwritable`` where the folder takes no file
    """
    nb = nb_or_path if isinstance(nb_or_path, NotebookNode) else notebook.read(nb_or_path)
    nb = notebook.keep_language(nb, language)
    record = notebook.harvest(nb)["report"]
    said = wording("report", language)
    text = template("report").render(
        page=outline(nb, said),
        record=record,
        facts=cover(record, language),
        signed=words.day(record["as_of"], language) if record.get("as_of") else "",
        words=said,
        language=language,
        brand=brand or Brand(),
        script=script("report"),
    )
    return write(out_path, stamped(text, language, version, state))


def stamped(page: str, language: str, version: str, state: str) -> str:
    """The HTML of a report with another stamp; nothing else of it changes."""
    stamp = markup.escape(wording("report", language)["stamp"][state].format(version=version).strip())
    return _STAMP.sub(lambda match: f"{match[1]}{state}{match[2]}{stamp}", page)


def unstamped(page: str) -> str:
    """The HTML of a report as it reads under any version: two are equal where they say the same."""
    return _STAMP.sub(r"\1\2", page)


def write(path: str | Path, content: str | bytes) -> Path:
    """Text or bytes into a file by way of a neighbour: a reader never meets half of it; errors as in ``html``."""
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            part.write_bytes(content)
        else:
            part.write_text(content, encoding="utf-8", newline="")
    except OSError as error:
        if part.exists():
            part.unlink()
        raise ArgumentError("render.unwritable", where=path, got=error.strerror) from error
    try:
        return replace(part, path)
    except SqlibError:
        part.unlink()
        raise


def replace(source: Path, target: Path) -> Path:
    """Put a finished file where another may stand, in one step; errors as in ``html``."""
    try:
        os.replace(source, target)
    except PermissionError as error:
        raise SqlibError("render.target_locked", where=target, got=error.strerror) from error
    except OSError as error:
        raise ArgumentError("render.unwritable", where=target, got=error.strerror) from error
    return target


def wording(stem: str, language: str) -> dict:
    """The words file of a template in one language: each entry ``{zh, en}`` replaced by its text."""

    def spoken(entry: dict):
        if isinstance(entry.get(language), str):
            return entry[language]
        return {name: spoken(inside) for name, inside in entry.items()}

    return spoken(words.catalogue(stem))


class Fact(NamedTuple):
    """One line of the cover: key of the report record, label, text, and the days of a period."""

    key: str
    label: str
    text: str
    span: str = ""


def cover(record: dict, language: str) -> list[Fact]:
    """The lines of the cover that a report record fills; its days as a document writes them."""
    said, days = wording("report", language), {"as_of", "period_start", "period_end"}
    told = {key: words.day(text, language) if text and key in days else text for key, text in record.items()}
    span = said["span"].format(first=told.get("period_start"), last=told.get("period_end"))
    spans = {"period": span} if told.get("period_start") and told.get("period_end") else {}
    return [Fact(key, label, told[key], spans.get(key, "")) for key, label in said["cover"].items() if told.get(key)]


class Script(NamedTuple):
    """A script that stands in the page itself, and the source by which the page's policy allows it and no other."""

    text: str
    source: str


@functools.cache
def script(stem: str) -> Script:
    """``style/<stem>/<stem>.js``."""
    text = (_STYLE / stem / f"{stem}.js").read_text(encoding="utf-8")
    return Script(text, f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'")


@functools.cache
def template(stem: str):
    """``style/<stem>/index.html.j2``, compiled once a process; what it is given is escaped unless marked safe."""
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup, escape

    loader = FileSystemLoader([_STYLE / stem, _STYLE])
    environment = Environment(loader=loader, autoescape=True, keep_trailing_newline=True)
    environment.globals["palette"] = style.sheet()
    environment.filters["cssstring"] = _css_string
    environment.filters["line_breaks"] = lambda text: Markup(line_breaks(str(escape(text))))
    environment.filters["picture"] = _picture
    return environment.get_template("index.html.j2")


def _picture(path: Path) -> str:
    """A PNG or JPEG file as a data address."""
    kind = {".png": "png"}.get(path.suffix.lower(), "jpeg")
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _css_string(text: str) -> str:
    """The inside of a CSS string: all but letters and digits as code points, so that no text can end it."""
    return "".join(c if c.isalnum() else f"\\{ord(c):x} " for c in text)


@functools.cache
def _markdown():
    """Markdown -> HTML with the extensions of JupyterLab; raw HTML passes, the prose is our own.

    mistune itself: by way of nbconvert its import costs twenty times as much.
    """
    import mistune

    return mistune.create_markdown(escape=False, plugins=["strikethrough", "table", "url", "task_lists", "def_list"])


def outline(nb: NotebookNode, said: dict) -> Outline:
    """The cells of one language in the order of the report; ``said``: the words of the report page."""
    body, summary, appendix, titles = [], [], [], []
    current = body
    for piece in _pieces(nb):
        if "headline" in piece.tags:
            summary.append(piece)
            current = appendix
        elif piece.level == 1:
            titles.append(piece.html)
        else:
            if piece.level == 2:
                current = appendix if piece.html.startswith(said["appendix"]) else body
            current.append(piece)
    lead = list(takewhile(lambda piece: piece.level == PROSE, body))
    sections = _sections(body[len(lead) :], said["background"])
    last = _sections(appendix, said["appendix"])
    return Outline(" ".join(titles), lead, [piece for piece in summary if piece.html], sections, last)


def _pieces(nb: NotebookNode) -> Iterator[Piece]:
    for cell in nb.cells:
        marks = frozenset(notebook.tags(cell))
        if cell.cell_type == "markdown":
            yield from (Piece(level, text, marks) for level, text in _prose(cell.source))
        elif cell.cell_type == "code" and not marks & _HIDDEN:
            reasons = [record["reason"] for record in notebook.records(cell.outputs, notebook.ABSENT)]
            yield Piece(OUTPUT, _shown(cell.outputs), marks, tuple(reasons))


def _prose(source: str) -> Iterator[tuple[int, str]]:
    """A Markdown cell as headings (level 1 to 3, inner HTML) and the prose between them (level 0)."""
    parts = re.split(r"<h([123])>(.*?)</h\1>", _markdown()(source), flags=re.DOTALL)
    for prose, level, heading in zip(parts[0::3], [*parts[1::3], None], [*parts[2::3], None], strict=True):
        if prose.strip():
            yield PROSE, _tidy(prose.strip())
        if level:
            yield int(level), heading


def _split(pieces: list[Piece], level: int) -> list[tuple[str, list[Piece]]]:
    """Groups that begin at each heading of a level; the first, untitled one only where it shows something."""
    groups = [("", [])]
    for piece in pieces:
        if piece.level == level:
            groups.append((piece.html, []))
        else:
            groups[-1][1].append(piece)
    return groups if any(piece.html or piece.absent for piece in groups[0][1]) else groups[1:]


def _sections(pieces: list[Piece], untitled: str) -> list[Section]:
    """Sections with something to read; a heading over empty moves alone is left out."""
    sections = [_section(title or untitled, inside) for title, inside in _split(pieces, 2)]
    return [section for section in sections if any(move.pieces or move.reasons for move in section.moves)]


def _section(title: str, pieces: list[Piece]) -> Section:
    """A section whose empty moves give way to the reason of their absence, each reason once."""
    section, given = Section(title, []), set()
    for heading, inside in _split(pieces, 3):
        reasons = dict.fromkeys(reason for piece in inside for reason in piece.absent if reason not in given)
        given.update(reasons)
        kept = [] if _empty(heading, inside) else inside
        section.moves.append(Move(heading if kept else "", kept, list(reasons)))
    return section


def _empty(heading: str, pieces: list[Piece]) -> bool:
    """Does no code cell of a move show anything?

    A move whose reason an earlier one has given leaves no output at all; what stands before the first H3 may be prose
    about a section and goes only where its own cells say that they are absent.
    """
    outputs = [piece for piece in pieces if piece.level == OUTPUT]
    silent = bool(outputs) and not any(piece.html for piece in outputs)
    return silent and (heading != "" or any(piece.absent for piece in outputs))


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
    """An image with its alt text, as large as it was drawn: by its metadata, else by its resolution."""
    png = "".join(png.split())
    width, height = (about["width"], about["height"]) if {"width", "height"} <= set(about) else _size(png)
    alt = markup.escape(about.get("alt", ""))
    return f'<img src="data:image/png;base64,{png}" alt="{alt}" width="{width}" height="{height}">'


def _size(png: str) -> tuple[int, int]:
    """Width and height in CSS pixels, 96 an inch; without a resolution (chunk pHYs) a pixel is one of them."""
    start = base64.b64decode(png[:1200])
    width, height = struct.unpack(">II", start[16:24])
    at = start.find(b"pHYs") + 4
    per_metre = struct.unpack(">I", start[at : at + 4])[0] if at > 3 else 96 / 0.0254
    return tuple(round(side * 96 / (per_metre * 0.0254)) for side in (width, height))


# Both begin with a fixed character, so that the search leaps over the base64 of an image.
_LABELLED = r'<(?:p class="sq-{}">((?:(?!</p>).)*)</p>\s*<)?'
_FIGURE = re.compile(
    rf'{_LABELLED.format("caption")}img [^>]*>(?:\s*<p class="sq-figure-label">(?:(?!</p>).)*</p>)?', re.DOTALL
)
_TABLE = re.compile(rf"{_LABELLED.format('table-label')}(table\b[^>]*>)(.*?</table>)", re.DOTALL)

# Sign, digits, percent; en dash or full-width tilde between; or a count; or a pseudonym.
_RANGE = re.compile(
    r"[\u2212+]?\d[\d.,]*%?[\u2013\uff5e][\u2212+]?\d[\d.,]*%?|\bn = \d[\d,]*"
    r"|(?<![A-Z0-9])[A-Z]-[A-Z2-7]{10}(?![A-Z0-9])"
)
_BRACKET = re.compile(r"(?<=[\d%])\uff08")
_TAG = re.compile(r"(<[^>]*>)")


def _tidy(fragment: str) -> str:
    """Figures and tables as a browser, a screen reader and a printer want them.

    A figure holds caption, image and label together; a table gets its label as caption, the scope of its header cells
    and a frame that scrolls on a narrow screen. Customer text is escaped before it comes here, so no tag is its own.
    """
    framed = _FIGURE.sub(r'<figure class="sq-figure">\g<0></figure>', fragment)
    return line_breaks(_TABLE.sub(_table, framed))


def line_breaks(fragment: str) -> str:
    """Where a line may break: never in 74%\u201382%, n = 212 or a pseudonym, but before the bracket around."""
    parts = _TAG.split(fragment)
    parts[::2] = map(_breaks, parts[::2])
    return "".join(parts)


def _breaks(text: str) -> str:
    return _BRACKET.sub("<wbr>\uff08", _RANGE.sub(r'<span class="sq-range">\g<0></span>', text))


def _table(match: re.Match) -> str:
    label, opening, rest = match.groups()
    caption = f'<caption class="sq-table-label"><span>{label}</span></caption>' if label else ""
    head, closing, body = rest.rpartition("</thead>")
    head, body = _scope(head, "col"), _scope(body, "row")
    columns = head.count("<th ")
    shape = " sq-long" * (body.count("<tr") > LONG) + " sq-wide" * (columns > WIDE) + " sq-broad" * (columns > BROAD)
    return f'<div class="sq-scroll{shape}" tabindex="0"><{opening}{caption}{head}{closing}{body}</div>'


def _scope(rows: str, scope: str) -> str:
    return re.sub(r"<th\b(?![^>]*\bscope=)", f'<th scope="{scope}"', rows)
