"""``[improvement]`` of client.toml: what a change of an indicator is worth, what was declared of it beforehand, and the
months in which business is another."""

from typing import Annotated, Literal

import pandas as pd
from pydantic import BaseModel, BeforeValidator, Field

from sqlib.errors import ClientError
from sqlib.fields import STRICT, Text, as_list

Above = Annotated[float, Field(gt=0)]
Month = Annotated[int, Field(ge=1, le=12)]


class Worth(BaseModel):
    """``[improvement.indicators.<indicator>]``, in the indicator's own unit: the least change worth having, what one
    unit is worth a period in money or in hours of work, and whether it was declared beforehand to have no trend, or no
    season, of its own."""

    model_config = STRICT
    worth_having: Above | None = None
    money: Above | None = None
    hours: Above | None = None
    no_trend: bool = False
    no_season: bool = False


class Improvement(BaseModel):
    """``[improvement]``; ``calendar``: term -> months in which it holds, as a filing season."""

    model_config = STRICT
    frequency: Literal["week", "month", "quarter"] = "month"
    indicators: dict[Text, Worth] = {}
    calendar: dict[Text, Annotated[list[Month], BeforeValidator(as_list), Field(min_length=1)]] = {}

    @property
    def worth_having(self) -> dict[str, float]:
        """Indicator -> least change worth having."""
        return {name: each.worth_having for name, each in self.indicators.items() if each.worth_having is not None}

    @property
    def no_trend(self) -> tuple[str, ...]:
        """Indicators declared beforehand to have no trend of their own."""
        return tuple(name for name, each in self.indicators.items() if each.no_trend)

    @property
    def no_season(self) -> tuple[str, ...]:
        """Indicators declared beforehand to have no season."""
        return tuple(name for name, each in self.indicators.items() if each.no_season)

    def value(self, per: Literal["money", "hours"]) -> dict[str, float]:
        """Indicator -> what one unit is worth a period."""
        return {name: getattr(each, per) for name, each in self.indicators.items() if getattr(each, per) is not None}

    def terms(self, starts: pd.Series, ends: pd.Series) -> pd.DataFrame:
        """Periods (first and last day) -> share of their days in each declared term, one column a term, 0 to 1."""
        days = [pd.date_range(*bounds) for bounds in zip(starts, ends, strict=True)]
        return pd.DataFrame(
            {term: [float(each.month.isin(months).mean()) for each in days] for term, months in self.calendar.items()},
            index=starts.index,
        )


def check(improvement: Improvement, where: str) -> None:
    """Terms that are not there all year.

    Raises
    ------
    ClientError : ``improvement_plan.all_year``, ``.repeated_month``
    """
    for term, months in improvement.calendar.items():
        place = f"{where}: improvement.calendar.{term}"
        if len(set(months)) < len(months):
            raise ClientError("improvement_plan.repeated_month", where=place, got=", ".join(map(str, months)))
        if len(months) == 12:
            raise ClientError("improvement_plan.all_year", where=place, got="1–12")
