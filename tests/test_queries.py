"""Queries in place of files: SQLite everywhere, a real PostgreSQL where Debian's server is there."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import database
import pandas as pd
import pytest
from client_folder import HEAD, make, write

from sqlib import batch, client, contracts, corrections, freshness, intake, jobs, queries, tables
from sqlib.errors import ClientError

ROOT = Path(__file__).parents[1]
ROWS = [("F2", "C2", 4, "2026-07-05 10:00:00"), ("F1", "C1", 5, "2026-07-03 09:30:00"), ("F3", "C3", None, None)]
ASKED = "SELECT id AS feedback_id, customer AS customer_id, score, answered AS received_at FROM answers"
BLOCK = "[[tables.feedback]]\nquery = '''{query}'''\nurl_env = \"SQLIB_TEST_BASE\"\n"
MORE = 'constants = { metric = "csat", scale_min = "1", scale_max = "5" }\n'
CSV = "feedback_id,customer_id,score,received_at\nF1,C1,5,2026-07-03 09:30:00\nF2,C2,4,2026-07-05 10:00:00\nF3,C3,,\n"


def base(path: Path, rows=ROWS) -> str:
    """The address of an SQLite base with these answers."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS answers (id TEXT, customer TEXT, score INTEGER, answered TEXT)")
        connection.execute("DELETE FROM answers")
        connection.executemany("INSERT INTO answers VALUES (?, ?, ?, ?)", rows)
    connection.close()
    return f"sqlite:///{path}"


@pytest.fixture(autouse=True)
def begun():
    queries.anew()


@pytest.fixture
def address(tmp_path, monkeypatch):
    monkeypatch.setenv("SQLIB_TEST_BASE", base(tmp_path / "acme.db"))


def asking(root: Path, query: str = ASKED, more: str = MORE) -> client.Client:
    return make(root, BLOCK.format(query=query) + more, HEAD)


def refused(root: Path, query: str = ASKED) -> ClientError:
    with pytest.raises(ClientError) as error:
        tables.load(asking(root, query), "feedback", as_of=None)
    for language in ("zh", "en"):
        parts = error.value.parts(language)
        assert parts["what"] and parts["where"] and parts["got"] and parts["remedy"]
        assert database.PASSWORD not in error.value.text(language)
    return error.value


# ---------------------------------------------------------------- what comes back


def test_a_query_gives_the_table_a_file_gives(tmp_path, address):
    asked = tables.load(asking(tmp_path / "asks"), "feedback", as_of=None)
    block = '[[tables.feedback]]\nfiles = ["raw/f.csv"]\n' + MORE
    read = tables.load(make(tmp_path / "reads", block, HEAD, f__csv=CSV), "feedback", as_of=None)
    pd.testing.assert_frame_equal(asked.frame.drop(columns="source_file"), read.frame.drop(columns="source_file"))
    assert set(asked.frame["source_file"]) == {"queries/feedback-1.parquet"}
    assert asked.counts["raw_rows"].tolist() == [3]


def test_the_order_in_which_a_database_answers_does_not_matter(tmp_path, monkeypatch, address):
    first = asking(tmp_path / "acme")
    path = queries.stored(first, first.tables["feedback"][0], "x")
    before = path.read_bytes(), path.stat().st_mtime_ns
    monkeypatch.setenv("SQLIB_TEST_BASE", base(tmp_path / "other.db", ROWS[::-1]))
    queries.anew()
    assert queries.stored(first, first.tables["feedback"][0], "x") == path
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before  # equal rows leave the file alone
    assert path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0


def test_it_is_asked_once_a_run_and_otherwise_read_as_it_lies(tmp_path, monkeypatch, address):
    who = asking(tmp_path / "acme")
    source = who.tables["feedback"][0]
    path = queries.stored(who, source, "x")
    base(tmp_path / "acme.db", ROWS[:1])
    stored = path.read_bytes()
    assert queries.stored(who, source, "x").read_bytes() == stored  # the same run
    monkeypatch.setattr(queries, "_asked", None)
    monkeypatch.delenv("SQLIB_TEST_BASE")
    assert queries.stored(who, source, "x").read_bytes() == stored  # a page: no address needed
    other = source.model_copy(update={"query": source.query + " WHERE 1 = 1"})
    with pytest.raises(ClientError) as unset:
        queries.stored(who, other, "x")  # what lies there answers another question
    assert unset.value.code == "queries.url_unset"


