"""The index and the report in a real browser, from files: filters, keys, address, phone, sorting, figures."""

import json
import tomllib
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import browser
import pytest
import sample_page
from nbformat import v4
from test_portfolio import deliver, job, record

from sqlib import portfolio, render

LANGUAGES = ("zh", "en")
TABLE = tomllib.loads((Path(__file__).parent / "data" / "browser.toml").read_text(encoding="utf-8"))
COLUMNS, SOUGHT = TABLE["columns"], TABLE["search"]
PRINTED, TURNED = 634, 963  # CSS pixels between the margins of an A4 page, 168 mm, and of one turned, 255 mm


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    if reason := browser.absent():
        pytest.skip(reason)
    with browser.started(tmp_path_factory.mktemp("browser") / "profile") as page:
        yield page


@pytest.fixture(scope="module", params=LANGUAGES)
def index(request, tmp_path_factory) -> Path:
    """Three clients, five reports: done in two periods, failed with what was sought, done for a team, done."""
    out = tmp_path_factory.mktemp("reports")
    reason = {language: f"{SOUGHT} {language}" for language in LANGUAGES}
    failed = job("inspection", "failed", title={"zh": "B", "en": "B"}, reason=reason)
    record(out, "a 1#", "2026Q3", deliver(out, "a 1#", "2026Q3"), failed)
    record(out, "a 1#", "2026Q2", deliver(out, "a 1#", "2026Q2"))
    deliver(out, "b", "2026Q3", audience="team")
    deliver(out, "c", "2026Q3", ("en",))
    return portfolio.portal(out, language=request.param)


@pytest.fixture(scope="module", params=LANGUAGES)
def report(request, tmp_path_factory) -> Path:
    """The sample page, and a section with the table to sort, a table of many columns and rows, and a figure."""
    nb = sample_page.notebook(request.param)
    fragments = [sortable(), broad(10), broad(16), figure(nb)]
    cells = [v4.new_code_cell("x", outputs=[fragment], execution_count=1) for fragment in fragments]
    nb.cells[-2:-2] = [v4.new_markdown_cell("## T"), *cells]
    return render.html(nb, tmp_path_factory.mktemp("report") / "report.html", language=request.param)


def html(fragment: str):
    return v4.new_output("display_data", data={"text/html": fragment})


def sortable():
    head = "".join(f'<th id="{name}">{name}</th>' for name in COLUMNS)
    numeric = ' class="num"'
    rows = ("".join(f"<td{numeric * (name == 'count')}>{text}</td>" for name, text in zip(COLUMNS, row, strict=True))
            for row in zip(*COLUMNS.values(), strict=True))  # fmt: skip
    body = "".join(f'<tr data-row="{i}">{cells}</tr>' for i, cells in enumerate(rows, 1))
    return html(f'<table id="t"><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
                f"<tfoot><tr>{'<td>0</td>' * len(COLUMNS)}</tr></tfoot></table>")  # fmt: skip


def broad(columns: int):
    row = (
        "<tr><td>Customers</td>"
        + '<td class="num"><span class="sq-est">\u22120.12</span></td>' * (columns - 1)
        + "</tr>"
    )
    head = "<tr>" + "<th>Difference (interval)</th>" * columns + "</tr>"
    return html(f'<table id="w{columns}" class="sq-table"><thead>{head}</thead><tbody>{row * 3}</tbody></table>')


def figure(nb):
    return next(o for cell in nb.cells for o in cell.get("outputs", ()) if "image/png" in o.get("data", ()))


def count(page) -> int:
    """Reports shown, as counted and as seen."""
    told = int(page.look("document.getElementById('count').textContent"))
    assert told == page.look("[...document.querySelectorAll('article')].filter(card => card.checkVisibility()).length")
    return told


def focus(page) -> str:
    return page.look("document.activeElement.name || document.activeElement.className")


def order(page) -> list[int]:
    return page.look("[...document.querySelectorAll('#t tbody tr')].map(row => Number(row.dataset.row))")


# ---------------------------------------------------------------- index


def test_the_index_asks_for_nothing_but_itself_and_nothing_goes_wrong(page, index):
    page.open(index)
    assert page.requests == [index.as_uri()]
    assert page.complaints == []
    assert count(page) == 5


def test_search_by_keys_filters_counts_and_escape_clears(page, index):
    page.open(index)
    page.press("/")
    assert focus(page) == "search"
    page.type(SOUGHT)
    assert count(page) == 1
    assert page.look("location.hash") == f"#search={quote(SOUGHT)}"
    assert page.look("document.querySelector('[role=status]').textContent.includes('1')")
    page.type(" no such words")
    assert count(page) == 0
    assert page.look("document.getElementById('nothing').checkVisibility()")
    page.press("Escape")
    assert (count(page), page.look("location.hash"), page.look("document.forms[0].search.value")) == (5, "", "")


