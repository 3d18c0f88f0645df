"""What the start page shows, as HTML: every value is escaped, colours are those of JupyterLab's theme."""

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlib import lab_links, start_run, words
from sqlib.start_run import Heard

STYLE = """<style>
.sq-page { color: var(--jp-ui-font-color1, inherit); max-width: 1080px; }
.sq-page h2, .sq-page h3, .sq-page p { margin: 0.5em 0 0.2em; line-height: 1.5; }
.sq-page h2 { font-size: 1.25em; border-bottom: 1px solid var(--jp-border-color2, currentColor);
  padding-bottom: 0.2em; }
.sq-page h3 { font-size: 1em; }
.sq-page pre { background: var(--jp-layout-color2, transparent); color: inherit; padding: 0.7em 0.9em; margin: 0;
  border: 1px solid var(--jp-border-color2, currentColor); border-radius: 3px; white-space: pre-wrap;
  overflow-wrap: anywhere; line-height: 1.5; }
.sq-page pre.sq-command { user-select: all; cursor: copy; }
.sq-page pre.sq-fault, .sq-page pre.sq-remark { border-left: 4px solid; font-family: inherit; }
.sq-page pre.sq-fault { border-left-color: var(--jp-error-color1, currentColor); }
.sq-page pre.sq-remark { border-left-color: var(--jp-warn-color1, currentColor); }
.sq-page .widget-html-content { min-width: 0; }
.sq-page .sq-scroll { max-height: 30em; overflow: auto; }
.sq-page table { border-collapse: collapse; width: 100%; margin: 0.3em 0; line-height: 1.4; }
.sq-page th, .sq-page td { text-align: left; vertical-align: top; padding: 0.25em 0.7em 0.25em 0; min-width: 5.2em;
  border-bottom: 1px solid var(--jp-border-color2, currentColor); overflow-wrap: anywhere; }
.sq-page a { color: var(--jp-content-link-color, LinkText); text-decoration: underline; }
.sq-page summary { cursor: pointer; font-weight: 600; padding: 0.3em 0; }
.sq-page ul { margin: 0.2em 0; padding-left: 1.4em; line-height: 1.7; }
.sq-page input, .sq-page select, .sq-page textarea { background-color: var(--jp-layout-color1, Field);
  color: var(--jp-ui-font-color1, FieldText); }
.sq-page .widget-label, .sq-page .widget-label-basic { color: inherit; }
</style>"""


def say(*path: str, language: str, **values) -> str:
    """An entry of the page's words as plain text."""
    return words.text("start_page", *path, language=language, **values)


def heading(text: str, level: int = 2) -> str:
    return f"<h{level}>{html.escape(text)}</h{level}>"


def paragraph(text: str) -> str:
    return f'<p role="status">{html.escape(text)}</p>' if text else ""


def command(line: str) -> str:
    """A command line that one click selects whole."""
    return f'<pre class="sq-command" tabindex="0"><code>{html.escape(line)}</code></pre>'


def quoted(text: str) -> str:
    """What a command printed."""
    return f"<pre>{html.escape(text)}</pre>" if text else ""


def fault(text: str) -> str:
    """An error in the four parts of ``SqlibError.text``."""
    return f'<pre class="sq-fault" role="alert">{html.escape(text)}</pre>' if text else ""


def remark(text: str) -> str:
    """What is to be looked at where nothing went wrong, in the same parts."""
    return f'<pre class="sq-remark">{html.escape(text)}</pre>' if text else ""


def link(path: Path, text: str) -> str:
    """A link that opens the file in a new tab; where no server shows it, its path."""
    address, text = lab_links.address(path), html.escape(text)
    if not address:
        return f"{text}: <code>{html.escape(str(path))}</code>"
    return f'<a href="{html.escape(address)}" target="_blank" rel="noopener">{text}</a>'


