"""The command: what it prints, where, and its exit codes."""

import io
import json
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from app.cli import run
from app.resources import ALL
from tests.conftest import ARTICLE, SEED, migrated, seeded
from tests.documents import article, vocabulary, written


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def indicators(folder: Path, *arguments: str) -> Ran:
    """Run the command in ``folder``, with its database there; in this process, as starting one takes a second."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    with chdir(folder), patch.object(sys, "argv", ["indicators", *arguments]), redirect_stdout(out), redirect_stderr(err):
        try:
            run()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    for stream in (out, err):
        stream.flush()
        stream.seek(0)
    return Ran(code, out.read(), err.read())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database that has the seed."""
    made = tmp_path_factory.mktemp("cli")
    seeded(migrated(f"sqlite:///{made}/indicators.db")).engine.dispose()
    return made


def test_from_nothing_to_the_seed(tmp_path: Path) -> None:
    before = indicators(tmp_path, "publish", "--seed")
    assert (before.returncode, before.stdout) == (1, "")
    assert "run `indicators migrate` first" in before.stderr
    assert not (tmp_path / "indicators.db").exists()
    assert indicators(tmp_path, "migrate").returncode == 0
    first, second = (indicators(tmp_path, "publish", "--seed").stdout for _ in range(2))
    assert first.count("facts added") == second.count("already there") == len(SEED)


@pytest.mark.parametrize("back", ["0001", "-1"])
def test_migrating_a_database_of_an_older_schema_builds_its_rows_as_json_and_its_texts(tmp_path: Path, back: str) -> None:
    database = seeded(migrated(f"sqlite:///{tmp_path}/indicators.db"))

    def kept() -> list[tuple[str, bytes, bytes]]:
        tables = "observation JOIN observation_json_en USING (number) JOIN observation_json_zh AS chinese USING (number)"
        sql = f"SELECT id, observation_json_en.body, chinese.body FROM {tables} ORDER BY id"  # noqa: S608  our own tables
        with database.read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

    def found() -> set[str]:
        with database.read() as connection:
            sql = "SELECT key FROM search_entry JOIN search_index ON search_index.rowid = id WHERE search_index MATCH '\"metro\"'"
            return set(connection.exec_driver_sql(sql).scalars())

    before, texts = kept(), found()
    assert indicators(tmp_path, "migrate", back).returncode == 0
    refused = indicators(tmp_path, "publish", "--seed")
    assert "has schema 0001, this software needs 0002; run `indicators migrate`" in refused.stderr
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM search_index")
        connection.exec_driver_sql("UPDATE observation_json_en SET body = '{}'")
    assert indicators(tmp_path, "migrate").returncode == 0
    assert len(before) > 45
    assert kept() == before
    assert len(texts) > 3
    assert found() == texts
    database.close()


def test_check_prints_every_fault_like_a_compiler(tmp_path: Path) -> None:
    data = article()
    data["observations"][0] |= {"hedge": "nearl", "indicator": "compnies"}
    (tmp_path / "words.json").write_bytes(written(vocabulary()))
    (tmp_path / "news.json").write_bytes(written(data))
    ran = indicators(tmp_path, "check", "words.json", "news.json")
    assert ran.returncode == 1
    assert ran.stdout == "words.json: ok\n"
    first, second = ran.stderr.splitlines()
    assert first.startswith("news.json:70:20: /observations/0/indicator: compnies is not a known indicator")
    assert first.endswith("did you mean companies?")
    assert second.endswith("/observations/0/hedge: nearl is none of the allowed values; did you mean nearly?")
    assert not (tmp_path / "indicators.db").exists()


def test_publish_stores_nothing_of_a_faulty_document(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "faulty.yaml").write_text("format: regional-indicators/1\n")
    ran = indicators(folder, "publish", str(tmp_path / "faulty.yaml"))
    assert ran.returncode == 1
    assert "source is missing" in ran.stderr
    assert len(json.loads(indicators(folder, "export", "revisions").stdout)["data"]) == len(SEED)


