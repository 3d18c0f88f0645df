"""The look: one font that holds Chinese, colours by meaning that can be told apart, nothing set for good."""

import subprocess
import sys

import matplotlib
import pytest

from sqlib import style, words

MEANINGS = {"ink", "muted", "grid", "wash", "paper", "accent", "good", "warn", "bad", "neutral"}


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_meaning_has_a_colour_and_every_tone_a_meaning():
    assert set(style.palette()) >= MEANINGS
    verdicts = words.catalogue("common")["verdict"]
    assert {words.tone(code, best) for code in verdicts for best in ("high", "low")} <= MEANINGS


@pytest.mark.parametrize("meaning", ["ink", "muted", "accent", "good", "warn", "bad", "neutral"])
def test_what_is_written_in_a_colour_can_be_read(meaning):
    """WCAG 2.1, level AA: contrast of text at least 4.5."""
    for ground in ("paper", "wash"):
        assert contrast(style.palette()[meaning], style.palette()[ground]) >= 4.5


def test_good_and_bad_are_two_colours():
    colours = [style.palette()[meaning] for meaning in ("good", "warn", "bad", "neutral", "accent")]
    assert len(set(colours)) == len(colours)


def test_the_theme_holds_inside_and_is_gone_after():
    before = dict(matplotlib.rcParams)
    with style.theme():
        assert matplotlib.rcParams["font.family"] == [style.FONT]
        assert matplotlib.rcParams["savefig.dpi"] == style.RESOLUTION
        assert not matplotlib.rcParams["axes.spines.top"]
    assert dict(matplotlib.rcParams) == before


def test_the_theme_is_gone_after_a_fault_too():
    before = dict(matplotlib.rcParams)
    with pytest.raises(ZeroDivisionError), style.theme():
        raise ZeroDivisionError
    assert dict(matplotlib.rcParams) == before


def test_the_callers_own_settings_come_back():
    with matplotlib.rc_context({"axes.labelsize": 17}):
        with style.theme():
            assert matplotlib.rcParams["axes.labelsize"] == 9
        assert matplotlib.rcParams["axes.labelsize"] == 17


def test_the_font_is_embedded_and_no_fallback():
    from matplotlib import font_manager

    with style.theme():
        path = font_manager.findfont(style.FONT, fallback_to_default=False)
    held = font_manager.get_font(path).get_charmap()
    wanted = "".join(text for text in _texts(words.catalogue("common")) + _texts(words.catalogue("figures")))
    assert {letter for letter in wanted if ord(letter) > 32 and ord(letter) not in held} == set()


def _texts(found) -> list[str]:
    if isinstance(found, dict):
        return [text for inside in found.values() for text in _texts(inside)]
    return [found] if isinstance(found, str) else []


def test_importing_sets_nothing_and_loads_no_plotting():
    code = "import sys; from sqlib import style, figures, findings; print({'matplotlib', 'seaborn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
