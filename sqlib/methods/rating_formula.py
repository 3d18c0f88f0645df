"""Designs of a generalizability study, written as the field writes them: ``p x r``, ``p x (r:t)``, ``(r:p) x i``.

``x`` crosses, ``:`` nests what stands before it in what stands after it. A design is the list of its effects: each is
known by its letters, and those after the colon are what it is nested in (Brennan 2001, ch. 3).
"""

import itertools
import re
from dataclasses import dataclass

from sqlib.errors import MethodRefused


@dataclass(frozen=True)
class Effect:
    """One source of variation: ``own`` letters and those it is nested ``within``; together its ``letters``."""

    own: frozenset
    within: frozenset

    @property
    def letters(self) -> frozenset:
        return self.own | self.within


@dataclass(frozen=True)
class Design:
    """``letters`` in the order written; ``effects`` from main effects to the residual; ``formula`` as written."""

    formula: str
    letters: tuple[str, ...]
    effects: tuple[Effect, ...]

    def name(self, effect: Effect) -> str:
        """Such as ``pr:t``."""
        own, within = ("".join(each for each in self.letters if each in part) for part in (effect.own, effect.within))
        return f"{own}:{within}" if within else own


def parsed(formula: str) -> Design:
    """The design a formula stands for.

    Raises MethodRefused: rating_formula.not_read.
    """
    tokens = re.findall(r"[a-wyz]|[x:()]|\S", formula.lower().replace("\N{MULTIPLICATION SIGN}", "x"))
    nests, rest = _crossed(tokens, formula)
    if rest:
        raise MethodRefused("rating_formula.not_read", got=formula, at=rest[0])
    letters = tuple(nests)
    subsets = (frozenset(own) for size in range(1, len(letters) + 1) for own in itertools.combinations(letters, size))
    found = {}
    for own in subsets:
        within = frozenset().union(*(nests[each] for each in own))
        if not own & within:
            found.setdefault(own | within, Effect(own, within))
    return Design(formula, letters, tuple(sorted(found.values(), key=lambda effect: len(effect.letters))))


def _crossed(tokens: list[str], formula: str) -> tuple[dict[str, frozenset], list[str]]:
    """Letters with what each is nested in, and the tokens left over."""
    nests, tokens = _nested(tokens, formula)
    while tokens and tokens[0] == "x":
        more, tokens = _nested(tokens[1:], formula)
        nests = _joined(nests, more, formula)
    return nests, tokens


def _nested(tokens: list[str], formula: str) -> tuple[dict[str, frozenset], list[str]]:
    nests, tokens = _single(tokens, formula)
    if tokens and tokens[0] == ":":
        outer, tokens = _nested(tokens[1:], formula)
        inner = {letter: within | frozenset(outer) for letter, within in nests.items()}
        nests = _joined(inner, outer, formula)
    return nests, tokens


def _single(tokens: list[str], formula: str) -> tuple[dict[str, frozenset], list[str]]:
    if tokens and tokens[0] == "(":
        nests, tokens = _crossed(tokens[1:], formula)
        if tokens and tokens[0] == ")":
            return nests, tokens[1:]
    elif tokens and re.fullmatch(r"[a-wyz]", tokens[0]):
        return {tokens[0]: frozenset()}, tokens[1:]
    raise MethodRefused("rating_formula.not_read", got=formula, at=tokens[0] if tokens else "…")


def _joined(first: dict, second: dict, formula: str) -> dict:
    twice = set(first) & set(second)
    if twice:
        raise MethodRefused("rating_formula.not_read", got=formula, at=sorted(twice)[0])
    return first | second
