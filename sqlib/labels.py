"""Labels that look like one: misspelt teams, two words for one level, one person or customer under two ids.

Proposed by similarity, decided by a person. Precision first: two labels that differ in a digit, a single letter or a
distinguishing word (before / after, east / west) are never proposed. Measured on ``tests/data/labels.toml``.
"""

import difflib
import functools
import re
import tomllib
import unicodedata
from collections import Counter
from pathlib import Path

import pandas as pd

from sqlib import contracts
from sqlib.contracts import Column
from sqlib.tables import Table

MOST = 200  # distinct labels of a column beyond which it is no list of labels
RARE = 0.2  # a slip of the keyboard is at most this often as the word it means
LONG, LONG_HAN = 5, 4  # letters (Chinese characters) of the shortest word a slip is looked for in
LAPSE = 0.02  # a wrong character in a shared ending is this often at most, or stands once
SHARED = 4  # labels that end alike from which their ending is a word of its own
CLOSE = 0.8  # difflib's ratio below which one slip is no longer the same word
PROPOSED = ["column", "label", "name", "count", "into", "why"]
_PATH = Path(__file__).parent / "profiles" / "general" / "labels.toml"
_HAN = r"[\u3400-\u9fff]"


def proposals(checked: dict[str, Table], names: dict[str, str]) -> pd.DataFrame:
    """Labels of all tables that may be merged: column (or customer | person), label, name, count, into, why.

    why : same_form | one_slip | same_level | same_id | same_name. ``names``: id -> name of the client's own register.
    """
    parts = [_of_columns(checked), _of_ids(checked, names)]
    found = [row for part in parts for row in part]
    return pd.DataFrame(found, columns=PROPOSED).sort_values(["column", "into", "label"], ignore_index=True)


def alike(first: str, second: str, counts: tuple[int, int] = (1, 100)) -> str:
    """Why two different labels may be one: same_form, one_slip, same_level; empty where they may not.

    counts : how often each stands in the data: a slip is rare beside the word it means
    """
    one, two = form(first), form(second)
    if one == two:
        return "same_form"
    if _level(first) is not None and _level(first) == _level(second):
        return "same_level"
    rare = min(counts) <= RARE * max(counts)
    return "one_slip" if rare and _slip(first, second) else ""


@functools.lru_cache(maxsize=10_000)
def form(label: str) -> str:
    """A label without what does not tell: width, case, punctuation, kind of numeral, spelling, ending."""
    text = _plain(label)
    for spelling, usual in _declared()["spellings"].items():
        text = text.replace(spelling, usual)
    text = re.sub(r"[\W_]+", "", _digits(text))
    for ending in _declared()["endings"]["words"]:
        if text.endswith(ending) and len(text) > len(ending) + 1:
            return text.removesuffix(ending)
    return text


@functools.cache
def _declared() -> dict:
    return tomllib.loads(_PATH.read_text(encoding="utf-8"))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _digits(text: str) -> str:
    """Chinese numerals as digits; ten and a unit make one number."""
    numerals = _declared()["numerals"]
    ten = next(sign for sign, digits in numerals.items() if digits == "10")
    units = "".join(sign for sign, digits in numerals.items() if digits != "10")
    text = re.sub(f"([{units}]?){ten}([{units}]?)", lambda met: _tens(met, numerals), text)
    return "".join(numerals.get(sign, sign) for sign in text)


def _tens(met: re.Match, numerals: dict[str, str]) -> str:
    return str(10 * int(numerals.get(met[1], 1)) + int(numerals.get(met[2], 0)))


def _level(label: str) -> int | None:
    word = re.sub(r"\s+", " ", _plain(label))
    groups = _declared()["levels"]["alike"]
    return next((number for number, words in enumerate(groups) if word in words), None)


def _slip(first: str, second: str) -> bool:
    """Do two labels differ by one slip of the keyboard in one word?"""
    one, two = (re.findall(rf"{_HAN}+|[^\W\d_]+|\d+", _digits(_plain(text))) for text in (first, second))
    if len(one) != len(two):
        return False
    different = [(a, b) for a, b in zip(one, two, strict=True) if a != b]
    return len(different) == 1 and _slipped(*different[0])


