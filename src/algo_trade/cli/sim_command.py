"""`algotrade sim serve` and `record`: the gateway simulator, for any TWS client; and the instruments it trades."""

from __future__ import annotations

import asyncio
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from algo_trade.cli.options import parse_halts, parse_quotes, parse_speed, parse_symbols
from algo_trade.clock import Clock, Interrupts, run_real
from algo_trade.exit_codes import ExitCode
from algo_trade.gateway_sim import SimulatorConfig, load_listing, load_recording, serve
from algo_trade.gateway_sim.config import DEFAULT_SYMBOLS
from algo_trade.telemetry import Redactor, configure_logging

# A pipe has no width of its own, and a value cut in two is no value.
_PIPE_WIDTH = 200


class Hours(StrEnum):
    """When the simulated exchange is open."""

    ALWAYS = "always"
    REGULAR = "regular"


sim_app = typer.Typer(no_args_is_help=True)


Quotes = Annotated[list[str] | None, typer.Option(help="SYM=FILE: serve recorded quotes. Repeatable.")]
Speed = Annotated[str, typer.Option(help="How many times as fast as real time the quotes pass.")]
OpeningHours = Annotated[
    Hours,
    typer.Option(help="When the exchange is open: always, or regular (New York's days of trading)."),
]
Halts = Annotated[
    list[str] | None,
    typer.Option(help="SYM=HH:MM+5m: halt a symbol at this time in New York, every day. Repeatable."),
]
OwnInstruments = Annotated[
    Path | None, typer.Option(help="Instruments of your own, a YAML file (see sim instruments).")
]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any free one.")]
Seed = Annotated[int, typer.Option(help="The market's seed.")]
Symbols = Annotated[str, typer.Option(help="Symbols with a market, separated by commas.")]
Ack = Annotated[float, typer.Option(min=0, help="Mean time to acknowledge an order, ms.")]
Fill = Annotated[float, typer.Option(min=0, help="Mean time from there to the market, ms.")]
Lines = Annotated[int, typer.Option(min=1, help="Market data lines; other limits follow from it.")]
Delayed = Annotated[
    str, typer.Option(help="Of the symbols those without a live data subscription: delayed quotes only.")
]
WireLog = Annotated[
    Path | None,
    typer.Option(help="Note every order and cancel frame that arrives in this file (JSON lines)."),
]
StateDir = Annotated[
    Path | None,
    typer.Option(help="Keep account, orders, executions and ids here: a killed simulator goes on."),
]
Master = Annotated[
    int | None,
    typer.Option(min=0, help="This client hears of every client's orders (TWS's master client id)."),
]
Control = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, help="Also open a control port, on this machine only; 0 takes a free one."
    ),
]
Replay = Annotated[
    Path | None,
    typer.Option(help="Serve again what sim record wrote, with its settings: no market options beside it."),
]

_SYMBOLS = ",".join(DEFAULT_SYMBOLS)
# What a recording decides by itself.
_OF_A_RECORDING = (
    "seed",
    "symbols",
    "quotes",
    "speed",
    "ack_ms",
    "fill_ms",
    "lines",
    "delayed",
    "hours",
    "halt",
)


def serve_command(
    context: typer.Context,
    host: Host = "127.0.0.1",
    port: Port = 4002,
    seed: Seed = 1,
    symbols: Symbols = _SYMBOLS,
    quotes: Quotes = None,
    replay: Replay = None,
    speed: Speed = "1",
    ack_ms: Ack = 20.0,
    fill_ms: Fill = 40.0,
    lines: Lines = 100,
    delayed: Delayed = "",
    hours: OpeningHours = Hours.ALWAYS,
    halt: Halts = None,
    catalogue: OwnInstruments = None,
    state_dir: StateDir = None,
    master_client_id: Master = None,
    control_port: Control = None,
    wire_log: WireLog = None,
) -> None:
    """Serve until Ctrl-C. Prints one JSON line with host and port when it listens."""
    beside: dict[str, Any] = {
        "catalogue": catalogue,
        "master_client_id": master_client_id,
        "state_path": None if state_dir is None else state_dir / "state.db",
        "wire_log": wire_log,
    }
    if replay is not None:
        for name in _OF_A_RECORDING:
            source = context.get_parameter_source(name)
            if source is not None and source.name != "DEFAULT":
                option = "--" + name.replace("_", "-")
                raise typer.BadParameter(f"{option} is in the recording already", param_hint="--replay")
        config = SimulatorConfig.of_recording(load_recording(replay.expanduser()), **beside)
    else:
        config = market_config(
            seed, symbols, quotes, speed, ack_ms, fill_ms, lines, delayed, hours, halt, **beside
        )
    run_server(config, host, port, control_port)


