"""What a run leaves on the consultant's desk: commentary, quotations, the registers of needs and of phrases.

A workbook that cannot be written or read costs its own refresh, never the reports: it comes back as a remark.
"""

from collections.abc import Callable
from pathlib import Path

from sqlib import basis, commentary, freshness, needs, notebook, periods, phrase_levels, quotes
from sqlib.client import Client
from sqlib.errors import SqlibError
from sqlib.reading import Reading

LEAST = 5  # people in a group that may be quoted from, unless the run says otherwise
DEMAND = "demand.csv"  # the table of needs a page hands over
FULLEST = ("management", "internal")  # other versions leave findings out and would orphan their words


def brought_up(jobs: list, out: Path) -> list[tuple]:
    """Bring the workbooks of one client up to date with its reports: (job, remarks) of each that lies there.

    What they say is read and remembered at once: the next plan opens none of them.
    """
    told = [(job, refresh(job, _executed(job, out))) for job in jobs if _done(job, out)]
    return [(job, remarks + _tried(lambda job=job: _remembered(job))) for job, remarks in told]


def _remembered(job) -> list[SqlibError]:
    basis.settings(job.who, job.period, job.page.stem)
    return []


def _done(job, out: Path) -> bool:
    return freshness.entry(freshness.recorded(out / job.folder), job).get("status") == "done"


def _executed(job, out: Path) -> Path:
    return out / job.folder / job.place / f"{job.page.stem}.{job.languages[0]}.ipynb"


def refresh(job, executed: Path) -> list[SqlibError]:
    """Bring the workbooks up to date after a job; returns what the consultant should know.

    ``executed``: the executed notebook of the job's first language.
    """
    least = job.parameters.get("min_group", LEAST)
    remarks = []
    if job.audience in FULLEST:
        raised = executed.parent / "tables" / job.page.stem / DEMAND
        remarks = _tried(lambda: _commentary(job, executed)) + _tried(lambda: _needs(job, raised))
        if "appraisals" in job.page.reads:
            remarks += _tried(lambda: phrases(job.who, job.period))
    return remarks + (_tried(lambda: quotations(job.who, job.period, least)) if "feedback" in job.page.reads else [])


def proposed(who: Client, period: periods.Period) -> list[SqlibError]:
    """Propose quotes after a check; returns what the consultant should know."""
    return _tried(lambda: quotations(who, period.text)) if "feedback" in who.tables else []


def _tried(update: Callable[[], list[SqlibError]]) -> list[SqlibError]:
    try:
        return update()
    except SqlibError as error:
        return [error]


def _commentary(job, executed: Path) -> list[SqlibError]:
    found = notebook.harvest(notebook.read(executed))["findings"]
    language = job.who.languages[0]
    title = job.page.title[language]
    place, orphans = commentary.refresh(job.who, job.period, job.page.stem, title, found, language)
    return [SqlibError("commentary.orphan", where=_short(place), got="; ".join(orphans))] if orphans else []


def _needs(job, raised: Path) -> list[SqlibError]:
    """Put the needs of this run into the register."""
    import pandas as pd

    if raised.is_file():
        chosen, language = periods.parse(job.period, job.who.fiscal_year_start), job.who.languages[0]
        labels = Reading(job.who, chosen, None, None, language).theme_names
        needs.refresh(job.who, job.period, pd.read_csv(raised, encoding="utf-8-sig"), labels, language)
    return []


def phrases(who: Client, period: str) -> list[SqlibError]:
    """Bring the register of phrases up to date with the remarks of the period's appraisals."""
    chosen, language = periods.parse(period, who.fiscal_year_start), who.languages[0]
    reading = Reading(who, chosen, None, _until(who), language)
    appraised = reading.read("appraisals", optional=True)
    if appraised is not None:
        said = appraised.drop_duplicates(["appraisal_id", "comment"])["comment"].dropna()
        phrase_levels.refresh(who, said, reading.masked(said), language)
    return []


def quotations(who: Client, period: str, least: int = LEAST) -> list[SqlibError]:
    """Propose the period's quotes in the client's workbook; ``least``: people in a group that may be quoted from."""
    chosen = periods.parse(period, who.fiscal_year_start)
    before = periods.compared(chosen, "none", who.fiscal_year_start)
    place, orphans = quotes.refresh(Reading(who, chosen, before, _until(who), who.languages[0], least))
    return [SqlibError("quotes.orphan", where=_short(place), got="; ".join(orphans))] if orphans else []


def _until(who: Client):
    import pandas as pd

    return pd.Timestamp(who.data_until) if who.data_until else None


def _short(place: Path) -> str:
    return "/".join(place.parts[-2:])
