"""The command line: ``sqlib …`` and ``python -m sqlib …``.

Exit status: 0 every report made; 1 some page could not be made, or no page can; 2 an argument, client.toml or path.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from sqlib.errors import SqlibError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
    help="Service Quality Workbench: from a client's raw exports to reports worth signing.\n\n"
    "First time: `sqlib demo`. New client: `sqlib new client data/clients/NAME --from exports/*`, look over "
    "mapping.xlsx, `sqlib check data/clients/NAME`, `sqlib run data/clients/NAME`.",
)
new = typer.Typer(no_args_is_help=True, help="Start a client folder or a page.")
app.add_typer(new, name="new")

DEMO = ("data/demo/jiahe",)


def main() -> None:
    """Entry point: an error a consultant can act on is printed in words, never as a traceback."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a console that lacks a character shows ? and goes on
    try:
        app(_joined(sys.argv[1:]), prog_name="sqlib")
    except SqlibError as error:
        typer.echo(error.text(speech()), err=True)
        raise SystemExit(error.exit_status) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def speech() -> str:
    """Language of messages: ``SQLIB_LANGUAGE``, else the system's; English where we do not speak it."""
    names = (os.environ.get(name) for name in ("SQLIB_LANGUAGE", "LC_ALL", "LANG"))
    return "zh" if next(filter(None, names), "").lower().startswith("zh") else "en"


def _joined(arguments: list[str]) -> list[str]:
    """``-p NAME VALUE`` as one word, which is all typer reads in a repeated option; ``-p NAME=VALUE`` is one. What
    follows ``--from`` up to the next option are files, as a shell writes them out. What follows ``--`` is not ours."""
    if "--" in arguments:
        end = arguments.index("--")
        return [*_joined(arguments[:end]), *arguments[end:]]
    joined, rest = [], iter(_repeated(arguments))
    for word in rest:
        joined.append(word)
        if word == "-p":
            name = next(rest, "")
            joined.append(name if "=" in name else f"{name}={next(rest, '')}")
    return joined


def _repeated(arguments: list[str]) -> list[str]:
    """``--from a b`` becomes ``--from a --from b``."""
    words, open_list = [], False
    for word in arguments:
        if word.startswith("-"):
            open_list = word == "--from"
        elif open_list and words[-1] != "--from":
            words.append("--from")
        words.append(word)
    return words


