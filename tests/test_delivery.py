"""The archive: one audience's files and nothing else, the same bytes each time, nothing where something leaks."""

import dataclasses
import errno
import os
import re
import zipfile
from pathlib import Path

import pytest
from test_versions import here, kernel, run  # noqa: F401 (fixtures)

from sqlib import batch, delivery, jobs, leaks, openers, versions, words
from sqlib.errors import ArgumentError, SqlibError


@pytest.fixture
def frozen(run) -> Path:  # noqa: F811
    folder = run(languages=["zh", "en"])
    run(languages=["zh"], audience="internal")
    versions.freeze(folder)
    return folder


def send(folder: Path, **asked) -> Path:
    asked = {"audience": "management", "period": None, "out": None, "draft": False} | asked
    return delivery.deliver("acme", reports=folder.parents[1], **asked)[0]


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_the_files_of_one_audience_and_nothing_else(frozen):
    (frozen / "management" / "notes.txt").write_text("x", encoding="utf-8")
    path = send(frozen)
    root = "acme-2026Q3-management-V1.0"
    assert path == frozen / "deliveries" / f"{root}.zip"
    assert names(path) == [f"{root}/ok.en.html", f"{root}/ok.zh.html", f"{root}/tables/ok/numbers.csv"]


def test_the_same_files_give_the_same_bytes(frozen, tmp_path):
    first = send(frozen).read_bytes()
    assert send(frozen, out=tmp_path / "again.zip").read_bytes() == first


def test_a_final_is_delivered_though_a_new_draft_lies_there(frozen, run):  # noqa: F811
    before = send(frozen).read_bytes()
    run(2.0, languages=["zh", "en"])
    assert send(frozen).read_bytes() == before
    draft = send(frozen, draft=True)
    assert draft.name == "acme-2026Q3-management-V1.1-draft.zip" and draft.read_bytes() != before


def test_a_draft_only_when_asked_for(run):  # noqa: F811
    folder = run()
    with pytest.raises(SqlibError) as refused:
        send(folder)
    assert refused.value.code == "delivery.no_final" and refused.value.exit_status == 1
    assert send(folder, draft=True).name.endswith("V1.0-draft.zip")


@pytest.mark.parametrize(
    ("asked", "code", "status"),
    [
        ({"audience": "boss"}, "page.not_one_of", 2),
        ({"audience": "team"}, "page.team_missing", 2),
        ({"audience": "team", "team": "north"}, "delivery.no_files", 1),
        ({"period": "2026Q1"}, "versions.no_run", 2),
        ({"period": "../x"}, "periods.unknown", 2),
        ({"out": Path("a.tar")}, "delivery.not_zip", 2),
    ],
)
def test_what_cannot_be_delivered(frozen, asked, code, status):
    with pytest.raises(SqlibError) as refused:
        send(frozen, **asked)
    assert refused.value.code.startswith(code) and refused.value.exit_status == status
    assert not (frozen / "deliveries").exists()


def test_a_leak_stops_it_with_every_place_and_nothing_is_written(run):  # noqa: F811
    folder = run()
    page, table = folder / "management/ok.zh.html", folder / "management/tables/ok/numbers.csv"
    page.write_text(page.read_text(encoding="utf-8").replace("</main>", "<p>13800138000</p></main>"), encoding="utf-8")
    table.write_text("group\nann@example.com\n", encoding="utf-8")
    hits = []
    with pytest.raises(SqlibError) as stopped:
        send(folder, draft=True, tell=hits.extend)
    assert stopped.value.code == "delivery.leaks"
    assert {(hit.file, hit.kind) for hit in hits} == {
        ("ok.zh.html", "phone"), ("tables/ok/numbers.csv", "email"),
    }  # fmt: skip
    assert stopped.value.exit_status == 1 and not (folder / "deliveries").exists()
    for language in ("zh", "en"):
        frame = delivery.listed(hits, language)
        assert len(frame) == 2 and not frame.map(lambda cell: "13800138000" in cell or "ann@" in cell).to_numpy().any()


def test_every_kind_that_can_be_found_has_words():
    source = Path(openers.__file__).read_text(encoding="utf-8")
    found = set(
        re.findall(r'"((?:hidden|defined|html|notebook|external|speaker|tracked|comment)_\w+|metadata)"', source)
    )
    assert len(found) >= 10
    assert found | leaks.PERSONAL | {"group", "name", "client_id", "comment", "path"} == set(
        words.entry("delivery", "kind")
    )


def test_every_team_has_its_own_report_and_archive(here, kernel):  # noqa: F811
    (job,) = jobs.plan(["acme"], languages=["en"])
    folder = here / "reports" / job.folder
    for level, team in ((1.0, "north"), (2.0, "a/b")):
        kernel.level = lambda language, level=level: level
        batch.run([dataclasses.replace(job, audience="team", parameters={"team": team})], here / "reports")
    first, second = (send(folder, audience="team", team=team, draft=True) for team in ("north", "a/b"))
    assert first.name == "acme-2026Q3-team-north-V1.0-draft.zip" and second.parent == first.parent != second
    tables = [next(path for path in names(archive) if path.endswith(".csv")) for archive in (first, second)]
    texts = [zipfile.ZipFile(archive).read(table) for archive, table in zip((first, second), tables, strict=True)]
    assert texts == [b"level\n1.0\n", b"level\n2.0\n"] and tables[0].startswith("acme-2026Q3-team-north")
    told = versions.read(folder)["jobs"]
    assert [job["parameters"]["team"] for job in told] == ["a/b", "north"]
    assert len(list((folder / "team").iterdir())) == 2 and all(path.is_dir() for path in (folder / "team").iterdir())


def test_a_touched_final_is_not_delivered(frozen):
    page = frozen / "final/V1.0/management/ok.zh.html"
    page.chmod(0o644)
    page.write_text("<p>other</p>", encoding="utf-8")
    with pytest.raises(SqlibError) as refused:
        send(frozen)
    assert refused.value.code == "versions.changed"


def test_a_link_out_of_the_folder_is_refused(run, here):  # noqa: F811
    folder = run()
    os.symlink(here / "acme" / "client.toml", folder / "management" / "more.html")
    with pytest.raises(SqlibError) as refused:
        send(folder, draft=True)
    assert refused.value.code == "delivery.outside"


def test_a_full_disk_leaves_no_half_archive(frozen, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(zipfile.ZipFile, "writestr", fail)
    with pytest.raises(ArgumentError) as refused:
        send(frozen)
    assert refused.value.code == "workbook.unwritable"
    assert not list((frozen / "deliveries").iterdir())
