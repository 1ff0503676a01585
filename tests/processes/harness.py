"""Real processes for tests: `algotrade sim serve`, `algotrade run`, and what was seen on the wire between them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

REPOSITORY = Path(__file__).resolve().parents[2]
ALGOTRADE = (sys.executable, "-m", "algo_trade")

# A strategy in a hurry: an entry every three seconds, out again after three, and a stop too far away to matter.
EAGER = {
    "OFI_INTERVAL_S": "0.5",
    "OFI_WINDOW": "20",
    "OFI_ENTRY_Z": "0.5",
    "OFI_EXIT_Z": "0.3",
    "OFI_MAX_HOLD_S": "3",
    "OFI_COOLDOWN_S": "1",
    "OFI_ENTRY_SPACING_S": "3",
    "OFI_MAX_ENTRIES": "10000",
    "OFI_FLAT_BEFORE_END_S": "5",
    "KILL_SWITCH_PNL_USD": "-5000",
    "KILL_SWITCH_DRAWDOWN_PCT": "90",
}


def clean_environment(more: Mapping[str, str]) -> dict[str, str]:
    """The machine's environment without settings of ours that somebody may have exported."""
    prefixes = (
        "IBKR_",
        "KAFKA_",
        "RISK_",
        "STRATEGY_",
        "OFI_",
        "BANDS_",
        "VAULT_",
        "ALGOTRADE_",
        "KILL_SWITCH_",
        "SIMULATOR_",
        "ENVIRONMENT",
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    return {**kept, **more}


def algotrade(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, timeout_s: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*ALGOTRADE, *arguments],
        cwd=cwd,
        env=clean_environment(env or {}),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@dataclass
class Simulator:
    """A running `sim serve`; `wire_log` holds a line for each order frame that reached it."""

    host: str
    port: int
    wire_log: Path
    process: subprocess.Popen[bytes]
    killed: bool = field(default=False)

    def kill(self) -> None:
        """kill -9."""
        self.killed = True
        self.process.kill()
        self.process.wait()

    def frames(self) -> list[dict[str, Any]]:
        """Every frame noted so far; a line that is being written is left for the next call."""
        if not self.wire_log.exists():
            return []
        lines = self.wire_log.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]

    def placed_refs(self) -> list[str]:
        return [frame["order_ref"] for frame in self.frames() if frame["frame"] == "placeOrder"]


def check_orders(sim: Simulator, report: Mapping[str, Any], *, kills: int) -> None:
    """No order reached the wire twice, and the report tells of each that did.

    A kill may fall between an order's mark S and its bytes. Nobody can know of that order: it is told as unknown, and
    it is the only kind that may be.
    """
    placed = Counter(sim.placed_refs())
    assert [ref for ref, times in placed.items() if times > 1] == []
    outcomes = {row["intent_id"]: row["outcome"] for row in report["tables"]["orders"]}
    unsent = {ref: outcome for ref, outcome in outcomes.items() if ref not in placed}
    assert placed.keys() - outcomes.keys() == set()
    assert set(unsent.values()) <= {"unknown"}
    assert len(unsent) == report["summary"]["unknown"] <= kills


def fills_told(report: Mapping[str, Any]) -> list[tuple[str, int, float]]:
    """Execution id, shares and price of the fills a gateway still answers: those since New York's midnight."""
    midnight = datetime.now(ZoneInfo("America/New_York")).replace(hour=0, minute=0, second=0, microsecond=0)
    fills = [fill for fill in report["tables"]["fills"] if datetime.fromisoformat(fill["time"]) >= midnight]
    return sorted((fill["execution_id"], fill["quantity"], fill["price"]) for fill in fills)


@contextmanager
def simulator(directory: Path, *arguments: str) -> Iterator[Simulator]:
    """`algotrade sim serve` on a free port, ended with the block."""
    wire_log = directory / "wire.jsonl"
    with (directory / "simulator.err").open("wb") as errors:
        process = subprocess.Popen(
            [*ALGOTRADE, "sim", "serve", "--port", "0", "--wire-log", str(wire_log), *arguments],
            cwd=directory,
            env=clean_environment({}),
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    assert process.stdout is not None
    try:
        listening = json.loads(process.stdout.readline())
        serving = Simulator(listening["host"], listening["port"], wire_log, process)
        yield serving
        assert serving.killed or process.poll() is None, "the simulator died"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        process.stdout.close()


def paper_environment(sim: Simulator, data_dir: Path) -> dict[str, str]:
    """Settings that point profile paper at a simulator."""
    return {
        "IBKR_HOST": sim.host,
        "IBKR_PORT": str(sim.port),
        "IBKR_ACCOUNT_ID": "DSIM001",
        "RISK_ALLOCATED_CAPITAL": "10000",
        "ALGOTRADE_DATA_DIR": str(data_dir),
        "LOG_LEVEL": "WARNING",
    }
