"""The gateway simulator alone: an order's round trip, and quotes written to one client.

The round trip runs from the bytes of a placeOrder to the first bytes of its orderStatus, with both delays at zero,
and is held against a bare asyncio echo of the same bytes in the same round, on the same core. Quotes go to one client
that only counts, on the other core, from markets that have far more of them than can be written: a recorded one, which
is what the goal is about, and a seeded one, which makes up each quote first, at three times the price of sending it.
"""

from __future__ import annotations

import os
import socket
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring import Wire, contract, frame, percentiles, pin, serving, spread, verdict
from ib_async import LimitOrder

from algo_trade.ibkr.encoder import Encoder, stock

ROUNDS, ORDERS, WARM = 5, 400, 100
CPU, _OTHER_CPU = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
QUOTES_S, _FIRST_QUOTE_S = 4.0, 120.0
# 200,000 quotes a second are due, of the recorded day for as long as a round takes.
_ROWS = 1_000_000
_BUSY = "instruments:\n  BUSY:\n    base_price: [100, 110]\n    quotes_per_s: 500\n"
_BUSY_SPEED = "400"
ROUND_TRIP_GOAL, QUOTES_GOAL = 2.0, 100_000.0
# Half the lines are the messages a second that are allowed.
_MANY_LINES = "1000000"
_SIMULATOR = ("-m", "algo_trade", "sim", "serve", "--port", "0", "--lines", _MANY_LINES)


def order_frame(encoder: Encoder, order_id: int) -> bytes:
    """A day order far from the market, so that it rests: what is timed is the acknowledgement."""
    order = LimitOrder("BUY", 1, 1.0, tif="DAY", account="DSIM001", orderRef="bench", ocaType=3)
    return encoder.place_order(order_id, stock("SPY"), order)


def order_round_trips(host: str, port: int) -> list[float]:
    """Microseconds each. Every order is cancelled again outside the clock: a side of a contract holds twenty.

    The notice after a cancel is the last that is heard of it: the gateway is idle again when the next order comes.
    """
    wire, encoder = Wire(host, port), Encoder(1, 178)
    taken = []
    for order_id in range(1, ORDERS + WARM + 1):
        data = order_frame(encoder, order_id)
        began = time.perf_counter_ns()
        wire.socket.sendall(data)
        wire.frame_starting(b"3\0")
        taken.append((time.perf_counter_ns() - began) / 1000)
        wire.send(4, 1, order_id, "")
        wire.frame_starting(b"4\0002\0%d\000202\0" % order_id)
    return taken[WARM:]


def echo_round_trips(host: str, port: int) -> list[float]:
    """Microseconds each, of the same bytes."""
    with socket.create_connection((host, port)) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = order_frame(Encoder(1, 178), 1)
        taken = []
        for _ in range(ORDERS + WARM):
            began = time.perf_counter_ns()
            peer.sendall(data)
            left = len(data)
            while left:
                left -= len(peer.recv(65_536))
            taken.append((time.perf_counter_ns() - began) / 1000)
    return taken[WARM:]


def quotes_per_s(host: str, port: int) -> float:
    wire = Wire(host, port)
    # All that was due since the simulator started is passed over first: a million quotes for five seconds.
    wire.socket.settimeout(_FIRST_QUOTE_S)
    wire.socket.sendall(frame(97, 7, *contract("BUSY"), "BidAsk", 0, 0))
    wire.frame_starting(b"99\0")
    began, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < QUOTES_S:
        count += wire.socket.recv(1 << 20).count(b"99\x007\x003\x00")
    return count / passed


def seeded_market(directory: Path) -> tuple[str, ...]:
    """Options of a simulator with one busy seeded symbol."""
    catalogue = directory / "busy.yaml"
    catalogue.write_text(_BUSY)
    return ("--symbols", "BUSY", "--catalogue", str(catalogue))


def recorded_market(directory: Path) -> tuple[str, ...]:
    """The same of a recorded one: 500 quotes a second, each at another price or size than the last."""
    rows = (
        f"{1_050_100 + number % 7 * 100},{100 + number % 5},{1_050_000 + number % 7 * 100},{100 + number % 3},"
        f"{number * 2_000_000}"
        for number in range(_ROWS)
    )
    day = directory / "busy.csv"
    day.write_text("\n".join(["ask_price,ask_volume,bid_price,bid_volume,time_ns", *rows]) + "\n")
    return ("--quotes", f"BUSY={day}")


def busy_market(market: Callable[[Path], tuple[str, ...]]) -> float:
    """Quotes a second of one round."""
    with tempfile.TemporaryDirectory() as directory:
        options = (*market(Path(directory)), "--speed", _BUSY_SPEED)
        with serving(*_SIMULATOR, *options) as address:
            pin(_OTHER_CPU)
            try:
                return quotes_per_s(*address)
            finally:
                pin(CPU)


def main() -> None:
    pin(CPU)
    orders, echoes, ratios, recorded, seeded = [], [], [], [], []
    for _ in range(ROUNDS):
        with serving("-m", "benchmarks.echo_server", str(CPU)) as address:
            echo = echo_round_trips(*address)
        with serving(*_SIMULATOR, "--ack-ms", "0", "--fill-ms", "0") as address:
            order = order_round_trips(*address)
        recorded.append(busy_market(recorded_market))
        seeded.append(busy_market(seeded_market))
        ratios.append(statistics.median(order) / statistics.median(echo))
        orders += order
        echoes += echo
    print(f"order round trip, bytes in → first orderStatus bytes out, {ROUNDS} rounds of {ORDERS}")
    print(f"  simulator  {percentiles(orders, 'us')}")
    print(f"  echo       {percentiles(echoes, 'us')}")
    print(
        f"  ratio      {spread(ratios, 'x')}; {verdict(statistics.median(ratios), ROUND_TRIP_GOAL, at_most=True)}"
    )
    print("quotes written to one client")
    reached = verdict(statistics.median(recorded), QUOTES_GOAL, at_most=False)
    print(f"  recorded   {spread(recorded, 'quotes/s')}; {reached}")
    print(f"  seeded     {spread(seeded, 'quotes/s')}")


if __name__ == "__main__":
    main()
