"""What a session is going to be, and which directory it lives in.

A directory is one session. The same command on an unfinished directory goes on with that session: the same id,
the time that remains, one report. In virtual time everything follows from seed and settings, the id included, so
a session can be repeated anywhere; in real time an id is never used twice.

PlanError
  DirectoryFinished   usage: this directory holds a session that is over              exit 2
  OtherSession        usage: this directory holds a session of another command        exit 2
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal
from uuid import UUID, uuid5

from pydantic import JsonValue

from algo_trade.bus import EmbeddedLogReader
from algo_trade.bus.store import MARKET_FILE
from algo_trade.clock import VIRTUAL_START_NS, Clock, IdSource, utc
from algo_trade.contracts import TOPICS
from algo_trade.exit_codes import ExitCode
from algo_trade.gateway_sim import RecordedQuotes, check_halts, load_listing, parse_halt
from algo_trade.session.report import RECORD_NAME, SessionRecord, load_record
from algo_trade.settings import Settings
from algo_trade.strategy_plane import ChosenStrategy, StrategyLimits

_NAMESPACE = UUID("8c1d4a35-6a2b-5f6e-9d0e-3f7b5a1c2e44")

ClockKind = Literal["virtual", "real"]
BusKind = Literal["embedded", "kafka"]


class PlanError(Exception):
    """A session cannot be planned as asked; the text says what to do."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


class DirectoryFinished(PlanError):
    """The directory's session has ended and has its report."""


class OtherSession(PlanError):
    """The directory belongs to a session started with other settings."""


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """`begins_ns` is when this process takes part: the start, or where a resumed session goes on. UTC epoch ns."""

    settings: Settings
    directory: Path
    session_id: str
    clock_kind: ClockKind
    seed: int
    duration_s: float
    symbols: tuple[str, ...]
    quotes: Mapping[str, RecordedQuotes]
    strategy: ChosenStrategy
    fingerprint: str
    started_ns: int
    begins_ns: int
    resumed: bool
    bus: BusKind = "embedded"

    @property
    def end_ns(self) -> int:
        return self.started_ns + round(self.duration_s * 1e9)

    @property
    def log_directory(self) -> Path:
        return self.directory / "log"

    @property
    def journal_path(self) -> Path:
        """One journal an account. The simulated account of profile dev is born with its session."""
        account = self.settings.ibkr.account_id
        home = self.directory if self.settings.profile == "dev" else self.settings.data_dir
        return home / f"{account}.journal.db"

    @property
    def limits(self) -> StrategyLimits:
        """What the strategy is allowed."""
        return StrategyLimits.from_settings(self.settings, self.symbols)

    def record(self) -> SessionRecord:
        """What session.json says while the session runs."""
        return SessionRecord(
            session_id=self.session_id,
            profile=self.settings.profile,
            clock=self.clock_kind,
            seed=self.seed,
            strategy_id=self.strategy.strategy_id,
            strategy_package=self.strategy.package,
            strategy_version=self.strategy.version,
            strategy_parameters=self.strategy.values(),
            symbols=self.symbols,
            settings_fingerprint=self.fingerprint,
            allocated_capital=float(self.settings.risk.allocated_capital),
            planned_s=self.duration_s,
            bus=self.bus,
            started=utc(self.started_ns),
        )


