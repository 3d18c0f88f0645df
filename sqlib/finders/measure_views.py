"""What people say about the measures."""

from sqlib.findings import Finding, estimated, recorded, strength
from sqlib.methods.measure_views import MIDDLE, MeasureViewsResult
from sqlib.words import Listing, Quantity


def _views(result: MeasureViewsResult) -> Finding:
    whole = result.table.iloc[0]
    useful = estimated(whole, "score", result.confidence, "useful")
    clear = whole.rename({"understood": "estimate", "understood_low": "low", "understood_high": "high"})
    clear = estimated(clear.drop("n").rename({"answers": "n"}), "percent", result.confidence)
    own = result.table[result.table["measure_id"].ne("")]
    bad = own[own["verdict"].eq("found_useless")]
    values = {"n": Quantity(result.n), "measures": Quantity(result.measures), "useful": useful, "understood": clear,
              "listed": Listing(tuple(bad["name"].fillna(bad["measure_id"]).head(3))),
              "good": Quantity(int(own["verdict"].eq("found_useful").sum())), "bad": Quantity(len(bad)),
              "notes": Quantity(int(result.side_effects["count"].sum()))}  # fmt: skip
    row = bad.loc[bad["useful"].idxmin()] if len(bad) else whole
    values["worst"] = estimated(row, "score", result.confidence, "useful")
    return Finding(
        "measure_views", row["verdict"], strength(row["p_adjusted"], row["p_second"]), **recorded(values["worst"]),
        reference=MIDDLE, cautions=result.cautions, evidence=("measure_views",), values=values,
    )  # fmt: skip


def sample(result: MeasureViewsResult) -> int:
    """Answers about measures."""
    return result.n


def limits(result: MeasureViewsResult) -> dict[str, dict]:
    """That a view is no effect; who is heard where departments are not known."""
    return {"views_no_effect": {}} | ({"no_sides": {}} if "no_sides" in result.cautions else {})


FINDERS = {"measure_views": _views}
