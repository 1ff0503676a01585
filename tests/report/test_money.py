"""Profit and loss: any sequence of fills keeps the identity that makes it checkable."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from algo_trade.session.report.executions import Execution
from algo_trade.session.report.pnl import (
    average_cost,
    equity_curve,
    positions_of,
    round_half_even,
)
from algo_trade.session.report.quotes import Mids

_INTENT = UUID(int=1)
_MICROS = 1_000_000


def execution(
    signed: int, price_micros: int, at_ns: int = 0, symbol: str = "SPY", commission: int | None = 0
) -> Execution:
    return Execution(
        execution_id=f"x.{at_ns}.01",
        intent_id=_INTENT,
        order_id="1",
        symbol=symbol,
        sign=1 if signed > 0 else -1,
        quantity=abs(signed),
        price_micros=price_micros,
        known_ns=at_ns,
        broker_ns=at_ns,
        commission_micros=commission,
    )


def quotes_of(rows: list[tuple[int, str, int, int]]) -> dict[str, Mids]:
    mids: dict[str, Mids] = {}
    for at_ns, symbol, bid, ask in rows:
        series = mids.setdefault(symbol, Mids())
        series.at_ns.append(at_ns)
        series.micros.append((bid + ask) // 2)
    return mids


quantities = st.integers(-50, 50).filter(bool)
prices = st.integers(1, 1000 * _MICROS)
trades = st.lists(st.tuples(quantities, prices), min_size=1, max_size=40)


@given(trades, prices)
def test_realised_and_unrealised_are_cash_and_position(fills: list[tuple[int, int]], mark: int) -> None:
    position = average_cost([execution(signed, price) for signed, price in fills], mark)
    cash = -sum(signed * price for signed, price in fills)
    assert position.quantity == sum(signed for signed, _ in fills)
    assert position.realised_micros + position.unrealised_micros == cash + position.quantity * mark
    assert position.bought - position.sold == position.quantity


@given(trades)
def test_realised_is_the_average_cost_rule_to_the_rounding(fills: list[tuple[int, int]]) -> None:
    """Against exact fractions: each closing rounds by at most half a micro-dollar."""
    held, average, realised = 0, Fraction(0), Fraction(0)
    for signed, price in fills:
        if held and (held > 0) != (signed > 0):
            closed = min(abs(signed), abs(held))
            realised += closed * (price - average) * (1 if held > 0 else -1)
            left = signed + held
            if left and (left > 0) != (held > 0):
                average = Fraction(price)
            held = left
        else:
            average = (average * abs(held) + Fraction(price) * abs(signed)) / (abs(held) + abs(signed))
            held += signed
    position = average_cost([execution(signed, price) for signed, price in fills], 1)
    assert abs(position.realised_micros - realised) <= len(fills)


@given(trades)
def test_a_flat_book_realises_what_first_in_first_out_does(fills: list[tuple[int, int]]) -> None:
    """When nothing is left open, no rule of cost can change the result."""
    rest = -sum(signed for signed, _ in fills)
    if rest:
        fills = [*fills, (rest, 500 * _MICROS)]
    lots: deque[list[int]] = deque()
    result = 0
    for signed, price in fills:
        left = signed
        while left and lots and (lots[0][0] > 0) != (left > 0):
            closed = min(abs(left), abs(lots[0][0]))
            result += closed * (price - lots[0][1]) * (1 if lots[0][0] > 0 else -1)
            lots[0][0] += closed if lots[0][0] < 0 else -closed
            left += closed if left < 0 else -closed
            if not lots[0][0]:
                lots.popleft()
        if left:
            lots.append([left, price])
    position = average_cost([execution(signed, price) for signed, price in fills], 7)
    assert (position.quantity, position.cost_micros) == (0, 0)
    assert position.realised_micros == result


@st.composite
def sessions(draw: st.DrawFn) -> tuple[list[Execution], dict[str, Mids]]:
    symbols = ["SPY", "QQQ", "NEVER"]
    moments = st.integers(0, 1000)
    executions = [
        execution(
            draw(quantities),
            draw(prices),
            draw(moments),
            draw(st.sampled_from(symbols)),
            draw(st.integers(0, 9)),
        )
        for _ in range(draw(st.integers(0, 12)))
    ]
    executions.sort(key=lambda item: item.known_ns)
    rows = []
    for at_ns in sorted(draw(st.lists(moments, max_size=20))):
        bid = draw(prices)
        rows.append((at_ns, draw(st.sampled_from(symbols[:2])), bid, bid + draw(st.integers(0, 10))))
    return executions, quotes_of(rows)


@given(sessions())
def test_the_equity_curve_ends_at_the_books_result(session: tuple[list[Execution], dict[str, Mids]]) -> None:
    executions, quotes = session
    curve = equity_curve(executions, quotes, 0)
    positions = positions_of(executions, {symbol: mids.last for symbol, mids in quotes.items()})
    gross = sum(position.realised_micros + position.unrealised_micros for position in positions.values())
    commission = sum(position.commission_micros for position in positions.values())
    assert curve.gross[-1] == gross
    assert curve.net[-1] == gross - commission
    assert list(curve.at_ns) == sorted(curve.at_ns)


@given(sessions())
def test_the_drawdown_is_the_worst_of_all_pairs(session: tuple[list[Execution], dict[str, Mids]]) -> None:
    curve = equity_curve(*session, 0)
    worst = max(max(curve.net[: index + 1]) - value for index, value in enumerate(curve.net))
    assert curve.max_drawdown_micros == worst == max(curve.drawdown)


def test_rounding_is_to_the_even_of_two() -> None:
    assert [round_half_even(n, 2) for n in (-3, -1, 1, 3, 5)] == [-2, 0, 0, 2, 2]
    assert round_half_even(7, -2) == -4
    assert round_half_even(-10, -4) == 2
