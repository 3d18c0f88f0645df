"""Errors a consultant can act on: what, where, got, remedy.

SqlibError            exit status 1: this page, table or method cannot be made
├── ArgumentError     exit status 2: an argument, a path or client.toml is wrong
│   └── ClientError   exit status 2: client.toml or a source file it names
├── DataProblems      exit status 1: a table has no usable row
└── MethodRefused     exit status 1: a method will not answer on these data

The wording lives in ``words/errors/<module>.toml`` in both languages; code here raises a dotted code
``<module>.<name>`` and the values that fill the placeholders.
"""

import functools
import os
import tomllib
from pathlib import Path

PARTS = ("what", "where", "got", "remedy")
_FOLDER = Path(__file__).parent / "words" / "errors"


@functools.cache
def catalogue(module: str) -> dict:
    """Wording of every error one module can raise: ``{name: {language: {part: template}}}``."""
    return tomllib.loads((_FOLDER / f"{module}.toml").read_text(encoding="utf-8"))


class SqlibError(Exception):
    """Base of all errors shown to a consultant.

    Parameters
    ----------
    code : ``<module>.<name>``, an entry of ``words/errors/<module>.toml``
    values : fill the placeholders of that entry; one that reads differently in each language is a dict {language: text}
    """

    exit_status = 1

    def __init__(self, code: str, **values):
        super().__init__(code)
        self.code = code
        self.values = values

    def parts(self, language: str = "en") -> dict[str, str]:
        """The four parts in one language, placeholders filled; a part the entry leaves out is absent."""
        module, name = self.code.split(".", 1)
        wording = catalogue(module)[name][language]
        values = {name: value[language] if isinstance(value, dict) else value for name, value in self.values.items()}
        return {part: wording[part].format_map(values) for part in PARTS if part in wording}

    def text(self, language: str = "en") -> str:
        """One line per part: what; where; got; remedy."""
        parts = self.parts(language)
        head = parts.pop("what")
        return "\n".join([head, *(f"  {_LABELS[language][part]}{text}" for part, text in parts.items())])

    def __str__(self) -> str:
        return self.text(os.environ.get("SQLIB_LANGUAGE", "en"))

    def __reduce__(self):
        return _rebuild, (type(self), self.code, self.values)


def _rebuild(kind, code, values):
    return kind(code, **values)


class ArgumentError(SqlibError):
    """A wrong argument, parameter or path."""

    exit_status = 2


class ClientError(ArgumentError):
    """client.toml, or a source file it names, cannot be used."""


class DataProblems(SqlibError):
    """A table has no row a page could use."""


class MethodRefused(SqlibError):
    """A method refuses, with a reason and a remedy, rather than answer badly."""


_LABELS = catalogue("errors")["labels"]
