"""The commands with ``--url``: the same as beside the database, through HTTP and a token."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from app.auth.tokens import issue
from app.cli import remote
from app.cli.remote import RemoteService
from app.db.database import Database
from app.errors import Refusal
from app.publishing.revisions import publish
from app.settings import bundled
from tests.conftest import migrated
from tests.documents import article, vocabulary, written
from tests.server import Running, free_port, running
from tests.test_cli import indicators


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """A service elsewhere, that has the vocabulary."""
    url = f"sqlite:///{tmp_path}/elsewhere.db"
    publish(database := migrated(url), written(vocabulary()))
    database.close()
    with running(url, tmp_path) as found:
        yield found


@pytest.fixture
def token(server: Running, monkeypatch: pytest.MonkeyPatch) -> str:
    """A token for it, where the commands look for one."""
    database = Database(f"sqlite:///{server.log.parent}/elsewhere.db", bundled("migrations"))
    with database.write() as connection:
        made = issue(connection, "test", ["publish", "retract"], None)
    database.close()
    monkeypatch.setenv("PUBLISH_TOKEN", made)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return made


@pytest.mark.usefixtures("token")
def test_publish_diff_revise_and_retract_elsewhere(server: Running, tmp_path: Path) -> None:
    def elsewhere(*arguments: str) -> str:
        done = indicators(tmp_path, *arguments, "--url", server.url)
        assert done.returncode == 0, done.stderr
        return done.stdout

    document = tmp_path / "news.json"
    document.write_bytes(written(article()))
    assert "revision 2, 4 facts added, 0 changed, 0 retracted" in elsewhere("publish", "news.json")
    assert "already there" in elsewhere("publish", "news.json")
    data = article()
    data["observations"][0] |= {"value": 350, "cite": {"line": 2, "text": "近350家"}}
    document.write_bytes(written(data))
    assert "value: 300 -> 350" in elsewhere("diff", "news.json")
    assert "revision 3, 0 facts added, 1 changed, 0 retracted" in elsewhere("publish", "news.json")
    assert "revision 4, 0 facts added, 0 changed, 4 retracted" in elsewhere("retract", "news")


@pytest.mark.usefixtures("token")
def test_faults_are_printed_as_those_of_check(server: Running, tmp_path: Path) -> None:
    data = article()
    data["observations"][0]["indicator"] = "compnies"
    (tmp_path / "news.json").write_text(json.dumps(data, indent=1))
    done = indicators(tmp_path, "publish", "news.json", "--url", server.url)
    assert done.returncode == 1
    assert done.stderr.startswith("news.json:")
    assert "did you mean companies?" in done.stderr


def test_what_cannot_be_done_is_one_line(server: Running, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "news.json").write_bytes(written(article()))
    monkeypatch.setattr(remote, "ATTEMPTS", 1)
    wrong = token[:-1] + ("a" if token[-1] != "a" else "b")
    cases = [
        (server.url, None, "PUBLISH_TOKEN is not set"),
        (server.url, wrong, "answered 401"),
        (f"http://127.0.0.1:{free_port()}", token, "cannot be reached"),
    ]
    for url, given, said in cases:
        if given is None:
            monkeypatch.delenv("PUBLISH_TOKEN")
        else:
            monkeypatch.setenv("PUBLISH_TOKEN", given)
        done = indicators(tmp_path, "publish", "news.json", "--url", url)
        assert (done.returncode, done.stderr.count("\n"), said in done.stderr) == (1, 1, True), done.stderr
        assert "ria_" not in done.stderr


def test_a_lost_answer_is_asked_for_again(server: Running, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answer is lost on its way: the second attempt has the same key, and gets the receipt."""
    send = httpx.HTTPTransport.handle_request
    lost: list[httpx.Response] = []

    def losing(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        answer = send(self, request)
        if request.method == "POST" and not lost:
            answer.read()
            lost.append(answer)
            raise httpx.ReadError("the connection broke")
        return answer

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", losing)
    with closing(RemoteService(server.url, token)) as service:
        made = service.publish(written(article()))
        assert (made["id"], made["new"]) == (2, True)
        assert json.loads(lost[0].content)["data"] == made
        with pytest.raises(Refusal, match="404"):
            service.retract("nothing")
