"""Decoding: the documented frames give the documented values, damaged ones give Undecodable, none raises."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ibkr import frames
from tests.ibkr.frames import fields_of, payload

from algo_trade.ibkr.breadth import Breadth
from algo_trade.ibkr.decode import WireDecoder
from algo_trade.ibkr.events import (
    UNREADABLE_ID,
    BreadthCall,
    CommissionReport,
    CompletedOrder,
    CurrentTime,
    Execution,
    GatewayMessage,
    HistoricalBars,
    Listing,
    ListingEnd,
    ManagedAccounts,
    NextValidId,
    OpenOrder,
    OrderStatus,
    Plane,
    PositionRow,
    RealTimeBar,
    TickBidAsk,
    TickLast,
    TickNote,
    TopOfBook,
    Undecodable,
)
from algo_trade.ibkr.history import HistoricalBar
from algo_trade.ibkr.market_messages import TickRegistry

REQ = 1_000_000_007
NOW_NS = 1_775_489_224_123_456_789


def decoder(version: int = 178, zone: str | None = "America/New_York") -> WireDecoder:
    ticks = TickRegistry()
    ticks.add(REQ, 756733, "SPY")
    ticks.add(REQ + 1, 320227571, "QQQ")
    ticks.end(REQ + 1)
    return WireDecoder(version, ZoneInfo(zone) if zone else None, ticks)


def decode(raw: bytes, version: int = 178) -> Any:
    return decoder(version).decode(raw, NOW_NS)


def test_bid_ask() -> None:
    raw = frames.bid_ask(REQ)
    expected = TickBidAsk(REQ, 756733, "SPY", 1775489224, 585.5, 585.62, 300.0, 200.0, NOW_NS, raw)
    assert decode(raw) == expected


def test_a_tick_of_an_ended_subscription_is_ignored_and_one_of_no_subscription_is_damage() -> None:
    assert decode(frames.bid_ask(REQ + 1)) is None
    stray = decode(frames.bid_ask(REQ + 2))
    assert isinstance(stray, Undecodable)
    assert stray.plane is Plane.MARKET


@pytest.mark.parametrize("bid", ["nan", "inf", "-inf", "", "5_85.5", "x", "1e999"])
def test_a_price_that_is_none_is_a_dead_letter_that_names_its_symbol(bid: str) -> None:
    raw = frames.bid_ask(REQ, bid)
    damaged = decode(raw)
    assert isinstance(damaged, Undecodable)
    assert (damaged.raw, damaged.symbol, damaged.plane) == (raw, "SPY", Plane.MARKET)
    assert damaged.reason


def test_top_of_book() -> None:
    raw = payload(1, 6, REQ, 1, 585.5, 300, 0)
    assert decode(raw) == TopOfBook(REQ, 756733, "SPY", 1, 585.5, 300.0, NOW_NS, raw)
    raw = payload(2, 6, REQ, 3, 200)
    assert decode(raw) == TopOfBook(REQ, 756733, "SPY", 3, None, 200.0, NOW_NS, raw)
    assert decode(payload(1, 6, REQ + 1, 1, 585.5, 300, 0)) is None


def test_trades() -> None:
    """Last and AllLast; a midpoint is nobody's."""
    for kind in (1, 2):
        raw = payload(99, REQ, kind, 1775489224, 585.51, 40, 0, "NASDAQ", "")
        expected = TickLast(REQ, 756733, "SPY", 1775489224, 585.51, 40.0, "NASDAQ", NOW_NS, raw)
        assert decode(raw) == expected
    assert decode(payload(99, REQ, 4, 1775489224, 585.505)) is None
    assert decode(payload(99, REQ + 1, 1, 1775489224, 585.51, 40, 0, "NASDAQ", "")) is None
    for damaged in (
        (1775489224, 585.51, 40, 0, "NASDAQ"),
        ("soon", 585.51, 40, 0, "", ""),
        (1, "nan", 1, 0, "", ""),
    ):
        undecodable = decode(payload(99, REQ, 1, *damaged))
        assert isinstance(undecodable, Undecodable)
        assert (undecodable.symbol, undecodable.plane) == ("SPY", Plane.MARKET)


