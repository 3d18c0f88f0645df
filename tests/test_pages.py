"""Anatomy of every committed page: thin, bilingual, executed, normalised, and in step with words and catalogue."""

import ast
import json
import re
import string
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from sqlib import catalogue, notebook, words

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
ENTRIES = catalogue.entries(ROOT)
NBS = {stem: notebook.read(entry.notebook) for stem, entry in ENTRIES.items()}
HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
LEFT_OUT = {"start_here"}  # widgets: no page

# design decisions that every page shares: name, type, default on the demo client
COMMON = [
    ("client_dir", "str", "data/demo/jiahe"),
    ("period", "str", "2026Q3"),
    ("language", "str", "zh"),
    ("compare_to", "str", "previous"),
    ("as_of", "str", ""),
    ("out_dir", "str", ""),
    ("audience", "str", "management"),
    ("min_group", "int", 5),
    ("confidence", "float", 0.95),
    ("seed", "int", 0),
    ("team", "str", ""),
]
DERIVED = {"answers", "comments", "items", "questions", "ratings", "kano", "served"}  # made of feedback and its items
DERIVED |= {"judged", "rated", "scheme_scores", "measured"}  # made of appraisals and inspections
ABSENT = {
    "feedback_analysis": {"no_kano", "refused", "no_hand_coding"},
    "appraisal_calibration": {"refused", "no_phrase_ratings"},
    "improvement_effect": set(),
}  # what the demo client cannot answer
UNDRAWN = {
    "feedback_analysis": {"kano", "penalty_reward", "coding_accuracy"},
    "appraisal_calibration": {"after_reward"},
}  # and has no figure for
VERDICTS = {  # finding -> every verdict it can take, see sqlib/findings.py
    "level": {"met", "missed", "unclear", "no_target"},
    "change": {"higher", "lower", "not_distinguishable", "not_comparable"},
    "response": {"silent", "under", "as_expected", "too_few", "few_answered"},
    "weak_points": {"act_now", "verify", "watch", "no_signal"},
    "mix": {"explained_by_mix"},
    "drivers": {"ranked", "first_only", "leading_group", "no_stable_ranking"},
    "gain": {"gain", "no_gain"},
    "penalty_reward": {"basic", "performance", "excitement", "none_settled", "none_judged"},
    "kano": {"must_be", "one_dimensional", "attractive", "none_settled"},
    "themes": {"rising", "no_signal"},
    "theme_trends": {"trend_up", "trend_down", "no_signal", "too_short", "too_few"},
    "demand": {"open", "answered", "too_few"},
    "internal_consistency": {"reliable", "unreliable", "unclear", "check_keys", "too_few"},
    "questionnaire": {"flagged", "sound", "too_few"},
    "terms": {"typical", "no_signal"},
    "new_terms": {"typical", "no_signal"},
    "term_groups": {"suggested", "none_stable"},
    "coding_accuracy": {"accurate", "inaccurate", "unclear"},
    "call_back": {"listed", "none_open", "no_cases"},
    "design": {"joint", "thin", "unlinked", "confounded_home"},
    "severity": {"differ", "alike", "cannot_tell"},
    "spread": {"central_tendency", "none_found", "cannot_tell"},
    "halo": {"halo", "none_found", "cannot_tell"},
    "drift": {"drifting", "none_found", "cannot_tell"},
    "calibration": {"raters_moved", "little_moved", "apart"},
    "bands": {"told_apart", "one_band", "not_banded"},
    "tiers": {"hang_on_rater", "tier_hangs", "settled", "uncertain", "not_judged"},
    "fairness": {"rates_lower", "rates_higher", "differs", "no_signal", "none_judged"},
    "reliability": {"fit_for_pay", "fit_for_coaching", "not_reliable", "unclear"},
    "budget": {"cheaper_plan", "well_spent", "more_needed", "out_of_reach"},
    "sources": {"look_again", "agree", "related", "contrary", "unclear", "too_unreliable", "too_few"},
    "criteria": {"duplicate", "no_discrimination", "distinct", "unclear", "too_few"},
    "follow_up": {"met", "missed", "unclear", "no_target", "too_few"},
    "rewards": {"reversed", "like_unalike", "follows", "related", "contrary", "unclear", "too_few"},
    "after_reward": {"within_regression", "beyond_up", "beyond_down", "too_few"},
    "reliable_change": {"moved", "within_noise", "not_comparable"},
    "register": {"complete", "incomplete"},
    "implementation": {"carried_out", "partly_carried_out", "not_carried_out", "not_recorded"},
    "effects": {"some_harm", "some_work", "none_shown"},
    "card": {
        "effective",
        "probably_effective",
        "no_effect_worth_having",
        "worse",
        "effective_with_side_effect",
        "cannot_tell",
        "not_as_planned",
        "too_early",
    },
    "portfolio": {"below_promise", "above_promise", "unclear", "too_few", "no_promises"},
    "unanswered": {"unanswered", "answered", "not_due", "none_weak"},
    "suggestions": {"ideas_lost", "ideas_moving"},
    "measure_views": {"found_useful", "found_useless", "cannot_tell"},
    "case_reuse": {"reused", "none_reused", "not_recorded"},
    "detectable": {"seen_in_time", "not_seen_in_time", "no_goals", "too_short"},
    "placebos": {"told_apart", "none_found"},
    "indicators": {"differs", "agree", "not_recomputable"},
}
FORBIDDEN_NODES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.ListComp, ast.SetComp,
    ast.DictComp, ast.GeneratorExp, ast.If, ast.Try, ast.With,
)  # fmt: skip
FORBIDDEN_NAMES = {"plt", "sns", "read_csv", "read_excel", "read_parquet", "print", "eval", "exec", "open"}

