"""A session's directory with two dead letters in its log."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.bus.behaviour import opened

from algo_trade.bus import Bus, DeadLetterOffice, EmbeddedBus
from algo_trade.clock import VIRTUAL_START_NS, Clock, SystemIds, run_virtual, utc
from algo_trade.session.plan import write_record
from algo_trade.session.report import SessionRecord

NOBODY_KNOWS = b'{"event_type":"order_intent","symbol":"\\u001b[31mSPY"}'


async def two_letters(bus: Bus) -> None:
    office = DeadLetterOffice(bus)
    raw = await bus.publish("market_raw", b"9\x00nan\x00\x1b[2J", key="SPY")
    await office.send(raw, ["bid: not a number"], "DataPlaneValidator")
    broken = await bus.publish("order_intents", NOBODY_KNOWS, key="756733", headers=(("trace", b"\xfe"),))
    await office.send(broken, ["quantity: Field required", "session_id: \x1b[2J"], "OrderPlaneValidator")


def session(directory: Path, *, clock: str = "virtual", ended: bool = False) -> Path:
    """A session's directory with a log of two letters."""
    start = utc(VIRTUAL_START_NS)
    record = SessionRecord(
        session_id="s-1",
        profile="dev",
        clock="virtual" if clock == "virtual" else "real",
        started=start,
        ended=start + timedelta(hours=6) if ended else None,
    )
    write_record(directory, record)

    async def scenario(its_clock: Clock) -> None:
        async with opened(EmbeddedBus(directory / "log", clock=its_clock, ids=SystemIds())) as bus:
            await two_letters(bus)

    run_virtual(scenario)
    return directory