def test_fields_of_the_top_of_the_book_that_are_no_prices() -> None:
    raw = payload(45, 6, REQ, 49, 1)
    assert decode(raw) == TickNote(REQ, 756733, "SPY", 49, "1", NOW_NS, raw)
    raw = payload(46, 6, REQ, 48, "585.5;40;1775489224000;900;585.4;true")
    assert decode(raw).text.startswith("585.5;40;")
    assert decode(payload(46, 6, REQ + 1, 45, "1")) is None


REAL_TIME = (1775489220, 585.5, 586, 585.25, 585.75, 1200, 585.6, 17)


def test_real_time_bars() -> None:
    raw = payload(50, 3, REQ, *REAL_TIME)
    bar = RealTimeBar(
        REQ, 756733, "SPY", 1775489220, 585.5, 586.0, 585.25, 585.75, 1200.0, 585.6, 17, NOW_NS, raw
    )
    assert decode(raw) == bar
    (call,) = Breadth(178).decode(raw, NOW_NS)
    assert isinstance(call, BreadthCall)
    theirs = (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.average, bar.trades)
    assert call.args == (REQ, bar.starts_s, *theirs)
    damaged = decode(payload(50, 3, REQ, *REAL_TIME[:-1]))
    assert isinstance(damaged, Undecodable)
    assert (damaged.symbol, damaged.plane) == ("SPY", Plane.OTHER)


@given(st.lists(st.tuples(st.integers(0, 10**10), st.floats(0.01, 1e6), st.integers(0, 10**9)), max_size=5))
def test_historical_bars_read_as_ib_async_reads_them(rows: list[tuple[int, float, int]]) -> None:
    values = [
        (start, price, price + 1, price - 0.005, price, volume, price, 3) for start, price, volume in rows
    ]
    raw = payload(17, REQ, "a", "b", len(rows), *(value for row in values for value in row))
    ours = decode(raw)
    assert isinstance(ours, HistoricalBars)
    assert (ours.con_id, ours.symbol, ours.raw) == (756733, "SPY", raw)
    assert list(ours.bars) == [
        HistoricalBar(str(row[0]), *row[1:5], float(row[5]), *row[6:]) for row in values
    ]
    *theirs, end = Breadth(178).decode(raw, NOW_NS)
    assert isinstance(end, BreadthCall) and end.name == "historicalDataEnd"
    for bar, call in zip(ours.bars, theirs, strict=True):
        assert isinstance(call, BreadthCall)
        data: Any = call.args[1]
        assert (bar.starts, bar.open, bar.high, bar.low, bar.close) == (
            data.date, data.open, data.high, data.low, data.close
        )  # fmt: skip
        assert (bar.volume, bar.average, bar.trades) == (data.volume, data.average, data.barCount)


@pytest.mark.parametrize(
    "fields",
    [
        (REQ, "a", "b"),
        (REQ, "a", "b", -1),
        (REQ, "a", "b", 2, "1772461800", 1, 2, 0.5, 1.5, 100, 1.2, 10),
        (REQ, "a", "b", 1, "1772461800", 1, 2, 0.5, "nan", 100, 1.2, 10),
        (REQ, "a", "b", 10**18),
        (REQ + 2, "a", "b", 0),
    ],
)
def test_an_answer_that_is_not_whole_is_no_answer(fields: tuple[object, ...]) -> None:
    damaged = decode(payload(17, *fields))
    assert isinstance(damaged, Undecodable)
    assert damaged.plane is Plane.OTHER


def test_the_real_order_status() -> None:
    expected = OrderStatus(13, "PreSubmitted", 0.0, 100.0, 0.0, 1376327563, 0, 0.0, 100, "", NOW_NS)
    assert decode(frames.order_status()) == expected


