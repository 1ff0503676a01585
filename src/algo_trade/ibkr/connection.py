"""The connection to the gateway: one task that makes it, watches it and makes it again.

The states and the rules between them are in `state`. This module is what happens on the way. An attempt is a
socket, the handshake, startApi, the managed accounts (checked by the paper lock before anything else may
happen) and the next order id; only then the state is CONNECTED.
"""

from __future__ import annotations

import asyncio
import random

from algo_trade.clock import Clock
from algo_trade.ibkr import lock
from algo_trade.ibkr.connectivity import TRUTH
from algo_trade.ibkr.encoder import Encoder
from algo_trade.ibkr.errors import (
    ClientIdInUse,
    ListenerBug,
    NotConnected,
    Retry,
    Stop,
    Unreachable,
)
from algo_trade.ibkr.events import CurrentTime, GatewayMessage, LinkChanged, ManagedAccounts
from algo_trade.ibkr.greeting import ClientIdBusy, Greeter
from algo_trade.ibkr.heartbeat import Heartbeat
from algo_trade.ibkr.link import Link
from algo_trade.ibkr.market_messages import TickRegistry
from algo_trade.ibkr.pacer import Lane, Pacer
from algo_trade.ibkr.router import Router
from algo_trade.ibkr.state import ConnectionState, Trigger, advance
from algo_trade.settings.sections import IbkrSettings

# A dead predecessor's id stays taken until the gateway notices. Another id would hide our own orders from us.
CLIENT_ID_PATIENCE_S = 30.0
_CLIENT_ID_RETRY_S = 1.0
_BACKOFF_MAX_S = 60.0
_CLOSE_PATIENCE_S = 1.0
# "Max rate of messages per second has been exceeded": the third time it closes the connection.
_RATE_EXCEEDED = 100
_RATE_EXCEEDED_HOLD_S = 2.0


class _AttemptFailed(Retry):
    """One attempt did not get to CONNECTED; the text says why."""


class _IdBusy(_AttemptFailed):
    """It failed with 326, and has a patience of its own."""


