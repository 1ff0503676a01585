"""From a decision to an OrderIntent whose identity is what caused it.

The id is a uuid5 over (session, strategy, symbol, topic, partition and offset of the event before it, ordinal
since that event): the same event can never become two different intents, whoever decides on it again, and the
order plane's journal, which takes an id once, makes that one order.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from algo_trade.contracts import Direction, IntentMetadata, OrderIntent
from algo_trade.strategy_plane.strategy import Decision, Purpose

INTENT_NAMESPACE = uuid.UUID("5f4b0c1e-7c1f-5c0a-9d2e-0a6f1b3c4d5e")
_SMALLEST_WEIGHT = 1e-6  # of an entry: what rounds to nothing must not read as an exit


def intent_id(
    session_id: str, strategy_id: str, symbol: str, topic: str, partition: int, offset: int, ordinal: int
) -> uuid.UUID:
    """The id of the `ordinal`-th intent (from 0) that the event at topic/partition/offset caused."""
    # JSON, so that no choice of names can make two different causes read the same.
    cause = json.dumps([session_id, strategy_id, symbol, topic, partition, offset, ordinal])
    return uuid.uuid5(INTENT_NAMESPACE, cause)


@dataclass(frozen=True, slots=True)
class Trigger:
    """The market event a decision was made on; `at` is its timestamp."""

    topic: str
    partition: int
    offset: int
    at: datetime

    @property
    def causation_id(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class IntentMaker:
    """Makes the intents of one strategy in one session."""

    def __init__(self, session_id: str, strategy_id: str, *, valid_s: float, max_exposure_usd: float) -> None:
        self._session_id = session_id
        self._strategy_id = strategy_id
        self._valid = timedelta(seconds=valid_s)
        self._max_exposure_usd = max_exposure_usd

    def make(
        self, decision: Decision, trigger: Trigger, *, ordinal: int, sequence_number: int, position: int
    ) -> OrderIntent:
        """`position` is what is held of the symbol now.

        The timestamp is that of the market event, not of the moment the plane got round to it: an intent decided
        on an old quote is born old and runs out by itself, latencies count the way from the quote on, and the
        same log gives the same intents to the byte. Raises pydantic's ValidationError for an impossible order.
        """
        sign = 1 if decision.direction is Direction.BUY else -1
        price = decision.limit_price or decision.mid
        return OrderIntent(
            intent_id=intent_id(
                self._session_id,
                self._strategy_id,
                decision.symbol,
                trigger.topic,
                trigger.partition,
                trigger.offset,
                ordinal,
            ),
            session_id=self._session_id,
            strategy_id=self._strategy_id,
            symbol=decision.symbol,
            direction=decision.direction,
            quantity=decision.quantity,
            order_type=decision.order_type,
            limit_price=decision.limit_price,
            stop_price=decision.stop_price,
            time_in_force=decision.time_in_force,
            urgency=decision.urgency,
            timestamp=trigger.at,
            valid_until=trigger.at + self._valid,
            decision_mid=decision.mid,
            signal_strength=decision.signal_strength,
            # A target of 0 says "out", and is how the ledger tells exits from entries after a restart.
            target_weight=(
                0.0
                if decision.purpose is Purpose.EXIT
                else self._weight(position + sign * decision.quantity, price) or sign * _SMALLEST_WEIGHT
            ),
            current_weight=self._weight(position, decision.mid),
            metadata=IntentMetadata(
                producer_id=f"strategy.{self._strategy_id}",
                sequence_number=sequence_number,
                session_id=self._session_id,
                causation_id=trigger.causation_id,
            ),
        )

    def _weight(self, shares: int, price: float) -> float:
        """Shares as a signed fraction of the exposure allowed, within -1..1."""
        if not self._max_exposure_usd > 0:
            return 0.0
        return max(-1.0, min(1.0, round(shares * price / self._max_exposure_usd, 6)))
