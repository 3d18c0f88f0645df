"""Join the answers of a period to what the customer base knows, and lay them out by cell."""

import pandas as pd

ITEM, OVERALL = "item", "overall"


def active(customers: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Customers under contract at some time in ``start <= t < end``; unknown dates count as under contract."""
    begun = customers["start_date"].isna() | (customers["start_date"] < end)
    ended = customers["end_date"].notna() & (customers["end_date"] < start)
    return customers[begun & ~ended]


def link(feedback: pd.DataFrame, customers: pd.DataFrame | None) -> pd.DataFrame:
    """Feedback with the customer's own columns filled in, and ``cluster``: who answers are not independent of.

    Cluster is the customer group (one owner, several companies), else the customer, else the answer itself.
    """
    linked = feedback.copy()
    if customers is not None:
        known = customers.drop_duplicates("customer_id").set_index("customer_id")
        for column in known.columns.difference(["source_file", "source_row", "customer_id"]):
            own = linked[column] if column in linked else pd.Series(pd.NA, linked.index, dtype=known[column].dtype)
            looked_up = linked["customer_id"].map(known[column])
            linked[column] = own.where(own.notna(), looked_up)
    group = linked["customer_group"] if "customer_group" in linked else pd.Series(pd.NA, linked.index, dtype="string")
    linked["cluster"] = group.fillna(linked["customer_id"]).fillna(linked["feedback_id"]).astype("string")
    return linked


def by_cell(feedback: pd.DataFrame, items: pd.DataFrame | None) -> pd.DataFrame:
    """One row an answer: overall scores, and one row an item for the family ``dimension``.

    ``answer`` says which: ``overall`` rows speak for the customer as a whole, ``item`` rows for one dimension. Where a
    questionnaire has only items, they are all there is.
    """
    named = feedback["dimension"].notna() if "dimension" in feedback else pd.Series(False, feedback.index)
    csat = feedback["metric"].eq("csat") & feedback["satisfied"].notna()
    overall = feedback[csat & ~named].assign(answer=OVERALL)
    parts = [overall, feedback[csat & named].assign(answer=ITEM)]
    if items is not None:
        parts.append(_items(feedback, items))
    return pd.concat([part for part in parts if len(part)] or [overall], ignore_index=True)


def _items(feedback: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Item rows with the columns of the answer they belong to."""
    whose = feedback.drop_duplicates("feedback_id").drop(
        columns=["dimension", "score", "satisfied", "scale_min", "scale_max", "source_file", "source_row"],
        errors="ignore",
    )
    scored = items[items["satisfied"].notna()]
    dimension = scored["dimension"].fillna(scored["item_text"]).fillna(scored["item_id"])
    rows = scored[["feedback_id", "score", "satisfied", "scale_min", "scale_max"]].assign(dimension=dimension, answer=ITEM)
    return rows.merge(whose, on="feedback_id", how="inner")
