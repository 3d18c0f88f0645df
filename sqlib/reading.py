"""What a page reads: the client's tables cut to the period, joined, and the groups they can be compared by."""

import functools
import hashlib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sqlib import (
    answers,
    appraised,
    client,
    contracts,
    definitions,
    forms,
    masking,
    needs,
    parsing,
    periods,
    phrase_levels,
    pseudonyms,
    questions,
    segmentation,
    tables,
    words,
)
from sqlib.errors import ClientError
from sqlib.words import Field, Listing

MARK = r"\[[^\]]*\]|\u3014[^\u3015]*\u3015"  # what masking leaves in a text
PROFILES = Path(__file__).parent / "profiles"
NAMES = {"zh": "name", "en": "name_en"}  # columns of the indicators' names
REGISTERS = ("measures", "indicators")  # read whole: what runs now may have begun, or been defined, long ago
TARGETS = ["indicator_id", "balancing_indicator_id"]  # columns of a register that name an indicator
HISTORY = ["feedback_id", "customer_id", "received_at", "comment"]  # what is read of the comments of all time


@dataclass(frozen=True)
class Absent:
    """A table or a result that is not to be had, with the reason; every step of a page accepts it silently."""

    table: str
    code: str
    values: dict = field(default_factory=dict)

    def reason(self, language: str) -> str:
        return words.text("page", "absent", self.code, language=language, **self.values)


