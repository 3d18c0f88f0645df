"""The search before a delivery: every kind planted in every format is found, and what is clean passes."""

import base64
import shutil
import tomllib
import zlib
from pathlib import Path

import client_folder
import office
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlib import leaks, openers, workbook
from sqlib.errors import SqlibError

TEXT = tomllib.loads((Path(__file__).parent / "data" / "leaks.toml").read_text(encoding="utf-8"))
PERSON, CUSTOMER, COMMENT = TEXT["name"], TEXT["customer"], TEXT["comment"]
IDENTITY, CREDIT = "11010519491231002X", "9144030071526726XG"  # the example of GB 11643; a listed company
FOLDER = "/srv/somewhere/clients/acme"
SECRETS = leaks.known(
    [PERSON, CUSTOMER, "Ann Lee"], ["K00123", "17", "C-ABCDEFGHIJ"], [COMMENT], [FOLDER], TEXT["prose"]
)

PLANTED = {
    "name": [f"x {PERSON} y", f"{PERSON[0]} {PERSON[1:]}", CUSTOMER, "Dear ann  LEE,"],
    "phone": ["tel 13800138000", "138-0013-8000", "+86 138 0013 8000"],
    "identity": [f"no. {IDENTITY}", IDENTITY.lower()],
    "credit_code": [f"({CREDIT})"],
    "email": ["ann.lee@example.com"],
    "messenger": [TEXT["wechat"], "WeChat: annlee88"],
    "client_id": ["customer K00123", "k00123"],
    "comment": [f"they said {COMMENT} and so on"],
    "path": ["/home/ann/report.xlsx", "C:\\Users\\ann\\a.xlsx", "file:///x", f"see {FOLDER}/raw"],
}
CASES = [(kind, text) for kind, texts in PLANTED.items() for text in texts]
FORMATS = {
    "a.html": lambda text: f"<html><body><p>before</p><p>{text}</p></body></html>".encode(),
    "a.csv": lambda text: pd.DataFrame({"group": ["x", text]}).to_csv(index=False).encode("utf-8-sig"),
    "a.xlsx": office.xlsx,
    "a.docx": office.docx,
    "a.pptx": office.pptx,
}


def kinds(name: str, data: bytes, audience: str = "client") -> set[str]:
    return {hit.kind for hit in leaks.scan(name, data, SECRETS, audience)}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("kind", "text"), CASES)
def test_every_kind_is_found_in_every_format(name, kind, text):
    assert kind in kinds(name, FORMATS[name](text))


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_clean_passes(name):
    for text in (TEXT["plain"], "Team North, 17 customers, C-ABCDEFGHIJ, 2026-07-01", "annual plan", TEXT["prose"]):
        assert kinds(name, FORMATS[name](text)) == set()


@pytest.mark.parametrize("number", ["110105194912310021", "9144030071526726XH", "23800138000", "1380013800"])
def test_a_wrong_check_digit_or_length_is_no_hit(number):
    assert kinds("a.html", FORMATS["a.html"](number)) == set()


def test_markup_inside_a_number_hides_nothing():
    assert "phone" in kinds("a.html", b"<p>138<wbr>0013<b>8000</b></p>")
    assert "name" in kinds("a.html", f"<p>{PERSON[:2]}<span>{PERSON[2:]}</span></p>".encode())


def test_attributes_comments_and_embedded_notebooks_of_a_page():
    assert kinds("a.html", f'<img alt="{PERSON}">'.encode()) == {"name"}
    assert kinds("a.html", b"<p>x</p><!-- draft of May -->") == {"html_comment"}
    assert kinds("a.html", b'<p>{"papermill": {}}</p>') == {"notebook_metadata"}


def test_a_picture_that_carries_a_text():
    def chunk(name, data):
        return len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)

    def page(key):
        png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)) + chunk(b"tEXt", key + b"\0Somebody")
        return b'<img src="data:image/png;base64,' + base64.b64encode(png) + b'">'

    assert kinds("a.html", page(b"Author")) == {"metadata"}
    assert kinds("a.html", page(b"Software")) == set()


def test_a_number_stored_as_a_number_and_one_in_a_column_of_ids():
    assert kinds("a.xlsx", office.xlsx(number="13800138000")) == {"phone"}
    assert kinds("a.csv", b"customer_id,n\n17,3\n") == {"client_id"}
    assert kinds("a.csv", b"group,n\n17,17\n") == set()


