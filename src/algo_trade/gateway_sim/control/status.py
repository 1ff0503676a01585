"""What a simulator can say of itself, as JSON."""

from __future__ import annotations

from typing import Any

from algo_trade.clock import new_york, utc
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.faults.engine import Armed
from algo_trade.gateway_sim.gateway import MAX_CLIENTS, Gateway
from algo_trade.gateway_sim.messages import average_cost
from algo_trade.gateway_sim.orders import SimOrder
from algo_trade.gateway_sim.simulator import GatewaySimulator
from algo_trade.gateway_sim.wire.values import price_text

Json = dict[str, Any]


def status(simulator: GatewaySimulator) -> Json:
    """All of it."""
    gateway = simulator.gateway
    return {
        "account": gateway.account_id,
        "host": simulator.host,
        "port": simulator.port,
        "seed": gateway.config.seed,
        "clock": clock(gateway),
        "clients": [
            {
                "client_id": client.client_id,
                "version": client.version,
                "next_order_id": _next_id(gateway, client.client_id),
            }
            for client in gateway.clients
        ],
        "master_client_id": gateway.config.master_client_id,
        "orders": [order(each) for each in simulator.orders],
        "positions": _positions(gateway),
        "cash": _dollars(gateway.booking.account.cash_micros),
        "executions": len(gateway.booking.executions),
        "market": [_market(gateway, each) for each in gateway.catalogue.by_symbol.values()],
        "limits": {
            "clients": MAX_CLIENTS,
            "market_data_lines": gateway.config.lines,
            "messages_per_s": gateway.config.messages_per_s,
            "tick_by_tick": gateway.config.tick_by_tick_limit,
        },
        "faults": [armed(each) for each in simulator.faults.armed],
    }


def clock(gateway: Gateway) -> Json:
    """What time it is for the gateway, and how fast its quotes pass. The clock itself cannot be set."""
    now_ns = gateway.clock.now_ns()
    return {
        "now": utc(now_ns).isoformat(),
        "new_york": new_york(now_ns).isoformat(),
        "now_ns": now_ns,
        "exchange_open": gateway.hours.current(now_ns) is not None,
        "next_change": utc(gateway.hours.next_change_ns(now_ns)).isoformat(),
        "quote_speed": gateway.config.speed,
    }


def order(each: SimOrder) -> Json:
    return {
        "perm_id": each.perm_id,
        "client_id": each.client_id,
        "order_id": each.order_id,
        "symbol": each.symbol,
        "action": each.action,
        "quantity": each.quantity,
        "type": each.order_type,
        "limit": None if each.limit_e4 is None else price_text(each.limit_e4),
        "stop": None if each.stop_e4 is None else price_text(each.stop_e4),
        "tif": each.tif,
        "status": each.status.value,
        "filled": each.filled,
        "order_ref": each.order_ref,
    }


def armed(each: Armed) -> Json:
    ends = None if each.ends_ns is None else utc(each.ends_ns).isoformat()
    return {**each.fault.model_dump(mode="json"), "ends": ends}


def _next_id(gateway: Gateway, client_id: int) -> int:
    return gateway.ids.next_order_id(client_id)


def _positions(gateway: Gateway) -> list[Json]:
    return [
        {
            "symbol": gateway.catalogue.by_con_id[held.con_id].symbol,
            "shares": held.shares,
            "average_cost": average_cost(held),
        }
        for held in gateway.booking.account.open_positions()
    ]


def _market(gateway: Gateway, instrument: Instrument) -> Json:
    """Looking on starts no market: one that nobody has needed yet has no quote."""
    market = gateway.markets.of(instrument)
    quote = market.quote
    return {
        "symbol": instrument.symbol,
        "bid": None if quote is None else price_text(quote.bid_e4),
        "ask": None if quote is None else price_text(quote.ask_e4),
        "bid_size": None if quote is None else quote.bid_size,
        "ask_size": None if quote is None else quote.ask_size,
        "halted": market.halted,
        "finished": market.finished,
    }


def _dollars(micros: int) -> str:
    return f"{micros / 1_000_000:.2f}"
