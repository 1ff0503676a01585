"""Orders out, reports in: the bytes, the gate, the ids and the order of the stream."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ib_async import Contract, Order, TagValue
from ib_async.client import Client
from tests.ibkr import frames
from tests.ibkr.frames import payload
from tests.ibkr.helpers import Session, session
from tests.ibkr.scripted import Script

from algo_trade.contracts import ApprovedOrder
from algo_trade.ibkr.answers import Known, Unknown
from algo_trade.ibkr.encoder import Encoder
from algo_trade.ibkr.errors import NotConnected, OrderRefused, OrdersHalted
from algo_trade.ibkr.events import GatewayMessage, LinkChanged, OrderEvent
from algo_trade.ibkr.framing import frame
from algo_trade.ibkr.order_frames import OrderFrames
from algo_trade.ibkr.pacer import Lane

INTENT = UUID("0d9cbbc4-4f4c-5b3e-9d57-3c2f3c7d3a11")


def approved(**changes: Any) -> ApprovedOrder:
    """A limit order a test may change in one respect."""
    values: dict[str, Any] = {
        "intent_id": INTENT,
        "order_type": "LMT",
        "tif": "IOC",
        "limit_price": 585.62,
        "account": "DU1234567",
        "order_ref": str(INTENT),
        "reduce_only": False,
        "con_id": 756733,
        "symbol": "SPY",
        "side": "BUY",
        "quantity": 1,
    }
    return ApprovedOrder(**values | changes)


def reconciled(s: Session) -> None:
    assert s.handler.orders.gate.open(s.handler.orders.gate.epoch)


def ib_async_bytes(version: int, order_id: int, contract: Contract, order: Order) -> bytes:
    """What ib_async's own client would have written."""
    written: list[bytes] = []

    class Captured(Client):
        MaxRequests = 0

        def __init__(self) -> None:
            self._serverVersion = version

        def isConnected(self) -> bool:
            return True

        def sendMsg(self, msg: str) -> None:
            written.append(self._prefix(msg.encode()))  # type: ignore[no-untyped-call]

    client: Any = Captured()
    client.placeOrder(order_id, contract, order)
    return b"".join(written)


CONTRACT = Contract(secType="STK", conId=756733, symbol="SPY", exchange="SMART", currency="USD")


def theirs(one: ApprovedOrder, **more: Any) -> Order:
    """The order as an ib_async user would write it."""
    order = Order(
        action=one.side,
        totalQuantity=one.quantity,
        orderType=one.order_type,
        tif=one.tif,
        account="DU1234567",
        orderRef=str(INTENT),
        ocaType=3,
        outsideRth=False,
        **{"transmit": True} | more,
    )
    if one.limit_price is not None:
        order.lmtPrice = one.limit_price
    if one.stop_price is not None:
        order.auxPrice = one.stop_price
    if one.adaptive:
        order.algoStrategy = "Adaptive"
        order.algoParams = [TagValue("adaptivePriority", one.adaptive)]
    return order


KINDS: list[dict[str, Any]] = [
    {"order_type": "LMT", "tif": "IOC", "limit_price": 585.62},
    {"order_type": "LMT", "tif": "DAY", "limit_price": 585.0, "side": "SELL"},
    {"order_type": "MKT", "tif": "DAY", "limit_price": None},
    {"order_type": "MKT", "tif": "FOK", "limit_price": None, "side": "SELL"},
    {"order_type": "STP", "tif": "GTC", "limit_price": None, "stop_price": 580.5},
    {"order_type": "STP LMT", "tif": "DAY", "limit_price": 590.25, "stop_price": 590.0},
    {"order_type": "MKT", "tif": "DAY", "limit_price": None, "adaptive": "Urgent"},
    {"order_type": "LMT", "tif": "DAY", "adaptive": "Patient"},
]


@pytest.mark.parametrize("version", [157, 166, 170, 176, 177, 178])
def test_an_order_is_byte_for_byte_ib_asyncs(version: int) -> None:
    async def body(s: Session) -> None:
        reconciled(s)
        for number, kind in enumerate(KINDS):
            one = approved(quantity=3, **kind)
            expected = ib_async_bytes(version, 100 + number, CONTRACT, theirs(one))
            assert s.handler.orders.send_order(one, 100 + number) == len(expected)
            await asyncio.sleep(0.1)
            fields = s.gateway.requests(3)[-1]
            assert frame(payload(*fields)) == expected
            if version == 178:
                assert len(fields) == (117 if one.adaptive else 114)
                assert (fields[17], fields[21], fields[23], fields[26], fields[27]) == (
                    "3",
                    one.tif,
                    "DU1234567",
                    str(INTENT),
                    "1",
                )

    session(body, Script(version=version))


