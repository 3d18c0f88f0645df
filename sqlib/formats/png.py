"""The figures of a page at 300 dpi, as the page drew them, for slides and documents of the client's own."""

from pathlib import Path

from sqlib import notebook, render
from sqlib.errors import ArgumentError, SqlibError
from sqlib.formats import Source


def make(source: Source, target: Path) -> Path:
    """Put the figures of one language into the folder ``target``; figures of an earlier run that are no more go.

    Raises
    ------
    SqlibError : ``formats.figures`` where the page shows more figures than were kept for print
    ArgumentError : ``render.unwritable``
    """
    kept, target = figures(source, "png"), Path(target)
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path in kept:
            part = target / f".{path.name}.part"
            part.write_bytes(path.read_bytes())
            render.replace(part, target / path.name)
        for path in target.glob("*.png"):
            if path.name not in {each.name for each in kept}:
                path.unlink()
    except OSError as error:
        raise ArgumentError("render.unwritable", where=target, got=error.strerror) from error
    return target


def figures(source: Source, kind: str) -> list[Path]:
    """The figures kept at 300 dpi, in the order of the page: as many as the page shows.

    Raises
    ------
    SqlibError : ``formats.figures``
    """
    cells = (cell for cell in notebook.read(source.executed).cells if cell.cell_type == "code")
    shown = sum("image/png" in output.get("data", ()) for cell in cells for output in cell.outputs)
    kept = sorted(source.figures.glob("*.png")) if source.figures.is_dir() else []
    if len(kept) != shown:
        values = {"stem": source.stem, "where": source.figures.name, "shown": shown, "got": len(kept), "format": kind}
        raise SqlibError("formats.figures", **values)
    return kept
