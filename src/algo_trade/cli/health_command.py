"""`algotrade health`: whether a session can work, for whatever watches it."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer

from algo_trade.cli.session_place import BusOption, ProfileOption, SessionDirOption, SessionPlace, chosen
from algo_trade.clock import SystemClock
from algo_trade.session.health import Health, embedded_health, kafka_health, time_text
from algo_trade.settings import Settings, load_settings


def health(
    session_dir: SessionDirOption = None,
    bus: BusOption = None,
    profile: ProfileOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the state as one JSON object.")] = False,
) -> None:
    """Tell whether a session can work (exit 0: it can, 4: no log, 5: the stop holds the account)."""
    place = chosen(session_dir, bus)
    if profile is None and place is not None and place.record is not None:
        profile = place.record.profile
    settings, clock = load_settings(profile), SystemClock()
    journal, account = _journal(settings, place), settings.ibkr.account_id
    if place is None:
        state = kafka_health(settings.kafka, clock, journal, account)
    else:
        state = embedded_health(place.log, journal, account)
    virtual = place is not None and place.record is not None and place.record.clock == "virtual"
    now_ns = None if virtual else clock.now_ns()
    if json:
        print(jsonlib.dumps(state.told(now_ns)))
    else:
        _print(state, now_ns)
    raise typer.Exit(state.exit_code)


def _journal(settings: Settings, place: SessionPlace | None) -> Path | None:
    """Where the account's latch is: profile dev has an account for each session, and so none without one."""
    name = f"{settings.ibkr.account_id}.journal.db"
    if settings.profile != "dev":
        return settings.data_dir / name
    return None if place is None else place.directory / name


def _print(state: Health, now_ns: int | None) -> None:
    print(f"bus          {state.bus}: {state.trouble or 'connected'}")
    for topic, ns in state.newest_ns.items():
        print(f"topic        {topic}: {_last(ns, now_ns)}")
    for lag in state.groups:
        print(f"group        {lag.group}: {lag.lag} behind in {lag.topic}/{lag.partition}")
    if state.journal is None:
        print("kill switch  not known: profile dev has one for each session")
    else:
        print(f"kill switch  {'not latched' if state.latched is None else f'latched: {state.latched.text}'}")


def _last(ns: int | None, now_ns: int | None) -> str:
    if ns is None:
        return "no record"
    return f"last at {time_text(ns)}" if now_ns is None else f"last {(now_ns - ns) / 1e9:.1f} s ago"