PRICES = st.floats(0.0001, 1e6) | st.floats(0.01, 999_999).map(lambda price: round(price, 2))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_frame_made_from_a_kept_one_is_byte_for_byte_ib_asyncs(data: st.DataObject) -> None:
    """Whatever the numbers, the reference and the version, and whatever order of the kind came first."""
    version = data.draw(st.sampled_from([157, 166, 170, 177, 178]))
    writer = OrderFrames(Encoder(1, version))
    for _ in range(2):
        kind = data.draw(st.sampled_from(KINDS))
        prices = {name: data.draw(PRICES) for name in ("limit_price", "stop_price") if kind.get(name)}
        if kind["order_type"] == "LMT":
            prices["limit_price"] = data.draw(PRICES)
        one = approved(
            **kind | prices,
            quantity=data.draw(st.integers(1, 10**6)),
            order_ref=data.draw(st.text("aü-:", min_size=1)),
        )
        # 2**31 - 1 is how the protocol writes "unset".
        order_id, parent = (data.draw(st.integers(0, 2**31 - 2)) for _ in range(2))
        transmit = data.draw(st.booleans())
        order = theirs(one, transmit=transmit, parentId=parent)
        order.orderRef = one.order_ref
        expected = ib_async_bytes(version, order_id, CONTRACT, order)
        assert writer.place_order(one, order_id, parent, transmit=transmit) == expected


def test_a_bracket_is_three_orders_in_one_write() -> None:
    """The exits name the entry, and only the last is transmitted: till it has come, nothing works."""
    profit = approved(side="SELL", limit_price=590.0, tif="GTC", attached_to=INTENT)
    loss = approved(side="SELL", order_type="STP", limit_price=None, stop_price=580.0, attached_to=INTENT)
    expected = [
        ib_async_bytes(178, 100, CONTRACT, theirs(approved(), transmit=False)),
        ib_async_bytes(178, 101, CONTRACT, theirs(profit, transmit=False, parentId=100)),
        ib_async_bytes(178, 102, CONTRACT, theirs(loss, transmit=True, parentId=100)),
    ]

    async def body(s: Session) -> None:
        family = [(approved(), 100), (profit, 101), (loss, 102)]
        with pytest.raises(OrdersHalted):
            s.handler.orders.send_bracket(family)
        reconciled(s)
        with pytest.raises(OrderRefused, match="a bracket is an entry"):
            s.handler.orders.send_bracket([(profit, 100), (loss, 101)])
        with pytest.raises(OrderRefused, match="another account"):
            s.handler.orders.send_bracket([*family[:2], (replace(loss, account="DU7654321"), 102)])
        await asyncio.sleep(0.1)
        assert s.gateway.requests(3) == []
        assert s.handler.orders.send_bracket(family) == sum(map(len, expected))
        await asyncio.sleep(0.1)
        assert [frame(payload(*fields)) for fields in s.gateway.requests(3)] == expected
        assert s.handler.orders.next_order_id() == 103

    session(body)


def test_a_change_of_an_exit_names_its_entry_and_is_transmitted() -> None:
    loss = approved(side="SELL", order_type="STP", limit_price=None, stop_price=581.0, attached_to=INTENT)

    async def body(s: Session) -> None:
        reconciled(s)
        with pytest.raises(OrderRefused, match="its entry's id"):
            s.handler.orders.send_order(loss, 102)
        with pytest.raises(OrderRefused, match="its entry's id"):
            s.handler.orders.send_order(approved(), 100, parent_order_id=99)
        s.handler.orders.send_order(loss, 102, parent_order_id=100)
        await asyncio.sleep(0.1)
        (fields,) = s.gateway.requests(3)
        expected = ib_async_bytes(178, 102, CONTRACT, theirs(loss, parentId=100))
        assert frame(payload(*fields)) == expected

    session(body)


def test_no_order_leaves_before_somebody_has_reconciled() -> None:
    async def body(s: Session) -> None:
        with pytest.raises(OrdersHalted, match="not reconciled"):
            s.handler.orders.send_order(approved(), 100)
        await asyncio.sleep(1)
        assert s.gateway.requests(3) == []
        reconciled(s)
        s.handler.orders.send_order(approved(), 100)
        await asyncio.sleep(1)
        assert len(s.gateway.requests(3)) == 1

    session(body)


TROUBLE = [
    frames.message(-1, 1100, "Connectivity has been lost"),
    frames.message(-1, 2110, "Connectivity between TWS and server is broken"),
    payload(11, "damaged"),
    payload(3, "damaged"),
    payload(61, "damaged"),
    payload(101, "damaged"),
    payload(59, "damaged"),
    payload(4, "damaged"),
    b"damaged\0",
]


