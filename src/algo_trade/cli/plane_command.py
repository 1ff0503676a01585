"""`algotrade plane data|strategy|order`: one plane of a session in a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from algo_trade.bus import KafkaAdapter
from algo_trade.cli.collector import prepare_collector
from algo_trade.cli.finishing import finish
from algo_trade.cli.options import parse_duration_s, parse_symbols, read_with_options
from algo_trade.clock import Clock, Interrupts, SystemClock, SystemIds, run_real
from algo_trade.exit_codes import ExitCode
from algo_trade.session.configuration import configure
from algo_trade.session.data_process import DataProcess
from algo_trade.session.ending import Ending
from algo_trade.session.kafka_evidence import gather_from_kafka
from algo_trade.session.order_process import OrderProcess
from algo_trade.session.plan import SessionPlan, claim_directory, plan_session
from algo_trade.session.plane_process import PlaneProcess
from algo_trade.session.strategy_process import StrategyProcess
from algo_trade.settings import secret_values
from algo_trade.telemetry import Redactor, configure_logging

_PLANES: Mapping[str, type[PlaneProcess]] = {
    process.name: process for process in (DataProcess, StrategyProcess, OrderProcess)
}


def plane(
    which: Annotated[str, typer.Argument(metavar="PLANE", help="data, strategy or order.")],
    session_dir: Annotated[
        Path, typer.Option(help="The session's directory, the same for all three planes.", show_default=False)
    ],
    profile: Annotated[str, typer.Option(help="dev or paper: whose settings.")] = "paper",
    duration: Annotated[str, typer.Option(help="How long to trade: 6h, 6h30m, 90s.")] = "6h",
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 1,
    symbols: Annotated[str | None, typer.Option(help="Symbols to trade, separated by commas.")] = None,
    strategy: Annotated[str | None, typer.Option(help="What trades. Default: the settings'.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE: a parameter of the strategy. Repeatable.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="order: print the summary as JSON.")] = False,
) -> None:
    """Run one plane until its session ends; the order plane gathers the evidence and reports on it."""
    if which not in _PLANES:
        raise typer.BadParameter(f"{which!r} is no plane; there are {', '.join(_PLANES)}")
    duration_s, wanted = parse_duration_s(duration), parse_symbols(symbols) if symbols is not None else None
    configuration = configure(read_with_options(profile, strategy, set_))
    settings = configuration.settings
    if settings.session_refusal is not None:
        print(f"algotrade: {settings.session_refusal}", file=sys.stderr)
        raise typer.Exit(ExitCode.CONFIG)

    def planned() -> SessionPlan:
        return plan_session(
            settings,
            session_dir,
            clock_kind="real",
            seed=seed,
            duration_s=duration_s,
            symbols=wanted or settings.market_data.symbols,
            quotes={},
            strategy=configuration.strategy,
            clock=SystemClock(),
            ids=SystemIds(),
            bus="kafka",
        )

    plan = planned()
    if not plan.resumed and not claim_directory(plan):
        plan = planned()  # another plane was first: the session is the one it made
    began_ns = SystemClock().monotonic_ns()
    ending = _run(plan, _PLANES[which])
    if ending is not None:
        finish(plan, ending, (SystemClock().monotonic_ns() - began_ns) / 1e9, json=json, quiet=False)


def _run(plan: SessionPlan, kind: type[PlaneProcess]) -> Ending | None:
    """To the plane's end; the order plane's is the session's. Raises what broke it; typer.Exit when interrupted."""
    settings, running = plan.settings, list[PlaneProcess]()

    def on_signal(count: int) -> None:
        if count == 1 and running:
            print(f"stopping the {kind.name} plane (again: leave now)", file=sys.stderr)
            running[0].interrupt()
        else:
            os._exit(ExitCode.INTERRUPTED)

    async def body(clock: Clock) -> BaseException | None:
        configure_logging(settings.log_level, redactor=Redactor(secret_values(settings)), now_ns=clock.now_ns)
        process = kind(plan, clock, KafkaAdapter(settings.kafka, clock=clock, role=kind.name))
        running.append(process)
        print(f"{kind.name} plane of session {plan.session_id}, in {plan.directory}", file=sys.stderr)
        error = await process.run()
        if isinstance(process, OrderProcess) and process.ending is not None:
            await gather_from_kafka(settings.kafka, plan.directory, plan.record(), clock)
        return error

    prepare_collector()
    error = run_real(body, interrupts=Interrupts(on_signal))
    process = running[0]
    if isinstance(process, OrderProcess) and process.ending is not None:
        return process.ending  # which tells of an error, too
    if error is not None:
        raise error
    if process.host.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    return None
