"""The start page: choices become the equal command line, events become what is seen, and a browser drives all of it."""

import json
import os
import re
import shlex
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import browser
import lab
import pytest
from client_folder import write
from hypothesis import given
from hypothesis import strategies as st

from sqlib import (
    catalogue,
    checking,
    cli,
    lab_links,
    notebook,
    progress,
    start_choices,
    start_page,
    start_run,
    start_shown,
)  # fmt: skip
from sqlib.errors import ArgumentError
from sqlib.start_choices import Choices
from sqlib.start_run import Heard

ROOT = Path(__file__).parents[1]
PAGE = "feedback_analysis"

# ---------------------------------------------------------------- choices and command lines


@pytest.mark.parametrize(("chosen", "line"), [
    ({}, "sqlib run data/demo/jiahe"),
    ({"period": "2026Q3"}, "sqlib run data/demo/jiahe --period 2026Q3"),
    ({"pages": (PAGE, "other")}, f"sqlib run data/demo/jiahe --only {PAGE},other"),
    ({"languages": ("zh", "en")}, "sqlib run data/demo/jiahe --language zh,en"),
    ({"formats": ("html", "pdf")}, "sqlib run data/demo/jiahe --to html,pdf"),
    ({"audience": "client"}, "sqlib run data/demo/jiahe --audience client"),
    ({"audience": "team", "team": "Team 2"}, "sqlib run data/demo/jiahe --audience team -p team 'Team 2'"),
    ({"team": "Team 2"}, "sqlib run data/demo/jiahe"),
    ({"force": True}, "sqlib run data/demo/jiahe --force"),
])  # fmt: skip
def test_a_choice_is_a_command_line(chosen, line):
    assert start_choices.command(start_choices.run(Choices("data/demo/jiahe", **chosen))) == line


def test_checking_and_making_a_client_are_command_lines():
    assert start_choices.check("a b", "2026Q3") == ["check", "a b", "--period", "2026Q3"]
    assert start_choices.new("data/clients/x", []) == ["new", "client", "data/clients/x"]
    asked = start_choices.new("data/clients/x", ["a.csv", "b c"], "zh", "accounting")
    line = "sqlib new client data/clients/x --language zh --profile accounting --from a.csv 'b c'"
    assert start_choices.command(asked) == line


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
def test_what_is_shown_is_what_is_run(arguments):
    assert shlex.split(start_choices.command(arguments)) == ["sqlib", *arguments]


def test_the_command_line_reads_what_the_page_gives(monkeypatch):
    """The arguments reach ``sqlib run`` as chosen, a team's name with an equals sign and a dash first included."""
    from sqlib import jobs

    asked = {}
    monkeypatch.setattr(jobs, "plan", lambda folders, **given: asked.update(given, folders=folders) or [])
    monkeypatch.setattr(cli, "_run", lambda *given, **options: 0)
    chosen = Choices("data/demo/jiahe", "2026Q3", (PAGE,), ("en",), "team", "-a=b c", ("html", "pdf"), True)
    with pytest.raises(SystemExit) as done:
        cli.app(cli._joined(start_choices.run(chosen)), prog_name="sqlib")
    assert done.value.code == 0
    assert asked == {
        "folders": [Path("data/demo/jiahe")], "period": "2026Q3", "compare_to": None, "only": [PAGE],
        "languages": ["en"], "audience": "team", "parameters": {"team": "-a=b c"}, "formats": ["html", "pdf"],
    }  # fmt: skip


def test_folders_are_named_as_from_the_project(tmp_path):
    for place in ("data/demo/b", "data/clients/a c", "data/clients/empty"):
        (tmp_path / place).mkdir(parents=True)
    for place in ("data/demo/b", "data/clients/a c"):
        (tmp_path / place / "client.toml").touch()
    assert start_choices.clients(tmp_path) == ["data/clients/a c", "data/demo/b"]
    assert start_choices.named(tmp_path.parent, tmp_path) == str(tmp_path.parent.resolve())
    assert start_choices.named(tmp_path / "-x", tmp_path) == "./-x"


