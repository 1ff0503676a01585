"""How a symbol's bars pass from history to live ones and back, as one table.

Theory. Live bars are asked for first, history second: what happens between is then in both, and the cursor of the
assembler takes each five seconds once. Rule 1: history of a size is published up to a boundary chosen before it is
asked for, the beginning of the bar under way a little ago; every later bar is assembled from five seconds, of history
up to the first live ones and live from there. So the two can neither overlap nor leave a gap between them. Rule 2:
nothing assembled is published before history has been, or the order of closes would break. Rule 3: whatever is missing
(a reconnect, 1101, a feed that went silent, a bar that could not be read) is noticed by the bar that waits for it, and
asked for from history; what history does not have is conceded, told, and shows in the bar's completeness. So a gap has
one remedy, whatever made it. Rule 4: a close that was published, in this life or an earlier one, is never published
again: the newest close of each size is the watermark, read back from market_events after a restart.

    BACKFILLING  history of some size has not been told yet; live bars are kept
    FOLLOWING    bars are published as they close
    BEHIND       a bar that is over waits for five seconds that did not come
"""

from __future__ import annotations

from enum import Enum


class Stage(Enum):
    BACKFILLING = "backfilling"
    FOLLOWING = "following"
    BEHIND = "behind"


class Change(Enum):
    HISTORY_TOLD = "history told"  # of every size, or it was said that there is none
    MISSED = "missed"  # a bar that is over lacks five seconds
    CAUGHT_UP = "caught up"  # nothing is missing, or what is was conceded


TRANSITIONS: dict[tuple[Stage, Change], Stage] = {
    (Stage.BACKFILLING, Change.HISTORY_TOLD): Stage.FOLLOWING,
    (Stage.FOLLOWING, Change.MISSED): Stage.BEHIND,
    (Stage.BEHIND, Change.MISSED): Stage.BEHIND,
    (Stage.BEHIND, Change.CAUGHT_UP): Stage.FOLLOWING,
    (Stage.FOLLOWING, Change.CAUGHT_UP): Stage.FOLLOWING,
}


class IllegalChange(AssertionError):
    """A change the table does not have: a defect of ours."""


def advance(stage: Stage, change: Change) -> Stage:
    """The next stage. Raises IllegalChange for what the table does not allow."""
    after = TRANSITIONS.get((stage, change))
    if after is None:
        raise IllegalChange(f"{change.value!r} while {stage.value}")
    return after
