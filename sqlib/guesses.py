"""Which table a sheet belongs to and which field each of its columns is: proposed with how sure, decided by a person.

A proposal is ``sure`` where the header is a known one and the values agree, ``likely`` where header and values point
the same way, and ``check`` otherwise; a column nothing speaks for stays unmatched. A score must have a scale, no two
columns are one field, and phones, identity numbers and addresses are never proposed.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sqlib import (
    aggregates,
    breaks,
    contracts,
    cycles,
    dates,
    evidence,
    exports,
    item_columns,
    likeness,
    parsing,
    pseudonyms,
    score_sheets,
)
from sqlib.contracts import Column
from sqlib.evidence import Evidence

ITEM = "item"  # one question of a questionnaire: becomes a row of feedback_items
WIDE = (ITEM, *score_sheets.FIELDS)  # columns that are unpivoted
ITEMS, ANSWERS, VALUES = "feedback_items", "feedback", "indicator_values"
MONTHS = 3  # columns headed by a period from which a sheet is one column a period
SURE, LIKELY, CHECK, UNMATCHED, PERSONAL = "sure", "likely", "check", "unmatched", "personal"
TECHNICAL, TALLIED = "technical", "tallied"  # of the platform; a question without a field, whose answers are counted
WEIGHT = {SURE: 3.0, LIKELY: 2.0, CHECK: 0.5}
MARGIN = 1.25  # a table is sure only where it fits this much better than the next
REPEATED = 0.98  # share of different ids below which the key of a table repeats
DATES, RATINGS = ("datetime", "date"), ("score", "recommend", "ease", "satisfaction", "importance")
SINGLE = {"feedback_id", "comment", "case_id", "customer_id", "customer_name", "ratee_id", "ratee_name"}  # not of many
TALK = 15  # mean characters of a column that may be comments though its header does not say so
SHARE = "0–1"  # unit of a share
SERIALS = (20_000, 80_000)  # spreadsheet days: 1954 to 2119


@dataclass(frozen=True)
class Proposal:
    """What one sheet is.

    table : "" where no table fits
    certainty : of the table
    columns : one row a column: column, field ("" = none, "item", or "criterion", "rater", "role" of a wide score
        sheet), certainty, samples, filled
    ends : scale of the score, of the items; nan where the values do not settle it
    missing : codes that stand for no answer
    levels : one row a value that has to be understood: column, value, count, meaning
    export : the platform whose headers these are, "" where none is known
    """

    table: str
    certainty: str
    columns: pd.DataFrame
    ends: dict[str, tuple[float, float]]
    missing: list[str]
    levels: pd.DataFrame
    export: str = ""


@dataclass(frozen=True)
class _Sheet:
    """One sheet as it is looked at: its cells, the header of each column as written, its evidence, its platform."""

    body: pd.DataFrame
    written: dict[str, str]
    seen: dict[str, Evidence]
    export: str | None


@dataclass
class _Fit:
    """One table tried on one sheet: field -> (header, certainty); item: header -> (what it is one of, certainty)."""

    table: str
    fields: dict[str, tuple[str, str]]
    items: dict[str, tuple[str, str]]
    weight: float
    firm: bool


def guess(body: pd.DataFrame, headers: dict[str, str] | None = None, tables: list[str] | None = None) -> Proposal:
    """The proposal for one sheet.

    body : text, "" where empty, headers made different; headers : made different -> as written, where they differ
    tables : those the sheet may be; default: all
    """
    sheet = _looked_at(body, {name: (headers or {}).get(name, name) for name in body})
    fits = sorted(filter(None, (_fit(table, sheet) for table in tables or contracts.names())), key=_rank)
    if not fits or _summed(sheet.written.values(), fits[0]):
        return _proposal(None, CHECK, sheet)
    best = fits[0]
    rival = next((fit.weight for fit in fits[1:] if {fit.table, best.table} != {ANSWERS, ITEMS}), 0.0)
    certainty = SURE if best.firm and best.weight >= MARGIN * rival else CHECK
    return _proposal(best, certainty, sheet)


def _looked_at(body: pd.DataFrame, written: dict[str, str]) -> _Sheet:
    """The codes a platform writes for no answer are no values."""
    export = exports.recognise(written.values())
    body = exports.answered(export, body) if export else body
    options = {question.header for question in exports.questions(body) if question.item} if export else set()
    seen = {name: evidence.of(body[name], "" if name in options else written[name]) for name in body}
    return _Sheet(body, written, _alike(seen), export)


def _alike(seen: dict[str, Evidence]) -> dict[str, Evidence]:
    """A worded scale of which not every level is seen gives way to a longer one of the same sheet with its words."""
    known = {values.words.name: values.words for values in seen.values() if values.words}
    scales = sorted(known.values(), key=lambda words: words.low - words.high)
    found = {}
    for name, values in seen.items():
        spoken = set(map(contracts.normalised, values.values or ())) if values.words else set()
        scores = {values.words.scores[word] for word in spoken if word in values.words.scores} if spoken else set()
        whole = values.words is None or len(scores) > values.words.high - values.words.low
        longer = [] if whole else [one for one in scales if spoken <= one.scores.keys()]
        found[name] = replace(values, words=longer[0], ends=(longer[0].low, longer[0].high)) if longer else values
    return found


def _summed(headers, fit: _Fit) -> bool:
    """Shares already counted up, without anything of a single answer."""
    return fit.table in (ANSWERS, ITEMS) and any(map(aggregates.is_share, headers)) and not SINGLE & fit.fields.keys()


def _rank(fit: _Fit) -> tuple[bool, float]:
    return not fit.firm, -fit.weight


def _fit(table: str, sheet: _Sheet) -> _Fit | None:
    """How well one table fits; None where what it cannot do without is not there."""
    if table == score_sheets.TABLE and not sheet.export:
        wide = _tried(table, _unbracketed(sheet))
        if wide and wide.items:
            return wide
    return _tried(table, sheet)


def _tried(table: str, sheet: _Sheet) -> _Fit | None:
    """One table on one sheet as it is looked at."""
    contract, seen, written = contracts.load(table), sheet.seen, sheet.written
    fields = _fields(table, sheet)
    if table == ANSWERS and not sheet.export:
        fields = _spoken(_rated(fields, seen, written), seen)
    if table in (ANSWERS, "invitations"):
        fields = _dated(fields, contract.period_by, seen)
    fields = _keyed(fields, contract, seen, written) if not sheet.export else fields
    fields, items = _wide(table, fields, sheet)
    mute = table == ANSWERS and not items and not _answers(fields, seen)
    told = (table == VALUES and items) or _telling(table, fields, items)
    if mute or not told or not _able(contract, fields, items) or not _enough(fields, items):
        return None
    firm = _firm(contract, fields, sheet.body, items)
    spoken = {field: _spread(written[header], field) for field, (header, _) in fields.items()}
    weight = sum(WEIGHT[certainty] * spoken[field] for field, (_, certainty) in fields.items())
    if table == score_sheets.TABLE:
        return _Fit(table, fields, items, weight + sum(WEIGHT[mark] / 2 for _, mark in items.values()), firm)
    return _Fit(table, fields, items, weight + 0.2 * len(items) * (len(fields) > 0 or len(items) > 2), firm)


def _unbracketed(sheet: _Sheet) -> _Sheet:
    """Full marks and weights stand in brackets behind headers, and people under their names: they are who is rated."""
    written = {name: score_sheets.plain(header) or header for name, header in sheet.written.items()}
    contract = contracts.load(score_sheets.TABLE)
    named = [name for name in sheet.seen if contracts.match(written[name], contract) in ("ratee_name", "rater_name")]
    return replace(sheet, written=written, seen=sheet.seen | {name: evidence.of(sheet.body[name]) for name in named})


def _wide(table: str, fields: dict, sheet: _Sheet) -> tuple[dict, dict[str, tuple[str, str]]]:
    """The fields that are none of the columns to be unpivoted, and those columns: header -> (kind, certainty)."""
    if table in (ANSWERS, ITEMS):
        fields, items = _questions(table, fields, sheet)
        return fields, {header: (ITEM, mark) for header, mark in items.items()}
    if table == VALUES and (months := _months(sheet)):
        plain = {field: found for field, found in fields.items() if found[0] not in months}
        return {field: plain[field] for field in plain if field not in ("period", "value")}, months
    if table != score_sheets.TABLE or sheet.export:
        return fields, {}
    rated = [sheet.body[fields[name][0]] for name in ("ratee_id", "ratee_name") if name in fields]
    people = {contracts.normalised(text) for cells in rated for text in cells.unique()} - {""}
    items = score_sheets.find(sheet.seen, {name: name for name in sheet.body}, fields, people)
    kept = {field: found for field, found in fields.items() if found[0] not in items and field != "score"}
    return (kept, items) if items else (fields, {})


def _months(sheet: _Sheet) -> dict[str, tuple[str, str]]:
    """Columns headed by a month or another period, where there are several: header -> (kind, certainty)."""
    found = [header for header, text in sheet.written.items() if cycles.read(text)]
    return dict.fromkeys(found, (ITEM, SURE)) if len(found) >= MONTHS else {}


def _questions(table: str, fields: dict, sheet: _Sheet) -> tuple[dict, dict[str, str]]:
    """The fields that are none of the questions, and the questions: header -> certainty."""
    if sheet.export and exports.load(sheet.export).questionnaire:
        return fields, dict.fromkeys(exports.items(sheet.export, sheet.body), SURE)
    taken = {header for field, (header, mark) in fields.items() if mark != CHECK and field != "score"}
    items = item_columns.find(sheet.seen, sheet.written, taken)
    lone = fields.get("score")
    if lone and lone[0] in items and (table == ITEMS or _loose(sheet.written[lone[0]])):
        fields = {field: found for field, found in fields.items() if field != "score"}
    items = {header: mark for header, mark in items.items() if header not in {h for h, _ in fields.values()}}
    if table == ANSWERS and items:
        fields = {field: found for field, found in fields.items() if found[0] not in items}
    return fields, items


def _loose(header: str) -> bool:
    """Is a column the score by a loose likeness only, not by its name or by saying overall?"""
    return likeness.likeness(header, ANSWERS, "score") < likeness.EXACT and not evidence.says(header, "overall")


def _able(contract: contracts.Contract, fields: dict, items: dict) -> bool:
    """Is everything there that a row of this table needs?"""
    if contract.name == ITEMS and items:
        return "item_id" not in fields and "score" not in fields
    needed = [name for name, column in contract.columns.items() if column.required and not column.default]
    needed = [name for name in needed if _named(name) not in fields]
    wide = contract.name in (score_sheets.TABLE, VALUES) and bool(items)
    some = wide or not contract.any_of or any(name in fields for name in contract.any_of)
    return bool(fields) and some and all(name in fields for name in needed)


def _named(field: str) -> str:
    """The name that may stand for an id: customer_name for customer_id."""
    return f"{field.removesuffix('_id')}_name"


def _answers(fields: dict, seen: dict[str, Evidence]) -> bool:
    """Does anybody rate, or write more than a word? The remarks of a list of customers are no answers."""
    said = "comment" in fields and _agrees(seen[fields["comment"][0]], contracts.load(ANSWERS).columns["comment"])
    return said or any(field in fields for field in RATINGS)


def _enough(fields: dict, items: dict) -> bool:
    """One column that loosely reminds of a field is no table."""
    return len(fields) + len(items) > 1 or any(certainty != CHECK for _, certainty in fields.values())


def _telling(table: str, fields: dict, items: dict) -> bool:
    """Is there, surely, what tells this table from others of the same headers? A wide score sheet tells itself."""
    if table == score_sheets.TABLE and items:
        return True
    sure = {field for field, (_, certainty) in fields.items() if certainty == SURE}
    return all(sure & set(either) for either in evidence.vocabulary()["telling"].get(table, []))


def _firm(contract: contracts.Contract, fields: dict, body: pd.DataFrame, items: dict) -> bool:
    """Are the fields the table stands on sure, are there enough of them, and does its key tell the rows apart?"""
    sure = {name for name, (_, certainty) in fields.items() if certainty == SURE}
    needed = {name for name, column in contract.columns.items() if column.required and not column.default}
    needed = {name for name in needed if _named(name) not in sure}
    doubtful = all(mark == CHECK for _, mark in items.values())
    if items and (contract.name == ITEMS or (contract.name == score_sheets.TABLE and doubtful)):
        return False
    if contract.name == VALUES and items:
        return needed <= sure
    said = not contract.any_of or any(name in sure for name in contract.any_of)
    said |= contract.name == score_sheets.TABLE and bool(items)
    key = contract.key[0]
    if key in fields and len(contract.key) == 1:
        cells = body[fields[key][0]]
        said &= cells[cells != ""].nunique() >= REPEATED * (cells != "").sum()
    return said and needed <= sure and len(sure) > 1


def _spread(header: str, field: str) -> float:
    """Weight of a header by how few tables know it."""
    tables = [name for name in contracts.names() if contracts.match(header, contracts.load(name))]
    return 1.0 / max(len(tables), 1)


# --- the fields of one table ------------------------------------------------------------------------------------


def _fields(table: str, sheet: _Sheet) -> dict[str, tuple[str, str]]:
    """Field -> (header, certainty): what the platform is known to write, then the likest pairs; rivals stay out."""
    columns, export = contracts.load(table).columns, sheet.export
    known = exports.proposed(export, table, sheet.body) if export else {}
    taken: dict[str, tuple[str, str]] = {field: (header, SURE) for header, field in known.items()}
    found = []
    for header in [
        header for header in sheet.seen if header not in known and not (export and exports.technical(export, header))
    ]:
        values = sheet.seen[header]
        for field, column in columns.items():
            like = likeness.likeness(sheet.written[header], table, field)
            if like and fits(values, column):
                found.append((like, _agrees(values, column), header, field))
    for like in (likeness.EXACT, likeness.ENDS, likeness.MEANT, likeness.LOOSE):
        left = [pair for pair in found if pair[0] == like and pair[3] not in taken]
        left = [pair for pair in left if pair[2] not in {header for header, _ in taken.values()}]
        taken |= _paired(left, columns, sheet.written)
    return taken


def _paired(pairs: list, columns: dict[str, Column], written: dict[str, str]) -> dict[str, tuple[str, str]]:
    """The pairs of one likeness: a field claimed by several columns goes to the one named earliest, to be checked."""
    result: dict[str, tuple[str, str]] = {}
    for field in columns:
        rivals = [pair for pair in pairs if pair[3] == field and pair[2] not in {h for h, _ in result.values()}]
        if not rivals:
            continue
        best = min(rivals, key=lambda pair: (not pair[1], _alias(written[pair[2]], columns[field])))
        like, agrees, header, _ = best
        several = len(rivals) > 1 and like < likeness.EXACT
        result[field] = (header, CHECK if several else _certainty(like, agrees, columns[field]))
    return result


def _alias(header: str, column: Column) -> int:
    spellings = [contracts.normalised(text) for text in (column.name, *column.label.values(), *column.aliases)]
    wanted = contracts.normalised(header)
    return spellings.index(wanted) if wanted in spellings else len(spellings)


def _certainty(like: float, agrees: bool, column: Column) -> str:
    """An exact header whose values agree is sure; the end of a header needs values that say the same themselves."""
    if like == likeness.EXACT:
        return SURE if agrees else CHECK
    telling = column.type in (*DATES, "text") or (column.levels and not column.open)
    return LIKELY if like == likeness.ENDS and agrees and telling else CHECK


def _rated(fields: dict, seen: dict[str, Evidence], written: dict[str, str]) -> dict:
    """The overall question is the score: where one column says overall and rates, it is preferred to a loose one."""
    if "score" in fields and fields["score"][1] == SURE:
        return fields
    taken = {header for field, (header, _) in fields.items() if field != "score"}
    score = contracts.load(ANSWERS).columns["score"]
    overall = [
        header
        for header, values in seen.items()
        if header not in taken and evidence.says(written[header], "overall") and fits(values, score)
        and evidence.says(written[header], "rated") and _agrees(values, score)
    ]  # fmt: skip
    return fields | {"score": (overall[0], LIKELY)} if len(overall) == 1 else fields


def _spoken(fields: dict, seen: dict[str, Evidence]) -> dict:
    """Where no header says comment, the one column of free text may be it."""
    taken = {header for header, _ in fields.values()}
    free = [h for h, values in seen.items() if values.kind == "text" and h not in taken and values.length >= TALK]
    return fields if "comment" in fields or len(free) != 1 else fields | {"comment": (free[0], CHECK)}


def _dated(fields: dict, by: str, seen: dict[str, Evidence]) -> dict:
    """Where no header says when, the one column of dates may."""
    taken = {header for header, _ in fields.values()}
    dated = [header for header, values in seen.items() if values.kind == "date" and header not in taken]
    return fields if by in fields or len(dated) != 1 or not fields else fields | {by: (dated[0], CHECK)}


def _keyed(fields: dict, contract: contracts.Contract, seen: dict[str, Evidence], written: dict[str, str]) -> dict:
    """Where no header is the id of the rows, the one column that is different everywhere and says number may be."""
    key, taken = contract.key[0], {header for header, _ in fields.values()}
    able = [
        header
        for header, values in seen.items()
        if header not in taken and values.unique >= REPEATED and evidence.says(written[header], "numbered")
        and fits(values, contract.columns[key])
    ]  # fmt: skip
    return fields if key in fields or len(able) != 1 or not fields else fields | {key: (able[0], CHECK)}


# --- what values can be ------------------------------------------------------------------------------------------


def fits(values: Evidence, column: Column) -> bool:
    """Can these values stand in this field at all?"""
    kind = values.kind
    if kind in ("personal", "empty"):
        return kind == "empty"
    if column.type in DATES:
        counted = kind == "number" and SERIALS[0] <= values.low and values.high <= SERIALS[1] and values.unique > 0
        return kind == "date" or counted
    if column.type == "text":
        return kind == "text" or (kind in ("category", "id") and values.length >= 2)
    if column.type == "flag":
        return kind == "flag"
    if column.type in ("number", "integer"):
        return _measures(values, column)
    if column.type == "category":
        return _groups(values, column)
    wordy = kind in ("id", "category") or (kind == "text" and values.length < 2 * TALK)
    return wordy or (column.type == "id" and kind == "number" and values.whole)


def _measures(values: Evidence, column: Column) -> bool:
    if column.name == "score" or column.name == "satisfaction":
        return values.kind == "worded" or bool(np.isfinite(values.ends[1]))
    if values.kind not in ("number", "flag") or not np.isfinite(values.low):
        return False
    low, high = (-np.inf if column.min is None else column.min), (np.inf if column.max is None else column.max)
    high = 100 * high if column.unit["en"] == SHARE else high  # often written in percent
    return low <= values.low and values.high <= high


def _groups(values: Evidence, column: Column) -> bool:
    if values.kind == "date" or (values.kind == "number" and not (values.whole and values.levels <= evidence.SCALE)):
        return False
    if values.kind == "text" and values.length > 40:
        return False
    return not column.levels or column.open or _known(values, column) >= 0.5


def _known(values: Evidence, column: Column) -> float:
    """Share of the rows whose value is a level of the column."""
    if not values.values:
        return 0.0
    spellings = contracts.levels(column)
    known = sum(n for text, n in values.values.items() if contracts.normalised(text) in spellings)
    return known / sum(values.values.values())


def _agrees(values: Evidence, column: Column) -> bool:
    """Do the values speak for the field, beyond being possible?"""
    kind = values.kind
    if kind == "empty":
        return False
    if column.type in DATES:
        return kind == "date"
    if column.type == "text":
        return kind == "text" or values.length >= 4
    if column.type == "category":
        spoken = kind in ("category", "worded", "flag", "text")
        return spoken and (column.open or not column.levels or _known(values, column) >= evidence.MOST)
    if column.name == "score":
        return values.known == 1 or (kind == "number" and (values.levels <= evidence.SCALE and values.ends[1] > 1))
    return True


# --- what is proposed --------------------------------------------------------------------------------------------


def _proposal(fit: _Fit | None, certainty: str, sheet: _Sheet) -> Proposal:
    proposed = _proposed(fit, certainty)
    rows = [_row(header, proposed.get(header), fit, sheet) for header in sheet.body]
    columns = pd.DataFrame(rows, columns=["column", "field", "certainty", "samples", "filled"])
    items = [header for header, (field, _) in proposed.items() if field in WIDE]
    asked = bool(sheet.export) and exports.load(sheet.export).questionnaire
    rated = [] if fit and fit.table == VALUES else items
    ends, missing = item_columns.ends(_on_one_scale(rated, sheet), from_one=asked)
    levels = _levels(fit, proposed, sheet)
    scales = {"score": _score_ends(proposed, levels, sheet), "items": ends}
    export = sheet.export if fit and sheet.export and fit.table in exports.load(sheet.export).tables else ""
    missing += exports.load(export).missing if export else []
    return Proposal(fit.table if fit else "", certainty, columns, scales, missing, levels, export)


def _proposed(fit: _Fit | None, certainty: str) -> dict[str, tuple[str, str]]:
    """Header -> (field, certainty): no column is surer than its table."""
    if fit is None:
        return {}
    found = {header: (field, mark) for field, (header, mark) in fit.fields.items()}
    found |= fit.items
    return {header: (field, mark if certainty == SURE else CHECK) for header, (field, mark) in found.items()}


def _on_one_scale(items: list[str], sheet: _Sheet) -> list[Evidence]:
    """The columns whose scale may be declared for all; full marks in headers hold column by column."""
    return [] if any(score_sheets.full_marks(header) for header in items) else [sheet.seen[header] for header in items]


def _score_ends(proposed: dict, levels: pd.DataFrame, sheet: _Sheet) -> tuple[float, float]:
    """The scale of the score; nan where the values do not settle it or it changes on the way."""
    by_field = {field: header for header, (field, _) in proposed.items()}
    header = by_field.get("score")
    if header is None:
        return np.nan, np.nan
    if sheet.export and set(levels.loc[levels["column"] == header, "meaning"]) == {"0", "1"}:
        return 0.0, 1.0
    values, body = sheet.seen[header], sheet.body
    if values.words:
        return values.ends
    low, high = values.ends
    if low == 0 and high not in item_columns.FROM_ZERO:
        return np.nan, np.nan
    scores = parsing.numbers(body[header].mask(body[header] == ""), "points").values
    dated = body[by_field["received_at"]] if "received_at" in by_field else pd.Series("", index=body.index)
    days = dates.datetimes(dated.mask(dated == ""), timezone="UTC").values
    kept = scores.notna()
    changes = breaks.find(scores[kept], days[kept], pd.DataFrame(index=scores.index[kept]))[1]
    return (np.nan, np.nan) if changes else (low, high)


def _row(header: str, proposed, fit: _Fit | None, sheet: _Sheet) -> dict:
    cells, values = sheet.body[header], sheet.seen[header]
    field, mark = proposed or ("", _unused(header, sheet))
    column = contracts.load(fit.table).columns.get(field) if fit else None
    named = column is not None and (column.type == "name" or (column.identifies and pseudonyms.are_names(cells).any()))
    shown = evidence.samples(cells, hidden=bool(named) or values.kind == "personal")
    return {"column": header, "field": field, "certainty": mark, "samples": shown, "filled": values.filled}


def _unused(header: str, sheet: _Sheet) -> str:
    """Why a column is no field."""
    if sheet.seen[header].kind == "personal":
        return PERSONAL
    if sheet.export and exports.technical(sheet.export, header):
        return TECHNICAL
    asked = sheet.export and exports.load(sheet.export).questionnaire and exports.questions([header])
    return TALLIED if asked else UNMATCHED


def _levels(fit: _Fit | None, proposed: dict, sheet: _Sheet) -> pd.DataFrame:
    """Worded answers with their score, and the values of a category that has declared levels."""
    rows = []
    for header, (field, _) in proposed.items():
        column = contracts.load(fit.table).columns.get("score" if field in WIDE else field)
        values = sheet.seen[header]
        if column is None or not values.values:
            continue
        two = exports.levels(sheet.export, fit.table, field, sheet.body[header]) if sheet.export else {}
        if two or (column.type == "number" and values.words):
            scores = {} if two else values.words.scores
            spoken = {text: scores.get(contracts.normalised(text)) for text in values.values}
            scored = {text: "" if score is None else f"{score:g}" for text, score in spoken.items()} | two
            rows += [(header, text, n, scored[text]) for text, n in values.values.items()]
        elif column.levels:
            known = contracts.levels(column)
            rows += [(header, text, n, known.get(contracts.normalised(text), "")) for text, n in values.values.items()]
    return pd.DataFrame(rows, columns=["column", "value", "count", "meaning"])
