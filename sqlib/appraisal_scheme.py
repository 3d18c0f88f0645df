"""``[appraisal]`` of client.toml: tiers and what they pay, criteria with weight, kind and ceiling."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from sqlib.errors import ClientError
from sqlib.faults import listed, nearest
from sqlib.fields import STRICT, Text, as_list

KINDS = ("judged", "formula", "deduction", "bonus", "veto")
WITHIN = ("department", "team", "site")  # what a forced distribution may be kept within
FAIR = ("site", "department", "team")  # groups of people a judged rating carries
Share = Annotated[float, Field(ge=0, le=1)]
Points = Annotated[float, Field(ge=0)]


class Tier(BaseModel):
    """One tier, the best first: from ``min`` points on, or the best ``share`` of people; ``money``: what it pays."""

    model_config = STRICT
    name: Text
    min: float | None = None
    share: Share | None = None
    money: float | None = None


class Criterion(BaseModel):
    """``[appraisal.criteria.<name>]``: weight in % of the total, kind, most points it moves, ends of its scale."""

    model_config = STRICT
    weight: Points | None = None
    kind: Literal[KINDS] | None = None
    ceiling: Points | None = None
    scale_min: float | None = None
    scale_max: float | None = None


class Appraisal(BaseModel):
    """``[appraisal]``: see ``methods.scheme`` for the arithmetic."""

    model_config = STRICT
    tiers: Annotated[list[Tier], BeforeValidator(as_list)] = []
    within: Text | None = None
    deduction_ceiling: Points | None = None  # most points all deductions together take off
    bonus_ceiling: Points | None = None
    full_marks: float | None = None  # no total above it; None: bonus points may lift it
    veto: Literal["lowest_tier", "zero"] = "lowest_tier"
    hours_per_rating: Points = 0.25
    talk_within_days: Annotated[int, Field(ge=0)] = 14
    fair_groups: Annotated[list[Literal[FAIR]], BeforeValidator(as_list)] = ["site"]  # told apart by any rater?
    roles: dict[Text, Points] = {}  # role of rater -> weight; where empty the ratings of all others count alike
    criteria: dict[str, Criterion] = {}

    @property
    def weights(self) -> dict[str, float]:
        """Criterion -> weight, as declared."""
        return {name: entry.weight for name, entry in self.criteria.items() if entry.weight is not None}

    @property
    def ceilings(self) -> dict[str, float]:
        """Deduction or bonus -> most points it moves."""
        return {name: entry.ceiling for name, entry in self.criteria.items() if entry.ceiling is not None}

    @property
    def cuts(self) -> dict[str, float] | None:
        """Tier -> least points, best first; None where tiers are shares, or none are declared."""
        return {tier.name: tier.min for tier in self.tiers} if self.tiers and not self.shares else None

    @property
    def shares(self) -> dict[str, float] | None:
        """Tier -> share of people, best first; the last takes the rest. None where tiers are cut points."""
        given = {tier.name: tier.share for tier in self.tiers if tier.share is not None}
        if not given:
            return None
        last = self.tiers[-1].name
        return {**given, last: 1 - sum(given.values())} if last not in given else given

    @property
    def money(self) -> dict[str, float] | None:
        """Tier -> amount; None where no tier says."""
        paid = {tier.name: tier.money for tier in self.tiers if tier.money is not None}
        return {tier.name: paid.get(tier.name, 0.0) for tier in self.tiers} if paid else None


def check(appraisal: Appraisal, where: str) -> None:
    """Tiers that fit together, a known group.

    Raises
    ------
    ClientError : ``appraisal_scheme.mixed_tiers``, ``.repeated_tier``, ``.unordered``, ``.shares``, ``.scale``,
        ``client.unknown_value``
    """
    if appraisal.within is not None and appraisal.within not in WITHIN:
        near = {"nearest": nearest(appraisal.within, WITHIN), "allowed": listed(WITHIN), "others": "–"}
        raise ClientError("client.unknown_value", where=where, key="appraisal.within", got=appraisal.within, **near)
    for name, criterion in appraisal.criteria.items():
        low, high = criterion.scale_min, criterion.scale_max
        if high is not None and high <= (low or 0):
            got = f"{low or 0:g}–{high:g}"
            raise ClientError("appraisal_scheme.scale", where=f"{where}: appraisal.criteria.{name}", got=got)
    _check_tiers(appraisal.tiers, f"{where}: appraisal.tiers")


def _check_tiers(tiers: list[Tier], where: str) -> None:
    names = [tier.name for tier in tiers]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ClientError("appraisal_scheme.repeated_tier", where=where, got=repeated)
    shared = [tier.share is not None for tier in tiers]
    cut = [tier.min is not None for tier in tiers]
    by_share = any(shared) and all(shared[:-1]) and not any(cut)
    if tiers and not by_share and not (all(cut) and not any(shared)):
        lacking = next((t.name for t in tiers if (t.min is None) == (t.share is None)), names[-1])
        raise ClientError("appraisal_scheme.mixed_tiers", where=where, got=lacking)
    for better, worse in pairwise(tiers):
        if all(cut) and better.min <= worse.min:
            got = f"{better.name} {better.min:g}, {worse.name} {worse.min:g}"
            raise ClientError("appraisal_scheme.unordered", where=where, got=got)
    total = sum(tier.share for tier in tiers if tier.share is not None)
    if by_share and (total > 1 + 1e-9 or (all(shared) and total < 1 - 1e-9)):
        raise ClientError("appraisal_scheme.shares", where=where, got=f"{total:g}")
