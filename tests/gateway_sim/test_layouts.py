"""Golden frames: what we encode, ib_async's own decoder gives back, at every version it and we share."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_async.decoder import Decoder
from ib_async.objects import IBDefaults

from algo_trade.clock import VIRTUAL_START_NS
from algo_trade.gateway_sim.account import Position
from algo_trade.gateway_sim.catalogue import derived_instrument, isin_check_digit
from algo_trade.gateway_sim.catalogue_file import load_listing
from algo_trade.gateway_sim.messages import (
    commission_report,
    completed_order,
    exec_details,
    open_order,
    order_status,
    portfolio_row,
    position_row,
)
from algo_trade.gateway_sim.orders import SimExecution, SimOrder, Status
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.framing import FrameReader, split_fields
from algo_trade.gateway_sim.wire.layout import Layout
from algo_trade.gateway_sim.wire.values import money_text, price_text, to_decimal, to_int
from algo_trade.ibkr import layouts

VERSIONS = (157, 176, 177, 178)
KNOWN = tuple(load_listing().instruments.values())
SPY = KNOWN[0]
ACCOUNT = "DSIM001"
REFS = st.text(alphabet=st.characters(codec="ascii", exclude_characters="\0"), max_size=40)
PRICES = st.integers(1, 10**9)


def fields_of(data: bytes) -> list[str]:
    """The fields of one frame."""
    (payload,) = payloads_of(data)
    return split_fields(payload)


def payloads_of(data: bytes) -> list[bytes]:
    """The payloads of some frames."""
    return list(FrameReader().feed(b"API\0" + data))


def decoded(data: bytes, version: int) -> tuple[str, tuple[Any, ...]]:
    """The wrapper method ib_async calls for a frame, and its arguments."""
    calls: list[tuple[str, tuple[Any, ...]]] = []

    class Wrapper(SimpleNamespace):
        def __getattr__(self, name: str) -> Any:
            return lambda *arguments: calls.append((name, arguments))

    wrapper = Wrapper(defaultTimezone=IBDefaults().timezone, ib=SimpleNamespace(TimezoneTWS=""))
    decoder = Decoder(wrapper, version)  # type: ignore[arg-type]  # the methods it calls are all there
    fields = fields_of(data)
    decoder.handlers[int(fields[0])](fields)
    (call,) = calls
    return call


def an_order(**changes: Any) -> SimOrder:
    """A plain limit order."""
    order: dict[str, Any] = {
        "perm_id": 1376327563,
        "order_id": 13,
        "client_id": 100,
        "con_id": SPY.con_id,
        "symbol": "SPY",
        "exchange": "SMART",
        "action": "BUY",
        "quantity": 100,
        "order_type": "LMT",
        "limit_e4": 5_859_400,
        "tif": "DAY",
        "order_ref": "algo:7",
        "priority": 1,
        "received_ns": VIRTUAL_START_NS,
        "status": Status.SUBMITTED,
        "completed_ns": VIRTUAL_START_NS,
    }
    return SimOrder(**(order | changes))


def an_execution(**changes: Any) -> SimExecution:
    """A fill of 10 shares."""
    execution: dict[str, Any] = {
        "exec_id": "0000e0d5.69dd7411.01.01",
        "perm_id": 5,
        "order_id": 13,
        "client_id": 100,
        "con_id": SPY.con_id,
        "symbol": "SPY",
        "exchange": "SMART",
        "is_buy": False,
        "shares": 10,
        "price_e4": 5_859_412,
        "time_ns": VIRTUAL_START_NS,
        "cumulative_shares": 30,
        "cumulative_value_micros": 30 * 5_859_412 * 100,
        "order_ref": "a:b",
        "commission_micros": 1_005_000,
        "realized_micros": -2_100_000,
        "commission_due_ns": VIRTUAL_START_NS,
        "liquidity": 1,
    }
    return SimExecution(**(execution | changes))


COUNTS = {
    "openOrder": (open_order(an_order(), SPY, ACCOUNT, 178), 135),
    "openOrder of an algorithm": (
        open_order(
            an_order(adaptive="Normal", algo_params=[["adaptivePriority", "Normal"]]), SPY, ACCOUNT, 178
        ),
        138,
    ),
    "openOrder of an algorithm without parameters": (
        open_order(an_order(adaptive="Normal"), SPY, ACCOUNT, 178),
        136,
    ),
    "completedOrder of an algorithm": (
        completed_order(
            an_order(adaptive="Urgent", algo_params=[["adaptivePriority", "Urgent"]]), SPY, ACCOUNT, 178
        ),
        103,
    ),
    "openOrder at 157": (open_order(an_order(), SPY, ACCOUNT, 157), 128),
    "completedOrder": (completed_order(an_order(), SPY, ACCOUNT, 178), 100),
    "execDetails": (exec_details(an_execution(), SPY, ACCOUNT, 178), 32),
    "orderStatus": (order_status(an_order(), 178), 12),
    "commissionReport": (commission_report(an_execution(), 178), 8),
    "position": (position_row(Position(SPY.con_id), SPY, ACCOUNT, 178), 16),
    "portfolio": (portfolio_row(Position(SPY.con_id), SPY, ACCOUNT, 1, 178), 20),
    "error": (replies.ERROR.encode(178, {"reqId": 1, "code": 200, "text": "x"}), 6),
    "contractDetails": (replies.CONTRACT_DETAILS.encode(178, {"secIds": (("ISIN", "X"),)}), 42),
}


@pytest.mark.parametrize(("data", "count"), COUNTS.values(), ids=COUNTS)
def test_messages_have_exactly_the_fields_of_a_captured_frame(data: bytes, count: int) -> None:
    """One short is dropped by one client and ends the connection of another."""
    assert len(fields_of(data)) == count


@given(
    version=st.sampled_from(VERSIONS),
    limit=st.none() | PRICES,
    quantity=st.integers(1, 10**9),
    reference=REFS,
    status=st.sampled_from(Status),
    is_buy=st.booleans(),
)
def test_open_orders_come_back_as_put_in(
    version: int, limit: int | None, quantity: int, reference: str, status: Status, is_buy: bool
) -> None:
    """Every field a client acts on."""
    order = an_order(
        quantity=quantity,
        limit_e4=limit,
        order_type="MKT" if limit is None else "LMT",
        order_ref=reference,
        status=status,
        action="BUY" if is_buy else "SELL",
    )
    name, (order_id, contract, got, state) = decoded(open_order(order, SPY, ACCOUNT, version), version)
    assert name == "openOrder"
    assert (order_id, got.permId, got.clientId) == (13, 1376327563, 100)
    assert (contract.conId, contract.symbol, contract.exchange) == (SPY.con_id, "SPY", "SMART")
    assert (got.action, got.totalQuantity, got.orderType, got.tif) == (
        order.action, quantity, order.order_type, "DAY"
    )  # fmt: skip
    assert Decimal(str(got.lmtPrice)) == Decimal(limit or 0) / 10_000
    assert (got.orderRef, got.account, state.status) == (reference, ACCOUNT, status.value)


ALGORITHMS = st.sampled_from(["", "Urgent", "Normal", "Patient"])


@given(
    version=st.sampled_from(VERSIONS), stop=st.none() | PRICES, method=st.sampled_from([0, 2, 4, 7, 8]),
    parent=st.integers(0, 10**6), group=st.sampled_from(["", "exits"]), kind=st.integers(1, 3),
    priority=ALGORITHMS, triggered=st.booleans(),
)  # fmt: skip
def test_stops_children_groups_and_algorithms_come_back_as_put_in(
    version: int,
    stop: int | None,
    method: int,
    parent: int,
    group: str,
    kind: int,
    priority: str,
    triggered: bool,
) -> None:
    """By ib_async's decoder and by our own, which counts the fields."""
    order = an_order(
        order_type="STP LMT" if stop else "LMT", stop_e4=stop, trigger_method=method, triggered=triggered,
        parent_order_id=parent, parent_perm_id=77 if parent else 0, awaits_parent=bool(parent),
        oca_group=group, oca_type=kind, adaptive=priority,
        algo_params=[["adaptivePriority", priority]] if priority else [], status=Status.PRE_SUBMITTED,
    )  # fmt: skip
    named = group or ("77" if parent else "")
    for data, name, layout in (
        (open_order(order, SPY, ACCOUNT, version), "openOrder", layouts.OPEN_ORDER),
        (completed_order(order, SPY, ACCOUNT, version), "completedOrder", layouts.COMPLETED_ORDER),
    ):
        called, arguments = decoded(data, version)
        got = arguments[-2]
        assert called == name
        assert Decimal(str(got.auxPrice)) == Decimal(stop or 0) / 10_000
        assert (got.ocaGroup, got.ocaType) == (named, kind if named else 3)
        assert got.triggerMethod == (method if stop else 0)
        assert got.algoStrategy == ("Adaptive" if priority else "")
        params = [(param.tag, param.value) for param in got.algoParams or []]
        assert params == ([("adaptivePriority", priority)] if priority else [])
        ours = layouts.walk(layout, data[4:].split(b"\0")[:-1], version)
        assert ours["ocaGroup"] == named.encode()
        assert ours["algoStrategy"] == (b"Adaptive" if priority else b"")
    assert decoded(open_order(order, SPY, ACCOUNT, version), version)[1][2].parentId == parent
    _, status = decoded(order_status(order, version), version)
    waits = ["child"] * bool(parent) + ["trigger"] * bool(stop and not triggered)
    assert (status[6], status[9]) == (parent, ",".join(waits))


