"""How many times faster than real time a whole session passes at `--speed max`.

Everything is on: simulator, wire protocol, validation, OFI, strategy, risk, journal, log, report not included. Three
symbols at about ten quotes a second each. Goal: at least 200 times real time. The baseline of the same run is a fixed
pure-Python loop, so that a slow machine shows as one.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 5
SESSION_S = 3600
GOAL = 200.0
_LOOP_N = 3_000_000


def calibration_ns() -> float:
    """Nanoseconds an iteration of a bare float loop takes here and now."""
    began = time.perf_counter_ns()
    total = 0.0
    for number in range(_LOOP_N):
        total += number * 0.5
    return (time.perf_counter_ns() - began) / _LOOP_N


def one_session(directory: str, number: int) -> tuple[float, int]:
    """Wall seconds of one hour's session in a process of its own, without start-up and report, and its ticks."""
    command = [
        sys.executable,
        "-m",
        "algo_trade",
        "run",
        "--speed",
        "max",
        "--duration",
        f"{SESSION_S}s",
        "--json",
    ]
    command += ["--seed", str(number + 1), "--session-dir", f"{directory}/{number}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    summary = json.loads(done.stdout)
    return summary["wall_s"], summary["ticks"]


def spread(values: list[float], unit: str) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"median {middle:,.1f} {unit} (min {low:,.1f}, max {high:,.1f}, n = {len(values)})"


def main() -> None:
    ratios, rates, loops = [], [], []
    with tempfile.TemporaryDirectory() as directory:
        for number in range(ROUNDS):
            loops.append(calibration_ns())
            wall_s, ticks = one_session(directory, number)
            ratios.append(SESSION_S / wall_s)
            rates.append(ticks / wall_s)
    print(f"session --speed max, 3 symbols at 10 quotes/s, {SESSION_S} s of virtual time")
    print(f"  speed      {spread(ratios, 'x real time')}; goal >= {GOAL:g}")
    print(f"  quotes     {spread(rates, 'quotes/s')}")
    print(f"  baseline   {spread(loops, 'ns an iteration of a bare float loop')}")


if __name__ == "__main__":
    main()