pages = pytest.mark.parametrize("stem", ENTRIES)


def code(stem: str) -> list:
    return [cell for cell in NBS[stem].cells if cell.cell_type == "code"]


def programme(stem: str) -> list:
    """Code cells but the parameters."""
    return [cell for cell in code(stem) if "parameters" not in notebook.tags(cell)]


def calls(stem: str, method: str) -> set[str]:
    """First arguments of every ``p.<method>("…")``."""
    nodes = (node for cell in programme(stem) for node in ast.walk(ast.parse(cell.source)))
    found = (node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == f"p.{method}")
    return {node.args[0].value for node in found}


def shown(stem: str, method: str) -> set[str]:
    """Keys of every ``p.<method>("…")``; cards are figure and table, and their headlines come together."""
    more = {"headline": calls(stem, "headlines")}
    return calls(stem, method) | more.get(method, calls(stem, "cards"))


def headings(cell) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", cell.source, re.M)]


def test_every_notebook_stands_in_the_catalogue():
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} - LEFT_OUT == set(ENTRIES)


@pages
def test_one_stem_for_notebook_words_and_catalogue(stem):
    assert ENTRIES[stem].notebook == NOTEBOOKS / f"{stem}.ipynb"
    assert (words.FOLDER / f"{stem}.toml").is_file()
    opened = [node for cell in programme(stem) for node in ast.walk(ast.parse(cell.source)) if _is_open(node)]
    assert [node.args[0].value for node in opened] == [stem]


def _is_open(node) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "page.open"


@pages
def test_size(stem):
    cells = notebook.keep_language(NBS[stem], "zh").cells  # a reader meets the page in one language
    assert 14 <= len(cells) <= 45
    if ENTRIES[stem].listed:
        levels = [level for cell in cells if cell.cell_type == "markdown" for level in headings(cell)]
        twos = [place for place, level in enumerate(levels) if level == 2]
        assert 3 <= levels[: twos[-1]].count(3) <= 9, "moves"
        assert levels[twos[-1] :].count(3) <= 9, "details of the appendix"


@pages
def test_prose_stands_in_adjacent_pairs(stem):
    cells, at = NBS[stem].cells, 0
    while at < len(cells):
        if cells[at].cell_type != "markdown":
            at += 1
            continue
        zh, en = cells[at : at + 2]
        assert en.cell_type == "markdown", zh.source
        assert notebook.tags(zh) - {"lang-zh"} == notebook.tags(en) - {"lang-en"}, zh.source
        assert "lang-zh" in notebook.tags(zh) and "lang-en" in notebook.tags(en), zh.source
        assert headings(zh) == headings(en), zh.source
        assert HAN.search(zh.source) and not HAN.search(en.source), en.source
        at += 2


@pages
@pytest.mark.parametrize("language", words.LANGUAGES)
def test_one_h1_a_language_and_it_comes_first(stem, language):
    kept = notebook.keep_language(NBS[stem], language)
    titles = [cell for cell in kept.cells if cell.cell_type == "markdown" and 1 in headings(cell)]
    assert titles == [kept.cells[0]] and headings(titles[0]).count(1) == 1
    assert kept.cells[0].source.splitlines()[0] == f"# {ENTRIES[stem].title[language]}"


