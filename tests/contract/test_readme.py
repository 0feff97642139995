"""The documentation is true: its examples run, and it names every resource, filter, format, address, setting and command."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.main import get_command

import app
from app.cli import commands
from app.formats import FORMATS
from app.mcp.tools import TOOLS
from app.resources import ALL
from app.settings import Settings

ROOT = Path(app.__file__).parent.parent
README = (ROOT / "README.md").read_text("utf8")
DOCS = "\n".join([README, *(page.read_text("utf8") for page in sorted((ROOT / "docs").rglob("*.md")))])
EXAMPLES = re.findall(r"```console\n\$ curl '([^']+)'\n(.*?)```", DOCS, re.DOTALL)


@pytest.mark.parametrize(("address", "shown"), EXAMPLES, ids=lambda text: text[:60])
def test_every_example_runs(seed_client: TestClient, address: str, shown: str) -> None:
    answer = seed_client.get(address.removeprefix("http://127.0.0.1:8000"))
    if "json" in answer.headers["content-type"]:
        assert answer.json() == json.loads(shown)
    else:
        assert answer.text.replace("\r\n", "\n") == shown


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == DOCS.count("$ curl") > 3


def test_everything_is_named() -> None:
    names = [f"`{resource.name}`" for resource in ALL]
    names += [f"`{name}`" for resource in ALL for name in resource.query.model_fields]
    names += [f"`{format_.name}`" for format_ in FORMATS]
    names += [f"`{name.upper()}`" for name in Settings.model_fields]
    names += [f"`{name}`" for name in TOOLS]
    group: Any = get_command(commands)
    names += [f"indicators {name}" for name in group.commands]
    assert [name for name in dict.fromkeys(names) if name not in DOCS] == []


def test_every_setting_has_its_default() -> None:
    for name, info in Settings.model_fields.items():
        default = "" if info.default is None else f"`{str(info.default).lower() if info.default is False else info.default}` "
        assert f"| `{name.upper()}` | {default}|" in DOCS, name


def test_every_address_is_named(seed_client: TestClient) -> None:
    generic = tuple(f"/v1/{resource.name}" for resource in ALL)
    addresses = {path for path in seed_client.get("/openapi.json").json()["paths"] if path.startswith("/v1/")}
    addresses -= {*generic, *(f"{path}/{{id}}" for path in generic)}
    assert sorted(path for path in addresses if path not in DOCS) == []


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 130


def test_every_link_of_the_readme_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)", README)
    assert [target for target in targets if not (ROOT / target).is_file()] == []
