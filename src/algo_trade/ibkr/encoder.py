"""Requests to bytes, with ib_async's encoders.

The request side of the protocol is large and kept by a community, so it is borrowed whole: `_Encoders` is
ib_async's `Client` with its socket, its events and its throttle left out. What it would have sent comes back
as a frame, and when it is written is decided by the pacer.
"""

from __future__ import annotations

from typing import Any

from ib_async import Contract, ExecutionFilter, Order
from ib_async.client import Client

from algo_trade.ibkr.errors import FieldRefused
from algo_trade.ibkr.framing import frame


class _Encoders(Client):
    """ib_async's field order, our bytes. The constructor of `Client` is not run: it would open a socket wrapper,
    make events and read the wall clock, none of which an encoder needs.
    """

    MaxRequests = 0  # ib_async must never queue: an order held back silently is an order out of control

    def __init__(self, client_id: int, version: int) -> None:
        self.clientId = client_id
        self.optCapab = ""
        self._serverVersion = version
        self.frames: list[bytes] = []

    def isConnected(self) -> bool:
        """Encoding needs no connection."""
        return True

    def send(self, *fields: object, makeEmpty: bool = True) -> None:
        """A NUL inside a field would shift every field after it."""
        for field in fields:
            written = vars(field).values() if isinstance(field, Contract) else (field,)
            if any(isinstance(value, str) and "\0" in value for value in written):
                raise FieldRefused(f"a field of message {fields[0]} contains a NUL")
        super().send(*fields, makeEmpty=makeEmpty)  # type: ignore[no-untyped-call]  # ib_async leaves it untyped

    def sendMsg(self, msg: str) -> None:
        self.frames.append(frame(msg.encode()))


def hello(min_version: int, max_version: int) -> bytes:
    """The first bytes of a connection: the only ones that are not a frame of fields."""
    return b"API\0" + frame(b"v%d..%d" % (min_version, max_version))


def stock(symbol: str, con_id: int = 0) -> Contract:
    """A US stock or ETF, routed by SMART."""
    return Contract(secType="STK", conId=con_id, symbol=symbol, exchange="SMART", currency="USD")


class Encoder:
    """One connection's requests as frames. Raises FieldRefused for text that cannot be written."""

    def __init__(self, client_id: int, version: int) -> None:
        self._client = _Encoders(client_id, version)
        self._raw: Any = self._client  # ib_async annotates none of its request methods

    def _frame(self) -> bytes:
        frames, self._client.frames = self._client.frames, []
        return b"".join(frames)

    def start_api(self) -> bytes:
        self._raw.startApi()
        return self._frame()

    def current_time(self) -> bytes:
        self._raw.reqCurrentTime()
        return self._frame()

    # -- orders -------------------------------------------------------------------------------------
    def place_order(self, order_id: int, contract: Contract, order: Order) -> bytes:
        self._raw.placeOrder(order_id, contract, order)
        return self._frame()

    def cancel_order(self, order_id: int) -> bytes:
        self._raw.cancelOrder(order_id)
        return self._frame()

    def open_orders(self, *, all_clients: bool) -> bytes:
        if all_clients:
            self._raw.reqAllOpenOrders()
        else:
            self._raw.reqOpenOrders()
        return self._frame()

    def executions(self, req_id: int, account: str) -> bytes:
        self._raw.reqExecutions(req_id, ExecutionFilter(acctCode=account))
        return self._frame()

    def completed_orders(self, *, api_only: bool) -> bytes:
        self._raw.reqCompletedOrders(api_only)
        return self._frame()

    # -- the account --------------------------------------------------------------------------------
    def positions(self) -> bytes:
        self._raw.reqPositions()
        return self._frame()

    def account_summary(self, req_id: int, tags: str) -> bytes:
        self._raw.reqAccountSummary(req_id, "All", tags)
        return self._frame()

    def cancel_account_summary(self, req_id: int) -> bytes:
        self._raw.cancelAccountSummary(req_id)
        return self._frame()

    def account_values(self, req_id: int, account: str) -> bytes:
        self._raw.reqAccountUpdatesMulti(req_id, account, "", False)
        return self._frame()

    def cancel_account_values(self, req_id: int) -> bytes:
        self._raw.cancelAccountUpdatesMulti(req_id)
        return self._frame()

    # -- the market ---------------------------------------------------------------------------------
    def contract_details(self, req_id: int, contract: Contract) -> bytes:
        self._raw.reqContractDetails(req_id, contract)
        return self._frame()

    def bid_ask(self, req_id: int, contract: Contract) -> bytes:
        """Tick-by-tick quotes, sizes included."""
        self._raw.reqTickByTickData(req_id, contract, "BidAsk", 0, False)
        return self._frame()

    def last_trades(self, req_id: int, contract: Contract) -> bytes:
        """Tick-by-tick trades."""
        self._raw.reqTickByTickData(req_id, contract, "Last", 0, False)
        return self._frame()

    def cancel_tick_by_tick(self, req_id: int) -> bytes:
        self._raw.cancelTickByTickData(req_id)
        return self._frame()

    def top_of_book(self, req_id: int, contract: Contract) -> bytes:
        self._raw.reqMktData(req_id, contract, "", False, False, [])
        return self._frame()

    def cancel_top_of_book(self, req_id: int) -> bytes:
        self._raw.cancelMktData(req_id)
        return self._frame()

    def snapshot(self, req_id: int, contract: Contract) -> bytes:
        """The top of the book once; holds no line."""
        self._raw.reqMktData(req_id, contract, "", True, False, [])
        return self._frame()

    def realtime_bars(self, req_id: int, contract: Contract) -> bytes:
        """Five seconds of trades each, in regular hours."""
        self._raw.reqRealTimeBars(req_id, contract, 5, "TRADES", True, [])
        return self._frame()

    def cancel_realtime_bars(self, req_id: int) -> bytes:
        self._raw.cancelRealTimeBars(req_id)
        return self._frame()

    def historical_bars(
        self, req_id: int, contract: Contract, *, end: str, duration: str, bar_size: str, what: str, rth: bool
    ) -> bytes:
        """Bars with their times as epoch seconds (formatDate 2)."""
        self._raw.reqHistoricalData(req_id, contract, end, duration, bar_size, what, rth, 2, False, [])
        return self._frame()

    def cancel_historical(self, req_id: int) -> bytes:
        self._raw.cancelHistoricalData(req_id)
        return self._frame()
