"""Entries that wait for their exits. A bracket comes as several records, and nothing half of one is ever sent.

What is held is in no journal yet. Instead the offset that may be committed stays before the first record held, so that
whoever reads on after a crash reads all of it again; what was accepted in between is known by its id then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from algo_trade.contracts import OrderIntent

# Exits are published behind their entry without a pause: a strategy that takes longer has died in between.
_PATIENCE_S = 2.0


@dataclass(slots=True)
class Held:
    """An entry, the exits that have come, and where the entry stands in the log. `until_s` is loop time."""

    entry: OrderIntent
    place: tuple[str, int]  # topic, partition
    offset: int
    until_s: float
    exits: list[OrderIntent] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return len(self.exits) == self.entry.attached_exits

    @property
    def intents(self) -> list[OrderIntent]:
        """The entry first."""
        return [self.entry, *self.exits]


class Brackets:
    """What the intake holds."""

    def __init__(self) -> None:
        self._held: dict[UUID, Held] = {}

    def hold(self, entry: OrderIntent, place: tuple[str, int], offset: int, now_s: float) -> None:
        """An entry that says how many exits follow it; one that is held already changes nothing."""
        self._held.setdefault(entry.intent_id, Held(entry, place, offset, now_s + _PATIENCE_S))

    def join(self, leg: OrderIntent) -> Held | None:
        """The bracket an exit belongs to, with it; None when no entry waits for it."""
        held = None if leg.parent_intent_id is None else self._held.get(leg.parent_intent_id)
        if held is not None and all(leg.intent_id != one.intent_id for one in held.exits):
            held.exits.append(leg)
        return held

    def release(self, held: Held) -> None:
        """It is being decided on."""
        del self._held[held.entry.intent_id]

    def overdue(self, now_s: float) -> list[Held]:
        """Entries whose exits have not all come in time."""
        return [held for held in self._held.values() if held.until_s <= now_s]

    @property
    def patience_ends_s(self) -> float | None:
        """When the first of them is overdue, loop time; None when nothing is held."""
        return min((held.until_s for held in self._held.values()), default=None)

    def first_offset(self, place: tuple[str, int]) -> int | None:
        """The first record held of a topic's partition."""
        return min((held.offset for held in self._held.values() if held.place == place), default=None)
