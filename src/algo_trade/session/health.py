"""Whether a session can work, for machines that ask every few seconds: the bus, how fresh its topics are, the latch.

Asked from outside, and nothing is changed: a session's log is read beside its writer, a cluster through its admin
client, the journal read-only. Records of a session in virtual time have no age: its clock is none of the machine's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import JsonValue

from algo_trade.bus import BusError, EmbeddedLogReader, GroupLag
from algo_trade.bus.kafka_look import look_at_cluster
from algo_trade.clock import Clock, utc
from algo_trade.contracts import TOPICS
from algo_trade.exit_codes import ExitCode
from algo_trade.order_plane.journal import KillEvent
from algo_trade.order_plane.journal_look import look_at_journal
from algo_trade.settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class Health:
    """`newest_ns`: when each topic's newest record was written, UTC epoch ns, None for a topic without records.

    `trouble` is why the bus cannot be used, None where it can. `journal` is where the latch was looked for, None where
    there is none to look at.
    """

    bus: str
    trouble: str | None = None
    newest_ns: Mapping[str, int | None] = field(default_factory=dict)
    groups: tuple[GroupLag, ...] = ()
    journal: Path | None = None
    latched: KillEvent | None = None

    @property
    def exit_code(self) -> ExitCode:
        if self.trouble is not None:
            return ExitCode.UNREACHABLE
        return ExitCode.OK if self.latched is None else ExitCode.RISK

    def told(self, now_ns: int | None) -> dict[str, JsonValue]:
        """For scripts; ages in seconds, None where the clock of the records is not that of `now_ns`."""
        return {
            "healthy": self.exit_code is ExitCode.OK,
            "bus": {
                "kind": self.bus,
                "connected": self.trouble is None,
                "trouble": self.trouble,
                "topics": {
                    topic: {
                        "last_record": None if ns is None else time_text(ns),
                        "age_s": None
                        if ns is None or now_ns is None
                        else round(max(0, now_ns - ns) / 1e9, 3),
                    }
                    for topic, ns in self.newest_ns.items()
                },
                "groups": [asdict(lag) for lag in self.groups],
            },
            "kill_switch": {
                "journal": None if self.journal is None else str(self.journal),
                "latched": None if self.journal is None else self.latched is not None,
                "since": None if self.latched is None else time_text(self.latched.at_ns),
                "text": None if self.latched is None else self.latched.text,
            },
        }


def time_text(ns: int) -> str:
    return f"{utc(ns):%Y-%m-%dT%H:%M:%S.%fZ}"


def embedded_health(log_directory: Path, journal: Path | None, account: str) -> Health:
    """Of a session's log. Raises JournalStop for a journal no session could use."""
    latched = _latched(journal, account)
    try:
        with EmbeddedLogReader(log_directory) as log:
            newest = {topic: _newest_ns(log, topic) for topic in TOPICS}
            groups = tuple(log.group_lags())
    except BusError as error:
        return Health("embedded", trouble=str(error), journal=journal, latched=latched)
    return Health("embedded", newest_ns=newest, groups=groups, journal=journal, latched=latched)


def kafka_health(settings: KafkaSettings, clock: Clock, journal: Path | None, account: str) -> Health:
    """Of a cluster. Raises JournalStop for a journal no session could use."""
    latched = _latched(journal, account)
    try:
        look = look_at_cluster(settings, clock=clock)
    except BusError as error:
        return Health("kafka", trouble=str(error), journal=journal, latched=latched)
    missing = [topic for topic in TOPICS if topic not in look.newest_ns]
    trouble = f"missing on the cluster: {', '.join(missing)}; algotrade topics apply creates them"
    return Health("kafka", trouble if missing else None, look.newest_ns, look.groups, journal, latched)


def _latched(journal: Path | None, account: str) -> KillEvent | None:
    look = None if journal is None else look_at_journal(journal, account)
    return None if look is None else look.latched


def _newest_ns(log: EmbeddedLogReader, topic: str) -> int | None:
    head = log.head(topic)
    newest = [record.timestamp_ns for record in log.replay(topic, from_offset=max(0, head - 1))]
    return newest[-1] if newest else None
