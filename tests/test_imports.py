"""The direction of imports (DESIGN of the code): a module imports only from the layers that its own may use."""

import ast
from pathlib import Path

import pytest

import app

ROOT = Path(app.__file__).parent

LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "limits": set(),
    "settings": set(),
    "domain": set(),
    "db": {"errors", "limits"},
    "auth": {"db", "errors"},
    "resources": {"auth", "db", "domain"},
    "query": {"db", "domain", "errors", "resources"},
    "formats": {"domain", "errors"},
    "publishing": {"auth", "db", "domain", "errors", "formats", "query", "resources"},
    "api": {"auth", "db", "domain", "errors", "formats", "limits", "publishing", "query", "resources", "settings"},
    "sdmx": {"api", "db", "domain", "errors", "formats", "query", "resources"},
    "mcp": {"api", "errors", "resources"},
    "http1": {"api", "domain", "errors", "limits"},
    "server": {"errors", "http1", "limits", "settings"},
    "main": {"api", "auth", "db", "errors", "mcp", "publishing", "resources", "sdmx", "settings"},
    "cli": {
        "api", "auth", "db", "domain", "errors", "formats", "main", "mcp", "publishing", "query", "resources", "server",
        "settings",
    },
}  # fmt: skip
"""The packages that each package may import, besides itself."""
MOST_ROOT_MODULES = 8
MOST_LINES = 350

MODULES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py" and "versions" not in path.parts)


def imports(path: Path) -> set[str]:
    """The modules that a file imports, by full name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_import_only_from_layers_below(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0].removesuffix(".py")
    used = {name.split(".")[1] for name in imports(path) if name.startswith("app.")}
    assert used - {layer} <= LAYERS[layer]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_packages_with_routes_know_the_web_framework(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if layer not in {"api", "main", "mcp", "sdmx"}:
        assert "fastapi" not in {name.split(".")[0] for name in imports(path)}


def test_the_package_has_few_modules_at_its_root() -> None:
    assert len(list(ROOT.glob("*.py"))) <= MOST_ROOT_MODULES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES


def test_no_module_names_the_first_district() -> None:
    mentions = [path.name for path in MODULES if path.suffix == ".py" and "310104" in path.read_text()]
    assert mentions == []
