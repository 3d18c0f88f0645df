"""Internal consistency: which scale is least to be trusted, and which items seem reversed."""

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.internal_consistency import ACCEPTABLE, InternalConsistencyResult
from sqlib.words import Cell, Listing, Quantity, Term

WORST_FIRST = ("check_keys", "unreliable", "unclear", "reliable")


def _internal_consistency(result: InternalConsistencyResult) -> Finding:
    table = result.table
    values = {"scales": Quantity(len(table)), "reliable": Quantity(int((table["verdict"] == "reliable").sum()))}
    verdict = next((code for code in WORST_FIRST if (table["verdict"] == code).any()), "too_few")
    if verdict == "too_few":
        most = int(table["n"].max())
        return Finding(
            "internal_consistency", verdict, "none", n=result.n, evidence=("internal_consistency",),
            values=values | {"complete": Quantity(most)},
        )  # fmt: skip
    row = table[table["verdict"] == verdict].sort_values("alpha").iloc[0]
    items = result.items[result.items["scale"].fillna("").eq(row["scale"] or "")]
    alpha = estimated(row, "ratio", result.confidence, "alpha")
    values |= {
        "scale": Cell("dimension", row["scale"]) if row["scale"] else Term("scale", "whole"),
        "items": Quantity(row["items"]),
        "alpha": alpha,
        "omega": estimated(row, "ratio", result.confidence, "omega"),
        "keyed": Quantity(row["alpha_keyed"], "ratio"),
        "weak": Listing(tuple(items.loc[items["verdict"] == "weak_item", "item"])),
        "reversed": Listing(tuple(items.loc[items["reversed"], "item"])),
    }
    judged = verdict != "check_keys"
    return Finding(
        "internal_consistency", verdict, strength(row["p_adjusted"], row["p_second"]) if judged else "none",
        **recorded(alpha), **({"reference": ACCEPTABLE} if judged else {}), subject=row["scale"] or "whole",
        cautions=result.cautions, evidence=("internal_consistency",), values=values,
    )  # fmt: skip


def sample(result: InternalConsistencyResult) -> int:
    """Respondents with any item."""
    return result.n


def limits(result: InternalConsistencyResult) -> dict[str, dict]:
    """That items which agree need not measure what was meant."""
    return {"validity": {}}


FINDERS = {"internal_consistency": _internal_consistency}
