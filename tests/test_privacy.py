"""What is handed over holds nothing of the raw files that its reader may not read; the search is a program of its own.

The whole search, in both languages and for all four audiences, is ``benchmarks/privacy.py``.
"""

import shutil
import sys
from pathlib import Path

import pytest

from sqlib import client, delivery, pseudonyms, quotes
from sqlib.errors import SqlibError

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import privacy  # noqa: E402

LANGUAGE = {"jiahe": "zh", "northbridge": "en"}


@pytest.fixture(scope="session", params=privacy.DEMOS)
def house(request, tmp_path_factory):
    """A demo client after the consultant's day: what its raw files hold, its folder, and the reports folder."""
    folder = tmp_path_factory.mktemp("house") / request.param
    shutil.copytree(ROOT / "data" / "demo" / request.param, folder)
    known = privacy.raw(folder)
    known.approved = privacy.prepare(folder)
    return known, folder, folder.parent / "reports"


@pytest.fixture(scope="session")
def delivered(house):
    """Audience -> what its archive holds; every archive is made once."""
    _, folder, reports = house
    made = {}

    def of(audience: str, team: str = "") -> dict[str, bytes]:
        if audience not in made:
            archive = privacy.hand_over(folder, reports, audience, [LANGUAGE[folder.name]], team)
            made[audience] = privacy.unpacked(archive)
        return made[audience]

    return of


@pytest.mark.parametrize("audience", ["management", "client"])
def test_nothing_known_is_found(house, delivered, audience):
    known, held = house[0], delivered(audience)
    assert len(known.names) > 300 and len(known.comments) > 500 and len(known.ids) > 5000
    assert privacy.stray(list(held)) == [] and len(held) > 10
    assert [hit for name, data in held.items() for hit in privacy.search(name, data, known, audience)] == []


def test_approved_words_and_the_consultants_are_there(house, delivered):
    known, folder, _ = house
    held = delivered("management").items()
    page = next(data for name, data in held if "feedback_analysis" in name and name.endswith(".html")).decode()
    language = LANGUAGE[folder.name]
    assert len(known.approved) == privacy.QUOTES
    assert privacy.HEADINGS["commentary"][f"comment_{language}"] in page


def test_a_name_or_number_in_the_consultants_words_stops_the_delivery(house, delivered):
    _, folder, reports = house
    delivered("management")
    language = LANGUAGE[folder.name]
    path = reports / folder.name / privacy.PERIOD / "management" / f"{privacy.STEM}.{language}.html"
    page = path.read_text(encoding="utf-8")
    own = privacy.HEADINGS["commentary"][f"comment_{language}"]
    assert own in page
    customer = max(pseudonyms.names(client.load(folder)).values(), key=len)
    try:
        for said, kind in ((customer, "name"), ("13812345678", "phone")):
            path.write_text(page.replace(own, f"{own} {said}"), encoding="utf-8")
            hits = []
            with pytest.raises(SqlibError) as stopped:
                delivery.deliver(folder, privacy.PERIOD, "management", None, True, reports, tell=hits.extend)
            assert stopped.value.code == "delivery.leaks" and {hit.kind for hit in hits} == {kind}
    finally:
        path.write_text(page, encoding="utf-8")


def test_words_released_are_those_approved(house):
    known, folder, _ = house
    assert set(known.approved) <= quotes.released(folder)


def test_the_search_finds_what_is_there(house):
    known = house[0]
    for kind in ("names", "ids", "comments"):
        value = max(sorted(getattr(known, kind)), key=len)
        page = f"<p>{value}</p>".encode()
        assert ("x.html", kind, value) in privacy.search("x.html", page, known, "client"), kind
    split = max(known.comments, key=len)
    page = f"<p>{split[:5]}<b>{split[5:]}</b></p>".encode()
    assert privacy.search("x.html", page, known, "client")
