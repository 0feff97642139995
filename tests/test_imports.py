"""The direction of imports (DESIGN of the code): a module imports only from the layers that its own may use."""

import ast
from pathlib import Path

import pytest

import app

ROOT = Path(app.__file__).parent

LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "addresses": set(),
    "ranges": set(),
    "spreadsheets": set(),
    "workspace": set(),
    "validators": set(),
    "hedges": set(),
    "settings": set(),
    "limits": set(),
    "tokens": set(),
    "intervals": set(),
    "dataset": set(),
    "dialects": {"errors"},
    "database": {"errors", "dialects", "limits"},
    "resource": {"dataset", "errors", "dialects", "hedges", "tokens"},
    "resources": {"resource", "dialects", "hedges"},
    "query": {"resource", "dataset", "dialects", "errors", "tokens"},
    "formats": {"addresses", "dataset", "errors", "spreadsheets"},
    "encoded": {"formats", "query", "resource"},
    "publishing": {"encoded", "query", "resources", "resource", "database", "dialects", "hedges", "errors", "tokens"},
    "sdmx": {"dataset", "errors", "resource", "spreadsheets"},
    "api": {
        "addresses",
        "headers",
        "observe",
        "validators",
        "ranges",
        "sdmx",
        "resources",
        "resource",
        "database",
        "dialects",
        "dataset",
        "errors",
        "query",
        "formats",
        "publishing",
        "intervals",
        "exports",
        "limits",
        "settings",
    },
    "headers": {"errors"},
    "unsent": {"limits"},
    "cache": {"headers", "unsent", "validators"},
    "guard": {"errors", "headers", "limits", "observe", "rates", "unsent"},
    "rates": {"errors", "headers"},
    "observe": {"headers"},
    "protocol": {"addresses", "errors", "guard", "limits"},
    "exports": {"dataset", "dialects", "formats", "query", "resource"},
    "main": {
        "api",
        "cache",
        "resources",
        "database",
        "settings",
        "limits",
        "guard",
        "observe",
        "publishing",
        "rates",
        "workspace",
    },
    "backups": {"database", "dialects", "errors"},
    "server": {"errors", "settings", "limits", "protocol"},
    "cli": {
        "main",
        "server",
        "observe",
        "backups",
        "api",
        "resources",
        "resource",
        "database",
        "dialects",
        "dataset",
        "errors",
        "query",
        "formats",
        "publishing",
        "settings",
        "encoded",
    },
}
"""Of each layer those it may import, besides itself."""

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
def test_only_api_and_main_know_the_web_framework(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if layer not in {"api", "main"}:
        assert "fastapi" not in {name.split(".")[0] for name in imports(path)}


def test_no_module_names_the_first_district() -> None:
    mentions = [path.name for path in MODULES if path.suffix == ".py" and "310104" in path.read_text()]
    assert mentions == []