@given(version=st.sampled_from(VERSIONS), filled=st.integers(1, 100), price=PRICES, reference=REFS)
def test_order_status_and_completed_orders_come_back_as_put_in(
    version: int, filled: int, price: int, reference: str
) -> None:
    """Quantities, prices, permanent id, reference."""
    value = filled * price * 100
    order = an_order(filled=filled, value_micros=value, last_price_e4=price, order_ref=reference)
    name, arguments = decoded(order_status(order, version), version)
    assert name == "orderStatus"
    assert arguments[:4] == (13, "Submitted", filled, 100 - filled)
    assert arguments[4] == pytest.approx(price / 10_000)
    assert (arguments[5], arguments[8]) == (1376327563, 100)
    name, (_, got, state) = decoded(completed_order(order, SPY, ACCOUNT, version), version)
    assert name == "completedOrder"
    assert (got.permId, got.orderRef, got.filledQuantity, state.status) == (
        1376327563, reference, filled, "Submitted"
    )  # fmt: skip
    assert state.completedTime == "20260302 09:30:00 US/Eastern"


@given(version=st.sampled_from(VERSIONS), price=PRICES, shares=st.integers(1, 10**6), reference=REFS)
def test_executions_come_back_as_put_in(version: int, price: int, shares: int, reference: str) -> None:
    """The price exactly, the time with its zone."""
    execution = an_execution(price_e4=price, shares=shares, order_ref=reference, liquidity=shares % 2 + 1)
    name, (request_id, contract, got) = decoded(exec_details(execution, SPY, ACCOUNT, version, 9), version)
    assert (name, request_id, contract.symbol) == ("execDetails", 9, "SPY")
    assert (got.execId, got.side, got.shares) == ("0000e0d5.69dd7411.01.01", "SLD", shares)
    assert Decimal(str(got.price)) == Decimal(price) / 10_000
    assert (got.orderRef, got.cumQty, got.permId) == (reference, 30, 5)
    assert got.lastLiquidity == shares % 2 + 1
    assert got.time.timestamp() == VIRTUAL_START_NS / 1e9