@pytest.mark.parametrize(
    ("version", "count"), [(157, 128), (166, 131), (170, 136), (176, 136), (177, 135), (178, 135)]
)
def test_open_order_at_every_width(version: int, count: int) -> None:
    raw = frames.open_order(version=version)
    assert len(fields_of(raw)) == count
    order = decode(raw, version)
    assert isinstance(order, OpenOrder), order
    assert (order.order_id, order.client_id, order.perm_id, order.side) == (7, 1, 1376327563, "BUY")
    assert (order.quantity, order.order_type, order.limit_price, order.tif) == (10.0, "LMT", 585.5, "IOC")
    assert (order.account, order.order_ref, order.status) == ("DU1234567", "intent-1", "PreSubmitted")
    assert not order.what_if


def test_open_order_without_delta_neutral_is_eight_fields_shorter() -> None:
    raw = frames.open_order(delta_neutral="")
    assert len(fields_of(raw)) == 127
    assert decode(raw).status == "PreSubmitted"


@pytest.mark.parametrize(("version", "count"), [(157, 96), (176, 101), (178, 100)])
def test_completed_order(version: int, count: int) -> None:
    raw = frames.completed_order(version=version)
    assert len(fields_of(raw)) == count
    order = decode(raw, version)
    assert isinstance(order, CompletedOrder), order
    assert (order.perm_id, order.order_ref, order.side) == (1376327564, "intent-2", "SELL")
    assert (order.status, order.filled, order.completed_status) == ("Filled", 10.0, "Filled Size: 10")
    assert order.completed_time == "20250312 14:13:48 US/Eastern"


@pytest.mark.parametrize(("version", "count"), [(157, 31), (177, 31), (178, 32)])
def test_execution(version: int, count: int) -> None:
    raw = frames.execution(version=version)
    assert len(fields_of(raw)) == count
    fill = decode(raw, version)
    assert isinstance(fill, Execution), fill
    assert (fill.exec_id, fill.side, fill.shares, fill.price) == (
        "0000e0d5.69dd7411.01.01",
        "BUY",
        10.0,
        585.51,
    )
    assert (fill.order_ref, fill.req_id, fill.perm_id) == ("intent-1", -1, 1376327563)
    assert fill.exec_time == datetime(2026, 4, 13, 19, 27, 4, tzinfo=UTC)


SPELLINGS = [
    ("20260413 15:27:04 US/Eastern", datetime(2026, 4, 13, 19, 27, 4, tzinfo=UTC)),
    ("20260405 23:49:26 Central European Standard Time", datetime(2026, 4, 5, 21, 49, 26, tzinfo=UTC)),
    ("20260405 23:49:26 CET (Central European Standard Time)", datetime(2026, 4, 5, 21, 49, 26, tzinfo=UTC)),
    ("20230224  12:04:56", datetime(2023, 2, 24, 17, 4, 56, tzinfo=UTC)),  # the gateway's own zone
    ("20230224-12:04:56", datetime(2023, 2, 24, 12, 4, 56, tzinfo=UTC)),
    ("1681414024", datetime(2023, 4, 13, 19, 27, 4, tzinfo=UTC)),
    ("20260413 15:27:04 Mars/Olympus", None),
    ("20260413 15:27:04 ../../etc/passwd", None),
    ("20261341 15:27:04 US/Eastern", None),
    ("yesterday", None),
    ("", None),
]


@pytest.mark.parametrize(("written", "moment"), SPELLINGS)
def test_a_fill_is_delivered_however_its_time_is_spelt(written: str, moment: datetime | None) -> None:
    fill = decode(frames.execution(time=written))
    assert isinstance(fill, Execution)
    assert (fill.exec_time, fill.time_text, fill.shares) == (moment, written, 10.0)


def test_a_naive_time_without_a_known_zone_is_unknown_and_the_fill_is_not() -> None:
    fill = decoder(zone=None).decode(frames.execution(time="20230224  12:04:56"), NOW_NS)
    assert isinstance(fill, Execution)
    assert fill.exec_time is None


