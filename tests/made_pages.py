"""Results of every method of every page: what words, findings, tables and figures in general are tried on."""

import functools

import made_decisions
import made_effects
import made_follow_up
import made_raters
import made_register
import made_reliability
import made_results

APPRAISALS = made_raters.VERDICTS | made_decisions.VERDICTS | made_reliability.VERDICTS | made_follow_up.VERDICTS
REGISTER = {key: {verdict: functools.partial(made_register.made, key, verdict) for verdict in verdicts}
            for key, verdicts in made_register.VERDICTS.items()}  # fmt: skip
PAGES = {"feedback_analysis": made_results.VERDICTS, "appraisal_calibration": APPRAISALS,
         "improvement_effect": REGISTER | made_effects.VERDICTS}  # fmt: skip  # stem -> key -> verdict
EVERY = [(stem, key, verdict) for stem, keys in PAGES.items() for key, verdicts in keys.items() for verdict in verdicts]


@functools.cache
def made(stem: str, key: str, verdict: str):
    """A result from which the finding ``key`` of that page takes ``verdict``; computed once."""
    if stem == "feedback_analysis":
        return made_results.made(key, verdict)
    return PAGES[stem][key][verdict]()
