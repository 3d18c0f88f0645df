"""Quotations: proposed by rule, printed only as approved, refused where anybody is still named."""

import pandas as pd
import pytest
from client_folder import make
from openpyxl import load_workbook
from test_page import CUSTOMERS, FEEDBACK, HEAD, answers, base, firm

from sqlib import client, excerpts, forms, masking, page, periods, quotes
from sqlib.reading import Reading

PHONE = "+86 138-0013-8000"
SAID = (
    f"far too slow to answer, call me on {PHONE} any day",
    "the staff are friendly and know their trade very well",
    "",
    f"{firm(5)} waits for days, much too slow for all of us",
)


def reading(root, language="en", min_group=5) -> Reading:
    who = client.load(root)
    return Reading(who, periods.parse("2026Q3"), None, pd.Timestamp("2026-09-30"), language, min_group)


@pytest.fixture
def acme(tmp_path):
    said = answers(comment=lambda i: f"{SAID[i % 4]}{' indeed' * (i % 5)}" if SAID[i % 4] else "")
    make(tmp_path / "acme", FEEDBACK + CUSTOMERS, HEAD, f__csv=said, c__csv=base())
    return tmp_path / "acme"


def rows(root) -> pd.DataFrame:
    return forms.read("quotes", root / "quotes.xlsx")["quotes"]


def decide(root, line: int, **cells) -> None:
    book = load_workbook(root / "quotes.xlsx")
    sheet = book.worksheets[1]
    heads = {cell.value: cell.column for cell in sheet[1]}
    for name, value in cells.items():
        sheet.cell(line, heads[forms.load("quotes").sheets["quotes"].columns[name].label["en"]]).value = value
    book.save(root / "quotes.xlsx")


def test_proposals_are_masked_few_and_the_same_every_time(acme):
    quotes.refresh(reading(acme))
    first, before = rows(acme), (acme / "quotes.xlsx").read_bytes()
    assert len(first) >= 1 and first.groupby("theme").size().max() <= excerpts.A_THEME
    text = " ".join(first["masked"])
    assert "138" not in text and firm(5) not in text and first["decision"].eq("").all()
    quotes.refresh(reading(acme))
    assert (acme / "quotes.xlsx").read_bytes() == before
    assert not first["quote_id"].str.contains("F0").any()


def test_nothing_is_printed_unless_approved(acme):
    assert quotes.approved(reading(acme), {}) == quotes.Approved([], 0)
    quotes.refresh(reading(acme))
    assert quotes.approved(reading(acme), {}) == quotes.Approved([], 0)
    decide(acme, 2, decision="may be quoted")
    decide(acme, 3, decision="not quoted")
    found = quotes.approved(reading(acme), {})
    assert [text for text, _ in found.quotes] == [rows(acme)["masked"].iloc[0]] and found.refused == 0


def test_decisions_survive_new_data(acme):
    quotes.refresh(reading(acme))
    decide(acme, 2, decision="may be quoted", printed="A rewording")
    quotes.refresh(reading(acme))
    kept = rows(acme)
    assert kept["decision"].iloc[0] == "approve" and kept["printed"].iloc[0] == "A rewording"
    assert quotes.approved(reading(acme), {}).quotes[0][0] == "A rewording"


def test_a_rewording_that_still_names_somebody_is_refused(acme):
    quotes.refresh(reading(acme))
    decide(acme, 2, decision="may be quoted", printed=f"call {PHONE}")
    assert quotes.approved(reading(acme), {}) == quotes.Approved([], 1)
    decide(acme, 2, printed=f"{firm(7)} waits")
    assert quotes.approved(reading(acme), {}) == quotes.Approved([], 1)


@pytest.mark.parametrize(("audience", "told"), [("management", True), ("client", False)])
def test_what_was_refused_and_how_files_are_called_is_no_news_for_the_client(acme, monkeypatch, audience, told):
    """A raw file called after a customer stands under a mask; only the house hears of quotes that were refused."""
    quotes.refresh(reading(acme))
    decide(acme, 2, decision="may be quoted", printed=f"call {PHONE}")
    settings = (acme / "client.toml").read_text(encoding="utf-8").replace("raw/f.csv", f"raw/{firm(5)}.csv")
    (acme / "client.toml").write_text(settings, encoding="utf-8")
    (acme / "raw" / "f.csv").rename(acme / "raw" / f"{firm(5)}.csv")
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, **rest: shown.append(bundle))
    opened = page.open("feedback_analysis", str(acme), "2026Q3", "en", audience=audience)
    opened.quotes()
    assert any(opened.say("quotes", "refused", count=1) in str(bundle) for bundle in shown) is told
    opened.close()
    text = str([bundle for bundle in shown if page.REPORT not in bundle])
    assert "raw/" in text and firm(5) not in text