# ---------------------------------------------------------------- what a run tells


def event(kind: str, key: str = "acme/2026Q3/management/ok", **more) -> dict:
    return {"event": kind, "key": key, "client": "acme", "period": "2026Q3"} | more


def failed(text: str) -> dict:
    return {"code": "x.y", "text": {"zh": text, "en": text}}


def test_events_add_up():
    heard = Heard()
    for key, state in (("a/p/m/one", "runs"), ("a/p/m/two", "runs"), ("a/p/m/old", "current")):
        heard.hear(event("planned", key, state=state))
    heard.hear(event("unheard of"))
    heard.hear(event("begun", "a/p/m/one"))
    assert (heard.total, heard.made, list(heard.making)) == (2, 0, ["a/p/m/one"])
    heard.hear(event("ended", "a/p/m/one", status="failed", reason=failed("why"), remarks=[failed("by the way")]))
    heard.hear(event("ended", "a/p/m/old", status="current", reason=None, remarks=[]))
    assert (heard.total, heard.made, list(heard.making)) == (2, 1, [])
    assert [each["reason"]["text"]["en"] for each in heard.faults] == ["why", "by the way"]
    assert heard.standing == ["a/p/m/old"] and heard.count("failed", "skipped") == 1
    heard.hear({"event": "stopped", "done": 0, "left": 1})
    assert heard.stopped["left"] == 1


def test_only_a_failed_report_alarms():
    """A page left out for want of a table, a remark and a note are to be looked at; nothing went wrong."""
    heard = Heard()
    heard.hear(event("ended", "a/p/m/one", status="failed", reason=failed("why"), remarks=[failed("by the way")]))
    heard.hear(event("ended", "a/p/m/two", status="skipped", reason=failed("no table"), remarks=[]))
    heard.hear({"event": "noted", "reason": failed("a note")})
    shown = start_shown.faults(heard, {}, "en")
    assert re.findall(r'class="sq-(\w+)"[^>]*>([^<]+)', shown) == [
        ("fault", "why"), ("remark", "no table"), ("remark", "by the way"), ("remark", "a note"),
    ]  # fmt: skip


def test_a_check_tells_everything_in_both_languages(tmp_path, capsys):
    folder = lab.project(tmp_path, "clinic") / "data" / "demo" / "clinic"
    assert checking.check(folder, None, None, None, machine=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["event"], Path(told["workbook"])) == ("checked", folder / "problems.xlsx")
    assert PAGE in told["pages"] and told["quarters"][0] == "2026Q3" == told["period"]
    assert told["quarters"] == sorted(told["quarters"], reverse=True) and len(told["quarters"]) <= 12
    for kind in ("problems", "readiness"):
        zh, en = told[kind]["zh"], told[kind]["en"]
        assert len(zh) == len(en) > 0 and zh != en


def test_a_reason_is_told_in_both_languages(capsys):
    error = ArgumentError("project.client_missing", where="x", got="y")
    progress.Machine().noted(error)
    reason = json.loads(capsys.readouterr().out)["reason"]
    assert reason.pop("text") == {"zh": error.text("zh"), "en": error.text("en")}
    assert reason == {"code": error.code, **error.parts("en")}


def test_every_value_is_escaped():
    evil = '<img src=x onerror="a()">&'
    heard = Heard()
    heard.hear(event("ended", f"a/p/m/{evil}", status="failed", reason=failed(evil), remarks=[]) | {"client": evil})
    told = {"pages": [evil], "workbook": f"/{evil}/problems.xlsx", "remarks": {"en": [evil]},
            "decisions": {"en": evil}} | {kind: {"en": [{evil: evil}]} for kind in
            ("problems", "readiness", "unknown", "reasons")}  # fmt: skip
    shown = [
        start_shown.faults(heard, {}, "en"), start_shown.checked(told, {}, "en"), start_shown.command(evil),
        start_shown.link(Path(evil), evil), start_shown.fault(evil), start_shown.paragraph(evil),
        start_shown.remark(evil),
    ]  # fmt: skip
    assert all("&lt;img" in part and "<img" not in part for part in shown)


