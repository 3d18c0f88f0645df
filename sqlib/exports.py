"""Exports of known platforms: ``exports/<name>.toml`` says which header is which column and which cells are no answer.

``export = "wenjuanxing"`` in a block of client.toml stands for the ``columns``, ``unpivot`` and ``missing`` that would
otherwise be written by hand; what the block itself declares always holds.
"""

import functools
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sqlib import repairs, worded
from sqlib.client import Source, Unpivot
from sqlib.contracts import Contract
from sqlib.errors import ClientError
from sqlib.faults import listed

FOLDER = Path(__file__).parent / "exports"
SHARED = "questions"  # what all questionnaire platforms have in common
ITEMS = "feedback_items"
RATED = ("score", "recommend")  # columns that hold ratings

Patterns = tuple[re.Pattern, ...]


@dataclass(frozen=True)
class Export:
    """One platform.

    marks : patterns of headers that only it writes together; ``enough`` of them name it
    technical : patterns of headers no table needs
    joined : what stands between the options chosen in one cell
    tables : table -> contract column -> patterns of headers, the best first
    levels : table -> contract column -> text of a two-level rating -> score
    """

    name: str
    title: dict[str, str]
    marks: Patterns
    enough: int
    technical: Patterns
    missing: tuple[str, ...]
    joined: str
    questionnaire: bool
    tables: dict[str, dict[str, Patterns]]
    levels: dict[str, dict[str, dict[str, str]]]


@dataclass(frozen=True)
class Question:
    """One question column: ``item`` is its part of a matrix (or option of a multiple choice), "" where it has none."""

    header: str
    number: str
    stem: str
    item: str


def names() -> list[str]:
    """Names of the declared exports."""
    return sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem != SHARED)


@functools.cache
def load(name: str) -> Export:
    """One declared export."""
    declared = _toml(name)
    tables = {table: _compiled(entry) for table, entry in declared["tables"].items()}
    if declared["questionnaire"]:
        for table, entry in _toml(SHARED)["tables"].items():
            tables[table] = tables.get(table, {}) | _compiled(entry)
    lists = {name: _patterns(declared[name]) for name in ("marks", "technical")}
    given = {name: declared[name] for name in ("title", "enough", "joined", "questionnaire")}
    levels = declared.get("levels", {})
    return Export(name, missing=tuple(declared["missing"]), tables=tables, levels=levels, **lists, **given)


def recognise(headers: Iterable[str]) -> str | None:
    """The export whose marks most of these headers carry; None where no export has enough of them."""
    plain = [_plain(header) for header in headers]
    found = {name: sum(any(mark.search(text) for text in plain) for mark in load(name).marks) for name in names()}
    able = [name for name, hits in found.items() if hits >= load(name).enough]
    return max(able, key=lambda name: found[name] / len(load(name).marks), default=None)


def columns(
    name: str, table: str, headers: Iterable[str], fits: Callable[[str, str], bool] = lambda column, header: True
) -> dict[str, str]:
    """Header -> contract column of one table, each at most once; ``fits(column, header)`` may refuse a pair."""
    export, headers = load(name), list(headers)
    asked = {question.header: question for question in questions(headers)} if export.questionnaire else {}
    found: dict[str, str] = {}
    for column, patterns in export.tables.get(table, {}).items():
        able = (
            header
            for pattern in patterns
            for header in headers
            if header not in found and pattern.search(_plain(header)) and not (header in asked and asked[header].item)
        )
        header = next((header for header in able if fits(column, header)), None)
        if header is not None:
            found[header] = column
    if export.questionnaire and table == "feedback" and "score" not in found.values():
        lone = [header for header in _single(asked.values()) if header not in found and fits("score", header)]
        found |= {lone[0]: "score"} if len(lone) == 1 else {}
    return found


def questions(headers: Iterable[str]) -> list[Question]:
    """The question columns among the headers; a matrix is several columns under one number that each name an item."""
    parts = [(header, *_parted(header)) for header in headers if _question().match(_plain(header))]
    several = Counter(number for _, number, _, item, _ in parts if item)
    stems: dict[str, str] = {}
    for _, number, stem, _, _ in parts:
        stems[number] = max(stems.get(number, ""), stem, key=len)
    return [
        Question(header, number, stems[number], item)
        if item and several[number] > 1
        else Question(header, number, text, "")
        for header, number, _, item, text in parts
    ]