@new.command("client")
def new_client(
    folder: Annotated[Path, typer.Argument(help="Folder to make, e.g. data/clients/acme. Its name is the client id.")],
    files: Annotated[
        list[str] | None, typer.Option("--from", metavar="FILE…", help="Exports, folders or patterns to begin with.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="zh or en; default: as the files are written.")] = None,
    profile: Annotated[str, typer.Option(help="Profile of the trade: general or accounting.")] = "general",
) -> None:
    """Make a client folder: with --from, the files are copied and mapping.xlsx is guessed; without, blank templates.

    Examples: sqlib new client data/clients/acme --from exports/*.xlsx list.csv ·
    sqlib new client data/clients/acme --from exports --language zh --profile accounting ·
    sqlib new client data/clients/acme
    """
    from sqlib import scaffold

    if files:
        return _start(folder, files, language, profile)
    for path in scaffold.client_folder(folder, speech()):
        typer.echo(path)


def _start(folder: Path, files: list[str], language: str | None, profile: str) -> None:
    import time
    from datetime import date

    from sqlib import starting

    begun = time.monotonic()
    started = starting.start(folder, files, date.today(), language, profile)
    for line in starting.told(started, time.monotonic() - begun, speech()):
        typer.echo(line)


@new.command("notebook")
def new_notebook(stem: Annotated[str, typer.Argument(help="Name of the page, e.g. closed_loop.")]) -> None:
    """Make a page from notebooks/template.ipynb, with its words file and its block in the catalogue.

    Example: sqlib new notebook closed_loop
    """
    from sqlib import scaffold

    for path in scaffold.page(stem):
        typer.echo(path)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Client folder with client.toml.")],
    out: Annotated[Path | None, typer.Option(help="Workbook to write; default: problems.xlsx in the folder.")] = None,
    period: Annotated[str | None, typer.Option(help="Period whose rows are counted; default: the client's.")] = None,
    language: Annotated[str | None, typer.Option(help="zh or en; default: the client's first.")] = None,
    log_json: Annotated[bool, typer.Option("--log-json", help="One JSON object, for machines.")] = False,
) -> None:
    """Read and check a client's data: every problem, where every row went, which pages can run.

    Example: sqlib check data/demo/jiahe
    """
    from sqlib import checking

    raise typer.Exit(checking.check(folder, out, period, language, machine=log_json))


@app.command()
def coding(
    folder: Annotated[Path, typer.Argument(help="Client folder with client.toml.")],
    period: Annotated[str | None, typer.Option(help="Period whose comments are drawn; default: the client's.")] = None,
    size: Annotated[int, typer.Option(min=50, help="Comments to draw, about.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw.")] = 0,
    language: Annotated[str | None, typer.Option(help="zh or en; default: the client's first.")] = None,
) -> None:
    """Draw a sample of comments to be coded by hand: how well the code book codes can then be told.

    Example: sqlib coding data/demo/jiahe --period 2026Q3
    """
    from sqlib import coding, words

    path = coding.write(folder, period, size=size, seed=seed, language=language or "")
    typer.echo(words.text("cli", "coding", "written", language=speech(), path=path))


@app.command()
def run(
    folders: Annotated[list[Path] | None, typer.Argument(help="One or more client folders.")] = None,
    jobs_file: Annotated[
        Path | None, typer.Option("--jobs-file", help="YAML list of {notebook, parameters, to}, in place of folders.")
    ] = None,
    period: Annotated[str | None, typer.Option(help="2026, 2026H1, 2026Q3, 2026-07 or 2026-07-01..2026-09-30.")] = None,
    compare: Annotated[str | None, typer.Option(help="previous, same-last-year, none or a period.")] = None,
    only: Annotated[str | None, typer.Option(help="Pages to run, e.g. feedback_analysis,closed_loop.")] = None,
    language: Annotated[str | None, typer.Option(help="zh, en or zh,en; default: the client's.")] = None,
    to: Annotated[str, typer.Option(help="Formats: html,pdf,docx,xlsx,pptx,png.")] = "html",
    audience: Annotated[str, typer.Option(help="management, team, client or internal.")] = "management",
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME VALUE", help="A page's own parameter.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Reports folder.")] = Path("reports"),
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes; default: cores.")] = os.cpu_count() or 1,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Cluster in place of this machine: tcp://host:8786, tls://host:8786.")
    ] = "",
    timeout: Annotated[int, typer.Option(min=1, help="Seconds one report may take.")] = 3600,
    cell_timeout: Annotated[int, typer.Option(min=1, help="Seconds one cell may take.")] = 900,
    force: Annotated[bool, typer.Option("--force", help="Also what is up to date.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say of every report why it is made.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan only; nothing is run.")] = False,
    lay_out: Annotated[
        Path | None, typer.Option("--lay-out", help="Folder for an orchestrator to run the pages in; nothing is run.")
    ] = None,
    log_json: Annotated[bool, typer.Option("--log-json", help="One JSON object a line, for machines.")] = False,
) -> None:
    """Make the reports; what is up to date is left alone, and one that fails costs no other.

    Examples: sqlib run data/demo/jiahe · sqlib run data/clients/* --period 2026Q3 --language zh,en --to html,pdf,docx ·
    sqlib run data/clients/* --explain --dry-run · sqlib run data/demo/jiahe --only feedback_analysis -p min_group 8 ·
    sqlib run --jobs-file jobs.yaml --jobs 4 · sqlib run data/clients/* --scheduler tcp://10.0.0.5:8786
    """
    from sqlib import execution
    from sqlib import jobs as planning
    from sqlib import jobs_file as listed
    from sqlib.errors import ArgumentError

    if bool(folders) == bool(jobs_file):
        raise ArgumentError("batch.folders_or_file", got=f"{len(folders or ())}, {jobs_file or '–'}")
    if scheduler:
        from sqlib import cluster

        cluster.check(scheduler)
    if lay_out and scheduler:
        raise ArgumentError("orchestrated.no_scheduler", got=f"{lay_out}, {scheduler}")
    if lay_out := None if dry_run else lay_out:
        from sqlib import orchestrated

        orchestrated.forget(lay_out, jobs_file)
    if jobs_file:
        asked = listed.plan(jobs_file)
    else:
        values = {name: value for name, _, value in (pair.partition("=") for pair in parameter or ())}
        asked = planning.plan(
            folders, period=period, compare_to=compare, only=_list(only), languages=_list(language), audience=audience,
            parameters=values, formats=_list(to) or (),
        )  # fmt: skip
    if lay_out:
        raise typer.Exit(_lay_out(asked, out, lay_out.resolve(), force, explain=explain, machine=log_json))
    limits = execution.Limits(cell_timeout, timeout)
    options = {"workers": jobs, "limits": limits, "force": force, "scheduler": scheduler}
    raise typer.Exit(_run(asked, out, options, explain=explain, machine=log_json, dry=dry_run))


