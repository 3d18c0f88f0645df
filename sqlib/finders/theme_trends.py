"""Trends of the themes over the months."""

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.theme_trends import ThemeTrendsResult
from sqlib.words import Quantity, Term


def _theme_trends(result: ThemeTrendsResult) -> Finding | None:
    table = result.table
    if not table["comments"].gt(0).any():
        return None
    values = {
        "months": Quantity(result.span),
        "comparisons": Quantity(result.comparisons),
        "season": Term("season", "compared" if result.seasonal else "not_separated"),
        "comments": Quantity(result.n),
    }
    verdict = next((code for code in ("trend_up", "trend_down") if (table["verdict"] == code).any()), None)
    if verdict is None:
        left = "no_signal" if result.comparisons else table["verdict"].iloc[0]
        return Finding("theme_trends", left, "none", n=result.n, evidence=("theme_trends",), values=values)
    moved = table[table["verdict"] == verdict]
    row = moved.loc[moved["per_year"].abs().idxmax()]
    change = estimated(row, "points", result.confidence, "per_year", signed=True)
    values |= {
        "theme": Term("theme", row["theme"]),
        "change": change,
        "share": estimated(row, "percent", result.confidence),
        "first": Quantity(row["first_share"], "percent"),
        "last": Quantity(row["last_share"], "percent"),
        "rising": Quantity(int((table["verdict"] == "trend_up").sum())),
        "falling": Quantity(int((table["verdict"] == "trend_down").sum())),
    }
    return Finding(
        "theme_trends", verdict, strength(row["p_adjusted"], row["p_second"]), **recorded(change), reference=0.0,
        subject=row["theme"], cautions=result.cautions, evidence=("theme_trends",), values=values,
    )  # fmt: skip


def sample(result: ThemeTrendsResult) -> int:
    """Comments of the months used."""
    return result.n


def limits(result: ThemeTrendsResult) -> dict[str, dict]:
    """A season that cannot be told from a trend; what phrases of a code book miss; that a sample was read."""
    values = {"season": {"months": result.span}}
    values["sampled"] = {"comments": result.read, "given": result.given, "seed": result.seed}
    found = {f"trend_{code}": values[code] for code in values if code in result.cautions}
    return {"codebook": {}} | found


FINDERS = {"theme_trends": _theme_trends}
