"""The companion of a page: open, read, run, show, headline, close.

A page names its tables, methods and figures; everything else (folders, periods, words, numbering, privacy, what to
do where a table is absent) happens here. Nothing is written unless the job has an ``out_dir``; figures at 300 dpi and
typed tables only where it holds the folders ``figures/<stem>/`` and ``typed/<stem>/``.
"""

import functools
import inspect
import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
from pandas.api.types import is_numeric_dtype

from sqlib import (
    account,
    audiences,
    catalogue,
    client,
    commentary,
    findings,
    fragments,
    masking,
    periods,
    project,
    pseudonyms,
    quotes,
    stored,
    style,
    words,
    workbook,
)
from sqlib.arguments import AUDIENCES, check
from sqlib.errors import ArgumentError, MethodRefused
from sqlib.faults import listed, nearest
from sqlib.reading import Absent, Reading
from sqlib.words import Estimate, Listing, Quantity, Term

FINDING = "application/vnd.sqlib.finding+json"
ABSENT = "application/vnd.sqlib.absent+json"
REPORT = "application/vnd.sqlib.report+json"
SHEET = "application/vnd.sqlib.sheet+json"
WIDE = 20  # points of a scale from which one decimal is enough
READ = "read.json"  # what the page read, in its out_dir: for the record of the run
UNDRAWN = ("not_comparable", "none_judged")  # verdicts that leave nothing to draw; a figure may declare more


def open(
    stem: str, client_dir: str, period: str | int = "", language: str = "zh", *, compare_to: str = "previous",
    as_of: str = "", out_dir: str = "", audience: str = "management", min_group: int = 5, confidence: float = 0.95,
    seed: int = 0, team: str = "",
) -> "Page":  # fmt: skip
    """Open a page on one client and one period.

    Parameters are those of every page's parameters cell: ``period`` empty = the client's default; ``compare_to``
    previous | same-last-year | none | a period; ``as_of`` empty = ``data_until`` of client.toml, else the period's
    last day; ``out_dir`` empty = nothing is written; ``team``: the reader's own, needed by the audience team.

    Raises
    ------
    ArgumentError, ClientError : a parameter or client.toml is wrong, or the page is not for this audience
    """
    given = {name: value for name, value in locals().items() if name != "stem"}
    check(given)
    if known := catalogue.entries().get(stem):
        known.check(audience)
    who = client.load(project.client_folder(client_dir))
    chosen = client.reporting_period(who, period)
    before = periods.compared(chosen, compare_to, who.fiscal_year_start)
    day = as_of or who.data_until
    until = pd.Timestamp(day) if day else None
    return Page(stem, who, chosen, before, until, given)