def test_links_follow_the_server_and_else_are_paths(tmp_path, monkeypatch):
    path = tmp_path / "reports" / "a b#\u00fc.html"
    path.parent.mkdir()
    path.touch()
    monkeypatch.setattr(lab_links, "_server", lambda: {})
    assert lab_links.address(path) == "" and str(path) in start_shown.link(path, "open")
    monkeypatch.setattr(lab_links, "_server", lambda: {"root_dir": str(tmp_path), "base_url": "/hub/user/"})
    assert lab_links.address(path) == "/hub/user/files/reports/a%20b%23%C3%BC.html"
    assert lab_links.address(tmp_path.parent / "x.html") == ""


# ---------------------------------------------------------------- the page without a browser


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The page in a project with one good client, one broken one and one whose name is markup."""
    lab.project(tmp_path, "clinic")
    places = tmp_path / "data" / "clients"
    write(places / "broken", "[tables\n", "[client]\n")
    monkeypatch.chdir(tmp_path / "notebooks")
    return start_page.StartPage("en")


def uploaded(name: str, content: bytes) -> dict:
    """A file as the browser hands it in."""
    about = {"name": name, "type": "", "size": len(content), "last_modified": datetime.fromtimestamp(0, UTC)}
    return about | {"content": memoryview(content)}


def test_the_notebook_is_one_short_cell_and_no_page():
    nb = notebook.read(ROOT / "notebooks" / "start_here.ipynb")
    assert [notebook.tags(cell) for cell in nb.cells] == [{"lang-zh"}, {"lang-en"}, set()]
    assert nb.cells[2].source.splitlines()[-1] == "start_page.show()" and not nb.cells[2].outputs
    assert "start_here" not in catalogue.entries(ROOT)
    assert notebook.normalise(nb) == nb


def test_a_choice_changes_the_command_and_the_plan(page):
    page.clients.client.value = "data/demo/clinic"
    page.wanted.pages[PAGE].value = page.wanted.languages["zh"].value = page.wanted.formats["xlsx"].value = True
    line = f"sqlib run data/demo/clinic --only {PAGE} --language zh --to html,xlsx"
    assert line in page.parts["command"].value and not page.buttons["run"].disabled
    page.wanted.period.value = "2026Q9"
    assert "2026Q9" in page.parts["plan"].value and page.buttons["run"].disabled


def test_a_broken_client_is_told_in_the_language_of_the_page(page):
    page.clients.client.value = "data/clients/broken"
    english = page.parts["plan"].value
    assert "client.toml" in english and "sq-fault" in english and page.buttons["run"].disabled
    page.switch.value = "zh"
    assert page.parts["plan"].value != english and "client.toml" in page.parts["plan"].value
    assert page.clients.client.value == "data/clients/broken"


def test_what_a_check_says_stays_with_its_client(page):
    """Another client is chosen while one is checked: neither its problems nor its error are shown for the other."""
    told = {"event": "checked", "pages": [PAGE], "workbook": "problems.xlsx", "quarters": ["2019Q1"]}
    told |= {kind: {"en": []} for kind in ("problems", "readiness", "unknown", "reasons", "remarks")}
    told |= {"decisions": {"en": "decisions of the first"}}
    for chosen, shown in (("data/demo/clinic", True), ("data/clients/broken", False)):
        page.clients.client.value = "data/demo/clinic"
        page.doing, page.about = start_page.CHECK, page.folder
        page.clients.client.value = chosen
        page.hear(told)
        assert ("decisions of the first" in page.parts["data"].value) == shown
        page.end(1, "why it failed")
        assert ("why it failed" in page.parts["data"].value) == shown
        assert ("2019Q1" in page.wanted.period.options) == shown


def test_a_run_that_finds_all_up_to_date_fills_its_bar(page):
    page.clients.client.value, page.doing = "data/demo/clinic", start_page.RUN
    page.hear(event("planned", "a/p/m/old", state="current"))
    assert page.bar.value == 0
    page.hear(event("ended", "a/p/m/old", status="current", reason=None, remarks=[]))
    page.hear({"event": "summary"})
    page.end(0, "")
    assert (page.bar.value, page.bar.bar_style) == (page.bar.max, "success")


def test_a_folder_that_is_not_there_is_told(page):
    page.clients.client.value = start_page.start_form.OTHER
    page.clients.folder.value = "data/clients/none"
    assert "data/clients/none" in page.parts["plan"].value and page.buttons["check"].disabled


def test_a_client_is_made_of_files_chosen_in_the_browser(page, tmp_path):
    table = next((tmp_path / "data/demo/clinic/raw").iterdir())
    page.clients.client.value = start_page.start_form.NEW
    page.clients.name.value = "new & <b>"
    page.clients.upload.value = (uploaded(table.name, table.read_bytes()),)
    assert "'data/clients/new &amp; &lt;b&gt;/raw'" in page.parts["command"].value.replace("&#x27;", "'")
    page.create()
    until = time.monotonic() + lab.PATIENCE
    while page.process and time.monotonic() < until:
        time.sleep(0.05)
    assert page.status == 0, page.said
    assert page.clients.client.value == "data/clients/new & <b>"
    assert (tmp_path / "data/clients/new & <b>/mapping.xlsx").is_file()


def test_a_chosen_file_replaces_no_other_and_leaves_its_folder_never(page, tmp_path):
    raw = tmp_path / "data/clients/acme/raw"
    raw.mkdir(parents=True)
    (raw / "a.csv").write_bytes(b"first")
    page.clients.client.value, page.clients.name.value = start_page.start_form.NEW, "acme"
    for name, code in (("a.csv", "start_form.same_name"), ("../a.csv", "client.bad_id")):
        page.clients.upload.value = (uploaded(name, b"second"),)
        with pytest.raises(ArgumentError) as refused:
            page.clients.saved()
        assert refused.value.code == code
        page.create()
        assert "sq-fault" in page.parts["data"].value and page.process is None
    assert (raw / "a.csv").read_bytes() == b"first"


# ---------------------------------------------------------------- a browser drives it

ABSENT = browser.absent()
LINUX = sys.platform == "linux"


def text(tab, expression: str = "document.querySelector('.sq-page')") -> str:
    return tab.look(f"{expression}.innerText")


def until_said(tab, said: str, patience: float = lab.PATIENCE) -> None:
    tab.wait(f"document.querySelector('.sq-page').innerText.includes({json.dumps(said)})", patience)


def choose(tab, folder: str) -> None:
    """A client in the list of clients, as the keyboard chooses it."""
    tab.look(f"(s => {{ s.value = {json.dumps(folder)}; s.dispatchEvent(new Event('change', {{bubbles: true}})) }})"
             "(document.querySelector('.sq-page select'))")  # fmt: skip


def ticked(tab, label: str) -> None:
    boxes = "[...document.querySelectorAll('.sq-page .widget-checkbox')]"
    tab.hit(f"{boxes}.find(box => box.innerText.trim() === {json.dumps(label)}).querySelector('input')")


def running(root: Path) -> list[str]:
    """Processes of runs that work in the project, kernels of their pages included."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            line = (place / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            if (place / "cwd").resolve().is_relative_to(root) and "sqlib" in line:
                found.append(line)
        except OSError:  # it has ended meanwhile
            continue
    return found


