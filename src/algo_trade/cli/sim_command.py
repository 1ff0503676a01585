"""`algotrade sim serve`: the gateway simulator, for any program that speaks the TWS protocol; and what it trades."""

from __future__ import annotations

import asyncio
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from algo_trade.cli.options import parse_halts, parse_quotes, parse_speed, parse_symbols
from algo_trade.clock import Clock, Interrupts, run_real
from algo_trade.exit_codes import ExitCode
from algo_trade.gateway_sim import SimulatorConfig, load_listing, serve
from algo_trade.gateway_sim.config import DEFAULT_SYMBOLS
from algo_trade.telemetry import Redactor, configure_logging

# A pipe has no width of its own, and a value cut in two is no value.
_PIPE_WIDTH = 200


class Hours(StrEnum):
    """When the simulated exchange is open."""

    ALWAYS = "always"
    REGULAR = "regular"


sim_app = typer.Typer(no_args_is_help=True)


def serve_command(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any free one.")
    ] = 4002,
    seed: Annotated[int, typer.Option(help="The market's seed.")] = 1,
    symbols: Annotated[str, typer.Option(help="Symbols with a market, separated by commas.")] = ",".join(
        DEFAULT_SYMBOLS
    ),
    quotes: Annotated[
        list[str] | None, typer.Option(help="SYM=FILE: serve recorded quotes. Repeatable.")
    ] = None,
    speed: Annotated[str, typer.Option(help="How many times as fast as real time the quotes pass.")] = "1",
    ack_ms: Annotated[float, typer.Option(min=0, help="Mean time to acknowledge an order, ms.")] = 20.0,
    fill_ms: Annotated[float, typer.Option(min=0, help="Mean time from there to the market, ms.")] = 40.0,
    lines: Annotated[int, typer.Option(min=1, help="Market data lines; other limits follow from it.")] = 100,
    hours: Annotated[
        Hours,
        typer.Option(help="When the exchange is open: always, or regular (New York's days of trading)."),
    ] = Hours.ALWAYS,
    halt: Annotated[
        list[str] | None,
        typer.Option(help="SYM=HH:MM+5m: halt a symbol at this time in New York, every day. Repeatable."),
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option(help="Instruments of your own, a YAML file (see sim instruments).")
    ] = None,
    wire_log: Annotated[
        Path | None,
        typer.Option(help="Note every order and cancel frame that arrives in this file (JSON lines)."),
    ] = None,
) -> None:
    """Serve until Ctrl-C. Prints one JSON line with host and port when it listens."""
    factor = parse_speed(speed).factor
    if factor is None:
        raise typer.BadParameter(
            "a simulator for other programs runs in real time: name a number", param_hint="--speed"
        )
    if hours is Hours.REGULAR and factor != 1:
        raise typer.BadParameter("regular hours are the clock's own: --speed must be 1", param_hint="--speed")
    config = SimulatorConfig(
        seed=seed,
        symbols=parse_symbols(symbols),
        quotes=parse_quotes(quotes or []),
        speed=factor,
        ack_ms=ack_ms,
        fill_ms=fill_ms,
        lines=lines,
        regular_hours=hours is Hours.REGULAR,
        halts=parse_halts(halt or []),
        catalogue=catalogue,
        wire_log=wire_log,
    )
    _serve(config, host, port)


def _serve(config: SimulatorConfig, host: str, port: int) -> None:
    configure_logging("INFO", redactor=Redactor(()))

    def ready(bound_host: str, bound_port: int) -> None:
        print(json.dumps({"host": bound_host, "port": bound_port}), flush=True)

    serving: list[asyncio.Task[None]] = []

    async def body(clock: Clock) -> None:
        serving.append(asyncio.ensure_future(serve(config, host, port, clock, ready)))
        await asyncio.wait(serving)

    def stop(_count: int) -> None:
        serving[0].cancel()

    run_real(body, interrupts=Interrupts(stop))
    if not serving[0].cancelled() and (error := serving[0].exception()) is not None:
        if not isinstance(error, OSError):
            raise error
        print(f"algotrade: cannot listen on {host}:{port}: {error.strerror}", file=sys.stderr)
        raise typer.Exit(ExitCode.CONFIG)


def instruments_command(
    catalogue: Annotated[
        Path | None, typer.Option(help="Instruments of your own, over the shipped ones.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print instruments and patterns as one JSON object.")
    ] = False,
) -> None:
    """List the instruments and how each one trades. Any other symbol can be served too: it is made up from its name."""
    listing = load_listing(catalogue)
    if as_json:
        print(listing.as_json())
        return
    table = Table("symbol", "conId", "listing", "price $", box=None, pad_edge=False)
    for heading in ("spread ¢", "depth", "day vol", "quotes/s", "trades", "comoves", "pattern", "algos"):
        table.add_column(heading)
    for instrument in listing.instruments.values():
        low, high = instrument.base_price
        table.add_row(
            instrument.symbol,
            str(instrument.con_id),
            instrument.listing,
            f"{low:g}-{high:g}",
            str(instrument.spread_cents),
            str(instrument.depth_shares),
            f"{instrument.daily_volatility:.1%}",
            f"{instrument.quotes_per_s:g}",
            f"{instrument.trade_share:.0%}",
            f"{instrument.comovement:.0%}",
            instrument.pattern,
            "yes" if instrument.algos else "no",
        )
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)
