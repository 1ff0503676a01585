"""What was served is served again: for a client that asks the same, byte for byte."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.gateway_sim.wire_client import AAPL, QQQ, SPY, WireClient, contract, place

from algo_trade.clock import VIRTUAL_START_NS, Clock, run_virtual
from algo_trade.gateway_sim import (
    GatewaySimulator,
    QuotesFileError,
    ScheduledHalt,
    SimulatorConfig,
    load_recording,
)
from algo_trade.gateway_sim.halts import parse_halt

HISTORY = (0, "", "1 min", "2 D", 0, "TRADES", 2, 1, "")


async def a_day(client: WireClient) -> None:
    """A client that asks for everything a market has, and trades in it."""
    await client.ask(97, 1, *contract(SPY), "BidAsk", 0, 0, wait=3.3)
    await client.ask(97, 2, *contract(SPY), "AllLast", 0, 0)
    await client.ask(59, 1, 3)
    await client.ask(1, 11, 3, *contract(QQQ), 0, "233", 0, 0, "", wait=2)
    await client.ask(50, 3, 4, *contract(QQQ), 5, "TRADES", 0, "")
    await client.ask(20, 5, *contract(SPY), *HISTORY, wait=1)
    await client.ask(97, 6, *contract(AAPL), "BidAsk", 0, 0, wait=3)
    for number in range(1, 40):
        side = "BUY" if number % 3 else "SELL"
        await client.ask(*place(number, side, con_id=(SPY, QQQ, AAPL)[number % 3]), wait=7)
    await asyncio.sleep(60)


def served(config: SimulatorConfig) -> bytes:
    """Every byte the client of that day got."""

    async def main(clock: Clock) -> bytes:
        await asyncio.sleep(0.5)
        async with GatewaySimulator(config, clock=clock) as simulator:
            client = await WireClient.open(*simulator.address)
            await a_day(client)
            client.close()
            await asyncio.sleep(0)
        return bytes(client.received)

    return run_virtual(main)


def settings(tmp_path: Path, **more: Any) -> dict[str, Any]:
    quotes = tmp_path / "aapl.csv"
    rows = [f"2000{n % 9}00,100,1999900,100,{n * 300_000_000}" for n in range(3000)]
    quotes.write_text("\n".join(["ask_price,ask_volume,bid_price,bid_volume,time_ns", *rows]))
    return {"seed": 7, "symbols": ("SPY", "QQQ"), "quotes": {"AAPL": quotes}, **more}


@pytest.mark.parametrize(
    ("more", "halts"),
    [
        ({"delayed_symbols": frozenset({"QQQ"})}, ()),
        ({"market_open_ns": VIRTUAL_START_NS, "speed": 4.0, "ack_ms": 3.0}, ("SPY=09:32+1m",)),
    ],
)
def test_a_replay_is_what_was_served(tmp_path: Path, more: dict[str, Any], halts: tuple[str, ...]) -> None:
    """Seeded and recorded markets, halts, history and fills; and the recording of the replay is the recording."""
    scheduled: tuple[ScheduledHalt, ...] = tuple(parse_halt(text) for text in halts)
    path = tmp_path / "served.rec"
    first = served(SimulatorConfig(**settings(tmp_path, **more), halts=scheduled, record=path))
    assert first.count(b"\x0011\x00") + first.count(b"11\x00-1\x00") >= 30
    recording = load_recording(path)
    again = tmp_path / "again.rec"
    replay = SimulatorConfig.of_recording(recording, record=again)
    assert served(replay) == first
    assert (b"10167" in first) is bool(replay.delayed_symbols)
    replayed = again.read_bytes()
    assert path.read_bytes().startswith(replayed[: replayed.rindex(b"\n")])
    other = SimulatorConfig(**(settings(tmp_path, **more) | {"seed": 8}), halts=scheduled)
    assert served(other) != first


def test_half_a_line_at_the_end_does_not_count(tmp_path: Path) -> None:
    """A recorder that was killed."""
    path = tmp_path / "served.rec"
    served(SimulatorConfig(**settings(tmp_path), record=path))
    whole = load_recording(path)
    path.write_bytes(path.read_bytes()[:-4])
    cut = load_recording(path)
    assert sum(len(tape.order) for tape in whole.tapes.values()) - 1 == sum(
        len(tape.order) for tape in cut.tapes.values()
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no settings"),
        (b"\xff\xfe\n", "not text"),
        (b"{}\n", "no settings"),
        (b"[]\n", "no settings"),
        (b'{"recording": 2, "symbols": []}\n', "another form"),
        (b'{"recording": 1, "symbols": []}\n', "nothing was recorded"),
        (b'{"recording": 1, "symbols": []}\n0,Q,1,2,3,4,5,6,7\n', "line 2"),
    ],
)
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "bad.rec"
    path.write_bytes(content)
    with pytest.raises(QuotesFileError, match=words):
        load_recording(path)


def test_a_recording_whose_settings_are_not_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "served.rec"
    served(SimulatorConfig(**settings(tmp_path), record=path))
    path.write_text(path.read_text().replace('"speed": 1.0', '"speed": -1.0', 1))
    with pytest.raises(QuotesFileError, match="speed must be positive"):
        SimulatorConfig.of_recording(load_recording(path))
