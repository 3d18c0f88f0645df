import pytest

from sqlib.errors import MethodRefused
from sqlib.methods.rating_formula import parsed

# Brennan (2001) Generalizability Theory, Tables 3.1 and 3.5 name the effects of these designs
DESIGNS = {
    "p x r": ["p", "r", "pr"],
    "p x r x i": ["p", "r", "i", "pr", "pi", "ri", "pri"],
    "p x (r:t)": ["p", "t", "r:t", "pt", "pr:t"],
    "(r:p) x i": ["p", "i", "r:p", "pi", "ri:p"],
    "i:r:p": ["p", "r:p", "i:rp"],
    "(i x r):p": ["p", "i:p", "r:p", "ir:p"],
    "p x (r:(t:o))": ["p", "o", "t:o", "po", "r:to", "pt:o", "pr:to"],
}


@pytest.mark.parametrize("formula", DESIGNS)
def test_the_effects_of_a_design(formula):
    design = parsed(formula)
    assert [design.name(effect) for effect in design.effects] == DESIGNS[formula]


def test_signs_and_spaces_do_not_matter():
    assert parsed("P\N{MULTIPLICATION SIGN}(R:T)").effects == parsed("p x (r:t)").effects


@pytest.mark.parametrize("formula", ["", "p x", "p r", "p x p", "p x (r:t", "x", "p x r)", "p x 3", "p:p"])
def test_what_is_no_design(formula):
    with pytest.raises(MethodRefused, match="cannot be read"):
        parsed(formula)
