"""Figures made smaller only where that keeps them on the page of their text."""

from hypothesis import given
from hypothesis import strategies as st

from sqlib.formats.figure_fit import LEAST, SPARE, Place, smaller

STANDS = Place("01.png", 200, 3, 100, 350, 3, 650)
MOVED = Place("02.png", 200, 4, 68, 318, 3, 200)  # 50 points too high for what was left
TOO_TALL = Place("03.png", 200, 5, 68, 318, 4, 100)


def test_a_figure_that_nearly_fits_is_made_as_much_smaller_as_it_must():
    assert smaller([STANDS, MOVED, TOO_TALL], {}) == {"02.png": (200 - 50 - SPARE) / 200}


def test_nothing_is_changed_where_all_stand_or_nothing_helps():
    assert smaller([STANDS], {}) == {} and smaller([STANDS, TOO_TALL], {}) == {}
    assert smaller([], {}) == {}


def test_a_try_that_did_not_keep_its_figure_is_taken_back_for_good():
    back = smaller([MOVED], {"02.png": 0.8})
    assert back == {"02.png": 1} and smaller([MOVED], back) == back


@given(st.lists(st.tuples(st.floats(50, 450), st.floats(0, 700), st.booleans()), max_size=8))
def test_no_figure_becomes_too_small_and_the_tries_end(figures):
    places = [
        Place(f"{n}.png", drawn, n + moved, 68, 68 + drawn + 60, n, room)
        for n, (drawn, room, moved) in enumerate(figures)
    ]
    tried, count = None, 0
    shares = {}
    while shares != tried:
        tried, count = shares, count + 1
        shares = smaller(places, tried)
        assert all(LEAST <= share <= 1 for share in shares.values())
    assert count <= 2 * len(figures) + 1
