"""The command line: help with examples, exit statuses, scaffolds, and never a traceback."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from client_folder import write
from test_batch import FAULT, FEEDBACK, HEAD, ROWS, Kernel, project

from sqlib import batch, catalogue, cli, client, execution, notebook, pool, progress, words

ROOT = Path(__file__).parents[1]
SINGLE = ("check", "coding", "run", "list", "demo", "portal", "final", "diff", "deliver", "collect")
COMMANDS = [[], ["new"], ["new", "client"], ["new", "notebook"], *([name] for name in SINGLE)]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(project(tmp_path))
    monkeypatch.setenv("SQLIB_LANGUAGE", "en")
    return tmp_path


@pytest.fixture
def kernel(monkeypatch) -> Kernel:
    stand_in = Kernel()
    monkeypatch.setattr(execution, "_papermill", lambda: stand_in)
    monkeypatch.setattr(batch, "_pool", lambda workers, limits, running: pool.Inline(running.begun))
    return stand_in


@pytest.fixture
def sqlib(monkeypatch, capsys):
    """Run a command as the shell would; returns exit status and what was said."""

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["sqlib", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
            raise SystemExit(0)
        said = "".join(capsys.readouterr())
        assert "Traceback" not in said
        return end.value.code or 0, said

    return call


# ---------------------------------------------------------------- help


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_help_shows_how(sqlib, command):
    status, said = sqlib(*command, "--help")
    plain = " ".join(re.sub(r"[^\w ./,:<>-]", " ", said).split())
    assert status == 0
    assert command == ["new"] or f"sqlib {' '.join(command)}".strip() in plain
    if command and command != ["new"]:
        assert re.search(r"Examples?:", plain)
    assert not re.search(r"TODO|lorem", said, re.I)


def test_help_names_every_command_and_every_option_has_help(sqlib):
    said = sqlib("--help")[1]
    assert {"new", "check", "run", "list", "demo", "portal", "final", "diff", "deliver", "collect"} <= set(
        re.findall(r"\w+", said)
    )
    for command in cli.app.registered_commands + cli.new.registered_commands:
        for name, hint in command.callback.__annotations__.items():
            if name != "return":
                assert hint.__metadata__[0].help, (command.callback.__name__, name)


def test_as_a_module_and_quickly(tmp_path):
    run = [sys.executable, "-X", "importtime", "-m", "sqlib", "--help"]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0 and "sqlib demo" in done.stdout
    heavy = {"pandas", "numpy", "matplotlib", "nbformat", "papermill", "pydantic"}
    assert heavy.isdisjoint(re.findall(r"\|\s+(\w+)$", done.stderr, re.M))


# ---------------------------------------------------------------- run


def test_exit_0_when_every_report_was_made(here, kernel, sqlib):
    status, said = sqlib("run", "acme", "--language", "zh,en", "--out", here / "out")
    assert status == 0
    assert re.search(r"^done +Acme Ltd +2026Q3 +Sample ok +zh/en +[\d.]+ s +1 findings$", said, re.M)
    assert f"1 done, 0 up to date, 0 failed, 0 skipped. Open: {here / 'out' / 'index.html'}" in said
    assert (here / "out" / "index.html").is_file() and (here / "out/acme/2026Q3/findings.csv").is_file()


def test_exit_1_when_some_page_could_not_be_made_and_the_others_are_delivered(here, kernel, sqlib):
    kernel.level = lambda asked: (
        float(len(kernel.calls)) if kernel.calls[-1]["source"].cells[0].source.endswith("depends") else 1.0
    )
    status, said = sqlib("run", "acme", "--only", "ok,depends", "--language", "zh,en", "--out", here / "out")
    assert status == 1 and "1 done, 0 up to date, 1 failed, 0 skipped" in said
    assert re.search(r"^failed +Acme Ltd +2026Q3 +Sample depends", said, re.M) and "remedy:" in said
    assert (here / "out/acme/2026Q3/management/ok.zh.html").is_file()


def test_a_page_that_stops_is_told_with_its_reason_and_its_half_run_notebook(here, kernel, sqlib):
    kernel.fault = FAULT
    status, said = sqlib("run", "acme", "--out", here / "out")
    assert status == 1 and "ValueError: planted" in said and "ok.zh.failed.ipynb" in said


def test_exit_1_when_a_table_is_missing_says_skipped(here, kernel, sqlib):
    write(here / "acme", FEEDBACK.replace("feedback", "cases"), HEAD, f__csv="case_id,created_at\n1,2026-08-01\n")
    status, said = sqlib("run", "acme", "--out", here / "out")
    assert status == 1 and "0 done, 0 up to date, 0 failed, 1 skipped" in said and "feedback" in said


WRONG = [
    ["run", "none"], ["run", "acme", "--period", "Q3"], ["run", "acme", "--only", "nothing"], ["run"],
    ["run", "acme", "-p", "min_gruop", "8"], ["run", "acme", "-p", "min_group", "many"], ["run", "acme", "-p"],
    ["run", "acme", "--compare", "yesterday"], ["run", "acme", "--language", "fr"], ["run", "acme", "--to", "docm"],
    ["run", "acme", "--audience", "boss"], ["check", "none"], ["new", "notebook", "Closed-Loop"], ["nothing"],
    ["new", "client", "acme"], ["run", "acme", "--perod", "2026Q3"],
    ["run", "acme", "--lay-out", "work", "--scheduler", "tcp://127.0.0.1:9"], ["run", "acme", "--scheduler", "here"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_exit_2_for_an_argument_before_any_kernel(here, kernel, sqlib, arguments):
    status, said = sqlib(*arguments)
    assert status == 2 and len(said) > 40
    assert kernel.calls == [] and not (here / "reports").exists()


def test_parameters_are_given_as_name_and_value(here, kernel, sqlib):
    assert sqlib("run", "acme", "-p", "min_group", "8", "-p", "level", "-0.5", "--out", here / "out")[0] == 0
    assert (kernel.calls[0]["min_group"], kernel.calls[0]["level"]) == (8, -0.5)
    (job,) = json.loads((here / "out/acme/2026Q3/run.json").read_text(encoding="utf-8"))["jobs"]
    assert job["parameters"] == {"min_group": 8, "level": -0.5}


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_lines_of_a_run_are_worded(language):
    for entry in ("done", "failed", "skipped"):
        assert "{" not in words.text("cli", "job", entry, language=language, **dict.fromkeys(_names(entry), "x"))
    assert progress.summary([], Path("index.html"), language)


def _names(entry: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", words.entry("cli", "job", entry)["en"])


# ---------------------------------------------------------------- list, portal, check


def test_list_tells_what_each_listed_page_answers_and_reads(sqlib, monkeypatch):
    monkeypatch.setenv("SQLIB_LANGUAGE", "en")
    status, said = sqlib("list")
    assert status == 0
    for entry in catalogue.entries(ROOT).values():
        assert (entry.question["en"] in said and all(table in said for table in entry.reads)) == entry.listed


def test_portal_builds_the_index_again(here, kernel, sqlib):
    sqlib("run", "acme", "--out", here / "out")
    first = (here / "out" / "index.html").read_bytes()
    (here / "out" / "index.html").unlink()
    status, said = sqlib("portal", "--out", here / "out")
    assert status == 0 and str(here / "out" / "index.html") in said
    assert (here / "out" / "index.html").read_bytes() == first


def test_check_exits_0_where_a_page_can_run_and_1_where_none_can(here, sqlib):
    status, said = sqlib("check", "acme", "--language", "en")
    assert status == 0 and "Pages that can run: ok" in said
    assert (here / "acme" / "problems.xlsx").is_file()
    write(here / "acme", FEEDBACK, HEAD, f__csv="feedback_id,score,scale_min,scale_max\n")
    assert sqlib("check", "acme")[0] == 1


# ---------------------------------------------------------------- scaffolds


@pytest.fixture
def mini(tmp_path, monkeypatch) -> Path:
    """A copy of what a new page or client is made from."""
    for place in ("notebooks", "sqlib/words", "data/templates"):
        shutil.copytree(ROOT / place, tmp_path / place)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SQLIB_LANGUAGE", "en")
    return tmp_path


def test_a_new_notebook_is_a_page_with_its_words_and_its_block(mini, sqlib):
    status, said = sqlib("new", "notebook", "closed_loop")
    assert status == 0
    assert said.split() == [
        str(mini / p) for p in ("notebooks/closed_loop.ipynb", "sqlib/words/closed_loop.toml", catalogue.project.MARK)
    ]
    entry = catalogue.entries(mini)["closed_loop"]
    assert entry.listed and entry.reads == catalogue.entries(mini)["template"].reads
    nb, template = notebook.read(entry.notebook), notebook.read(mini / "notebooks" / "template.ipynb")
    assert notebook.parameters(nb) == notebook.parameters(template)
    assert [cell.source for cell in nb.cells if cell.cell_type == "markdown"] == [
        cell.source for cell in template.cells if cell.cell_type == "markdown"
    ]
    assert sum('page.open("closed_loop"' in cell.source for cell in nb.cells) == 1
    assert '"template"' not in "".join(cell.source for cell in nb.cells if cell.cell_type == "code")
    made = tomllib.loads((mini / "sqlib/words/closed_loop.toml").read_text(encoding="utf-8"))
    assert made == tomllib.loads((mini / "sqlib/words/template.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("stem", ["template", "feedback_analysis", "common", "page", "cli"])
def test_a_new_notebook_never_overwrites_a_page_or_the_words_of_anything(mini, sqlib, stem):
    before = {path: path.read_bytes() for path in mini.rglob("*") if path.is_file()}
    status, said = sqlib("new", "notebook", stem)
    assert status == 2 and stem in said
    assert {path: path.read_bytes() for path in mini.rglob("*") if path.is_file()} == before


def test_a_new_client_is_a_folder_that_loads_once_a_table_is_declared(mini, sqlib):
    status, said = sqlib("new", "client", "data/clients/acme")
    folder = mini / "data" / "clients" / "acme"
    assert status == 0 and "client.toml" in said and (folder / "raw").is_dir()
    assert {path.stem for path in (folder / "templates").iterdir()} >= {"feedback", "customers", "cases"}
    with (folder / "client.toml").open("a", encoding="utf-8") as file:
        file.write(FEEDBACK)
    (folder / "raw" / "f.csv").write_text(ROWS, encoding="utf-8")
    assert (client.load(folder).id, client.load(folder).name) == ("acme", "acme")
    assert sqlib("check", "data/clients/acme")[0] == 0


# ---------------------------------------------------------------- versions


def test_freeze_compare_and_deliver(here, kernel, sqlib):
    assert sqlib("run", "acme")[0] == 0
    assert sqlib("final", "acme") == (0, f"Frozen as V1.0: {here / 'reports/acme/2026Q3/final/V1.0'}\n")
    assert "Nothing has changed since V1.0" in sqlib("final", "acme")[1]
    assert "V1.0 final" in (here / "reports/index.html").read_text(encoding="utf-8")
    kernel.level = lambda language: 2.0
    assert sqlib("run", "acme", "--language", "en")[0] == 0
    (here / "acme/raw/f.csv").write_text(ROWS, encoding="utf-8")
    status, said = sqlib("diff", "acme", "--language", "en", "--out", "d.xlsx")
    assert status == 0 and "V1.1 (draft) against V1.0" in said and (here / "d.xlsx").is_file()
    status, said = sqlib("deliver", "acme", "--audience", "management")
    assert status == 0 and "acme-2026Q3-management-V1.0.zip" in said
    assert (here / "reports/acme/2026Q3/deliveries/acme-2026Q3-management-V1.0.zip").is_file()


def test_a_leak_is_listed_and_ends_with_one(here, kernel, sqlib):
    sqlib("run", "acme")
    table = here / "reports/acme/2026Q3/management/tables/ok/numbers.csv"
    table.write_text("group\n13800138000\n", encoding="utf-8")
    status, said = sqlib("deliver", "acme", "--audience", "management", "--draft")
    assert status == 1 and "mobile number" in said and "row 2, group" in said and "13800138000" not in said
    assert not (here / "reports/acme/2026Q3/deliveries").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["final", "acme"],
        ["final", "nobody"],
        ["diff", "acme"],
        ["deliver", "acme", "--audience", "management"],
        ["deliver", "acme"],
        ["deliver", "acme", "--audience", "boss"],
    ],
)
def test_wrong_arguments_of_versions_end_with_two(here, sqlib, arguments):
    assert sqlib(*arguments)[0] == 2


@pytest.mark.parametrize(
    "wrong", [["--from", "V9.9"], ["--to", "V9.9"], ["--language", "fr"], ["--out", "d.csv"], ["--period", "2026Q9"]]
)
def test_wrong_arguments_of_a_comparison_end_with_two(here, kernel, sqlib, wrong):
    sqlib("run", "acme")
    sqlib("final", "acme")
    status, said = sqlib("diff", "acme", *wrong)
    assert status == 2 and wrong[1] in said
