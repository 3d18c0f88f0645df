"""The controls of the start page: a client or a new one, and what to run; their labels in either language."""

from pathlib import Path

from sqlib import arguments, catalogue, client, formats, project, scaffold, start_choices, start_shown, words
from sqlib.errors import ArgumentError, SqlibError
from sqlib.start_choices import Choices
from sqlib.start_shown import say

OTHER, NEW = ":other", ":new"  # no folder can be called so on every system
LABEL = {"description_width": "7em"}
WIDE = {"width": "640px", "max_width": "100%"}
HALF = {"width": "460px", "max_width": "100%"}


class Controls:
    """Controls with labels that change their language; ``changed`` is called when a person changes one."""

    def __init__(self, changed):
        self.changed, self.still = changed, False
        self.labels = {}  # control -> place of its label in the words
        self.hints = {}

    def watch(self, *controls) -> None:
        for control in controls:
            control.observe(self._moved, "value")

    def _moved(self, _) -> None:
        if not self.still:
            self.changed()

    def titled(self, control, titles: dict[str, str], chosen: str = "") -> None:
        """Choices of a control under new titles; what was chosen stays chosen, and nobody is told."""
        kept, self.still = chosen or control.value, True
        control.options = [(title, name) for name, title in titles.items()]
        control.value = kept if kept in titles else next(iter(titles))
        self.still = False

    def labelled(self, control, name: str, layout: dict | None = None):
        """The control with its label, and its hint where the words have one."""
        self.labels[control] = ("label", name)
        if name in words.catalogue("start_page")["hint"]:
            self.hints[control] = ("hint", name)
        control.style.description_width = LABEL["description_width"]
        for key, value in (layout or {}).items():
            setattr(control.layout, key, value)
        return control

    def worded(self, language: str) -> None:
        for control, path in self.labels.items():
            control.description = say(*path, language=language)
        for control, path in self.hints.items():
            control.placeholder = say(*path, language=language)


class Clients(Controls):
    """Which client: one of the project, a folder typed, or a new one."""

    def __init__(self, changed):
        import ipywidgets

        super().__init__(changed)
        self.client = self.labelled(ipywidgets.Dropdown(), "client", WIDE)
        self.folder = self.labelled(ipywidgets.Text(continuous_update=False), "folder", WIDE)
        self.name = self.labelled(ipywidgets.Text(continuous_update=False), "name", WIDE)
        self.sources = self.labelled(ipywidgets.Textarea(rows=3, continuous_update=False), "sources", WIDE)
        self.upload = self.labelled(ipywidgets.FileUpload(multiple=True), "upload", {"width": "260px"})
        self.limit = ipywidgets.HTML()
        self.profile = self.labelled(ipywidgets.Dropdown(options=scaffold.profiles(), value="general"), "profile", HALF)
        self.language = self.labelled(ipywidgets.Dropdown(), "files_language", HALF)
        self.new = ipywidgets.VBox([self.name, self.sources, self.upload, self.limit, self.profile, self.language])
        self.box = ipywidgets.VBox([self.client, self.folder, self.new])
        self.watch(self.client, self.folder, self.name, self.sources, self.upload, self.profile, self.language)

    def worded(self, language: str) -> None:
        super().worded(language)
        names = {code: words.text("portal", "language_names", code, language=language) for code in words.LANGUAGES}
        self.titled(self.language, {"": say("choice", "as_files", language=language)} | names)
        self.limit.value = start_shown.paragraph(say("said", "upload", language=language))
        self.listed(language)

    def listed(self, language: str, chosen: str = "") -> None:
        """The clients there are now, ``chosen`` among them."""
        own = {OTHER: say("choice", "other", language=language), NEW: say("choice", "new", language=language)}
        self.titled(self.client, {folder: folder for folder in start_choices.clients()} | own, chosen)

    def fitted(self) -> None:
        """Only the fields that the choice asks for."""
        self.folder.layout.display = "" if self.client.value == OTHER else "none"
        self.new.layout.display = "" if self.client.value == NEW else "none"

    @property
    def making(self) -> bool:
        return self.client.value == NEW

    @property
    def chosen(self) -> str:
        """The client's folder as a command names it; empty where none is chosen.

        Raises
        ------
        ArgumentError : ``project.client_missing``
        """
        if self.client.value != OTHER:
            return "" if self.making else self.client.value
        typed = self.folder.value.strip()
        return start_choices.named(project.client_folder(typed)) if typed else ""

    @property
    def target(self) -> Path:
        """Folder of the new client. Raises ``client.bad_id``."""
        return project.root() / start_choices.PLACES[0] / client.check_id(self.name.value.strip())

    def asked(self) -> list[str]:
        """Arguments of ``sqlib new client``; files chosen in the browser lie in its ``raw/`` by then."""
        folder = start_choices.named(self.target)
        typed = [line.strip() for line in self.sources.value.splitlines() if line.strip()]
        files = [*typed, *([f"{folder}/raw"] if self.upload.value else [])]
        return start_choices.new(folder, files, self.language.value, self.profile.value)

    def saved(self) -> None:
        """Put the files chosen in the browser into ``raw/``; one that is there with other contents is not replaced.

        Raises
        ------
        ArgumentError : ``start_form.same_name``, ``scaffold.unwritable``, ``scaffold.exists``
        """
        folder = self.target
        if (folder / client.FILE).exists():
            raise ArgumentError("scaffold.exists", where=folder / client.FILE)
        for file in self.upload.value:
            path = folder / "raw" / client.check_id(file["name"])
            data = bytes(file["content"])
            if path.exists() and path.read_bytes() != data:
                raise ArgumentError("start_form.same_name", where=path, got=path.name)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            except OSError as error:
                raise ArgumentError("scaffold.unwritable", where=folder, got=error.strerror) from None


