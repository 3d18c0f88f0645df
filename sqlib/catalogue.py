"""The pages there are: ``notebooks/catalogue.toml``."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from sqlib import project
from sqlib.errors import ArgumentError


@dataclass(frozen=True)
class Entry:
    """One page: its notebook, titles and question in both languages, and what it reads and hands over."""

    stem: str
    notebook: Path
    title: dict[str, str]
    question: dict[str, str]
    reads: tuple[str, ...]
    uses: tuple[str, ...]
    hands_over: tuple[str, ...]
    after: tuple[str, ...]
    listed: bool
    audiences: tuple[str, ...] = ()  # those it may be made for; empty: all

    def serves(self, audience: str) -> bool:
        return not self.audiences or audience in self.audiences

    def check(self, audience: str) -> None:
        """Refuse an audience the page is not for: ``catalogue.not_for_audience``."""
        if not self.serves(audience):
            raise ArgumentError(
                "catalogue.not_for_audience", page=self.stem, got=audience, known=", ".join(self.audiences)
            )


def entries(root: Path | None = None) -> dict[str, Entry]:
    """All pages in their order, by stem."""
    root = root or project.root()
    declared = tomllib.loads((root / project.MARK).read_text(encoding="utf-8"))
    return {stem: _entry(stem, block, root / "notebooks") for stem, block in declared.items()}


def pick(only: list[str] | None = None, root: Path | None = None, audience: str = "") -> list[Entry]:
    """The pages asked for, or all that are listed and may be made for the audience.

    Raises
    ------
    ArgumentError : ``catalogue.unknown_page`` with the pages there are, ``catalogue.not_for_audience``
    """
    known = entries(root)
    for stem in only or ():
        if stem not in known:
            raise ArgumentError("catalogue.unknown_page", got=stem, known=", ".join(known))
    if not only:
        return [page for page in known.values() if page.listed and (not audience or page.serves(audience))]
    for page in (known[stem] for stem in only if audience):
        page.check(audience)
    return [known[stem] for stem in only]


def _entry(stem: str, block: dict, folder: Path) -> Entry:
    lists = {name: tuple(block[name]) for name in ("reads", "uses", "hands_over", "after")}
    return Entry(stem, folder / f"{stem}.ipynb", block["title"], block["question"], listed=block["listed"],
                 audiences=tuple(block.get("audiences", ())), **lists)  # fmt: skip
