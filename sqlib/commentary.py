"""The consultant's words on a page and its findings: ``<client>/commentary/<period>/<stem>.xlsx``.

The workbook is written after a run and read by the next one. What a person wrote is never changed; statements are
brought up to date and new findings are added below.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sqlib import forms, words
from sqlib.client import Client
from sqlib.errors import ClientError

FORM, SHEET = "commentary", "findings"
SPOKEN = ("comment", "reason", "owner")  # in either language
ENTRIES = (*(f"{name}_{language}" for name in SPOKEN for language in words.LANGUAGES), "withhold", "due")


def _silent() -> dict[str, str]:
    return dict.fromkeys(words.LANGUAGES, "")


@dataclass(frozen=True)
class Remark:
    """What a consultant says about one finding; texts by language."""

    comment: Mapping[str, str] = field(default_factory=_silent)
    reason: Mapping[str, str] = field(default_factory=_silent)
    owner: Mapping[str, str] = field(default_factory=_silent)
    due: str = ""
    withheld: bool = False

    @property
    def says(self) -> bool:
        """Has anything been written?"""
        return self.withheld or bool(self.due) or any(any(getattr(self, name).values()) for name in SPOKEN)


NONE = Remark()


def path(client: Client, period: str, stem: str) -> Path:
    """Where the words on one page and period lie."""
    return client.folder / "commentary" / period / f"{stem}.xlsx"


def read(client: Client, period: str, stem: str) -> dict[str, Remark]:
    """Finding id -> the consultant's remark; the page as a whole is under its stem. Empty where nobody wrote yet.

    Raises
    ------
    ClientError : the errors of ``forms.read``; ``commentary.no_reason``, ``commentary.whole_withheld``
    """
    place = path(client, period, stem)
    if not place.exists():
        return {}
    rows = _rows(place)
    for row in rows[rows["withhold"] == "yes"].to_dict("records"):
        values = {"where": _where(place), "line": row["line"]}
        if row["finding_id"] == stem:
            raise ClientError("commentary.whole_withheld", **values)
        if not any(row[f"reason_{language}"] for language in words.LANGUAGES):
            raise ClientError("commentary.no_reason", got=row["finding_id"], **values)
    return {row["finding_id"]: _remark(row) for row in rows.to_dict("records")}


def orphans(remarks: Mapping[str, Remark], met: Iterable[str]) -> list[str]:
    """Findings that somebody wrote about and this run did not come upon."""
    return sorted(name for name, remark in remarks.items() if remark.says and name not in set(met))


def refresh(
    client: Client, period: str, stem: str, title: str, findings: list[dict], language: str
) -> tuple[Path, list[str]]:
    """Bring the workbook up to date with the findings of a run; returns its path and the orphaned findings.

    ``findings``: records as harvested from an executed page. Nothing is written where nothing changes.

    Raises
    ------
    ArgumentError : ``workbook.unwritable``; ClientError as in :func:`read`
    """
    place = path(client, period, stem)
    before = _rows(place) if place.exists() else pd.DataFrame(columns=["finding_id", "statement", "state", *ENTRIES])
    kept = before.set_index("finding_id")
    statements = {stem: title} | _statements(findings, kept)
    ids = [*statements, *(name for name in kept.index if name not in statements and _written(kept.loc[name]))]
    rows = kept.reindex(ids)[list(ENTRIES)].fillna("")
    old = kept["statement"].reindex(ids)
    rows["statement"] = [statements.get(name, told) for name, told in old.items()]
    rows["state"] = ["current" if name in statements else "gone" for name in ids]
    rows = rows.rename_axis("finding_id").reset_index()
    if not _same(rows, before):
        forms.write(FORM, {SHEET: rows}, place, language, about={"client": client.name})
    return place, [name for name, state in zip(ids, rows["state"], strict=True) if state == "gone"]


def _statements(findings: list[dict], kept: pd.DataFrame) -> dict[str, str]:
    """Finding id -> statement; of one withheld, whose record tells only its key, the statement it had."""
    told = {found["finding_id"]: found["parts"]["statement"] for found in findings if found["parts"]}
    keys = {f"{found['finding_id']}" for found in findings if not found["parts"]}
    for name in kept.index[kept["withhold"] == "yes"]:
        if any(name == key or name.startswith(f"{key}.") for key in keys):
            told[name] = kept.loc[name, "statement"]
    return told


def _written(row: pd.Series) -> bool:
    return any(row[name] for name in ENTRIES if name != "withhold") or row["withhold"] == "yes"


def _same(rows: pd.DataFrame, before: pd.DataFrame) -> bool:
    columns = ["finding_id", "statement", "state", *ENTRIES]
    return rows[columns].values.tolist() == before[columns].values.tolist()


def _rows(place: Path) -> pd.DataFrame:
    return forms.read(FORM, place, _where(place))[SHEET]


def _where(place: Path) -> str:
    return "/".join(place.parts[-3:])


def _remark(row: dict) -> Remark:
    texts = {name: {language: row[f"{name}_{language}"] for language in words.LANGUAGES} for name in SPOKEN}
    return Remark(**texts, due=row["due"][:10], withheld=row["withhold"] == "yes")
