"""Figures: a Result in, an Axes out. No title (the caption above says the conclusion), no file, no calculation."""

from sqlib.figures.change import plot_change
from sqlib.figures.coding_accuracy import plot_coding_accuracy
from sqlib.figures.demand import plot_demand
from sqlib.figures.drivers import plot_drivers, plot_impact
from sqlib.figures.internal_consistency import plot_internal_consistency
from sqlib.figures.kano import plot_kano
from sqlib.figures.levels import plot_levels
from sqlib.figures.penalty_reward import plot_penalty_reward
from sqlib.figures.priority import plot_priority
from sqlib.figures.questionnaire import plot_questionnaire
from sqlib.figures.response import plot_response
from sqlib.figures.terms import plot_terms
from sqlib.figures.theme_trends import plot_theme_trends
from sqlib.figures.themes import plot_themes

__all__ = [
    "plot_change", "plot_coding_accuracy", "plot_demand", "plot_drivers", "plot_impact", "plot_internal_consistency",
    "plot_kano", "plot_levels", "plot_penalty_reward", "plot_priority", "plot_questionnaire", "plot_response",
    "plot_terms", "plot_theme_trends", "plot_themes",
]  # fmt: skip
