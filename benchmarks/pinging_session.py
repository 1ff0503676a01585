"""A whole session whose strategy answers every quote with an order: both logs, validation, risk and journal are on."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path

from algo_trade.clock import SystemClock, SystemIds
from algo_trade.contracts import Direction, TickEvent
from algo_trade.session.configuration import configure
from algo_trade.session.parts import make_embedded_bus
from algo_trade.session.plan import BusKind, SessionPlan, plan_session
from algo_trade.session.progress import Nobody
from algo_trade.session.session import Session
from algo_trade.settings import read_settings
from algo_trade.strategy_plane import (
    NOTHING,
    ChosenStrategy,
    Decision,
    Decisions,
    Feeds,
    Purpose,
    Quotes,
    SessionView,
    Strategy,
    StrategyParameters,
    StrategyPlugin,
)

_SYMBOL = "SPY"
# What is long past the last order of a round.
_DURATION_S = 3600.0


class Ping(Strategy):
    """Buys a share when it has none and sells it when it has one, at the other side's price, at once or never."""

    strategy_id = "PING"
    feeds = Feeds(quotes=Quotes.TICK_BY_TICK, ticks=True)

    def on_tick(self, tick: TickEvent, view: SessionView) -> Decisions:
        if view.unresolved(tick.symbol):
            return NOTHING
        buys = view.position(tick.symbol) <= 0
        return (
            Decision(
                tick.symbol,
                Direction.BUY if buys else Direction.SELL,
                1,
                Purpose.ENTRY if buys else Purpose.EXIT,
                (tick.bid + tick.ask) / 2,
                limit_price=tick.ask if buys else tick.bid,
            ),
        )


PING = StrategyPlugin(
    strategy_id="PING",
    about="An order for every quote.",
    parameters=StrategyParameters,
    build=lambda *_: Ping(),
)


def pinging_plan(place: Path, host: str, port: int, *, synchronous: str, bus: BusKind) -> SessionPlan:
    """A session in `place` on the gateway at `port`; `synchronous` is the journal's: normal or full."""
    env = {
        "IBKR_ACCOUNT_ID": "DSIM001",
        "IBKR_HOST": host,
        "IBKR_PORT": str(port),
        "ALGOTRADE_DATA_DIR": str(place),
        "JOURNAL_SYNCHRONOUS": synchronous,
        "KILL_SWITCH_PNL_USD": "-1000000",
        "MARKET_DATA_SYMBOLS": _SYMBOL,
        "RISK_ALLOCATED_CAPITAL": "1000000000",
        **{name: value for name, value in os.environ.items() if name.startswith("KAFKA_")},
    }
    settings = configure(read_settings("paper", env=env, dotenv=None)).settings
    # More than any real gateway takes, so that orders can follow each other as fast as they are answered.
    ibkr = settings.ibkr.model_copy(update={"order_rate_limit": 1_000_000})
    return plan_session(
        settings.model_copy(update={"ibkr": ibkr}),
        place / "session",
        clock_kind="real",
        seed=1,
        duration_s=_DURATION_S,
        symbols=(_SYMBOL,),
        quotes={},
        strategy=ChosenStrategy("ping", "benchmarks", "1", PING, StrategyParameters(), {}),
        clock=SystemClock(),
        ids=SystemIds(),
        bus=bus,
    )


async def pinging_session(host: str, port: int, until: Awaitable[None], synchronous: str) -> None:
    """Trade on the gateway at `port` until `until`; `synchronous` is the journal's: normal or full."""
    with tempfile.TemporaryDirectory() as place:
        clock = SystemClock()
        plan = pinging_plan(Path(place), host, port, synchronous=synchronous, bus="embedded")
        session = asyncio.ensure_future(
            Session(plan, clock, make_embedded_bus(plan, clock, SystemIds()), Nobody()).run()
        )
        ended = asyncio.ensure_future(until)
        await asyncio.wait([session, ended], return_when=asyncio.FIRST_COMPLETED)
        if session.done():
            raise RuntimeError(f"the session is over before the last order: {session.result()}")
        session.cancel()
        with suppress(asyncio.CancelledError):
            await session
