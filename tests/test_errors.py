"""Errors: every code raised is worded in both languages, every wording is raised, every placeholder is supplied."""

import ast
import pickle
import string
from collections import defaultdict
from pathlib import Path

import pytest

from sqlib import errors
from sqlib.errors import PARTS, ArgumentError, ClientError, DataProblems, MethodRefused, SqlibError

PACKAGE = Path(errors.__file__).parent
WORDING = PACKAGE / "words" / "errors"
KINDS = {kind.__name__ for kind in (SqlibError, ArgumentError, ClientError, DataProblems, MethodRefused)}
ENTRIES = {
    f"{path.stem}.{name}": wording
    for path in sorted(WORDING.glob("*.toml"))
    if path.stem != "errors"  # labels of the parts
    for name, wording in errors.catalogue(path.stem).items()
}


def spans(outer: ast.AST, inner: ast.AST) -> bool:
    return outer.lineno <= inner.lineno <= outer.end_lineno


def keys(node: ast.AST, call: ast.Call, function: ast.AST, module: ast.AST) -> set[str]:
    """Names ``**node`` supplies: a literal dict, two joined, what a function here returns, what a name took before."""
    if isinstance(node, ast.Dict):
        return {key.value for key in node.keys if isinstance(key, ast.Constant)}
    if isinstance(node, ast.BinOp):
        return keys(node.left, call, function, module) | keys(node.right, call, function, module)
    if isinstance(node, ast.Call):
        helpers = [each for each in ast.walk(module) if getattr(each, "name", "") == ast.unparse(node.func)]
        returned = [each.value for helper in helpers for each in ast.walk(helper) if isinstance(each, ast.Return)]
        return {key for value in returned for key in keys(value, call, function, module)}
    branches = [each for each in ast.walk(function) if isinstance(each, ast.If) and not spans(each, call)]
    found = set()
    for each in ast.walk(function):
        targets = (
            each.targets if isinstance(each, ast.Assign) else [each.target] if isinstance(each, ast.AugAssign) else []
        )
        named = any(ast.unparse(target) == ast.unparse(node) for target in targets)
        if named and not any(spans(branch, each) for branch in branches):
            found |= keys(each.value, call, function, module)
    return found


def raised() -> dict[str, list[tuple[str, set[str]]]]:
    """Code -> every place that builds this error, and the names it supplies."""
    found = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in KINDS and node.args):
                continue
            inner = [function for function in functions if spans(function, node)]
            function = max(inner, key=lambda each: each.lineno, default=tree)
            supplied = set()
            for keyword in node.keywords:
                supplied |= {keyword.arg} if keyword.arg else keys(keyword.value, node, function, tree)
            for code in ast.walk(node.args[0]):
                if isinstance(code, ast.Constant) and isinstance(code.value, str) and "." in code.value:
                    found[code.value].append((f"{path.name}:{node.lineno}", supplied))
    return found


RAISED = raised()


def placeholders(template: str) -> set[str]:
    return {name.partition(".")[0] for _, name, _, _ in string.Formatter().parse(template) if name}


def test_errors_are_found_in_the_code():
    assert len(RAISED) > 60 and {"periods.unknown", "intake.protected", "client.unknown_key"} <= set(RAISED)


def test_every_error_raised_is_worded():
    assert {code: places for code, places in RAISED.items() if code not in ENTRIES} == {}


def test_every_wording_is_raised():
    assert sorted(set(ENTRIES) - set(RAISED)) == []


@pytest.mark.parametrize("code", ENTRIES)
def test_a_wording_has_its_parts_in_both_languages(code):
    assert set(ENTRIES[code]) == {"zh", "en"}
    zh, en = ENTRIES[code]["zh"], ENTRIES[code]["en"]
    assert set(zh) == set(en) == set(PARTS)
    assert all(text.strip() for text in (*zh.values(), *en.values()))
    for part in zh:
        assert placeholders(zh[part]) == placeholders(en[part]), part


@pytest.mark.parametrize("code", RAISED)
def test_every_placeholder_is_supplied_wherever_the_error_is_raised(code):
    wanted = {name for language in ENTRIES[code].values() for text in language.values() for name in placeholders(text)}
    assert {place: wanted - supplied for place, supplied in RAISED[code] if wanted - supplied} == {}


@pytest.mark.parametrize("code", RAISED)
def test_nothing_is_supplied_that_no_wording_says(code):
    wanted = {name for language in ENTRIES[code].values() for text in language.values() for name in placeholders(text)}
    assert {place: supplied - wanted for place, supplied in RAISED[code] if supplied - wanted} == {}


# ---------------------------------------------------------------- the classes


def test_exit_statuses():
    statuses = {kind: kind("periods.unknown").exit_status for kind in (ArgumentError, ClientError, SqlibError)}
    assert statuses == {ArgumentError: 2, ClientError: 2, SqlibError: 1}
    assert DataProblems.exit_status == MethodRefused.exit_status == 1
    assert issubclass(ClientError, ArgumentError) and not issubclass(MethodRefused, ArgumentError)


def test_a_message_is_one_line_a_part_and_values_are_not_templates():
    error = ArgumentError("project.client_missing", where="{x}", got="<a>")
    assert error.parts("en") == {
        "what": "The client's folder does not exist.",
        "where": "{x}",
        "got": "<a>",
        "remedy": "Check the spelling, or create it: sqlib new client <a>",
    }
    lines = error.text("en").splitlines()
    assert [line.split(":")[0] for line in lines[1:]] == ["  where", "  got", "  remedy"]
    assert len(error.text("zh").splitlines()) == 4


def test_str_takes_the_language_of_the_environment(monkeypatch):
    error = ArgumentError("project.client_missing", where="a", got="b")
    monkeypatch.delenv("SQLIB_LANGUAGE", raising=False)
    assert str(error) == error.text("en")
    monkeypatch.setenv("SQLIB_LANGUAGE", "zh")
    assert str(error) == error.text("zh") != error.text("en")


def test_an_error_survives_the_way_between_processes():
    error = MethodRefused("themes.no_comments", column="comment", rows=3)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.code, copy.values, str(copy)) == (MethodRefused, error.code, error.values, str(error))


def test_a_missing_value_is_a_fault_and_not_a_message():
    with pytest.raises(KeyError, match="where"):
        ArgumentError("project.client_missing", got="b").parts("en")
