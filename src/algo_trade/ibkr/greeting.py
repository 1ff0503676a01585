"""The first exchange on a link: handshake, startApi, then the accounts (15) and the next order id (9).

Both must have come before anything else may happen; farm notices and other messages may come in between and
are routed like any other. Real gateways refuse a client id that is in use (326) in the middle of this.
"""

from __future__ import annotations

import asyncio
from functools import partial

from algo_trade.ibkr.breadth import Breadth
from algo_trade.ibkr.decode import WireDecoder
from algo_trade.ibkr.encoder import Encoder
from algo_trade.ibkr.errors import NotConnected, Retry, VersionRefused
from algo_trade.ibkr.events import GatewayMessage, ManagedAccounts, NextValidId, Plane, Undecodable
from algo_trade.ibkr.layouts import MAX_VERSION, MIN_VERSION
from algo_trade.ibkr.link import Link
from algo_trade.ibkr.market_messages import TickRegistry
from algo_trade.ibkr.pacer import Lane, Pacer
from algo_trade.ibkr.router import Router
from algo_trade.ibkr.times import zone_of_handshake

CLIENT_ID_IN_USE = 326


class ClientIdBusy(Retry):
    """The gateway answered 326."""


class Greeter:
    """What the gateway told about itself, kept up to date after the greeting."""

    def __init__(self, router: Router, pacer: Pacer, ticks: TickRegistry, client_id: int) -> None:
        self.accounts: tuple[str, ...] = ()
        self.next_valid_id = 0
        self.server_version = 0
        self.encoder = Encoder(client_id, MAX_VERSION)
        self._router = router
        self._pacer = pacer
        self._ticks = ticks
        self._client_id = client_id
        self._complete: asyncio.Future[None] | None = None  # while a greeting is under way
        router.listen(ManagedAccounts, self._on_accounts)
        router.listen(NextValidId, self._on_next_valid_id)
        router.listen(GatewayMessage, self._on_message)
        router.listen(Undecodable, self._on_undecodable)

    @property
    def under_way(self) -> bool:
        return self._complete is not None

    async def greet(self, link: Link) -> None:
        """Returns once accounts and next id are known. Raises VersionRefused, ClientIdBusy or NotConnected."""
        version, connection_time = await asyncio.shield(link.handshake)
        if not MIN_VERSION <= version <= MAX_VERSION:
            raise VersionRefused(
                f"the gateway speaks version {version}, and {MIN_VERSION} to {MAX_VERSION} was asked for"
            )
        self.server_version = version
        self.encoder = Encoder(self._client_id, version)
        self.accounts, self.next_valid_id = (), 0
        complete = self._complete = asyncio.get_running_loop().create_future()
        try:
            link.closed.add_done_callback(partial(_link_ended, complete))
            decoder = WireDecoder(version, zone_of_handshake(connection_time), self._ticks)
            link.deliver_to(partial(self._router.frames, decoder, Breadth(version)))
            await self._pacer.acquire(Lane.QUERY)
            link.write(self.encoder.start_api())
            await complete
        finally:
            self._complete = None

    # -- what arrives -------------------------------------------------------------------------------
    def _on_accounts(self, event: ManagedAccounts) -> None:
        self.accounts = event.accounts
        self._check()

    def _on_next_valid_id(self, event: NextValidId) -> None:
        self.next_valid_id = event.order_id
        self._check()

    def _on_message(self, event: GatewayMessage) -> None:
        if event.code == CLIENT_ID_IN_USE:
            self._fail(ClientIdBusy(f"{event.code} {event.text}"))

    def _on_undecodable(self, event: Undecodable) -> None:
        if event.plane is Plane.ORDERS:
            self._fail(NotConnected(f"message {event.message_id} of the greeting: {event.reason}"))

    def _check(self) -> None:
        complete = self._complete
        if complete is not None and not complete.done() and self.accounts and self.next_valid_id > 0:
            complete.set_result(None)

    def _fail(self, error: Retry) -> None:
        if self._complete is not None:
            _set_error(self._complete, error)


def _link_ended(complete: asyncio.Future[None], closed: asyncio.Future[str]) -> None:
    _set_error(complete, NotConnected(closed.result()))


def _set_error(complete: asyncio.Future[None], error: Retry) -> None:
    if not complete.done():
        complete.set_exception(error)
        complete.exception()  # an attempt that timed out no longer asks
