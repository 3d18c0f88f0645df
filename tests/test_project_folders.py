"""Where the project and a client's folder are, from wherever a program or a notebook is started."""

from pathlib import Path

import pytest

from sqlib import project
from sqlib.errors import ArgumentError

ROOT = Path(__file__).parents[1]


@pytest.fixture
def made(tmp_path):
    """A project of its own, with a client whose name has a space."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "catalogue.toml").write_text("", encoding="utf-8")
    (tmp_path / "data" / "clients" / "north east").mkdir(parents=True)
    return tmp_path


def test_the_root_is_the_nearest_folder_with_a_catalogue(made, monkeypatch):
    inner = made / "data" / "clients" / "north east"
    assert project.root(inner) == project.root(made) == project.root(made / "notebooks") == made.resolve()
    monkeypatch.chdir(inner)
    assert project.root() == made.resolve()
    (inner / "notebooks").mkdir()
    (inner / "notebooks" / "catalogue.toml").write_text("", encoding="utf-8")
    assert project.root() == inner.resolve()


def test_elsewhere_the_root_is_the_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project.root() == ROOT


def test_a_client_is_found_from_the_working_folder_then_from_the_root(made, monkeypatch):
    client = (made / "data" / "clients" / "north east").resolve()
    places = [(made, "data/clients/north east"), (made / "data", "clients/north east")]
    places += [(made / "notebooks", "data/clients/north east"), (made, str(client)), (made, client)]
    for folder, given in places:
        monkeypatch.chdir(folder)
        assert project.client_folder(given) == client


def test_the_working_folder_comes_first(made, monkeypatch):
    near = made / "notebooks" / "data" / "clients" / "north east"
    near.mkdir(parents=True)
    monkeypatch.chdir(made / "notebooks")
    assert project.client_folder("data/clients/north east") == near.resolve()


def test_home_is_understood(made, monkeypatch):
    monkeypatch.setenv("HOME", str(made))
    monkeypatch.setenv("USERPROFILE", str(made))
    assert project.client_folder("~/data/clients/north east") == (made / "data" / "clients" / "north east").resolve()


def test_a_missing_client_names_both_places_once(made, monkeypatch):
    monkeypatch.chdir(made / "data")
    with pytest.raises(ArgumentError) as caught:
        project.client_folder("gone")
    where = caught.value.values["where"].split("; ")
    assert [Path(place) for place in where] == [made / "data" / "gone", made / "gone"]
    assert (caught.value.code, caught.value.values["got"], caught.value.exit_status) == (
        "project.client_missing",
        "gone",
        2,
    )
    monkeypatch.chdir(made)
    with pytest.raises(ArgumentError) as caught:
        project.client_folder("gone")
    assert caught.value.values["where"] == str(made / "gone")


def test_a_file_is_no_client(made, monkeypatch):
    (made / "client.csv").write_text("a", encoding="utf-8")
    monkeypatch.chdir(made)
    with pytest.raises(ArgumentError):
        project.client_folder("client.csv")
