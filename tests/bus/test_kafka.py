"""The Kafka bus keeps the port's promises, on a real broker."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from tests.bus.behaviour import BusBehaviour, Run
from tests.bus.kafka import kafka_bus

from algo_trade.bus import Bus
from algo_trade.clock import Clock, run_real


class TestKafkaAdapter(BusBehaviour):
    @pytest.fixture(autouse=True)
    def servers(self, kafka_servers: str) -> None:
        self._servers = kafka_servers

    @pytest.fixture
    def run(self) -> Run:  # real time only: the broker's clock does not jump
        return run_real

    def bus(self, clock: Clock, place: Path, *, hand_over: bool = True) -> AbstractAsyncContextManager[Bus]:
        return kafka_bus(clock, self._servers, place)
