"""A simulator with known quotes, a client's driver program, and what that client's user saw."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.conformance.orders import ROWS
from tests.processes.harness import Simulator, clean_environment, simulator

DRIVERS = Path(__file__).parent / "drivers"

# 100 shares on each side at 499.97/499.98 and 500.00/500.01, always: what a book of chance holds is no size to be sure
# of. Every 10 ms both prices change, so what an order took is there again before the next one can arrive (12 ms);
# 1 to 7 shares trade at 499.99, in between.
_ROW_NS = 10_000_000
_ROWS = 100_000  # a thousand seconds, which no module needs


def _write_quotes(path: Path) -> None:
    rows = ["ask_price,ask_volume,bid_price,bid_volume,time_ns,trade_price,trade_volume"]
    for n in range(_ROWS):
        step = n % 2 * 100
        rows.append(f"{5000000 + step},100,{4999800 - step},100,{n * _ROW_NS},4999900,{1 + n % 7}")
    path.write_text("\n".join(rows))


@contextmanager
def known_market(directory: Path) -> Iterator[Simulator]:
    """AAPL and MSFT at known prices and sizes, SPY and QQQ with a seeded market and a past."""
    quotes = directory / "quotes.csv"
    _write_quotes(quotes)
    arguments = ["--seed", "7", "--symbols", "SPY,QQQ", "--ack-ms", "10", "--fill-ms", "10"]
    for symbol in ("AAPL", "MSFT"):
        arguments += ["--quotes", f"{symbol}={quotes}"]
    with simulator(directory, *arguments) as sim:
        yield sim


def seen_by(python: Path, driver: str, *arguments: str) -> list[dict[str, Any]]:
    """Everything a driver printed; one that fails, or whose library could not decode something, fails the test."""
    done = subprocess.run(
        [str(python), "-P", "-W", "ignore", str(DRIVERS / driver), *arguments],
        env=clean_environment({"PYTHONPATH": ""}),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    said = done.stdout[-3000:] + done.stderr[-3000:]
    assert done.returncode == 0, said
    for trouble in ("Error handling fields", "Traceback", "Error decoding"):
        assert trouble not in done.stderr, said
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"about"')]


# The names of drive_nautilus.py's orders, with the last event of each, its status and how many shares it got.
NAUTILUS = {
    "MKT DAY": ("FILLED", 100),
    "LMT DAY": ("FILLED", 100),
    "LMT GTC resting": ("CANCELED", 0),
    "LMT IOC": ("CANCELED", 0),
    "LMT IOC partial": ("PARTIALLY_FILLED", 100),  # it takes the fill at its commission, after the cancel
    "LMT FOK": ("FILLED", 100),
    "LMT FOK killed": ("CANCELED", 0),
    "LMT GTD resting": ("CANCELED", 0),
    "STP waiting": ("CANCELED", 0),
    "STP triggered": ("FILLED", 100),
    "STP LMT waiting": ("CANCELED", 0),
    "STP LMT triggered": ("FILLED", 100),
    "TRAIL waiting": ("CANCELED", 0),
    "MOC waiting": ("CANCELED", 0),
    "LOC waiting": ("CANCELED", 0),
    "too large": ("REJECTED", 0),
}


def plan() -> dict[str, Any]:
    """What drivers are told to do: the orders, and a moment of which there is a past."""
    orders = [{"name": row.name, "order": row.order, "until": row.until} for row in ROWS]
    now = datetime.now(UTC)
    return {"end_utc": f"{now:%Y%m%d-%H:%M:%S}", "orders": orders}
