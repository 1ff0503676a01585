"""`algotrade sim order`: the human who trades the simulated account by hand, beside every program."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from algo_trade.cli.control_client import ControlOption, JsonOption, ask
from algo_trade.cli.sim_control_command import order_line

order_app = typer.Typer(no_args_is_help=True)

Quantity = Annotated[int, typer.Argument(min=1, help="Shares.")]
Symbol = Annotated[str, typer.Argument(help="What to trade.")]
Type = Annotated[
    str | None, typer.Option(help="Order type; MKT, LMT, STP or STP LMT follow from the prices given.")
]
Limit = Annotated[str | None, typer.Option(help="Limit price, dollars.")]
Stop = Annotated[str | None, typer.Option(help="Stop price, dollars.")]
Tif = Annotated[str, typer.Option(help="Time in force.")]


def buy(
    quantity: Quantity,
    symbol: Symbol,
    control_port: ControlOption,
    type: Type = None,
    limit: Limit = None,
    stop: Stop = None,
    tif: Tif = "DAY",
    as_json: JsonOption = False,
) -> None:
    """Buy by hand."""
    _place("BUY", quantity, symbol, control_port, type, limit, stop, tif, as_json)


def sell(
    quantity: Quantity,
    symbol: Symbol,
    control_port: ControlOption,
    type: Type = None,
    limit: Limit = None,
    stop: Stop = None,
    tif: Tif = "DAY",
    as_json: JsonOption = False,
) -> None:
    """Sell by hand."""
    _place("SELL", quantity, symbol, control_port, type, limit, stop, tif, as_json)


def _place(
    action: str,
    quantity: int,
    symbol: str,
    control_port: int,
    kind: str | None,
    limit: str | None,
    stop: str | None,
    tif: str,
    as_json: bool,
) -> None:
    ticket = {"symbol": symbol.upper(), "action": action, "quantity": quantity, "tif": tif.upper()}
    given: dict[str, Any] = {"type": kind and kind.upper(), "limit": limit, "stop": stop}
    ticket |= {name: value for name, value in given.items() if value is not None}
    _tell(ask(control_port, "POST", "/orders", ticket), as_json)


def cancel(
    perm_id: Annotated[int, typer.Argument(min=1, help="The order's permId, as list shows it.")],
    control_port: ControlOption,
    as_json: JsonOption = False,
) -> None:
    """Cancel an order, whoever placed it."""
    _tell(ask(control_port, "DELETE", f"/orders/{perm_id}"), as_json)


def list_orders(control_port: ControlOption, as_json: JsonOption = False) -> None:
    """Orders that can still fill, whoever placed them."""
    orders = ask(control_port, "GET", "/orders")
    print(json.dumps(orders) if as_json else "\n".join(map(order_line, orders)) or "no order is open")


def _tell(order: dict[str, Any], as_json: bool) -> None:
    print(json.dumps(order) if as_json else order_line(order))