@pages
def test_code_is_thin(stem):
    for cell in programme(stem):
        assert len(cell.source.splitlines()) <= 8, cell.source
        for line in cell.source.splitlines():
            assert len(line) <= 120 and not line.rstrip().endswith(";"), line


@pages
def test_code_computes_nothing_and_draws_nothing(stem):
    for cell in programme(stem):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, FORBIDDEN_NODES), ast.unparse(node)
            used = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            assert used not in FORBIDDEN_NAMES or ast.unparse(node) == "page.open", ast.unparse(node)
            if isinstance(node, ast.Constant) and not isinstance(node.value, str | bool | None):
                assert node.value in (0, 1), ast.unparse(node)


@pages
def test_a_page_imports_only_the_companion_the_methods_and_the_figures(stem):
    for cell in programme(stem):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.Import), ast.unparse(node)
            if isinstance(node, ast.ImportFrom):
                names = {name.name for name in node.names}
                assert node.module == "sqlib.methods" or (
                    node.module == "sqlib" and names <= {"page", "figures", "feedback_packs"}
                )


@pages
def test_parameters_are_the_shared_ones_then_the_pages_own(stem):
    declared = notebook.parameters(NBS[stem])
    assert [parameter[:3] for parameter in declared[: len(COMMON)]] == COMMON
    for parameter in declared:
        assert parameter.help, f"{parameter.name} has no comment"
        assert parameter.type in ("str", "int", "float") and type(parameter.default).__name__ == parameter.type
    tagged = [place for place, cell in enumerate(NBS[stem].cells) if "parameters" in notebook.tags(cell)]
    assert len(tagged) == 1
    assert NBS[stem].cells[tagged[0]].source.count("\n") + 1 == len(declared)


@pages
def test_every_parameter_reaches_the_page(stem):
    source = next(cell.source for cell in programme(stem) if "page.open" in cell.source)
    (node,) = [node for node in ast.walk(ast.parse(source)) if _is_open(node)]
    by_name = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    assert [ast.unparse(argument) for argument in node.args[1:]] == ["client_dir", "period", "language"]
    assert by_name == {name: name for name, *_ in COMMON[3:]}


@pages
def test_every_code_cell_ran_in_order_and_none_complained(stem):
    assert [cell.execution_count for cell in code(stem)] == list(range(1, len(code(stem)) + 1))
    kinds = {output.output_type for cell in code(stem) for output in cell.outputs}
    assert kinds == {"display_data"}
    silent = [cell.source for cell in programme(stem) if not cell.outputs and "import" not in cell.source]
    assert silent == []


@pages
def test_the_record_is_whole(stem):
    found = notebook.harvest(NBS[stem])
    assert found["report"]["stem"] == stem and found["report"]["language"] == "zh"
    assert found["findings"] and {record["code"] for record in found["absent"]} == ABSENT.get(stem, set())
    ids = [finding["finding_id"] for finding in found["findings"]]
    assert len(set(ids)) == len(ids) and all(name.startswith(f"{stem}.") for name in ids)


@pages
def test_what_is_committed_is_normalised(stem):
    text = ENTRIES[stem].notebook.read_text(encoding="utf-8")
    once = notebook.normalise(NBS[stem])
    assert f"{nbformat.writes(once)}\n" == text
    assert nbformat.writes(notebook.normalise(once)) == nbformat.writes(once)


