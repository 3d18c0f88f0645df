"""How raters differ: severity, spread, halo and drift, as matter for their own coaching."""

import math

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.rater_calibration import FALLEN_BACK, CalibrationResult
from sqlib.words import Listing, Quantity

SAID = (  # cautions that a reader must know of
    "noise_assumed", "no_severity", "no_differences", "criterion_left_out", "extreme_facet", "empty_category",
    "unused_end", "levels_by_rank", *FALLEN_BACK,
)  # fmt: skip
HABITS = {  # key -> (flag, columns of the profile, unit, value of a rater like the others)
    "spread": ("central_tendency", "spread", "ratio", 1.0),
    "halo": ("halo", "halo", "ratio", math.nan),
    "drift": ("drifting", "drift", "score", 0.0),
}


def _severity(result: CalibrationResult) -> Finding:
    raters = result.raters
    known = raters[raters["difference"].notna()]
    values = {
        "raters": Quantity(len(raters)),
        "compared": Quantity(len(known)),
        "severe": Listing(tuple(known.loc[known["verdict"] == "severe", "rater_id"])),
        "lenient": Listing(tuple(known.loc[known["verdict"] == "lenient", "rater_id"])),
        "marked": Quantity(int(known["verdict"].isin(("severe", "lenient")).sum())),
    }
    if known.empty:
        return Finding("severity", "cannot_tell", "none", n=result.n, evidence=("severity",), values=values)
    marked = known[known["verdict"].isin(("severe", "lenient"))]
    verdict = "differ" if len(marked) else "alike" if (known["verdict"] == "in_line").all() else "cannot_tell"
    shown = marked if len(marked) else known
    row = shown.loc[shown["difference"].abs().idxmax()]
    widest = estimated(row, "score", result.confidence, "difference", signed=True)
    sides = known["difference"]
    values |= {"rater": row["rater_id"], "widest": widest, "gap": Quantity(sides.max() - sides.min(), "score")}
    return Finding(
        "severity", verdict, strength(row["p_value"], math.nan) if verdict == "differ" else "none",
        **recorded(widest), reference=0.0, 
        cautions=result.cautions, evidence=("severity", "raters"), values=values,
    )  # fmt: skip


def _habit(key: str, result: CalibrationResult) -> Finding:
    flag, column, unit, reference = HABITS[key]
    profiles = result.profiles
    known = profiles[profiles[column].notna()] if column in profiles else profiles.iloc[:0]
    values = {"raters": Quantity(len(profiles)), "compared": Quantity(len(known))}
    if known.empty:
        return Finding(key, "cannot_tell", "none", n=result.n, evidence=(key,), values=values)
    flagged = known[known["flags"].str.split(";").map(lambda flags: flag in flags)]
    p = f"{column}_p"
    row = (flagged if len(flagged) else known).sort_values(p, kind="stable").iloc[0]
    bounded = key != "halo"  # which has no interval: it is held against the others by its p value
    shown = Quantity(row[column], unit)
    if bounded:
        shown = estimated(row, unit, result.confidence, column, signed=key == "drift")
    record = recorded(shown) if bounded else {"estimate": row[column], "unit": unit, "n": int(row["n"])}
    values |= {
        "rater": row["rater_id"],
        "also": Listing(tuple(flagged.loc[flagged["rater_id"] != row["rater_id"], "rater_id"])),
        "value": shown,
        "others": Quantity(row["halo_others"], "ratio"),
    }
    return Finding(
        key, flag if len(flagged) else "none_found", strength(row[p], math.nan) if len(flagged) else "none",
        **record, reference=row["halo_others"] if key == "halo" else reference,
        cautions=result.cautions,
        evidence=(key, "raters"), values=values,
    )  # fmt: skip


def sample(result: CalibrationResult) -> int:
    """Ratings."""
    return result.n


def limits(result: CalibrationResult) -> dict[str, dict]:
    """That raters are held against each other; that few of them say little; what the model had to assume; pay."""
    found = {"raters_alike": {}, "shrunk_scores": {}}
    found |= {"few_raters": {"count": result.n_raters}} if "few_raters" in result.cautions else {}
    found |= {code: {} for code in SAID if code in result.cautions}
    return found | ({} if result.pay_wording else {"not_for_pay": {}})


FINDERS = {
    "severity": _severity,
    "spread": lambda result: _habit("spread", result),
    "halo": lambda result: _habit("halo", result),
    "drift": lambda result: _habit("drift", result),
}
