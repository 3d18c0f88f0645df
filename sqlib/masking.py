"""Masking: people and numbers in free text give way to a mark that says what stood there.

Known names come from the client's own tables (``pseudonyms.names``), in the forms of ``name_forms``; numbers are known
by their shape. A checksum decides what a number is called, never whether it is hidden: a mistyped identity number
is still somebody's. Texts are compared folded (half width, lower case, digits of any script), character for character.

Sources: GB 11643-1999 and ISO 7064 MOD 11-2 (identity card), GB 32100-2015 (unified social credit code), ISO/IEC
7812-1 annex B (Luhn).
"""

import datetime as dt
import functools
import re
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from sqlib import name_forms, words
from sqlib.name_forms import Forms, lists

KINDS = (
    "name", "phone", "identity", "credit_code", "email", "messenger", "bank_card", "plate", "url", "number",
)  # fmt: skip
END = "\0"  # stands between two texts; no pattern takes it
CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I, O, S, V, Z
IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
RUN = 7  # digits in a row that are no date: an account, a number of some register

Span = tuple[int, int, str]  # start, end, kind


def find(text: str, names: Iterable[str] = ()) -> list[Span]:
    """Where a text names somebody or gives a number away: start, end, kind (one of ``KINDS``), in order, apart.

    ``names``: full names of the people and firms known, in any spelling; their usual short forms are found as well.
    """
    return _spans(text.replace(END, " "), name_forms.forms(frozenset(names)))


def mask(text: str, names: Iterable[str] = (), language: str = "zh") -> str:
    """The text with a mark in place of each finding, worded in the language."""
    text = text.replace(END, " ")
    return _spliced(text, _spans(text, name_forms.forms(frozenset(names))), language)


def mask_all(texts: pd.Series, names: Iterable[str] = (), language: str = "zh") -> pd.Series:
    """Every text of a column masked, missing stays missing; all texts are searched in one pass."""
    codes, distinct = pd.factorize(texts)
    joined = END.join(str(text).replace(END, " ") for text in distinct)
    spans = _spans(joined, name_forms.forms(frozenset(names)))
    masked = _spliced(joined, spans, language).split(END) if len(distinct) else []
    table = pd.Series([*masked, None], dtype="str")  # code -1: missing
    return table.take(codes).set_axis(texts.index)


def spoken(text: str, language: str) -> str:
    """A masked text with the marks of another language turned into this one's."""
    for mark in words.catalogue("masking")["mark"].values():
        for written in mark.values():
            text = text.replace(written, mark[language])
    return text


def _spliced(text: str, spans: list[Span], language: str) -> str:
    marks = {kind: words.text("masking", "mark", kind, language=language) for kind in KINDS}
    parts, at = [], 0
    for start, end, kind in spans:
        parts += [text[at:start], marks[kind]]
        at = end
    return "".join([*parts, text[at:]])


def _spans(text: str, known: Forms) -> list[Span]:
    folded = name_forms.fold(text)
    return _apart([*_named(text, folded, known), *_titled(folded, known), *_numbered(_arabic(folded))])