def test_every_filter_is_reached_and_set_by_keys(page, index):
    page.open(index, "#search=")
    page.press("/", "Tab", "ArrowDown")
    assert (focus(page), count(page)) == ("client", 3)
    assert page.look("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press("Tab", "ArrowDown", "ArrowDown")
    assert (focus(page), count(page)) == ("period", 1)
    assert page.look("location.hash") == "#client=a+1%23&period=2026Q2"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("#status=failed", 1),
        ("#period=2026Q2", 1),
        ("#audience=team", 1),
        ("#client=a+1%23&status=done", 2),
        ("#verdict=unclear", 4),
        ("#client=gone", 0),
    ],
)
def test_an_address_shows_the_view_it_was_copied_from(page, index, address, expected):
    page.open(index, address)
    assert count(page) == expected
    assert page.complaints == []


def test_a_tally_is_a_filter_and_leads_back(page, index):
    page.open(index)
    page.click("a[href='#status=failed']")
    page.wait("document.getElementById('count').textContent === '1'")
    assert count(page) == 1
    page.look("history.back()")
    page.wait("document.getElementById('count').textContent === '5'")
    assert count(page) == 5


def test_a_verdict_leaves_only_its_findings(page, index):
    page.open(index, "#verdict=unclear")
    shown = "[...document.querySelectorAll('.findings li')].filter(item => item.checkVisibility())"
    assert page.look(f"{shown}.every(item => item.dataset.verdict === 'unclear')")
    assert page.look(f"{shown}.length") == 16  # of four reports, those folded away with them


def test_age_is_counted_from_the_readers_clock(page, index):
    page.open(index)
    ago = "new Intl.RelativeTimeFormat(document.documentElement.lang, {numeric: 'auto'})"
    days = "Math.floor((Date.now() - new Date('2026-09-30')) / 864e5)"
    assert page.look(f"document.querySelector('time').nextSibling.textContent.includes({ago}.format(-{days}, 'day'))")


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_scrolls_sideways(page, index, report, width):
    for path in (index, report):
        page.open(path, width=width)
        assert page.look("document.documentElement.scrollWidth") <= width


# ---------------------------------------------------------------- report


def test_the_report_asks_for_nothing_but_itself_and_runs_no_foreign_script(page, report):
    page.open(report)
    assert page.requests == [report.as_uri()]
    assert page.complaints == []
    page.look("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.bad = 1'}))")
    assert page.look("window.bad") is None


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_sorts_up_down_and_back_by_click(page, report, name):
    page.open(report)
    states = []
    for _ in range(3):
        page.click(f"#{name} button")
        states.append((page.look(f"document.getElementById('{name}').getAttribute('aria-sort')"), order(page)))
    assert states == [
        ("ascending", TABLE["upwards"][name]),
        ("descending", TABLE["downwards"][name]),
        (None, [1, 2, 3, 4, 5]),
    ]
    assert page.look("document.getElementById('t').rows[6].cells[0].textContent") == "0"  # the foot stays


def test_a_column_sorts_by_keys_and_one_at_a_time(page, report):
    page.open(report)
    page.look("document.querySelector('#name button').focus()")
    page.press("Tab", "Enter")
    assert order(page) == TABLE["upwards"]["share"]
    page.press("Tab", "Enter", "Enter")
    assert order(page) == TABLE["downwards"]["count"]
    assert page.look("document.querySelectorAll('#t [aria-sort]').length") == 1


def test_a_figure_opens_by_enter_or_click_and_escape_gives_the_focus_back(page, report):
    page.open(report)
    opened = "document.querySelector('dialog').open"
    page.look("document.querySelector('.sq-enlarge').focus()")
    page.press("Enter")
    assert page.look(opened)
    alt = json.dumps(page.look("document.querySelector('.sq-enlarge img').alt"))
    assert page.look(f"document.querySelector('dialog img').alt === {alt}")
    assert focus(page) == "sq-close"
    page.press("Escape")
    page.wait(f"!{opened}")
    assert focus(page) == "sq-enlarge"
    page.click(".sq-enlarge")
    page.wait(opened)
    page.click(".sq-close")
    assert not page.look(opened)


def test_without_its_script_a_page_reads_as_before(page, index, report):
    page.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.open(index)
        assert not page.look("document.querySelector('form').checkVisibility()")
        assert page.look("[...document.querySelectorAll('article')].every(card => card.checkVisibility())")
        page.open(report)
        assert page.look("document.querySelectorAll('button, dialog').length") == 0
        assert order(page) == [1, 2, 3, 4, 5] and page.look(
            "document.querySelector('.sq-figure img').checkVisibility()"
        )
    finally:
        page.ask("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize(("table", "width"), [("w10", PRINTED), ("w16", TURNED)])
def test_many_columns_fit_the_printed_page(page, report, table, width):
    page.open(report, width=width)
    with printed(page):
        assert page.look(f"document.getElementById('{table}').offsetWidth") <= width
        assert page.look(f"getComputedStyle({table}.parentElement).page") == {"w10": "auto", "w16": "broad"}[table]


def test_a_printed_head_holds_no_box(page, report):
    """Chromium leaves a head that holds one blank on every page but the first."""
    page.open(report)
    with printed(page):
        assert page.look("getComputedStyle(document.querySelector('.sq-sort')).display") == "contents"


@contextmanager
def printed(page):
    page.ask("Emulation.setEmulatedMedia", media="print")
    try:
        yield
    finally:
        page.ask("Emulation.setEmulatedMedia", media="")
