"""Before the next measures start: of which indicators a change worth having would be seen within a year."""

from sqlib.findings import Finding
from sqlib.methods.detectable_effects import DetectableResult
from sqlib.words import Listing, Quantity

SEEN = ("in_time",)
UNSEEN = ("late", "out_of_reach")
MOST_NAMED = 4


def _detectable(result: DetectableResult) -> Finding:
    best = result.table.sort_values("needed", kind="stable", na_position="last").drop_duplicates("indicator_id")
    counts = best["verdict"].value_counts()
    values = {code: Quantity(int(counts.get(code, 0))) for code in ("in_time", "late", "out_of_reach", "no_goal",
              "too_short")}  # fmt: skip
    values |= {"n": Quantity(len(best)), "seen": _named(best, SEEN), "unseen": _named(best, UNSEEN),
               "no_goals": _named(best, ("no_goal",))}  # fmt: skip
    seen, unseen = (int(best["verdict"].isin(codes).sum()) for codes in (SEEN, UNSEEN))
    verdict = "not_seen_in_time" if unseen else "seen_in_time" if seen else "no_goals"
    verdict = "too_short" if best["verdict"].eq("too_short").all() else verdict
    return Finding("detectable", verdict, "exact", estimate=seen, n=len(best), cautions=result.cautions,
                   evidence=("detectable",), values=values)  # fmt: skip


def _named(best, verdicts) -> Listing:
    return Listing(tuple(best.loc[best["verdict"].isin(verdicts), "indicator_id"].astype("str").head(MOST_NAMED)))


def sample(result: DetectableResult) -> int:
    """Indicators."""
    return int(result.table["indicator_id"].nunique())


def limits(result: DetectableResult) -> dict[str, dict]:
    """That the future is taken to be as noisy as the past."""
    return {"noise_as_before": {}}


FINDERS = {"detectable": _detectable}
