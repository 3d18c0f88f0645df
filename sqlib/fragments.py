"""HTML fragments of a page: tables, captions, callouts. Everything that comes from data is escaped here."""

from html import escape

import pandas as pd

from sqlib import words
from sqlib.words import Cell, Estimate, Field, Listing, Member, Quantity, Term

PARTS = ("compared", "certainty", "so_what", "decision", "owner", "evidence")  # of a finding, after the statement
ADDED = {"judgement": "label", "withheld": "withheld"}  # the consultant's: part -> its heading
SIGNED = (  # differences carry their sign
    "change", "crude", "adjusted", "shrunk", "difference", "gain", "penalty", "reward", "asymmetry",
)  # fmt: skip
TEXTUAL = (
    "text",
    "cell",
    "member",
    "item",
    "field",
    "theme",
    "date",
    "verdict",
    "term",
    "terms",
)  # formats set to the left


def table(frame: pd.DataFrame, spec: dict, language: str, names: dict[str, str]) -> str:
    """A frame as a three-line table.

    ``spec`` is an entry ``[table.<name>]`` of a words file: its ``columns`` name the frame's column (``from``), the
    ``label`` and the ``format``: text, cell, member, item, field, theme, date, verdict, term.<group>, terms.<group>
    (codes joined by ";"), a unit of common.toml, ``interval`` followed by a unit, which adds the columns ``_low`` and
    ``_high`` (``low`` and ``high`` where the column has none of its own), or ``range``, which reads only these. Unit
    ``row`` reads column ``unit``, the name of a column reads that; a verdict heeds column ``best`` and is left blank
    where the column it ``needs`` is; an empty cell reads ``blank`` where the column has one. An ``optional`` column is
    left out where the frame has none or holds nothing in it. ``names`` words the themes of the code book.
    """
    columns = [column for column in spec["columns"] if not column.get("optional") or _holds(frame, column["from"])]
    head = "".join(f'<th scope="col"{_aligned(column)}>{escape(column["label"][language])}</th>' for column in columns)
    body = "".join(_row(row, columns, language, names) for row in frame.to_dict("records"))
    return f'<table class="sq-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _holds(frame: pd.DataFrame, name: str) -> bool:
    return name in frame and (frame.empty or bool(frame[name].notna().any()))


def _row(row: dict, columns: list[dict], language: str, names: dict[str, str]) -> str:
    cells = (f"<td{_aligned(column)}>{_cell(row, column, language, names)}</td>" for column in columns)
    return f"<tr>{''.join(cells)}</tr>"


def _aligned(column: dict) -> str:
    return "" if column["format"].split(".")[0] in TEXTUAL else ' class="num"'


def _cell(row: dict, column: dict, language: str, names: dict[str, str]) -> str:
    """One cell, escaped."""
    name, form = column["from"], column["format"]
    value = row.get(name)
    if form == "verdict" and pd.notna(row[column.get("needs", name)]):
        return verdict(value, language, row.get("best", "high"))
    if form == "range":
        return escape(_range(row, name, language))
    if form.startswith("interval"):
        return _interval(row, column, form.removeprefix("interval").strip(), language)
    if pd.isna(value) or form == "verdict":
        return escape(_blank(column, language))
    if form == "theme":
        return escape(names[value])
    if form == "date":
        return f"{value:%Y-%m-%d}"
    if form in ("points", "hundred"):
        return escape(words.number(value, form, language, signed=column.get("signed", False), bound=True))
    return escape(words.worded(_worded(value, row, column), language))


def _blank(column: dict, language: str) -> str:
    return column.get("blank", {}).get(language) or words.worded(None, language)