def _run(asked: list, out: Path, options: dict, *, explain=False, machine=False, dry=False) -> int:
    """Run and tell: the plan, one line a job, a sum at the end; 0 when every report was made."""
    from sqlib import batch, freshness, progress, queries

    language = speech()
    if not dry and not options.get("work"):
        for line in _taken_over(asked, language):
            typer.echo(line, err=machine)
    with progress.shown(language, machine=machine, explain=explain or dry) as tell:
        if dry:
            queries.anew()
            tell.planned(freshness.sort(asked, out, force=options["force"]))
            return 0
        outcomes = batch.run(asked, out, tell, language=language, **options)
        tell.summed(outcomes, Path(out) / "index.html")
    return batch.status(outcomes)


def _lay_out(asked: list, out: Path, work: Path, force: bool, *, explain: bool, machine: bool) -> int:
    """Plan, tell the plan, read every table once for all pages, lay the runs out; the list of them is said last."""
    from sqlib import batch, freshness, orchestrated, progress, queries

    queries.anew()
    for line in _taken_over(asked, speech()):
        typer.echo(line, err=machine)
    with progress.shown(speech(), machine=machine, explain=explain) as tell:
        tell.planned(planned := freshness.sort(asked, out, force=force))
    for who, names in batch.needed([each.job for each in planned if each.state == freshness.RUNS]).values():
        batch.prepared(who, names)  # what cannot be read is told when the reports are made
    typer.echo(orchestrated.lay_out(planned, work), err=machine)
    return 0


@app.command()
def collect(
    work: Annotated[Path, typer.Argument(help="Folder of sqlib run --lay-out, in which papermill ran the pages.")],
    out: Annotated[Path, typer.Option(help="Reports folder.")] = Path("reports"),
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes; default: cores.")] = os.cpu_count() or 1,
    force: Annotated[bool, typer.Option("--force", help="Also what is up to date.")] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="One JSON object a line, for machines.")] = False,
) -> None:
    """Make the reports of pages that an orchestrator has run; no page is run again.

    Example: sqlib run data/clients/* --lay-out work · papermill … · sqlib collect work
    """
    from sqlib import jobs_file, orchestrated

    asked = jobs_file.plan(work / orchestrated.JOBS)
    options = {"workers": jobs, "force": force, "work": work.resolve()}
    raise typer.Exit(_run(asked, out, options, machine=log_json))


def _taken_over(asked: list, language: str) -> list[str]:
    """What was decided in the workbooks of ``sqlib check``; pandas is loaded only where there is one."""
    from sqlib import client

    if not any((job.who.folder / client.DECISIONS).is_file() for job in asked if hasattr(job, "who")):
        return []
    from sqlib import checking

    return checking.taken_over(asked, language)


def _list(text: str | None) -> list[str] | None:
    return [part.strip() for part in text.split(",") if part.strip()] if text else None


Reports = Annotated[Path, typer.Option(help="Reports folder of sqlib run.")]
OnePeriod = Annotated[str | None, typer.Option(help="Period; default: the client's.")]


@app.command()
def final(
    folder: Annotated[Path, typer.Argument(help="Client folder with client.toml.")],
    period: OnePeriod = None,
    reports: Reports = Path("reports"),
) -> None:
    """Freeze the reports of the last run as the next final: V1.0, V1.1, … A final is never overwritten.

    It is a step of its own, not an option of run: a report is read before it is signed.

    Example: sqlib final data/demo/jiahe --period 2026Q3
    """
    from sqlib import brand, hold, portfolio, versions, words

    who, place = versions.place(folder, period, reports)
    with hold.held(reports):
        version, new = versions.freeze(place, brand.load(who.folder))
        portfolio.portal(reports, language=speech())
    frozen = place / versions.FINAL / version
    typer.echo(words.text("versions", "said", "frozen" if new else "unchanged", language=speech(), version=version,
                          path=frozen))  # fmt: skip


