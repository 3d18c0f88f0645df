"""The ``filter`` of a source block: ``column op value`` with and, or and parentheses, on raw text.

Parsed here, never evaluated as code. Operators: == != >= > <= < contains. A header with spaces may be written as it
is or quoted; a text value is quoted or bare. Numbers are compared as numbers where both sides are numbers, ISO dates
as text; a cell that cannot be compared with the value (a word with a number) is never greater or smaller.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from sqlib.errors import ClientError

OPERATORS = ("==", "!=", ">=", "<=", ">", "<", "contains")
_QUOTES = "'\"\u2018\u2019\u201c\u201d"
_TOKEN = re.compile(
    rf"\s*(?:(?P<quoted>[{_QUOTES}](?P<inside>[^{_QUOTES}]*)[{_QUOTES}])"
    r"|(?P<paren>[()\uff08\uff09])|(?P<op>[=!<>]=|[<>])|(?P<word>[^\s()\uff08\uff09=!<>'\"\u2018\u2019\u201c\u201d]+))"
)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}.*")


@dataclass(frozen=True)
class Token:
    kind: str  # quoted | paren | op | word | and | or | end
    text: str
    at: int  # position in the filter, first character = 1


@dataclass(frozen=True)
class Comparison:
    """One ``column op value``."""

    column: str
    op: str
    value: str
    at: int


@dataclass(frozen=True)
class Either:
    """``and`` or ``or`` of several conditions."""

    word: str
    parts: tuple


def parse(text: str, where: str = "") -> Comparison | Either:
    """The filter as a tree.

    Raises
    ------
    ClientError : ``filters.syntax`` with the position and what may stand there
    """
    parser = _Parser(_tokens(text, where), text, where)
    tree = parser.any_of()
    parser.expect("end", "and | or")
    return tree


def columns(tree: Comparison | Either) -> list[Comparison]:
    """Every comparison in the filter, in reading order."""
    return [tree] if isinstance(tree, Comparison) else [leaf for part in tree.parts for leaf in columns(part)]


def keep(tree: Comparison | Either, cell: Callable[[str], pd.Series]) -> tuple[pd.Series, pd.Series]:
    """Row by row: does the filter keep it; was some cell not comparable with its value?

    cell : gives the texts of a column ("" where empty) by the name the filter uses
    """
    if isinstance(tree, Comparison):
        return _compare(cell(tree.column), tree.op, tree.value)
    kept, odd = keep(tree.parts[0], cell)
    for part in tree.parts[1:]:
        more, odder = keep(part, cell)
        kept = kept & more if tree.word == "and" else kept | more
        odd = odd | odder
    return kept, odd


def _compare(cells: pd.Series, op: str, value: str) -> tuple[pd.Series, pd.Series]:
    never = pd.Series(False, index=cells.index)
    if op == "contains":
        return cells.str.contains(value, regex=False), never
    if _NUMBER.fullmatch(value):
        numbers = pd.to_numeric(cells.where(cells.str.fullmatch(_NUMBER.pattern)), errors="coerce")
        comparable, left, right = numbers.notna(), numbers, float(value)
    elif _DATE.fullmatch(value):
        comparable, left, right = cells.str.fullmatch(_DATE.pattern), cells, value
    else:
        comparable, left, right = ~never, cells, value
    if op in ("==", "!="):
        equal = (comparable & (left == right)) | (cells == value)
        return (equal if op == "==" else ~equal), never
    ordered = {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[op]
    return comparable & ordered, ~comparable & (cells != "")


def _tokens(text: str, where: str) -> list[Token]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if not match:
            at += len(text[at:]) - len(text[at:].lstrip())
            values = {"at": at + 1, "found": text[at], "allowed": " ".join(OPERATORS)}
            raise ClientError("filters.syntax", where=where, got=text, **values)
        kind = match.lastgroup if match["quoted"] is None else "quoted"
        found = match["inside"] if kind == "quoted" else match[kind]
        if kind == "word" and found.lower() in ("and", "or", "contains"):
            kind, found = ("op" if found.lower() == "contains" else found.lower()), found.lower()
        tokens.append(Token(kind, found, match.end() - len(match[0].lstrip()) + 1))
        at = match.end()
    return [*tokens, Token("end", "", len(text) + 1)]


class _Parser:
    """Recursive descent: any_of = all_of (or all_of)*; all_of = one (and one)*; one = comparison or ( any_of )."""

    def __init__(self, tokens: list[Token], text: str, where: str):
        self.tokens, self.text, self.where = tokens, text, where

    def any_of(self):
        return self._chain("or", self.all_of)

    def all_of(self):
        return self._chain("and", self.one)

    def one(self):
        if self._open():
            self.tokens.pop(0)
            inside = self.any_of()
            if self.tokens[0].text not in (")", "\uff09") or self.tokens[0].kind != "paren":
                self._fail(")")
            self.tokens.pop(0)
            return inside
        at = self.tokens[0].at
        column = self._name()
        operator = self.expect("op", " ".join(OPERATORS))
        if self.tokens[0].kind not in ("word", "quoted"):
            self._fail("'…' | 123")
        value = self.tokens.pop(0)
        return Comparison(column, operator.text, value.text, at)

    def expect(self, kind: str, allowed: str) -> Token:
        if self.tokens[0].kind != kind:
            self._fail(allowed)
        return self.tokens.pop(0)

    def _chain(self, word: str, inner):
        parts = [inner()]
        while self.tokens[0].kind == word:
            self.tokens.pop(0)
            parts.append(inner())
        return parts[0] if len(parts) == 1 else Either(word, tuple(parts))

    def _open(self) -> bool:
        return self.tokens[0].kind == "paren" and self.tokens[0].text in ("(", "\uff08")

    def _name(self) -> str:
        """A quoted header, or bare words up to the operator."""
        if self.tokens[0].kind == "quoted":
            return self.tokens.pop(0).text
        words = []
        while self.tokens[0].kind == "word":
            words.append(self.tokens.pop(0).text)
        return " ".join(words) or self._fail("column")

    def _fail(self, allowed: str):
        token = self.tokens[0]
        values = {"at": token.at, "found": token.text or "–", "allowed": allowed}
        raise ClientError("filters.syntax", where=self.where, got=self.text, **values)
