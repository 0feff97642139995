"""The documentation as a site: it builds without broken links, and its pages load nothing from elsewhere."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import app

ROOT = Path(app.__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site from a copy, so that the tree stays as it is."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    ran = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder / "site"


def test_every_page_is_built(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    assert {path.relative_to(site).with_suffix("") for path in site.rglob("*.html")} - {Path("404")} == pages


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text()
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if f": {page}\n" not in navigation] == []


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    elements = r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?(?:https?:)?//[^\"' >]+"
    loads = re.compile(elements + r"|@import|url\([\"']?https?:")
    pages = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert [(page.name, match[0]) for page in pages if (match := loads.search(page.read_text("utf8")))] == []


def test_the_changelog_has_the_version_with_its_date() -> None:
    heading = rf"^## \[{re.escape(version('regional-indicators'))}\] - \d{{4}}-\d\d-\d\d$"
    assert re.search(heading, (ROOT / "CHANGELOG.md").read_text("utf8"), re.MULTILINE)


def test_every_module_that_the_documentation_names_is_there() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named = {path for page in pages for path in re.findall(r"\b(?:app|tests|migrations)/[a-z_0-9/]+\.py\b", page.read_text())}
    assert {path for path in named if not (ROOT / path).exists()} == set()
