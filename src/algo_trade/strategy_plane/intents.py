"""From an action to the messages of order_intents, whose identity is what caused them.

An intent's id is a uuid5 over (session, strategy, symbol, topic, partition and offset of the event before it, ordinal
since that event): the same event can never become two different intents, whoever decides on it again, and the
order plane's journal, which takes an id once, makes that one order. Amendments have ids of the same making in a
namespace and with ordinals of their own.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from algo_trade.contracts import (
    AmendmentAction,
    Direction,
    IntentMetadata,
    OrderAmendment,
    OrderIntent,
    OrderType,
    TimeInForce,
)
from algo_trade.strategy_plane.actions import Cancel, Decision, Purpose, Replace

INTENT_NAMESPACE = uuid.UUID("5f4b0c1e-7c1f-5c0a-9d2e-0a6f1b3c4d5e")
AMENDMENT_NAMESPACE = uuid.UUID("b1d7a9f2-3c58-5e0b-8a47-6d2f90c5e713")
_SMALLEST_WEIGHT = 1e-6  # of an entry: what rounds to nothing must not read as an exit


def intent_id(
    session_id: str, strategy_id: str, symbol: str, topic: str, partition: int, offset: int, ordinal: int
) -> uuid.UUID:
    """The id of the `ordinal`-th intent (from 0) that the event at topic/partition/offset caused."""
    return _of_cause(INTENT_NAMESPACE, session_id, strategy_id, symbol, topic, partition, offset, ordinal)


def amendment_id(
    session_id: str, strategy_id: str, symbol: str, topic: str, partition: int, offset: int, ordinal: int
) -> uuid.UUID:
    """The id of the `ordinal`-th amendment (from 0) that the event at topic/partition/offset caused."""
    return _of_cause(AMENDMENT_NAMESPACE, session_id, strategy_id, symbol, topic, partition, offset, ordinal)


def _of_cause(namespace: uuid.UUID, *cause: str | int) -> uuid.UUID:
    # JSON, so that no choice of names can make two different causes read the same.
    return uuid.uuid5(namespace, json.dumps(cause))


@dataclass(frozen=True, slots=True)
class Trigger:
    """The market event an action was decided on; `at` is when: the view's time."""

    topic: str
    partition: int
    offset: int
    at: datetime

    @property
    def causation_id(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class IntentMaker:
    """Makes the messages of one strategy in one session.

    Their timestamp is that of the market event, not of the moment the plane got round to it: what was decided on an old
    quote is born old and runs out by itself, latencies count the way from the quote on, and the same log gives the same
    messages to the byte. Raises pydantic's ValidationError for an impossible order.
    """

    def __init__(self, session_id: str, strategy_id: str, *, max_exposure_usd: float) -> None:
        self._session_id = session_id
        self._strategy_id = strategy_id
        self._max_exposure_usd = max_exposure_usd

    def make(
        self, decision: Decision, trigger: Trigger, *, ordinal: int, sequence_number: int, position: int
    ) -> list[OrderIntent]:
        """The intent, and those of the exits attached to it. `position` is what is held of the symbol now."""
        sign = 1 if decision.direction is Direction.BUY else -1
        price = decision.limit_price or decision.mid
        exits = _attached_exits(decision)
        entry = OrderIntent(
            intent_id=intent_id(*self._cause(decision.symbol, trigger), ordinal),
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
            valid_until=trigger.at + timedelta(seconds=decision.valid_s),
            decision_mid=decision.mid,
            signal_strength=decision.signal_strength,
            attached_exits=len(exits) or None,
            # A target of 0 says "out", and is how the ledger tells exits from entries after a restart.
            target_weight=(
                0.0
                if decision.purpose is Purpose.EXIT
                else self._weight(position + sign * decision.quantity, price) or sign * _SMALLEST_WEIGHT
            ),
            current_weight=self._weight(position, decision.mid),
            metadata=self._metadata(trigger, sequence_number),
        )
        made = [entry]
        for order_type, exit_price in exits:
            made.append(
                self._attached(
                    entry, order_type, exit_price, trigger, ordinal + len(made), sequence_number + len(made)
                )
            )
        return made

    def _attached(
        self,
        entry: OrderIntent,
        order_type: OrderType,
        price: float,
        trigger: Trigger,
        ordinal: int,
        sequence_number: int,
    ) -> OrderIntent:
        """One exit of a bracket: the other side, the same quantity; it rests even where the entry may not."""
        rests = TimeInForce.GTC if entry.time_in_force is TimeInForce.GTC else TimeInForce.DAY
        return OrderIntent(
            intent_id=intent_id(*self._cause(entry.symbol, trigger), ordinal),
            session_id=self._session_id,
            strategy_id=self._strategy_id,
            symbol=entry.symbol,
            direction=Direction.SELL if entry.direction is Direction.BUY else Direction.BUY,
            quantity=entry.quantity,
            order_type=order_type,
            limit_price=price if order_type is OrderType.LIMIT else None,
            stop_price=price if order_type is OrderType.STOP else None,
            time_in_force=rests,
            urgency=entry.urgency,
            timestamp=entry.timestamp,
            valid_until=entry.valid_until,
            decision_mid=entry.decision_mid,
            parent_intent_id=entry.intent_id,
            target_weight=0.0,
            current_weight=entry.current_weight,
            metadata=self._metadata(trigger, sequence_number),
        )

    def amend(
        self, action: Cancel | Replace, symbol: str, trigger: Trigger, *, ordinal: int, sequence_number: int
    ) -> OrderAmendment:
        """The amendment of an order in `symbol`."""
        terms = action if isinstance(action, Replace) else Replace(action.intent_id)
        return OrderAmendment(
            amendment_id=amendment_id(*self._cause(symbol, trigger), ordinal),
            intent_id=action.intent_id,
            session_id=self._session_id,
            symbol=symbol,
            strategy_id=self._strategy_id,
            action=AmendmentAction.CANCEL if isinstance(action, Cancel) else AmendmentAction.REPLACE,
            timestamp=trigger.at,
            valid_until=trigger.at + timedelta(seconds=terms.valid_s),
            quantity=terms.quantity,
            limit_price=terms.limit_price,
            stop_price=terms.stop_price,
            metadata=self._metadata(trigger, sequence_number),
        )

    def _cause(self, symbol: str, trigger: Trigger) -> tuple[str, str, str, str, int, int]:
        return (
            self._session_id,
            self._strategy_id,
            symbol,
            trigger.topic,
            trigger.partition,
            trigger.offset,
        )

    def _metadata(self, trigger: Trigger, sequence_number: int) -> IntentMetadata:
        return IntentMetadata(
            producer_id=f"strategy.{self._strategy_id}",
            sequence_number=sequence_number,
            session_id=self._session_id,
            causation_id=trigger.causation_id,
        )

    def _weight(self, shares: int, price: float) -> float:
        """Shares as a signed fraction of the exposure allowed, within -1..1."""
        if not self._max_exposure_usd > 0:
            return 0.0
        return max(-1.0, min(1.0, round(shares * price / self._max_exposure_usd, 6)))


def _attached_exits(decision: Decision) -> list[tuple[OrderType, float]]:
    """Type and price of each exit of a bracket, the take profit first."""
    prices = ((OrderType.LIMIT, decision.take_profit_price), (OrderType.STOP, decision.stop_loss_price))
    return [(order_type, price) for order_type, price in prices if price is not None]
