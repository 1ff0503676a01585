"""How fast a whole session passes at `--speed max`, and whether that holds for many symbols and long days.

Everything is on: simulator, wire protocol, validation, OFI, strategy, risk, journal, log; the report is not timed.
Every symbol has about ten quotes a second all day long. The sessions of a round follow each other, each in a process
of its own; a fixed pure-Python loop is timed between them, so that a slow machine shows as one.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measuring import spread, verdict

ROUNDS = 3
SPEED_GOAL, FLAT_GOAL, MEMORY_GOAL = 300.0, 0.8, 1.2
_LOOP_N = 3_000_000
# Beyond 100 lines there is tick-by-tick data for more than five symbols.
_LINES = "1000"


@dataclass
class Case:
    """One kind of session, and what its rounds took."""

    name: str
    symbols: int
    session_s: int
    speeds: list[float] = field(default_factory=list)  # virtual seconds a wall second
    rates: list[float] = field(default_factory=list)  # quotes a wall second
    session_mb: list[float] = field(default_factory=list)  # the most it held, without its report
    whole_mb: list[float] = field(default_factory=list)


def calibration_ns() -> float:
    """Nanoseconds an iteration of a bare float loop takes here and now."""
    began = time.perf_counter_ns()
    total = 0.0
    for number in range(_LOOP_N):
        total += number * 0.5
    return (time.perf_counter_ns() - began) / _LOOP_N


def catalogue(place: Path, symbols: int) -> Path:
    """A file of so many alike instruments whose day has no pattern."""
    flat = f"[{', '.join(['1.0'] * 13)}]"
    lines = ["patterns:", "  even:", f"    activity: {flat}", f"    depth: {flat}", "instruments:"]
    for number in range(symbols):
        lines += [f"  BEN{number:02}:", "    base_price: [100, 120]", "    pattern: even"]
    path = place / "even.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(case: Case, place: Path, number: int) -> None:
    """One session of a case in a process of its own; start-up and report are not in its time."""
    names = ",".join(f"BEN{index:02}" for index in range(case.symbols))
    env = os.environ | {
        "SIMULATOR_CATALOGUE": str(catalogue(place, case.symbols)),
        "SIMULATOR_LINES": _LINES,
        "MARKET_DATA_SYMBOLS": names,
    }
    command = [
        sys.executable,
        "-m",
        "benchmarks.measured_session",
        "run",
        "--speed",
        "max",
        "--json",
        "--quiet",
    ]
    command += [
        "--duration",
        f"{case.session_s}s",
        "--seed",
        str(number),
        "--session-dir",
        str(place / "session"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        raise SystemExit(f"{case.name}: exit code {done.returncode}: {done.stderr}")
    summary, memory = (json.loads(line) for line in done.stdout.splitlines())
    case.speeds.append(case.session_s / summary["wall_s"])
    case.rates.append(summary["ticks"] / summary["wall_s"])
    case.session_mb.append(memory["session_mb"])
    case.whole_mb.append(memory["whole_mb"])


def main() -> None:
    hour = Case("3 symbols, 1 h", 3, 3600)
    day = Case("3 symbols, 6.5 h", 3, 23_400)
    few = Case("2 symbols, 2.5 h", 2, 9_000)
    many = Case("50 symbols, 6 min", 50, 360)
    loops = []
    for number in range(1, ROUNDS + 1):
        for case in (hour, day, few, many):
            loops.append(calibration_ns())
            with tempfile.TemporaryDirectory() as place:
                run(case, Path(place), number)
    print("whole sessions at --speed max, about 10 quotes a second and symbol")
    for case in (hour, day, few, many):
        print(f"  {case.name:<18}{spread(case.speeds, 'x real time')}")
        print(f"  {'':<18}{spread(case.rates, 'quotes/s')}")
        print(f"  {'':<18}peak {spread(case.session_mb, 'MB')}")
        print(f"  {'':<18}with its report {spread(case.whole_mb, 'MB')}")
    print(f"  baseline          {spread(loops, 'ns an iteration of a bare float loop')}")
    print(
        f"  speed, 3 symbols  {verdict(statistics.median(hour.speeds), SPEED_GOAL, at_most=False)} x real time"
    )
    for name, one, other in (("2 to 50 symbols", few, many), ("1 to 6.5 hours", hour, day)):
        ratios = [far / near for near, far in zip(one.rates, other.rates, strict=True)]
        print(
            f"  {name:<18}quotes/s {spread(ratios, 'x')}; "
            f"{verdict(statistics.median(ratios), FLAT_GOAL, at_most=False)}"
        )
    grown = [far / near for near, far in zip(hour.session_mb, day.session_mb, strict=True)]
    print(
        f"  1 to 6.5 hours    peak memory {spread(grown, 'x')}; "
        f"{verdict(statistics.median(grown), MEMORY_GOAL, at_most=True)}"
    )


if __name__ == "__main__":
    main()