def test_blocks_that_ask_the_same_read_the_same_rows(tmp_path, address):
    """Rows without an id of their own get one from their place, the same in every table made of them."""
    query = "SELECT customer AS customer_id, score, answered AS received_at FROM answers"
    more = BLOCK.format(query=query).replace("feedback", "feedback_items") + MORE.replace(" }", ', item_id = "all" }')
    who = asking(tmp_path / "acme", query, MORE + more)
    frames = [tables.load(who, name, as_of=None).frame for name in ("feedback", "feedback_items")]
    assert set(frames[0]["feedback_id"]) == set(frames[1]["feedback_id"]) and len(frames[0]) == 2


VALUES = [
    ("NULL", ""), ("1.50", "1.5"), ("4.0", "4"), ("'2026-07-03'", "2026-07-03"), ("'x ''y'' %s :z'", "x 'y' %s :z"),
    ("12345678901234567890 * 1.0", "1.2345678901234567e+19"), ("'=1+1'", "=1+1"), ("''", ""),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), VALUES)
def test_values_become_what_an_export_would_write(tmp_path, address, value, text):
    who = asking(tmp_path / "acme", f"SELECT 'F1' AS feedback_id, {value} AS comment")
    path = queries.stored(who, who.tables["feedback"][0], "x")
    assert pd.read_parquet(path)["comment"].tolist() == [text]


def test_rows_nobody_asks_for_any_more_do_not_stay(tmp_path, address):
    two = asking(tmp_path / "acme", ASKED, MORE + BLOCK.format(query=ASKED + " WHERE score > 4") + MORE)
    tables.load(two, "feedback", as_of=None)
    pd.DataFrame({"own": [1]}).to_parquet(tmp_path / "acme" / "queries" / "own.parquet")
    queries.anew()
    tables.load(asking(tmp_path / "acme", ASKED + " WHERE score < 5"), "feedback", as_of=None)
    left = sorted(path.name for path in (tmp_path / "acme" / "queries").iterdir())
    assert left == ["feedback-1.parquet", "own.parquet"]


@pytest.mark.parametrize("query", [f"{ASKED};", f"-- all\n{ASKED} -- of them", f"WITH a AS ({ASKED}) SELECT * FROM a"])
def test_a_query_may_be_written_in_any_way(tmp_path, address, query):
    assert tables.load(asking(tmp_path / "acme", query), "feedback", as_of=None).counts["raw_rows"].tolist() == [3]


def test_no_row_is_told_and_costs_no_other_block(tmp_path, address):
    who = asking(tmp_path / "acme", f"{ASKED} WHERE score > 5", MORE + BLOCK.format(query=ASKED) + MORE)
    loaded = tables.load(who, "feedback", as_of=None)
    assert loaded.counts["raw_rows"].tolist() == [0, 3]
    told = loaded.problems[loaded.problems["rule"] == "query_no_rows"]
    assert told["file"].tolist() == ["queries/feedback-1.parquet"]


def test_a_word_in_a_column_of_scores_is_a_problem_of_its_row(tmp_path, address):
    query = ASKED.replace("score,", "CASE id WHEN 'F1' THEN 'good' ELSE score END AS score,")
    loaded = tables.load(asking(tmp_path / "acme", query), "feedback", as_of=None)
    odd = loaded.problems[loaded.problems["value"] == "good"]
    assert odd["column"].tolist() == ["score"] and len(loaded.frame) == 1


# ---------------------------------------------------------------- what is refused


WRITES = [
    "UPDATE answers SET score = 5", "DELETE FROM answers", "DROP TABLE answers", "PRAGMA user_version",
    "INSERT INTO answers VALUES ('F9', 'C9', 1, '') RETURNING id",
]  # fmt: skip


@pytest.mark.parametrize("query", WRITES)
def test_a_query_that_writes_is_refused(tmp_path, address, query):
    assert refused(tmp_path / "acme", query).code == "queries.writes"
    assert sqlite3.connect(tmp_path / "acme.db").execute("SELECT count(*) FROM answers").fetchone() == (3,)


FREED = (
    "SELECT 1 AS score) AS a; COMMIT; BEGIN READ WRITE; DELETE FROM answers; COMMIT; SELECT * FROM (SELECT 1 AS score"
)


@pytest.mark.parametrize("query", [f"{ASKED}; DELETE FROM answers", FREED, "SELECT ';' AS comment"])
def test_one_statement_only(tmp_path, address, query):
    assert refused(tmp_path / "acme", query).code == "queries.semicolon"


@pytest.mark.parametrize("query", ["SELECT 1) AS a, (DELETE FROM answers", "SELECT score FROM replies", "SELECT FROM"])
def test_what_a_database_cannot_answer_is_told_in_its_words(tmp_path, address, query):
    error = refused(tmp_path / "acme", query)
    assert error.code == "queries.failed" and error.values["got"]
    assert sqlite3.connect(tmp_path / "acme.db").execute("SELECT count(*) FROM answers").fetchone() == (3,)


