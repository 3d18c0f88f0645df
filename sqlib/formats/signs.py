"""Pictograms in the text of customers, in words where a printed font has none of them: a box would lose what they say.

Screens and office programs have fonts of their own for them; only what is printed here needs the words.
"""

import functools
import re
from pathlib import Path

from sqlib import words

# Pictographs, miscellaneous symbols, dingbats and stars; with what varies, joins or tints the one before it.
_PICTOGRAM = re.compile(
    "([\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff])[\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff]*"
)


def in_words(text: str, fonts: tuple[Path, ...], language: str) -> str:
    """A text whose pictograms are all in one of the font files; others are named in brackets."""
    return _PICTOGRAM.sub(lambda sign: _said(sign, fonts, language), text)


def _said(sign: re.Match, fonts: tuple[Path, ...], language: str) -> str:
    if ord(sign[1]) in _held(fonts):
        return sign[1]
    named = words.entry("pictograms", "named")
    name = named.get(sign[1], words.entry("pictograms", "other"))[language]
    return words.text("pictograms", "shown", language=language, name=name)


@functools.cache
def _held(fonts: tuple[Path, ...]) -> frozenset[int]:
    """Code points that at least one of the fonts draws."""
    from matplotlib.ft2font import FT2Font

    return frozenset().union(*(FT2Font(str(font)).get_charmap() for font in fonts))