def listed(items: Iterable[str]) -> str:
    """Items that are HTML already."""
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def table(rows: Sequence[dict]) -> str:
    """Rows as {heading: cell}."""
    head = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in rows[0])
    lines = ("".join(f"<td>{html.escape(str(cell))}</td>" for cell in row.values()) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="sq-scroll" tabindex="0">{whole}</div>'


def folded(text: str, inside: str, shown: bool = False) -> str:
    return f"<details{' open' * shown}><summary>{html.escape(text)}</summary>{inside}</details>"


def checked(told: dict, titles: dict[str, str], language: str) -> str:
    """What ``sqlib check --log-json`` told."""
    join = words.text("common", "term", "join", language=language)
    pages = join.join(titles.get(stem, stem) for stem in told["pages"])
    parts = [paragraph(say("said", "checked" if pages else "unready", language=language, pages=pages))]
    workbook = Path(told["workbook"])
    files = {"problems": workbook, "mapping": workbook.with_name("mapping.xlsx")}
    parts.append(listed(link(path, say("link", kind, language=language)) for kind, path in files.items()
                        if path.is_file()))  # fmt: skip
    for kind in ("problems", "readiness", "unknown", "reasons"):
        rows = told[kind][language]
        if rows:
            parts.append(folded(_summed(kind, rows, language), table(rows), shown=kind in ("problems", "readiness")))
    parts += [remark(text) for text in told["remarks"][language]]
    return "".join([*parts, paragraph(told["decisions"][language])])


def _summed(kind: str, rows: list[dict], language: str) -> str:
    can, yes = (words.text("readiness", *path, language=language) for path in (("headings", "can"), ("can", "yes")))
    values = {"count": len(rows), "all": len(rows), "yes": sum(row.get(can) == yes for row in rows)}
    return say("heading", kind, language=language, **values)


def going(heard: Heard, titles: dict[str, str], language: str) -> str:
    """One line on what is being made."""
    if not heard.planned:
        return paragraph(say("said", "starting", language=language))
    if not heard.making:
        return paragraph(say("said", "reading", language=language))
    join = words.text("common", "term", "join", language=language)
    reports = join.join(_report(event, titles, language) for event in heard.making.values())
    return paragraph(say("said", "making", language=language, reports=reports))


def _report(event: dict, titles: dict[str, str], language: str) -> str:
    stem = start_run.stem(event["key"])
    values = {"page": titles.get(stem, stem), "client": event["client"], "period": event["period"]}
    return say("said", "report", language=language, **values)


def counts(heard: Heard, language: str) -> str:
    """How many of each."""
    kinds = ("done", "current", "failed", "skipped")
    return paragraph(say("said", "counts", language=language, **{kind: heard.count(kind) for kind in kinds}))


def faults(heard: Heard, titles: dict[str, str], language: str) -> str:
    """Every job that failed or was left out, with its reason and remedy; remarks and notes."""
    if not heard.faults:
        return ""
    parts = [heading(say("heading", "faults", language=language, count=len(heard.faults)), 3)]
    for event in heard.faults:
        parts.append(paragraph(_report(event, titles, language) if event.get("key") else ""))
        show = fault if event.get("status") == "failed" else remark
        parts.append(show(event["reason"]["text"][language]))
    return "".join(parts)


def results(heard: Heard, out: Path, titles: dict[str, str], languages: tuple[str, ...], language: str) -> str:
    """Links to the index and to each file of each report that stands."""
    if not (out / "index.html").is_file() or not heard.standing:
        return ""
    parts = [heading(say("heading", "results", language=language), 3),
             f"<p>{link(out / 'index.html', say('link', 'index', language=language))}</p>"]  # fmt: skip
    for key in heard.standing:
        files = start_run.files(out, key, languages)
        links = " · ".join(link(path, _kind(code, kind)) for code, kind, path in files)
        head = say("said", "files", language=language, report=_report(heard.ended[key], titles, language))
        parts.append(f"<li>{html.escape(head)}{links}</li>")
    return "".join(parts[:2]) + f"<ul>{''.join(parts[2:])}</ul>"


def _kind(code: str, kind: str) -> str:
    """``HTML``, or with the language named in itself."""
    own = words.text("portal", "language_names", code, language=code) if code else ""
    return f"{own} {kind.upper()}".strip()
