"""The evidence of a session that ran over Kafka."""

from __future__ import annotations

from pathlib import Path

from algo_trade.bus import KafkaAdapter
from algo_trade.clock import Clock, SystemIds
from algo_trade.session.gather import gather
from algo_trade.session.report import SessionRecord
from algo_trade.settings import KafkaSettings


async def gather_from_kafka(
    settings: KafkaSettings, directory: Path, record: SessionRecord, clock: Clock
) -> None:
    """Copy the log of the session in `directory` out of the cluster, with a bus of its own. Raises BusError."""
    bus = KafkaAdapter(settings, clock=clock, role="evidence")
    await bus.open()
    try:
        await gather(
            bus,
            directory / record.log,
            session_id=record.session_id,
            since_ns=record.started_ns,
            clock=clock,
            ids=SystemIds(),
        )
    finally:
        await bus.close()