def test_the_database_itself_refuses_to_write(tmp_path, address):
    """Also what passes as a query cannot write."""
    with queries._connection("SQLIB_TEST_BASE", tmp_path, "x") as (connection, _):
        from sqlalchemy.exc import DBAPIError

        with pytest.raises(DBAPIError) as error:
            connection.exec_driver_sql("DELETE FROM answers")
        assert queries._refused_write(error.value)


ADDRESSES = [
    ("", "url_unset"), ("nonsense s3cret:/@#%", "bad_url"), ("sqlite:///no/such.db", "no_base"),
    ("sqlite://", "no_base"), ("postgresql://u:p@s3cret@127.0.0.1/b", "bad_url"),
    ("mssql+pyodbc://u:s3cret@h/b", "dialect"), ("postgresql+psycopg2://u:s3cret@127.0.0.1:9/b", "unreachable"),
    ("postgresql+pg8000://u:s3cret@127.0.0.1:9/b", "unreachable"), ("postgresql+none://u:s3cret@/b", "not_installed"),
    ("postgresql://u:s3cret@127.0.0.1:9/b", "unreachable"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "session", "code"),
    [
        (ASKED, queries.REFUSE_WRITES["sqlite"], ""),
        ("SELECT nothing FROM answers", queries.REFUSE_WRITES["sqlite"], "failed"),
        (ASKED, "PRAGMA no such thing", "no_entry"),
    ],
)
def test_no_connection_stays_open(tmp_path, monkeypatch, address, query, session, code):
    opened, connect = [], queries._sqlite
    monkeypatch.setattr(queries, "_sqlite", lambda path: opened.append(connect(path)) or opened[-1])
    monkeypatch.setitem(queries.REFUSE_WRITES, "sqlite", session)
    if code:
        assert refused(tmp_path / "acme", query).code == f"queries.{code}"
    else:
        tables.load(asking(tmp_path / "acme", query), "feedback", as_of=None)
    (connection,) = opened
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


@pytest.mark.parametrize(("address", "code"), ADDRESSES)
def test_an_address_that_leads_nowhere_is_told_without_its_password(tmp_path, monkeypatch, address, code):
    monkeypatch.setenv("SQLIB_TEST_BASE", address)
    error = refused(tmp_path / "acme")
    assert error.code == f"queries.{code}" and "s3cret" not in error.text("zh") + error.text("en") + repr(error.values)
    assert not (tmp_path / "acme" / "no").exists()  # SQLite would have made a base


@pytest.mark.parametrize("missing", ["sqlalchemy", "pg8000"])
def test_without_a_library_it_is_said_how_to_install_it(tmp_path, monkeypatch, missing):
    monkeypatch.setenv("SQLIB_TEST_BASE", "postgresql+pg8000://u:p@/b")
    monkeypatch.setitem(sys.modules, missing, None)
    error = refused(tmp_path / "acme")
    assert error.code == "queries.not_installed" and error.values["got"] == missing


@pytest.mark.parametrize("value", ["x'00ff'", "x''"])
def test_a_result_that_no_export_could_write_is_refused(tmp_path, address, value):
    error = refused(tmp_path / "acme", f"SELECT {value} AS comment")
    assert (error.code, error.values["column"], error.values["got"]) == ("queries.column_type", "comment", "bytes")


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(ClientError) as error:
        queries._table(["id", "score", "id"], [], "x")
    assert error.value.code == "queries.column_twice" and error.value.values["got"] == "id"


BLOCKS = [
    ('query = "SELECT 1"\n', "client.missing_key", "url_env"), ('url_env = "A"\n', "client.missing_key", "query"),
    ("dayfirst = true\n", "client.missing_key", "files"), ('files = []\n', "client.missing_key", "files"),
    ('query = "SELECT 1"\nurl_env = "A"\nfiles = ["raw/f.csv"]\n', "client.files_and_query", "query"),
    ('query = "SELECT 1"\nurl_env = "A"\nsheet = "x"\nencoding = "gbk"\n', "client.not_of_a_query", "sheet, encoding"),
    ('query = "SELECT 1"\nurl_env = "sqlite:///s3cret"\n', "client.url_written", "url_env"),
    ('query = "SELECT 1"\nurl = "postgresql://u:s3cret@h/b"\n', "client.unknown_key", "url"),
]  # fmt: skip


