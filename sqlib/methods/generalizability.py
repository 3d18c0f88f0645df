"""Generalizability: how much of the spread of scores is people, and what more raters, criteria or occasions would buy.

A G-study splits the variance of the scores into its sources by a design such as ``p x r x i``; a D-study asks how
reliable the mean over any numbers of raters and criteria would be. Balanced data: expected mean squares, exact. Others:
REML of the crossed model. Limits are generalized (fiducial) ones: every mean square is drawn anew as ``df MS / chi2``
and components and coefficients follow; on unbalanced data the mean squares are those of a balanced design of the same
sizes, with Satterthwaite's degrees of freedom from the covariance of the REML estimates. For ``p x r`` the limits of
the generalizability coefficient are the exact ones of the F distribution.

References: Cronbach, Gleser, Nanda & Rajaratnam (1972) The Dependability of Behavioral Measurements; Brennan (2001)
Generalizability Theory, ch. 3, 4, 6; Weerahandi (1993) JASA 88:899; Tian & Cappelleri (2004) Statistics in Medicine
23:2125; Hannig, Iyer & Patterson (2006) JASA 101:254; Satterthwaite (1946) Biometrics 2:110. Coverage:
``benchmarks/reliability.py``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib.errors import MethodRefused
from sqlib.methods import rating_formula, samples
from sqlib.methods.rating_formula import Design, Effect

DRAWS = 4000
PEOPLE = 150  # people that REML of three facets or more is given: of more a sample is taken, variances need no more
FEW_LEVELS = 5
COLUMNS = ["component", "df", "mean_square", "estimate", "low", "high", "share"]


@dataclass(frozen=True)
class GStudyResult:
    """``components``, one row an effect of the design, the last the residual, columns ``COLUMNS``: component (``p``,
    ``r:t``, ``pr``), df and mean_square (unbalanced: those of the balanced design it stands for), estimate (a negative
    one is 0) with limits, share of the sum.

    ``design``; ``person``, the letter of who is measured; ``sizes``, levels of every other letter a person has now
    (harmonic mean); ``draws`` (DRAWS, effects) of the components; ``n`` ratings, ``people``; ``complete``: balanced;
    ``method`` ems | reml. ``cautions`` among negative_variance, unbalanced, sampled (150 of the people), few_levels (a
    facet under 5: its variance is hardly known).
    """

    components: pd.DataFrame
    design: Design
    person: str
    sizes: dict[str, float]
    draws: np.ndarray
    n: int
    people: int
    complete: bool
    method: str
    missing: int
    confidence: float
    cautions: tuple[str, ...]


def g_study(data, *, score, design, columns, person="p", confidence=0.95, seed=0) -> GStudyResult:
    """Variance components of a rating design.

    Parameters
    ----------
    data : one row per rating; rows with a blank among the columns used are left out and counted
    design : such as ``p x r``, ``p x r x i``, ``p x (r:t)``, ``(r:p) x i``; any letters but x
    columns : letter -> column
    person : letter of who is measured

    Raises MethodRefused: generalizability.unknown_letter, .person_nested, .one_level, .repeated, .not_separable (two
    effects have the same levels, as where everybody has one rater), .constant, .too_few; rating_formula.not_read;
    crossed.*; samples.unknown_column, .not_numeric.

    Checked against Brennan (2001), Table 3.2 (p x (r:t)), and Shrout & Fleiss (1979) (p x r).
    """
    formed = rating_formula.parsed(design)
    _check_letters(formed, columns, person)
    table, missing = _table(data, score, [columns[letter] for letter in formed.letters])
    cells = _Cells(table, formed, columns)
    _check_cells(cells)
    balanced = cells.balanced
    sampled = not balanced and len(columns) > 2 and cells.count(_main(formed, person)) > PEOPLE
    if sampled:
        people = pd.unique(table[columns[person]])
        kept = np.random.default_rng(seed).choice(len(people), PEOPLE, replace=False)
        cells = _Cells(table[table[columns[person]].isin(people[kept])], formed, columns)
    found, squares, df = (_squared if balanced else _likelihood)(cells)
    draws = _drawn(cells.expected, squares, df, seed)
    negative = found < 0
    estimate = np.where(negative, 0.0, found)
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    few = any(cells.count(_main(formed, letter)) < FEW_LEVELS for letter in formed.letters)
    cautions = {
        "negative_variance": negative.any(), "unbalanced": not balanced, "sampled": sampled, "few_levels": few,
    }  # fmt: skip
    return GStudyResult(
        components=pd.DataFrame({
            "component": [formed.name(effect) for effect in formed.effects], "df": df, "mean_square": squares,
            "estimate": estimate, "low": low, "high": high, "share": estimate / estimate.sum(),
        })[COLUMNS],
        design=formed, person=person, sizes=_sizes(table, formed, columns, person), draws=draws, n=len(table),
        people=table[columns[person]].nunique(), complete=balanced, method="ems" if balanced else "reml",
        missing=missing, confidence=confidence, cautions=tuple(code for code, holds in cautions.items() if holds),
    )  # fmt: skip


# --- the table as cells of the design -----------------------------------------------------------------------------


def _check_letters(design: Design, columns, person: str) -> None:
    wanted = set(design.letters)
    if wanted != set(columns) or person not in wanted:
        got = ", ".join(sorted(columns))
        raise MethodRefused("generalizability.unknown_letter", design=design.formula, got=got, person=person)
    if _main(design, person).within:
        raise MethodRefused("generalizability.person_nested", design=design.formula, person=person)


def _main(design: Design, letter: str) -> Effect:
    return next(effect for effect in design.effects if effect.own == {letter})


def _table(data, score: str, keys: list[str]) -> tuple[pd.DataFrame, int]:
    samples.require(data, *keys, score)
    table = data.assign(**{score: samples.numbers(data, score)})[[*keys, score]].dropna()
    if len(table) < 2:
        raise MethodRefused("generalizability.too_few", rows=len(table))
    again = table.duplicated(keys)
    if again.any():
        raise MethodRefused("generalizability.repeated", rows=int(again.sum()))
    table = table.rename(columns={score: _SCORE})
    if np.ptp(table[_SCORE]) == 0:
        raise MethodRefused("generalizability.constant", rows=len(table), got=f"{table[_SCORE].iloc[0]:g}")
    return table, len(data) - len(table)


_SCORE = "\N{BULLET}score"  # a name no client's column has


class _Cells:
    """The cells every effect divides the ratings into."""

    def __init__(self, table: pd.DataFrame, design: Design, columns):
        self.design, self.columns, self.table = design, columns, table
        self.y = table[_SCORE].to_numpy() - table[_SCORE].mean()
        self.codes = {effect: self._coded(effect.letters) for effect in design.effects}

    def _coded(self, letters: frozenset) -> np.ndarray:
        return self.table.groupby([self.columns[letter] for letter in sorted(letters)], sort=False).ngroup().to_numpy()

    def count(self, effect: Effect) -> int:
        return int(self.codes[effect].max()) + 1

    @property
    def balanced(self) -> bool:
        """All combinations the design asks for, each once."""
        even = all(np.ptp(np.bincount(code)) == 0 for code in self.codes.values())
        return even and len(self.y) == np.prod([self._size(letter) for letter in self.design.letters])

    def _size(self, letter: str) -> float:
        """Levels of a letter within what it is nested in."""
        main = _main(self.design, letter)
        return self.count(main) / (self._coded(main.within).max() + 1 if main.within else 1)

    @property
    def expected(self) -> np.ndarray:
        """Mean squares (rows) as sums of components (columns), in a balanced design of these sizes (Brennan 3.4)."""
        effects = self.design.effects
        part = np.array([[one.letters <= other.letters for other in effects] for one in effects], dtype=float)
        return part * np.array([len(self.y) / self.count(effect) for effect in effects])

    def alternating(self, values: list[float]) -> np.ndarray:
        """What each effect has of a sum over its cells beyond the effects it contains; ``values`` less the mean's."""
        effects, own = self.design.effects, []
        for at, effect in enumerate(effects):
            inner = sum(own[before] for before in range(at) if effects[before].letters < effect.letters)
            own.append(values[at] - inner)
        return np.array(own)

    @property
    def df(self) -> np.ndarray:
        return self.alternating([self.count(effect) - 1.0 for effect in self.design.effects])


