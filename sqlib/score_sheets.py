"""Wide score sheets: which columns are criteria, raters or roles, and the unpivot that makes one row a score."""

import functools
import re

import numpy as np

from sqlib import contracts, evidence, item_columns
from sqlib.evidence import Evidence
from sqlib.parsing import SPELLINGS

TABLE = "appraisals"
FIELDS = {
    "criterion": "criterion_id",
    "rater": "rater_id",
    "role": "rater_role",
}  # what a column is -> where its name goes
CRITERION, RATER, ROLE = FIELDS
FEWEST = 2  # columns that make a wide sheet
BEYOND = 1.2  # times full marks a score may be: bonus points
LIKELY, CHECK = "likely", "check"
OTHERS = (
    "customer_id",
    "customer_name",
    "case_id",
    "recommend",
    "ease",
)  # of answers of customers, never of appraisals
RATED = {"ratee_id", "ratee_name", "rater_id", "rater_name", "period", "reported_total", "reported_tier", "weight"}
_BETWEEN = r"[\s_\-\u2013\u2014:\uff1a\u00b7/|]"


def find(
    seen: dict[str, Evidence], written: dict[str, str], fields: dict[str, tuple[str, str]], people: set[str]
) -> dict[str, tuple[str, str]]:
    """Header -> (criterion, rater or role; certainty); {} where the sheet is no wide score sheet.

    fields : what other columns are; people : names and ids of the ratees, as ``contracts.normalised`` compares
    """
    if not any(fields.get(name, ("", ""))[1] == "sure" for name in ("ratee_id", "ratee_name")):
        return {}
    if any(values.kind == "personal" for values in seen.values()):  # a phone or an address: of customers
        return {}
    taken = {header for field, (header, mark) in fields.items() if mark != CHECK and field != "score"}
    able = {name: written[name] for name in seen if name not in taken and _scored(seen[name], written[name])}
    found = _criteria(able, seen) or _several(able, ROLE, _is_role)
    found = found or _several(able, RATER, lambda header: is_rater(header, people))
    found = _doubted(found or _unmarked(able, seen, fields), fields)
    rest = [written[name] for name in seen if name not in found and name not in taken]
    asked = any(contracts.match(header, contracts.load("feedback")) in OTHERS for header in rest)
    return {} if asked else {name: found[name] for name in seen if name in found}


def unpivot(headers: list[str], kind: str) -> dict:
    """``unpivot`` of client.toml for columns of one kind; ``items`` says what a header says beside the name."""
    crossed = _crossed(headers)
    said = {header: _said(header, kind, crossed.get(header)) for header in headers}
    items = {header: given for header, given in said.items() if given}
    return {"columns": headers, "name": FIELDS[kind], "value": "score", "items": items}


def plain(header: str) -> str:
    """A header without full marks and weight in brackets."""
    return functools.reduce(lambda text, pattern: pattern.sub("", text), _bracketed().values(), header).strip()


def full_marks(header: str) -> float | None:
    """Full marks a header gives in brackets."""
    found = _bracketed()["scale_max"].search(header)
    return float(next(filter(None, found.groups()))) if found else None


def split(header: str) -> tuple[str, str]:
    """Criterion and role of a header that says both, as manner-self; "" for what it does not say."""
    said, levels = plain(header), contracts.levels(contracts.load(TABLE).columns["rater_role"])
    for pattern in _roles():
        if found := pattern.fullmatch(said):
            brackets = "".join(each[0] for each in map(lambda p: p.search(header), _bracketed().values()) if each)
            criterion = found["criterion"].strip()
            return criterion and criterion + brackets, levels[contracts.normalised(found["role"])]
    return said, ""


def is_rater(header: str, people: set[str]) -> bool:
    """Is a header a person of the sheet, or a rater by number, as judge 1?"""
    name = _given(header)
    return contracts.normalised(name) in people or _numbered().fullmatch(name) is not None


# --- which columns -----------------------------------------------------------------------------------------------


def _criteria(able: dict[str, str], seen: dict[str, Evidence]) -> dict[str, tuple[str, str]]:
    """Full marks, a weight, or criterion and role in the header; other columns like them wait for a person."""
    crossed = _crossed(list(able.values()))
    marked = [name for name, header in able.items() if header in crossed or _is_marked(header, seen[name])]
    if len(marked) < FEWEST:
        return {}
    found = {name: (CRITERION, LIKELY) for name in marked}
    rest = {name: header for name, header in able.items() if name not in marked and not split(header)[1]}
    alike = [name for name, header in rest.items() if _scoring(header) or item_columns.is_rating(seen[name], header)]
    return found | dict.fromkeys(alike, (CRITERION, CHECK))


def _several(able: dict[str, str], kind: str, wanted) -> dict[str, tuple[str, str]]:
    found = {name: (kind, LIKELY) for name, header in able.items() if wanted(header)}
    return found if len(found) >= FEWEST else {}