def _slipped(one: str, two: str) -> bool:
    """One letter more, less, other or two changed places, the first letter kept; Chinese: doubled, or two turned."""
    match = difflib.SequenceMatcher(None, one, two, autojunk=False)
    steps = [step for step in match.get_opcodes() if step[0] != "equal"]
    size = max(len(one), len(two))
    touched = "".join(one[a:b] + two[c:d] for _, a, b, c, d in steps)
    if any(sign.isdigit() for sign in one + two) or set(touched) & set(_declared()["distinguishing"]["characters"]):
        return False
    turned = len(one) == len(two) and sorted(one) == sorted(two) and _swapped(one, two)
    if re.search(_HAN, one + two):
        return size >= LONG_HAN and (turned or _doubled(one, two))
    single = len(steps) == 1 and max(steps[0][2] - steps[0][1], steps[0][4] - steps[0][3]) == 1
    return size > LONG and one[0] == two[0] and (turned or (single and match.ratio() >= CLOSE))


def _swapped(one: str, two: str) -> bool:
    """Two neighbours changed places and nothing else."""
    places = [at for at, (a, b) in enumerate(zip(one, two, strict=True)) if a != b]
    return len(places) == 2 and places[1] == places[0] + 1


def _doubled(one: str, two: str) -> bool:
    """The longer is the shorter with one character typed twice."""
    short, long = sorted((one, two), key=len)
    return any(long[:at] + long[at + 1 :] == short and long[at] == long[at - 1] for at in range(1, len(long)))


def _of_columns(checked: dict[str, Table]) -> list[dict]:
    """Proposals among the labels of each open category column (over all tables), and among words for levels."""
    found = []
    for name, column, counts in _counted(checked):
        if len(counts) <= MOST:
            known = {
                text: level.name for level in column.levels.values() for text in (level.name, *level.label.values())
            }
            found += [{"column": name, "name": "", **row} for row in _paired(counts, known)]
    return found


def _counted(checked: dict[str, Table]) -> list[tuple[str, Column, pd.Series]]:
    """Each column whose values are labels, with how often each label stands: used rows, and words not understood."""
    parts: dict[str, list[pd.Series]] = {}
    columns: dict[str, Column] = {}
    for table in checked.values():
        contract = contracts.load(table.name)
        for name, column in contract.columns.items():
            if column.type == "category" and column.open:
                parts.setdefault(name, []).extend(_spellings(table, column))
                columns[name] = column
        odd = table.problems[table.problems["rule"].isin(["unknown_level", "level_beside_unknown"])]
        for name, rows in odd.groupby("column", sort=False):
            parts.setdefault(name, []).append(rows["value"].value_counts())
            columns[name] = contract.columns[name]
    return [(name, columns[name], pd.concat(each).groupby(level=0).sum()) for name, each in parts.items()]


def _spellings(table: Table, column: Column) -> list[pd.Series]:
    """How often each value of a column stands among the usable rows, and those unlisted among the rows set aside."""
    used = table.frame[column.name].value_counts()
    if column.name not in table.quarantine:
        return [used]
    aside = table.quarantine[column.name].value_counts()
    listed = contracts.levels(column)
    return [used, aside[[contracts.normalised(label) not in listed for label in aside.index]]]


def _paired(counts: pd.Series, known: dict[str, str]) -> list[dict]:
    """Each label that may be another one, with the one it most likely is: a listed level, else the more frequent."""
    own = {label: int(count) for label, count in counts.items() if label not in known}
    order = sorted(own, key=lambda label: (-own[label], label))
    endings = _endings(own)
    targets = [(text, int(counts.sum())) for text in known] + [(label, own[label]) for label in order]
    found = []
    for label in own:
        for into, count in targets:
            ahead = into in known or (own[into], label) > (own[label], into)
            why = alike(label, into, (own[label], count)) if into != label and ahead else ""
            rare = own[label] <= max(1, LAPSE * count)
            why = why or ("one_slip" if into != label and ahead and rare and _misspelt(label, into, endings) else "")
            if why:
                found.append({"label": label, "count": own[label], "into": into, "why": why})
                break
    return found


