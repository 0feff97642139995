"""The command: what it prints, where, and its exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.resources import ALL
from tests.conftest import ARTICLE, SEED, migrated, seeded
from tests.documents import article, vocabulary, written

Ran = subprocess.CompletedProcess[str]


def indicators(folder: Path, *arguments: str) -> Ran:
    """Run the command in ``folder``, with its database there."""
    program = [sys.executable, "-c", "from app.cli import run; run()"]
    return subprocess.run([*program, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60)


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
        (("export", "zones", "tpe=x"), "tpe: Unknown parameter.; did you mean type?"),
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
