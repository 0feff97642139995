"""What is measured and how: goals, requests a second, interleaved rounds, and a chart of it all."""

import re
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.contenders import CLIENT_CORE, Server

ROUNDS = 27
"""Many short ones: machines change their speed from second to second, and what is compared should meet the same."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal and what was measured: ``ratio`` to the peer, or the value itself where there is no peer."""

    name: str
    measured: float
    wanted: float
    at_least: bool
    detail: str

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.measured >= self.wanted if self.at_least else self.measured <= self.wanted


def least(name: str, measured: float, wanted: float, detail: str) -> Goal:
    """A goal that is reached from ``wanted`` up."""
    return Goal(name, measured, wanted, at_least=True, detail=detail)


def most(name: str, measured: float, wanted: float, detail: str) -> Goal:
    """A goal that is reached from ``wanted`` down."""
    return Goal(name, measured, wanted, at_least=False, detail=detail)


def rate(  # noqa: PLR0913  what wrk can be told
    server: Server,
    path: str,
    script: Path | None = None,
    connections: int = 16,
    headers: Sequence[str] = (),
    seconds: int = 1,
) -> float:
    """Requests a second, over some seconds. Raises where an answer was an error."""
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    command += [part for header in headers for part in ("-H", header)]
    command += ["-s", str(script)] if script else []
    out = subprocess.run([*command, server.url(path)], capture_output=True, text=True, check=True).stdout
    if re.search(r"Non-2xx|Socket errors", out):
        raise SystemExit(f"errors under load at {path}:\n{out}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", out)
    return float(found[1]) if found else 0.0


def interleaved(measures: Sequence[Callable[[], float]], rounds: int = ROUNDS) -> list[tuple[float, ...]]:
    """What each measure gave in some rounds, one after the other, so that a slow minute meets all of them."""
    return list(zip(*([measure() for measure in measures] for _ in range(rounds)), strict=True))


def ratio(these: Sequence[float], those: Sequence[float]) -> float:
    """The median of the ratios of each round."""
    return statistics.median(this / that for this, that in zip(these, those, strict=True))


def random_regions(folder: Path, name: str, template: str, regions: int) -> Path:
    """A script for wrk that asks for another region each time."""
    path = folder / f"{name}.lua"
    path.write_text(
        f"local n = 0\nrequest = function()\n  n = (n * 7921 + 104729) % {regions}\n"
        f'  return wrk.format("GET", string.format("{template}", n))\nend\n'
    )
    return path


def fetch(server: Server, path: str, accept: str = "*/*") -> tuple[float, float, int]:
    """Seconds to the first byte and to the last, and the number of bytes."""
    request = urllib.request.Request(server.url(path), headers={"Accept": accept})  # noqa: S310  on this machine
    start = time.perf_counter()
    with urllib.request.urlopen(request) as answer:  # noqa: S310  the same
        answer.read(1)
        first, size = time.perf_counter() - start, 1
        while chunk := answer.read(2**20):
            size += len(chunk)
    return first, time.perf_counter() - start, size


def chart(goals: Sequence[Goal]) -> str:
    """Bars of how far each goal was reached: 1 is the goal."""
    height = 30 * len(goals) + 20
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{height}"'
    lines = [head + ' font-family="sans-serif" font-size="12">']
    for number, goal in enumerate(goals):
        reached = goal.measured / goal.wanted if goal.at_least else goal.wanted / goal.measured if goal.measured else 2.0
        reached = min(reached if goal.wanted else float(goal.met) * 2, 2.0)
        colour = "#2a7" if goal.met else "#c43"
        y = 10 + 30 * number
        lines.append(f'<text x="4" y="{y + 15}">{goal.name}</text>')
        lines.append(f'<rect x="330" y="{y + 3}" width="{200 * reached:.0f}" height="16" fill="{colour}"/>')
    lines.append(f'<line x1="530" y1="0" x2="530" y2="{30 * len(goals) + 20}" stroke="#333"/></svg>')
    return "\n".join(lines).replace("≥", "&#8805;") + "\n"
