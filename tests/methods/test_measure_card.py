"""Cards of measures: what stands on them follows from the effect and the register."""

import math

import made_effects as made
import made_measures
import pandas as pd
import pytest

from sqlib.errors import MethodRefused
from sqlib.findings import describe, finder
from sqlib.methods import effect_card, effects


def told(register=None, **values):
    register = made._register() if register is None else register
    return effect_card.cards(made.judged(), register, made.NAMES, **values)


def test_cards_stand_in_the_order_of_the_register_with_names_as_printed():
    cards = told()
    assert [(card.place, card.name, card.indicator) for card in cards] == [(1, "Van stock", "Fix at once"),
                                                                           (2, "Poster", "Complaints")]  # fmt: skip
    assert cards[0].balancing == "Complaints" and cards[1].balancing == ""


def test_a_year_of_the_effect_at_the_declared_value_of_one_unit_a_period():
    card = told(money={"A": 100.0}, hours={"A": 0.5})[0]
    row = card.row
    assert card.worth["money"] == pytest.approx((row["effect"] * 1200, row["low"] * 1200, row["high"] * 1200))
    assert card.worth["hours"] == pytest.approx((row["effect"] * 6, row["low"] * 6, row["high"] * 6))
    assert told()[0].worth == {} and told(money={"B": 1.0})[0].worth == {}


def test_what_is_to_the_good_is_above_nought_where_down_is_good():
    known = made_measures.indicators("A", direction="down")
    series = made._series().query("indicator_id == 'A'")
    result = effects.evaluate(made_measures.measures(), known, series, as_of=made.AS_OF, no_season=("A",))
    card = effect_card.cards(result, made_measures.measures(), {}, money={"A": 10.0})[0]
    assert card.row["effect"] > 0 and card.worth["money"][0] == pytest.approx(-120 * card.row["effect"])
    assert card.worth["money"][1] <= card.worth["money"][0] <= card.worth["money"][2]


def test_the_path_says_where_the_measure_starts_and_was_in_full():
    register = made._register().assign(full_on=pd.Timestamp("2024-03-31"))
    card = told(register)[0]
    assert card.path.loc[card.start, "period"] == pd.Timestamp("2024-01-01") and card.wash_in == 2
    assert len(card.path) == 48 and card.drawn


def test_a_measure_without_indicator_has_a_card_and_nothing_to_draw():
    card = made.silent()
    assert not card.drawn and card.worth == {} and card.row["verdict"] == "cannot_tell"
    items = [item for item, _ in finder(card).facts(card)]
    assert "why" in items and not {"effect", "observed", "detectable", "placebo"} & set(items)


def test_a_measure_the_register_does_not_hold_is_refused():
    with pytest.raises(MethodRefused) as refusal:
        told(made._register().iloc[:1])
    assert refusal.value.code == "effect_card.unknown_measure"


@pytest.mark.parametrize("verdict", made.VERDICTS["card"])
def test_money_is_told_of_effects_that_stand_only(verdict):
    card = made.card(verdict)
    items = {item for item, _ in finder(card).facts(card)}
    stands = verdict in {"effective", "probably_effective", "effective_with_side_effect", "worse"}
    assert ("money" in items) == stands == ("hours" in items)
    assert describe("card", card).subject == "M1" and math.isfinite(describe("card", card).estimate)