UNSEEN = [
    ("hidden_sheet", "a.xlsx", office.xlsx(sheet='state="hidden"')),
    ("hidden_sheet", "a.xlsx", office.xlsx(sheet='state="veryHidden"')),
    ("hidden_column", "a.xlsx", office.xlsx(columns='<cols><col min="2" max="3" hidden="1"/></cols>')),
    ("hidden_row", "a.xlsx", office.xlsx(row='hidden="1"')),
    ("defined_name", "a.xlsx", office.xlsx(names='<definedName name="secret">one!$A$1</definedName>')),
    ("comment_mark", "a.xlsx", office.xlsx(xl__comments1_xml="<comments><comment><t>look</t></comment></comments>")),
    ("external_link", "a.xlsx", office.xlsx(xl__externalLinks__externalLink1_xml="<externalLink/>")),
    ("metadata", "a.xlsx", office.xlsx(docProps__core_xml=office.properties("creator", "Ann"))),
    ("metadata", "a.xlsx", office.xlsx(docProps__core_xml=office.properties("lastModifiedBy", "Ann"))),
    ("metadata", "a.xlsx", office.xlsx(docProps__app_xml=office.properties("Company", "Acme"))),
    (
        "metadata",
        "a.docx",
        office.docx(docProps__custom_xml='<Properties><property name="k"><v>1</v></property></Properties>'),
    ),
    ("metadata", "a.docx", office.docx(docProps__app_xml=office.properties("Manager", "Ann"))),
    ("hidden_text", "a.docx", office.docx(body="<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>psst</w:t></w:r></w:p>")),
    (
        "tracked_change",
        "a.docx",
        office.docx(body='<w:p><w:ins w:author="Ann"><w:r><w:t>new</w:t></w:r></w:ins></w:p>'),
    ),
    ("comment_mark", "a.docx", office.docx(word__comments_xml="<comments><comment><t>look</t></comment></comments>")),
    ("hidden_slide", "a.pptx", office.pptx(attributes='show="0"')),
    ("speaker_note", "a.pptx", office.pptx(notes="say this")),
    ("metadata", "a.pdf", b"%PDF-1.7\n<< /Author (Ann) >>"),
    ("metadata", "a.pdf", b"%PDF-1.7\nstream\n" + zlib.compress(b"<< /Author <416E6E> >>") + b"\nendstream"),
    ("metadata", "a.pdf", b"%PDF-1.7\n<dc:creator><rdf:Seq><rdf:li>Ann</rdf:li></rdf:Seq></dc:creator>"),
]


@pytest.mark.parametrize(("kind", "name", "data"), UNSEEN, ids=[f"{kind}-{at}" for at, (kind, *_) in enumerate(UNSEEN)])
def test_what_nobody_sees_is_found(kind, name, data):
    assert kind in kinds(name, data)


@pytest.mark.parametrize("name", ["a.xlsx", "a.docx", "a.pptx"])
def test_plain_office_files_pass(name):
    assert kinds(name, FORMATS[name]("plain")) == set()


def test_a_workbook_of_our_own_passes(tmp_path):
    frame = pd.DataFrame({"group": ["North", "South"], "share": [0.13800138000123, 1.0]})
    path = workbook.write({"one": frame}, tmp_path / "a.xlsx", "en")
    assert kinds("a.xlsx", path.read_bytes()) == set()
    frame.loc[0, "group"] = PERSON
    path = workbook.write({"one": frame}, tmp_path / "a.xlsx", "en")
    assert [(hit.kind, hit.place) for hit in leaks.scan("a.xlsx", path.read_bytes(), SECRETS, "client")] == [
        ("name", "one!A2")
    ]


def test_a_hit_names_the_place_and_shows_one_character():
    (hit,) = leaks.scan("t.csv", b"group\n13800138000\n", SECRETS, "client")
    assert hit == leaks.Hit("t.csv", "row 2, group", "phone", "1•••")


def test_the_internal_version_may_name_and_quote_people_and_nothing_else():
    data = f"<p>{PERSON} K00123</p><p>{COMMENT}</p><p>13800138000</p>".encode()
    assert kinds("a.html", data, "internal") == {"phone"}
    everything = {"name", "client_id", "comment", "phone"}
    assert kinds("a.html", data, "management") == kinds("a.html", data, "team") == everything