@pages
def test_no_image_no_path_and_no_metadata_but_tags(stem):
    nb = NBS[stem]
    bundles = [output.data for cell in code(stem) for output in cell.outputs]
    assert not any(mime.startswith("image/") for bundle in bundles for mime in bundle)
    assert all(set(cell.metadata) <= {"tags"} for cell in nb.cells)
    assert nb.metadata.kernelspec == {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert set(nb.metadata) == {"kernelspec", "language_info"} and set(nb.metadata.language_info) == {"name"}
    shown = json.dumps([cell.get("outputs", []) for cell in nb.cells])
    assert str(ROOT) not in shown and not re.search(r"/(home|root|tmp|Users)/", shown)


@pages
def test_each_figure_has_alt_text(stem):
    figures = [output for cell in code(stem) for output in cell.outputs if "image/png" in output.metadata]
    cards = [figure for figure in figures if figure.data["text/plain"] == "<plot_card>"]
    assert len(figures) - len(cards) == len(calls(stem, "figure") - UNDRAWN.get(stem, set()))
    assert bool(cards) == bool(calls(stem, "cards"))
    assert all(figure.metadata["image/png"]["alt"] for figure in figures)


# ---------------------------------------------------------------- words and catalogue


@pages
def test_every_key_of_the_page_has_its_words(stem):
    known = words.catalogue(stem)
    assert shown(stem, "figure") <= set(known["caption"]) & set(known["figure"])
    assert shown(stem, "table") <= set(known["table"])
    assert shown(stem, "headline") <= set(known["headline"])
    for key in shown(stem, "figure"):
        assert set(known["caption"][key]) == VERDICTS[key]
    for key in shown(stem, "headline"):
        assert set(known["headline"][key]) == VERDICTS[key]


@pages
def test_the_words_file_has_no_words_nobody_says(stem):
    known = words.catalogue(stem)
    for kind, method in {"caption": "figure", "figure": "figure", "table": "table", "headline": "headline"}.items():
        assert set(known.get(kind, ())) <= shown(stem, method), kind


@pages
def test_both_languages_print_the_same_numbers(stem):
    for place, entry in _spoken(words.catalogue(stem)):
        assert set(entry) >= set(words.LANGUAGES), place
        assert _placeholders(entry["zh"]) == _placeholders(entry["en"]), place
        assert re.findall(r"\d+", entry["zh"]) == re.findall(r"\d+", entry["en"]), place


def _spoken(entry: dict, path=()):
    if isinstance(entry.get("zh"), str) or isinstance(entry.get("en"), str):
        yield ".".join(path), entry
    else:
        for name, inside in entry.items():
            if isinstance(inside, dict):
                yield from _spoken(inside, (*path, name))


def _placeholders(template: str) -> Counter:
    return Counter(name for _, name, _, _ in string.Formatter().parse(template) if name)


@pages
def test_a_headline_has_its_parts(stem):
    for key, verdicts in words.catalogue(stem)["headline"].items():
        for verdict, parts in verdicts.items():
            assert {"statement", "compared", "so_what", "decision"} <= set(parts), (key, verdict)
            assert ("due_days" in parts) == ("owner" in parts), (key, verdict)
            assert "owner" not in parts or "{due}" in parts["owner"]["zh"], (key, verdict)


@pages
def test_the_page_reads_and_hands_over_what_the_catalogue_says(stem):
    entry = ENTRIES[stem]
    assert set(entry.hands_over) <= calls(stem, "table")
    assert calls(stem, "read") - DERIVED <= {*entry.reads, *entry.uses}
    assert all(entry.question[language] and entry.title[language] for language in words.LANGUAGES)


def test_the_catalogue_lists_its_pages_after_those_they_follow():
    order = list(ENTRIES)
    for stem, entry in ENTRIES.items():
        assert all(order.index(before) < order.index(stem) for before in entry.after)
    assert tomllib.loads((NOTEBOOKS / "catalogue.toml").read_text(encoding="utf-8")).keys() == ENTRIES.keys()


# ---------------------------------------------------------------- the numbers are compared


def test_one_wrong_digit_of_a_stored_finding_fails_the_comparison(tmp_path):
    """And only that: every other cell of the same run passes, so the comparison is no false alarm."""
    nb = notebook.read(NOTEBOOKS / "template.ipynb")
    cell = next(cell for cell in nb.cells if "headline" in notebook.tags(cell) and cell.cell_type == "code")
    finding = notebook.records(cell.outputs, notebook.FINDING)[0]
    finding["estimate"] = round(finding["estimate"] + 1e-6, 6)
    notebook.write(nb, tmp_path / "template.ipynb")
    options = ["--nbval", "--nbval-sanitize-with", str(ROOT / "tests" / "nbval_sanitize.cfg"), "-q", "-rf"]
    options += ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly", "--rootdir", str(tmp_path)]
    run = [sys.executable, "-m", "pytest", *options, str(tmp_path / "template.ipynb")]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    number = [c for c in nb.cells if c.cell_type == "code"].index(cell)
    assert re.findall(r"^FAILED .*::(Cell \d+)", done.stdout, re.M) == [f"Cell {number}"], done.stdout
    assert re.search(rf"1 failed, {len(code('template')) - 1} passed", done.stdout)
