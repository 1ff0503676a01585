"""`algotrade run`: one session, from the first message to the report."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from algo_trade.bus import KafkaAdapter
from algo_trade.cli.collector import prepare_collector
from algo_trade.cli.finishing import finish
from algo_trade.cli.options import (
    Speed,
    parse_duration_s,
    parse_quotes,
    parse_speed,
    parse_symbols,
    read_with_options,
)
from algo_trade.cli.progress import terminal_watcher
from algo_trade.clock import (
    Clock,
    Interrupts,
    SeededIds,
    SystemClock,
    SystemIds,
    rng,
    run_real,
    run_virtual,
    utc,
)
from algo_trade.exit_codes import ExitCode
from algo_trade.session.configuration import configure
from algo_trade.session.ending import Ending
from algo_trade.session.kafka_evidence import gather_from_kafka
from algo_trade.session.parts import make_embedded_bus
from algo_trade.session.plan import SessionPlan, plan_session
from algo_trade.session.progress import Watcher
from algo_trade.session.session import Session
from algo_trade.settings import Settings, secret_values
from algo_trade.telemetry import Redactor, configure_logging


def run(
    profile: Annotated[str, typer.Option(help="dev (own simulator) or paper (a gateway).")] = "dev",
    duration: Annotated[str, typer.Option(help="How long to trade: 6h, 6h30m, 90s.")] = "6h",
    speed: Annotated[str, typer.Option(help="1 is real time; a number or max is virtual time.")] = "1",
    seed: Annotated[int, typer.Option(help="Seed of the simulated market and of every random choice.")] = 1,
    symbols: Annotated[str | None, typer.Option(help="Symbols to trade, separated by commas.")] = None,
    quotes: Annotated[
        list[str] | None, typer.Option(help="SYM=FILE: trade recorded quotes. Repeatable.")
    ] = None,
    bus: Annotated[str, typer.Option(help="The log between the planes: embedded or kafka.")] = "embedded",
    strategy: Annotated[
        str | None,
        typer.Option(
            help="What trades; `algotrade strategies` lists what is installed. Default: the settings'."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="NAME=VALUE: a parameter of the strategy, such as entry_z=2.5. Repeatable."
        ),
    ] = None,
    session_dir: Annotated[
        Path | None, typer.Option(help="Where the session lives; an unfinished one there is resumed.")
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Only the summary, and errors as they happen.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Run a trading session and report on it. stdout gets the summary, stderr the progress."""
    pace, duration_s = parse_speed(speed), parse_duration_s(duration)
    wanted = parse_symbols(symbols) if symbols is not None else None
    _refuse_contradictions(profile, pace, bus, bool(quotes))
    configuration = configure(read_with_options(profile, strategy, set_))
    settings = configuration.settings
    if settings.session_refusal is not None:
        print(f"algotrade: {settings.session_refusal}", file=sys.stderr)
        raise typer.Exit(ExitCode.CONFIG)
    recorded = parse_quotes(quotes or [])
    plan = plan_session(
        settings,
        session_dir or _new_directory(profile),
        clock_kind="real" if pace.real else "virtual",
        seed=seed,
        duration_s=duration_s,
        symbols=wanted or tuple(recorded) or settings.market_data.symbols,
        quotes=recorded,
        strategy=configuration.strategy,
        clock=SystemClock(),
        ids=SystemIds(),
        bus="kafka" if bus == "kafka" else "embedded",
    )
    began_ns = SystemClock().monotonic_ns()
    with terminal_watcher(plan, sys.stderr, quiet=quiet) as watcher:
        ending = _run(plan, pace, settings, watcher, log_level="ERROR" if quiet else settings.log_level)
    finish(plan, ending, (SystemClock().monotonic_ns() - began_ns) / 1e9, json=json, quiet=quiet)


def _refuse_contradictions(profile: str, pace: Speed, bus: str, has_quotes: bool) -> None:
    if bus not in ("embedded", "kafka"):
        raise typer.BadParameter(f"{bus!r} is no bus; there are embedded and kafka", param_hint="--bus")
    if bus == "kafka" and not pace.real:
        raise typer.BadParameter(
            "a cluster keeps real time: with --bus kafka a session runs at speed 1", param_hint="--speed"
        )
    if profile == "paper" and not pace.real:
        raise typer.BadParameter(
            "a gateway keeps real time: profile paper runs at speed 1", param_hint="--speed"
        )
    if profile == "paper" and has_quotes:
        raise typer.BadParameter("recorded quotes need the simulator of profile dev", param_hint="--quotes")


def _new_directory(profile: str) -> Path:
    now = utc(SystemClock().now_ns())
    return Path("sessions") / f"{profile}-{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}"


def _run(plan: SessionPlan, pace: Speed, settings: Settings, watcher: Watcher, *, log_level: str) -> Ending:
    sessions: list[Session] = []

    def on_signal(count: int) -> None:
        if count == 1 and sessions:
            print(
                "stopping: orders cancelled, positions flattened, report written (again: leave now)",
                file=sys.stderr,
            )
            sessions[0].interrupt()
        else:
            print(f"left at once: {sessions[0].what_is_open() if sessions else 'nothing'}", file=sys.stderr)
            os._exit(ExitCode.INTERRUPTED)

    async def body(clock: Clock) -> Ending:
        configure_logging(log_level, redactor=Redactor(secret_values(settings)), now_ns=clock.now_ns)
        ids = SystemIds() if pace.real else SeededIds(rng(plan.seed, "ids", str(plan.begins_ns)))
        if plan.bus == "embedded":
            sessions.append(Session(plan, clock, make_embedded_bus(plan, clock, ids), watcher))
            return await sessions[0].run()
        sessions.append(Session(plan, clock, KafkaAdapter(settings.kafka, clock=clock), watcher))
        ending = await sessions[0].run()
        await gather_from_kafka(settings.kafka, plan.directory, plan.record(), clock)
        return ending

    prepare_collector()
    interrupts = Interrupts(on_signal)
    if pace.real:
        return run_real(body, interrupts=interrupts)
    return run_virtual(body, start_ns=plan.begins_ns, speed=pace.factor, interrupts=interrupts)
