"""Figures: a Result in, an Axes out. No title (the caption above says the conclusion), no file, no calculation."""

from sqlib.figures.after_reward import plot_after_reward
from sqlib.figures.appraisal_criteria import plot_appraisal_criteria
from sqlib.figures.appraisal_follow_up import plot_appraisal_follow_up
from sqlib.figures.calibration import plot_calibration
from sqlib.figures.change import plot_change
from sqlib.figures.coding_accuracy import plot_coding_accuracy
from sqlib.figures.demand import plot_demand
from sqlib.figures.detectable_effects import plot_detectable_effects
from sqlib.figures.drivers import plot_drivers, plot_impact
from sqlib.figures.effect_card import plot_card, plot_effect
from sqlib.figures.effects import plot_effects
from sqlib.figures.event_study import plot_event_study
from sqlib.figures.implementation import plot_implementation
from sqlib.figures.internal_consistency import plot_internal_consistency
from sqlib.figures.kano import plot_kano
from sqlib.figures.levels import plot_levels
from sqlib.figures.measure_views import plot_measure_views
from sqlib.figures.penalty_reward import plot_penalty_reward
from sqlib.figures.placebo_units import plot_placebo_units
from sqlib.figures.placebos import plot_placebos
from sqlib.figures.portfolio import plot_portfolio
from sqlib.figures.power import plot_power
from sqlib.figures.priority import plot_priority
from sqlib.figures.questionnaire import plot_questionnaire
from sqlib.figures.rater_fairness import plot_rater_fairness
from sqlib.figures.raters import plot_drift, plot_severity
from sqlib.figures.rating_design import plot_rating_design
from sqlib.figures.register_completeness import plot_register_completeness
from sqlib.figures.reliability import plot_budget
from sqlib.figures.response import plot_response
from sqlib.figures.reward_consistency import plot_reward_consistency
from sqlib.figures.score_sources import plot_score_sources
from sqlib.figures.suggestion_funnel import plot_suggestion_funnel
from sqlib.figures.terms import plot_terms
from sqlib.figures.theme_trends import plot_theme_trends
from sqlib.figures.themes import plot_themes
from sqlib.figures.tiers import plot_tiers
from sqlib.figures.unanswered_results import plot_unanswered_results
from sqlib.figures.unit_differences import plot_unit_differences

__all__ = [
    "plot_after_reward", "plot_appraisal_criteria", "plot_appraisal_follow_up", "plot_budget", "plot_calibration",
    "plot_card", "plot_change", "plot_coding_accuracy", "plot_demand", "plot_detectable_effects", "plot_drift",
    "plot_drivers", "plot_effect", "plot_effects", "plot_event_study", "plot_impact", "plot_implementation",
    "plot_internal_consistency", "plot_kano", "plot_levels", "plot_measure_views", "plot_penalty_reward",
    "plot_placebo_units", "plot_placebos", "plot_portfolio", "plot_power", "plot_priority", "plot_questionnaire",
    "plot_rater_fairness", "plot_rating_design", "plot_register_completeness", "plot_response",
    "plot_reward_consistency", "plot_score_sources", "plot_severity", "plot_suggestion_funnel", "plot_terms",
    "plot_theme_trends", "plot_themes", "plot_tiers", "plot_unanswered_results", "plot_unit_differences",
]  # fmt: skip