def record_command(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    host: Host = "127.0.0.1",
    port: Port = 4002,
    seed: Seed = 1,
    symbols: Symbols = _SYMBOLS,
    quotes: Quotes = None,
    speed: Speed = "1",
    ack_ms: Ack = 20.0,
    fill_ms: Fill = 40.0,
    lines: Lines = 100,
    delayed: Delayed = "",
    hours: OpeningHours = Hours.ALWAYS,
    halt: Halts = None,
    catalogue: OwnInstruments = None,
    control_port: Control = None,
) -> None:
    """Serve until Ctrl-C, and write all that the market did."""
    config = market_config(
        seed,
        symbols,
        quotes,
        speed,
        ack_ms,
        fill_ms,
        lines,
        delayed,
        hours,
        halt,
        catalogue=catalogue,
        record=out,
    )
    run_server(config, host, port, control_port)


def market_config(
    seed: int,
    symbols: str,
    quotes: list[str] | None,
    speed: str,
    ack_ms: float,
    fill_ms: float,
    lines: int,
    delayed: str,
    hours: Hours,
    halt: list[str] | None,
    **beside: Any,
) -> SimulatorConfig:
    """The configuration these options ask for; a usage error where they contradict each other."""
    factor = parse_speed(speed).factor
    if factor is None:
        raise typer.BadParameter(
            "a simulator for other programs runs in real time: name a number", param_hint="--speed"
        )
    if hours is Hours.REGULAR and factor != 1:
        raise typer.BadParameter("regular hours are the clock's own: --speed must be 1", param_hint="--speed")
    served, recorded = parse_symbols(symbols), parse_quotes(quotes or [])
    without_live_data = frozenset(parse_symbols(delayed) if delayed else ())
    if unserved := without_live_data.difference(served, recorded):
        raise typer.BadParameter(
            f"{', '.join(sorted(unserved))} is not among the symbols served", param_hint="--delayed"
        )
    return SimulatorConfig(
        seed=seed,
        symbols=served,
        quotes=recorded,
        speed=factor,
        ack_ms=ack_ms,
        fill_ms=fill_ms,
        lines=lines,
        delayed_symbols=without_live_data,
        regular_hours=hours is Hours.REGULAR,
        halts=parse_halts(halt or []),
        **beside,
    )


def run_server(config: SimulatorConfig, host: str, port: int, control_port: int | None) -> None:
    """Serve until Ctrl-C."""
    configure_logging("INFO", redactor=Redactor(()))
    where: dict[str, Any] = {}

    def control_ready(_host: str, bound_port: int) -> None:
        where["control_port"] = bound_port

    def ready(bound_host: str, bound_port: int) -> None:
        print(json.dumps({"host": bound_host, "port": bound_port, **where}), flush=True)

    serving: list[asyncio.Task[None]] = []

    async def body(clock: Clock) -> None:
        started = serve(
            config, host, port, clock, ready, control_port=control_port, control_ready=control_ready
        )
        serving.append(asyncio.ensure_future(started))
        await asyncio.wait(serving)

    def stop(_count: int) -> None:
        serving[0].cancel()

    run_real(body, interrupts=Interrupts(stop))
    if not serving[0].cancelled() and (error := serving[0].exception()) is not None:
        if not isinstance(error, OSError):
            raise error
        ports = f"{host}:{port}" + (f" or the control port {control_port}" if control_port else "")
        print(f"algotrade: cannot listen on {ports}: {error.strerror}", file=sys.stderr)
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
