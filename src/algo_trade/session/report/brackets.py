"""What became of every bracket: an entry, and the exits attached to it, of which at most one should ever fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from algo_trade.contracts import OrderType
from algo_trade.session.report.orders import OrderStory


class BracketEnd(StrEnum):
    """Which of its orders decided it."""

    NOT_ENTERED = "entry not filled"
    TAKE_PROFIT = "take profit"
    STOP_LOSS = "stop loss"
    BOTH = "both exits filled"
    OTHERWISE = "closed otherwise"  # by an order outside of the bracket


@dataclass(frozen=True, slots=True)
class Bracket:
    """One family. `exits` are in the order of the log."""

    entry: OrderStory
    exits: tuple[OrderStory, ...]

    @property
    def end(self) -> BracketEnd:
        if not self.entry.filled:
            return BracketEnd.NOT_ENTERED
        filled = {_is_stop(child) for child in self.exits if child.filled}
        if len(filled) == 2:
            return BracketEnd.BOTH
        if not filled:
            return BracketEnd.OTHERWISE
        return BracketEnd.STOP_LOSS if True in filled else BracketEnd.TAKE_PROFIT

    @property
    def exited(self) -> int:
        """Shares that the exits filled."""
        return sum(child.filled for child in self.exits)


def _is_stop(story: OrderStory) -> bool:
    stops = (OrderType.STOP, OrderType.STOP_LIMIT)
    return story.intent is not None and story.intent.order_type in stops


def brackets_of(stories: Sequence[OrderStory]) -> tuple[Bracket, ...]:
    """Every entry that has exits attached, in the order of the log."""
    children: dict[UUID, list[OrderStory]] = {}
    for story in stories:
        if story.intent is not None and story.intent.parent_intent_id is not None:
            children.setdefault(story.intent.parent_intent_id, []).append(story)
    return tuple(
        Bracket(story, tuple(children[story.intent_id])) for story in stories if story.intent_id in children
    )