def _apart(spans: list[Span]) -> list[Span]:
    """Findings in order; those that touch the same characters become one, called as the longest of them."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span[0], -span[1], KINDS.index(span[2]))):
        if kept and span[0] < kept[-1][1]:
            start, end, kind = kept[-1]
            longer = span[2] if span[1] - span[0] > end - start else kind
            kept[-1] = (start, max(end, span[1]), longer)
        else:
            kept.append(span)
    return kept


# --- names ----------------------------------------------------------------------------------------------------


def _named(text: str, folded: str, known: Forms) -> list[Span]:
    """Known names: candidates by their first characters, all at once; each is then looked up."""
    codes = name_forms.codes(folded)
    spans = [(start, end, "name") for start, end, _ in _found(folded, codes, known.free, 2)]
    spans += [(start, end, "name") for start, end, form in _found(folded, codes, known.begun, 2)
              if _begins(folded, start, end)]  # fmt: skip
    for start, end, form in _found(folded, codes, known.latin, name_forms.SHORTEST):
        whole = not _letter(folded[start - 1 : start]) and not _letter(folded[end : end + 1])
        if whole and (form not in known.cased or text[start].isupper()):
            spans.append((start, end, "name"))
    return spans


def _found(folded: str, codes: np.ndarray, forms: frozenset[str], width: int):
    """Places where one of the forms stands, the longest at each place."""
    lengths = _lengths(forms, width)
    if not lengths or len(codes) < width:
        return
    size = len(codes) - width + 1
    first = np.zeros(0x110000, dtype=bool)
    first[[ord(start[0]) for start in lengths]] = True
    at = np.flatnonzero(first[codes[:size]])
    keys = np.sort(np.array([_key(start) for start in lengths], dtype=np.uint64))
    seen = _keys(codes, at, width)
    at = at[keys[np.searchsorted(keys, seen).clip(max=len(keys) - 1)] == seen]
    for start in at.tolist():
        for length in lengths[folded[start : start + width]]:
            if folded[start : start + length] in forms:
                yield start, start + length, folded[start : start + length]
                break


@functools.lru_cache(maxsize=24)
def _lengths(forms: frozenset[str], width: int) -> dict[str, list[int]]:
    """First characters -> lengths of the forms that begin so, longest first."""
    found: dict[str, set[int]] = {}
    for form in forms:
        if len(form) >= width:
            found.setdefault(form[:width], set()).add(len(form))
    return {start: sorted(lengths, reverse=True) for start, lengths in found.items()}


def _keys(codes: np.ndarray, at: np.ndarray, width: int) -> np.ndarray:
    """The ``width`` characters at each place as one number; 21 bits hold a code point."""
    key = np.zeros(len(at), dtype=np.uint64)
    for step in range(width):
        key = key << np.uint64(21) | codes[at + step].astype(np.uint64)
    return key


def _key(start: str) -> int:
    return functools.reduce(lambda key, character: key << 21 | ord(character), start, 0)


def _letter(character: str) -> bool:
    return character.isalnum() and not name_forms.HAN.match(character)


def _begins(folded: str, start: int, end: int) -> bool:
    """Can a short form begin and end here?"""
    before, after = folded[start - 1 : start], folded[end : end + 1]
    free = not name_forms.HAN.match(before) or before in lists()["left"]
    return free and not (after and after in lists()["not_then"])


def _titled(folded: str, known: Forms) -> list[Span]:
    """A name with a title; a family name with one names somebody, known or not."""
    spans = []
    for title in _titles().finditer(folded):
        start = title.start()
        reach = range(min(name_forms.PERSON, start), 0, -1)
        longest = (length for length in reach if folded[start - length : start] in known.called)
        if length := next(longest, 0):
            spans.append((start - length, title.end(), "name"))
    return spans


@functools.cache
def _titles() -> re.Pattern:
    return re.compile(_any(lists()["titles"]))


def _any(alternatives: list[str]) -> str:
    return "|".join(map(re.escape, sorted(alternatives, key=len, reverse=True)))


# --- numbers --------------------------------------------------------------------------------------------------


def _arabic(folded: str) -> str:
    """Digits written in Chinese as plain ones, where a whole number is written so."""
    digits = lists()["digits"]
    table = str.maketrans(digits)
    return re.sub(f"[{''.join(digits)}]{{{RUN},}}", lambda run: run.group().translate(table), folded)


def _numbered(folded: str) -> list[Span]:
    """Numbers by their shape; the shape's group is what is masked, its rule says what it is."""
    spans = []
    for shape, called in _shapes():
        for found in shape.finditer(folded):
            kind = called(found.group(shape.groups), found.group())
            if kind:
                spans.append((*found.span(shape.groups), kind))
    return spans