def proposed(name: str, table: str, body: pd.DataFrame) -> dict[str, str]:
    """Header -> contract column of one table, by the headers and what stands below them."""
    return columns(name, table, body, _fitting(load(name), body))


def items(name: str, body: pd.DataFrame) -> list[str]:
    """Headers of the rated questions but for the overall score and the recommendation, which are feedback."""
    export = load(name)
    return [question.header for question in _items(export, body, questions(body))] if export.questionnaire else []


def labelled(headers: Iterable[str], items: Iterable[str]) -> dict[str, dict[str, str]]:
    """Header of a question -> its item_id, and its stem where it is part of a matrix; ``headers``: all of the file."""
    wanted = set(items)
    return _labelled([question for question in questions(headers) if question.header in wanted])


def answered(name: str, body: pd.DataFrame) -> pd.DataFrame:
    """The body with "" in place of the codes for no answer."""
    codes = {repairs.folded(code) for code in load(name).missing}
    return body.apply(lambda cells: cells.mask(cells.map(repairs.folded).isin(codes), ""))


def codes(sources: Iterable[Source]) -> list[str]:
    """Codes for no answer that the blocks declare or their platforms write."""
    return [code for one in sources for code in (*one.missing, *(load(one.export).missing if one.export else ()))]


def levels(name: str, table: str, column: str, cells: pd.Series) -> dict[str, str]:
    """Text -> score of a rating of two levels, spelt as in the column; {} where it holds anything else."""
    scores = load(name).levels.get(table, {}).get(column, {})
    spelt = {text: repairs.folded(text) for text in _answers(cells, load(name))}
    return {text: str(scores[word]) for text, word in spelt.items()} if set(spelt.values()) <= set(scores) else {}


def technical(name: str, header: str) -> bool:
    """Is this a column of the platform that no table needs?"""
    return any(pattern.search(_plain(header)) for pattern in load(name).technical)


def applied(source: Source, body: pd.DataFrame, contract: Contract, where: str) -> Source:
    """The block as if everything its export knows of this file had been written into it.

    Raises
    ------
    ClientError : ``exports.no_items`` where item scores are asked of a file without a rated question
    """
    if source.export is None:
        return source
    export = load(source.export)
    found = columns(export.name, contract.name, body, _fitting(export, body))
    taken = {*source.columns.values(), *source.constants}
    mapped = {header: column for header, column in found.items() if column not in taken}
    asked = questions(body) if export.questionnaire else []
    update = {"missing": [*source.missing, *export.missing]}
    if contract.name == ITEMS and source.unpivot is None:
        update["unpivot"] = _unpivot(export, body, asked, where)
    unread = [q.header for q in asked if q.item or contract.name == ITEMS]
    update["columns"] = dict.fromkeys(unread, "") | mapped | source.columns
    recode, ends = _levels(export, body, contract.name, update["columns"])
    own = {column: codes | source.recode.get(column, {}) for column, codes in recode.items()}
    update |= {"recode": source.recode | own, "constants": ends | source.constants}
    return source.model_copy(update=update)


def numbered(source: Source, body: pd.DataFrame) -> list[str]:
    """Rated questions of a questionnaire written as numbers: they may be the numbers of the options."""
    if source.export is None or not load(source.export).questionnaire:
        return []
    rated = [header for header, column in source.columns.items() if column == "score"]
    rated += source.unpivot.columns if source.unpivot else []
    return [header for header in rated if header in body and _numeric(_answers(body[header], load(source.export)))]


def _fitting(export: Export, body: pd.DataFrame) -> Callable[[str, str], bool]:
    """May this question be that column? A score needs ratings, a comment free text; others are known by header."""
    asked = {question.header for question in questions(body)} if export.questionnaire else set()

    def fits(column: str, header: str) -> bool:
        if header not in asked:
            return True
        if column in RATED:
            return _rated(body[header], export)
        return column != "comment" or _free(header, body[header], export)

    return fits


def _unpivot(export: Export, body: pd.DataFrame, asked: list[Question], where: str) -> Unpivot:
    """Rated questions become items."""
    found = _items(export, body, asked)
    if not found:
        raise ClientError("exports.no_items", where=where, got=listed(list(body.columns)[:10]))
    rows = _labelled(found)
    return Unpivot(columns=list(rows), name="item_id", value="score", items=rows)


