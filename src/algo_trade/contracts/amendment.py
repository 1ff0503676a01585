"""A wish to change or end an order that is working. Ours: the plan has intents only, and a limit order that rests
must be moved and withdrawn.

An amendment travels on order_intents, behind the intent it names and under the same key, so the order plane reads it
after that intent, always. What came of it is told by the intent's execution reports: a report that answers an
amendment carries its id, and where it was refused, `error_message` says why and the order is as it was.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, model_validator

from algo_trade.contracts.base import Message, Positive, PositiveCount, Symbol, Text, UtcTime
from algo_trade.contracts.orders import IntentMetadata


class AmendmentAction(StrEnum):
    CANCEL = "CANCEL"
    REPLACE = "REPLACE"


_TERMS = ("quantity", "limit_price", "stop_price")
# A term that is null says nothing, so a schema has to ask for a number and not only for the name.
_SOME_TERM: dict[str, Any] = {
    "anyOf": [{"required": [name], "properties": {name: {"type": "number"}}} for name in _TERMS]
}


class OrderAmendment(Message):
    """Cancel an order, or replace its terms; a term that is left out stays as it is.

    `intent_id` names the order. `amendment_id` is a uuid5 of what caused the amendment, as an intent's id is, so the
    same cause is carried out once. `quantity` is the whole order's, what has filled included, in shares. A REPLACE
    past `valid_until` is not sent; a CANCEL never expires, since it only makes exposure smaller.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"action": {"const": "REPLACE"}}},
            "then": _SOME_TERM,
            "else": {"not": _SOME_TERM},
        }
    )

    event_type: Literal["order_amendment"] = "order_amendment"
    amendment_id: UUID
    intent_id: UUID
    session_id: Text
    symbol: Symbol
    strategy_id: Text
    action: AmendmentAction
    timestamp: UtcTime
    valid_until: UtcTime
    quantity: PositiveCount | None = None
    limit_price: Positive | None = None
    stop_price: Positive | None = None
    metadata: IntentMetadata | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        terms = [getattr(self, name) for name in _TERMS]
        if self.action is AmendmentAction.CANCEL and any(term is not None for term in terms):
            raise ValueError("a CANCEL has no new terms")
        if self.action is AmendmentAction.REPLACE and all(term is None for term in terms):
            raise ValueError("a REPLACE needs a new quantity, limit_price or stop_price")
        return self
