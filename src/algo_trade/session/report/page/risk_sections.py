"""What the page says of money and risk: by symbol, performance, exposure and its limits, what trading cost."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from algo_trade.session.report.page.markup import facts, table
from algo_trade.session.report.summary import Summary
from algo_trade.session.report.tables import SymbolRow
from algo_trade.session.report.wording import INSUFFICIENT, basis_points, count, duration, money


def symbols(rows: list[SymbolRow]) -> str:
    header = ["Symbol", "Quotes", "Longest silence", "OFI", "Fills", "Bought", "Sold", "Largest"]
    header += ["Position", "Realised", "Unrealised", "Commission"]
    cells = [
        [
            row.symbol,
            row.ticks,
            "–" if row.longest_silence_s is None else duration(row.longest_silence_s),
            row.ofi_sum,
            row.fills,
            row.bought,
            row.sold,
            row.largest_position,
            row.position,
            *(money(value) for value in (row.realised, row.unrealised, row.commission)),
        ]
        for row in rows
    ]
    caption = "By symbol, in shares and dollars; OFI is the sum over all quotes"
    return table("symbols-c", caption, header, cells, text_columns=1)


def performance(summary: Summary) -> str:
    """Sharpe ratio and PSR, each with its uncertainty; or why there are none."""
    found = summary.performance
    bars = (
        f"{count(found.n, 'full minute')}, {found.changed:,} of which changed the result; on the allocated capital, "
        "after commission"
    )
    interval = found.sharpe_annual_ci95
    if found.sharpe is None or found.sharpe_annual is None or interval is None or found.psr is None:
        rows = [("Sharpe ratio, PSR", f"{INSUFFICIENT}: {found.insufficient}"), ("Returns", bars)]
        return facts(rows)
    needed = "–" if found.bars_needed is None else f"{found.bars_needed:,} minutes like these"
    return facts(
        [
            ("Sharpe ratio, a minute", f"{found.sharpe:+.4f} ± {found.standard_error:.4f} (standard error)"),
            (
                "Sharpe ratio, a year",
                f"{found.sharpe_annual:+.2f}, 95 % interval {interval[0]:+.2f} to {interval[1]:+.2f} "
                "(252 x 390 minutes)",
            ),
            ("PSR", f"{found.psr:.1%}: the probability that the true ratio is above 0"),
            ("To tell it from 0", f"{needed} (95 %, one-sided)"),
            ("Skew, kurtosis", f"{found.skew:+.2f}, {found.kurtosis:.1f} (a normal has 0 and 3)"),
            ("Returns", bars),
        ]
    )


def exposure(summary: Summary, settings: Mapping[str, JsonValue]) -> str:
    """How much was at stake, beside the limits that the session started with."""
    found = summary.exposure
    in_market = INSUFFICIENT if found.time_in_market is None else f"{found.time_in_market:.1%} of the time"
    largest = (
        ", ".join(f"{symbol} {shares:+,}" for symbol, shares in found.largest_positions.items()) or "none"
    )
    drawdown = money(summary.max_drawdown)
    if summary.max_drawdown_pct is not None:
        drawdown += f", {summary.max_drawdown_pct:.2f} % of the allocated capital"
    return facts(
        [
            ("A position open", in_market),
            (
                "Gross exposure",
                f"mean {money(found.gross_mean)}, most {money(found.gross_max)}{_limit(settings, 'max_gross_usd')}",
            ),
            (
                "Net exposure",
                f"mean {money(found.net_mean)}, furthest {money(found.net_max)}{_limit(settings, 'max_net_usd')}",
            ),
            ("Largest positions", largest + _limit(settings, "max_position_shares")),
            ("Largest drawdown", drawdown),
            ("The stop", _stop(settings, summary)),
        ]
    )


def _limit(settings: Mapping[str, JsonValue], name: str) -> str:
    risk = settings.get("risk")
    value = _number(risk.get(name)) if isinstance(risk, dict) else None
    if value is None:
        return ""
    return f" (limit {value:,.0f} shares)" if name.endswith("shares") else f" (limit {money(value)})"


def _number(told: JsonValue) -> float | None:
    """Settings tell exact amounts as text."""
    try:
        return float(str(told))
    except ValueError:
        return None


def _stop(settings: Mapping[str, JsonValue], summary: Summary) -> str:
    state = "fired" if summary.kill_latched else "did not fire"
    kill = settings.get("kill_switch")
    if not isinstance(kill, dict):
        return state
    loss, fall = _number(kill.get("pnl_usd")), _number(kill.get("drawdown_pct"))
    if loss is None or fall is None:
        return state
    return f"{state}; at a result of {money(loss)} or a drawdown of {fall:g} % of the capital"


def costs(summary: Summary) -> str:
    """Where the money went between the decisions and the fills."""
    slippage, shortfall = summary.slippage, summary.shortfall
    fills = count(slippage.n, "fill")
    lost = (
        f"{INSUFFICIENT} (no fill whose decision names its mid)"
        if slippage.total is None or slippage.bps is None
        else f"{money(slippage.total)}, {basis_points(slippage.bps)} over {fills}"
    )
    rows = [("Slippage against the mid at decision", lost)]
    if shortfall.n and shortfall.bps is not None:
        rows += [
            ("Delay: decision to sending", money(shortfall.delay)),
            ("Execution: fills against the mid at sending", money(shortfall.execution)),
            ("Opportunity: what did not fill", money(shortfall.opportunity)),
            ("Commission", money(shortfall.commission)),
            (
                "Implementation shortfall",
                f"{money(shortfall.total)}, {basis_points(shortfall.bps)} of what was decided, "
                f"{count(shortfall.n, 'order')}",
            ),
        ]
    return facts(rows)
