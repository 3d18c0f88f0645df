"""Join the answers of a period to what the customer base knows, and lay them out by cell."""

import pandas as pd

POST = ["team", "department", "site", "manager_id"]


def active(customers: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Customers under contract at some time in ``start <= t < end``; unknown dates count as under contract."""
    begun = customers["start_date"].isna() | (customers["start_date"] < end)
    ended = customers["end_date"].notna() & (customers["end_date"] < start)
    return customers[begun & ~ended]


def link(feedback: pd.DataFrame, customers: pd.DataFrame | None) -> pd.DataFrame:
    """Feedback with the customer's own columns filled in, and ``cluster``: who answers are not independent of.

    Cluster is the customer group (one owner, several companies), else the customer, else the answer itself, marked so
    that answer 17 is not taken for customer 17.
    """
    linked = feedback.copy()
    if customers is not None:
        known = customers.drop_duplicates("customer_id").set_index("customer_id")
        for column in known.columns.difference(["source_file", "source_row", "customer_id"]):
            looked_up = linked["customer_id"].map(known[column])
            linked[column] = linked[column].fillna(looked_up) if column in linked else looked_up
    cluster = linked["customer_id"].fillna("answer " + linked["feedback_id"])
    linked["cluster"] = linked["customer_group"].fillna(cluster) if "customer_group" in linked else cluster
    return linked


def place(feedback: pd.DataFrame, staff: pd.DataFrame | None) -> pd.DataFrame:
    """Feedback with ``team`` filled in where it names none: the team of whoever served, on the day of the answer.

    Someone with several posts is in the one begun last; an undated answer has a team only where there is one post.
    """
    if staff is None or feedback["staff_id"].isna().all():
        return feedback
    held = posts(feedback["staff_id"].where(feedback["team"].isna()), feedback["received_at"], staff)
    return feedback.assign(team=feedback["team"].fillna(held["team"]))


def posts(people: pd.Series, days: pd.Series, staff: pd.DataFrame | None) -> pd.DataFrame:
    """Row by row the post of a person on a day, columns ``POST``: the one begun last of several; without a day only
    where there is one; blank where nobody knows."""
    nothing = pd.DataFrame(index=people.index, columns=POST, dtype="str")
    if staff is None or people.isna().all():
        return nothing
    known = staff[["staff_id", *POST, "hired_on", "left_on"]]
    known = known.assign(only=~known["staff_id"].duplicated(keep=False))
    asked = pd.DataFrame({"staff_id": people, "day": days.dt.normalize()}).dropna(subset=["staff_id"])
    pairs = asked.reset_index(names="at").merge(known, on="staff_id")
    begun = pairs["hired_on"].isna() | (pairs["hired_on"] <= pairs["day"])
    there = pairs["day"].notna() & begun & (pairs["left_on"].isna() | (pairs["left_on"] >= pairs["day"]))
    held = pairs[there | (pairs["day"].isna() & pairs["only"])].sort_values(
        "hired_on", na_position="first", kind="stable"
    )
    return held.drop_duplicates("at", keep="last").set_index("at")[POST].reindex(people.index)


def by_cell(feedback: pd.DataFrame, items: pd.DataFrame | None) -> pd.DataFrame:
    """One row an answer: overall scores, and one row an item for the family ``dimension``.

    ``speaks_to`` is ``dimension`` on item rows and blank on overall ones. Where a questionnaire has only items they
    are all there is, and speak to every family. Overall scores on another scale than most are left out.
    """
    named = feedback["dimension"].notna()
    scored = feedback["metric"].eq("csat") & feedback["satisfied"].notna()
    overall = _one_scale(feedback[scored & ~named])
    parts = [feedback[scored & named]] + ([] if items is None else [_items(feedback, items)])
    single = pd.concat([part for part in parts if len(part)] or [overall.iloc[:0]], ignore_index=True)
    if overall.empty:
        return single.assign(speaks_to=pd.NA)
    return pd.concat([overall.assign(speaks_to=pd.NA), single.assign(speaks_to="dimension")], ignore_index=True)


def _one_scale(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows on the scale most of them use: satisfied on one scale is not satisfied on another."""
    if rows.empty:
        return rows
    scale = rows.groupby(["scale_min", "scale_max"]).size().idxmax()
    return rows[rows["scale_min"].eq(scale[0]) & rows["scale_max"].eq(scale[1])]


def _items(feedback: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Item rows with the columns of the answer they belong to."""
    own = ["metric", "score", "satisfied", "scale_min", "scale_max"]
    whose = feedback.drop_duplicates("feedback_id").drop(columns=[*own, "dimension", "source_file", "source_row"])
    scored = items[items["satisfied"].notna()]
    rows = scored[["feedback_id", *own]].assign(dimension=_named(scored))
    return rows.merge(whose, on="feedback_id", how="inner")


def items(feedback: pd.DataFrame, items: pd.DataFrame | None) -> pd.DataFrame:
    """Scored items of the answers, one row per answer and item.

    Columns feedback_id, cluster, item (its text, else its id), dimension, score, scale_min, scale_max and, where the
    client has it, answering_seconds.
    """
    own = ["feedback_id", "item", "dimension", "score", "scale_min", "scale_max"]
    whose = [name for name in ("feedback_id", "cluster", "answering_seconds") if name in feedback]
    scored = feedback[feedback["dimension"].notna()].assign(item=feedback["dimension"], dimension=pd.NA)
    if items is not None:
        named = items.assign(item=items["item_text"].fillna(items["item_id"]))
        scored = pd.concat([scored[own], named[own]], ignore_index=True)
    scored = scored.loc[scored["score"].notna(), own]
    return scored.merge(feedback[whose].drop_duplicates("feedback_id"), on="feedback_id", how="inner")


def _named(items: pd.DataFrame) -> pd.Series:
    """What an item is about: its dimension, else its text, else its number."""
    return items["dimension"].fillna(items["item_text"]).fillna(items["item_id"])


OWN = ("feedback_id", "cluster", "score")  # columns of ``wide`` that are no item


def item_scores(feedback: pd.DataFrame, items: pd.DataFrame | None) -> pd.DataFrame:
    """Scores of the parts of the service, one row each: feedback_id, item, score, scale_min, scale_max.

    They come from ``items`` and from rows of ``feedback`` with a dimension; those on another scale than most are left
    out.
    """
    parts = [feedback[feedback["dimension"].notna()].assign(item=lambda rows: rows["dimension"])]
    if items is not None:
        parts.append(items[items["feedback_id"].isin(feedback["feedback_id"])].assign(item=_named))
    kept = [part[["feedback_id", "item", "score", "scale_min", "scale_max"]] for part in parts if len(part)]
    rows = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=["feedback_id", "item", "score"])
    return _one_scale(rows.dropna())


def wide(feedback: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """One row an answer with an overall score and at least one item: feedback_id, cluster, score, a column an item.

    ``scores`` are those of ``item_scores``; several of one name are averaged. The overall score may have a scale of
    its own.
    """
    asked = feedback["metric"].eq("csat") & feedback["dimension"].isna()
    overall = _one_scale(feedback[asked & feedback[["score", "scale_min", "scale_max"]].notna().all(axis=1)])
    names = scores["item"].astype(object)
    names = names.mask(names.isin(OWN), names + " (item)")
    table = scores.assign(item=names).pivot_table(index="feedback_id", columns="item", values="score", sort=False)
    known = overall.drop_duplicates("feedback_id")[list(OWN)]
    joined = known.merge(table.rename_axis(columns=None).astype(float).reset_index(), on="feedback_id", how="inner")
    return joined[[*OWN, *(name for name in joined if name not in OWN)]]


def kano_pairs(feedback: pd.DataFrame, items: pd.DataFrame, alone: pd.DataFrame) -> pd.DataFrame:
    """Items with both questions of a Kano pair: feedback_id, cluster, feature, functional, dysfunctional.

    ``items`` belong to rows of ``feedback``; ``alone`` are those of a survey that holds nothing else, linked to
    customers. A feature is named by its text, else its number, for a dimension may hold several.
    """
    whose = feedback.drop_duplicates("feedback_id")[["feedback_id", "cluster"]]
    rows = pd.concat([items.merge(whose, on="feedback_id", how="inner"), alone], ignore_index=True)
    both = rows[rows[["kano_functional", "kano_dysfunctional"]].notna().all(axis=1)]
    feature = both["item_text"].fillna(both["item_id"])
    pairs = {"feature": feature, "functional": both["kano_functional"], "dysfunctional": both["kano_dysfunctional"]}
    return both[["feedback_id", "cluster"]].assign(**pairs).reset_index(drop=True)
