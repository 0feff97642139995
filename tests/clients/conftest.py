"""The seed, served by a process of its own, for software that nobody here wrote."""

from collections.abc import Iterator

import pytest

from tests.conftest import migrated, seeded
from tests.server import running


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the service."""
    folder = tmp_path_factory.mktemp("service")
    url = f"sqlite:///{folder / 'indicators.db'}"
    seeded(migrated(url)).close()
    with pytest.MonkeyPatch.context() as patch, running(url, folder) as server:
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield server.url


FIGURES = 49
"""Observations of the seed."""
UNDATED = 47
"""Those of them whose period has no dates."""
