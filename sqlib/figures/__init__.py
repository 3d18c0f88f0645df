"""Figures: a Result in, an Axes out. No title (the caption above says the conclusion), no file, no calculation."""

from sqlib.figures.change import plot_change
from sqlib.figures.levels import plot_levels
from sqlib.figures.priority import plot_priority
from sqlib.figures.response import plot_response
from sqlib.figures.themes import plot_themes

__all__ = ["plot_change", "plot_levels", "plot_priority", "plot_response", "plot_themes"]