def _check_cells(cells: _Cells) -> None:
    design = cells.design
    for letter in design.letters:
        if cells.count(_main(design, letter)) < 2:
            raise MethodRefused("generalizability.one_level", letter=letter, column=cells.columns[letter])
    for at, one in enumerate(design.effects):
        for other in design.effects[at + 1 :]:
            joint = cells._coded(one.letters | other.letters).max() + 1
            if cells.count(one) == cells.count(other) == joint:
                first, second = design.name(one), design.name(other)
                raise MethodRefused("generalizability.not_separable", design=design.formula, first=first, second=second)


def _sizes(table: pd.DataFrame, design: Design, columns, person: str) -> dict[str, float]:
    """Levels of every facet within a person and what it is nested in, harmonic mean."""
    found = {}
    for letter in design.letters:
        if letter != person:
            keys = [columns[each] for each in sorted(_main(design, letter).within | {person})]
            found[letter] = round(float(1 / (1 / table.groupby(keys)[columns[letter]].nunique()).mean()), 9)
    return found


# --- components ---------------------------------------------------------------------------------------------------


def _squared(cells: _Cells) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Components by expected mean squares, mean squares and their degrees of freedom; balanced data."""
    totals = [(np.bincount(code, cells.y) ** 2).sum() / np.bincount(code)[0] for code in cells.codes.values()]
    df = cells.df
    squares = np.maximum(cells.alternating(totals), 0.0) / df
    return np.linalg.solve(cells.expected, squares), squares, df


def _likelihood(cells: _Cells) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Components by REML; the mean squares they imply in a balanced design, with Satterthwaite's degrees of freedom,
    never more than the design has."""
    from sqlib.methods import crossed

    *effects, _ = cells.design.effects
    fitted = crossed.fit(cells.y, factors={cells.design.name(effect): cells.codes[effect] for effect in effects})
    estimate, expected = fitted.variances.to_numpy(), cells.expected
    squares = expected @ estimate
    spread = np.einsum("ij,jk,ik->i", expected, fitted.variance_covariance, expected)
    df = 2 * squares**2 / np.maximum(spread, 1e-300)
    return estimate, squares, np.maximum(np.minimum(df, np.maximum(cells.df, 1.0)), 1.0)