def _worded(value, row: dict, column: dict):
    """The value as words.worded understands it."""
    kind, _, group = column["format"].partition(".")
    match kind:
        case "text":
            return value
        case "member":
            return Member(row.get("family", row.get("dimension", "")), value)
        case "cell":
            return Cell(row.get("family", row.get("dimension", "")), value)
        case "item":
            return Cell("dimension", value)
        case "field":
            return Field(value)
        case "term":
            return Term(group, value)
        case "terms":
            return Listing(tuple(Term(group, code) for code in value.split(";") if code))
    return Quantity(value, row["unit"] if kind == "row" else kind, signed=column.get("signed", False))


def _range(row: dict, name: str, language: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if pd.isna(low):
        return words.worded(None, language)
    ends = {"low": Quantity(low), "high": Quantity(high)}
    return words.text("common", "estimate", "range", language=language, **ends)


def _interval(row: dict, column: dict, unit: str, language: str) -> str:
    """Estimate and interval, each unbroken; the column's heading gives the unit of a difference."""
    name = column["from"]
    low, high = (f"{name}_low", f"{name}_high") if f"{name}_low" in row else ("low", "high")
    unit = row["unit"] if unit == "row" else row.get(unit, unit)
    if pd.isna(row[name]):
        return escape(_blank(column, language))
    estimate = Estimate(row[name], row[low], row[high], unit, signed=column.get("signed", name in SIGNED))
    if pd.isna(row[low]):
        return escape(words.number(row[name], unit, language, signed=estimate.signed, bound=True))
    value, lower, upper = words.interval(estimate, language, bound=True)
    interval = words.text("common", "estimate", "brackets", language=language, low=lower, high=upper)
    return f'<span class="sq-est">{escape(value)}</span> <span class="sq-ci">{escape(interval)}</span>'


def verdict(code: str, language: str, best: str = "high") -> str:
    """A verdict as a chip: mark, words and tone."""
    entry = words.entry("common", "verdict", code)
    return f'<span class="sq-verdict sq-{words.tone(code, best)}">{entry["mark"]} {escape(entry[language])}</span>'


def paragraph(kind: str, text: str) -> str:
    """A paragraph of one of the page's classes: caption, note, figure-label, table-label, absent."""
    return f'<p class="sq-{kind}">{escape(text)}</p>'


def card(title: str, code: str, language: str) -> str:
    """Heading of a card: what it is about, and the verdict."""
    return f'<h4 class="sq-card">{escape(title)} {verdict(code, language)}</h4>'


def strip(numbers: list[tuple[str, str]]) -> str:
    """The data strip: a few numbers with what they count."""
    cells = "".join(f"<div><b>{escape(number)}</b><span>{escape(label)}</span></div>" for number, label in numbers)
    return f'<div class="sq-strip">{cells}</div>'


def listing(sentences: list[str]) -> str:
    """A list of sentences."""
    return f'<ul class="sq-list">{"".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)}</ul>'


def finding(strength: str, parts: dict[str, str], language: str) -> str:
    """The seven-part callout: the statement with its strength, then the six parts in their order."""
    entry = words.entry("common", "strength", strength)
    label = f'<span class="sq-strength" title="{escape(entry[language])}">{entry["mark"]}</span>'
    rows = "".join(
        f"<dt>{escape(words.text('page', 'part', part, language=language))}</dt><dd>{escape(parts[part])}</dd>"
        for part in PARTS
        if parts.get(part)
    )
    statement = f'<p class="sq-statement">{label} {escape(parts["statement"])}</p>'
    added = "".join(
        judgement(words.text("page", "judgement", name, language=language), parts[part])
        for part, name in ADDED.items()
        if parts.get(part)
    )
    return f'<section class="sq-finding sq-{strength}">{statement}<dl>{rows}</dl>{added}</section>'


def judgement(label: str, text: str) -> str:
    """The consultant's own words, marked as such."""
    return f'<div class="sq-judgement"><b>{escape(label)}</b><p>{escape(text)}</p></div>'


def quote(text: str, theme: str) -> str:
    """A customer's words, approved, with the theme they speak of."""
    return f'<blockquote class="sq-quote"><p>{escape(text)}</p><footer>{escape(theme)}</footer></blockquote>'
