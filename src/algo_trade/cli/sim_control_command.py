"""`algotrade sim status` and `sim fault`: look at a simulator that runs, and make things go wrong in it."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from algo_trade.cli.control_client import ControlOption, JsonOption, ask

_OVER = "none"


def status_command(control_port: ControlOption, as_json: JsonOption = False) -> None:
    """Clients, orders, positions, market, clock, limits and armed faults."""
    told = ask(control_port, "GET", "/status")
    if as_json:
        print(json.dumps(told))
        return
    clock = told["clock"]
    exchange = "open" if clock["exchange_open"] else "closed"
    print(f"account {told['account']}, serving {told['host']}:{told['port']}, seed {told['seed']}")
    print(f"clock {clock['new_york']}, exchange {exchange} until {clock['next_change']}")
    for client in told["clients"]:
        print(
            f"client {client['client_id']} at version {client['version']}, next id {client['next_order_id']}"
        )
    for order in told["orders"]:
        print(order_line(order))
    for held in told["positions"]:
        print(f"position {held['shares']} {held['symbol']} at {held['average_cost']}")
    for market in told["market"]:
        quote = f"{market['bid']} x {market['ask']}" if market["bid"] else "no quote yet"
        print(f"market {market['symbol']} {quote}{' HALTED' if market['halted'] else ''}")
    print(f"cash {told['cash']}, executions {told['executions']}")
    for fault in told["faults"]:
        print(f"fault {fault_line(fault)}")


def fault_command(
    control_port: ControlOption,
    kind: Annotated[
        str | None, typer.Argument(help="What is to go wrong; none ends what is armed. Without: list.")
    ] = None,
    parameters: Annotated[
        list[str] | None, typer.Argument(help="NAME=VALUE, as the fault takes them.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make something go wrong, once, or for a time."""
    if kind is None:
        told = ask(control_port, "GET", "/faults")
        lines = [f"armed {fault_line(fault)}" for fault in told["armed"]] or ["nothing is armed"]
        lines += [_schema_line(each) for each in told["schema"]["$defs"].values()]
    elif kind == _OVER:
        told = ask(control_port, "DELETE", "/faults")
        lines = ["nothing is armed"]
    else:
        told = ask(control_port, "POST", "/faults", {"kind": kind, **_values(parameters or [])})
        lines = [f"done {fault_line(told)}"]
    print(json.dumps(told) if as_json else "\n".join(lines))


def _values(given: list[str]) -> dict[str, Any]:
    """Each NAME=VALUE; a value is a number where it reads as one, else a text."""
    values: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name or name == "kind" or name in values:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE, or names something twice")
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    return values


def order_line(order: dict[str, Any]) -> str:
    """One order in one line."""
    at = "".join(f" {name} {order[name]}" for name in ("limit", "stop") if order[name] is not None)
    return (
        f"order {order['perm_id']} of client {order['client_id']} (id {order['order_id']}): {order['action']} "
        f"{order['quantity']} {order['symbol']} {order['type']}{at} {order['tif']}, {order['status']}, "
        f"filled {order['filled']}"
    )


def fault_line(fault: dict[str, Any]) -> str:
    return " ".join(
        [
            fault["kind"],
            *(f"{name}={value}" for name, value in fault.items() if name != "kind" and value is not None),
        ]
    )


def _schema_line(schema: dict[str, Any]) -> str:
    names = [
        name if "default" not in value else f"{name}={json.dumps(value['default'])}"
        for name, value in schema["properties"].items()
        if name != "kind"
    ]
    summary = schema["description"].split(".")[0].replace("\n", " ").replace("`", "")
    return f"  {schema['properties']['kind']['const']} {' '.join(names)}\n      {' '.join(summary.split())}."