@pytest.mark.parametrize(("block", "code", "named"), BLOCKS)
def test_a_block_has_files_or_a_query(tmp_path, block, code, named):
    with pytest.raises(ClientError) as error:
        make(tmp_path / "acme", f"[[tables.feedback]]\n{block}", HEAD)
    told = error.value.text("en") + error.value.text("zh")
    assert error.value.code == code and named in told and "s3cret" not in told


def test_a_folder_that_cannot_be_written_is_told(tmp_path, address):
    who = asking(tmp_path / "acme")
    (tmp_path / "acme" / "queries").write_text("a file", encoding="utf-8")
    with pytest.raises(ClientError) as error:
        tables.load(who, "feedback", as_of=None)
    assert error.value.code == "queries.unwritable"


def test_a_secret_in_the_words_of_a_driver_gives_way():
    from sqlalchemy import make_url

    url = make_url(database.url(1))
    told = f"cannot reach {url.render_as_string(hide_password=False)} as {database.PASSWORD}, or {database.url(1)}"
    assert queries._plain(OSError(told), url) == "cannot reach *** as ***, or ***"


def test_a_server_that_accepts_and_stays_silent_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(queries, "REACH", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("SQLIB_TEST_BASE", f"postgresql://u:s3cret@127.0.0.1:{silent.getsockname()[1]}/b")
        assert refused(tmp_path / "acme").code == "queries.unreachable"


@pytest.mark.parametrize("named", [True, False])
def test_a_decision_on_a_row_of_a_query_needs_its_id(tmp_path, address, named):
    """Rows of a result move: without an id nobody can tell which is meant."""
    query = ASKED if named else ASKED.replace("id AS feedback_id, ", "")
    who = asking(tmp_path / "acme", query.replace("score,", "score + 90 * (id = 'F1') AS score,"))
    line = tables.load(who, "feedback", as_of=None).problems.query("value == '95'").iloc[0]
    contract = contracts.load("feedback")
    known = corrections.records(intake.read(who, "feedback", contract).frame, contract).iloc[0]
    record = json.dumps(known)
    cell = f'table = "feedback", file = "{line["file"]}", row = {line["row"]}, column = "score", record = {record}'
    told = f'decided = 2026-10-01, {cell}, decision = "correct", value = "95", rule = "{line["rule"]}", corrected = "4"'
    (tmp_path / "acme" / "corrections.toml").write_text(f"decisions = [{{ {told} }}]\n", encoding="utf-8")
    decided = tables.load(who, "feedback", as_of=None).decisions.iloc[0]
    assert (decided["status"], decided["reason"]) == (("applied", "") if named else ("orphaned", "no_id"))


# ---------------------------------------------------------------- reports


def test_a_report_is_current_until_a_row_changes_and_one_client_costs_no_other(tmp_path, monkeypatch, address):
    shutil.copytree(Path(__file__).parent / "notebooks", tmp_path / "notebooks")
    monkeypatch.chdir(tmp_path)
    head = HEAD + '[period]\ndefault = "2026Q3"\n'
    write(tmp_path / "asks", BLOCK.format(query=ASKED) + MORE, head)
    write(tmp_path / "wrong", BLOCK.format(query="SELECT nothing FROM answers") + MORE, head)
    out = tmp_path / "reports"
    made = batch.run(jobs.plan(["asks", "wrong"]), out)
    assert [outcome.status for outcome in made] == ["done", "skipped"] and made[1].reason.code == "queries.failed"
    assert [outcome.status for outcome in batch.run(jobs.plan(["asks"]), out, force=False)] == ["current"]
    base(tmp_path / "acme.db", [*ROWS[:2], ("F3", "C3", 1, "2026-08-01")])
    queries.anew()
    (planned,) = freshness.sort(jobs.plan(["asks"]), out)
    assert planned.why == (("inputs", "queries/feedback-1.parquet"),)
    told = json.loads((out / "asks/2026Q3/run.json").read_text(encoding="utf-8"))["jobs"][0]
    assert list(told["basis"]["inputs"]) == ["queries/feedback-1.parquet"]


# ---------------------------------------------------------------- PostgreSQL


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if reason := database.absent():
        pytest.skip(reason)
    with database.started(tmp_path_factory.mktemp("postgresql") / "server") as port:
        yield port


@pytest.fixture
def answers(server, monkeypatch):
    """The answers in the server, and its address in the variable."""
    columns = "id text, customer text, score numeric(4, 1), answered timestamp"
    execute(server, "DROP TABLE IF EXISTS answers", f"CREATE TABLE answers ({columns})")
    for row in ROWS:
        execute(server, ("INSERT INTO answers (id, customer, score, answered) VALUES (%s, %s, %s, %s)", row))
    monkeypatch.setenv("SQLIB_TEST_BASE", database.url(server))
    return server


def execute(port: int, *statements):
    """As the owner of the base, without any of our precautions."""
    import pg8000.dbapi

    connection = pg8000.dbapi.connect(user=database.USER, password=database.PASSWORD, host="127.0.0.1", port=port,
                                       database="postgres")  # fmt: skip
    connection.autocommit = True
    cursor = connection.cursor()
    for each in statements:
        cursor.execute(*(each if isinstance(each, tuple) else (each,)))
    found = cursor.fetchall() if cursor.description else []
    connection.close()
    return found


def test_postgresql_gives_the_table_a_file_gives(tmp_path, answers):
    asked = tables.load(
        asking(tmp_path / "asks", ASKED + " WHERE customer LIKE 'C%' ORDER BY 1 DESC;"), "feedback", as_of=None
    )
    block = '[[tables.feedback]]\nfiles = ["raw/f.csv"]\n' + MORE
    read = tables.load(make(tmp_path / "reads", block, HEAD, f__csv=CSV), "feedback", as_of=None)
    pd.testing.assert_frame_equal(asked.frame.drop(columns="source_file"), read.frame.drop(columns="source_file"))


@pytest.mark.parametrize(("query", "code"), [
    ("UPDATE answers SET score = 1", "writes"),
    ("WITH gone AS (DELETE FROM answers RETURNING id) SELECT id AS feedback_id FROM gone", "failed"),
    (FREED, "semicolon"),
    ("SELECT nextval('counted') AS feedback_id", "writes"),
    ("SELECT score FROM replies", "failed"),
    ("SELECT odd AS comment FROM (VALUES ('\\x00'::bytea)) AS v (odd)", "column_type"),
    ("SELECT array[1, 2] AS comment", "column_type"),
])  # fmt: skip
def test_postgresql_reads_only(tmp_path, answers, query, code):
    execute(answers, "CREATE SEQUENCE IF NOT EXISTS counted")
    assert refused(tmp_path / "acme", query).code == f"queries.{code}"
    assert [list(row) for row in execute(answers, "SELECT count(*) FROM answers")] == [[3]]


def test_postgresql_may_take_its_time(tmp_path, monkeypatch, answers):
    monkeypatch.setattr(queries, "REACH", 0.5)
    asked = "SELECT 'F1' AS feedback_id FROM pg_sleep(1)"
    assert tables.load(asking(tmp_path / "acme", asked), "feedback", as_of=None).counts["raw_rows"].tolist() == [1]


@pytest.mark.parametrize("change", [{"password": "wr0ng:/@#%"}, {"base": "nothing"}])
def test_postgresql_lets_nobody_in_with_a_wrong_password_or_base(tmp_path, monkeypatch, server, change):
    monkeypatch.setenv("SQLIB_TEST_BASE", database.url(server, **change))
    error = refused(tmp_path / "acme")
    assert error.code == "queries.no_entry" and "wr0ng" not in error.text("en") + repr(error.values)


def test_the_secret_is_in_nothing_that_is_written_or_said(tmp_path, answers):
    """A report whose answers lie in the database, in four formats; then one that cannot be made, and a check of it."""
    who = tmp_path / "acme"
    insert = (
        "INSERT INTO answers SELECT 'G' || n, 'C' || n, 1 + n % 5, '2026-07-01'::date + n FROM generate_series(4, 60) n"
    )
    execute(answers, insert)
    command = [sys.executable, "-m", "sqlib", "run", str(who), "--only", "feedback_analysis", "--out",
               str(tmp_path / "reports"), "--to", "html,pdf,docx,xlsx", "--log-json"]  # fmt: skip
    told = []
    for query in (ASKED, "SELECT nothing FROM answers"):
        write(who, BLOCK.format(query=query) + MORE, HEAD + '[period]\ndefault = "2026Q3"\n')
        done = subprocess.run(command, cwd=ROOT, capture_output=True)
        told.append(done.stdout + done.stderr)
    checked = [sys.executable, "-m", "sqlib", "check", str(who)]
    done = subprocess.run(checked, cwd=ROOT, capture_output=True)
    told.append(done.stdout + done.stderr)
    assert b'"status": "done"' in told[0] and b"queries.failed" in told[1] and done.returncode == 2
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 10
    address = os.environ["SQLIB_TEST_BASE"]
    for secret in (database.PASSWORD, address, address.split("@")[0].rsplit(":", 1)[1]):
        assert not any(secret.encode() in data for data in [*told, *written])
