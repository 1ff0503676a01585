"""The pictures of the market and of what was decided on it: price, fills and resting orders; order flow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from algo_trade.clock import from_utc
from algo_trade.contracts import Direction, OrderType
from algo_trade.session.report.evidence import OfiColumns
from algo_trade.session.report.fold import Folded
from algo_trade.session.report.orders import Kind, OrderStory
from algo_trade.session.report.page.chart import Levels, Line, Marker, Piece, TimeChart, draw, thinned
from algo_trade.session.report.page.markup import figure, nothing, paragraph
from algo_trade.session.report.quotes import MICROS, Mids
from algo_trade.session.report.wording import axis_money, clock_time, price

# More triangles than these hide each other; the table and report.json have them all.
_MOST_MARKERS = 400
# Pictures of more symbols than these are looked at by nobody: those with the most fills are drawn.
_MOST_SYMBOLS = 12

_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
_RESTED = {"rest-buy": "resting buy limit", "rest-sell": "resting sell limit", "rest-stop": "stop"}


def prices(folded: Folded) -> str:
    """One picture for each symbol that was quoted."""
    shown = _most_traded(folded, _in_order(folded, folded.mids))
    if not shown:
        return nothing("No quotes.")
    rested = _rested(folded)
    pictures = "".join(
        _price(folded, symbol, folded.mids[symbol], rested.get(symbol, {})) for symbol in shown
    )
    return f'{_left_out(len(folded.mids), shown)}<div class="pair">{pictures}</div>'


def flows(folded: Folded) -> str:
    """One picture for each symbol with ofi_events; nothing at all where there are none."""
    shown = _most_traded(folded, _in_order(folded, folded.data.ofi))
    pictures = "".join(_flow(folded, symbol, folded.data.ofi[symbol]) for symbol in shown)
    return f'{_left_out(len(folded.data.ofi), shown)}<div class="pair">{pictures}</div>' if shown else ""


def _in_order(folded: Folded, symbols: Iterable[str]) -> list[str]:
    """As the session named them; what it did not name comes last."""
    known = {symbol: place for place, symbol in enumerate(folded.data.record.symbols)}
    return sorted(symbols, key=lambda symbol: known.get(symbol, len(known)))


def _most_traded(folded: Folded, symbols: list[str]) -> list[str]:
    if len(symbols) <= _MOST_SYMBOLS:
        return symbols
    fills = [execution.symbol for execution in folded.executions]
    ranked = sorted(symbols, key=lambda symbol: -fills.count(symbol))[:_MOST_SYMBOLS]
    return [symbol for symbol in symbols if symbol in ranked]


def _left_out(count: int, shown: Sequence[str]) -> str:
    if count <= len(shown):
        return ""
    return paragraph(f"The {len(shown)} symbols with the most fills are drawn, of {count}.", "soft")


def _price(folded: Folded, symbol: str, mids: Mids, rested: Mapping[str, Sequence[Piece]]) -> str:
    executions = [execution for execution in folded.executions if execution.symbol == symbol]
    markers = [
        Marker(
            at_ns=execution.known_ns,
            value=execution.price_micros / MICROS,
            shape="buy" if execution.sign > 0 else "sell",
            text=(
                f"{clock_time(execution.known_ns)} {'bought' if execution.sign > 0 else 'sold'} {execution.quantity} "
                f"at ${price(execution.price_micros / MICROS)}"
            ),
        )
        for execution in executions[:_MOST_MARKERS]
    ]
    bought = sum(execution.sign > 0 for execution in executions)
    sold = len(executions) - bought
    low, high = min(mids.micros), max(mids.micros)
    summary = (
        f"{symbol} began at ${price(mids.micros[0] / MICROS)} and ended at ${price(mids.last / MICROS)}, between "
        f"${price(low / MICROS)} and ${price(high / MICROS)}, over {len(mids):,} quotes; {bought} buying and {sold} "
        "selling fills."
    )
    if len(executions) > _MOST_MARKERS:
        summary += f" The first {_MOST_MARKERS} fills are drawn."
    key = [("a", "mid price"), ("buy", "bought"), ("sell", "sold")]
    key += [(style, text) for style, text in _RESTED.items() if style in rested]
    # Thinned before they are floats: a list of a day's would be the largest thing a report needs.
    points = [(at_ns, micros / MICROS) for at_ns, micros in thinned(mids.at_ns, mids.micros)]
    chart = TimeChart(
        ident=f"price-{_place(folded, symbol)}",
        title=f"{symbol}: mid price over the session, with {bought} buying and {sold} selling fills",
        summary=summary,
        start_ns=folded.data.record.started_ns,
        end_ns=folded.data.end_ns,
        unit=axis_money,
        lines=[Line("a", points, step=True)],
        levels=[Levels(style, rested[style]) for style in _RESTED if style in rested],
        markers=markers,
    )
    return figure(f"{symbol} price and fills", draw(chart), key, summary)


def _place(folded: Folded, symbol: str) -> int:
    """A symbol is text; its number is what an id on the page may be made of."""
    return list(dict.fromkeys([*folded.mids, *folded.data.ofi])).index(symbol)


def _rested(folded: Folded) -> dict[str, dict[str, list[Piece]]]:
    """By symbol and style, the prices at which orders waited, from when until when."""
    first_fill_ns: dict[UUID, int] = {}
    for execution in folded.executions:
        first_fill_ns.setdefault(execution.intent_id, execution.known_ns)
    found: dict[str, dict[str, list[Piece]]] = {}
    for story in folded.orders:
        intent = story.intent
        if intent is None or story.kind is Kind.IMMEDIATE or story.left_ns is None:
            continue
        # An attached exit can do nothing before its entry has filled.
        parent = intent.parent_intent_id
        begins_ns = story.left_ns if parent is None else first_fill_ns.get(parent)
        if begins_ns is None:
            continue
        stop = intent.order_type in _STOPS
        style = "rest-stop" if stop else "rest-buy" if intent.direction is Direction.BUY else "rest-sell"
        until_ns = story.ended_ns or folded.data.end_ns
        for piece in _pieces(story, "stop_price" if stop else "limit_price", begins_ns, until_ns):
            found.setdefault(story.symbol, {}).setdefault(style, []).append(piece)
    return found


def _pieces(story: OrderStory, term: str, begins_ns: int, until_ns: int) -> Iterator[Piece]:
    """One for each price the order had, in the order in which its reports tell of them."""
    changes: list[tuple[int, float | None]] = [(begins_ns, getattr(story.intent, term))]
    for item in story.reports:
        told = getattr(item.report, term)
        if told is not None and told != changes[-1][1]:
            changes.append((max(begins_ns, from_utc(item.report.timestamp)), told))
    ends = [at_ns for at_ns, _ in changes[1:]] + [until_ns]
    for (at_ns, value), end_ns in zip(changes, ends, strict=True):
        if value is not None and end_ns > at_ns:
            yield at_ns, end_ns, value


def _flow(folded: Folded, symbol: str, told: OfiColumns) -> str:
    parameters = folded.data.record.strategy_parameters
    entry_z, exit_z = (_number(parameters.get(name)) for name in ("entry_z", "exit_z"))
    start_ns, end_ns = folded.data.record.started_ns, folded.data.end_ns
    markers = _decisions(folded, symbol, told)
    levels = [
        Levels(style, [(start_ns, end_ns, value), (start_ns, end_ns, -value)])
        for style, value in (("entry-z", entry_z), ("exit-z", exit_z))
        if value is not None
    ]
    beyond = (
        ""
        if entry_z is None
        else f", {sum(abs(z) >= entry_z for z in told.z)} of them at or beyond {entry_z:g}"
    )
    entries = sum(marker.shape != "exit" for marker in markers)
    summary = (
        f"{len(told.z):,} bins of {symbol}, z-score between {min(told.z):.1f} and {max(told.z):.1f}{beyond}; "
        f"{entries} entries and {len(markers) - entries} exits were decided."
    )
    key = [("f", "z-score of order flow imbalance")]
    key += [("entry-z", f"entry at ±{entry_z:g}")] if entry_z is not None else []
    key += [("exit-z", f"exit inside ±{exit_z:g}")] if exit_z is not None else []
    key += [("buy", "entry, buying"), ("sell", "entry, selling"), ("exit", "exit")]
    chart = TimeChart(
        ident=f"flow-{_place(folded, symbol)}",
        title=f"{symbol}: z-score of order flow imbalance, with thresholds and decisions",
        summary=summary,
        start_ns=start_ns,
        end_ns=end_ns,
        unit=lambda value, decimals: f"{value:.{decimals}f}",
        lines=[Line("f", thinned(told.at_ns, told.z))],
        levels=levels,
        markers=markers,
        reach=[value for z in (entry_z, exit_z) if z is not None for value in (z, -z)],
    )
    return figure(f"{symbol} order flow imbalance", draw(chart), key, summary)


def _decisions(folded: Folded, symbol: str, told: OfiColumns) -> list[Marker]:
    """Where the strategy asked for an order, at the z-score that stood then."""
    markers = []
    index = 0
    for _, intent in folded.data.intents:
        if intent.symbol != symbol or intent.strategy_id != folded.data.record.strategy_id:
            continue
        at_ns = from_utc(intent.timestamp)
        while index + 1 < len(told.at_ns) and told.at_ns[index + 1] <= at_ns:
            index += 1
        leaves = intent.target_weight == 0
        wish = f"{'exit' if leaves else 'entry'}, {intent.direction.lower()} {intent.quantity}"
        shape = "exit" if leaves else "buy" if intent.direction is Direction.BUY else "sell"
        text = f"{clock_time(at_ns)} {wish} at z = {told.z[index]:.2f}"
        markers.append(Marker(at_ns, told.z[index], shape, text))
    return markers[:_MOST_MARKERS]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
