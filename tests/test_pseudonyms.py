"""Names never become ids, and the same name is the same pseudonym everywhere at one client."""

import errno
import os
import stat
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from client_folder import make, read

from sqlib import contracts, intake, keys, pseudonyms
from sqlib.errors import ClientError

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "intake.toml").read_text(encoding="utf-8"))
NAMES = TEXTS["names"]
BLOCK = '[[tables.feedback]]\nfiles = ["raw/a.csv"]\n'
CUSTOMERS = '[[tables.customers]]\nfiles = ["raw/c.csv"]\n'


def everything(raw: intake.Raw) -> str:
    return "".join(frame.to_csv() for frame in (raw.frame, raw.repairs, raw.problems))


def test_a_pseudonym_depends_on_name_kind_and_key_and_on_nothing_else():
    first = pseudonyms.of(NAMES[1], "customer", b"key")
    assert first == pseudonyms.of(NAMES[1].replace(" ", "\u3000"), "name", b"key")
    assert first.startswith("C-") and len(first) == 2 + pseudonyms.LENGTH
    assert len({first, pseudonyms.of(NAMES[1], "person", b"key"), pseudonyms.of(NAMES[1], "name", b"other")}) == 3
    # HMAC-SHA256 with key "key" of "C:a", base32, first ten: computed with openssl and coreutils' base32
    assert pseudonyms.of("a", "name", b"key") == "C-T2J3ZGOFU6"


def test_names_leave_the_frame_and_the_logs(tmp_path):
    raw = read(tmp_path, BLOCK, a__csv=TEXTS["name_csv"])
    assert "customer_name" not in raw.frame
    first, second, third = raw.frame["customer_id"]
    assert first == second == pseudonyms.of(NAMES[0], "name", b"key") != third
    assert raw.frame["staff_id"].tolist()[2] == "1007" and raw.frame["staff_id"].str.startswith("P-").sum() == 2
    assert not any(name in everything(raw) for name in NAMES)
    assert (raw.repairs["rule"] == "name_pseudonymised").sum() == 5


def test_the_customers_table_gives_the_id(tmp_path):
    raw = read(tmp_path, BLOCK + CUSTOMERS, a__csv=TEXTS["name_csv"], c__csv=TEXTS["customers_csv"])
    assert raw.frame["customer_id"].tolist() == ["C001", "C001", "C002"]
    assert not (raw.problems["rule"] == "name_unmatched").any()


def test_a_name_the_customers_table_does_not_know_is_a_problem(tmp_path):
    text = TEXTS["customers_csv"].replace(NAMES[0], "x")
    raw = read(tmp_path, BLOCK + CUSTOMERS, a__csv=TEXTS["name_csv"], c__csv=text)
    assert raw.frame["customer_id"].str.startswith("C-").tolist() == [True, True, False]
    problem = raw.problems[raw.problems["rule"] == "name_unmatched"].iloc[0]
    assert (problem["row"], problem["count"]) == (2, 1)


def test_a_name_of_two_customers_gives_no_id(tmp_path):
    text = TEXTS["customers_csv"].replace(NAMES[1].replace(" ", ""), NAMES[0])
    raw = read(tmp_path, BLOCK + CUSTOMERS, a__csv=TEXTS["name_csv"], c__csv=text)
    assert raw.frame["customer_id"].str.startswith("C-").all()
    assert "name_ambiguous" in set(raw.problems["rule"])


def test_ids_survive(tmp_path):
    text = "customer_id,score\nNA,1\n007,2\n1e5,3\nNone,4\n12,5\n"
    assert read(tmp_path, BLOCK, a__csv=text).frame["customer_id"].tolist() == ["NA", "007", "1e5", "None", "12"]


def test_a_name_in_an_id_column_is_replaced_even_where_it_is_alone():
    cells = pd.Series(["1", "2", NAMES[0], "NA", "4", None], dtype="str")
    assert pseudonyms.are_names(cells).tolist() == [False, False, True, False, False, False]
    words = pd.Series(["Ann Smith", "Bob", "7"], dtype="str")
    assert pseudonyms.are_names(words).tolist() == [True, True, False]


def test_names_are_kept_apart_for_internal_use_and_private(tmp_path):
    client = make(tmp_path, BLOCK, a__csv=TEXTS["name_csv"])
    assert pseudonyms.names(client) == {}
    intake.read(client, "feedback", contracts.load("feedback"))
    kept = pseudonyms.names(client)
    assert set(kept.values()) >= {NAMES[0], NAMES[2]}
    assert kept[pseudonyms.of(NAMES[0], "name", b"key")] == NAMES[0]
    for path in pseudonyms.folder(client).iterdir():
        assert os.name == "nt" or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_key_comes_from_the_variable_named(tmp_path, monkeypatch):
    client = make(tmp_path, BLOCK, head='[client]\nname = "x"\n[privacy]\nkey_env = "SQLIB_TEST_KEY"\ndemo_key = "d"\n')
    monkeypatch.setenv("SQLIB_TEST_KEY", "secret")
    assert pseudonyms.key(client) == b"secret"
    monkeypatch.delenv("SQLIB_TEST_KEY")
    with pytest.raises(ClientError) as raised:
        pseudonyms.key(client)
    assert raised.value.code == "pseudonyms.key_unset" and "SQLIB_TEST_KEY" in str(raised.value)


def test_the_key_file_is_made_once_and_private(tmp_path):
    client = make(tmp_path, BLOCK, head='[client]\nname = "x"\n')
    path = tmp_path / keys.KEY_FILE
    assert not path.exists()
    first = pseudonyms.key(client)
    assert pseudonyms.key(client) == first == path.read_bytes() and len(first) == 64
    assert os.name == "nt" or stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [keys.KEY_FILE, "client.toml", "raw"]


def test_a_key_that_cannot_be_made_says_so(tmp_path, monkeypatch):
    client = make(tmp_path, BLOCK, head='[client]\nname = "x"\n')
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(ClientError) as raised:
        pseudonyms.key(client)
    assert raised.value.code == "pseudonyms.key_unwritable"
    assert not list(tmp_path.glob(".sqlib-key*"))


def test_no_key_is_made_where_no_name_is_met(tmp_path):
    read(tmp_path, BLOCK, head='[client]\nname = "x"\n', a__csv="customer_id,score\n1,5\n")
    assert not (tmp_path / keys.KEY_FILE).exists()


def test_a_file_system_without_links_gets_its_key_too(tmp_path, monkeypatch):
    client = make(tmp_path, BLOCK, head='[client]\nname = "x"\n')
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOTSUP, "not supported")))
    assert pseudonyms.key(client) == pseudonyms.key(client)
    assert [path.name for path in tmp_path.glob(".sqlib-key*")] == [keys.KEY_FILE]


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    client = make(tmp_path, BLOCK, a__csv=TEXTS["name_csv"])
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    with pytest.raises(ClientError) as raised:
        intake.read(client, "feedback", contracts.load("feedback"))
    assert raised.value.code == "pseudonyms.names_unwritable" and "No space left" in raised.value.parts("zh")["got"]
