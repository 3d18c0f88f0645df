"""A small executed page as ``page.py`` leaves it, in two languages, for the tests of what stands around a page."""

import tomllib
from html import escape
from pathlib import Path

from nbformat import v4

TEXT = tomllib.loads((Path(__file__).parent / "data" / "sample_page.toml").read_text(encoding="utf-8"))
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PARTS = ("reference", "certainty", "consequence", "decision", "owner", "evidence")


def notebook(language: str, *, png: str = PNG, both: bool = True, period: str = "2026Q3"):
    """The page executed in ``language``; with ``both``, the other language's prose is still there."""
    words, languages = TEXT[language], ("zh", "en") if both else (language,)

    def prose(template: str, *tags: str):
        for code in languages:
            text = template.format_map(TEXT[code])
            yield v4.new_markdown_cell(text, metadata={"tags": [*tags, f"lang-{code}"]})

    cells = [
        *prose("# {title}\n\n{lead}"),
        _code('period: str = "2026Q3"  # reporting period', tags=["parameters"]),
        _code('period = "2026Q3"', tags=["injected-parameters"]),
        _code("p = open()", _data(_record(words, language, period), "report"), _html(_strip(words)), _stream()),
        *prose("## {sections[0]}"),
        *prose("### {moves[0]}\n\n{how}"),
        _code(
            "p.figure(a)",
            _html(f'<p class="sq-caption">{words["caption"]}</p>'),
            _image(png, words["alt"]),
            _html(f'<p class="sq-figure-label">{words["figure_label"]}</p>'),
        ),
        *prose("### {absent_move}\n\n{absent_prose}"),
        _code("b = p.run(method)", _absent(words)),
        _code("p.figure(b)", _absent(words)),
        *prose("## {sections[1]}"),
        *prose("### {moves[1]}\n\n{how}"),
        _code("p.table(c)", _html(_table(words))),
        _code("p.problems()", _html(f'<div class="sq-problems"><p>{words["problems"]}</p></div>')),
        *prose("## {sections[3]}\n\n{cannot}"),
        _code("p.quote()", _html(f'<p class="sq-note">{words["quote"]}: {escape(words["comment"])}</p>')),
        *prose("## {core}", "headline"),
        _code("p.headline()", *(_finding(words, f) for f in words["findings"]), tags=["headline"]),
        _code("p.close()", _html(_provenance(words))),
    ]
    return v4.new_notebook(cells=cells, metadata={"papermill": {"output_path": "out.ipynb"}})


def _code(source, *outputs, tags=()):
    return v4.new_code_cell(source, outputs=list(outputs), execution_count=7, metadata={"tags": list(tags)})


def _html(fragment, **records):
    return v4.new_output("display_data", data={"text/html": fragment, "text/plain": "hidden <b>text</b>", **records})


def _data(record, name, fragment=None):
    data = {f"application/vnd.sqlib.{name}+json": record} | ({"text/html": fragment} if fragment else {})
    return v4.new_output("display_data", data=data)


def _image(png, alt):
    data = {"image/png": png, "text/plain": "<Figure size 640x480>"}
    return v4.new_output("display_data", data=data, metadata={"image/png": {"alt": alt}})


def _stream():
    return v4.new_output("stream", name="stderr", text="<b>a warning</b>")


def _record(words, language, period):
    texts = {key: words[key] for key in ("title", "prepared_by", "confidentiality", "reliability_sentence")}
    return texts | {
        "client_id": "jiahe",
        "client_name": words["client"],
        "stem": "feedback_analysis",
        "period": period,
        "period_start": "2026-07-01",
        "period_end": "2026-09-30",
        "compared_with": "2026Q2",
        "as_of": "2026-09-30",
        "language": language,
        "audience": "management",
        "version": "V1.0",
        "reliability": "B",
    }


def _absent(words):
    return _data(
        {"table": "invitations", "reason": words["absent"]}, "absent", f'<p class="sq-absent">{words["absent"]}</p>'
    )


def _strip(words):
    numbers = "".join(f"<div><b>{value}</b><span>{name}</span></div>" for value, name in words["strip"])
    return f'<div class="sq-strip">{numbers}</div>'


def _table(words):
    first, *numbers, last = words["head"]
    head = f"<th>{first}</th>{''.join(f'<th class=num>{name}</th>' for name in numbers)}<th>{last}</th>"
    body = "".join(_row(*row) for row in words["rows"])
    return (
        f'<p class="sq-caption">{words["table_caption"]}</p><p class="sq-table-label">{words["table_label"]}</p>'
        f'<table class="sq-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f'<p class="sq-note">{words["note"]}</p>'
    )


def _row(name, *cells):
    *values, code, verdict = cells
    numbers = "".join(f'<td class="num">{value}</td>' for value in values)
    return f'<tr><th>{name}</th>{numbers}<td><span class="sq-verdict sq-{code}">{verdict}</span></td></tr>'


def _finding(words, finding):
    strength = finding["strength"]
    pairs = "".join(f"<dt>{t}</dt><dd>{d}</dd>" for t, d in zip(words["parts"], finding["parts"], strict=True))
    fragment = (
        f'<section class="sq-finding sq-{strength}"><p class="sq-statement">'
        f'<span class="sq-strength">{words["dots"][strength]}</span> {finding["statement"]}</p>'
        f"<dl>{pairs}</dl></section>"
    )
    record = {
        "client": "jiahe",
        "period": "2026Q3",
        "finding_id": f"feedback_analysis.{strength}",
        "stem": "feedback_analysis",
        "key": strength,
        "subject": "",
        "estimate": -0.03,
        "low": -0.07,
        "high": 0.01,
        "confidence": 0.95,
        "unit": "share",
        "n": 186,
        "reference": None,
        "target": 0.85,
        "verdict": "unclear",
        "strength": strength,
        "cautions": "few_clusters;small",
        "evidence": "table.c",
        "parts": {"statement": finding["statement"]},
    }
    return _data(record, "finding", fragment)


def _provenance(words):
    pairs = "<dt>raw/a.xlsx</dt><dd>5f2c6a</dd><dt>min_group</dt><dd>5</dd>"
    return f"<details><summary>{words['provenance']}</summary><dl>{pairs}</dl></details>"