def _items(export: Export, body: pd.DataFrame, asked: list[Question]) -> list[Question]:
    overall = columns(export.name, "feedback", body, _fitting(export, body))
    single = _single(asked)
    return [
        question
        for question in asked
        if (question.item or question.header in single)
        and question.header not in overall
        and not _shared("importance").search(_plain(question.stem))
        and _rated(body[question.header], export)
    ]


def _labelled(found: list[Question]) -> dict[str, dict[str, str]]:
    """Items called alike in two questions carry the stem in their name."""
    called = Counter(question.item or question.stem for question in found)
    rows = {}
    for question in found:
        name = question.item or question.stem
        several = called[name] > 1 and question.stem != name
        rows[question.header] = {"item_id": f"{question.stem} {name}" if several else name}
        rows[question.header] |= {"stem": question.stem} if question.item and question.stem else {}
    return rows


def _levels(export: Export, body: pd.DataFrame, table: str, mapped: dict[str, str]) -> tuple[dict, dict]:
    """Ratings of two levels as 1 and 0, and their scale, where a column holds nothing else."""
    recode, ends = {}, {}
    for column, scores in export.levels.get(table, {}).items():
        header = next((header for header, taken in mapped.items() if taken == column and header in body), None)
        if header is None or not levels(export.name, table, column, body[header]):
            continue
        recode[column] = {text: str(value) for text, value in scores.items()}
        ends |= {"scale_min": "0", "scale_max": "1"} if column == "score" else {}
    return recode, ends


def _rated(cells: pd.Series, export: Export) -> bool:
    """Are the answers ratings: numbers other than ticked and not ticked, or the words of one known scale?"""
    answers = _answers(cells, export)
    if _numeric(answers):
        return not {float(text) for text in answers} <= {0.0, 1.0}
    return worded.scores(pd.Series(answers, dtype="str"), None, None)[1] is not None


def _free(header: str, cells: pd.Series, export: Export) -> bool:
    """Is this an open question: no options joined, no numbers, no ratings asked for?"""
    if cells.str.contains(export.joined, regex=False).any() or _numeric(_answers(cells, export)):
        return False
    return not (_shared("rated").search(_plain(header)) and _rated(cells, export))


def _answers(cells: pd.Series, export: Export) -> list[str]:
    """The different answers of one column, without codes for none."""
    left_out = {repairs.folded(code) for code in export.missing} | repairs.vocabulary("missing") | {""}
    return [text for text in cells.dropna().unique() if repairs.folded(text) not in left_out]


def _numeric(answers: list[str]) -> bool:
    return bool(answers) and all(re.fullmatch(r"-?\d+(?:\.\d+)?", text) for text in answers)


def _single(asked: Iterable[Question]) -> list[str]:
    """Headers of questions by themselves that ask for a rating."""
    return [q.header for q in asked if not q.item and _shared("rated").search(_plain(q.stem))]


def _parted(header: str) -> tuple[str, str, str, str]:
    """Number, stem, item and whole text of a numbered header; no item where it names none."""
    found = _question().match(_plain(header, fold=False))
    text = found["text"].rstrip("?: ")
    for pattern in _shared("items"):
        if part := pattern.match(text):
            return found["number"], part["stem"].rstrip("?: "), part["item"].strip("?: "), text
    return found["number"], text, "", text


def _question() -> re.Pattern:
    return _shared("question")


def _plain(header: str, fold: bool = True) -> str:
    text = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", str(header))).strip()
    return text.casefold() if fold else text


@functools.cache
def _toml(name: str) -> dict:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


@functools.cache
def _shared(name: str) -> re.Pattern | Patterns:
    """A pattern, or a list of them, that all questionnaires share."""
    declared = _toml(SHARED)[name]
    return _patterns(declared) if isinstance(declared, list) else _patterns([declared])[0]


def _compiled(entry: dict[str, list[str]]) -> dict[str, Patterns]:
    return {column: _patterns(texts) for column, texts in entry.items()}


def _patterns(texts: list[str]) -> Patterns:
    return tuple(re.compile(text, re.IGNORECASE) for text in texts)
