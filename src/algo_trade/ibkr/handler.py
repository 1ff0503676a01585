"""One gateway, ready to use: the connection and its clients, wired.

handler = IBKRHandler(settings.ibkr, clock, rng(seed, "ibkr"))
await handler.start()               # connected, lock checked; orders stay shut until reconciled
handler.market, handler.orders, handler.snapshots
await handler.fatal()               # raises what must end the session
await handler.close()
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import TypeVar

from algo_trade.clock import Clock
from algo_trade.ibkr.answers import Answer
from algo_trade.ibkr.connection import Connection
from algo_trade.ibkr.connectivity import Connectivity
from algo_trade.ibkr.events import (
    AccountValue,
    CurrentTime,
    Event,
    GatewayMessage,
    LinkChanged,
    PositionRow,
)
from algo_trade.ibkr.exec_client import IBKRExecClient
from algo_trade.ibkr.lock import Mode, classify_mode
from algo_trade.ibkr.market_client import IBKRMarketClient
from algo_trade.ibkr.market_messages import TickRegistry
from algo_trade.ibkr.pacer import Pacer
from algo_trade.ibkr.requests import Requests
from algo_trade.ibkr.snapshots import Snapshots
from algo_trade.ibkr.state import ConnectionState
from algo_trade.settings.sections import IbkrSettings

E = TypeVar("E", bound=Event)


class IBKRHandler:
    """Construct it on the running loop."""

    def __init__(self, settings: IbkrSettings, clock: Clock, generator: random.Random) -> None:
        ticks = TickRegistry()
        self.pacer = Pacer(settings.order_rate_limit)
        self.connection = Connection(settings, clock, generator, self.pacer, ticks)
        requests = Requests(self.connection, self.pacer)
        self.snapshots = Snapshots(requests, settings.account_id, settings.timeout_sec)
        self.orders = IBKRExecClient(self.connection, self.pacer, self.snapshots, settings)
        self.market = IBKRMarketClient(self.connection, self.pacer, requests, ticks, settings)
        self.connectivity = Connectivity()
        self.gateway_epoch_s: int | None = None  # the gateway's clock when it last answered a heartbeat
        self.listen(GatewayMessage, self._on_message)
        self.listen(LinkChanged, self._on_link)
        self.listen(CurrentTime, self._on_current_time)

    @property
    def state(self) -> ConnectionState:
        return self.connection.state

    @property
    def accounts(self) -> tuple[str, ...]:
        """The managed accounts, as the gateway told them on this link."""
        return self.connection.accounts

    def listen(self, kind: type[E], listener: Callable[[E], None]) -> None:
        """Hear every later event of exactly this type, on the loop, in order of arrival.

        A listener that raises ends the session through `fatal`.
        """
        self.connection.router.listen(kind, listener)

    async def start(self) -> None:
        """Connect. Raises Unreachable, ClientIdInUse, VersionRefused or LockRefused, each with an exit code."""
        await self.connection.start()

    async def close(self) -> None:
        """End connection and streams; may be called at any time, repeatedly."""
        await self.connection.close()
        self.orders.close()
        self.market.close()

    async def fatal(self) -> None:
        """Wait for the end: returns after `close`, raises the Stop that must end the session."""
        await asyncio.shield(self.connection.fatal)

    async def get_account_info(self) -> Answer[AccountValue]:
        """Balances and margins of the account."""
        return await self.snapshots.account_summary()

    async def get_positions(self) -> Answer[PositionRow]:
        """The broker's positions."""
        return await self.snapshots.positions()

    def mode(self, profile: str, clock_kind: str) -> Mode:
        """What a session over this gateway may call itself. `clock_kind` is "real" or "virtual"."""
        return classify_mode(profile, clock_kind, self.accounts, self.connectivity.farm_notices)

    def _on_message(self, event: GatewayMessage) -> None:
        changed = self.connectivity.observe(event)
        if changed is not None:
            self.connection.router.route(changed)

    def _on_link(self, _event: LinkChanged) -> None:
        """What a link told about the far side ends with the link; the notices seen stay for the record."""
        if not self.connection.connected:
            self.connectivity.forget_link()

    def _on_current_time(self, event: CurrentTime) -> None:
        self.gateway_epoch_s = event.epoch_s
