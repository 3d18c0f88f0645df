"""How far a report can be relied on, graded from counts alone."""

FEW_ANSWERS = 30  # below this an interval of a share is wider than about +-18 points
SOME_LOST, MANY_LOST = 0.02, 0.10  # share of rows set aside


def grade(*, used: int, set_aside: int, dated: bool, base_known: bool, interval_known: bool = True) -> str:
    """A to D: A complete and ample; B some lost rows or few answers; C a clear gap; D no statement can carry weight.

    ``used`` answers of the period, ``set_aside`` rows quarantined, ``dated`` answers carry a date, ``base_known`` a
    customer list says who could have answered, ``interval_known`` single answers (not only percentages) were given.
    """
    lost = set_aside / max(used + set_aside, 1)
    if not interval_known or used < 10:
        return "D"
    if lost > MANY_LOST or not dated or not base_known:
        return "C"
    return "B" if lost > SOME_LOST or used < FEW_ANSWERS else "A"