class Wanted(Controls):
    """What to run of a client: period, pages, languages, audience, formats."""

    def __init__(self, changed):
        import ipywidgets

        super().__init__(changed)
        self.period = self.labelled(ipywidgets.Combobox(continuous_update=False), "period", WIDE)
        self.audience = self.labelled(ipywidgets.Dropdown(), "audience", HALF)
        self.team = self.labelled(ipywidgets.Text(continuous_update=False), "team", HALF)
        self.force = self.labelled(ipywidgets.Checkbox(indent=False), "force", {"width": "auto"})
        self.pages = {page.stem: _box() for page in catalogue.pick()}
        self.languages = {code: _box() for code in words.LANGUAGES}
        self.formats = {kind: _box(kind.upper(), value=kind in start_choices.FORMATS) for kind in formats.KINDS}
        for kind in start_choices.FORMATS:
            self.formats[kind].disabled = True  # the others are made from it
        self.groups = {name: ipywidgets.HTML() for name in ("pages", "languages", "formats")}
        rows = [(self.groups[name], _row(getattr(self, name).values())) for name in self.groups]
        self.box = ipywidgets.VBox(
            [self.period, *(part for row in rows for part in row), self.audience, self.team, self.force]
        )
        self.watch(self.period, self.audience, self.team, self.force)
        self.watch(*self.pages.values(), *self.languages.values(), *self.formats.values())

    def worded(self, language: str) -> None:
        super().worded(language)
        for page in catalogue.pick():
            self.pages[page.stem].description = page.title[language]
        for code, box in self.languages.items():
            box.description = words.text("portal", "language_names", code, language=language)
        for name, part in self.groups.items():
            part.value = f"<h3>{say('heading', name, language=language)}</h3>"
        titles = {name: words.text("common", "audience", name, language=language) for name in arguments.AUDIENCES}
        self.titled(self.audience, titles)

    def fitted(self) -> None:
        self.team.layout.display = "" if self.audience.value == start_choices.TEAM else "none"

    def offered(self, quarters: list[str], default: str, language: str) -> None:
        """Periods to choose from, the client's own first: it is what an empty field means."""
        hint = ("said", "default_period") if default else ("hint", "period")
        self.period.placeholder = say(*hint, language=language, period=default)
        self.period.options = tuple(dict.fromkeys([*([default] if default else []), *quarters]))

    def choices(self, folder: str) -> Choices:
        return Choices(
            folder, self.period.value.strip(), _ticked(self.pages), _ticked(self.languages), self.audience.value,
            self.team.value.strip(), _ticked(self.formats), self.force.value,
        )  # fmt: skip


def problem(choices: Choices) -> tuple[SqlibError | None, list]:
    """What is wrong with the choices, and the jobs they ask for: what ``sqlib run`` would say before it runs."""
    from sqlib import jobs

    try:
        asked = jobs.plan(
            [choices.folder], period=choices.period or None, only=list(choices.pages) or None,
            languages=list(choices.languages) or None, audience=choices.audience, formats=choices.formats,
            parameters={start_choices.TEAM: choices.team} if choices.audience == start_choices.TEAM else {},
        )  # fmt: skip
    except SqlibError as error:
        return error, []
    return None, asked


def _box(text: str = "", value: bool = False):
    import ipywidgets

    return ipywidgets.Checkbox(value, description=text, indent=False, layout={"width": "auto", "margin": "0 24px 0 0"})


def _row(boxes):
    import ipywidgets

    return ipywidgets.HBox(list(boxes), layout={"flex_flow": "row wrap"})


def _ticked(boxes: dict) -> tuple[str, ...]:
    return tuple(name for name, box in boxes.items() if box.value)