def _unmarked(able: dict[str, str], seen: dict[str, Evidence], fields: dict) -> dict[str, tuple[str, str]]:
    """Criteria by their values alone, where the sheet says who rated or in which cycle and has no column of scores."""
    sure = {field for field, (_, mark) in fields.items() if mark == "sure"}
    if not sure & {"rater_id", "rater_name", "period"} or sure & {"score", "criterion_id"}:
        return {}
    found = {name: (CRITERION, CHECK) for name, header in able.items() if item_columns.is_rating(seen[name], header)}
    return found if len(found) >= FEWEST else {}


def _doubted(found: dict[str, tuple[str, str]], fields: dict) -> dict[str, tuple[str, str]]:
    """Criteria beside a mere name may be questions to customers: with a department a person decides, else they are."""
    anybody = set(map(contracts.normalised, evidence.vocabulary()["score_sheets"]["anybody"]))
    said = {field: contracts.normalised(header) for field, (header, mark) in fields.items() if mark == "sure"}
    sure = {field for field, header in said.items() if header not in anybody}
    if sure & RATED or any(kind != CRITERION for kind, _ in found.values()) or _scheme(list(found)):
        return found
    return {name: (kind, CHECK) for name, (kind, _) in found.items()} if sure & {"department", "team"} else {}


def _scheme(headers: list[str]) -> bool:
    """Roles, weights or different full marks: no customer is asked so."""
    full = {most for header in headers if (most := full_marks(header)) is not None}
    weighed = any(_bracketed()["weight"].search(header) for header in headers)
    return bool(_crossed(headers)) or weighed or len(full) > 1


def _scored(values: Evidence, header: str) -> bool:
    """Could the values be scores, one by one and not summed up?"""
    points = values.kind in ("number", "flag") and bool(np.isfinite(values.high)) and values.high <= BEYOND * 100
    return (values.kind == "worded" or points) and not evidence.says(header, "summed")


def _is_marked(header: str, values: Evidence) -> bool:
    """Full marks that hold the values, or a weight; a role with its weight is no criterion."""
    if not split(header)[0]:
        return False
    most = full_marks(header)
    if most is None:
        return _bracketed()["weight"].search(header) is not None
    return values.kind == "worded" or values.high <= BEYOND * most


def _is_role(header: str) -> bool:
    criterion, role = split(header)
    return bool(role) and not criterion


def _crossed(headers: list[str]) -> dict[str, tuple[str, str]]:
    """Header -> (criterion, role) where some criterion is rated in two roles: else the role may be part of its name."""
    pairs = {header: pair for header in headers if all(pair := split(header))}
    roles: dict[str, set[str]] = {}
    for criterion, role in pairs.values():
        roles.setdefault(criterion, set()).add(role)
    return {header: pair for header, pair in pairs.items() if len(roles[pair[0]]) > 1}


# --- what a header says ------------------------------------------------------------------------------------------


def _said(header: str, kind: str, crossed: tuple[str, str] | None) -> dict[str, str]:
    """Contract column -> what the header says of every score below it, where the header itself does not do."""
    if kind == ROLE:
        return {"rater_role": split(header)[1] or plain(header)}
    if kind == RATER:
        return {"rater_id": _given(header)} if _given(header) != header else {}
    if crossed:
        return dict(zip(("criterion_id", "rater_role"), crossed, strict=True))
    return {"scoring": scoring} if (scoring := _scoring(header)) else {}


def _scoring(header: str) -> str:
    """Deduction, bonus or veto, where the header is a word for it."""
    found = contracts.levels(contracts.load(TABLE).columns["scoring"]).get(contracts.normalised(plain(header)), "")
    return "" if found == "score" else found


def _given(header: str) -> str:
    """Who a column is of, without the word for what was given."""
    ends = "|".join(evidence.vocabulary()["score_sheets"]["given"])
    return re.sub(rf"{_BETWEEN}*(?:{ends})$", "", plain(header), flags=re.IGNORECASE).strip() or plain(header)


@functools.cache
def _bracketed() -> dict[str, re.Pattern]:
    """Contract column -> how a header gives it in brackets."""
    return {column: re.compile(pattern, re.IGNORECASE) for column, pattern in SPELLINGS["bracketed"].items()}


@functools.cache
def _roles() -> list[re.Pattern]:
    """A header that is or ends in a role, or begins with one and a sign between."""
    levels = contracts.load(TABLE).columns["rater_role"].levels.values()
    texts = {text for level in levels for text in (level.name, *level.label.values(), *level.aliases)}
    said = "|".join(map(re.escape, sorted(texts, key=len, reverse=True)))
    ends = rf"(?P<criterion>.*?){_BETWEEN}*(?<![a-z])(?P<role>{said})"
    begins = rf"(?P<role>{said}){_BETWEEN}+(?P<criterion>.+)"
    return [re.compile(pattern, re.IGNORECASE) for pattern in (ends, begins)]


@functools.cache
def _numbered() -> re.Pattern:
    words = evidence.vocabulary()["score_sheets"]
    called, numbers = "|".join(words["raters"]), "|".join(words["numbers"])
    return re.compile(rf"(?:{called})\s*[-_#.]?\s*(?:{numbers})", re.IGNORECASE)