def _endings(own: dict[str, int]) -> set[str]:
    """Endings of two or three Chinese characters that several labels share: the word for a branch or a team."""
    ends = Counter(label[-size:] for label in own for size in (2, 3) if re.fullmatch(rf"{_HAN}{{{size + 2},}}", label))
    return {end for end, labels in ends.items() if labels >= SHARED}


def _misspelt(label: str, into: str, endings: set[str]) -> bool:
    """Is one character of the ending that the labels share another one, and all else the same?"""
    end = next((end for end in endings if into.endswith(end)), "")
    odd = [at for at, (one, two) in enumerate(zip(label, into, strict=False)) if one != two]
    inside = len(odd) == 1 and len(label) == len(into) and odd[0] >= len(into) - len(end)
    told = _declared()["distinguishing"]["characters"]
    return bool(end) and inside and not {label[odd[0]], into[odd[0]]} & {*told, *_declared()["numerals"]}


def _of_ids(checked: dict[str, Table], names: dict[str, str]) -> list[dict]:
    """Ids of customers and of persons that may be one: written two ways, or of one name."""
    found = []
    for kind in ("customer", "person"):
        ids = _ids_of(checked, kind)
        known = {name: text for name, text in names.items() if name in ids.index}
        for why, keys in (("same_id", _written(ids.index)), ("same_name", _named(known))):
            done = {row["label"] for row in found if row["column"] == kind}
            found += [row | {"column": kind, "why": why, "name": known.get(row["label"], "")}
                      for row in _twins(keys, ids) if row["label"] not in done]  # fmt: skip
    return found


def _ids_of(checked: dict[str, Table], kind: str) -> pd.Series:
    """Id -> how many rows bear it, over all tables."""
    parts = [pd.Series(dtype="int64")]
    for table in checked.values():
        columns = contracts.load(table.name).columns.values()
        parts += [table.frame[c.name].value_counts() for c in columns if c.identifies == kind and c.name in table.frame]
    return pd.concat(parts).groupby(level=0).sum()


def _written(ids: pd.Index) -> pd.Series:
    """Id -> how it reads without case, punctuation, spaces and zeros before a number."""
    plain = pd.Series(ids, index=ids, dtype="str").str.normalize("NFKC").str.casefold()
    plain = plain.str.replace(r"(?<=\d)[\W_]+(?=\d)", "\0", regex=True)  # 1-11 is not 11-1
    return plain.str.replace(r"[^\w\0]+|_", "", regex=True).str.replace(r"(?<!\d)0+(?=\d)", "", regex=True)


def _named(known: dict[str, str]) -> pd.Series:
    """Id -> its name without case, spaces, punctuation and legal form, words of a Latin name in one order."""
    return pd.Series({number: _name(text) for number, text in known.items()}, dtype="str")


def _name(text: str) -> str:
    plain = " ".join(re.findall(r"[^\W_]+", _plain(text)))
    for ending in _declared()["companies"]["forms"]:
        if plain.endswith(ending) and len(plain) > len(ending) + 1:
            plain = plain.removesuffix(ending).strip()
            break
    return " ".join(sorted(plain.split())) if plain.isascii() else plain.replace(" ", "")


def _twins(keys: pd.Series, counts: pd.Series) -> list[dict]:
    """Ids that share a key with a more frequent one."""
    same = keys[(keys != "") & keys.duplicated(keep=False)]
    if same.empty:
        return []
    frame = pd.DataFrame({"key": same, "count": counts[same.index]}).rename_axis("label").reset_index()
    frame = frame.sort_values(["count", "label"], ascending=[False, True], kind="stable")
    frame = frame.assign(into=frame.groupby("key")["label"].transform("first"))
    rows = frame[frame["into"] != frame["label"]]
    return [{"label": r.label, "count": int(r.count_), "into": r.into} for r in
            rows.rename(columns={"count": "count_"}).itertuples()]  # fmt: skip
