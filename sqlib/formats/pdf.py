"""A report as PDF: its HTML by pandoc into typst, set by ``style/typst/report.typ``.

Tagged, with bookmarks and real text, every font embedded; no date and no path in it, so that the same source gives the
same bytes. No text becomes markup: the body is escaped by pandoc, everything else arrives as JSON strings.
"""

import functools
import json
import re
import subprocess
import tempfile
import tomllib
from pathlib import Path

from sqlib import render, style
from sqlib.errors import SqlibError
from sqlib.formats import Source, document, figure_fit, pdf_body, signs, table_layout

_STYLE = style.FOLDER / "typst"
_SECONDS = 120  # for pandoc; a report of 100 pages takes it 2
_FAMILIES = (style.FONT, "DejaVu Sans")  # the font of the report, and one for signs it lacks
FOOT = 779.5  # points from the top of a page to the end of its text
_KEPT = 10  # compilations for which typst keeps a result that none of them asked for
_LONG = re.compile(r"[!-%'-;=?-~]{21,}(?![^<>]*>)")  # in text, not inside a tag
# What typst would turn into other signs (…, −, a soft hyphen) and pandoc leaves as it is; escapes and dashes pass.
_SHORTHAND = re.compile(r"\\.|---?|(?<![A-Za-z0-9])-(?=\w)|-(?=\?)|\.(?=\.)")
_RULED_FOOT = re.compile(r"^ *table\.hline\(\),\n( *table\.footer\()", re.MULTILINE)  # rows like those above it
_READER = "html-auto_identifiers"  # addresses are our own


def make(source: Source, target: Path) -> Path:
    """Write the PDF of a report, in one step or not at all.

    Raises
    ------
    SqlibError : ``pdf.pandoc``, ``pdf.typst`` with the converter's message; ``render.target_locked``
    ArgumentError : ``render.unwritable``
    """
    report = document.read(source)
    html = pdf_body.html(report.main, table_layout.paper(_typesetting()["table"]))
    body = _body(signs.in_words(html, style.font_files(), source.language), target)
    with tempfile.TemporaryDirectory(prefix="sqlib") as folder:
        for name, picture in report.pictures.items():
            (Path(folder) / name).write_bytes(picture)
        pdf = _typeset(body, _settings(report, source, Path(folder)), folder, target)
    return render.write(target, pdf)


def _body(html: str, target: Path) -> str:
    """The body as typst markup; pandoc is a program of its own, and reads and writes no file."""
    import pypandoc

    command = [pypandoc.get_pandoc_path(), "--sandbox", "--wrap=none", f"--from={_READER}", "--to=typst"]
    try:
        done = subprocess.run(
            [*command, f"--lua-filter={_STYLE / 'report.lua'}"],
            input=_LONG.sub(_breakable, html).encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise SqlibError("pdf.pandoc", where=target.name, got=_first(error.stderr.decode())) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SqlibError("pdf.pandoc", where=target.name, got=_first(error)) from error
    return _SHORTHAND.sub(_plain, _RULED_FOOT.sub(r"\1", done.stdout.decode()))


def _plain(found: re.Match) -> str:
    return found[0] if len(found[0]) > 1 else f"\\u{{{ord(found[0]):x}}}"


def _breakable(word: re.Match) -> str:
    """A checksum or an address may break, lest it run into the next column."""
    return re.sub(".{8}", "\\g<0>\u200b", word[0])


def _typeset(body: str, settings: dict, folder: str, target: Path) -> bytes:
    """The PDF, once every figure stands where it can."""
    import typst

    text = f"{_template()}\n#show: report\n{body}".encode()
    told = {"root": folder, "font_paths": _fonts(), "ignore_system_fonts": True}
    try:
        shares, tried = {}, None
        while shares != tried:
            tried = shares
            inputs = {"report": json.dumps(settings | {"shares": tried})}
            found = json.loads(typst.query(text, "<places>", field="value", one=True, sys_inputs=inputs, **told))
            shares = figure_fit.smaller(_places(*found), tried)
        return typst.compile(text, sys_inputs=inputs, pdf_standards="ua-1", **told)
    except (typst.TypstError, RuntimeError) as error:
        raise SqlibError("pdf.typst", where=target.name, got=_first(error)) from error
    finally:
        _forget()


def _places(before: list, top: list, bottom: list, drawn: list) -> list[figure_fit.Place]:
    return [
        figure_fit.Place(image["name"], image["drawn"], up["page"], up["y"], down["y"], end["page"], FOOT - end["y"])
        for end, up, down, image in zip(before, top, bottom, drawn, strict=False)
    ]


def _forget() -> None:
    """Let typst drop what it keeps of a report for ten more compilations: else a worker grows to over a gigabyte."""
    import typst

    for _ in range(_KEPT + 1):
        typst.compile(b"", font_paths=_fonts(), ignore_system_fonts=True)


def _first(error) -> str:
    return next(iter(str(error).strip().splitlines()), "")


def _settings(report: document.Document, source: Source, folder: Path) -> dict:
    """What the template is told beside the body; the logo goes into ``folder``."""
    said = render.wording("report", source.language)
    logo = source.brand.logo
    if logo:
        (folder / f"logo{logo.suffix}").write_bytes(logo.read_bytes())
    return {
        "language": report.language.split("-")[0],
        "region": report.language.partition("-")[2] or None,
        "title": report.title,
        "kicker": report.kicker,
        "lead": report.lead,
        "reliability": report.reliability,
        "facts": [(label, text) for _, label, text in report.facts],
        "contents": report.contents,
        "confidentiality": report.fact("confidentiality"),
        "brand": source.brand.name,
        "logo": logo and f"logo{logo.suffix}",
        "stamp": report.stamp,
        "draft": source.state == "draft",
        "page": said["page"],
        "fonts": _FAMILIES,
        "set": _typesetting()[source.language] | {"padding": _typesetting()["table"]["padding"]},
        "colours": style.palette() | {"text": source.brand.text, "secondary": source.brand.secondary},
        "tints": style.sheet()["tints"],
    }


@functools.cache
def _template() -> str:
    return (_STYLE / "report.typ").read_text(encoding="utf-8")


@functools.cache
def _typesetting() -> dict:
    return tomllib.loads((_STYLE / "typeset.toml").read_text(encoding="utf-8"))


@functools.cache
def _fonts():
    """The fonts, read once a process."""
    import typst

    folders = [file.parent for file in style.font_files()]
    fonts = typst.Fonts(False, False, folders)
    if missing := set(_FAMILIES) - set(fonts.families()):  # typst would leave the text out without a word
        raise SqlibError("pdf.font", where=folders[0], got=", ".join(missing))
    return fonts