@pytest.mark.parametrize("name", ["a.xlsx", "a.docx", "a.pptx", "a.pdf", "a.exe"])
def test_what_cannot_be_searched_does_not_leave(name):
    with pytest.raises(SqlibError) as refused:
        openers.pieces(name, b"nothing of the kind")
    assert refused.value.code == "openers.unreadable"


def test_a_name_that_is_a_word_of_ours_is_told_and_not_looked_for():
    secret = leaks.known(["May", "Ann Lee"], [], [], [], "what may not be concluded")
    assert secret.unsearchable == ("may",)
    assert not leaks.scan("a.html", b"<p>may</p>", secret, "client")
    assert leaks.scan("a.html", b"<p>Ann Lee</p>", secret, "client")


def test_a_long_sentence_of_a_comment_counts_and_a_short_comment_does_not():
    secret = leaks.known([], [], ["Fine. Nobody ever answers the telephone on Mondays. Ok", "very good"], [], "")
    assert leaks.scan("a.html", b"<p>Nobody ever answers the telephone on Mondays</p>", secret, "client")
    assert not leaks.scan("a.html", b"<p>very good, fine</p>", secret, "client")


@given(st.text(min_size=2, max_size=8), st.text(max_size=30), st.text(max_size=30))
def test_a_needle_between_spaces_is_always_found(needle, before, after):
    needles = leaks.Needles([needle], 2)
    shape = leaks.folded(needle)
    if len(shape) >= 2:
        assert needles.found(f"{leaks.folded(before)} {shape} {leaks.folded(after)}") == [shape]


FEEDBACK = '[[tables.feedback]]\nfiles = ["raw/f.csv"]\n'


def test_secrets_of_a_client_come_from_all_its_rows(tmp_path):
    rows = (
        "feedback_id,customer_id,customer_name,score,scale_min,scale_max,comment\n"
        f"F1,,{CUSTOMER},5,1,5,{COMMENT}\nF2,K00123,Beta Trading,9,1,5,they never call back at all\n"
    )
    who = client_folder.make(tmp_path / "acme", FEEDBACK, f__csv=rows)
    secret = leaks.secrets(who)
    page = f"<p>{CUSTOMER}</p><p>Beta Trading</p><p>K00123</p><p>{COMMENT}</p><p>they never call back at all</p>"
    found = [hit.kind for hit in leaks.scan("a.html", page.encode(), secret, "client")]
    assert sorted(found) == ["client_id", "comment", "comment", "name", "name"]
    released = leaks.secrets(who, approved=[COMMENT])
    assert [hit.kind for hit in leaks.scan("a.html", page.encode(), released, "client")].count("comment") == 1


def test_names_are_read_anew_where_the_register_is_lost(tmp_path):
    rows = f"feedback_id,customer_name,score,scale_min,scale_max\nF1,{CUSTOMER},5,1,5\n"
    who = client_folder.make(tmp_path / "acme", FEEDBACK, f__csv=rows)
    leaks.secrets(who)
    shutil.rmtree(tmp_path / "acme" / ".sqlib-cache" / "names")
    assert leaks.scan("a.html", CUSTOMER.encode(), leaks.secrets(who), "client")


def test_a_grouping_the_audience_may_not_read_is_found_in_words():
    secret = leaks.known([], [], [], [], "the whole team answers", groups=["Plumbing South", "team"])
    found = leaks.scan("a.html", b"<p>look at plumbing  south, the team</p>", secret, "client")
    assert [hit.kind for hit in found] == ["group"] and secret.unsearchable == ("team",)


def test_what_stands_in_an_approved_quotation_is_no_secret_and_the_rest_is():
    said = "Ann Lee was late again. Nobody ever answers the telephone on Mondays. The invoice came twice in one week."
    approved = ["[name] was late again. Nobody ever answers the telephone on Mondays."]
    secret = leaks.known([], [], [said], [], "", approved)
    page = "<p>[name] was late again. <i>Nobody ever answers the telephone on Mondays.</i></p>"
    assert leaks.scan("a.html", page.encode(), secret, "client") == []
    hits = leaks.scan(
        "a.html", page.replace("</p>", "The invoice came twice in one week.</p>").encode(), secret, "client"
    )
    assert {hit.kind for hit in hits} == {"comment"}
