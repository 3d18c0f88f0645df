"""Search what is handed over for everything nobody outside may read: names, numbers, ids, comments of the raw files.

The demo clients are copied, a consultant's day is played (quotes approved, words written, reports run, one archive for
each audience), and every archive is searched with what a reader of the raw files knows. Nothing here uses the masking
or the search of the package itself. Exit status 1 on any hit in a version that names nobody.

    python benchmarks/privacy.py [jiahe] [northbridge]
"""

import base64
import csv
import html
import io
import re
import shutil
import sys
import tempfile
import tomllib
import unicodedata
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADINGS = tomllib.loads((ROOT / "benchmarks" / "privacy.toml").read_text(encoding="utf-8"))
DEMOS = ("jiahe", "northbridge")
AUDIENCES = ("management", "client", "team", "internal")
PERIOD, STEM = "2026Q3", "feedback_analysis"
COMMENT = 12  # characters from which a comment is nobody else's
CONTACT = re.compile(r"(?<!\d)(?:1[3-9]\d[ -]?\d{4}[ -]?\d{4}|0\d{4} ?\d{6})(?!\d)|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PICTURE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
QUOTES = 4


@dataclass
class Known:
    """What the raw files of one client hold, and the words a person released from it."""

    names: set[str] = field(default_factory=set)
    contacts: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    comments: set[str] = field(default_factory=set)
    teams: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    approved: tuple[str, ...] = ()

    def sizes(self) -> str:
        kinds = ("names", "contacts", "ids", "comments", "teams")
        return ", ".join(f"{len(getattr(self, kind))} {kind}" for kind in kinds)


# --- the raw files, read without the package ---------------------------------------------------------------------


def rows(path: Path) -> list[list[str]]:
    """Every row of every sheet as texts."""
    if path.suffix == ".xlsx":
        import openpyxl

        book = openpyxl.load_workbook(path, read_only=True)
        return [["" if cell is None else str(cell) for cell in row] for sheet in book for row in sheet.values]
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return list(csv.reader(io.StringIO(data.decode(encoding))))
        except UnicodeDecodeError:
            continue
    raise ValueError(f"{path.name}: neither UTF-8 nor GB 18030")


def raw(folder: Path) -> Known:
    """Everything the raw files of a client hold below the headings of ``privacy.toml``."""
    known = Known()
    kinds = ("names", "ids", "comments", "teams")
    for path in sorted(folder.glob("raw/*")):
        known.files.add(path.stem)
        held: dict[int, str] = {}
        for row in rows(path):
            found = {at: kind for at, cell in enumerate(row) for kind in kinds if cell.strip() in HEADINGS[kind]}
            head = len(found) > 1  # a heading alone is a word of the data
            held = found if head else held
            for at, kind in held.items() if not head else ():
                if at < len(row) and row[at].strip() not in ("", *HEADINGS["sums"]):
                    getattr(known, kind).add(row[at].strip())
            known.contacts.update(CONTACT.findall(" ".join(row)))
    known.comments = {text for text in known.comments if len(text) >= COMMENT}
    return known


# --- a consultant's day ------------------------------------------------------------------------------------------


def prepare(folder: Path) -> tuple[str, ...]:
    """Approve quotes and write commentary as a person would, in the workbooks; returns the words released."""
    from sqlib import client, commentary, desk

    who = client.load(folder)
    desk.quotations(who, PERIOD)
    place, _ = commentary.refresh(who, PERIOD, STEM, STEM, [], who.languages[0])
    fill(place, {1: HEADINGS["commentary"]}, commentary.FORM)
    return fill(folder / "quotes.xlsx", {row: {"decision": "approve"} for row in range(1, 1 + QUOTES)}, "quotes")


def fill(path: Path, entries: dict[int, dict[str, str]], form: str) -> tuple[str, ...]:
    """Write into a form by its headings; ``entries``: number of the row below the headings -> column -> text or choice.

    Returns the masked words of the rows, where the form has any.
    """
    import openpyxl

    from sqlib import forms

    sheet = next(iter(forms.load(form).sheets.values()))
    book = openpyxl.load_workbook(path)
    page = next(page for page in book if page.title in sheet.title.values())
    labels = {name: set(column.label.values()) for name, column in sheet.columns.items()}
    head = next(row for row in page.iter_rows() if {str(cell.value) for cell in row} & labels[sheet.key[0]])
    place = {name: cell.column for name, own in labels.items() for cell in head if str(cell.value) in own}
    language = "zh" if any(cell.value == sheet.columns[sheet.key[0]].label["zh"] for cell in head) else "en"
    told = []
    for number, values in entries.items():
        line = head[0].row + number
        for name, value in values.items():
            choices = sheet.columns[name].choices or {}
            page.cell(line, place[name]).value = choices.get(value, {}).get(language, value)
        told += [page.cell(line, place["masked"]).value] if "masked" in place else []
    book.save(path)
    return tuple(filter(None, told))


def hand_over(folder: Path, reports: Path, audience: str, languages: list[str], team: str = "") -> Path:
    """Run one audience's reports and deliver the draft: the archive."""
    from sqlib import batch, delivery, jobs

    parameters = {"team": team} if audience == "team" else {}
    jobs = jobs.plan([folder], period=PERIOD, languages=languages, audience=audience, parameters=parameters)
    for outcome in batch.run(jobs, reports):
        if outcome.status != "done":
            raise outcome.reason
    given = {"team": team} if audience == "team" else {}
    return delivery.deliver(folder, PERIOD, audience, None, True, reports, **given)[0]


# --- the search --------------------------------------------------------------------------------------------------


def flat(text: str) -> str:
    """A text as it is compared: half width, lower case, no spaces."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text).lower())


def texts(name: str, data: bytes) -> list[str]:
    """A file as it stands and as it reads: entities resolved, with and without its markup, texts inside pictures."""
    found = [name]
    if not name.endswith((".html", ".csv")):
        return [*found, data.decode("utf-8", "replace")]
    text = data.decode("utf-8-sig")
    if name.endswith(".csv"):
        return [*found, text]
    pictures = [base64.b64decode(code).decode("latin-1") for code in PICTURE.findall(text)]
    beside = [told for picture in pictures for told in re.findall(r"(?:tEXt|iTXt|eXIf)[^\0]*\0[ -~]*", picture)]
    plain = html.unescape(PICTURE.sub("", text))
    return [*found, plain, re.sub(r"<[^>]*>", "", plain), re.sub(r"<[^>]*>", " ", plain), *beside]


def words_of(text: str, values: set[str]) -> set[str]:
    """Values that stand in a text as whole words."""
    near = {value for value in values if value.lower() in text}
    return {value for value in near if re.search(rf"(?<!\w){re.escape(value.lower())}(?!\w)", text)}


def search(name: str, data: bytes, known: Known, audience: str) -> list[tuple[str, str, str]]:
    """File, kind and value of everything in one file that its reader may not read."""
    found: dict[str, set[str]] = {"names": set(), "contacts": set(), "ids": set(), "comments": set(), "teams": set()}
    marked = {value for value in known.ids if re.search("[A-Za-z]", value) and re.search(r"\d", value)}
    for text in texts(name, data):
        lower, close = text.lower(), flat(text)
        digits = re.sub(r"[ -]", "", close)
        latin = {value for value in known.names if value.isascii()}
        found["names"] |= words_of(lower, latin) | {value for value in known.names - latin if flat(value) in close}
        found["contacts"] |= {value for value in known.contacts if re.sub("-", "", flat(value)) in digits}
        found["ids"] |= words_of(lower, marked)
        found["comments"] |= {value for value in known.comments if flat(value) in close}
        found["teams"] |= {value for value in known.teams if flat(value) in close} if audience == "client" else set()
    released = [flat(text) for text in known.approved]
    found["comments"] = {text for text in found["comments"] if not any(flat(text) in told for told in released)}
    found["ids"] |= cells(name, data, known.ids)
    return [(name, kind, value) for kind, values in found.items() for value in sorted(values)]


def cells(name: str, data: bytes, ids: set[str]) -> set[str]:
    """Ids in the columns of a table that hold ids: a plain number is an id nowhere else."""
    if not name.endswith(".csv"):
        return set()
    table = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
    own = [column for column in table.fieldnames or () if column in HEADINGS["id_columns"]]
    return {row[column] for row in table for column in own} & ids


def unpacked(archive: Path) -> dict[str, bytes]:
    """Name -> bytes of every file of an archive, and what is written about it."""
    with zipfile.ZipFile(archive) as box:
        beside = {"archive.comment": box.comment} if box.comment else {}
        return {archive.name: b""} | beside | {entry.filename: box.read(entry) for entry in box.infolist()}


def stray(names: list[str]) -> list[str]:
    """Files that are neither reports nor tables: notebooks, records, workbooks, keys."""
    return [name for name in names if not name.endswith((".html", ".csv", ".zip", ".pdf", ".docx", ".pptx"))]


def main() -> int:
    hits = 0
    with tempfile.TemporaryDirectory() as temporary:
        for demo in sys.argv[1:] or DEMOS:
            folder = Path(temporary) / demo
            shutil.copytree(ROOT / "data" / "demo" / demo, folder)
            known = raw(folder)
            known.approved = prepare(folder)
            print(f"{demo}: {known.sizes()}; {len(known.approved)} quotes approved", flush=True)
            for audience in AUDIENCES:
                team = sorted(known.teams)[0]
                archive = hand_over(folder, Path(temporary) / "reports", audience, ["zh", "en"], team)
                held = unpacked(archive)
                found = [hit for name, data in held.items() for hit in search(name, data, known, audience)]
                found += [(name, "stray", "") for name in stray(list(held))]
                size = sum(map(len, held.values()))
                print(f"  {audience}: {len(held)} files, {size / 1e6:.1f} MB searched, {len(found)} hits", flush=True)
                if audience != "internal":
                    hits += len(found)
                    for name, kind, value in found[:20]:
                        print(f"    {name}: {kind}: {value}")
    return min(hits, 1)


if __name__ == "__main__":
    sys.exit(main())
