"""Which log a command is about: a session's directory, or the topics of a Kafka cluster."""

from __future__ import annotations

from dataclasses import dataclass
from logging import NullHandler
from pathlib import Path
from typing import Annotated

import typer

from algo_trade.bus import Bus, KafkaAdapter
from algo_trade.bus.kafka_config import LOGGER
from algo_trade.bus.store import ORDERS_FILE
from algo_trade.clock import Clock
from algo_trade.session.report import RECORD_NAME, EvidenceMissing, SessionRecord, load_record
from algo_trade.settings import KafkaSettings

SessionDirOption = Annotated[
    Path | None, typer.Option(help="A session's directory, for the log inside it.", show_default=False)
]
BusOption = Annotated[
    str | None, typer.Option(help="kafka: the cluster of the settings.", show_default=False)
]
ProfileOption = Annotated[
    str | None, typer.Option(help="dev, paper or prod; default: ENVIRONMENT, else dev.")
]


@dataclass(frozen=True, slots=True)
class SessionPlace:
    """A session's directory, the log in it, and its record if it has one."""

    directory: Path
    log: Path
    record: SessionRecord | None


def chosen(session_dir: Path | None, bus: str | None) -> SessionPlace | None:
    """The session a command names, or None for Kafka. Anything else is a usage error."""
    if bus not in (None, "kafka"):
        raise typer.BadParameter(
            f"{bus!r} is no bus to look at; there is kafka, and for the log of a session --session-dir",
            param_hint="--bus",
        )
    if (session_dir is None) == (bus is None):
        raise typer.BadParameter("name one log: --session-dir DIR, or --bus kafka")
    return None if session_dir is None else find_session(session_dir)


def find_session(directory: Path) -> SessionPlace:
    """The log of a session. Raises EvidenceMissing, EvidenceInvalid."""
    record = load_record(directory) if (directory / RECORD_NAME).exists() else None
    for log in (directory / (record.log if record is not None else "log"), directory):
        if (log / ORDERS_FILE).exists():
            return SessionPlace(directory, log, record)
    raise EvidenceMissing(f"{directory} holds no session's log")


def kafka_bus(settings: KafkaSettings, clock: Clock) -> Bus:
    """The bus over Kafka, for a command: it reads and writes, and is a member of no group."""
    if not LOGGER.handlers:
        LOGGER.addHandler(NullHandler())  # one error at the end, not a line for every try to connect
    return KafkaAdapter(settings, clock=clock, role="cli")