def gone(root: Path) -> None:
    until = time.monotonic() + lab.PATIENCE
    while running(root) and time.monotonic() < until:
        time.sleep(0.05)
    assert not running(root)


@pytest.mark.skipif(bool(ABSENT) or not LINUX, reason=ABSENT or "browser absent: processes as Linux tells them")
def test_a_consultant_makes_a_report_in_jupyterlab(tmp_path):
    root = lab.project(tmp_path / "a project", "clinic")
    write(root / "data" / "clients" / "broken", "[tables\n", "[client]\n")
    before = {path: path.stat().st_mtime_ns for path in (ROOT / "reports").rglob("*")}
    title = catalogue.entries(ROOT)[PAGE].title["en"]
    (tmp_path / "state").mkdir()
    with lab.served(root, tmp_path / "state", "en") as address, browser.started(tmp_path / "profile") as tab:
        lab.opened(tab, address)
        until_said(tab, "client.toml")  # the first client of the list is the broken one
        choose(tab, "data/demo/clinic")
        until_said(tab, "sqlib run data/demo/clinic")
        tab.click(".sq-check")
        until_said(tab, "problems.xlsx")
        ticked(tab, title)
        ticked(tab, "English")
        until_said(tab, f"sqlib run data/demo/clinic --only {PAGE} --language en")
        tab.click(".sq-run")
        until_said(tab, "Being made")
        tab.wait("!!document.querySelector('.sq-page a[href*=index]')", 2 * lab.PATIENCE)
        assert "1 done" in text(tab)
        own = (address, "blob:", address.replace("http", "ws"))
        assert not [asked for asked in tab.requests if not asked.startswith(own)]
        tab.click(f".sq-page a[href*='{PAGE}.en.html']")
        report = tab.other(f"{address}files/reports/clinic/")
        report.wait("document.readyState === 'complete' && !!document.querySelector('h1')")
        assert title in text(report, "document.querySelector('h1')")
        report.socket.close()
        tab.front()

        ticked(tab, "Make everything again, also what is up to date")
        until_said(tab, "--force")
        tab.click(".sq-run")
        until_said(tab, "Being made")
        assert running(root)
        tab.click(".sq-stop")
        until_said(tab, "Stopped")
        gone(root)
        assert (root / "reports" / "clinic" / "2026Q3" / "management" / f"{PAGE}.en.html").is_file()

        tab.click(".sq-run")
        until_said(tab, "Being made")
        lab.menu(tab, "Kernel", "Shut Down Kernel")
        gone(root)
    assert {path: path.stat().st_mtime_ns for path in (ROOT / "reports").rglob("*")} == before


