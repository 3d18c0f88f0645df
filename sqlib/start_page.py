"""The start page, ``notebooks/start_here.ipynb``: choose a client, check its data, run, open the reports.

Whatever takes time is the command shown, run as a process of its own (``attended``); the page only listens.
"""

import asyncio
import functools

from sqlib import catalogue, cli, client, project, start_choices, start_form, start_shown, words
from sqlib.attended import Attended
from sqlib.errors import SqlibError
from sqlib.start_run import Heard
from sqlib.start_shown import say

REPORTS = "reports"
CHECK, RUN, NEW = "check", "run", "new"


def show() -> None:
    """Show the page below the cell; the same page again where the cell is run again."""
    from IPython.display import display

    page = _page()
    page.clients.listed(page.language)
    page.changed()
    display(page.box)


@functools.cache
def _page() -> "StartPage":
    return StartPage(cli.speech())


class StartPage:
    """What is chosen, what runs and what was heard of it; ``box`` is what is seen."""

    def __init__(self, language: str):
        import ipywidgets

        self.language, self.loop = language, _loop()
        self.process, self.doing = None, ""  # what runs: the process, and which of CHECK, RUN, NEW
        self.told, self.heard, self.spoken = {}, Heard(), ()  # of the last check and run; languages of that run
        self.wrong, self.said, self.stopping, self.status = None, "", False, None
        self.jobs, self.folder, self.current, self.made = [], "", "", ""
        self.about = ""  # the folder that what runs is about: another may be chosen meanwhile
        self.switch = ipywidgets.ToggleButtons(
            options=[(words.text("portal", "language_names", code, language=code), code) for code in words.LANGUAGES],
            value=language, style={"button_width": "90px"},
        )  # fmt: skip
        self.clients = start_form.Clients(self.changed)
        self.wanted = start_form.Wanted(self.changed)
        names = ("client", "data", "choices", "command_title", "command", "plan", "run", "going", "results")
        self.parts = {name: ipywidgets.HTML() for name in names}
        icons = {"create": "plus", "check": "search", "run": "play", "stop": "stop"}
        self.buttons = {name: ipywidgets.Button(icon=icon) for name, icon in icons.items()}
        self.bar = ipywidgets.IntProgress(min=0, max=1, layout={"width": "640px", "max_width": "100%"})
        self.box = self._laid_out(ipywidgets)
        self.box.add_class("sq-page")
        self.switch.observe(lambda change: self.worded(change["new"]), "value")
        for name, act in {"create": self.create, "check": self.check, "run": self.run, "stop": self.stop}.items():
            self.buttons[name].add_class(f"sq-{name}")
            self.buttons[name].on_click(lambda _, act=act: act())
        self.buttons["run"].button_style, self.buttons["create"].button_style = "primary", "primary"
        self.worded(language)

    def _laid_out(self, ipywidgets):
        part, button = self.parts, self.buttons
        actions = ipywidgets.HBox([button["run"], button["stop"]])
        self.running = ipywidgets.VBox([part["run"], actions, self.bar, part["going"], part["results"]])
        data = ipywidgets.HBox([button["create"], button["check"]])
        self.choosing = ipywidgets.VBox([part["choices"], self.wanted.box])
        return ipywidgets.VBox([
            ipywidgets.HTML(start_shown.STYLE), self.switch, part["client"], self.clients.box, data,
            part["data"], self.choosing, part["command_title"], part["command"], part["plan"], self.running,
        ])  # fmt: skip

    # ------------------------------------------------------------ what is chosen

    def worded(self, language: str) -> None:
        """Everything in the language."""
        self.language = language
        self.clients.worded(language)
        self.wanted.worded(language)
        for name, button in self.buttons.items():
            button.description = say("button", name, language=language)
        for name in ("client", "choices", "run"):
            self.parts[name].value = start_shown.heading(say("heading", name, language=language))
        self.parts["command_title"].value = start_shown.heading(say("heading", "command", language=language), 3)
        self._offer()
        self.changed()

    def changed(self) -> None:
        """A control was changed: what it asks for, and whether that can be done."""
        self.clients.fitted()
        self.wanted.fitted()
        self.wrong, self.jobs, self.folder = None, [], ""
        try:
            self.folder = self.clients.chosen
        except SqlibError as error:
            self.wrong = error
        if self.folder != self.current:
            self.current, self.told = self.folder, {}
            self._offer()
        if self.folder:
            self.wrong, self.jobs = start_form.problem(self.choices)
        self.seen()

    @property
    def choices(self) -> start_choices.Choices:
        return self.wanted.choices(self.folder)

    def _offer(self) -> None:
        """The client's own period, for a start; a check adds what the data hold."""
        try:
            default = client.load(project.client_folder(self.folder)).period.default if self.folder else ""
        except SqlibError:  # told below the choices
            default = ""
        self.wanted.offered(self.told.get("quarters", []), default or "", self.language)

    # ------------------------------------------------------------ what runs

    def create(self) -> None:
        """Make the new client."""
        try:
            self.clients.saved()
            asked = self.clients.asked()
        except SqlibError as error:
            self.doing, self.about, self.said = NEW, "", error
            self.seen()
            return
        self.begin(NEW, asked, start_choices.named(self.clients.target))

    def check(self) -> None:
        self.told = {}
        self.begin(CHECK, [*start_choices.check(self.folder, self.choices.period), "--log-json"], self.folder)

    def run(self) -> None:
        self.heard = Heard()
        self.spoken = tuple(dict.fromkeys(code for job in self.jobs for code in job.languages))
        self.begin(RUN, [*start_choices.run(self.choices), "--log-json"], self.folder)

    def stop(self) -> None:
        """End what runs as Ctrl-C does."""
        if self.process and not self.stopping:
            self.stopping = True
            self.process.stop()
            self.seen()

    def begin(self, doing: str, asked: list[str], about: str) -> None:
        """Start a command, unless one runs already."""
        if self.process:
            return
        self.doing, self.about, self.said, self.stopping, self.status = doing, about, "", False, None
        self.process = Attended(asked, self.language, self._later(self.hear), self._later(self.end))
        self.seen()

    def hear(self, event: dict) -> None:
        """One line of what runs."""
        if event["event"] == "checked":
            self.told = event if self.about == self.folder else {}
            self._offer()
        else:
            self.heard.hear(event)
        self.seen()

    def end(self, status: int, text: str) -> None:
        """What ran is over; ``text`` is what it said of an error."""
        self.process, self.status, self.said = None, status, text
        if self.doing == NEW and not status:
            self.made = self.about
            self.clients.listed(self.language, self.made)
        self.changed()

    def _later(self, act):
        """The same, called from another thread: the page is changed where the kernel's own messages are handled."""
        return lambda *values: self.loop.call_soon_threadsafe(act, *values) if self.loop else act(*values)

    # ------------------------------------------------------------ what is seen

    def seen(self) -> None:
        """Everything that follows from what is chosen, runs and was heard."""
        busy, making, told = self.process is not None, self.clients.making, self.heard.planned or self.heard.ended
        for name, usable in {
            "create": making and not busy, "check": bool(self.folder) and not busy,
            "run": bool(self.jobs) and not busy, "stop": busy and not self.stopping,
        }.items():  # fmt: skip
            self.buttons[name].disabled = not usable
        self.buttons["create"].layout.display = "" if making else "none"
        self.buttons["check"].layout.display = "none" if making else ""
        self.choosing.layout.display = "none" if making else ""
        self.running.layout.display = "none" if making and not busy else ""
        self.bar.layout.display = "" if self.doing == RUN else "none"
        self.bar.max = max(self.heard.total, 1)
        self.bar.value = self.bar.max if self.heard.summary else self.heard.made  # all up to date: nothing was to make
        self.bar.bar_style = "danger" if self.heard.count("failed") else "" if busy else "success" if told else ""
        self.parts["data"].value = self._data()
        self.parts["command"].value = command = self._command()
        self.parts["command_title"].layout.display = "" if command else "none"
        self.parts["plan"].value = self._plan()
        self.parts["going"].value = self._going()
        self.parts["results"].value = self._results()

    def _data(self) -> str:
        if self.process and self.doing in (CHECK, NEW):
            return start_shown.paragraph(self.say("said", "checking" if self.doing == CHECK else "creating"))
        parts = [start_shown.checked(self.told, self.titles, self.language)] if self.told else []
        if self.doing in (CHECK, NEW) and self.about == self.folder:
            parts.append(self._complaint())
        return "".join(parts)

    def _complaint(self) -> str:
        """What the last command said of an error, or of what it made."""
        if isinstance(self.said, SqlibError):
            return start_shown.fault(self.said.text(self.language))
        if self.status and self.said:
            return start_shown.fault(self.said)
        return self._created() if self.doing == NEW and self.status == 0 else start_shown.paragraph(self.said)

    def _created(self) -> str:
        """The new client: where to go on, and what was found in its files."""
        mapping = project.root() / self.made / client.WORKBOOK
        link = start_shown.link(mapping, self.say("link", "mapping")) if mapping.is_file() else ""
        head = start_shown.paragraph(self.say("said", "created", folder=self.made))
        return f"{head}<p>{link}</p>{start_shown.quoted(self.said)}"

    def _command(self) -> str:
        try:
            asked = self.clients.asked() if self.clients.making else start_choices.run(self.choices)
        except SqlibError:  # a new client without a name
            asked = []
        shown = asked if self.folder or self.clients.making else []
        return start_shown.command(start_choices.command(shown)) if shown else ""

    def _plan(self) -> str:
        if self.wrong:
            return start_shown.fault(self.wrong.text(self.language))
        if not self.jobs:
            return "" if self.clients.making else start_shown.paragraph(self.say("said", "choose"))
        blocked = sum(job.blocked is not None for job in self.jobs)
        values = {"client": self.jobs[0].client_name, "count": len(self.jobs) - blocked, "blocked": blocked}
        return start_shown.paragraph(self.say("said", "plan_blocked" if blocked else "plan", **values))

    def _going(self) -> str:
        if self.doing != RUN:
            return ""
        if self.process and self.stopping:
            return start_shown.paragraph(self.say("said", "stopping"))
        if self.process:
            return start_shown.going(self.heard, self.titles, self.language) + start_shown.counts(
                self.heard, self.language
            )
        return self._over()

    def _over(self) -> str:
        """How the run ended."""
        if self.heard.summary:
            return start_shown.counts(self.heard, self.language)
        if self.heard.stopped:
            left = {name: self.heard.stopped[name] for name in ("done", "left")}
            return start_shown.paragraph(self.say("said", "stopped", **left))
        if self.stopping:
            return start_shown.paragraph(self.say("said", "halted"))
        return start_shown.paragraph(self.say("said", "broken", status=str(self.status))) + self._complaint()

    def _results(self) -> str:
        if self.process or self.doing != RUN:
            return ""
        faults = start_shown.faults(self.heard, self.titles, self.language)
        out = project.root() / REPORTS
        return faults + start_shown.results(self.heard, out, self.titles, self.spoken, self.language)

    @property
    def titles(self) -> dict[str, str]:
        return {stem: entry.title[self.language] for stem, entry in catalogue.entries().items()}

    def say(self, *path: str, **values) -> str:
        return say(*path, language=self.language, **values)


def _loop() -> asyncio.AbstractEventLoop | None:
    """The loop of the kernel; none where the page is made outside one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
