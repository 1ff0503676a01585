"""The parts of a session, made from its plan. Nothing here runs anything; `session` decides when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from algo_trade.bus import Bus, EmbeddedBus
from algo_trade.clock import Clock, IdSource
from algo_trade.data_plane import BarFeed, RealTimeProducer
from algo_trade.exit_codes import ExitCode
from algo_trade.gateway_sim import GatewaySimulator, SimulatorConfig, parse_halt
from algo_trade.ibkr import IBKRHandler
from algo_trade.order_plane.journal import Journal
from algo_trade.order_plane.outbox import Outbox
from algo_trade.order_plane.plane import OrderPlane
from algo_trade.risk import Limits
from algo_trade.session.feeds import wanted_bars
from algo_trade.session.log import SessionLog
from algo_trade.session.plan import SessionPlan
from algo_trade.settings import IbkrSettings
from algo_trade.strategy_plane import Feeds, SessionWindow, Strategy, StrategyPlane


class KillLatched(Exception):
    """An earlier session's stop still holds this account."""

    exit_code: ClassVar[ExitCode] = ExitCode.RISK


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a running session consists of; `simulator` is there in profile dev only."""

    simulator: GatewaySimulator | None
    handler: IBKRHandler
    orders: OrderPlane
    strategy: StrategyPlane
    producer: RealTimeProducer
    bars: BarFeed | None  # None: nobody wants any
    feeds: Feeds  # what the strategy asked for


def open_journal(plan: SessionPlan) -> Journal:
    """The account's journal. Raises JournalStop, or KillLatched when another session's stop holds the account."""
    settings = plan.settings
    journal = Journal(plan.journal_path, settings.ibkr.account_id, synchronous=settings.journal.synchronous)
    latched = journal.latched()
    if latched is not None and latched.who != plan.session_id:
        journal.close()
        raise KillLatched(
            f"the kill switch of this account is latched ({latched.text}); when a person has decided that trading may "
            "go on: algotrade reset-kill --by NAME --reason TEXT"
        )
    return journal


def make_embedded_bus(
    plan: SessionPlan, clock: Clock, ids: IdSource, *, hand_over: bool = True
) -> EmbeddedBus:
    """The bus of a session in one process, in the session's directory."""
    power_safe = plan.settings.journal.synchronous == "full"
    return EmbeddedBus(plan.log_directory, clock=clock, ids=ids, hand_over=hand_over, power_safe=power_safe)


def make_simulator(plan: SessionPlan, clock: Clock) -> GatewaySimulator | None:
    """Profile dev brings its own gateway; its account lives as long as the session's directory."""
    settings = plan.settings
    if settings.profile != "dev":
        return None
    config = SimulatorConfig(
        seed=plan.seed,
        symbols=plan.symbols,
        quotes=dict(plan.quotes),
        account_id=settings.ibkr.account_id,
        ack_ms=settings.simulator.ack_ms,
        fill_ms=settings.simulator.fill_ms,
        lines=settings.simulator.lines,
        catalogue=settings.simulator.catalogue,
        halts=tuple(parse_halt(text) for text in settings.simulator.halts),
        market_open_ns=plan.started_ns if plan.clock_kind == "virtual" else None,
        state_path=plan.directory / "simulator.db",
    )
    return GatewaySimulator(config, clock=clock)


def make_orders(
    plan: SessionPlan,
    clock: Clock,
    bus: Bus,
    handler: IBKRHandler,
    journal: Journal,
    outbox: Outbox,
    log: SessionLog,
) -> OrderPlane:
    ibkr: IbkrSettings = plan.settings.ibkr
    return OrderPlane(
        bus,
        clock,
        handler,
        journal,
        outbox,
        log,
        Limits.from_settings(plan.settings),
        account=ibkr.account_id,
        client_id=ibkr.client_id,
        session_id=plan.session_id,
        patience_s=ibkr.timeout_sec,
    )


def make_strategy(plan: SessionPlan, clock: Clock, bus: Bus, strategy: Strategy) -> StrategyPlane:
    window = SessionWindow(plan.session_id, plan.started_ns, plan.end_ns)
    return StrategyPlane(bus, clock, strategy, plan.limits, window=window)


def make_bars(
    plan: SessionPlan, clock: Clock, bus: Bus, handler: IBKRHandler, feeds: Feeds
) -> BarFeed | None:
    if not wanted_bars(plan, feeds):
        return None
    return BarFeed(bus, clock, handler.market, session_id=plan.session_id)
