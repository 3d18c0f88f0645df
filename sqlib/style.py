"""Look of the figures: colours by meaning, a font that holds Chinese, one theme; nothing is set on import."""

import contextlib
import functools
import importlib.util
import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent / "style"
FONT = "Noto Sans SC"  # pylopdf-fonts-zh-cn, SIL Open Font License: Latin and Chinese in one family
WIDTH = 7.2  # inches: the text width of an A4 page
RESOLUTION = 160  # dots an inch: sharp on screen and in print, about 60 kB a figure
PRINT = 300  # dots an inch of a figure in a slide or a printed page


@functools.cache
def sheet() -> dict[str, dict[str, str]]:
    """``colours`` and ``tints`` of ``style/palette.toml``: meaning -> hex."""
    return tomllib.loads((FOLDER / "palette.toml").read_text(encoding="utf-8"))


def palette() -> dict[str, str]:
    """Colour of each meaning: good, warn, bad, neutral, ink …"""
    return sheet()["colours"]


@contextlib.contextmanager
def theme():
    """Everything drawn inside uses the workbench's style; the caller's settings come back afterwards."""
    import matplotlib
    import seaborn

    _register_font()
    with matplotlib.rc_context(), seaborn.axes_style("ticks"), seaborn.plotting_context("paper"):
        matplotlib.rcParams.update(_settings())
        yield


@functools.cache
def _register_font() -> None:
    from matplotlib import font_manager

    font_manager.fontManager.addfont(font_files()[0])


def font_files() -> tuple[Path, Path]:
    """The font of the reports, and the one for signs it lacks, which comes with matplotlib: found, not loaded."""
    import pylopdf_fonts_zh_cn

    signs = Path(importlib.util.find_spec("matplotlib").origin).parent / "mpl-data" / "fonts" / "ttf"
    return Path(pylopdf_fonts_zh_cn.sans_path()), signs / "DejaVuSans.ttf"


def _settings() -> dict:
    colour = palette()
    return {
        "font.family": FONT,
        "font.size": 9,
        "text.parse_math": False,  # a dollar sign in a client's name is no formula
        "axes.unicode_minus": True,
        "axes.edgecolor": colour["muted"],
        "axes.labelcolor": colour["ink"],
        "axes.labelsize": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": False,
        "xtick.color": colour["muted"],
        "ytick.color": colour["muted"],
        "xtick.labelcolor": colour["ink"],
        "ytick.labelcolor": colour["ink"],
        "legend.frameon": False,
        "figure.dpi": 100,
        "savefig.dpi": RESOLUTION,
        "savefig.bbox": "tight",
        "svg.hashsalt": "sqlib",
    }