def plan_session(
    settings: Settings,
    directory: Path,
    *,
    clock_kind: ClockKind,
    seed: int,
    duration_s: float,
    symbols: tuple[str, ...],
    quotes: Mapping[str, RecordedQuotes],
    strategy: ChosenStrategy,
    clock: Clock,
    ids: IdSource,
    bus: BusKind = "embedded",
) -> SessionPlan:
    """A new session in `directory`, or the unfinished one that is there. `clock` and `ids` are the machine's.

    Raises DirectoryFinished, OtherSession, the simulator's CatalogueError or HaltError, or the report's
    EvidenceInvalid for a damaged session.json.
    """
    virtual = clock_kind == "virtual"
    identity: dict[str, JsonValue] = {
        "settings": settings.fingerprint(),
        "clock": clock_kind,
        "seed": seed,
        "duration_s": duration_s,
        "symbols": list(symbols),
        "quotes": {symbol: _content(recorded) for symbol, recorded in quotes.items()},
        "catalogue": _check_market(settings, symbols, quotes, virtual=virtual),
        "strategy": strategy.identity(),
        **({} if bus == "embedded" else {"bus": bus}),
    }
    fingerprint = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    found = load_record(directory) if (directory / RECORD_NAME).exists() else None
    if found is not None:
        _check_resumable(found, directory, fingerprint)
        session_id, started_ns = found.session_id, found.started_ns
        begins_ns = max(started_ns, last_record_ns(directory / found.log)) if virtual else clock.now_ns()
    else:
        session_id = str(uuid5(_NAMESPACE, fingerprint)) if virtual else str(ids.uuid())
        started_ns = begins_ns = VIRTUAL_START_NS if virtual else clock.now_ns()
    return SessionPlan(
        settings=settings,
        directory=directory,
        session_id=session_id,
        clock_kind=clock_kind,
        seed=seed,
        duration_s=duration_s,
        symbols=symbols,
        quotes=quotes,
        strategy=strategy,
        fingerprint=fingerprint,
        started_ns=started_ns,
        begins_ns=begins_ns,
        resumed=found is not None,
        bus=bus,
    )


def write_record(directory: Path, record: SessionRecord) -> None:
    """session.json, whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / RECORD_NAME
    draft = path.with_suffix(".json.new")
    draft.write_text(record.model_dump_json(indent=2, exclude_none=True) + "\n", encoding="utf-8")
    draft.replace(path)


def claim_directory(plan: SessionPlan) -> bool:
    """Make the directory this session's; False when another process was first. Of any number at once, one succeeds."""
    plan.directory.mkdir(parents=True, exist_ok=True)
    path = plan.directory / RECORD_NAME
    draft = path.with_suffix(f".{plan.session_id}.new")
    draft.write_text(plan.record().model_dump_json(indent=2, exclude_none=True) + "\n", encoding="utf-8")
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def last_record_ns(log: Path) -> int:
    """When the log's newest durable record was written, UTC epoch ns; 0 for a log with nothing in it."""
    if not (log / MARKET_FILE).exists():
        return 0
    newest = 0
    with EmbeddedLogReader(log) as reader:
        for topic in TOPICS:
            for record in reader.replay(topic, from_offset=max(0, reader.head(topic) - 1)):
                newest = max(newest, record.timestamp_ns)
    return newest


def _content(recorded: RecordedQuotes) -> str:
    """What a file of quotes says, wherever it lies."""
    total = hashlib.sha256()
    for column in recorded.columns():
        total.update(column.tobytes())
    return total.hexdigest()


def _check_market(
    settings: Settings, symbols: tuple[str, ...], recorded: Collection[str], *, virtual: bool
) -> str | None:
    """Whether the simulator can make this market; returns what a catalogue of the user's own says, wherever it lies."""
    if settings.profile != "dev":
        return None
    own = settings.simulator.catalogue
    listing = load_listing(own)
    halts = tuple(parse_halt(text) for text in settings.simulator.halts)
    check_halts(halts, (*listing.instruments, *symbols), recorded, regular=virtual)
    return listing.digest() if own is not None else None


def _check_resumable(found: SessionRecord, directory: Path, fingerprint: str) -> None:
    if found.ended is not None:
        raise DirectoryFinished(
            f"{directory} holds a finished session; see it with `algotrade report {directory}`, or name another "
            "--session-dir"
        )
    if found.settings_fingerprint != fingerprint:
        raise OtherSession(
            f"{directory} holds an unfinished session that was started with other settings or options; repeat that "
            "command to resume it, or name another --session-dir"
        )