class Reading:
    """One client's data as seen from one period; ``subject``: the table a report on them is about."""

    subject, tables_used = "feedback", None

    def uses(self, table: str) -> bool:
        """Is this one of the tables the report rests on? Where nobody said, all are."""
        return self.tables_used is None or table in self.tables_used

    closed: tuple[str, ...] = ()  # tables that must not reach the reader

    def __init__(
        self, who: client.Client, period: periods.Period, before: periods.Period | None, until, language: str,
        min_group: int = 5,
    ):  # fmt: skip
        """``until``: day the data are known to reach, after which a date is an error; None where nobody said.

        ``min_group``: answers of fewer people than this are never read, so that nobody's own can be read off.
        """
        self.client, self.period, self.before, self.until, self.language = who, period, before, until, language
        self.min_group = min_group
        self._frames: dict[tuple[str, str], pd.DataFrame | Absent] = {}
        self.as_of = until if until is not None else period.last_day
        self._loaded: dict[str, tables.Table | None] = {}
        self._terms: dict[str, list[str]] = {}  # comment -> its terms: two parts of a page ask for the same comments

    def say(self, *path: str, **values) -> str:
        """Words every page shares, in this page's language."""
        return words.text("page", *path, language=self.language, **values)

    # -- what the client declared ---------------------------------------------------------------------------------

    @property
    def targets(self) -> dict[str, float]:
        return self.client.targets

    @property
    def best(self) -> dict[str, str]:
        """Metric -> which end of its scale is good."""
        return {metric: scale.best for metric, scale in self.client.scales.items()}

    @property
    def adjust(self) -> list[str]:
        """Columns whose mix is taken out, as far as the data hold them."""
        return self._held(self.client.cells.adjust)

    @property
    def cells(self) -> "list[str] | Absent":
        """Declared cells the data hold with at least two values."""
        return self._held(self.client.cells.feedback) or self._no_cells("no_cells", self.client.cells.feedback)

    @property
    def items(self) -> "list[str] | Absent":
        """Columns of ``ratings`` that hold the score of a part of the service."""
        rated = self.read("ratings")
        return rated if isinstance(rated, Absent) else [name for name in rated if name not in answers.OWN]

    @property
    def item_scale(self) -> "tuple[float, float] | Absent":
        """The scale of the items: lowest and highest score."""
        rated = self.read("ratings")
        if isinstance(rated, Absent):
            return rated
        return tuple(self.read("item_scores")[["scale_min", "scale_max"]].iloc[0])

    @property
    def done_words(self) -> tuple[str, ...]:
        """What stands behind a milestone that is done."""
        return tuple(parsing.SPELLINGS["milestone"]["done"])

    @property
    def groups(self) -> "list[str] | Absent":
        """Columns of the customer table that say who is silent."""
        customers, declared = self.read("customers"), self.client.weighting.margins
        if isinstance(customers, Absent):
            return customers
        held = [name for name in declared if name in customers and customers[name].nunique() > 1]
        return held or self._no_cells("no_base", declared)

    @property
    def margins(self) -> dict[str, pd.Series]:
        """Shares of the customer base to rake to; empty where there is no base."""
        if isinstance(self.groups, Absent):
            return {}
        customers = self.read("customers")
        return {name: customers[name].value_counts(normalize=True) for name in self.groups}

    @functools.cached_property
    def _codebook(self) -> dict[str, dict]:
        path = PROFILES / self.client.themes.codebook / "codebook.toml"
        return tomllib.loads(path.read_text(encoding="utf-8"))

    @property
    def themes(self) -> dict[str, dict]:
        """Themes of the client's code book, as declared."""
        return self._codebook["themes"]

    @property
    def codebook(self) -> dict[str, list[str]]:
        """Theme -> phrases that count as raising it."""
        return {theme: entry["phrases"] for theme, entry in self.themes.items()}

    @property
    def exclude(self) -> dict[str, list[str]]:
        """Theme -> phrases that look like it and do not count."""
        return {theme: entry.get("exclude", []) for theme, entry in self.themes.items()}

    @property
    def needs(self) -> dict[str, list[str]]:
        """Topic customers ask for -> phrases that count as asking."""
        return {topic: entry["phrases"] for topic, entry in self._codebook.get("needs", {}).items()}

    @property
    def needs_exclude(self) -> dict[str, list[str]]:
        """Topic -> phrases that look like it and do not count."""
        return {topic: entry.get("exclude", []) for topic, entry in self._codebook.get("needs", {}).items()}

    @property
    def theme_names(self) -> dict[str, str]:
        """Theme or topic -> its name in the page's language."""
        return {theme: label[self.language] for theme, label in self.theme_labels.items()}

    @property
    def theme_labels(self) -> dict[str, dict[str, str]]:
        """Theme or topic -> its name in each language."""
        every = self.themes | self._codebook.get("needs", {})
        return {theme: entry["label"] for theme, entry in every.items()}

    def segmented(self, comments: "pd.DataFrame | Absent") -> "pd.DataFrame | Absent":
        """Comments with the list of their distinct terms as a column ``terms``; names and numbers are no terms."""
        if isinstance(comments, Absent):
            return comments
        texts = comments["comment"].fillna("")
        new = pd.Series([text for text in texts.unique() if text not in self._terms], dtype="str")
        plain = self.masked(new).str.replace(MARK, " ", regex=True)
        self._terms |= dict(zip(new, segmentation.terms(plain), strict=True))
        return comments.assign(terms=texts.map(self._terms))

    def masked(self, texts: pd.Series) -> pd.Series:
        """Texts in which names of any table, numbers and addresses of people have given way to a mark."""
        return masking.mask_all(texts, frozenset(pseudonyms.names(self.client).values()), self.language)

    @property
    def decisions(self) -> pd.DataFrame | None:
        """What was decided on the needs of the code book; None where there is no register.

        A need that an earlier code book knew keeps its row in the register and is not asked about.
        """
        decided = needs.decisions(self.client)
        return None if decided is None else decided[decided["topic"].isin(list(self.needs))]

    # -- what a person coded by hand --------------------------------------------------------------------------------

    @property
    def coding_file(self) -> Path:
        """Where the workbook of hand-coded comments of the period lies."""
        return self.client.folder / "coding" / f"{self.period.text}.xlsx"

    @property
    def coding_columns(self) -> dict[str, list[forms.Column]]:
        """One column of that workbook a theme: yes, no or empty."""
        choices = {code: words.entry("common", "flag", flag) for code, flag in (("yes", "true"), ("no", "false"))}
        column = functools.partial(forms.Column, entry=True, type="choice", choices=choices, width=12, optional=True)
        return {"comments": [column(theme, entry["label"]) for theme, entry in self.themes.items()]}

    @property
    def hand_coded(self) -> "pd.DataFrame | Absent":
        """Comments coded by hand: feedback_id, layer, layer_size and one boolean column a theme of the workbook."""
        if not self.coding_file.is_file():
            return Absent("coding", "no_hand_coding", {"period": self.period.text})
        read = forms.read("coding", self.coding_file, columns=self.coding_columns)["comments"]
        themes = [theme for theme in self.themes if theme in read]
        done = read[[*themes, "none"]].ne("").any(axis=1)
        sizes = pd.to_numeric(read["layer_size"], errors="coerce")
        if sizes.isna().any() or read["layer"].eq("").any():
            lines = read.loc[sizes.isna() | read["layer"].eq(""), "line"]
            where = f"{self.coding_file.parent.name}/{self.coding_file.name}"
            raise ClientError("coding.layer_changed", where=where, got=int(lines.iloc[0]))
        coded = {theme: read[theme].eq("yes") for theme in themes}
        return read[["feedback_id", "layer"]].assign(layer_size=sizes, **coded)[done].reset_index(drop=True)

    def _held(self, declared: list[str]) -> list[str]:
        rows = self.read("answers", optional=True)
        if rows is None:
            return []
        return [name for name in declared if all(part in rows and rows[part].nunique() > 1 for part in name.split("*"))]

    def _no_cells(self, code: str, declared: list[str]) -> Absent:
        return Absent("answers", code, {"cells": Listing(tuple(Field(name) for name in declared))})

    # -- reading --------------------------------------------------------------------------------------------------

    def read(self, table: str, *, window: str = "period", optional: bool = False) -> "pd.DataFrame | Absent | None":
        """A table cut to the period (``window``: period | previous | history).

        ``customers`` are those under contract; ``feedback`` carries the customer's columns and ``cluster``;
        ``answers`` are the scores laid out by cell, ``comments`` the answers with a text of this period and the one
        before, told apart by ``window`` (``window="history"``: all those up to the period's end), ``items`` the scored
        items (see ``answers.items``), ``item_scores`` those on the scale of most, ``ratings`` one row an answer with
        the overall score and a column an item, ``kano`` the answered Kano pairs and ``questions`` what no contract
        column takes (see ``questions.chosen``). ``appraisals`` carry the ratee's post (see ``appraised.placed``);
        ``judged``, ``self_ratings``, ``formula_scores``, ``scheme_scores``, ``phrase_ratings`` and
        ``appraisal_account`` are made of them (see ``appraised``). ``measures`` and ``indicators`` are
        read whole. What is not to be had is ``Absent``, or None where
        it is ``optional``.
        """
        if (table, window) not in self._frames:
            self._frames[table, window] = self._shown(table, window, self._frame(table, window))
        frame = self._frames[table, window]
        return None if optional and isinstance(frame, Absent) else frame

    def _shown(self, table: str, window: str, frame: "pd.DataFrame | Absent") -> "pd.DataFrame | Absent":
        """The frame, when it has a row and, where it holds answers, enough people behind it."""
        if isinstance(frame, Absent):
            return frame
        if frame.empty:
            code = "no_rows_before" if window == "previous" else "no_rows"
            return Absent(table, code, {"table": self.title(table)})
        if "cluster" in frame and frame["cluster"].nunique() < self.min_group:
            return Absent(table, "too_few_people", {"table": self.title(table), "least": self.min_group})
        return frame

    def _frame(self, table: str, window: str) -> "pd.DataFrame | Absent":
        if self._declared(table) in self.closed:
            return Absent(table, "not_for_audience", {"table": self.title(table)})
        if table in appraised.VIEWS:
            return self._appraised(table, window)
        if table == "measured":
            return self._measured(table, window)
        if table == "rated":
            return self._rated(window)
        made = {
            "answers": self._answers,
            "comments": self._comments,
            "item_scores": self._item_scores,
            "items": self._items,
            "kano": self._kano,
            "questions": self._questions,
            "ratings": self._ratings,
            "served": self._served,
        }
        if table in made:
            feedback = self.read("feedback", window="period" if table == "comments" else window)
            return feedback if isinstance(feedback, Absent) else made[table](feedback, window)
        loaded = self.table_of(table)
        if loaded is None:
            return Absent(table, "no_table", {"table": self.title(table)})
        if table in REGISTERS:
            return self._targeted(loaded.frame) if table == "measures" else loaded.frame
        start, end = self._bounds(table, window)
        if start is None:
            return Absent(table, "no_change")
        if table == "customers":
            return answers.active(loaded.frame, start, end)
        frame = self._cut(loaded, start, end)
        if table == "appraisals":
            return appraised.placed(frame, self._whole("staff"))
        if table != "feedback":
            return frame
        return answers.link(answers.place(frame, self._whole("staff")), self._whole("customers"))

    def _targeted(self, measures: pd.DataFrame) -> pd.DataFrame:
        """The register with every indicator it names under the id of that indicator."""
        declared, profile = self.read("indicators"), self.client.profile
        known = None if isinstance(declared, Absent) else definitions.filled(declared, profile)
        labels = definitions.resolved(measures[TARGETS].stack(), known, profile)
        return measures.assign(**{name: labels.xs(name, level=1).reindex(measures.index) for name in TARGETS})

    def _bounds(self, table: str, window: str):
        if window == "previous":
            return (None, None) if self.before is None or self.undated(table) else (self.before.start, self.before.end)
        start = pd.Timestamp.min if window == "history" else self.period.start
        return start, self.period.end

    def _cut(self, loaded: tables.Table, start, end, columns=None, present=None) -> pd.DataFrame:
        """Rows of the window; a table that carries no date is used as delivered."""
        window = {} if self.undated(loaded.name) else {"start": start, "end": end}
        return loaded.rows(columns, **window, present=present)

    def undated(self, table: str = "feedback") -> bool:
        """Does no row of the table carry a date?"""
        loaded = self.table_of(table)
        return loaded is not None and bool(loaded.dated) and not loaded.filled(loaded.dated)

    def table_of(self, name: str) -> "tables.Table | None":
        """The whole typed table, all periods; None where the client declares none."""
        if name not in self._loaded:
            known = name in self.client.tables
            self._loaded[name] = tables.load(self.client, name, as_of=self.until) if known else None
        return self._loaded[name]

    def _whole(self, table: str) -> pd.DataFrame | None:
        """Every usable row of a table, all periods; None where the client declares none."""
        loaded = self.table_of(table)
        return None if loaded is None else loaded.frame

    # -- frames made of the answers of a window ---------------------------------------------------------------------

    def _answers(self, feedback: pd.DataFrame, window: str) -> "pd.DataFrame | Absent":
        scored = answers.by_cell(feedback, self._whole("feedback_items"))
        return scored if len(scored) else Absent("answers", "no_scores")

    def _items(self, feedback: pd.DataFrame, window: str) -> "pd.DataFrame | Absent":
        scored = answers.items(feedback, self._whole("feedback_items"))
        return scored if len(scored) else Absent("items", "no_items")

    def _questions(self, feedback: pd.DataFrame, window: str) -> "pd.DataFrame | Absent":
        items = self._whole("feedback_items")
        scored = [] if items is None else items["item_id"].unique()
        found = questions.chosen(self.table_of("feedback").questions.drop(columns=scored, errors="ignore"), feedback)
        return found if len(found) else Absent("questions", "no_questions")

    def _item_scores(self, feedback: pd.DataFrame, window: str) -> "pd.DataFrame | Absent":
        scores = answers.item_scores(feedback, self._whole("feedback_items"))
        return scores if len(scores) else Absent("feedback_items", "no_parts")

    def _ratings(self, feedback: pd.DataFrame, window: str) -> "pd.DataFrame | Absent":
        """Answers with the scores of the parts beside the overall one."""
        scores = self.read("item_scores", window=window)
        if isinstance(scores, Absent):
            return scores
        rated = answers.wide(feedback, scores)
        return rated if len(rated) else Absent("feedback", "no_overall")

    def _kano(self, feedback: pd.DataFrame, window: str) -> "pd.DataFrame | Absent":
        """Answered pairs of a Kano questionnaire: of the window's answers, or of a survey that stands by itself."""
        items = self._whole("feedback_items")
        if items is None:
            return Absent("feedback_items", "no_kano")
        pairs = items[items["kano_functional"].notna()]
        linked = pairs["feedback_id"].isin(self.table_of("feedback").rows(["feedback_id"])["feedback_id"])
        own, (start, end) = pairs[~linked], self._bounds("feedback_items", window)
        if own["received_at"].notna().any():
            own = own[(own["received_at"] >= start) & (own["received_at"] < end)]
        pairs = answers.kano_pairs(feedback, pairs[linked], answers.link(own, self._whole("customers")))
        return pairs if len(pairs) else Absent("feedback_items", "no_kano")

    def _comments(self, now: pd.DataFrame, window: str) -> "pd.DataFrame | Absent":
        if window == "history":
            return self._history()
        if now["comment"].isna().all():
            return Absent("feedback", "no_comments")
        before = self.read("feedback", window="previous", optional=True)
        parts = {"current": now} if before is None else {"previous": before, "current": now}
        said = [frame[frame["comment"].notna()].assign(window=name) for name, frame in parts.items()]
        return pd.concat(said, ignore_index=True).drop_duplicates(["feedback_id", "window"])

    def _history(self) -> "pd.DataFrame | Absent":
        """Comments of all time up to the period's end, the columns ``HISTORY`` and ``cluster``; without dates there is
        no history."""
        if self.undated():
            return Absent("feedback", "no_change")
        said = self._cut(self.table_of("feedback"), *self._bounds("feedback", "history"), HISTORY, "comment")
        customers = self.table_of("customers")
        owners = None if customers is None else customers.rows(["customer_id", "customer_group"])
        linked = answers.link(said.drop_duplicates("feedback_id"), owners)
        return linked if len(linked) else Absent("feedback", "no_comments")

    # -- appraisals ------------------------------------------------------------------------------------------------

    def _served(self, feedback: pd.DataFrame, window: str) -> "pd.DataFrame | Absent":
        """Answers with a score, by the person who served: named in the answer, else the customer's own."""
        owner = feedback["owner_staff_id"] if "owner_staff_id" in feedback else pd.Series(pd.NA, feedback.index)
        served = feedback.assign(staff_id=feedback["staff_id"].fillna(owner)).dropna(subset=["staff_id", "satisfied"])
        return served if len(served) else Absent("feedback", "no_served")

    def _measured(self, table: str, window: str) -> "pd.DataFrame | Absent":
        """Objective scores, ratee_id and score: by formula, else the share of points in inspections."""
        formula = self.read("formula_scores", window=window, optional=True)
        if formula is not None:
            return formula
        checks = self.read("inspections", window=window)
        if isinstance(checks, Absent):
            return checks
        share = checks.assign(ratee_id=checks["staff_id"], score=checks["score"] / checks["max_score"])
        return share.dropna(subset=["ratee_id", "score"])

    def _rated(self, window: str) -> "pd.DataFrame | Absent":
        """Judged ratings by others and, where phrases of the remarks are approved, their reader as one more rater."""
        judged, read = self.read("judged", window=window), self.read("phrase_ratings", window=window, optional=True)
        if isinstance(judged, Absent) or read is None:
            return judged
        posts = judged.drop_duplicates("ratee_id").set_index("ratee_id")
        read = read.assign(criterion_id=phrase_levels.READER)
        read = read.assign(**{name: read["ratee_id"].map(posts[name]) for name in ("team", "department", "site")})
        return pd.concat([judged, read[read["ratee_id"].isin(posts.index)]], ignore_index=True)

    def _appraised(self, table: str, window: str) -> "pd.DataFrame | Absent":
        frame = self.read("appraisals", window=window)
        if isinstance(frame, Absent):
            return frame
        made = self._phrased(frame) if table == "phrase_ratings" else appraised.VIEWS[table](frame)
        if isinstance(made, Absent):
            return made
        return made if len(made) else Absent("appraisals", f"no_{table}")

    def _phrased(self, frame: pd.DataFrame) -> "pd.DataFrame | Absent":
        """The reader of the remarks as one more rater, by the phrases a person approved."""
        decided, scale = self.phrase_levels, appraised.scale(frame)
        if isinstance(decided, Absent) or scale is None:
            return decided if isinstance(decided, Absent) else Absent("appraisals", "no_judged_scale")
        return phrase_levels.ratings(frame, decided, scale)

    @property
    def phrase_levels(self) -> "pd.DataFrame | Absent":
        """Levels of phrases as two persons decided them: phrase, level, second, both."""
        if "appraisals" in self.closed:
            return Absent("appraisals", "not_for_audience", {"table": self.title("appraisals")})
        decided = phrase_levels.approved(self.client)
        return decided if decided is not None and len(decided) else Absent("appraisals", "no_phrase_ratings")

    @property
    def scheme(self):
        """The client's appraisal scheme: ``[appraisal]`` of client.toml, as ``scheme.totals`` takes it."""
        return self.client.appraisal

    @property
    def tier_rule(self) -> "dict | Absent":
        """Tiers and what they pay, as ``tiers.decisions`` takes them."""
        declared = self.client.appraisal
        if not declared.tiers:
            return Absent("appraisals", "no_tiers")
        by = {"cuts": declared.cuts} if declared.cuts else {"shares": declared.shares, "within": declared.within}
        return by | {"money": declared.money}

    # -- improvement -----------------------------------------------------------------------------------------------

    @property
    def improvement(self):
        """``[improvement]`` of client.toml: worth, declarations, calendar (see ``improvement_plan``)."""
        return self.client.improvement

    @property
    def definitions(self) -> dict[str, dict]:
        """Shipped indicator definitions the client's indicators name, as ``indicator_values.compute`` takes them; all
        of the client's trade where no indicator is named."""
        shipped, known = definitions.load(self.client.profile), self.indicators
        return (
            shipped if isinstance(known, Absent) else {name: shipped[name] for name in known["definition_id"].dropna()}
        )

    @property
    def records(self) -> dict[str, pd.DataFrame]:
        """What indicators are computed from, up to the period's end: feedback, cases and the whole customer base."""
        found = {name: self.read(name, window="history", optional=True) for name in ("feedback", "cases")}
        found["customers"] = None if "customers" in self.closed else self._whole("customers")
        return {name: frame for name, frame in found.items() if frame is not None}

    @property
    def indicators(self) -> "pd.DataFrame | Absent":
        """The client's indicators; where one names a shipped definition, its blanks are filled from there. What a
        measure names and the client nowhere defines is taken from the shipped definitions."""
        declared, measures = self.read("indicators"), self.read("measures", optional=True)
        known = [] if isinstance(declared, Absent) else [definitions.filled(declared, self.client.profile)]
        if measures is not None:
            labels = pd.concat([measures["indicator_id"], measures["balancing_indicator_id"]]).dropna()
            labels = [label for label in labels if not known or label not in set(known[0]["indicator_id"])]
            known += [found] if len(found := definitions.shipped(labels, self.client.profile)) else []
        return pd.concat(known, ignore_index=True) if known else declared

    @property
    def indicator_names(self) -> dict[str, str]:
        """Indicator -> its name in the page's language, or as the client writes it."""
        known = self.indicators
        if isinstance(known, Absent):
            return {}
        own = known[NAMES[self.language]].fillna(known["name"])
        return dict(zip(known["indicator_id"], own, strict=True))

    @property
    def fair_groups(self) -> "list[str] | Absent":
        """Declared groups of people the judged ratings tell apart, for the question of fairness."""
        rated = self.read("judged")
        if isinstance(rated, Absent):
            return rated
        held = [name for name in self.client.appraisal.fair_groups if name in rated and rated[name].nunique() > 1]
        return held or Absent("appraisals", "no_fair_groups")

    @property
    def judged_scale(self) -> "tuple[float, float] | Absent":
        """Lowest and highest score of ``judged``: the client's own scale, or points of 100 where scales are mixed."""
        frame = self.read("appraisals")
        if isinstance(frame, Absent):
            return frame
        return appraised.scale(frame) or Absent("appraisals", "no_judged_scale")

    @property
    def judged_points(self) -> "bool | Absent":
        """Is ``judged`` in points of 100, the criteria having different scales?"""
        frame = self.read("appraisals")
        return frame if isinstance(frame, Absent) else appraised.mixed(frame)

    def title(self, table: str) -> str:
        """The table's title in the page's language."""
        return contracts.load(self._declared(table)).title[self.language]

    def _declared(self, table: str) -> str:
        """The table a view is made of."""
        if table in appraised.VIEWS or table in ("measured", "rated"):
            return "appraisals"
        declared = "feedback" if table in ("answers", "comments", "questions", "ratings", "kano", "served") else table
        return "feedback_items" if table in ("items", "item_scores") else declared

    def sources(self) -> pd.DataFrame:
        """Every file read: table, file, and the start of its SHA-256."""
        found = self.fingerprints()
        rows = [
            {"table": self.title(name), "file": file, "sha256": _short(found[file])}
            for name in self.client.tables
            if self.uses(name)
            for file in self.table_of(name).counts["file"]
        ]
        return pd.DataFrame(rows)

    def fingerprints(self) -> dict[str, str]:
        """File -> SHA-256 of every file read."""
        files = {file for name in self.client.tables for file in self.table_of(name).counts["file"]}
        return {file: _fingerprint(self.client.folder / file) for file in sorted(files)}


def _short(fingerprint: str) -> str:
    """The beginning of a fingerprint that no search takes for a telephone number: 12 characters or more, a letter."""
    return next(fingerprint[:size] for size in range(12, 65) if not fingerprint[:size].isdigit() or size == 64)


def _fingerprint(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
