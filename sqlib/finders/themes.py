"""Comments by theme."""

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.themes import ThemesResult
from sqlib.words import Estimate, Quantity, Term


def _themes(result: ThemesResult) -> Finding | None:
    table = result.table[result.table["comments"].gt(0)]
    if table.empty:
        return None
    rising = table[table["verdict"] == "rising"].sort_values("difference", ascending=False)
    row = (rising if len(rising) else table.sort_values(["comments", "theme"], ascending=[False, True])).iloc[0]
    share = estimated(row, "percent", result.confidence)
    values = {
        "theme": Term("theme", row["theme"]),
        "share": share,
        "comments": Quantity(row["comments"]),
        "coded": Quantity(result.coded_share, "percent"),
        "trend": Term("trend", "no_previous" if table["difference"].isna().all() else "none_rising"),
    }
    if len(rising):
        change = estimated(row, "points", result.confidence, "difference", signed=True)
        ends = row[["previous", "previous_low", "previous_high"]]
        before = Estimate(*ends, "percent", int(row["previous_n"]), result.confidence)
        values |= {"change": change, "before": before}
        return Finding(
            "themes", "rising", strength(row["p_adjusted"], row["p_second"]), **recorded(change),
            reference=0.0, subject=row["theme"], evidence=("themes",), values=values,
        )  # fmt: skip
    return Finding(
        "themes", "no_signal", "none", **recorded(share), subject=row["theme"], evidence=("themes",), values=values
    )


def sample(result: ThemesResult) -> int:
    """Comments of the period."""
    return result.comments


def limits(result: ThemesResult) -> dict[str, dict]:
    """What phrases of a code book miss; that a sample was read."""
    read = {"sampled": {"comments": result.comments, "given": result.given, "seed": result.seed}}
    return {"codebook": {}} | (read if "sampled" in result.cautions else {})


FINDERS = {"themes": _themes}