@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_shuts_the_gate_and_an_older_reconciliation_does_not_open_it(trouble: bytes) -> None:
    async def body(s: Session) -> None:
        gate = s.handler.orders.gate
        reconciled(s)
        epoch = gate.epoch
        s.gateway.peer.send(trouble)
        await asyncio.sleep(0.1)
        with pytest.raises(OrdersHalted):
            s.handler.orders.send_order(approved(), 100)
        assert not gate.open(epoch)
        s.handler.orders.send_cancel(100)
        await asyncio.sleep(0.1)
        assert len(s.gateway.requests(4)) == 1
        assert s.gateway.requests(3) == []

    session(body)


def test_after_1100_only_the_word_that_ibkr_is_back_lets_anybody_open_the_gate() -> None:
    async def body(s: Session) -> None:
        gate = s.handler.orders.gate
        s.gateway.peer.send(frames.message(-1, 1100, "lost"))
        await asyncio.sleep(0.1)
        assert not gate.open(gate.epoch)
        before = gate.epoch
        s.gateway.peer.send(frames.message(-1, 1102, "restored"))
        await asyncio.sleep(0.1)
        assert not gate.open(before)
        assert gate.open(gate.epoch)

    session(body)


def test_2110_during_the_greeting_is_not_forgotten() -> None:
    async def body(s: Session) -> None:
        gate = s.handler.orders.gate
        assert not gate.open(gate.epoch)
        s.gateway.peer.send(frames.message(-1, 1102, "restored"))
        await asyncio.sleep(0.1)
        assert gate.open(gate.epoch)

    greeting = (frames.message(-1, 2110, "broken"), payload(15, 1, "DU1234567"), payload(9, 1, 1))
    session(body, Script(replies={"71": lambda peer, _: peer.send(*greeting)}))


def test_a_reconnect_shuts_the_gate() -> None:
    async def body(s: Session) -> None:
        reconciled(s)
        s.gateway.peer.close()
        await asyncio.sleep(0.1)
        with pytest.raises(OrdersHalted, match="reconnecting"):
            s.handler.orders.send_order(approved(), 100)
        with pytest.raises(NotConnected):
            s.handler.orders.send_cancel(100)
        await asyncio.sleep(2)
        with pytest.raises(OrdersHalted, match="connected"):
            s.handler.orders.send_order(approved(), 100)

    session(body)


REFUSED: list[dict[str, Any]] = [
    {"account": "DU7654321"},
    {"order_type": "TRAIL"},
    {"order_type": "STP"},
    {"order_type": "STP", "limit_price": None, "stop_price": 0.0},
    {"order_type": "STP LMT", "stop_price": None},
    {"stop_price": 580.0},
    {"adaptive": "Whenever"},
    {"order_type": "STP LMT", "stop_price": 580.0, "adaptive": "Normal"},
    {"tif": ""},
    {"tif": "OPG"},
    {"order_ref": ""},
    {"limit_price": None},
    {"limit_price": float("nan")},
    {"limit_price": 0.0},
    {"order_type": "MKT"},
    {"quantity": 0},
    {"side": "SHORT"},
]


@pytest.mark.parametrize("change", REFUSED)
def test_an_order_that_must_not_leave(change: dict[str, Any]) -> None:
    async def body(s: Session) -> None:
        reconciled(s)
        with pytest.raises(OrderRefused):
            s.handler.orders.send_order(approved(**change), 100)
        await asyncio.sleep(0.1)
        assert s.gateway.requests(3) == []

    session(body)


def test_read_only_refuses_orders_and_lets_cancels_through() -> None:
    async def body(s: Session) -> None:
        reconciled(s)
        with pytest.raises(OrderRefused, match="READ_ONLY"):
            await s.handler.orders.place_order(approved(), 100)
        await s.handler.orders.cancel_order(99)
        await asyncio.sleep(0.1)
        assert s.gateway.requests(4) == [["4", "1", "99", ""]]

    session(body, read_only=True)


def test_order_ids_never_come_twice_whatever_the_gateway_says() -> None:
    async def body(s: Session) -> None:
        orders = s.handler.orders
        assert [orders.next_order_id() for _ in range(3)] == [100, 101, 102]
        orders.order_id_floor = 500
        assert orders.next_order_id() == 501
        orders.order_id_floor = 7
        s.gateway.peer.send(payload(9, 1, 12))  # rolled back
        await asyncio.sleep(0.1)
        assert orders.next_order_id() == 502
        s.gateway.peer.send(payload(9, 1, 9000))
        await asyncio.sleep(0.1)
        assert orders.next_order_id() == 9000

    session(body)


def test_no_order_id_before_the_gateway_told_one() -> None:
    async def body(s: Session) -> None:
        with pytest.raises(NotConnected):
            s.handler.orders.next_order_id()

    session(body, connect=False)