def test_the_short_messages() -> None:
    assert decode(payload(9, 1, 295)) == NextValidId(295, NOW_NS)
    assert decode(payload(15, 1, "DU1,DU2,")) == ManagedAccounts(("DU1", "DU2"), NOW_NS)
    assert decode(payload(49, 1, 1772461800)) == CurrentTime(1772461800, NOW_NS)
    assert decode(payload(53, 1)) == ListingEnd(Listing.OPEN_ORDERS, -1, NOW_NS)
    assert decode(payload(55, 1, 12)) == ListingEnd(Listing.EXECUTIONS, 12, NOW_NS)
    assert decode(payload(62, 1)) == ListingEnd(Listing.POSITIONS, -1, NOW_NS)
    assert decode(payload(102)) == ListingEnd(Listing.COMPLETED_ORDERS, -1, NOW_NS)
    commission = CommissionReport("0000e0d5.69dd7411.01.01", 1.0, "USD", None, NOW_NS)
    assert decode(frames.commission_report()) == commission
    row = PositionRow("DU1234567", 756733, "SPY", "STK", 10.0, 585.51, NOW_NS)
    assert decode(frames.position()) == row


def test_an_error_is_readable_without_its_sixth_field_and_below_166_has_none() -> None:
    expected = GatewayMessage(7, 201, "Order rejected - reason:margin", "", NOW_NS)
    assert decode(frames.message(7, 201, "Order rejected - reason:margin")) == expected
    assert decode(payload(4, 2, 7, 201, "Order rejected - reason:margin")) == expected
    assert decode(payload(4, 2, 7, 201, "Order rejected - reason:margin"), 165) == expected
    assert isinstance(decode(payload(4, 2, 7, 201)), Undecodable)


@pytest.mark.parametrize(
    "raw",
    [
        frames.execution(shares="nan"),
        frames.execution()[:-3],
        frames.execution() + b"surplus\0",
        frames.order_status() + b"0\0",
        frames.open_order(status=""),
        payload(9, 1, "x"),
        payload(59, 1, "id", "NaN", "USD", "", "", ""),
        payload("", "what"),
        b"no terminator",
        b"\0",
    ],
)
def test_what_cannot_be_read_about_orders_says_so(raw: bytes) -> None:
    damaged = decode(raw)
    assert isinstance(damaged, Undecodable)
    assert (damaged.raw, damaged.plane) == (raw, Plane.ORDERS)
    assert damaged.reason


@pytest.mark.parametrize("raw", [b"garbage\0", b"", b"-5\0", b"9" * 5000 + b"\0"])
def test_a_frame_without_a_message_id_counts_as_an_order_message(raw: bytes) -> None:
    damaged = decode(raw)
    assert (damaged.message_id, damaged.plane) == (UNREADABLE_ID, Plane.ORDERS)


GOOD = [
    frames.bid_ask(REQ),
    frames.open_order(),
    frames.completed_order(),
    frames.execution(),
    frames.order_status(),
    frames.commission_report(),
    frames.position(),
    frames.message(7, 201, "no"),
    frames.contract_details(REQ),
    payload(1, 6, REQ, 1, 585.5, 300, 0),
    payload(2, 6, REQ, 3, 200),
    payload(9, 1, 295),
    payload(15, 1, "DU1"),
    payload(55, 1, 3),
    payload(17, REQ, "a", "b", 1, "1772461800", 1, 2, 0.5, 1.5, 100, 1.2, 10),
    payload(50, 3, REQ, 1775489220, 585.5, 586, 585.25, 585.75, 1200, 585.6, 17),
    payload(45, 6, REQ, 49, 0),
    payload(99, REQ, 1, 1775489224, 585.51, 40, 0, "NASDAQ", ""),
]


@given(st.sampled_from(GOOD), st.data())
def test_mutated_frames_never_raise(good: bytes, data: st.DataObject) -> None:
    mutated = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutated)))
        removed = data.draw(st.integers(0, 3))
        mutated[at : at + removed] = data.draw(st.binary(max_size=4))
    both(bytes(mutated))


@given(st.binary(max_size=300))
def test_random_frames_never_raise(raw: bytes) -> None:
    both(raw)


@given(
    st.sampled_from([1, 2, 3, 4, 5, 9, 11, 45, 46, 50, 59, 61, 99, 101, 10, 17, 63, 73]),
    st.lists(st.text(max_size=8)),
)
def test_random_fields_never_raise(message_id: int, fields: list[str]) -> None:
    both(payload(message_id, *(field.replace("\0", "") for field in fields)))


