"""What a deck says: the core findings with their figures, the decisions asked, what stays open, sources and method.

Everything is taken from the executed notebook and printed in its words; the slides are drawn by ``pptx``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlib import notebook, render, words
from sqlib.formats import Source, png
from sqlib.notebook import NotebookNode

LEAST, MOST = 8, 12  # slides
FIXED = 5  # cover, summary, actions, limits, sources
PARTS = ("certainty", "compared", "so_what", "decision", "owner")  # of a finding, beside its figure
SURE = ("exact", "strong", "moderate")


@dataclass(frozen=True)
class Figure:
    """A figure of the page: its caption is the conclusion, ``label`` its number, source and n."""

    key: str
    path: Path
    caption: str
    label: str


@dataclass(frozen=True)
class Point:
    """One slide of the body: a conclusion, what belongs to it (heading, text), and the figure that shows it."""

    title: str
    parts: tuple[tuple[str, str], ...]
    figure: Figure | None


@dataclass(frozen=True)
class Story:
    """The deck in the order of its slides.

    ``findings``: (certainty, statement) of every core finding; ``actions``: (statement, decision, owner) of those that
    ask for one; ``strip``: the numbers the page rests on, each with what it counts.
    """

    report: dict
    findings: list[tuple[str, str]]
    sure: int
    points: list[Point]
    actions: list[tuple[str, str, str]]
    limits: list[str]
    strip: list[tuple[str, str]]
    notes: list[str]
    method: str


def tell(source: Source) -> Story:
    """The deck of an executed page.

    Raises
    ------
    SqlibError : ``formats.figures`` where the page shows more figures than were kept for print
    """
    page, language = notebook.keep_language(notebook.read(source.executed), source.language), source.language
    core = list(_core(page))
    strip, limits = _fragments(page, "<strip>"), _fragments(page, "<limits>")
    return Story(
        report=notebook.harvest(page)["report"],
        findings=[(certainty(each["strength"], language), each["parts"]["statement"]) for each in core],
        sure=sum(each["strength"] in SURE for each in core),
        points=_points(core, _figures(source, page), language),
        actions=[_action(each) for each in core if each["parts"]["owner"] != _nobody(language)],
        limits=[item.get_text(" ", strip=True) for html in limits for item in html.select("li")],
        strip=[(box.b.get_text(), box.span.get_text()) for html in strip for box in html.select(".sq-strip > div")],
        notes=_notes(page),
        method=_method(page, language),
    )


def certainty(code: str, language: str) -> str:
    """How sure, as the report marks and words it."""
    entry = words.entry("common", "strength", code)
    return f"{entry['mark']} {entry[language]}"


def _core(page: NotebookNode) -> Iterator[dict]:
    """Core findings in the order of the summary; what the consultant withholds is none."""
    for cell in page.cells:
        if cell.cell_type == "code" and "headline" in notebook.tags(cell):
            for found in notebook.records(cell.outputs, notebook.FINDING):
                if found.get("parts") and not found.get("withheld"):
                    yield found


def _action(found: dict) -> tuple[str, str, str]:
    return tuple(found["parts"][part] for part in ("statement", "decision", "owner"))


def _nobody(language: str) -> str:
    """What a finding says that asks for no decision of anybody."""
    return words.text("page", "owner", "none", language=language)


def _figures(source: Source, page: NotebookNode) -> list[Figure]:
    """Every figure of the page with the words above and below it."""
    kept, found = iter(png.figures(source, "pptx")), []
    for cell in page.cells:
        for output in cell.get("outputs", ()):
            data, html = output.get("data", {}), output.get("data", {}).get("text/html", "")
            if "image/png" in data:
                path, caption = next(kept), output.metadata.get("image/png", {}).get("alt", "")
                found.append(Figure(path.stem.partition("_")[2], path, caption, ""))
            elif html.startswith('<p class="sq-figure-label">') and found and not found[-1].label:
                found[-1] = Figure(found[-1].key, found[-1].path, found[-1].caption, data["text/plain"])
    return found


def _points(core: list[dict], figures: list[Figure], language: str) -> list[Point]:
    """The slides between summary and actions.

    Findings that a figure shows come first, those with evidence before those without, as far as there is room; where
    the deck would be short, findings without a figure and further figures of the page. They stand in the order of the
    summary.
    """
    drawn, free = {}, {figure.key: figure for figure in figures}
    for number, found in enumerate(core):
        keys = (found["key"], *found["evidence"].split(";"))
        figure = next((free.pop(key) for key in keys if key in free), None)
        if figure:
            drawn[number] = figure
    ranked = sorted(drawn, key=lambda number: (core[number]["strength"] == "none", number))[: MOST - FIXED]
    missing = LEAST - FIXED - len(ranked)
    bare = [number for number in range(len(core)) if number not in drawn][: max(missing, 0)]
    chosen = [_point(core[number], drawn.get(number), language) for number in sorted([*ranked, *bare])]
    more = [Point(figure.caption, (), figure) for figure in free.values()]
    return chosen + more[: max(missing - len(bare), 0)]


def _point(found: dict, figure: Figure | None, language: str) -> Point:
    said = found["parts"] | {"certainty": f"{_mark(found['strength'])} {found['parts']['certainty']}"}
    said = {part: said[part] for part in PARTS if said.get(part) and said[part] != _nobody(language)}
    parts = [(words.text("page", "part", part, language=language), text) for part, text in said.items()]
    if judgement := found["parts"].get("judgement"):
        parts.append((words.text("page", "judgement", "label", language=language), judgement))
    return Point(found["parts"]["statement"], tuple(parts), figure)


def _mark(strength: str) -> str:
    return words.entry("common", "strength", strength)["mark"]


def _outputs(page: NotebookNode, plain: str) -> Iterator[tuple[NotebookNode, str]]:
    """Cells that show a fragment called so, with its HTML."""
    for cell in page.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if data.get("text/plain") == plain:
                yield cell, data["text/html"]


def _fragments(page: NotebookNode, plain: str) -> list:
    return [_parsed(html) for _, html in _outputs(page, plain)]


def _notes(page: NotebookNode) -> list[str]:
    """Period and reader, as the page says them below the strip."""
    cells = [cell for cell, _ in _outputs(page, "<strip>")]
    shown = (output.get("data", {}) for cell in cells for output in cell.outputs)
    return [data["text/plain"] for data in shown if data.get("text/html", "").startswith('<p class="sq-note">')]


def _method(page: NotebookNode, language: str) -> str:
    """The first words of the appendix: the methods in one paragraph."""
    sections = render.outline(page, render.wording("report", language)).appendix
    pieces = (piece for section in sections for move in section.moves for piece in move.pieces)
    prose = next((piece.html for piece in pieces if piece.level == render.PROSE), "")
    return _parsed(prose).get_text(" ", strip=True)


def _parsed(html: str):
    from bs4 import BeautifulSoup

    return BeautifulSoup(html, "html.parser")