class Connection:
    """Owns at most one link; `router` hears every event of every link, in order.

    `fatal` ends with the exception that must end the session, or with None when the connection was closed.
    """

    def __init__(
        self,
        settings: IbkrSettings,
        clock: Clock,
        generator: random.Random,
        pacer: Pacer,
        ticks: TickRegistry,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rng = generator
        self._pacer = pacer
        self.router = Router(self.report_bug)
        self.state = ConnectionState.DISCONNECTED
        self.fatal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._link: Link | None = None
        self._refusal: Stop | None = None
        self._task: asyncio.Task[None] | None = None
        self._heartbeat = Heartbeat(self._ask_time, self.drop)
        self._greeter = Greeter(self.router, pacer, ticks, settings.client_id)
        self.router.listen(ManagedAccounts, self._on_accounts)
        self.router.listen(GatewayMessage, self._on_message)
        self.router.listen(CurrentTime, lambda _event: self._heartbeat.answered())

    @property
    def address(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    @property
    def connected(self) -> bool:
        return self.state is ConnectionState.CONNECTED

    @property
    def accounts(self) -> tuple[str, ...]:
        """The managed accounts of the present link, or the last."""
        return self._greeter.accounts

    @property
    def next_valid_id(self) -> int:
        """The gateway's next order id; 0 before it told one."""
        return self._greeter.next_valid_id

    @property
    def server_version(self) -> int:
        return self._greeter.server_version

    @property
    def encoder(self) -> Encoder:
        """Writes requests in the version of the present link."""
        return self._greeter.encoder

    # -- what callers do ----------------------------------------------------------------------------
    async def start(self) -> None:
        """Connect, within the start-up patience. Raises Unreachable, ClientIdInUse, VersionRefused, LockRefused."""
        self._enter(Trigger.START, self.address)
        try:
            settings = self._settings
            lock.check_address(settings.host, settings.port, paper_mode=settings.paper_mode)
            await self._first_connection()
        except Unreachable as error:
            self._enter(Trigger.PATIENCE_SPENT, str(error))
            raise
        except Stop as error:
            self._enter(Trigger.REFUSED, str(error))
            raise
        self._task = asyncio.get_running_loop().create_task(self._supervise())

    async def close(self) -> None:
        """End the connection in order: what was written still leaves. May be called in any state, repeatedly."""
        self._heartbeat.stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        link = self._link
        if link is not None:
            link.close()
            try:
                async with asyncio.timeout(_CLOSE_PATIENCE_S):
                    await asyncio.shield(link.closed)
            except TimeoutError:
                link.drop("the gateway did not take the last bytes")
        self._enter(Trigger.STOP, "closed by us")
        if not self.fatal.done():
            self.fatal.set_result(None)
        elif not self.fatal.cancelled():
            self.fatal.exception()  # known to be seen, even if nobody waits for it any more

    def send(self, data: bytes) -> int:
        """Write frames now, paced by the caller; the number of bytes. Raises NotConnected."""
        if self._link is None or not self.connected:
            raise NotConnected(f"no connection to {self.address}: {self.state.value}")
        return self._link.write(data)

    def drop(self, reason: str) -> None:
        """End the present link; the connection is then made again."""
        if self._link is not None:
            self._link.drop(reason)

    def pause_reading(self) -> None:
        """Let the gateway wait until `resume_reading`: TCP's own back-pressure."""
        if self._link is not None:
            self._link.pause_reading()

    def resume_reading(self) -> None:
        if self._link is not None:
            self._link.resume_reading()

    def report_bug(self, error: Exception) -> None:
        """End the session through `fatal`: a defect of ours, wherever on the loop it showed."""
        bug = ListenerBug(f"{type(error).__name__}: {error}")
        bug.__cause__ = error
        self._end_session(bug)

    # -- the one task -------------------------------------------------------------------------------
    async def _first_connection(self) -> None:
        settings, loop = self._settings, asyncio.get_running_loop()
        patience_ends: float | None = None
        tried = 0
        while True:
            try:
                return await self._attempt()
            except _IdBusy as error:
                now = loop.time()
                patience_ends = now + CLIENT_ID_PATIENCE_S if patience_ends is None else patience_ends
                if now >= patience_ends:
                    raise ClientIdInUse(
                        f"client id {settings.client_id} stayed in use at {self.address} for "
                        f"{CLIENT_ID_PATIENCE_S:g} s: stop the other program, or set IBKR_CLIENT_ID"
                    ) from error
                self._enter(Trigger.ATTEMPT_FAILED, str(error))
                await asyncio.sleep(_CLIENT_ID_RETRY_S)
            except _AttemptFailed as error:
                tried += 1
                if tried >= max(1, settings.reconnect_attempts):
                    raise Unreachable(
                        f"no gateway at {self.address} after {tried} attempts ({error}): start IB Gateway or TWS "
                        "with its API enabled, or check IBKR_HOST and IBKR_PORT"
                    ) from error
                self._enter(Trigger.ATTEMPT_FAILED, str(error))
                await asyncio.sleep(self._backoff_s(tried - 1))

    async def _supervise(self) -> None:
        try:
            while True:
                assert self._link is not None
                reason = await asyncio.shield(self._link.closed)
                self._heartbeat.stop()
                if self._refusal is not None:
                    raise self._refusal
                self._enter(Trigger.LOST, reason)
                await self._reconnect()
        except Stop as refusal:
            self._enter(Trigger.REFUSED, str(refusal))
            self._end_session(refusal)
        except Exception as error:  # noqa: BLE001  # a defect must end the session, not only this task
            self.report_bug(error)

    async def _reconnect(self) -> None:
        """Quick tries, then slow ones for ever. Returns once CONNECTED; raises Stop when refused."""
        tried = 0
        while True:
            if self.state is ConnectionState.RECONNECTING and tried >= self._settings.reconnect_attempts:
                self._enter(Trigger.PATIENCE_SPENT, f"{tried} quick tries failed; trying on")
            delay_s = self._backoff_s(tried)
            if self.state is ConnectionState.ERROR:
                delay_s *= 0.5 + 0.5 * self._rng.random()  # many clients must not return at the same instant
            await asyncio.sleep(delay_s)
            try:
                return await self._attempt()
            except _AttemptFailed as error:
                tried += 1
                self._enter(Trigger.ATTEMPT_FAILED, str(error))

    def _backoff_s(self, tried: int) -> float:
        return min(_BACKOFF_MAX_S, self._settings.reconnect_backoff_sec * 2.0 ** min(tried, 16))

    async def _attempt(self) -> None:
        """From a socket to CONNECTED. Raises _AttemptFailed, or Stop."""
        settings, loop = self._settings, asyncio.get_running_loop()
        link: Link | None = None
        try:
            async with asyncio.timeout(settings.timeout_sec):
                _, link = await loop.create_connection(
                    lambda: Link(self._clock), settings.host, settings.port
                )
                await self._greeter.greet(link)
            lock.check_accounts(self.accounts, settings.account_id)
        except TimeoutError as error:
            self._abandon(link, f"no complete greeting within {settings.timeout_sec:g} s")
            raise _AttemptFailed(f"no complete greeting within {settings.timeout_sec:g} s") from error
        except (OSError, NotConnected, ClientIdBusy) as error:
            self._abandon(link, str(error))
            failed = _IdBusy if isinstance(error, ClientIdBusy) else _AttemptFailed
            raise failed(str(error)) from error
        except BaseException as error:
            self._abandon(link, str(error) or type(error).__name__)
            raise
        self._link = link
        self._enter(Trigger.READY, f"server version {self.server_version}")
        self._heartbeat.start()

    def _abandon(self, link: Link | None, reason: str) -> None:
        if link is not None:
            link.drop(reason)

    # -- what the gateway says to the connection ----------------------------------------------------
    def _on_accounts(self, event: ManagedAccounts) -> None:
        """In mid-session too: a gateway that was logged in to another account must not stay connected."""
        if self.connected and not self._greeter.under_way:
            try:
                lock.check_accounts(event.accounts, self._settings.account_id)
            except Stop as refusal:
                self._refusal = refusal
                self.drop(str(refusal))

    def _on_message(self, event: GatewayMessage) -> None:
        if event.code == _RATE_EXCEEDED:
            self._pacer.hold(_RATE_EXCEEDED_HOLD_S)
        effect = TRUTH.get(event.code)
        if effect is not None and effect.reconnect:
            self.drop(f"{event.code} {event.text}")

    # -- helpers ------------------------------------------------------------------------------------
    def _ask_time(self) -> bool:
        if self._link is None or not self._pacer.try_acquire(Lane.QUERY):
            return False
        try:
            self._link.write(self.encoder.current_time())
        except NotConnected:
            return False  # it ended a moment ago, which the supervisor is about to hear
        return True

    def _enter(self, trigger: Trigger, reason: str) -> None:
        self.state = advance(self.state, trigger)
        self.router.route(LinkChanged(self.state.value, reason, self._clock.now_ns()))

    def _end_session(self, error: Exception) -> None:
        if not self.fatal.done():
            self.fatal.set_exception(error)
