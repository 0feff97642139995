"""Folders of temporary files: those of killed processes go at the next start, those of living ones stay."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.api.workspace import workspace

HOLD = """
import sys
from app.api.workspace import workspace
with workspace(sys.argv[1]) as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for temporary files of its own, also of the processes that are started."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, "test-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        folder = Path(other.stdout.readline().strip())
        (folder / "large").write_bytes(b"x")
        with workspace("test-") as own:
            assert folder.exists()
            assert own != folder
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert folder.exists()
    with workspace("test-") as own:
        assert not folder.exists()
        assert own.exists()
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    for name in ("test-without-a-lock", "other-folder"):
        (tmp_path / name).mkdir()
    (tmp_path / "test-file").write_text("a file")
    (tmp_path / "test-link").symlink_to(tmp_path / "other-folder")
    (tmp_path / "other-folder" / "lock").touch()
    with workspace("test-"):
        pass
    assert len(list(tmp_path.iterdir())) == 4
    assert (tmp_path / "other-folder" / "lock").exists()