@app.command()
def diff(
    folder: Annotated[Path, typer.Argument(help="Client folder with client.toml.")],
    period: OnePeriod = None,
    before: Annotated[str | None, typer.Option("--from", help="V1.0, …; default: the final before --to.")] = None,
    after: Annotated[str, typer.Option("--to", help="draft (what lies there now) or V1.1, …")] = "draft",
    out: Annotated[Path | None, typer.Option(help="Workbook (.xlsx) with every row.")] = None,
    language: Annotated[str | None, typer.Option(help="zh or en; default: the client's first.")] = None,
    reports: Reports = Path("reports"),
) -> None:
    """Tell what moved between two versions (rows, numbers, verdicts) and why.

    Causes: source files, mapping, corrections, commentary, parameters, page, package, libraries.

    Exit status 0 with and without differences; 2 for a wrong argument.

    Examples: sqlib diff data/demo/jiahe · sqlib diff data/demo/jiahe --from V1.0 --to V1.1 --out difference.xlsx
    """
    from sqlib import comparing

    comparing.compare(folder, period, before, after, out, language, reports)


@app.command()
def deliver(
    folder: Annotated[Path, typer.Argument(help="Client folder with client.toml.")],
    audience: Annotated[str, typer.Option(help="management, team, client or internal.")],
    period: OnePeriod = None,
    out: Annotated[Path | None, typer.Option(help="Archive (.zip); default: deliveries/ beside the reports.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="What lies there, not the latest final.")] = False,
    team: Annotated[str, typer.Option(help="Whose report, where the audience is team.")] = "",
    reports: Reports = Path("reports"),
) -> None:
    """Write one archive with one audience's reports and tables, searched before it leaves.

    It stops, and writes nothing, on a name, mobile number, identity card, credit code, e-mail, WeChat id, raw id,
    raw comment, hidden sheet, row, column or text, note, document property, HTML comment or path. Ids without a letter
    and a digit, or under 5 characters, are looked for in columns of ids only; comments from 12 characters on.

    Switched off for --audience internal: names, raw ids and raw comments, which its lists hold by intent; for the
    other audiences nothing.

    Examples: sqlib deliver data/demo/jiahe --audience management ·
    sqlib deliver data/demo/jiahe --audience client --draft --out for_review.zip
    """
    from sqlib import delivery, words

    path, unsearchable = delivery.deliver(
        folder, period, audience, out, draft, reports, tell=lambda hits: delivery.show(hits, speech()), team=team
    )
    typer.echo(words.text("delivery", "said", "done", language=speech(), path=path))
    if unsearchable:
        typer.echo(words.text("delivery", "said", "unsearchable", language=speech(), count=unsearchable))


@app.command("list")
def list_pages() -> None:
    """List the pages: what each answers and which tables it reads (in brackets: can do without).

    Example: sqlib list
    """
    from sqlib import catalogue

    for entry in catalogue.pick():
        tables = ", ".join((*entry.reads, *(f"({name})" for name in entry.uses)))
        typer.echo(
            f"{entry.stem}\n  {entry.title['zh']} · {entry.title['en']}\n  {entry.question[speech()]}\n  {tables}"
        )


@app.command()
def demo(out: Annotated[Path, typer.Option(help="Reports folder.")] = Path("reports")) -> None:
    """Make the demo reports in both languages and say where the index lies.

    Example: sqlib demo
    """
    from sqlib import jobs

    asked = jobs.plan(DEMO, languages=["zh", "en"])
    raise typer.Exit(_run(asked, out, {"workers": os.cpu_count() or 1, "force": False}))


@app.command()
def portal(out: Annotated[Path, typer.Option(help="Reports folder.")] = Path("reports")) -> None:
    """Build reports/index.html again from what lies in the reports folder.

    Example: sqlib portal --out reports
    """
    from sqlib import portfolio

    typer.echo(portfolio.portal(out, language=speech()))


@app.command()
def warm(
    command: Annotated[list[str] | None, typer.Argument(help="Program and its arguments, after --.")] = None,
    stop: Annotated[bool, typer.Option("--stop", help="End the waiting process.")] = False,
) -> None:
    """Run a command with warm kernels (Linux); without one, start the process behind them and say how it stands.

    Examples: sqlib warm -- papermill a.ipynb b.ipynb · sqlib warm -- jupyter lab · sqlib warm --stop
    """
    from sqlib import warm as kernels

    if command:
        raise typer.Exit(kernels.run(command))
    typer.echo(kernels.told(speech(), stop))