def _drawn(expected: np.ndarray, squares: np.ndarray, df: np.ndarray, seed: int) -> np.ndarray:
    """Components (DRAWS, effects) that the mean squares allow for; negative ones are 0."""
    chi2 = np.random.default_rng(seed).chisquare(df, size=(DRAWS, len(df)))
    return np.maximum(np.linalg.solve(expected, (squares * df / chi2).T).T, 0.0)


# --- what a plan would reach --------------------------------------------------------------------------------------


def d_study(study: GStudyResult, plans=None, *, fixed=(), hours_per_rating=np.nan, people=None) -> pd.DataFrame:
    """Reliability of a person's mean score under other numbers of raters, criteria, occasions.

    Parameters
    ----------
    plans : rows of {letter: number}, a list or a table; a letter left out stays as it is now; None: as it is now
    fixed : letters whose levels are the only ones of interest (the criteria of a scheme): what they add to a person's
        score is part of what is measured, no error. A plan with fewer of them still has to speak for all there are now,
        and errs by what it leaves out (finite universe)
    hours_per_rating : one rater, one person, one level of every other facet; people: how many are rated, as now

    Returns one row a plan: the letters; generalizability, dependability (for decisions by rank and by cut score:
    Brennan 2001, ch. 4) with _low and _high; sem_relative, sem_absolute (score points); ratings (of one person), hours.

    Raises MethodRefused: generalizability.unknown_letter, .bad_plan.
    """
    letters = [letter for letter in study.design.letters if letter != study.person]
    table = pd.DataFrame(plans if plans is not None else [{}]).reindex(columns=letters).astype(float)
    table = table.fillna(study.sizes)
    if not (table.to_numpy() > 0).all():
        raise MethodRefused("generalizability.bad_plan", got=f"{table.to_numpy().min():g}")
    point = study.components["estimate"].to_numpy()[None, :]
    measures = {name: values[:, 0] for name, values in _measured(study, table, point, fixed).items()}
    drawn = _measured(study, table, study.draws, fixed)
    tails = [(1 - study.confidence) / 2, (1 + study.confidence) / 2]
    for name in ("generalizability", "dependability"):
        low, high = np.quantile(drawn[name], tails, axis=1)
        table = table.assign(**{name: measures[name], f"{name}_low": low, f"{name}_high": high})
    ratings = table[letters].prod(axis=1)
    return table.assign(
        sem_relative=measures["sem_relative"], sem_absolute=measures["sem_absolute"], ratings=ratings,
        hours=ratings * hours_per_rating * (study.people if people is None else people),
    )  # fmt: skip


def _measured(study: GStudyResult, table: pd.DataFrame, components: np.ndarray, fixed) -> dict[str, np.ndarray]:
    """Coefficients and standard errors, each (plans, rows of components)."""
    unknown = set(fixed) - set(table)
    if unknown:
        raise MethodRefused(
            "generalizability.unknown_letter", design=study.design.formula, got=sorted(unknown)[0], person=study.person
        )
    person, effects = study.person, study.design.effects
    others = [effect.letters - {person} for effect in effects]
    whole = table.assign(**{letter: np.maximum(table[letter], study.sizes[letter]) for letter in fixed})
    mean, all_of_it = (
        np.column_stack([1 / plan[sorted(letters)].prod(axis=1) for letters in others]) for plan in (table, whole)
    )
    own = np.array([person in effect.letters for effect in effects])
    kept = np.array([letters <= set(fixed) for letters in others])
    error = np.where(kept, mean - all_of_it, mean)  # (plans, effects)
    universe, relative, absolute = (
        components @ weight.T for weight in (all_of_it * (own & kept), error * own, error)
    )  # (rows of components, plans)
    return {
        "generalizability": _share(universe, relative).T, "dependability": _share(universe, absolute).T,
        "sem_relative": np.sqrt(relative).T, "sem_absolute": np.sqrt(absolute).T,
    }  # fmt: skip


def _share(part: np.ndarray, rest: np.ndarray) -> np.ndarray:
    return np.divide(part, part + rest, out=np.zeros_like(part), where=part > 0)