@pytest.mark.skipif(not ARTICLE.exists(), reason="the article is not beside this checkout")
def test_verify_reads_the_article(tmp_path: Path) -> None:
    ran = indicators(tmp_path, "verify", str(SEED[1]), "--text", str(ARTICLE))
    assert ran.returncode == 0, ran.stderr
    assert "citations stand in their lines" in ran.stdout


def test_verify_names_what_does_not_stand_there(tmp_path: Path) -> None:
    (tmp_path / "news.json").write_bytes(written(article()))
    (tmp_path / "text.txt").write_text("某人\n芯片某公司近300家\n去年4000家\n", encoding="utf8")
    ran = indicators(tmp_path, "verify", "news.json", "--text", "text.txt")
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 2
    assert "SHA-256" in ran.stderr
    assert "pilot: cites line 4, the text has 4" not in ran.stderr
    assert "pilot: '试点区' does not stand in line 4; it stands nowhere in the text" in ran.stderr


def test_texts_in_other_encodings_are_named(tmp_path: Path) -> None:
    (tmp_path / "news.json").write_bytes(written(article()))
    (tmp_path / "text.txt").write_bytes("某人\n芯片某公司近300家\n".encode("gbk"))
    ran = indicators(tmp_path, "verify", "news.json", "--text", "text.txt")
    assert (ran.returncode, len(ran.stderr.splitlines())) == (1, 2)
    assert "the text is not UTF-8 (line 1, column 2); it can be read as GBK or GB 18030" in ran.stderr
    (tmp_path / "gbk.json").write_bytes(json.dumps(article(), ensure_ascii=False).encode("gbk"))
    ran = indicators(tmp_path, "check", "gbk.json")
    assert (ran.returncode, len(ran.stderr.splitlines())) == (1, 1)
    assert ran.stderr.startswith("gbk.json:1:")
    assert "not UTF-8: expected UTF-8; the text can be read as GBK or GB 18030" in ran.stderr


def test_export_writes_all_rows_and_takes_the_parameters_of_the_list(folder: Path) -> None:
    whole = json.loads(indicators(folder, "export", "relations").stdout)
    assert whole["meta"]["count"] == len(whole["data"]) > 90
    some = indicators(folder, "export", "observations", "topic=talent", "fields=id,value", "--format", "csv").stdout
    assert some.splitlines()[0] == "id,value"
    assert len(some.splitlines()) == 5


def test_export_of_everything(folder: Path, tmp_path: Path) -> None:
    ran = indicators(folder, "export", "--output", str(tmp_path / "out"), "--format", "csv")
    assert ran.returncode == 0, ran.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"{resource.name}.csv" for resource in ALL}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "zone"), "there is no resource zone; did you mean zones?"),
        (("export", "zones", "--format", "cvs"), "there is no format cvs; did you mean csv?"),
        (("export", "zones", "tpe=x"), "tpe: Unknown parameter; did you mean type?"),
        (("export",), "name a resource, or a folder"),
        (("publish",), "name documents to publish, or --seed"),
        (("publish", "nothing.yaml"), "nothing.yaml: no such file or directory"),
        (("check", "nothing.yaml"), "nothing.yaml: no such file or directory"),
        (("migrate", "nothing"), "there is no schema nothing"),
    ],
)
def test_what_cannot_be_done_is_one_line_on_stderr(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = indicators(folder, *arguments)
    assert (ran.returncode, ran.stdout) == (1, "")
    (line,) = ran.stderr.splitlines()
    assert said in line


def test_a_bad_setting_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "http")
    ran = indicators(folder, "serve")
    assert ran.returncode == 1
    assert "PORT" in ran.stderr.splitlines()[0]


@pytest.mark.parametrize("command", ["serve", "migrate", "check", "publish", "verify", "export"])
def test_help_has_an_example(tmp_path: Path, command: str) -> None:
    ran = indicators(tmp_path, command, "--help")
    assert ran.returncode == 0
    assert "Example" in ran.stdout
    assert f"indicators {command}" in ran.stdout