@functools.cache
def _shapes() -> list[tuple[re.Pattern, Callable[[str, str], str | None]]]:
    """Shapes and what they are called. A shape begins with what it looks for, then looks back: that scans fastest."""
    known, only = lists(), lambda kind: lambda number, whole: kind
    first, last = r"\d(?<!\d\d)", r"(?!\d)"  # of a run of digits
    call, extension = _any(known["call"]), _any(known["extension"])
    messenger, qq = _any(known["messenger"]), _any(known["qq"])
    between = rf"(?:{_any(known['marker'] + known['filler'])}|\s){{0,4}}"
    shapes = [
        (r"[a-z\d](?<![\w.%+\-][a-z\d])[\w.%+\-]{0,63}(?:@|\(at\)|\[at\])[a-z\d\-]+(?:\.[a-z\d\-]+)+", only("email")),
        (r"(?:https?://|www\.)[!#-;=?-~]+", only("url")),
        (r"1(?<!\d1)(?:[ \-]{0,2}\d){10}" + last, _mobile),
        (rf"1(?<!\d1)\d\d\.\d{{4}}\.\d{{4}}{last}", _mobile),
        (rf"(?:\+86|\+?0086(?<!\d0086)|86(?<!\d86))[ \-]{{0,3}}1(?:[ \-]{{0,2}}\d){{10}}{last}", only("phone")),
        (rf"\+\d{{1,3}}(?:[ .()\-]{{0,3}}\d){{6,13}}{last}", only("phone")),
        (rf"(?:\(0|0(?<![\d.]0))\d{{1,4}}\)?[ .\-]{{0,3}}\d{{3,4}}[ .\-]?\d{{3,4}}{last}"
         rf"(?:[ \-]*(?:{extension}|\#|-)[.: ]*\d{{1,6}})?", only("phone")),
        (rf"\(?\d(?<!\d\d)\d\d\)?[ .\-]\d{{3}}[ .\-]\d{{4}}{last}", only("phone")),
        (rf"[48](?<!\d[48])00[ \-]?\d{{3,4}}[ \-]?\d{{3,4}}{last}", only("phone")),
        (rf"(?:{call})[^\d{END}]{{0,6}}(\d(?:[ \-]?\d){{5,11}}){last}", _called),
        (rf"(?:{messenger}){between}([a-z][a-z\d_\-]{{5,19}})", _messenger),
        (rf"(?:{qq}){between}([1-9]\d{{4,11}})", only("messenger")),
        (rf"[{known['plate']}][a-z][\u00b7. ]?(?=[a-z]{{0,5}}\d)[a-z\d]{{5,6}}(?![a-z\d])", only("plate")),
        (r"[\da-z](?<![\da-z][\da-z])[\da-z]\d{6}[\da-z]{10}(?![\da-z])", _eighteen),
        (first + r"(?:[ \-]?\d){14,18}" + last, _long),
        (first + r"(?:[ \-]?\d){16}[ \-]?x(?![a-z\d])", _long),
        (first + rf"\d{{{RUN - 1},}}x?", _run),
    ]  # fmt: skip
    return [(re.compile(shape, re.ASCII), called) for shape, called in shapes]


def _mobile(number: str, whole: str) -> str | None:
    return "phone" if re.sub(r"\D", "", number)[1] in "3456789" else None


def _called(number: str, whole: str) -> str | None:
    """After a word such as *tel*, unless it is a day."""
    return None if re.fullmatch(r"(?:19|20)\d\d-\d{1,2}-\d{1,2}", number) or _is_day(number) else "phone"


def _messenger(account: str, whole: str) -> str | None:
    """An ordinary word after *wechat* is no account unless something says so."""
    marked = any(marker in whole.removesuffix(account) for marker in lists()["marker"])
    return "messenger" if marked or re.search(r"[\d_]", account) else None


def _eighteen(code: str, whole: str) -> str | None:
    """18 figures and letters in the shape of a credit code."""
    if code.isdigit() or re.fullmatch(r"\d{17}x", code):
        return None  # a number: told by _long
    return "credit_code" if is_credit_code(code) else "number"


def _long(number: str, whole: str) -> str | None:
    """15 to 19 figures: identity card, bank card; without separators some other number."""
    figures = re.sub("[ -]", "", number)
    if is_identity(figures):
        return "identity"
    if is_credit_code(figures):
        return "credit_code"
    if len(figures) >= 16 and is_luhn(figures):
        return "bank_card"
    return "number" if figures == number else None


def _run(number: str, whole: str) -> str | None:
    return None if _is_day(number) else "number"


def _is_day(figures: str) -> bool:
    return len(figures) == 8 and figures[:2] in ("19", "20") and _day(figures) is not None


def _day(figures: str) -> dt.date | None:
    try:
        return dt.date(int(figures[:-4]), int(figures[-4:-2]), int(figures[-2:]))
    except ValueError:
        return None


def is_identity(figures: str) -> bool:
    """Is this the number of a resident identity card: 18 figures with day and check figure, or the old 15?"""
    figures = figures.upper()
    if re.fullmatch(r"[1-9]\d{14}", figures):
        return _day(f"19{figures[6:12]}") is not None
    if not re.fullmatch(r"[1-9]\d{16}[\dX]", figures) or _day(figures[6:14]) is None:
        return False
    total = sum(int(figure) * weight for figure, weight in zip(figures, IDENTITY_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == figures[17]


def is_credit_code(code: str) -> bool:
    """Is this a unified social credit code: 18 characters with a valid last one?"""
    code = code.upper()
    if len(code) != 18 or not set(code) <= set(CREDIT) or not code[2:8].isdigit():
        return False
    total = sum(CREDIT.index(character) * pow(3, place, 31) for place, character in enumerate(code[:17]))
    return CREDIT[-total % 31] == code[17]


def is_luhn(figures: str) -> bool:
    """Does the last figure fit the others as on a bank card?"""
    values = [int(figure) for figure in reversed(figures) if figure.isdigit()]
    doubled = [sum(divmod(2 * value, 10)) for value in values[1::2]]
    return (sum(values[0::2]) + sum(doubled)) % 10 == 0