class Page(Reading):
    """One page open on one client and period; made by :func:`open`."""

    def __init__(self, stem, who, period, before, until, given):
        super().__init__(who, period, before, until, given["language"], given["min_group"])
        self.stem, self._given = stem, given
        known = catalogue.entries().get(stem)
        if known and known.reads:
            self.subject, self.tables_used = known.reads[0], {*known.reads, *known.uses}
        self.audience = self._numbered(audiences.load(given["audience"], team=given["team"]))
        self.closed = self.audience.closed
        self._remarks = commentary.read(who, period.text, stem)
        self.settings = {name: given[name] for name in ("confidence", "seed", "min_group")}
        self._out = Path(given["out_dir"]) if given["out_dir"] else None
        self._numbers = {"figure": 0, "table": 0}
        self._places: dict[str, list[str]] = {}  # key -> the figures and tables that show it
        self._met: set[str] = set()  # ids of the findings this run came upon
        self._found: list[tuple[findings.Finding, dict[str, str]]] = []
        self._absences: list[Absent] = []
        self._told_of_sheets = False

    def _numbered(self, audience: audiences.Audience) -> audiences.Audience:
        """The audience with its reader's own group checked and all others numbered."""
        known = {kind: self._members(kind) for kind in audience.peers}
        for kind, own in audience.own:
            if own not in known[kind]:
                got = {"got": repr(own), "nearest": nearest(own, known[kind]), "allowed": listed(known[kind])}
                raise ArgumentError("page.unknown_team", **got)
        return audiences.among(audience, known, self.client) if audience.peers else audience

    def _members(self, kind: str) -> list[str]:
        """Every member of a grouping that any table names, such as all teams."""
        holding = [table for name in self.client.tables if kind in (table := self.table_of(name)).columns]
        return sorted({member for table in holding for member in table.rows([kind])[kind].dropna()})

    # -- computing ------------------------------------------------------------------------------------------------

    def run(self, method, *args, **kwargs):
        """Call a method with the page's confidence, seed and ``min_group``; absent in, absent out.

        A method that refuses makes its part of the page absent, with the method's own reason.
        """
        missing = next((value for value in (*args, *kwargs.values()) if isinstance(value, Absent)), None)
        if missing:
            return self._absent(missing)
        taken = inspect.signature(method).parameters
        settings = {name: value for name, value in self.settings.items() if name in taken}
        try:
            result = method(*args, **settings | kwargs)
        except MethodRefused as refusal:
            return self._refused(refusal)
        return result

    def _refused(self, refusal: MethodRefused) -> Absent:
        return self._absent(Absent("", "refused", {"reason": refusal.parts(self.language)["what"]}))

    @staticmethod
    def part(result, name: str):
        """A part of a result, absent where the result is."""
        return result if isinstance(result, Absent) else getattr(result, name)

    @staticmethod
    def known(result):
        """A result, or None where it is absent: for a part of a page that can do without."""
        return None if isinstance(result, Absent) else result

    def _absent(self, absent: Absent) -> Absent:
        """Print the reason once."""
        if absent not in self._absences:
            self._absences.append(absent)
            reason = absent.reason(self.language)
            record = {"table": absent.table, "code": absent.code, "reason": reason}
            _emit({ABSENT: record, "text/html": fragments.paragraph("absent", reason), "text/plain": reason})
        return absent

    # -- the data ---------------------------------------------------------------------------------------------------

    def strip(self) -> None:
        """The data strip: what the report rests on, and where every row went."""
        self._absent_subject()
        self._emit_html(fragments.strip(account.numbers(self)), "strip")
        self._html("note", account.period_line(self) + account.of(self).line(self))
        self._html("note", self.audience.told(self.language))
        self._tabulate("balance", account.totals(self), words.entry("page", "balance"), self.say("strip", "balance"))
        self._worded_table("problems", account.troubles(self), self.say("strip", "problems"))

    def _absent_subject(self) -> None:
        rows = self.read(self.subject)
        if isinstance(rows, Absent):
            self._absent(rows)

    # -- showing --------------------------------------------------------------------------------------------------

    def cards(self, key: str, results, plot) -> None:
        """A card a result: heading with the verdict, figure, and the facts; its finding is for ``headlines``.

        Facts are the finder's ``facts(result)``: entries of ``[<key>.<item>]`` in the page's words, with values.
        """
        if isinstance(results, Absent):
            return
        for each in results:
            finding = findings.describe(key, each)
            self._emit_html(fragments.card(finding.values["name"], finding.verdict, self.language), f"{key}-heading")
            self.figure(key, each, plot, shown_as=finding.evidence[0])
            rows = [self._fact(key, item, values) for item, values in findings.finder(each).facts(each)]
            spec = words.entry(self.stem, "table", key)
            title = words.fill(spec[self.language], self._worded(dict(finding.values)), self.language)
            self._tabulate(key, pd.DataFrame(rows), spec, title, shown_as=finding.evidence[0])

    def _fact(self, key: str, item: str, values: dict) -> dict[str, str]:
        return {"item": self._own(key, item, "label"), "value": self._own(key, item, values=values)}

    def figure(self, key: str, result, plot, *, shown_as: str = "", **kwargs) -> None:
        """Caption (the worded conclusion), figure, and its number with source and n below; ``shown_as``: the name
        evidence gives it, where there are several of one key."""
        if isinstance(result, Absent):
            return
        if findings.describe(key, result) is None:
            self._html("note", self.say("table", "empty"))
            return
        drawn = getattr(result, "drawn", True)  # of a result that may hold nothing to draw
        result = self._faced(result)
        finding, result = self._told(key, result), audiences.cut(result, self.audience)
        kept = finding is None
        caption = (
            self.say("judgement", "part") if kept else self._own("caption", key, finding.verdict, values=finding.values)
        )
        self._html("caption", caption)
        undrawn = (*UNDRAWN, *words.entry(self.stem, "figure", key).get("undrawn", ()))
        if drawn and (kept or finding.verdict not in undrawn):
            given = {name: self._faced(part) for name, part in kwargs.items()}
            self._picture(key, result, plot, caption, given, shown_as or key)

    def _faced(self, result):
        """People under the names this reader may read."""
        return audiences.faced(result, self.client, pseudonyms.names(self.client) if self.audience.names else None)

    def _told(self, key: str, result) -> findings.Finding | None:
        """What this reader is told; None where there is something to say and it is about groups kept from them.

        A finding that names none of their own groups would then deny what the others are told.
        """
        whole = findings.describe(key, result)
        seen = findings.describe(key, audiences.without_peers(audiences.cut(result, self.audience)))
        return None if whole and whole.subject and not (seen and seen.subject) else seen

    def _picture(self, key: str, result, plot, caption: str, kwargs: dict, shown_as: str) -> None:
        """The figure, and below it number, source and n."""
        with style.theme():
            picture = io.BytesIO()
            drawn = plot(result, language=self.language, **kwargs).figure
            drawn.savefig(picture, format="png")
            self._print(shown_as, drawn)
        _emit({"image/png": picture.getvalue(), "text/plain": f"<{plot.__name__}>"}, {"image/png": {"alt": caption}})
        below = {"title": self._own("figure", key), "source": self._source(), "n": findings.sample(result)}
        self._html("figure-label", self._label("figure", shown_as, **below))

    def _print(self, key: str, drawn) -> None:
        """The same figure as sharp as print needs it, where the job asks for it; its bytes repeat."""
        if folder := self._asked("figures"):
            place = folder / f"{self._numbers['figure'] + 1:02}_{key}.png"
            made = {"format": "png", "dpi": style.PRINT, "metadata": {"Software": None}}
            workbook.beside(place, lambda draft: drawn.savefig(draft, **made))

    def table(self, key: str, result, part: str = "table") -> None:
        """A table with its number and title above; written to ``tables/<stem>/<key>.csv`` when the job has a folder.

        ``part`` : which frame of the Result.
        """
        if isinstance(result, Absent):
            return
        result = audiences.cut(result, self.audience)
        frame = self._priced(result if isinstance(result, pd.DataFrame) else getattr(result, part))
        spec = self._spec(key)
        if self.audience.name not in spec.get("audience", AUDIENCES):
            self._html("note", self.say("table", "internal_only", count=len(frame)))
            self._places.setdefault(key, []).append(self.say("evidence", "internal"))
            return
        self._write(key, frame)
        hidden = frame["verdict"].eq("hidden") if "verdict" in frame else pd.Series(False, frame.index)
        shown = self._faced(self._named(_sorted(frame[~hidden], spec)))
        most = spec.get("most", len(shown))
        if most or shown.empty:
            self._tabulate(key, shown.head(most), spec, spec[self.language])
        else:  # too many to print: the file alone
            self._html("table-label", self._label("table", key, title=spec[self.language]))
        if len(shown) > most:
            self._html("note", self.say("table", "more" if most else "file_only", count=len(shown) - most))
        if hidden.any():
            self._html("note", self.say("table", "hidden", count=int(hidden.sum())))

    def _spec(self, key: str) -> dict:
        """What the words file says of a table; scores of a wide scale need fewer decimals, money is the client's."""
        spec, scale = words.entry(self.stem, "table", key), getattr(self, "judged_scale", None)
        few = self.subject == "appraisals" and isinstance(scale, tuple) and scale[1] - scale[0] > WIDE
        score = "tenth" if few else "score"

        def own(form: str) -> str:
            return words.in_currency(re.sub(r"\bscore$", score, form), self.client.currency)

        return spec | {"columns": [each | {"format": own(each["format"])} for each in spec["columns"]]}

    def _priced(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows whose unit is money in the client's currency."""
        return frame if "unit" not in frame else frame.replace({"unit": {"money": self.client.currency}})

    def quotes(self, key: str = "quotes") -> None:
        """Customers' words that a person approved for print in ``quotes.xlsx``; a team reads its own customers only."""
        found = quotes.approved(self, dict(self.audience.own))
        for text, theme in found.quotes:
            source = self.say("quotes", "source", theme=self.theme_names.get(theme, ""))
            self._emit_html(fragments.quote(text, source), key)
        if not found.quotes:
            self._html("note", self.say("quotes", "none"))
        if found.refused and self.audience.house:
            self._html("note", self.say("quotes", "refused", count=found.refused))

    def headline(self, key: str, result) -> None:
        """Build the finding, show it in its seven parts with the consultant's words, store it in this cell's output.

        A finding the consultant withholds leaves a record that it is, and nothing of what it says.
        """
        finding = None if isinstance(result, Absent) else self._told(key, self._faced(result))
        if finding is None:
            return
        record = finding.record(client=self.client.id, period=self.period.text, stem=self.stem)
        remark = self._remarks.get(record["finding_id"], commentary.NONE)
        self._met.add(record["finding_id"])
        if remark.withheld and not self.audience.withheld:
            _emit({FINDING: findings.withheld(record) | {"parts": {}}, "text/plain": "<withheld>"})
            return
        parts = self._parts(finding, remark.due) | self._judged(remark)
        self._found.append((finding, parts))
        shown = fragments.finding(finding.strength, parts, self.language)
        marked = {"withheld": True} if remark.withheld else {}
        _emit({FINDING: record | marked | {"parts": parts}, "text/html": shown, "text/plain": parts["statement"]})

    def headlines(self, key: str, results) -> None:
        """A headline of each result; nothing where they are absent."""
        for each in () if isinstance(results, Absent) else results:
            self.headline(key, each)

    def sheets(self, build, *results, **kwargs) -> None:
        """A record of every sheet ``build`` makes of the results, each for one reader; in the internal version only.

        ``build(*results, language=…, name=…)`` yields dicts: kind, name, title, html (safe), and perhaps a form to fill
        in, or refuses; ``name`` tells the name of a person's id. The runner writes each as a page of its own.
        """
        if isinstance(results[0], Absent):
            return
        results = [self.known(result) for result in results]
        if not self.audience.names:
            if not self._told_of_sheets:
                self._html("note", self.say("sheets", "internal"))
            self._told_of_sheets = True
            return
        known = pseudonyms.names(self.client)
        try:
            with style.theme():
                made = list(
                    build(*results, language=self.language, name=lambda person: known.get(person, person), **kwargs)
                )
        except MethodRefused as refusal:
            self._refused(refusal)
            return
        for sheet in made:
            _emit({SHEET: sheet, "text/plain": f"<{sheet['kind']}>"})
        for kind in dict.fromkeys(sheet["kind"] for sheet in made):
            self._html("note", self.say("sheets", kind, count=sum(sheet["kind"] == kind for sheet in made)))

    def summary(self) -> None:
        """The consultant's words on the page as a whole, above the core findings; nothing where there are none."""
        words_of = self._spoken(self._remarks.get(self.stem, commentary.NONE).comment)
        if words_of:
            self._emit_html(fragments.judgement(self.say("judgement", "label"), words_of), "judgement")

    def _judged(self, remark: commentary.Remark) -> dict[str, str]:
        """What the consultant adds to a finding: words, the reason for withholding, another owner or date."""
        said = {"judgement": self._spoken(remark.comment), "withheld": self._spoken(remark.reason)}
        if any(remark.owner.values()):
            owner = remark.owner[self.language] or self.say("judgement", "no_owner")
            form = "both" if remark.due else "owner"
            said["owner"] = self.say("judgement", form, owner=owner, due=remark.due)
        return {part: text for part, text in said.items() if text}

    def _spoken(self, text: dict[str, str]) -> str:
        """Words in the page's language; where only the other has them a note, never the other language."""
        return text[self.language] or (self.say("judgement", "untranslated") if any(text.values()) else "")

    def _parts(self, finding: findings.Finding, due: str) -> dict[str, str]:
        """The seven parts in words; ``due``: the consultant's date, in place of the proposed one."""
        wording = words.entry(self.stem, "headline", finding.key, finding.verdict)
        proposed = self.as_of + pd.Timedelta(days=wording.get("due_days", 0))
        values = dict(finding.values) | {"due": due or f"{proposed:%Y-%m-%d}"}
        said = {
            part: words.fill(wording[part][self.language], self._worded(values), self.language)
            for part in ("statement", *fragments.PARTS)
            if part in wording
        }
        said.setdefault("owner", self.say("owner", "none"))
        certainty = said.get("certainty") or self._certainty(finding)
        places = Listing(tuple(place for key in finding.evidence for place in self._places.get(key, ())))
        shown = self.say("evidence", "shown", places=places)
        return said | {"certainty": certainty} | ({"evidence": shown} if places.items else {})

    def _certainty(self, finding: findings.Finding) -> str:
        """How sure, and of what: the words name the reference the interval is held against."""
        bounded = math.isfinite(finding.reference + finding.low)
        if finding.strength == "none" and not bounded:
            return self.say("certainty", "no_reference")
        if finding.strength != "exact" and not bounded:
            return self.say("certainty", f"tested_{finding.strength}", reference=self._own("reference", finding.key))
        named = {} if finding.strength == "exact" else {"reference": self._own("reference", finding.key)}
        return self.say("certainty", finding.strength, **named)

    def actions(self) -> None:
        """Decisions asked of the reader, as one table."""
        asked = [(finding, parts) for finding, parts in self._found if parts["owner"] != self.say("owner", "none")]
        rows = [parts | {"strength": finding.strength} for finding, parts in asked]
        spec = words.entry("page", "actions", "columns")
        self._tabulate("actions", pd.DataFrame(rows), spec, self.say("actions", "label"))

    def limits(self, *results) -> None:
        """What may not be concluded from these data and these results."""
        self._emit_html(
            fragments.listing(account.limits(self, [audiences.cut(each, self.audience) for each in results])), "limits"
        )
        self._worded_table("readiness", account.unanswered(self), self.say("limits", "readiness"))

    def close(self) -> None:
        """Sources with fingerprints and the parameters, and the record of the report."""
        columns = words.entry("page", "provenance")
        files, sources = (self._anonymous(frame) for frame in (account.balance(self), self.sources()))
        self._tabulate("files", files, words.entry("page", "files"), self.say("provenance", "files"))
        self._tabulate("sources", sources, columns["sources_columns"], self.say("provenance", "sources"))
        left_out = ("client_dir", "out_dir", "language")  # a path is nobody's business, the language is plain to see
        rows = [{"name": name, "value": str(value)} for name, value in self._given.items() if name not in left_out]
        title = self.say("provenance", "parameters")
        self._tabulate("parameters", pd.DataFrame(rows), columns["parameters_columns"], title)
        if self.audience.withheld:
            self._orphans()
        name = catalogue.entries()[self.stem].title[self.language]
        _emit({REPORT: account.record(self, self.stem, name, self.audience.name), "text/plain": f"<{self.stem}>"})
        if self._out:
            (self._out / READ).write_text(json.dumps(account.read(self), ensure_ascii=False), encoding="utf-8")

    def _orphans(self) -> None:
        """Words of the consultant on findings that are no more."""
        for finding_id in commentary.orphans(self._remarks, {self.stem, *self._met}):
            self._html("note", self.say("judgement", "orphan", finding=finding_id))

    # -- machinery ------------------------------------------------------------------------------------------------

    def _own(self, *path: str, values=None) -> str:
        """The page's own words."""
        return words.text(self.stem, *path, language=self.language, **self._worded(values or {}))

    def _worded(self, values: dict) -> dict:
        """Themes are named by the code book, money by the client's currency: no words file knows them."""
        return {name: self._as_theirs(value) for name, value in values.items()}

    def _as_theirs(self, value):
        if isinstance(value, Term) and value.group == "theme":
            return self.theme_names[value.code]
        if isinstance(value, Quantity | Estimate):
            return replace(value, unit=words.in_currency(value.unit, self.client.currency))
        return value

    def _label(self, kind: str, key: str, **values) -> str:
        self._numbers[kind] += 1
        number = self._numbers[kind]
        place = self.say("evidence", kind, number=number)
        self._places.setdefault(key, []).append(place)
        return self.say(kind, "label", number=number, **values)

    def _tabulate(self, key: str, frame: pd.DataFrame, spec: dict, title: str, *, shown_as: str = "") -> None:
        self._html("table-label", self._label("table", shown_as or key, title=title))
        if frame.empty:
            self._html("note", self.say("table", "empty"))
            return
        shown = fragments.table(frame, spec, self.language, self.theme_names)
        _emit({"text/html": shown, "text/plain": f"<{key}: {len(frame)}>"})

    def _worded_table(self, key: str, frame: pd.DataFrame, title: str) -> None:
        """A table whose headings and cells are words already; nothing where it is empty."""
        if len(frame):
            forms = {name: "count" if is_numeric_dtype(frame[name]) else "text" for name in frame}
            columns = [{"from": name, "format": form, "label": {self.language: name}} for name, form in forms.items()]
            self._tabulate(key, frame, {"columns": columns}, title)

    def _html(self, kind: str, text: str) -> None:
        _emit({"text/html": fragments.paragraph(kind, text), "text/plain": text})

    def _emit_html(self, fragment: str, plain: str) -> None:
        _emit({"text/html": fragment, "text/plain": f"<{plain}>"})

    def _write(self, key: str, frame: pd.DataFrame) -> None:
        if self._out:
            frame = frame if self.audience.names else audiences.disguised(frame, self.client)
            workbook.write_csv(frame, self._out / "tables" / self.stem / f"{key}.csv")
            if folder := self._asked("typed"):
                workbook.beside(folder / f"{key}.parquet", functools.partial(stored.write, self._labelled(key, frame)))

    def _labelled(self, key: str, frame: pd.DataFrame) -> pd.DataFrame:
        """A frame that carries the names of its themes, which stand in the client's code book and no words file."""
        columns = words.entry(self.stem, "table", key)["columns"]
        shown = [each["from"] for each in columns if each["format"] == "theme" and each["from"] in frame]
        met = {code for name in shown for code in frame[name].dropna()}
        frame = frame.copy(deep=False)
        frame.attrs["themes"] = {code: label for code, label in self.theme_labels.items() if code in met}
        return frame

    def _asked(self, kind: str) -> Path | None:
        """The folder a job lays out for files it wants beside the report; None where it has not."""
        folder = self._out / kind / self.stem if self._out else None
        return folder if folder and folder.is_dir() else None

    def _source(self) -> str:
        return self.say("figure", "source", client=self.client.name, period=self.period)

    def _anonymous(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Files called after a person or a customer under a masked name, where the audience may not read names."""
        if self.audience.names:
            return frame
        known = pseudonyms.names(self.client).values()
        return frame.assign(file=masking.mask_all(frame["file"], known, self.language))

    def _named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Indicators by their names; those of customers come back in the internal version only."""
        if "indicator_id" in frame:
            names = self.indicator_names
            frame = frame.assign(indicator_id=frame["indicator_id"].map(lambda each: names.get(each, each)))
        if "customer_id" not in frame:
            return frame
        known = pseudonyms.names(self.client) if self.audience.names else {}
        ids = frame if self.audience.names else audiences.disguised(frame, self.client)
        return ids.assign(customer=frame["customer_id"].map(known).fillna(ids["customer_id"]))


def _sorted(frame: pd.DataFrame, spec: dict) -> pd.DataFrame:
    """Rows in the order the words file asks for; names keep the order in which they first stand."""
    if "sort" not in spec:
        return frame
    return frame.sort_values(spec["sort"], ascending=spec.get("ascending", True), kind="stable", key=_place)


def _place(column: pd.Series) -> pd.Series:
    return column if is_numeric_dtype(column) else pd.Series(pd.factorize(column)[0], index=column.index)


def _emit(bundle: dict, metadata: dict | None = None) -> None:
    """One output of the cell."""
    from IPython.display import display

    display(bundle, raw=True, metadata=metadata or {})
