"""The data plane in a process of its own: the gateway's market data into market_raw and market_events."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, ClassVar

from algo_trade.data_plane import BarFeed, QualityLimits, RealTimeProducer
from algo_trade.ibkr import IBKRHandler
from algo_trade.session.feeds import fall_silent, listen
from algo_trade.session.parts import make_bars
from algo_trade.session.plane_process import GRACE_S, PlaneProcess
from algo_trade.strategy_plane import Feeds


class DataProcess(PlaneProcess):
    """It goes on until the session has ended: what closes the positions looks at quotes too."""

    name: ClassVar[str] = "data"

    async def begin(self, stack: AsyncExitStack) -> None:
        plan, ibkr = self.plan, self.plan.settings.ibkr
        self._feeds: Feeds = plan.strategy.build(plan.limits).feeds
        own_id = ibkr.data_client_id or ibkr.client_id + 1
        client = ibkr.model_copy(update={"client_id": own_id})
        self._handler: IBKRHandler = await self.connect(stack, client)
        producer = RealTimeProducer(
            self.bus, self.clock, self._handler.market, session_id=plan.session_id, limits=QualityLimits()
        )
        self._bars: BarFeed | None = make_bars(plan, self.clock, self.bus, self._handler, self._feeds)
        self._producing: list[asyncio.Task[Any]] = [self.host.spawn(producer.run())]
        producer.expect(plan.symbols)
        self.host.spawn(producer.watch())
        if self._bars is not None:
            self._producing.append(self.host.spawn(self._bars.run()))
        await self.host.unless_ended(listen(plan, self._feeds, self._handler.market, self._bars))

    async def until_the_end(self) -> BaseException | None:
        grace_ns = round(GRACE_S * 1e9)
        return await self.host.until_the_end(self.plan.end_ns + grace_ns, self.bulletin.session_ended)

    async def finish(self, error: BaseException | None) -> None:
        if self._handler.connection.connected:
            await fall_silent(self.plan, self._feeds, self._handler.market, self._bars)
        self._handler.market.close()
        for producing in self._producing:
            await producing
        await self.bus.flush()