def test_masked_words_edited_by_hand_are_refused(acme):
    quotes.refresh(reading(acme))
    decide(acme, 2, decision="may be quoted", masked="something nobody said")
    assert quotes.approved(reading(acme), {}) == quotes.Approved([], 1)


def test_a_comment_that_changed_leaves_an_orphan(acme):
    quotes.refresh(reading(acme))
    decide(acme, 2, decision="may be quoted")
    gone = rows(acme)["quote_id"].iloc[0]
    raw = acme / "raw" / "f.csv"
    raw.write_text(raw.read_text(encoding="utf-8").replace("slow", "sluggish").replace("friendly", "kind"), "utf-8")
    assert quotes.approved(reading(acme), {}) == quotes.Approved([], 1)
    _, orphans = quotes.refresh(reading(acme))
    assert orphans == [gone] and rows(acme).set_index("quote_id").loc[gone, "decision"] == "approve"


def test_marks_are_printed_in_the_language_of_the_page(acme):
    quotes.refresh(reading(acme))
    lines = rows(acme)
    masked = lines[lines["masked"].str.contains("[", regex=False)]
    assert len(masked)
    decide(acme, int(masked["line"].iloc[0]), decision="may be quoted")
    (zh, _), (en, _) = (quotes.approved(reading(acme, language), {}).quotes[0] for language in ("zh", "en"))
    assert "[" in en and "[" not in zh and "\u3014" in zh


def test_what_is_released_reads_the_same_in_a_report_of_either_language(acme):
    quotes.refresh(reading(acme))
    for line in rows(acme)["line"].iloc[:3]:
        decide(acme, int(line), decision="may be quoted")
    for language in ("zh", "en"):
        printed = {text for text, _ in quotes.approved(reading(acme, language), {}).quotes}
        assert printed and printed <= quotes.released(acme)


def test_what_nobody_approved_is_not_released(acme):
    """A text on this list may stand in a delivery: one that is refused or undecided must not be on it."""
    quotes.refresh(reading(acme))
    lines = rows(acme)
    assert quotes.released(acme) == set()
    decide(acme, int(lines["line"].iloc[0]), decision="not quoted")
    decide(acme, int(lines["line"].iloc[1]), decision="may be quoted")
    released = quotes.released(acme)
    assert lines["masked"].iloc[1] in {masking.spoken(text, "en") for text in released} | released
    assert not any(lines["masked"].iloc[place] in released for place in range(len(lines)) if place != 1)


def test_a_team_reads_its_own_customers_only(acme):
    quotes.refresh(reading(acme))
    for line in rows(acme)["line"]:
        decide(acme, int(line), decision="may be quoted")
    per_team = [len(quotes.approved(reading(acme), {"team": team}).quotes) for team in ("North", "South", "West")]
    assert sum(per_team) == len(rows(acme)) > max(per_team)


# ---------------------------------------------------------------- selection


def comments(n=40, **columns) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "comment": [f"the answer came much too slow again number {'very ' * (i % 7)}late" for i in range(n)],
            "score": [i % 5 + 1 for i in range(n)],
            "who": [f"c{i}" for i in range(n)],
            "team": ["big"] * n,
        }
    )
    return frame.assign(**columns)


def picked(frame, **settings) -> pd.DataFrame:
    given = {"codebook": {"slow": ["too slow"]}, "exclude": {}, "groups": ["team"], "names": [], "min_group": 5}
    return excerpts.excerpts(frame, text="comment", score="score", cluster="who", language="en", **given | settings)


def test_small_groups_are_not_quoted_from():
    found = picked(comments(team=["tiny"] * 4 + ["big"] * 36))
    assert len(found) and (found["row"] >= 4).all()
    assert picked(comments(who=["a", "b"] * 20)).empty  # two people are a small group whatever they are called


def test_critical_and_other_comments_take_turns():
    frame = comments()
    scores = frame.loc[picked(frame)["row"], "score"]
    assert scores.min() < frame["score"].median() <= scores.max()


def test_fragments_and_essays_are_left_out():
    frame = comments(comment=["too slow"] * 20 + ["too slow " + "and on " * 60] * 20)
    assert picked(frame).empty
