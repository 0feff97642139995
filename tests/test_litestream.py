"""Litestream, as docs/deployment.md has it: a replica made while the service publishes is restored, and is sound."""

import os
import subprocess
import sys
import time
from pathlib import Path

from app.db import backup
from app.publishing.revisions import publish
from tests.conftest import migrated
from tests.torture.history import faults, revisions, variant, words

LITESTREAM = str(Path(sys.executable).with_name("litestream"))


def test_a_replica_is_restored(tmp_path: Path) -> None:
    path = tmp_path / "indicators.db"
    configuration = tmp_path / "litestream.yml"
    configuration.write_text(
        f"dbs:\n  - path: {path}\n    replica:\n      type: file\n      path: {tmp_path}/replica\n      sync-interval: 100ms\n"
    )
    publish(database := migrated(f"sqlite:///{path}"), words())
    options = ["-config", str(configuration)]
    replicating = subprocess.Popen([LITESTREAM, "replicate", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for number in range(1, 20):
            publish(database, variant(number))
        restored, deadline = tmp_path / "restored.db", time.monotonic() + 30
        while time.monotonic() < deadline:
            restored.unlink(missing_ok=True)
            command = [LITESTREAM, "restore", *options, "-o", str(restored), str(path)]
            subprocess.run(command, capture_output=True, check=False, timeout=30, env=os.environ)
            if restored.exists() and revisions(restored) == revisions(path):
                break
    finally:
        replicating.terminate()
        replicating.wait(20)
        database.close()
    assert faults(restored) == []
    assert revisions(restored) == 20
    assert backup.verify(restored)["revision"] == 20