def test_a_field_that_would_break_the_frame_is_refused() -> None:
    async def body(s: Session) -> None:
        reconciled(s)
        with pytest.raises(Exception, match="NUL"):
            s.handler.orders.send_order(approved(order_ref="a\0b"), 100)

    session(body)


def test_reports_come_in_order_of_arrival_whatever_their_kind() -> None:
    async def body(s: Session) -> None:
        s.gateway.peer.send(
            frames.open_order(),
            frames.order_status(7, status="Submitted", client_id=1),
            frames.execution(),
            frames.message(7, 202, "Order Canceled - reason:"),
            frames.message(-1, 2106, "HMDS data farm connection is OK:ushmds"),
            frames.commission_report(),
            frames.completed_order(),
            payload(11, "damaged"),
            frames.message(-1, 1100, "lost"),
        )
        await asyncio.sleep(1)
        await s.handler.close()
        heard: list[OrderEvent] = [event async for event in s.handler.orders.poll_reports()]
        names = [type(event).__name__ for event in heard if not isinstance(event, LinkChanged)]
        assert names == [
            "OpenOrder",
            "OrderStatus",
            "Execution",
            "GatewayMessage",
            "CommissionReport",
            "CompletedOrder",
            "Undecodable",
            "ConnectivityChanged",
        ]
        links = [event.state for event in heard if isinstance(event, LinkChanged)]
        assert links == ["connecting", "connected", "disconnected"]

    session(body)


def test_a_consumer_that_stops_and_comes_back_has_missed_nothing() -> None:
    async def body(s: Session) -> None:
        s.gateway.peer.send(*(frames.message(7, code, "") for code in (399, 202, 161)))
        await asyncio.sleep(0.1)
        codes: list[int] = []
        while len(codes) < 3:
            async for event in s.handler.orders.poll_reports():
                if isinstance(event, GatewayMessage):
                    codes.append(event.code)
                    break
        assert codes == [399, 202, 161]

    session(body)


def test_a_complaint_about_the_rate_holds_orders_back_and_not_cancels() -> None:
    async def body(s: Session) -> None:
        s.gateway.peer.send(frames.message(-1, 100, "Max rate of messages per second has been exceeded."))
        await asyncio.sleep(0.1)
        assert not s.handler.pacer.try_acquire(Lane.ORDER)
        assert s.handler.pacer.try_acquire(Lane.CANCEL)
        await asyncio.sleep(2)
        assert s.handler.pacer.try_acquire(Lane.ORDER)

    session(body)


def test_order_status_is_what_was_last_heard_or_what_the_gateway_says() -> None:
    async def body(s: Session) -> None:
        orders = s.handler.orders
        answer = await orders.get_order_status(7)
        assert isinstance(answer, Known)
        assert [status.status for status in answer.rows] == ["PreSubmitted"]
        assert await orders.get_order_status(8) == Known(())
        s.gateway.peer.send(frames.order_status(7, status="Filled", client_id=1))
        await asyncio.sleep(0.1)
        answer = await orders.get_order_status(7)
        assert isinstance(answer, Known)
        assert [status.status for status in answer.rows] == ["Filled"]

    status = frames.order_status(7, client_id=1)
    replies = {"5": lambda peer, _: peer.send(frames.open_order(), status, payload(53, 1))}
    session(body, Script(replies=replies))


def test_order_status_is_unknown_when_the_gateway_does_not_say() -> None:
    async def body(s: Session) -> None:
        assert isinstance(await s.handler.orders.get_order_status(7), Unknown)

    session(body)


def test_the_wire_never_carries_more_than_fifty_messages_in_a_second() -> None:
    async def body(s: Session) -> None:
        reconciled(s)
        orders = s.handler.orders
        questions = [asyncio.ensure_future(s.handler.get_positions()) for _ in range(3)]
        placed = [asyncio.ensure_future(orders.place_order(approved(), 100 + n)) for n in range(160)]
        await asyncio.sleep(0.2)
        cancels = [asyncio.ensure_future(orders.cancel_order(100 + n)) for n in range(5)]
        await asyncio.gather(*cancels)
        assert asyncio.get_running_loop().time() < 0.3
        await asyncio.gather(*placed, *questions)
        await asyncio.sleep(1)
        times = [at for at, _ in s.gateway.received]
        assert max(sum(start <= at <= start + 1 for at in times) for start in times) <= 50
        assert [fields[1] for fields in s.gateway.requests(3)] == [str(100 + n) for n in range(160)]

    session(body, Script(replies={"61": lambda peer, _: peer.send(payload(62, 1))}))


def test_a_token_can_be_taken_without_waiting() -> None:
    async def body(s: Session) -> None:
        assert s.handler.orders.pacer.try_acquire(Lane.ORDER)

    session(body)
