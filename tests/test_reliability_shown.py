"""What reliability and its budget say, and the figure."""

import io
import warnings

import pytest
from made_reliability import BUDGETS, CASES, budgets, reliable

from sqlib import figures, findings, style, words

PARTS = {"statement", "compared", "so_what", "decision", "owner"}


def said(key: str, result) -> list[str]:
    finding = findings.describe(key, result)
    page = words.catalogue("appraisal_calibration")
    texts = [page["caption"][key][finding.verdict]] if key in page["caption"] else []  # what is drawn has one
    texts += [part for name, part in page["headline"][key][finding.verdict].items() if name in PARTS]
    return [words.fill(text[language], {"due": "-", **finding.values}, language)
            for text in texts for language in words.LANGUAGES]  # fmt: skip


@pytest.mark.parametrize("verdict", CASES)
def test_every_verdict_of_reliability_is_given_and_worded(verdict):
    result = reliable(verdict)
    finding = findings.describe("reliability", result)
    assert finding.verdict == verdict and finding.n == findings.sample(result) == result.n
    assert finding.strength == ("none" if verdict == "unclear" else "moderate")
    assert len(said("reliability", result)) >= 8


def test_every_verdict_of_the_budget_is_given_and_worded():
    found = budgets()
    assert set(found) == set(BUDGETS)
    for verdict, result in found.items():
        assert findings.describe("budget", result).verdict == verdict
        assert all("{" not in text for text in said("budget", result))


def test_limits_and_coefficients_have_their_words():
    result = reliable("unclear")
    for code in (*findings.limits(result), *findings.limits(budgets()["more_needed"])):
        assert words.entry("page", "limit", code)
    assert "few_raters" in findings.limits(result)
    for code in result.table["coefficient"]:
        assert words.entry("common", "coefficient", code)


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("verdict", BUDGETS)
def test_the_figure_marks_the_plan_of_now_and_the_cheapest(verdict, language):
    result = budgets()[verdict]
    with style.theme(), warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = figures.plot_budget(result, language=language)
        ax.figure.savefig(io.BytesIO(), format="png")
    signs = [line.get_marker() for line in ax.lines if line.get_marker() in ("D", "s")]
    assert signs == (["D"] if verdict == "out_of_reach" else ["D", "s"])
    assert ax.get_title() == "" and ax.get_xlabel()
    assert any("\u3400" <= letter <= "\u9fff" for letter in ax.get_ylabel()) == (language == "zh")
    marked = next(line for line in ax.lines if line.get_marker() == "D")
    assert marked.get_xdata()[0] == result.present["hours"] <= ax.get_xlim()[1]