@pytest.mark.skipif(not LINUX, reason="browser absent: processes as Linux tells them")
def test_no_run_outlives_the_process_of_its_page(page, tmp_path):
    """The page's process is killed, which tells nobody anything; its run ends all the same."""
    import subprocess

    code = (
        "from sqlib.attended import Attended; import threading\n"
        f"Attended(['run', 'data/demo/clinic', '--only', '{PAGE}', '--log-json'], 'en',"
        " lambda event: print(event['event'], flush=True), print)\n"
        "threading.Event().wait()"
    )
    told = os.environ | {"PYTHONPATH": str(ROOT), "SQLIB_WARM": "0"}
    owner = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=told, stdout=subprocess.PIPE, text=True)
    assert any(line.strip() == "begun" for line in owner.stdout)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    gone(tmp_path)
    assert not list((tmp_path / "reports").rglob(f"{PAGE}.*"))


def test_files_of_a_report_are_those_of_its_record(tmp_path):
    folder = tmp_path / "acme" / "2026Q3"
    (folder / "management").mkdir(parents=True)
    for name in ("ok.zh.html", "ok.en.html", "ok.en.pdf", "ok.xlsx"):
        (folder / "management" / name).touch()
    told = {"client_id": "acme", "client_name": "acme", "period": "2026Q3", "jobs": [{"stem": "ok", "status": "done"}]}
    (folder / "run.json").write_text(json.dumps(told), encoding="utf-8")
    found = start_run.files(tmp_path, "acme/2026Q3/management/ok", ("en",))
    assert [(code, kind) for code, kind, _ in found] == [("en", "html"), ("en", "pdf"), ("", "xlsx")]
    assert start_run.files(tmp_path, "acme/2026Q3/management/none", ("en",)) == []