def test_a_backup_is_made_checked_and_restored(folder: Path, tmp_path: Path) -> None:
    made = indicators(folder, "backup", str(tmp_path / "backup.db"))
    assert made.returncode == 0, made.stderr
    assert "2 revision" in made.stdout
    assert "exists already" in indicators(folder, "backup", str(tmp_path / "backup.db")).stderr
    assert "sound" in indicators(tmp_path, "restore", "backup.db", "--verify").stdout
    assert not (tmp_path / "indicators.db").exists()
    assert indicators(tmp_path, "restore", "backup.db").returncode == 0
    served = ["export", "observations", "--format", "csv"]
    assert indicators(tmp_path, *served).stdout == indicators(folder, *served).stdout
    refused = indicators(tmp_path, "restore", "backup.db")
    assert (refused.returncode, "--replace" in refused.stderr) == (1, True)
    indicators(tmp_path, "retract", "thepaper-20240329-xuhui")
    assert indicators(tmp_path, "restore", "backup.db", "--replace").returncode == 0
    assert indicators(tmp_path, *served).stdout == indicators(folder, *served).stdout


def test_a_damaged_backup_is_refused(folder: Path, tmp_path: Path) -> None:
    indicators(folder, "backup", str(tmp_path / "backup.db"))
    content = bytearray((tmp_path / "backup.db").read_bytes())
    content[40_000:60_000] = bytes(20_000)
    (tmp_path / "backup.db").write_bytes(content)
    for arguments in (["--verify"], []):
        refused = indicators(tmp_path, "restore", "backup.db", *arguments)
        assert refused.returncode == 1
        assert "damaged" in refused.stderr
    assert not (tmp_path / "indicators.db").exists()


def test_tokens_are_issued_listed_and_revoked(tmp_path: Path) -> None:
    migrated(f"sqlite:///{tmp_path}/indicators.db").engine.dispose()
    issued = indicators(tmp_path, "token", "issue", "newsroom", "--scope", "publish:thepaper-", "--scope", "retract")
    assert issued.returncode == 0, issued.stderr
    token = issued.stdout.strip()
    listed = indicators(tmp_path, "token", "list").stdout
    assert token[4:12] in listed
    assert "publish:thepaper- retract" in listed
    assert token not in listed
    assert indicators(tmp_path, "token", "revoke", token[4:12]).returncode == 0
    assert indicators(tmp_path, "token", "revoke", token[4:12]).returncode == 1
    assert "issue token" in indicators(tmp_path, "audit").stdout
    wrong = indicators(tmp_path, "token", "issue", "x", "--scope", "write")
    assert (wrong.returncode, "there is no scope write" in wrong.stderr) == (1, True)
    assert indicators(tmp_path, "token", "issue", "x", "--scope", "admin", "--expires", "soon").returncode == 1


def test_diff_and_retract_beside_the_database(tmp_path: Path) -> None:
    migrated(f"sqlite:///{tmp_path}/indicators.db").engine.dispose()
    (tmp_path / "words.yaml").write_bytes(written(vocabulary()))
    (tmp_path / "news.yaml").write_bytes(written(article()))
    assert indicators(tmp_path, "publish", "words.yaml", "news.yaml").returncode == 0
    assert "nothing new" in indicators(tmp_path, "diff", "news.yaml").stdout
    data = article()
    data["observations"][0] |= {"value": 350, "cite": {"line": 2, "text": "近350家"}}
    (tmp_path / "news.yaml").write_bytes(written(data))
    found = indicators(tmp_path, "diff", "news.yaml").stdout
    assert "~ observations news.chip-companies: 近350家" in found
    assert "value: 300 -> 350" in found
    assert "0 facts added, 1 changed, 0 retracted" in found
    assert "2 revision" in indicators(tmp_path, "backup", "x.db").stdout  # nothing was kept
    assert "4 retracted" in indicators(tmp_path, "retract", "news").stdout
    assert "was retracted already" in indicators(tmp_path, "retract", "news").stdout
    missing = indicators(tmp_path, "retract", "new")
    assert (missing.returncode, "did you mean news?" in missing.stderr) == (1, True)