def both(raw: bytes) -> None:
    """Decode like the router does."""
    if decode(raw) is None:
        Breadth(178).decode(raw, NOW_NS)


def test_the_breadth_of_ib_async_decodes_contract_details() -> None:
    (call,) = Breadth(178).decode(frames.contract_details(REQ), NOW_NS)
    assert isinstance(call, BreadthCall)
    details: Any = call.args[1]
    assert (call.name, call.args[0], details.contract.conId, details.minTick) == (
        "contractDetails",
        REQ,
        756733,
        0.01,
    )


@pytest.mark.parametrize(
    "raw", [payload(10, REQ, "SPY"), payload(63, 1, REQ, "DU1"), payload(6666, 1), payload(52, 1, "x")]
)
def test_what_ib_async_would_have_dropped_in_a_log_line_is_an_event(raw: bytes) -> None:
    (damaged,) = Breadth(178).decode(raw, NOW_NS)
    assert isinstance(damaged, Undecodable)
    assert (damaged.raw, damaged.plane) == (raw, Plane.OTHER)


PARTS = st.fixed_dictionaries(
    {
        "delta_neutral": st.sampled_from(["", "None", "MKT"]),
        "legs": st.integers(0, 3),
        "leg_prices": st.integers(0, 3),
        "smart": st.integers(0, 2),
        "scale": st.sampled_from(["", "0", "0.5", "1.7976931348623157E308"]),
        "hedge": st.sampled_from(["", "D"]),
        "has_dn": st.sampled_from(["0", "1"]),
        "algo": st.sampled_from(["", "Adaptive"]),
        "algo_params": st.integers(0, 2),
        "conditions": st.lists(st.sampled_from([1, 3, 4, 5, 6, 7]), max_size=3),
        "order_type": st.sampled_from(["LMT", "PEG BENCH"]),
    }
)
CONDITION_FIELDS: dict[int, tuple[object, ...]] = {
    1: ("a", 1, 585.5, 756733, "SMART", 0),
    3: ("a", 1, "20260302 10:00:00"),
    4: ("o", 0, 30),
    5: ("a", "STK", "SMART", "SPY"),
    6: ("a", 1, 1000, 756733, "SMART"),
    7: ("a", 1, 2.5, 756733, "SMART"),
}


@given(PARTS)
def test_every_shape_of_an_open_order_reads_as_ib_async_reads_it(parts: dict[str, Any]) -> None:
    """Our layout against ib_async's decoder, which is the community's reading of the same message."""
    raw = frames.open_order_of_any_shape(**parts, condition_fields=CONDITION_FIELDS)
    ours = decode(raw)
    assert isinstance(ours, OpenOrder), ours
    (call,) = Breadth(178).decode(raw, NOW_NS)
    assert isinstance(call, BreadthCall), call
    _, contract, order, state = call.args
    theirs: Any = (order, contract, state)
    assert (ours.order_id, ours.order_ref, ours.tif, ours.account, ours.perm_id) == (
        theirs[0].orderId,
        theirs[0].orderRef,
        theirs[0].tif,
        theirs[0].account,
        theirs[0].permId,
    )
    assert (ours.con_id, ours.status, ours.warning) == (
        theirs[1].conId,
        theirs[2].status,
        theirs[2].warningText,
    )
    assert isinstance(decode(raw + b"0\0"), Undecodable)


@pytest.mark.parametrize("version", [157, 166, 176, 177, 178])
def test_completed_orders_and_executions_read_as_ib_async_reads_them(version: int) -> None:
    (call,) = Breadth(version).decode(frames.completed_order(version=version), NOW_NS)
    assert isinstance(call, BreadthCall)
    order: Any = call.args[1]
    state: Any = call.args[2]
    ours = decode(frames.completed_order(version=version), version)
    assert (ours.perm_id, ours.filled, ours.order_ref) == (order.permId, order.filledQuantity, order.orderRef)
    assert (ours.status, ours.completed_time) == (state.status, state.completedTime)
