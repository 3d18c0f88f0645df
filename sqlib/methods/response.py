"""Response: who answered and who is silent, judged against the customer base.

Each group's share among the answering customers is set against its share of the base. A group is called silent only
if its deficit is large, its interval says so, and the exact test stands after all groups have been counted.

References: Wilson (1927) JASA 22:209; Donner & Zou (2012) Statistics in Medicine 31:347 (interval of a ratio from two
intervals); Lancaster (1961) JASA 56:223 (mid-p).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sqlib import disclosure
from sqlib.errors import MethodRefused
from sqlib.methods import proportions, samples


@dataclass(frozen=True)
class ResponseResult:
    """``table``, one row per dimension (a ``by`` column) and group:

    dimension, group, base (customers), base_share, invited (customers; NaN without invitations), answered (customers
    with feedback), answer_share (of all answering customers), estimate (response rate), low, high (Wilson), n (its
    denominator), representation (answer_share / base_share), representation_low, representation_high, p_value
    (answering in the group against the rest of the base, Fisher's exact test with mid-p), p_second (inversion of the
    interval of representation), p_adjusted
    (Benjamini-Hochberg over all rows tested), verdict: silent | under | as_expected | over | too_few (no outcome of
    this group could have reached the level).

    Scalars over all customers: ``base``, ``invited`` (NaN without invitations), ``answered``, ``rate``, ``low``,
    ``high``; ``denominator`` "invited" or "base"; ``unlinked`` feedback rows whose customer is not in the base (or
    empty), ``unlinked_invitations``; ``comparisons``: rows tested. ``cautions``: unlinked_feedback,
    unlinked_invitations, missing_group (customers without a level are left out of that dimension),
    answered_without_invitation (customers who answered though not invited). ``min_group`` as asked; empty numbers of
    a row are not told for its sake.
    """

    table: pd.DataFrame
    base: int
    invited: float
    answered: int
    rate: float
    low: float
    high: float
    denominator: str
    unlinked: int
    unlinked_invitations: int
    comparisons: int
    confidence: float
    cautions: tuple[str, ...]
    min_group: int = 0


def response(
    customers: pd.DataFrame,
    feedback: pd.DataFrame,
    invitations: pd.DataFrame | None = None,
    *,
    by,
    customer: str = "customer_id",
    min_group: int = 0,
    confidence: float = 0.95,
    silent_below: float = 0.5,
) -> ResponseResult:
    """Response rates and representation of the groups of a customer base.

    Parameters
    ----------
    customers : one row per active customer: ``customer`` and the columns of ``by``
    feedback : the period's answers, any number per customer
    invitations : optional; ``customer`` and, if known, ``responded`` (0/1); a customer counts once. With it the rate
        is the share of invited customers who answered (``responded``, else feedback), without it of the base
    by : a column of ``customers`` or several
    min_group : of groups in which fewer customers answered, and what would give them away, only base and verdict are
        told
    silent_below : representation under which a proven deficit is called silent

    Raises MethodRefused for an empty base, a customer listed twice or without id, an unknown column, and where no
    answer belongs to a customer of the base.
    """
    dimensions = samples.levels(by)
    base = _base(customers, customer, dimensions)
    samples.require(feedback, customer)
    base = base.assign(answered=base[customer].isin(feedback[customer].dropna()))
    base, unlinked_invitations = _invited(base, invitations, customer)
    if len(feedback) and not (base["answered"] | base["responded"].astype(bool)).any():
        raise MethodRefused("response.no_link", column=customer, rows=len(feedback))
    table = pd.concat([_dimension(base, d, confidence) for d in dimensions], ignore_index=True)
    table["invited"] = np.nan if invitations is None else table["n"]
    table["p_adjusted"] = samples.adjusted(table["p_value"])
    comparisons = int(table["p_value"].notna().sum())
    table["verdict"] = _verdicts(table, 1 - confidence, silent_below)
    table = disclosure.suppress(table, by="dimension", n="answered", min_group=min_group, numbers=TELLING)
    whole = [name for name in ("base", "answered", "n") if table[name].notna().all()]  # hidden ones leave a gap
    table[whole] = table[whole].astype("int64")
    unlinked = int((~feedback[customer].isin(base[customer])).sum())
    low, high = proportions.wilson(base["responded"].sum(), base["asked"].sum(), confidence=confidence)
    asked = int(base["asked"].sum())
    flags = {
        "unlinked_feedback": unlinked > 0,
        "unlinked_invitations": unlinked_invitations > 0,
        "missing_group": bool(base[dimensions].isna().any(axis=None)),
        "answered_without_invitation": bool((base["answered"] & ~base["asked"]).any()),
    }
    return ResponseResult(
        table=table[_COLUMNS],
        base=len(base),
        invited=np.nan if invitations is None else float(asked),
        answered=int(base["answered"].sum()),
        rate=float(base["responded"].sum() / asked) if asked else np.nan,
        low=float(low),
        high=float(high),
        denominator="base" if invitations is None else "invited",
        unlinked=unlinked,
        unlinked_invitations=unlinked_invitations,
        comparisons=comparisons,
        confidence=confidence,
        cautions=tuple(code for code, holds in flags.items() if holds),
        min_group=min_group,
    )


TELLING = [
    "answered", "answer_share", "estimate", "low", "high", "representation", "representation_low",
    "representation_high", "p_value", "p_second", "p_adjusted",
]  # fmt: skip
_COLUMNS = (  # noqa: SIM905
    "dimension group base base_share invited answered answer_share estimate low high n "
    "representation representation_low representation_high p_value p_second p_adjusted verdict"
).split()


def _base(customers, customer, dimensions) -> pd.DataFrame:
    samples.require(customers, customer, *dimensions)
    if customers.empty:
        raise MethodRefused("response.empty_base")
    wrong = customers[customer][customers[customer].isna() | customers[customer].duplicated()]
    if len(wrong):
        raise MethodRefused("response.bad_base", column=customer, got=wrong.iloc[0], rows=len(wrong))
    return customers[[customer, *dimensions]]


def _invited(base, invitations, customer):
    """Adds asked and responded (booleans) to the base; counts invitations of customers who are not in it."""
    if invitations is None:
        return base.assign(asked=True, responded=base["answered"]), 0
    samples.require(invitations, customer)
    asked = base[customer].isin(invitations[customer].dropna())
    responded = base["answered"]
    if "responded" in invitations.columns:
        said = samples.numbers(invitations, "responded").fillna(0) > 0
        responded = base[customer].isin(invitations.loc[said, customer].dropna())
    unlinked = int((~invitations[customer].isin(base[customer])).sum())
    return base.assign(asked=asked, responded=asked & responded), unlinked


def _dimension(base, dimension, confidence) -> pd.DataFrame:
    known = base[base[dimension].notna()]
    rows = known.groupby(dimension, observed=True, sort=True).agg(
        base=("answered", "size"), answered=("answered", "sum"), n=("asked", "sum"), responded=("responded", "sum")
    )
    total, answers = len(known), int(known["answered"].sum())
    rows["dimension"], rows["group"] = dimension, rows.index
    rows["base_share"] = rows["base"] / total
    rows["answer_share"] = rows["answered"] / answers if answers else np.nan
    rows["estimate"] = rows["responded"] / rows["n"].where(rows["n"] > 0)
    rows["low"], rows["high"] = proportions.wilson(rows["responded"], rows["n"], confidence=confidence)
    rows["representation"] = rows["answer_share"] / rows["base_share"]
    counts = rows["answered"], rows["base"], answers, total
    rows["representation_low"], rows["representation_high"] = representation_limits(*counts, 1 - confidence)
    rows["p_second"] = samples.p_value(lambda alpha: representation_limits(*counts, alpha), 1.0)
    rows["p_value"], rows["smallest"] = zip(
        *(mid_p(*row, answers, total) for row in zip(*counts[:2], strict=True)), strict=True
    )
    return rows.reset_index(drop=True)


def representation_limits(answered, size, answers, total, alpha):
    """Limits of (answered / answers) / (size / total), from Wilson's intervals of the group's rate and the rest's.

    The ratio of the two rates gets limits by Donner & Zou (2012); representation grows with it, bounded by
    total / size. NaN where the group is the whole base or nobody answered.
    """
    answered, size = np.asarray(answered, dtype=float), np.asarray(size, dtype=float)
    rest = np.where(total > size, total - size, np.nan)
    one, two = answered / size, (answers - answered) / rest
    low_one, high_one = proportions.score_limits(one, size, alpha)
    low_two, high_two = proportions.score_limits(two, rest, alpha)

    def ratio(near, far, sign):
        """Root of (near' limit) / (far limit) in the direction of ``sign``; written so that rates of 0 are allowed."""
        reach = (one * two) ** 2 - near * far * (2 * one - near) * (2 * two - far)
        return (one * two + sign * np.sqrt(np.maximum(reach, 0))) / (far * (2 * two - far))

    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(one > 0, ratio(low_one, high_two, -1), 0.0)
        high = np.where(two > 0, ratio(high_one, low_two, 1), np.inf)
        share = size / total
        limits = [np.where(np.isinf(r), 1 / share, r / (share * r + 1 - share)) for r in (low, high)]
    known = (answers > 0) & ~np.isnan(rest)
    return tuple(np.where(known, limit, np.nan) for limit in limits)


def mid_p(answered: int, size: int, answers: int, total: int) -> tuple[float, float]:
    """Fisher's exact test of one group against the rest: (two-sided mid-p, smallest mid-p any outcome could reach).

    NaN where there is no rest, or where nobody or everybody answered.
    """
    from scipy.stats import hypergeom

    if size in (0, total) or answers in (0, total):
        return np.nan, np.nan
    outcomes = np.arange(max(0, answers + size - total), min(size, answers) + 1)
    chance = hypergeom.pmf(outcomes, total, size, answers)
    observed = chance[outcomes == answered][0]
    close = np.isclose(chance, observed, rtol=1e-9, atol=0)
    least = chance.min()
    smallest = chance[np.isclose(chance, least, rtol=1e-9, atol=0)].sum() / 2
    return float(chance[(chance < observed) & ~close].sum() + chance[close].sum() / 2), float(smallest)


def _verdicts(table, alpha, silent_below):
    proven = table["p_adjusted"] <= alpha
    low = proven & (table["representation_high"] < 1)
    return np.select(
        [
            table["smallest"].isna() | (table["smallest"] > alpha),
            low & (table["representation"] < silent_below),
            low,
            proven & (table["representation_low"] > 1),
        ],
        ["too_few", "silent", "under", "over"],
        "as_expected",
    )