def test_commission_positions_and_portfolio_come_back_as_put_in() -> None:
    """With the listing exchange where the order said SMART."""
    name, (report,) = decoded(commission_report(an_execution(), 178), 178)
    assert (name, report.commission, report.realizedPNL) == ("commissionReport", 1.005, -2.1)
    unset = commission_report(an_execution(realized_micros=None), 178)
    assert b"1.7976931348623157E308" in unset
    held = Position(SPY.con_id, shares=-30, cost_micros=-30 * 585_000_000)
    name, (account, contract, shares, cost) = decoded(position_row(held, SPY, ACCOUNT, 178), 178)
    assert (name, account, contract.exchange, shares, cost) == ("position", ACCOUNT, "ARCA", -30, 585.0)
    name, arguments = decoded(portfolio_row(held, SPY, ACCOUNT, 586_000_000, 178), 178)
    assert (name, arguments[1:6]) == ("updatePortfolio", (-30, 586.0, -17580.0, 585.0, -30.0))


@pytest.mark.parametrize("version", VERSIONS)
def test_contract_details_come_back_as_put_in(version: int) -> None:
    """Including what moved between versions."""
    data = replies.CONTRACT_DETAILS.encode(
        version,
        {**SPY.contract(), "reqId": 4, "minTick": "0.01", "longName": SPY.long_name, "timeZoneId": "US/Eastern",
         "liquidHours": "20260302:0930-20260302:1600", "secIds": (("ISIN", SPY.isin),), "stockType": "ETF"},
    )  # fmt: skip
    name, (request_id, details) = decoded(data, version)
    assert (name, request_id, details.minTick, details.stockType) == ("contractDetails", 4, 0.01, "ETF")
    assert (details.longName, details.timeZoneId) == (SPY.long_name, "US/Eastern")
    assert details.secIdList[0].value == SPY.isin


def test_a_value_without_a_field_is_our_mistake_not_a_surprise_on_the_wire() -> None:
    """Typing errors in a table do not go unnoticed."""
    with pytest.raises(KeyError):
        replies.ERROR.encode(178, {"reqID": 1})
    with pytest.raises(ValueError, match="not a layout word"):
        Layout(1, "a[1")


@given(st.integers(-(10**15), 10**15))
def test_prices_and_money_are_written_exactly(amount: int) -> None:
    """No binary fraction ever shows."""
    assert Decimal(price_text(amount)) == Decimal(amount) / 10_000
    assert Decimal(money_text(amount)) == Decimal(amount) / 1_000_000
    assert "." in price_text(amount)


def test_unset_is_read_in_every_spelling() -> None:
    """As clients of several languages write it."""
    maximum = str(int(1.7976931348623157e308))
    assert len(maximum) == 309
    for text in (
        "",
        "1.7976931348623157E308",
        "1.7976931348623157e+308",
        maximum,
        "Infinity",
        "NaN",
        "2147483647",
    ):
        assert to_decimal(text) is None
    assert to_int("9223372036854775807") is None
    assert to_int("2147483647") is None


def test_isins_of_known_and_made_up_instruments_have_their_check_digit() -> None:
    """A client that checks finds nothing."""
    for instrument in (*KNOWN, derived_instrument("XYZ"), derived_instrument("BRK B")):
        assert instrument.isin[-1] == str(isin_check_digit(instrument.isin[:-1])), instrument.symbol
        assert 0 < instrument.con_id < 2**31
